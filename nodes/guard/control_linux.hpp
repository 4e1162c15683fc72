// The guard's control socket: one JSON object a line, one answer, then the connection ends. A
// caller shows the token of the state directory; who can read it may command. Bounded in
// connections, size and time, so that nobody keeps the guard from its work.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include "messages/result.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast {

/// The file of the state directory that holds the token, and the socket's.
std::string token_path(const std::string& state_dir);
std::string socket_path(const std::string& state_dir);

/// The token, made at the first call: 32 random bytes in hexadecimal, mode 0600. kDenied if
/// somebody else could read it or owns it.
Result<std::string> ensure_token(const std::string& state_dir);

/// Whether two texts are equal, in a time that depends on their length alone.
bool equal_in_constant_time(const std::string& a, const std::string& b);

/// The server. On the loop's thread.
class ControlServer {
 public:
  /// Sends the answer to one request; may be kept and called later, once.
  using Answer = std::function<void(const nlohmann::json&)>;
  using Handler = std::function<void(const nlohmann::json& request, Answer answer)>;

  /// Listens at the socket of `state_dir`; whoever calls holds the directory's lock, so a socket
  /// that is there already is a dead one. Requests with a wrong token never reach `handler`.
  static Result<std::unique_ptr<ControlServer>> open(EventLoop& loop, const std::string& state_dir,
                                                     std::string token, Handler handler);
  ~ControlServer();

  uint64_t refused() const { return refused_; }

 private:
  struct Connection {
    int fd = -1;
    std::string input;
    bool asked = false;
    TimerId timeout = {};
  };

  ControlServer(EventLoop& loop, int listener, std::string path, std::string token,
                Handler handler);
  void accept_all();
  void read(uint64_t id);
  void handle(uint64_t id, const std::string& line);
  void answer(uint64_t id, const nlohmann::json& reply);
  void drop(uint64_t id);

  EventLoop& loop_;
  int listener_;
  std::string path_;
  std::string token_;
  Handler handler_;
  std::unordered_map<uint64_t, Connection> connections_;
  uint64_t last_id_ = 0;
  uint64_t refused_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// The client: sends `request` with the directory's token and waits for the answer. kUnavailable:
/// no guard is there, or it did not answer within `timeout`. kDenied: the token can't be read.
/// Blocks.
Result<nlohmann::json> ask_guard(const std::string& state_dir, nlohmann::json request,
                                 Duration timeout);

}  // namespace holdfast
