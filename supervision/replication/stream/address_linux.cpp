#include "supervision/replication/stream/address_linux.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace holdfast::replication {

namespace {
constexpr int kBacklog = 128;

void set_option(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}
}  // namespace

Result<SocketAddress> socket_address(const std::string& host, uint16_t port) {
  SocketAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
    address.loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
    address.loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
  } else {
    return Error{ErrorCode::kInvalid, "'" + host + "' is no IPv4 or IPv6 address"};
  }
  return address;
}

std::string peer_text(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return "nobody";
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET6) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&storage);
    ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(&storage);
  ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(v4->sin_port));
}

Result<int> listen_at(const std::string& host, uint16_t& port) {
  const auto address = socket_address(host, port);
  if (!address) return address.error();
  const auto failed = [&](int fd, const char* what) {
    Error error{ErrorCode::kIo, std::string(what) + " " + host + " port " + std::to_string(port) +
                                    ": " + std::strerror(errno)};
    if (fd >= 0) ::close(fd);
    return error;
  };
  const int fd = ::socket(address.value().storage.ss_family,
                          SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd < 0) return failed(fd, "no socket for");
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(fd, address.value().get(), address.value().size) != 0) return failed(fd, "can't use");
  if (::listen(fd, kBacklog) != 0) return failed(fd, "can't listen at");
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    return failed(fd, "can't ask for the port of");
  port = ntohs(bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                           : reinterpret_cast<sockaddr_in*>(&bound)->sin_port);
  return fd;
}

Connecting connect_to(const SocketAddress& to, int& fd, int& error) {
  fd = ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (fd >= 0 && ::connect(fd, to.get(), to.size) == 0) return Connecting::kConnected;
  error = errno;
  if (fd < 0) return Connecting::kFailed;
  if (error == ECONNREFUSED) return Connecting::kRefused;
  if (error != EINPROGRESS && error != EINTR) return Connecting::kFailed;
  return connecting(fd, error);
}

Connecting connecting(int fd, int& error) {
  pollfd ready{fd, POLLOUT, 0};
  if (::poll(&ready, 1, 0) == 0) return Connecting::kPending;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error == 0) return Connecting::kConnected;
  return error == ECONNREFUSED ? Connecting::kRefused : Connecting::kFailed;
}

void tune_connection(int fd, Duration unacknowledged_max) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT,
             static_cast<int>(std::max<int64_t>(1, unacknowledged_max.ms())));
  // A link on which nothing is said must find out, too, that the other side has forgotten it.
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 1);
}

void close_with_reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(fd);
}

}  // namespace holdfast::replication
