// What a node reads from another: any bytes are a frame or an error with words, and a frame that
// was read is written and read again alike.

// runs: 15000
// links: holdfast_replication_capnp

#include <cstdint>

#include "messages/check.hpp"
#include "tests/unit/replication_capnp/stream_samples.hpp"

using namespace holdfast;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  using replication::tests::encoded;
  const auto read = replication::decode_frame(std::as_bytes(std::span(data, size)));
  if (!read.ok()) {
    FATAL_UNLESS(!read.error().text.empty());
    return 0;
  }
  const auto once = encoded(read.value());
  const auto again = replication::decode_frame(
      replication::ByteView(once).subspan(replication::kFramePrefixBytes));
  FATAL_UNLESS(again.ok());
  FATAL_UNLESS(encoded(again.value()) == once);
  return 0;
}
