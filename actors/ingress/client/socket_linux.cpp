// Plain sockets: connect, listen, accept, read, write.
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "actors/ingress/client/transport.hpp"

namespace holdfast::client {

namespace {

std::string errno_text(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

class Plain final : public Transport {
 public:
  explicit Plain(int fd) : fd_(fd) {}
  ~Plain() override { ::close(fd_); }
  int fd() const override { return fd_; }

  Transferred read(std::span<std::byte> to) override {
    const auto n = ::recv(fd_, to.data(), to.size(), 0);
    if (n > 0) return {Transferred::Kind::kBytes, static_cast<std::size_t>(n)};
    if (n == 0) return {Transferred::Kind::kClosed};
    if (errno == EAGAIN || errno == EINTR) return {Transferred::Kind::kWantRead};
    return {Transferred::Kind::kFailed, 0, errno_text("read")};
  }

  Transferred write(std::span<const std::byte> from) override {
    const auto n = ::send(fd_, from.data(), from.size(), MSG_NOSIGNAL);
    if (n > 0) return {Transferred::Kind::kBytes, static_cast<std::size_t>(n)};
    if (n == 0 || errno == EAGAIN || errno == EINTR) return {Transferred::Kind::kWantWrite};
    return {Transferred::Kind::kFailed, 0, errno_text("write")};
  }

 private:
  const int fd_;
};

/// A resolved address of a TCP or Unix socket.
struct Resolved {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

Result<Resolved> resolve(const Address& address, bool passive) {
  Resolved out;
  if (address.unix_socket) {
    auto* un = reinterpret_cast<sockaddr_un*>(&out.storage);
    if (address.host.size() >= sizeof un->sun_path)
      return Error{ErrorCode::kInvalid, "socket path longer than " +
                                            std::to_string(sizeof un->sun_path - 1) +
                                            " bytes: " + address.host};
    un->sun_family = AF_UNIX;
    std::memcpy(un->sun_path, address.host.c_str(), address.host.size() + 1);
    out.size = sizeof(sockaddr_un);
    return out;
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0);
  addrinfo* found = nullptr;
  const int rc =
      ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found);
  if (rc != 0)
    return Error{ErrorCode::kUnavailable, "address " + address.host + ": " + ::gai_strerror(rc)};
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  ::freeaddrinfo(found);
  return out;
}

void set_option(int fd, int level, int option, int value) {
  // An option that a Unix socket does not have is no loss.
  ::setsockopt(fd, level, option, &value, sizeof value);
}

void tune(int fd) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool is_loopback(const Resolved& address) {
  if (address.family() == AF_UNIX) return true;
  if (address.family() == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(&address.storage);
    return (ntohl(in->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(&address.storage);
  return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
}

std::string words(const Address& address) {
  return address.unix_socket ? address.host : address.host + ":" + std::to_string(address.port);
}

/// True when nobody accepts on the socket file, so that it may be replaced.
bool stale(Resolved& address) {
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const bool refused = ::connect(probe, address.get(), address.size) != 0 && errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

uint16_t port_of(int fd) {
  Resolved bound;
  bound.size = sizeof bound.storage;
  if (::getsockname(fd, bound.get(), &bound.size) != 0) return 0;
  if (bound.family() == AF_INET)
    return ntohs(reinterpret_cast<sockaddr_in*>(&bound.storage)->sin_port);
  if (bound.family() == AF_INET6)
    return ntohs(reinterpret_cast<sockaddr_in6*>(&bound.storage)->sin6_port);
  return 0;
}

}  // namespace

std::unique_ptr<Transport> plain_transport(int fd) { return std::make_unique<Plain>(fd); }

Result<int> begin_connect(const Address& address) {
  auto to = resolve(address, false);
  if (!to) return to.error();
  const int fd = ::socket(to.value().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Error{ErrorCode::kUnavailable, errno_text("socket")};
  tune(fd);
  if (::connect(fd, to.value().get(), to.value().size) == 0 || errno == EINPROGRESS) return fd;
  Error error{ErrorCode::kUnavailable,
              "connect to " + words(address) + ": " + std::strerror(errno)};
  ::close(fd);
  return error;
}

std::string connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  return error == 0 ? "" : std::strerror(error);
}

Result<Listener> listen_on(const Address& address) {
  auto to = resolve(address, true);
  if (!to) return to.error();
  const auto failed = [&](const char* what) {
    std::string text =
        "can't " + std::string(what) + " " + words(address) + ": " + std::strerror(errno);
    if (errno == EADDRINUSE) text += "; is another node running? Stop it or choose another port";
    if (errno == EACCES) text += "; ports below 1024 need root: choose a higher one";
    return Error{ErrorCode::kUnavailable, text};
  };
  const int fd = ::socket(to.value().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return failed("make a socket for");
  Listener listener{fd, 0, is_loopback(to.value())};
  set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (address.unix_socket && stale(to.value())) ::unlink(address.host.c_str());
  if (::bind(fd, to.value().get(), to.value().size) != 0 || ::listen(fd, 256) != 0) {
    const auto error = failed("listen on");
    ::close(fd);
    return error;
  }
  listener.port = port_of(fd);
  return listener;
}

int accept_from(int listener_fd) {
  const int fd = ::accept4(listener_fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd >= 0) tune(fd);
  return fd;
}

}  // namespace holdfast::client
