// What risk reads from a journal: any bytes are a value or an error, an accepted value encodes to
// bytes that read back as the same value, and a delta that was read can be applied to any state.
// runs: 8000
// links: holdfast_risk_capnp
#include <cstddef>
#include <cstdint>

#include "actors/risk/risk_capnp.hpp"

using namespace holdfast;

namespace {

template <typename T>
void check(const Result<T>& decoded, Result<T> (*decode_again)(std::span<const std::byte>)) {
  if (!decoded) {
    FATAL_UNLESS(!decoded.error().text.empty() && decoded.error().text.size() < 2'000);
    return;
  }
  const auto again = decode_again(risk::encode_message(decoded.value()));
  FATAL_UNLESS(again.ok());
  FATAL_UNLESS(again.value() == decoded.value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  check(risk::decode_decision(bytes), risk::decode_decision);
  const auto state = risk::decode_state(bytes);
  check(state, risk::decode_state);
  const auto delta = risk::decode_delta(bytes);
  check(delta, risk::decode_delta);
  // One state lives through all inputs, so that deltas meet what earlier ones left behind.
  static risk::RiskState lived;
  if (!delta) return 0;
  risk::apply(lived, delta.value());
  const auto copy = risk::restore(risk::image_of(lived));
  FATAL_UNLESS(copy.ok() && copy.value() == lived);
  return 0;
}
