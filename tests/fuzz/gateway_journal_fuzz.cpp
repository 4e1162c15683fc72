// What a venue gateway reads from its journal and its snapshots: any bytes are a value or an error
// with words, and a value that was read is written and read again alike.

// runs: 15000
// links: holdfast_venues_capnp

#include <cstdint>

#include "actors/venues/gateway_capnp.hpp"
#include "messages/check.hpp"

using namespace holdfast;

namespace {

const venues::GatewayCodec kCodec;

void read_events(replication::ByteView bytes) {
  std::vector<venues::GatewayEvent> read;
  if (const auto result = kCodec.decode_events(bytes, read); !result.ok()) {
    FATAL_UNLESS(!result.error().text.empty());
    return;
  }
  replication::Bytes written, twice;
  kCodec.encode_events(read, written);
  std::vector<venues::GatewayEvent> again;
  FATAL_UNLESS(kCodec.decode_events(written, again).ok());
  kCodec.encode_events(again, twice);
  FATAL_UNLESS(written == twice);
}

void read_state(replication::ByteView bytes) {
  venues::GatewayState read;
  if (const auto result = kCodec.decode_state(bytes, read); !result.ok()) {
    FATAL_UNLESS(!result.error().text.empty());
    return;
  }
  replication::Bytes written;
  kCodec.encode_state(read, written);
  venues::GatewayState again;
  FATAL_UNLESS(kCodec.decode_state(written, again).ok());
  FATAL_UNLESS(venues::state_hash(again) == venues::state_hash(read));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  read_events(bytes);
  read_state(bytes);
  return 0;
}
