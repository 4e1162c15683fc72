#include "actors/venues/transport_linux.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <vector>

#include "messages/limits.hpp"

namespace holdfast::venues {

namespace {
constexpr std::size_t kReadBytes = 64u << 10;
constexpr int kReadsPerEvent = 4;  // then others of the loop get their turn
constexpr int kMessagesPerWrite = 256;

std::string words(const char* what, int error) {
  return std::string(what) + ": " + std::strerror(error);
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

Result<Address> address_of(const VenueEndpoint& endpoint) {
  Address address;
  const std::string host = endpoint.host == "localhost" ? "127.0.0.1" : endpoint.host;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(endpoint.port);
    address.size = sizeof *v4;
  } else if (::inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(endpoint.port);
    address.size = sizeof *v6;
  } else {
    return Error{ErrorCode::kInvalid,
                 "'" + endpoint.host + "' is no IPv4 or IPv6 address: names are not looked up"};
  }
  return address;
}

/// Holds the descriptor of the present connection, so that another thread can cut it while the loop
/// can't close (and the system not reuse) it.
class TcpFence final : public Fence {
 public:
  void cut() noexcept override {
    const std::lock_guard lock(mutex_);
    fenced_ = true;
    if (fd_ >= 0) reset(fd_);
  }
  void lift() noexcept override {
    const std::lock_guard lock(mutex_);
    fenced_ = false;
  }
  bool fenced() const noexcept override {
    const std::lock_guard lock(mutex_);
    return fenced_;
  }
  /// The loop's side: takes the descriptor under guard; false when fenced.
  bool adopt(int fd) {
    const std::lock_guard lock(mutex_);
    if (fenced_) return false;
    fd_ = fd;
    return true;
  }
  void release() {
    const std::lock_guard lock(mutex_);
    fd_ = -1;
  }

 private:
  static void reset(int fd) noexcept {
    // Linux: connecting a TCP socket to "unspecified" drops its buffers and sends a reset at once.
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    ::connect(fd, &nowhere, sizeof nowhere);
  }
  mutable std::mutex mutex_;
  int fd_ = -1;
  bool fenced_ = false;
};

class TcpTransport final : public Transport {
 public:
  TcpTransport(Address address, std::shared_ptr<TcpFence> fence, FdWatcher& watcher,
               TransportEvents events)
      : address_(address),
        fence_(std::move(fence)),
        watcher_(watcher),
        events_(std::move(events)),
        buffer_(kReadBytes) {}
  ~TcpTransport() override { drop(); }

  void connect() override {
    CHECK(fd_ < 0);
    // The outcome comes by the loop, also when it is known at once.
    fd_ = ::socket(address_.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(fd_ >= 0);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connecting_ = true;
    if (!fence_->adopt(fd_)) {
      outcome_ = ECANCELED;
    } else if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address_.storage),
                         address_.size) != 0 &&
               errno != EINPROGRESS) {
      outcome_ = errno;
    }
    watcher_.watch_fd(fd_, EPOLLOUT, [this](uint32_t ready) { on_ready(ready); });
  }

  void send(std::shared_ptr<const std::string> bytes) override {
    if (fd_ < 0 || connecting_ || closing_) return;
    queued_bytes_ += bytes->size();
    queue_.push_back(std::move(bytes));
    stats_.messages_out += 1;
  }

  void flush() override {
    if (fd_ < 0 || connecting_) return;
    while (!queue_.empty()) {
      if (!write_some()) return;
    }
    want_write(false);
    if (closing_) end(closing_why_);
  }

  void close(const std::string& why) override {
    if (fd_ < 0) return;
    closing_ = true;
    closing_why_ = why;
    if (connecting_) return end(why);
    flush();
    // What the system does not take now is not waited for: the venue asks for it again.
    if (fd_ >= 0 && closing_) end(why);
  }

  void pause(bool paused) override {
    if (paused_ == paused) return;
    paused_ = paused;
    if (fd_ >= 0 && !connecting_) rewatch();
  }
  bool idle() const override { return fd_ < 0; }
  const TransportStats& stats() const override { return stats_; }

