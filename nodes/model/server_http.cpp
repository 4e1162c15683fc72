#include "nodes/model/server_http.hpp"

#include <array>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace holdfast::model {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

constexpr std::size_t kBodyBytesMax = 4u << 20;
constexpr std::size_t kConnectionsMax = 256;
constexpr std::size_t kBodiesKept = 64;

std::string response(int status, const std::string& reason, const std::string& body,
                     const std::string& extra = "") {
  return "HTTP/1.1 " + std::to_string(status) + " " + reason +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n" + extra + "\r\n" + body;
}

std::string error_body(const std::string& text) {
  return nlohmann::json{{"error", {{"message", text}}}}.dump();
}

}  // namespace

class Connection;

class Server::Core {
 public:
  explicit Core(ServerOptions o) : options(std::move(o)) {}

  Result<> listen() {
    auto parsed = Script::parse(options.script);
    if (!parsed) return parsed.error();
    script_ = std::move(parsed.value());
    beast::error_code error;
    const auto address = asio::ip::make_address(options.address, error);
    if (error) return Error{ErrorCode::kInvalid, options.address + " is no IP address"};
    const tcp::endpoint endpoint(address, options.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return Error{ErrorCode::kUnavailable, "can't listen on " + options.address + ":" +
                                                std::to_string(options.port) + ": " +
                                                error.message()};
    port = acceptor_.local_endpoint().port();
    accept();
    return success();
  }
  void run() { context_.run(); }
  void request_stop() { context_.stop(); }
  /// Once the thread has ended: nobody connects any more, and everybody is cut off.
  void close();

  Result<> script(const std::string& text) {
    auto parsed = Script::parse(text);
    if (!parsed) return parsed.error();
    const std::lock_guard lock(mutex_);
    script_ = std::move(parsed.value());
    return success();
  }
  std::pair<Behaviour, uint64_t> next(const std::string& body) {
    const std::lock_guard lock(mutex_);
    bodies_.push_back(body);
    if (bodies_.size() > kBodiesKept) bodies_.pop_front();
    const auto behaviour = script_->next();
    ++counts_[static_cast<std::size_t>(behaviour)];
    return {behaviour, ++questions_};
  }
  uint64_t questions() const {
    const std::lock_guard lock(mutex_);
    return questions_;
  }
  std::vector<std::string> bodies() const {
    const std::lock_guard lock(mutex_);
    return {bodies_.begin(), bodies_.end()};
  }
  std::string stats() const {
    const std::lock_guard lock(mutex_);
    nlohmann::json out = {{"questions", questions_}};
    for (uint8_t code = 1; code <= kBehaviours; ++code)
      out["behaviours"][std::string(to_text(static_cast<Behaviour>(code)))] = counts_[code];
    return out.dump();
  }
  asio::io_context& context() { return context_; }
  void forget(const std::shared_ptr<Connection>& connection) { connections_.erase(connection); }

  ServerOptions options;
  uint16_t port = 0;

 private:
  void accept();

  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer again_{context_};
  std::set<std::shared_ptr<Connection>> connections_;
  mutable std::mutex mutex_;  // guards what follows
  std::optional<Script> script_;
  uint64_t questions_ = 0;
  std::array<uint64_t, kBehaviours + 1> counts_{};
  std::deque<std::string> bodies_;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server::Core& core, tcp::socket socket)
      : core_(core), socket_(std::move(socket)), timer_(core.context()) {}

