// A gateway's way to its venue: one stream connection at a time, bytes in and bytes out, never
// blocking. Interfaces only; sockets are in transport_linux.hpp. It knows nothing of FIX.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast::venues {

/// Closes a venue's connection with a reset and keeps it closed: what a superseded leader does,
/// from whatever thread notices it. Shared by whoever may fence and by the transport.
class Fence {
 public:
  virtual ~Fence() = default;
  /// Any thread, at any time, without blocking on the loop: the venue sees a reset at once, nothing
  /// more is written, and no connection is made until lift().
  virtual void cut() noexcept = 0;
  /// Allows connections again: a new leadership has begun.
  virtual void lift() noexcept = 0;
  virtual bool fenced() const noexcept = 0;
};

/// What a transport tells. Called on the loop's thread, never from inside a Transport function
/// except `closed` and `connected` (never from connect() itself).
struct TransportEvents {
  std::function<void()> connected;
  std::function<void(std::string_view bytes)> received;
  /// The connection (or the try) ended; `why` is for people.
  std::function<void(const std::string& why)> closed;
};

struct TransportStats {
  uint64_t bytes_in = 0, bytes_out = 0;
  uint64_t messages_out = 0;
  uint64_t writes = 0;  // system calls
  uint64_t connects = 0, connect_failures = 0;
};

/// One connection at a time. All functions on the loop's thread.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Starts a try; ends in `connected` or `closed`. CHECKs that there is no connection or try.
  virtual void connect() = 0;
  /// Queues bytes behind what is queued; written by flush(). Dropped when not connected.
  virtual void send(std::shared_ptr<const std::string> bytes) = 0;
  /// Writes what is queued, as much as the system takes; the rest follows when it takes more. Above
  /// kFixSendBufferBytesMax the connection is closed.
  virtual void flush() = 0;
  /// Writes what can be written and closes; `closed` follows.
  virtual void close(const std::string& why) = 0;
  /// Stops (or resumes) reading: back-pressure on the venue.
  virtual void pause(bool paused) = 0;
  virtual bool idle() const = 0;  // no connection and no try
  virtual const TransportStats& stats() const = 0;
};

/// Watching descriptors, as an actor on a loop does it: exceptions of callbacks end the actor.
class FdWatcher {
 public:
  using Callback = std::function<void(uint32_t events)>;
  virtual ~FdWatcher() = default;
  virtual void watch_fd(int fd, uint32_t events, Callback callback) = 0;
  virtual void rewatch_fd(int fd, uint32_t events) = 0;
  virtual void unwatch_fd(int fd) = 0;
};

using MakeTransport =
    std::function<Result<std::unique_ptr<Transport>>(FdWatcher& watcher, TransportEvents events)>;

}  // namespace holdfast::venues
