#include "supervision/replication/stream/channel_linux.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "supervision/replication/stream/address_linux.hpp"

namespace holdfast::replication {

namespace {

class Plain final : public Channel {
 public:
  explicit Plain(int fd) : fd_(fd) {}
  ~Plain() override {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const override { return fd_; }
  Moved read(std::span<std::byte> to) override {
    const auto n = ::recv(fd_, to.data(), to.size(), 0);
    if (n > 0) return {Moved::Kind::kBytes, static_cast<std::size_t>(n)};
    if (n == 0) return {Moved::Kind::kClosed};
    if (errno == EAGAIN || errno == EINTR) return {Moved::Kind::kWait};
    return {Moved::Kind::kFailed, 0, std::strerror(errno)};
  }
  Moved write(std::span<const iovec> from) override {
    full_ = false;
    if (from.empty()) return {Moved::Kind::kWait};
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(from.data());
    message.msg_iovlen = from.size();
    const auto n = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (n > 0) return {Moved::Kind::kBytes, static_cast<std::size_t>(n)};
    if (n < 0 && errno != EAGAIN && errno != EINTR)
      return {Moved::Kind::kFailed, 0, std::strerror(errno)};
    full_ = true;
    return {Moved::Kind::kWait};
  }
  bool wants_write() const override { return full_; }
  void reset() override {
    close_with_reset(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
  bool full_ = false;  // the socket took less than it was offered
};

}  // namespace

std::unique_ptr<Channel> plain_channel(int fd) { return std::make_unique<Plain>(fd); }

}  // namespace holdfast::replication