 private:
  void on_ready(uint32_t ready) {
    if (connecting_) return finish_connect();
    if (ready & EPOLLOUT) flush();
    if (fd_ >= 0 && (ready & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !paused_) read_some();
    if (fd_ >= 0 && paused_ && (ready & (EPOLLHUP | EPOLLERR)) != 0)
      end("the venue closed the connection");
  }

  void finish_connect() {
    int error = outcome_;
    socklen_t size = sizeof error;
    if (error == 0 && ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error == 0 && fence_->fenced()) error = ECANCELED;
    if (error != 0) {
      stats_.connect_failures += 1;
      return end(error == ECANCELED ? "fenced: this node does not lead" : words("connect", error));
    }
    connecting_ = false;
    stats_.connects += 1;
    rewatch();
    events_.connected();
  }

  /// False when the system takes no more now, or the connection is gone.
  bool write_some() {
    iovec parts[kMessagesPerWrite];
    int count = 0;
    std::size_t skip = written_;
    for (const auto& bytes : queue_) {
      if (count == kMessagesPerWrite) break;
      parts[count++] = {const_cast<char*>(bytes->data()) + skip, bytes->size() - skip};
      skip = 0;
    }
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<std::size_t>(count);
    const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    stats_.writes += 1;
    if (n < 0) {
      if (errno == EINTR) return true;
      if (errno != EAGAIN && errno != EWOULDBLOCK) {
        end(words("write", errno));
        return false;
      }
      if (queued_bytes_ > limits::kFixSendBufferBytesMax)
        end("the venue does not take what is sent");
      else
        want_write(true);
      return false;
    }
    took(static_cast<std::size_t>(n));
    return true;
  }

  void took(std::size_t n) {
    stats_.bytes_out += n;
    queued_bytes_ -= n;
    while (n > 0) {
      const std::size_t left = queue_.front()->size() - written_;
      if (n < left) {
        written_ += n;
        return;
      }
      n -= left;
      written_ = 0;
      queue_.pop_front();
    }
  }

  void read_some() {
    for (int i = 0; i < kReadsPerEvent && fd_ >= 0 && !paused_; ++i) {
      const ssize_t n = ::recv(fd_, buffer_.data(), buffer_.size(), 0);
      if (n == 0) return end("the venue closed the connection");
      if (n < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return;
        return end(words("read", errno));
      }
      stats_.bytes_in += static_cast<uint64_t>(n);
      events_.received({buffer_.data(), static_cast<std::size_t>(n)});
      if (static_cast<std::size_t>(n) < buffer_.size()) return;
    }
  }

  void want_write(bool wanted) {
    if (wants_write_ == wanted) return;
    wants_write_ = wanted;
    rewatch();
  }
  void rewatch() {
    watcher_.rewatch_fd(
        fd_, (paused_ ? 0u : uint32_t{EPOLLIN}) | (wants_write_ ? uint32_t{EPOLLOUT} : 0u));
  }

  void drop() {
    if (fd_ < 0) return;
    watcher_.unwatch_fd(fd_);
    fence_->release();
    ::close(fd_);
    fd_ = -1;
    connecting_ = closing_ = wants_write_ = paused_ = false;
    outcome_ = 0;
    queue_.clear();
    queued_bytes_ = written_ = 0;
  }
  void end(const std::string& why) {
    const std::string said = why;  // it may be a member
    drop();
    events_.closed(said);
  }

  Address address_;
  std::shared_ptr<TcpFence> fence_;
  FdWatcher& watcher_;
  TransportEvents events_;
  std::vector<char> buffer_;
  TransportStats stats_;
  int fd_ = -1;
  int outcome_ = 0;
  bool connecting_ = false, closing_ = false, paused_ = false, wants_write_ = false;
  std::string closing_why_;
  std::deque<std::shared_ptr<const std::string>> queue_;
  std::size_t queued_bytes_ = 0, written_ = 0;  // written_: of queue_.front()
};
}  // namespace

Result<VenueEndpoint> parse_endpoint(const std::string& text) {
  const auto bad = [&] {
    return Error{ErrorCode::kInvalid,
                 "'" + text + "' is no endpoint: write ADDRESS:PORT, as in 127.0.0.1:9880"};
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size()) return bad();
  VenueEndpoint endpoint;
  endpoint.host = text.substr(0, colon);
  if (endpoint.host.front() == '[' && endpoint.host.back() == ']')
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  uint32_t port = 0;
  for (char c : text.substr(colon + 1)) {
    if (c < '0' || c > '9' || port > 65'535) return bad();
    port = port * 10 + static_cast<uint32_t>(c - '0');
  }
  if (port == 0 || port > 65'535) return bad();
  endpoint.port = static_cast<uint16_t>(port);
  auto address = address_of(endpoint);
  if (!address) return address.error();
  return endpoint;
}

std::shared_ptr<Fence> make_tcp_fence() { return std::make_shared<TcpFence>(); }

MakeTransport tcp_transports(VenueEndpoint endpoint, std::shared_ptr<Fence> fence) {
  auto tcp = std::dynamic_pointer_cast<TcpFence>(fence);
  CHECK(tcp != nullptr);
  return [endpoint = std::move(endpoint), tcp](
             FdWatcher& watcher, TransportEvents events) -> Result<std::unique_ptr<Transport>> {
    auto address = address_of(endpoint);
    if (!address) return address.error();
    return std::unique_ptr<Transport>(
        std::make_unique<TcpTransport>(address.value(), tcp, watcher, std::move(events)));
  };
}

}  // namespace holdfast::venues
