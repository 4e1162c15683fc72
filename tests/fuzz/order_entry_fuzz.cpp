// Order entry messages from outside: any bytes are a value or an error, and an accepted value
// encodes to a message that reads back as the same value.
// runs: 80000
// links: holdfast_messages_capnp
#include <cstddef>
#include <cstdint>

#include "messages/codecs/order_entry_capnp.hpp"

using namespace holdfast;

namespace {

template <typename T>
void check(const Result<T>& decoded, Result<T> (*decode_again)(std::span<const std::byte>)) {
  if (!decoded) {
    FATAL_UNLESS(!decoded.error().text.empty() && decoded.error().text.size() < 2'000);
    return;
  }
  const auto bytes = encode_message(decoded.value());
  const auto again = decode_again(bytes);
  FATAL_UNLESS(again.ok());
  FATAL_UNLESS(encode_message(again.value()) == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  check(decode_request(bytes), decode_request);
  check(decode_outcome(bytes), decode_outcome);
  check(decode_report(bytes), decode_report);
  check(decode_view(bytes), decode_view);
  return 0;
}
