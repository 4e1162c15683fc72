#include "nodes/node/api/server_http.hpp"

#include <algorithm>
#include <cstdio>

#include "nodes/node/api/endpoints_http.hpp"
#include "nodes/node/api/session_http.hpp"

namespace holdfast::operator_api {

Server::Core::Core(ServerSettings s, Tokens t, Router r, std::shared_ptr<ServerCounters> c,
                   AuditSink audit, WallClock clock)
    : settings(std::move(s)),
      tokens(std::move(t)),
      router(std::move(r)),
      shared_counters(std::move(c)),
      counters(*shared_counters),
      audit_(std::move(audit)),
      clock_(std::move(clock)) {
  largest_body = settings.body_bytes_max;
  for (const auto& route : router.routes())
    largest_body = std::max(largest_body, route.body_bytes_max);
}

Result<> Server::Core::listen() {
  beast::error_code error;
  const auto address = asio::ip::make_address(settings.address, error);
  if (error)
    return Error{ErrorCode::kInvalid, "operator API: " + settings.address +
                                          " is not an IP address; expected one like 127.0.0.1"};
  const tcp::endpoint endpoint(address, settings.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(asio::socket_base::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error)
    return Error{ErrorCode::kUnavailable, "operator API: cannot listen on " + settings.address +
                                              ":" + std::to_string(settings.port) + ": " +
                                              error.message() +
                                              "; set another port in [operator_api]"};
  port = acceptor_.local_endpoint().port();
  gate->context = &context_;
  accept();
  return success();
}

void Server::Core::run() {
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& bug) {
      // One request met a bug: its connection times out, all others go on.
      ++counters.bugs;
      std::fprintf(stderr, "operator API: %s\n", bug.what());
    }
  }
}

void Server::Core::request_stop() {
  {
    const std::lock_guard lock(gate->mutex);
    gate->context = nullptr;
  }
  asio::post(context_, [this] {
    beast::error_code ignored;
    acceptor_.close(ignored);
    retry_.cancel();
    while (!sessions_.empty()) forget(sessions_.front());
    context_.stop();
  });
}

void Server::Core::accept() {
  acceptor_.async_accept([this](beast::error_code error, tcp::socket socket) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open()) return;
    if (!error) {
      admit(std::move(socket));
      return accept();
    }
    // Out of descriptors, most likely: wait a little rather than spin on it.
    retry_.expires_after(std::chrono::milliseconds(50));
    retry_.async_wait([this](beast::error_code stopped) {
      if (!stopped) accept();
    });
  });
}

void Server::Core::admit(tcp::socket socket) {
  if (sessions_.size() >= settings.connections_max) evict_one();
  beast::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  ++counters.connections;
  ++counters.open;
  sessions_.push_back(std::make_shared<Session>(*this, std::move(socket)));
  sessions_.back()->start();
}

// Makes room: the oldest connection that waits for its client, else the oldest of all.
void Server::Core::evict_one() {
  ++counters.evicted;
  for (const auto& session : sessions_)
    if (session->waiting_for_client()) return forget(session);
  forget(sessions_.front());
}

void Server::Core::forget(const std::shared_ptr<Session>& session) {
  const auto held = session;  // the caller's reference may be the list's own element
  held->close();
  const auto at = std::find(sessions_.begin(), sessions_.end(), held);
  if (at == sessions_.end()) return;
  sessions_.erase(at);
  --counters.open;
}

bool Server::Core::audit(const Request& request, std::string_view stage, unsigned status) {
  Json line = {{"time", time_json(clock_())},
               {"stage", stage},
               {"name", request.who ? request.who->name : ""},
               {"role", request.who ? name_of(request.who->role) : ""},
               {"method", request.method},
               {"path", request.path},
               {"reason", reason_in(request.body)}};
  if (status != 0)
    line["status"] = status;
  else
    line["body"] = request.body.substr(0, 1'024);
  if (audit_(line.dump(-1, ' ', false, Json::error_handler_t::replace))) return true;
  ++counters.audit_failures;
  return false;
}

Server::Server(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Result<std::unique_ptr<Server>> Server::start(ServerSettings settings, Tokens tokens, Router router,
                                              std::shared_ptr<ServerCounters> counters,
                                              AuditSink audit, WallClock clock) {
  auto core = std::make_unique<Core>(std::move(settings), std::move(tokens), std::move(router),
                                     std::move(counters), std::move(audit), std::move(clock));
  if (auto listening = core->listen(); !listening) return listening.error();
  std::unique_ptr<Server> server(new Server(std::move(core)));
  server->thread_ = std::thread([core = server->core_.get()] { core->run(); });
  return server;
}

Server::~Server() { stop(); }

std::shared_ptr<const ServerCounters> Server::counters() const { return core_->shared_counters; }
uint16_t Server::port() const { return core_->port; }

std::string Server::url() const {
  const auto& address = core_->settings.address;
  const bool six = address.find(':') != std::string::npos;
  return "http://" + (six ? "[" + address + "]" : address) + ":" + std::to_string(core_->port);
}

void Server::stop() {
  if (!thread_.joinable()) return;
  core_->request_stop();
  thread_.join();
}

}  // namespace holdfast::operator_api
