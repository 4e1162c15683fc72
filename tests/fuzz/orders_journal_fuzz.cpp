// What an order shard reads from a journal: any bytes are events, a snapshot, or an error; what was
// read encodes to bytes that read back as the same; events that were read are applied, or are a
// poison entry that a CHECK stops.
// runs: 3000
// links: holdfast_orders_capnp
#include <cstddef>
#include <cstdint>

#include "actors/orders/shard/shard_capnp.hpp"

using namespace holdfast;
using namespace holdfast::orders;

namespace {

const ShardCodec kCodec;

void check_error(const Error& error) {
  FATAL_UNLESS(!error.text.empty() && error.text.size() < 2'000);
}

void read_events(replication::ByteView bytes) {
  std::vector<ShardEvent> events;
  if (const auto decoded = kCodec.decode_events(bytes, events); !decoded)
    return check_error(decoded.error());
  replication::Bytes encoded;
  kCodec.encode_events(events, encoded);
  std::vector<ShardEvent> again;
  FATAL_UNLESS(kCodec.decode_events(encoded, again).ok());
  FATAL_UNLESS(again == events);
  // One state lives through all inputs, so that events meet what earlier ones left behind.
  static ShardState lived;
  static replication::Position at;
  for (const ShardEvent& event : events) {
    at.index.value += 1;
    try {
      ShardCore::apply(lived, event, at);
    } catch (const CheckFailed&) {
      lived = ShardState();
      return;
    }
    std::vector<ShardEffect> effects;
    ShardCore::effects(lived, event, at, effects);
  }
  if (at.index.value % 64 == 0) {
    encoded.clear();
    kCodec.encode_state(lived, encoded);
    ShardState copy;
    FATAL_UNLESS(kCodec.decode_state(encoded, copy).ok());
    FATAL_UNLESS(state_hash(copy) == state_hash(lived));
  }
}

void read_state(replication::ByteView bytes) {
  ShardState state;
  if (const auto decoded = kCodec.decode_state(bytes, state); !decoded)
    return check_error(decoded.error());
  replication::Bytes encoded;
  kCodec.encode_state(state, encoded);
  ShardState again;
  FATAL_UNLESS(kCodec.decode_state(encoded, again).ok());
  FATAL_UNLESS(state_hash(again) == state_hash(state));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  read_events(bytes);
  read_state(bytes);
  return 0;
}
