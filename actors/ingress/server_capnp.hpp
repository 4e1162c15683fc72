// The RPC server of order entry: connections and calls, nothing else. It decodes calls for the
// Ingress and encodes its answers, one object a connection; what a client may do is the Ingress's
// to say. A connection that sends garbage, says nothing, reads nothing or never logs in is closed
// with a counted cause, and no other notices.
#pragma once

#include "actors/ingress/front.hpp"

namespace holdfast::ingress {

/// Listens as `ingress.settings()` says and serves on `loop`. Must be called, and the front
/// destroyed, on the loop's thread; `ingress` must outlive the front. kInvalid: the settings forbid
/// it (an address outside loopback without TLS); kUnavailable: the system refuses the address.
Result<std::unique_ptr<Front>> make_server(EventLoop& loop, Ingress& ingress, FrontFailed failed);

}  // namespace holdfast::ingress
