// Channel: the bytes of one connection of the stream, plain or under TLS, without blocking. It owns
// the socket and what TLS keeps; it frames nothing and watches nothing.
#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "messages/result.hpp"

namespace holdfast::replication {

/// What a read or write came to.
struct Moved {
  enum class Kind : uint8_t {
    kBytes,   // `bytes` were moved, at least one
    kWait,    // nothing moved: again when the socket is ready
    kClosed,  // the other side has closed in order
    kFailed,  // broken; `error` says how
    kDenied,  // TLS: the other side could not prove who it is
  };
  Kind kind = Kind::kFailed;
  std::size_t bytes = 0;
  std::string error = {};
};

class Channel {
 public:
  virtual ~Channel() = default;
  virtual int fd() const = 0;
  virtual Moved read(std::span<std::byte> to) = 0;
  /// Takes some of `from`, in order.
  virtual Moved write(std::span<const iovec> from) = 0;
  /// Bytes wait in here for the socket to be writable; then call write(), with nothing if need be.
  virtual bool wants_write() const = 0;
  /// read() would give more without the socket.
  virtual bool buffered() const { return false; }
  /// Whether the certificate that the other side has shown names `name` (subject alternative name
  /// of type DNS, or common name). Without TLS there is none, and everybody is who they say.
  virtual bool names(const std::string& name) const {
    (void)name;
    return true;
  }
  /// Closes the socket with a reset, now.
  virtual void reset() = 0;
};

/// Takes over the socket.
std::unique_ptr<Channel> plain_channel(int fd);

}  // namespace holdfast::replication
