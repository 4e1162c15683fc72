// Sockets as the exchange needs them: a file descriptor with an owner, listeners, and one
// connection's buffers in both directions with their bounds. It moves bytes and knows nothing of
// FIX.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast::exchange {

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// "what: why", with errno's words.
std::string system_error(const std::string& what);

/// A non-blocking listener on `host` (an IPv4 address); `port` 0 takes any.
Result<Descriptor> listen_on(const std::string& host, uint16_t port);
/// The port that a socket is bound to.
uint16_t bound_port(const Descriptor& socket);
/// The next waiting connection, non-blocking and without Nagle's delay; invalid when there is none.
Descriptor accept_one(const Descriptor& listener);

/// One connection's socket and buffers.
class Connection {
 public:
  enum class Kind { kFix, kControl };
  Connection(Kind kind, Descriptor socket, std::size_t receive_bytes, MonoTime opened);

  Kind kind() const { return kind_; }
  int fd() const { return socket_.get(); }
  MonoTime opened() const { return opened_; }

  /// Reads once. False when the other side is gone.
  bool receive();
  std::string_view received() const { return {buffer_.get() + begin_, end_ - begin_}; }
  /// Forgets the first `bytes` received.
  void consume(std::size_t bytes);
  bool buffer_full() const { return begin_ == 0 && end_ == capacity_; }

  /// Puts bytes behind those that wait; they may leave from `release` on (0: at once).
  void queue(std::string_view bytes, MonoTime release);
  /// Sends what may leave by `now`. False when the other side is gone.
  bool flush(MonoTime now);
  /// Bytes that may leave but that the other side doesn't take yet.
  std::size_t unsent() const { return out_.size() - sent_; }
  bool has_delayed() const { return !delayed_.empty(); }
  MonoTime next_release() const { return delayed_.front().release; }
  bool drained() const { return unsent() == 0 && delayed_.empty(); }

  MonoTime close_by;      // when closing: at the latest then
  bool closing = false;   // read no more; close once drained
  bool aborted = false;   // close without sending
  bool dirty = false;     // in the loop's list of connections to flush
  uint32_t interest = 0;  // epoll events asked for
  bool logged_on_once = false;

 private:
  struct Delayed {
    MonoTime release;
    std::string bytes;
  };
  Kind kind_;
  Descriptor socket_;
  MonoTime opened_;
  std::unique_ptr<char[]> buffer_;  // touched only as far as bytes come in
  std::size_t capacity_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  std::deque<Delayed> delayed_;
};

}  // namespace holdfast::exchange
