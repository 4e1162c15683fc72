// Between an order shard's events and state and messages/schema/orders_journal.capnp. A snapshot is
// a sequence of messages, so that neither writing nor reading one needs the whole in one piece.
// Reading is total: any bytes give a value, or an error that names the field. Snapshots are trusted
// no further: every reference in them is checked before it is followed.
#pragma once

#include "actors/orders/shard/shard.hpp"

namespace holdfast::orders {

/// Stateless; any thread may use one instance.
class ShardCodec final : public replication::Codec<ShardCore> {
 public:
  void encode_events(std::span<const ShardEvent> events, replication::Bytes& out) const override;
  /// kInvalid names the event and the field.
  Result<> decode_events(replication::ByteView bytes, std::vector<ShardEvent>& out) const override;
  void encode_state(const ShardState& state, replication::Bytes& out) const override;
  /// kCorrupt names what does not fit together.
  Result<> decode_state(replication::ByteView bytes, ShardState& out) const override;
  /// At every message.
  void cut_state(replication::ByteView bytes, std::vector<std::size_t>& cuts) const override;
};

}  // namespace holdfast::orders
