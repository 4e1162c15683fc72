// Front: the network side of an ingress as its actor knows it, so that the actor names no RPC
// library and the RPC server no actors. The node hands the actor a factory.
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "actors/ingress/client/close_cause.hpp"
#include "actors/ingress/ingress.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::ingress {

/// Counts since the front started, and what is now.
struct FrontCounters {
  uint64_t connections = 0, unauthenticated = 0;  // now
  uint64_t accepted = 0;
  uint64_t evicted = 0;  // without a session, closed to make room for others
  uint64_t denied = 0;   // unknown client or wrong credential
  uint64_t wrong_schema = 0;
  uint64_t led_elsewhere = 0;                           // sent to the node that leads
  uint64_t malformed = 0;                               // requests that could not be decoded
  uint64_t messages = 0;                                // received
  std::array<uint64_t, client::kCloseCauses> closed{};  // by CloseCause
};

/// A listening port and its connections. Used on its loop's thread only; closes all when destroyed.
class Front {
 public:
  virtual ~Front() = default;
  /// The TCP port that it listens on; 0 for a Unix socket.
  virtual uint16_t port() const = 0;
  virtual FrontCounters counters() const = 0;
};

/// A bug was found while serving a call: whoever owns the front ends it. Called on the loop's
/// thread, never from inside a call of the owner.
using FrontFailed = std::function<void(const std::string& what)>;
/// Makes a front on the calling thread's loop. An error says why it can't listen.
using MakeFront = std::function<Result<std::unique_ptr<Front>>(EventLoop&, Ingress&, FrontFailed)>;

}  // namespace holdfast::ingress
