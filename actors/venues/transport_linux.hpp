// The venue's connection as a non-blocking TCP socket on the gateway's loop. Small messages leave
// at once (TCP_NODELAY), all messages of a turn in one writev. Addresses are numbers, not names: a
// name would have to be looked up, and that blocks.
#pragma once

#include "actors/venues/transport.hpp"

namespace holdfast::venues {

/// "127.0.0.1:9880", "[::1]:9880" or "localhost:9880".
struct VenueEndpoint {
  std::string host;
  uint16_t port = 0;
};
/// kInvalid says what is wrong and what is expected.
Result<VenueEndpoint> parse_endpoint(const std::string& text);

/// A fence for one gateway; it outlives the gateway's transports.
std::shared_ptr<Fence> make_tcp_fence();

/// Transports to `endpoint` under `fence` (of make_tcp_fence). kInvalid for a host that is no
/// address.
MakeTransport tcp_transports(VenueEndpoint endpoint, std::shared_ptr<Fence> fence);

}  // namespace holdfast::venues
