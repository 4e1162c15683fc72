// What groups keep in their journals and snapshots: any bytes are a value or an error with words,
// and a value that was read is written and read again as the same bytes.

// links: holdfast_risk_capnp holdfast_venues_capnp

#include <cstdint>

#include "actors/risk/risk_capnp.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "messages/check.hpp"

using namespace holdfast;

namespace {

template <typename T>
void risk_record(std::span<const std::byte> bytes,
                 Result<T> (*decode)(std::span<const std::byte>)) {
  const auto value = decode(bytes);
  if (!value) {
    FATAL_UNLESS(!value.error().text.empty());
    return;
  }
  const auto written = risk::encode_message(value.value());
  const auto again = decode(written);
  FATAL_UNLESS(again.ok());
  FATAL_UNLESS(risk::encode_message(again.value()) == written);
}

void venue_record(std::span<const std::byte> bytes) {
  const venues::GatewayCodec codec;
  std::vector<venues::GatewayEvent> events;
  if (const auto read = codec.decode_events(bytes, events); read.ok()) {
    replication::Bytes written;
    codec.encode_events(events, written);
    std::vector<venues::GatewayEvent> again;
    FATAL_UNLESS(codec.decode_events(written, again).ok());
    FATAL_UNLESS(again.size() == events.size());
  } else {
    FATAL_UNLESS(!read.error().text.empty());
  }
  venues::GatewayState state;
  if (const auto read = codec.decode_state(bytes, state); read.ok()) {
    replication::Bytes written;
    codec.encode_state(state, written);
    venues::GatewayState again;
    FATAL_UNLESS(codec.decode_state(written, again).ok());
    FATAL_UNLESS(venues::state_hash(again) == venues::state_hash(state));
  } else {
    FATAL_UNLESS(!read.error().text.empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  risk_record(bytes, risk::decode_decision);
  risk_record(bytes, risk::decode_delta);
  risk_record(bytes, risk::decode_state);
  venue_record(bytes);
  return 0;
}
