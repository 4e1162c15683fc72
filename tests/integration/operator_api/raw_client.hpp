// A plain TCP client that sends exactly the bytes a test wants, right or wrong, and reads what
// comes until a whole answer is there or the server closes. No HTTP library between the test and
// the wire.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

namespace holdfast::operator_api {

class RawClient {
 public:
  explicit RawClient(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  bool connected() const { return connected_; }
  bool send(const std::string& bytes) {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  /// One whole answer (by its Content-Length), or what came before the server closed.
  std::string read_answer() {
    std::string text;
    char bytes[4'096];
    while (!whole(text)) {
      const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      text.append(bytes, static_cast<std::size_t>(got));
    }
    return text;
  }
  /// Reads until the server closes.
  std::string read_to_end() {
    std::string text;
    char bytes[4'096];
    for (ssize_t got = 0; (got = ::recv(fd_, bytes, sizeof bytes, 0)) > 0;)
      text.append(bytes, static_cast<std::size_t>(got));
    return text;
  }

 private:
  static bool whole(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return false;
    const auto field = text.find("Content-Length: ");
    if (field == std::string::npos || field > end) return true;
    return text.size() >= end + 4 + std::stoul(text.substr(field + 16));
  }

  int fd_;
  bool connected_ = false;
};

}  // namespace holdfast::operator_api
