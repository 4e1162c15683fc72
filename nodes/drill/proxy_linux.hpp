// Connections between two processes of a drill, led through here so that the way between them can
// be cut, slowed or reset while both live on. A cut neither delivers nor closes: bytes stay where
// they are until it heals, like a network that drops packets. Where nobody listens behind it, it
// refuses as the other would, since a refusal is what proves a process dead.
#pragma once

#include <memory>

#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast::drill {

class Proxy {
 public:
  /// How a way is. `forward` is from who connects to who listens.
  struct Way {
    bool forward = true, backward = true;
    Duration delay;  // each way
  };

  Proxy();
  /// Closes all connections.
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  /// From `listen` to `target`, both on loopback. kIo: the port can't be had. Any thread, as all.
  Result<std::size_t> add(uint16_t listen, uint16_t target);
  void set(std::size_t way, const Way& how);
  /// Resets all connections of the way, both ends.
  void reset(std::size_t way);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::drill
