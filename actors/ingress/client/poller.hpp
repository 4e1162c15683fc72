// Poller: what a connection needs of the loop that its thread runs, on the server the node's hot
// loop, at the client a small one of its own. Everything happens on the loop's one thread.
#pragma once

#include <cstdint>
#include <functional>

namespace holdfast::client {

/// Something with output to write before the loop sleeps.
class Flushable {
 public:
  virtual ~Flushable() = default;
  /// Writes what has been collected in this turn. Must not throw.
  virtual void flush() = 0;
};

class Poller {
 public:
  /// Gets the ready events as an EPOLL* mask.
  using Ready = std::function<void(uint32_t events)>;
  virtual ~Poller() = default;
  /// Watches `fd` for `events` (EPOLL* mask, level-triggered).
  virtual void watch(int fd, uint32_t events, Ready ready) = 0;
  /// Changes the mask of a watched descriptor.
  virtual void rewatch(int fd, uint32_t events) = 0;
  /// Stops watching, before the descriptor is closed. No callback for it runs afterwards.
  virtual void unwatch(int fd) = 0;
  /// Flushes `what` once, when the work of this turn is done: many messages, one system call.
  virtual void flush_later(Flushable* what) = 0;
  /// Flushes `what` before the loop sleeps: for output that something more urgent may still join.
  virtual void flush_before_sleep(Flushable* what) { flush_later(what); }
  /// Forgets a flush that was asked for. For destructors.
  virtual void forget(Flushable* what) = 0;
};

}  // namespace holdfast::client
