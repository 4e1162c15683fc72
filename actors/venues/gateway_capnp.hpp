// The gateway's events and state as bytes (messages/schema/venue_journal.capnp). Equal states give
// equal bytes, so a hash of them compares members. Decoding is total: any bytes give a value or
// kCorrupt with a sentence.
#pragma once

#include "actors/venues/gateway.hpp"

namespace holdfast::venues {

class GatewayCodec final : public replication::Codec<GatewayCore> {
 public:
  void encode_events(std::span<const GatewayEvent> events, replication::Bytes& out) const override;
  Result<> decode_events(replication::ByteView bytes,
                         std::vector<GatewayEvent>& out) const override;
  void encode_state(const GatewayState& state, replication::Bytes& out) const override;
  Result<> decode_state(replication::ByteView bytes, GatewayState& out) const override;
};

/// Hash of the replicated state: equal on members that have applied the same entries.
replication::ChainHash state_hash(const GatewayState& state);

}  // namespace holdfast::venues