  void read() {
    parser_.emplace();
    parser_->body_limit(kBodyBytesMax);
    http::async_read(socket_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code error, std::size_t) {
                       if (error) return self->close();
                       self->answer();
                     });
  }

  void cut() {
    beast::error_code ignored;
    socket_.close(ignored);
  }

 private:
  void answer() {
    const auto& request = parser_->get();
    const std::string target(request.target().data(), request.target().size());
    if (request.method() == http::verb::get && target == "/stats")
      return write(response(200, "OK", core_.stats()));
    if (request.method() == http::verb::get && target.ends_with("/models"))
      return write(response(200, "OK", R"({"object":"list","data":[{"id":"scripted"}]})"));
    if (request.method() == http::verb::post && target == "/script") {
      auto taken = core_.script(request.body());
      return write(taken ? response(200, "OK", "{}")
                         : response(400, "Bad Request", error_body(taken.error().text)));
    }
    if (request.method() != http::verb::post || !target.ends_with("/chat/completions"))
      return write(response(404, "Not Found", error_body("there is no " + target)));
    const auto wanted = "Bearer " + core_.options.key;
    if (!core_.options.key.empty() && request[http::field::authorization] != wanted)
      return write(response(401, "Unauthorized", error_body("a key is needed")));
    auto question = parse_question(request.body());
    if (!question) return write(response(400, "Bad Request", error_body(question.error().text)));
    const auto [behaviour, number] = core_.next(request.body());
    behave(behaviour, question.value(), number);
  }

  void behave(Behaviour behaviour, const Question& question, uint64_t number) {
    const auto asked = parser_->get().body().size();
    const auto retry = "Retry-After: " + std::to_string(core_.options.retry_after_s) + "\r\n";
    const auto finish = behaviour == Behaviour::kDeclined   ? "content_filter"
                        : behaviour == Behaviour::kCutShort ? "length"
                                                            : "stop";
    switch (behaviour) {
      case Behaviour::kSilent:
        return watch();
      case Behaviour::kThrottled:
        return write(response(429, "Too Many Requests", error_body("slow down"), retry));
      case Behaviour::kUnavailable:
        return write(response(503, "Service Unavailable", error_body("later"), retry));
      case Behaviour::kServerError:
        return write(response(500, "Internal Server Error", error_body("it broke")));
      case Behaviour::kForbidden:
        return write(response(401, "Unauthorized", error_body("not with this key")));
      default:
        break;
    }
    const auto body =
        completion(content_for(behaviour, question.facts, number), question.model, finish, asked);
    const auto text = response(200, "OK", body);
    if (behaviour == Behaviour::kHalf) return write_half(text, text.size() - body.size() / 2);
    if (behaviour == Behaviour::kSlow) return write_after(core_.options.slow, text);
    if (behaviour == Behaviour::kLate) return write_after(core_.options.late, text);
    write(text);
  }

  // Says nothing; ends when the other side does.
  void watch() {
    socket_.async_wait(tcp::socket::wait_read,
                       [self = shared_from_this()](beast::error_code) { self->close(); });
  }

  void write_after(Duration wait, std::string text) {
    timer_.expires_after(std::chrono::nanoseconds(wait.ns));
    timer_.async_wait([self = shared_from_this(), text = std::move(text)](beast::error_code error) {
      if (!error) self->write(text);
    });
  }

  void write(std::string text) {
    out_ = std::move(text);
    asio::async_write(socket_, asio::buffer(out_),
                      [self = shared_from_this()](beast::error_code error, std::size_t) {
                        if (error || !self->parser_->get().keep_alive()) return self->close();
                        self->read();
                      });
  }

  void write_half(const std::string& text, std::size_t bytes) {
    out_ = text.substr(0, bytes);
    asio::async_write(
        socket_, asio::buffer(out_),
        [self = shared_from_this()](beast::error_code, std::size_t) { self->close(); });
  }

  void close() {
    beast::error_code ignored;
    timer_.cancel();
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    core_.forget(shared_from_this());
  }

  Server::Core& core_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  beast::flat_buffer buffer_{kBodyBytesMax + (64u << 10)};
  std::optional<http::request_parser<http::string_body>> parser_;
  std::string out_;
};

void Server::Core::accept() {
  acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
    if (error) {
      // Out of descriptors, most likely: wait a little rather than spin on it.
      again_.expires_after(std::chrono::milliseconds(50));
      again_.async_wait([this](beast::error_code stopped) {
        if (!stopped) accept();
      });
      return;
    }
    if (connections_.size() < kConnectionsMax) {
      const auto connection = std::make_shared<Connection>(*this, std::move(socket));
      connections_.insert(connection);
      connection->read();
    }
    accept();
  });
}

void Server::Core::close() {
  beast::error_code ignored;
  acceptor_.close(ignored);
  for (const auto& connection : connections_) connection->cut();
  connections_.clear();
}

Server::Server(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options) {
  auto core = std::make_unique<Core>(std::move(options));
  if (auto listening = core->listen(); !listening) return listening.error();
  std::unique_ptr<Server> server(new Server(std::move(core)));
  server->thread_ = std::thread([core = server->core_.get()] { core->run(); });
  return server;
}

Server::~Server() { stop(); }

uint16_t Server::port() const { return core_->port; }

std::string Server::url() const {
  return "http://" + core_->options.address + ":" + std::to_string(core_->port) + "/v1";
}

Result<> Server::script(const std::string& text) { return core_->script(text); }
uint64_t Server::questions() const { return core_->questions(); }
std::vector<std::string> Server::bodies() const { return core_->bodies(); }

void Server::stop() {
  if (!thread_.joinable()) return;
  core_->request_stop();
  thread_.join();
  core_->close();
}

}  // namespace holdfast::model
