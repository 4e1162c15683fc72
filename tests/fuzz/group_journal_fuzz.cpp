// What order shards and venue gateways read from their journals and snapshots: any bytes are a
// value or an error with words, and a value that was read is written and read again alike.

// links: holdfast_orders_capnp holdfast_venues_capnp

#include <cstdint>

#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "messages/check.hpp"

using namespace holdfast;

namespace {

template <typename Codec, typename Event>
void events(replication::ByteView bytes) {
  const Codec codec;
  std::vector<Event> read;
  if (const auto result = codec.decode_events(bytes, read); !result.ok()) {
    FATAL_UNLESS(!result.error().text.empty());
    return;
  }
  replication::Bytes written, twice;
  codec.encode_events(read, written);
  std::vector<Event> again;
  FATAL_UNLESS(codec.decode_events(written, again).ok());
  codec.encode_events(again, twice);
  FATAL_UNLESS(written == twice);
}

template <typename Codec, typename State>
void state(replication::ByteView bytes) {
  const Codec codec;
  State read;
  if (const auto result = codec.decode_state(bytes, read); !result.ok()) {
    FATAL_UNLESS(!result.error().text.empty());
    return;
  }
  replication::Bytes written;
  codec.encode_state(read, written);
  State again;
  FATAL_UNLESS(codec.decode_state(written, again).ok());
  FATAL_UNLESS(state_hash(again) == state_hash(read));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  events<orders::ShardCodec, orders::ShardEvent>(bytes);
  state<orders::ShardCodec, orders::ShardState>(bytes);
  events<venues::GatewayCodec, venues::GatewayEvent>(bytes);
  state<venues::GatewayCodec, venues::GatewayState>(bytes);
  return 0;
}
