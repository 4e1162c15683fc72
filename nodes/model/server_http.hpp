// The scripted model as an HTTP server (Boost.Beast), one thread: POST …/chat/completions is
// answered as the script says, GET /stats tells what was asked, POST /script changes the script.
// For tests, drills and evaluation on loopback; it has no users and no secrets.
#pragma once

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "messages/time.hpp"
#include "nodes/model/script.hpp"

namespace holdfast::model {

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0: any free one
  std::string script = "good";
  Duration slow = Duration::milliseconds(500);
  Duration late = Duration::seconds(60);
  uint32_t retry_after_s = 1;
  std::string key;  // "": any; else what `Authorization: Bearer` must say, or 401
};

class Server {
 public:
  /// kUnavailable: the port can't be had; kInvalid: the script or the address is none.
  static Result<std::unique_ptr<Server>> start(ServerOptions options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;
  /// "http://127.0.0.1:PORT/v1", what an endpoint is configured with.
  std::string url() const;
  /// From any thread.
  Result<> script(const std::string& text);
  /// Questions so far, and the bodies of the last ones (64 at most).
  uint64_t questions() const;
  std::vector<std::string> bodies() const;
  /// Closes every connection and joins the thread.
  void stop();

  class Core;

 private:
  explicit Server(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
  std::thread thread_;
};

}  // namespace holdfast::model
