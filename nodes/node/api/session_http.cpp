#include "nodes/node/api/session_http.hpp"

#include <cstdio>

#include "nodes/node/api/endpoints_http.hpp"

namespace holdfast::operator_api {
namespace {

std::chrono::nanoseconds chrono_of(Duration duration) {
  return std::chrono::nanoseconds(duration.ns);
}

constexpr std::string_view kBearer = "Bearer ";
// How much longer than the backend the caller waits, so that the backend's own last word wins.
constexpr Duration kDeadlineGrace = Duration::milliseconds(500);

}  // namespace

Session::Session(Server::Core& core, tcp::socket socket)
    : core_(core),
      stream_(std::move(socket)),
      buffer_(core.settings.header_bytes_max + core.settings.body_bytes_max),
      deadline_(core.context()) {}

void Session::close() {
  beast::error_code ignored;
  deadline_.cancel();
  stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
  stream_.close();
}

// `within` covers the whole header, however many reads it takes: a byte at a time buys no time.
void Session::read_header(Duration within) {
  parser_.emplace();
  parser_->header_limit(static_cast<uint32_t>(core_.settings.header_bytes_max));
  parser_->body_limit(core_.largest_body);  // until it is known whose body it is
  request_ = {};
  route_ = nullptr;
  waiting_for_client_ = true;
  stream_.expires_after(chrono_of(within));
  http::async_read_header(stream_, buffer_, *parser_,
                          [self = shared_from_this()](beast::error_code error, std::size_t) {
                            self->on_header(error);
                          });
}

void Session::on_read_error(beast::error_code error) {
  waiting_for_client_ = false;
  if (error == beast::error::timeout) {
    ++core_.counters.timeouts;
    return core_.forget(shared_from_this());
  }
  if (error == http::error::end_of_stream || error == asio::error::operation_aborted ||
      error == asio::error::connection_reset || error == asio::error::eof)
    return core_.forget(shared_from_this());
  ++core_.counters.malformed;
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return refuse(
        431, "too_large",
        "the header is larger than " + std::to_string(core_.settings.header_bytes_max) + " bytes",
        "send a shorter one");
  if (error == http::error::body_limit)
    return refuse(413, "too_large",
                  "the body is larger than " + std::to_string(body_bytes_max()) + " bytes",
                  "send a smaller one");
  refuse(400, "bad_request", "this is not HTTP/1.1: " + error.message(),
         "use `holdfast` or an HTTP client");
}

void Session::on_header(beast::error_code error) {
  if (error) return on_read_error(error);
  ++core_.counters.requests;
  const auto& header = parser_->get();
  keep_alive_ = header.keep_alive();
  request_.method = std::string(header.method_string());
  auto target = parse_target({header.target().data(), header.target().size()});
  if (!target) {
    ++core_.counters.malformed;
    return refuse(400, "bad_request", target.error().text, "check the address");
  }
  request_.path = std::move(target.value().path);
  request_.segments = std::move(target.value().segments);
  request_.query = std::move(target.value().query);
  if (!authenticate()) return;
  route();
}

// Reads the token before the body: who has none can't make us hold bytes.
bool Session::authenticate() {
  const auto& header = parser_->get();
  const auto field = header[http::field::authorization];
  const std::string_view value(field.data(), field.size());
  if (value.starts_with(kBearer)) request_.who = core_.tokens.find(value.substr(kBearer.size()));
  const auto match = core_.router.match(request_.method, request_.segments);
  const bool open = match.route != nullptr && !match.route->role;
  if (request_.who || (open && value.empty())) return true;
  ++core_.counters.unauthenticated;
  refuse(401, "unauthenticated",
         value.empty() ? "a bearer token is needed" : "this token is not known",
         "send `Authorization: Bearer TOKEN` with a token of the node's token file");
  return false;
}

void Session::route() {
  auto match = core_.router.match(request_.method, request_.segments);
  if (match.route == nullptr && match.allowed.empty())
    return refuse(404, "not_found", "there is no " + request_.path, "GET /v1 lists every endpoint");
  if (match.route == nullptr) {
    allow_ = match.allowed;
    return refuse(405, "method_not_allowed", request_.path + " does not know " + request_.method,
                  "use " + match.allowed);
  }
  route_ = match.route;
  if (route_->role && request_.who->role < *route_->role) {
    ++core_.counters.forbidden;
    return refuse(403, "forbidden",
                  "this needs the role " + std::string(name_of(*route_->role)) + "; " +
                      request_.who->name + " is " + std::string(name_of(request_.who->role)),
                  "use the token of somebody with that role");
  }
  request_.names = std::move(match.names);
  request_.within = route_->within;
  read_body();
}

void Session::read_body() {
  parser_->body_limit(body_bytes_max());
  if (parser_->content_length() && *parser_->content_length() > body_bytes_max())
    return on_read_error(http::error::body_limit);
  stream_.expires_after(chrono_of(core_.settings.read_within));
  if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
    auto proceed = std::make_shared<http::response<http::empty_body>>(http::status::continue_, 11);
    http::async_write(stream_, *proceed,
                      [self = shared_from_this(), proceed](beast::error_code error, std::size_t) {
                        if (error) return self->on_body(error);
                        self->parser_->get().erase(http::field::expect);
                        self->read_body();
                      });
    return;
  }
  http::async_read(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](beast::error_code error, std::size_t) { self->on_body(error); });
}

