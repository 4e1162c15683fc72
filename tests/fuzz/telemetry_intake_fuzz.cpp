// What outsiders send as telemetry: any bytes, as OTLP and as Cap'n Proto, are samples that the
// catalogue knows, within bounds, or an error with words; and a batch that was read is written and
// read again alike.

// runs: 15000
// links: holdfast_telemetry_http holdfast_messages_capnp

#include <cstdint>

#include "actors/telemetry/otlp/otlp_http.hpp"
#include "messages/check.hpp"
#include "messages/telemetry/samples_capnp.hpp"

using namespace holdfast;
using namespace holdfast::telemetry;

namespace {
void sound(const Result<>& read, const OutsideSamples& out) {
  if (!read) FATAL_UNLESS(!read.error().text.empty() && out.samples.empty());
  FATAL_UNLESS(out.samples.size() <= limits::kTelemetryPointsPerRequest);
  for (const Sample& sample : out.samples)
    FATAL_UNLESS(find_metric(static_cast<uint16_t>(sample.metric)) != nullptr && sample.at.ns > 0);
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  OutsideSamples otlp, capnp;
  sound(decode_otlp(
            bytes, [](std::string_view name) { return MemberId{name == "colo-a"}; }, otlp),
        otlp);
  sound(decode_outside(bytes, capnp), capnp);
  const auto batch = decode_batch(bytes);
  if (!batch) {
    FATAL_UNLESS(!batch.error().text.empty());
    return 0;
  }
  const auto again = decode_batch(encode_batch(batch.value()));
  FATAL_UNLESS(again.ok() && again.value() == batch.value());
  return 0;
}
