#include "nodes/venue/socket_linux.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace holdfast::exchange {

namespace {
constexpr std::size_t kKeptCapacity = 1u << 20;  // of a drained send buffer
constexpr int kBacklog = 1024;
}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = other.fd_;
    other.fd_ = -1;
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::string system_error(const std::string& what) { return what + ": " + std::strerror(errno); }

Result<Descriptor> listen_on(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1)
    return Error{ErrorCode::kInvalid, "'" + host + "' is not an IPv4 address"};
  Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string where = "can't listen on " + host + ":" + std::to_string(port);
  if (!socket.valid()) return Error{ErrorCode::kIo, system_error(where)};
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), kBacklog) != 0)
    return Error{ErrorCode::kIo, system_error(where) + "; choose another port, or 0 for any"};
  return socket;
}

uint16_t bound_port(const Descriptor& socket) {
  if (!socket.valid()) return 0;
  sockaddr_in address{};
  socklen_t size = sizeof address;
  CHECK(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

Descriptor accept_one(const Descriptor& listener) {
  Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (socket.valid()) {
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return socket;
}

Connection::Connection(Kind kind, Descriptor socket, std::size_t receive_bytes, MonoTime opened)
    : kind_(kind),
      socket_(std::move(socket)),
      opened_(opened),
      buffer_(new char[receive_bytes]),
      capacity_(receive_bytes) {}

bool Connection::receive() {
  if (begin_ > 0 && end_ == capacity_) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == capacity_) return true;
  const ssize_t n = ::recv(socket_.get(), buffer_.get() + end_, capacity_ - end_, 0);
  if (n > 0) {
    end_ += static_cast<std::size_t>(n);
    return true;
  }
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

void Connection::consume(std::size_t bytes) {
  CHECK(bytes <= end_ - begin_);
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Connection::queue(std::string_view bytes, MonoTime release) {
  if (release.ns == 0 && delayed_.empty())
    out_ += bytes;
  else
    delayed_.push_back({release, std::string(bytes)});
}

bool Connection::flush(MonoTime now) {
  while (!delayed_.empty() && delayed_.front().release <= now) {
    out_ += delayed_.front().bytes;
    delayed_.pop_front();
  }
  while (sent_ < out_.size()) {
    const ssize_t n = ::send(socket_.get(), out_.data() + sent_, out_.size() - sent_, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
    sent_ += static_cast<std::size_t>(n);
  }
  out_.clear();
  sent_ = 0;
  if (out_.capacity() > kKeptCapacity) std::string().swap(out_);
  return true;
}

}  // namespace holdfast::exchange
