#include "nodes/drill/evaluate/ask_linux.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace holdfast::drill::evaluate {

namespace {

constexpr std::size_t kAnswerBytesMax = 16u << 20;
constexpr Duration kLimit = Duration::milliseconds(700);

bool send_all(int fd, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = ::send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

HttpAnswer ask_http(const Door& door, const std::string& method, const std::string& path,
                    const std::string& body, Duration limit) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  const timeval wait{limit.ns / 1'000'000'000, limit.ns % 1'000'000'000 / 1'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(door.port);
  std::string request = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" +
                        "Authorization: Bearer " + door.token + "\r\nConnection: close\r\n";
  if (!body.empty())
    request +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  request += "\r\n" + body;
  std::string text;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      send_all(fd, request)) {
    char bytes[65'536];
    ssize_t n = 0;
    while (text.size() < kAnswerBytesMax && (n = ::recv(fd, bytes, sizeof bytes, 0)) > 0)
      text.append(bytes, static_cast<std::size_t>(n));
  }
  ::close(fd);
  const auto head = text.find("\r\n\r\n");
  if (head == std::string::npos || text.size() < 12) return {};
  return {std::atoi(text.c_str() + 9), text.substr(head + 4)};
}

nlohmann::json get_json(const Door& door, const std::string& path) {
  const auto answer = ask_http(door, "GET", path, "", kLimit);
  if (answer.status != 200) return {};
  auto json = nlohmann::json::parse(answer.body, nullptr, false);
  return json.is_discarded() ? nlohmann::json() : json;
}

}  // namespace holdfast::drill::evaluate
