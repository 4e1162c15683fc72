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
#include <utility>

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
  /// One whole answer (by its Content-Length), or what came before the server closed. What came
  /// behind it waits for the next call.
  std::string read_answer() {
    char bytes[4'096];
    std::size_t size = 0;
    while ((size = size_of_first(received_)) == 0) {
      const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
      if (got <= 0) return std::exchange(received_, {});
      received_.append(bytes, static_cast<std::size_t>(got));
    }
    const auto answer = received_.substr(0, size);
    received_.erase(0, size);
    return answer;
  }
  /// Reads until the server closes.
  std::string read_to_end() {
    auto text = std::exchange(received_, {});
    char bytes[4'096];
    for (ssize_t got = 0; (got = ::recv(fd_, bytes, sizeof bytes, 0)) > 0;)
      text.append(bytes, static_cast<std::size_t>(got));
    return text;
  }

 private:
  // Bytes of the first answer in `text`, 0 while it is not whole.
  static std::size_t size_of_first(const std::string& text) {
    const auto end = text.find("\r\n\r\n");
    if (end == std::string::npos) return 0;
    const auto field = text.find("Content-Length: ");
    const auto body = field < end ? std::stoul(text.substr(field + 16)) : 0;
    return text.size() >= end + 4 + body ? end + 4 + body : 0;
  }

  int fd_;
  std::string received_;
  bool connected_ = false;
};

}  // namespace holdfast::operator_api