void Session::on_body(beast::error_code error) {
  if (error) return on_read_error(error);
  waiting_for_client_ = false;
  request_.body = std::move(parser_->get().body());
  begun_ = std::chrono::steady_clock::now();
  dispatch(*route_);
}

void Session::dispatch(const Route& route) {
  if (route.effect != Effect::kNone) {
    ++core_.counters.commands;
    if (!core_.audit(request_, "asked", 0) && route.effect != Effect::kProtective)
      return refuse(503, "unavailable", "the audit log can't be written, so nothing is changed",
                    "make room on the disk of the node's audit file; kills and halts still work");
  }
  stream_.expires_never();
  const auto serial = ++serial_;
  answered_ = false;
  deadline_.expires_after(chrono_of(route.within + kDeadlineGrace));
  deadline_.async_wait([self = shared_from_this(), serial](beast::error_code error) {
    if (error || self->answered_ || serial != self->serial_) return;
    ++self->core_.counters.unanswered;
    self->answer(serial, error_response(504, "no_answer", "the node did not answer in time",
                                        "a command may still take effect: look before you repeat "
                                        "it; GET /v1/health tells how the node is"));
  });
  // The gate outlives the server: an answer after its end finds it closed.
  Reply reply = [gate = core_.gate, weak = weak_from_this(), serial](Render render) {
    const std::lock_guard lock(gate->mutex);
    if (gate->context == nullptr) return;
    asio::post(*gate->context, [weak, serial, render = std::move(render)] {
      const auto self = weak.lock();
      if (self && !self->answered_ && serial == self->serial_) self->answer(serial, render());
    });
  };
  try {
    route.handler(request_, reply);
  } catch (const std::exception& bug) {
    ++core_.counters.bugs;
    std::fprintf(stderr, "operator API: %s %s: %s\n", request_.method.c_str(),
                 request_.path.c_str(), bug.what());
    reply([] {
      return error_response(500, "internal", "this request met a bug", "look at the node's log");
    });
  }
}

void Session::answer(uint64_t serial, Response response) {
  CHECK(serial == serial_ && !answered_);
  answered_ = true;
  deadline_.cancel();
  core_.counters.latency.add(
      {std::chrono::nanoseconds(std::chrono::steady_clock::now() - begun_).count()});
  if (route_->effect != Effect::kNone) core_.audit(request_, "answered", response.status);
  write(std::move(response));
}

// Answers without asking anybody, and closes: what follows on the line may be anything.
void Session::refuse(unsigned status, std::string_view code, std::string_view text,
                     std::string_view what_to_do) {
  keep_alive_ = false;
  waiting_for_client_ = false;
  write(error_response(status, code, text, what_to_do));
}

void Session::write(Response response) {
  ++core_.counters.answers;
  if (response.status >= 400) ++core_.counters.errors;
  if (response.status >= 500) ++core_.counters.server_errors;
  if (response.status == 429) ++core_.counters.throttled;
  response_.emplace(static_cast<http::status>(response.status), 11);
  response_->set(http::field::content_type, response.content_type);
  response_->set(http::field::cache_control, "no-store");
  response_->set("X-Content-Type-Options", "nosniff");
  if (response.status == 401) response_->set(http::field::www_authenticate, "Bearer");
  if (response.status == 405) response_->set(http::field::allow, allow_);
  response_->keep_alive(keep_alive_);
  response_->body() = std::move(response.body);
  response_->prepare_payload();
  stream_.expires_after(chrono_of(core_.settings.write_within));
  http::async_write(stream_, *response_,
                    [self = shared_from_this()](beast::error_code error, std::size_t) {
                      self->on_written(error);
                    });
}

void Session::on_written(beast::error_code error) {
  if (error == beast::error::timeout) ++core_.counters.timeouts;
  if (error || !keep_alive_) return core_.forget(shared_from_this());
  read_header(core_.settings.idle_within);
}

}  // namespace holdfast::operator_api
