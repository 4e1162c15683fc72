// The operator API's HTTP/1.1 server (Boost.Beast): one thread, one acceptor, bounded in
// everything: connections, header and body sizes, and the time for each step, so that a slow or
// hostile client costs one slot for seconds at most and nobody else notices. It authenticates,
// checks the role, logs commands and enforces deadlines; what a request means is the router's
// business.
#pragma once

#include <memory>
#include <thread>

#include "nodes/node/api/router.hpp"
#include "nodes/node/api/server_counters.hpp"

namespace holdfast::operator_api {

struct ServerSettings {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  std::size_t connections_max = 64;
  std::size_t header_bytes_max = 8u << 10;
  std::size_t body_bytes_max = 64u << 10;
  Duration read_within = Duration::seconds(5);    // for a whole header, then for a whole body
  Duration idle_within = Duration::seconds(30);   // between requests of one connection
  Duration write_within = Duration::seconds(10);  // for a whole answer
};

/// Takes one line of the audit log (JSON, no newline); false when it could not be kept.
using AuditSink = std::function<bool(const std::string& line)>;
/// Wall time for the audit log.
using WallClock = std::function<WallTime()>;

/// A running server. Started by `start`, stopped by `stop` or destruction.
class Server {
 public:
  /// Binds, listens and starts the thread. kUnavailable: the port is taken or the address is not
  /// ours; kInvalid: the address does not parse.
  static Result<std::unique_ptr<Server>> start(ServerSettings settings, Tokens tokens,
                                               Router router,
                                               std::shared_ptr<ServerCounters> counters,
                                               AuditSink audit, WallClock clock);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// What it counts; outlives it for who holds it. Any thread.
  std::shared_ptr<const ServerCounters> counters() const;
  /// The port it listens on.
  uint16_t port() const;
  /// "http://127.0.0.1:9780".
  std::string url() const;
  /// Closes every connection and joins the thread; answers that come later are ignored. Twice is
  /// the same as once. Not from the server's own thread.
  void stop();

  class Core;  // session_http.hpp

 private:
  explicit Server(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
  std::thread thread_;
};

}  // namespace holdfast::operator_api
