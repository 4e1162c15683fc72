// One connection of the operator API and the server core that owns them all, for server_http and
// session_http alone. Everything here runs on the server's one thread; only a Reply may come from
// another, through the gate.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <mutex>
#include <set>

#include "nodes/node/api/server_http.hpp"

namespace holdfast::operator_api {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

/// Lets any thread hand work to the server's thread while there is one.
struct Gate {
  std::mutex mutex;
  asio::io_context* context = nullptr;  // null: the server has stopped
};

class Session;

class Server::Core {
 public:
  Core(ServerSettings settings, Tokens tokens, Router router,
       std::shared_ptr<ServerCounters> counters, AuditSink audit, WallClock clock);
  Result<> listen();
  void run();
  void request_stop();

  const ServerSettings settings;
  const Tokens tokens;
  const Router router;
  const std::shared_ptr<ServerCounters> shared_counters;
  ServerCounters& counters;
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  std::size_t largest_body = 0;  // of all routes
  uint16_t port = 0;

  /// Keeps a line about a command; false when it could not.
  bool audit(const Request& request, std::string_view stage, unsigned status);
  void forget(const std::shared_ptr<Session>& session);
  asio::io_context& context() { return context_; }

 private:
  void accept();
  void admit(tcp::socket socket);
  void evict_one();

  AuditSink audit_;
  WallClock clock_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_{context_};
  asio::steady_timer retry_{context_};
  std::list<std::shared_ptr<Session>> sessions_;  // oldest first
};

/// One connection: header, authentication, body, handler, answer; again while it is kept alive.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Server::Core& core, tcp::socket socket);
  void start() { read_header(core_.settings.read_within); }
  void close();
  /// Whether it waits for a client that may never send: such a one makes room for others.
  bool waiting_for_client() const { return waiting_for_client_; }

 private:
  using Parser = http::request_parser<http::string_body>;

  void read_header(Duration within);
  void on_header(beast::error_code error);
  void read_body();
  void on_body(beast::error_code error);
  void on_read_error(beast::error_code error);
  bool authenticate();
  void route();
  void dispatch(const Route& route);
  void answer(uint64_t serial, Response response);
  void refuse(unsigned status, std::string_view code, std::string_view text,
              std::string_view what_to_do);
  void write(Response response);
  std::size_t body_bytes_max() const {
    return route_ && route_->body_bytes_max ? route_->body_bytes_max
                                            : core_.settings.body_bytes_max;
  }
  void on_written(beast::error_code error);

  Server::Core& core_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::optional<http::response<http::string_body>> response_;
  asio::steady_timer deadline_;
  Request request_;
  const Route* route_ = nullptr;
  std::string allow_;                            // for a 405
  std::chrono::steady_clock::time_point begun_;  // the request was there
  uint64_t serial_ = 0;  // of the request being answered; an answer to another is late
  bool answered_ = true;
  bool keep_alive_ = false;
  bool waiting_for_client_ = true;
};

}  // namespace holdfast::operator_api
