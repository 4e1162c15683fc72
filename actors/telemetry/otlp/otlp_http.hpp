// OTLP/HTTP JSON, the part that metrics need: an ExportMetricsServiceRequest to samples and back. A
// metric is one of the catalogue by its name; member, group and instance are attributes. Decoding
// is total and bounded, and takes what it can: each point that can't be a sample is counted by
// cause. Only gauges and sums are read: histograms of outsiders measure nothing of the catalogue.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "messages/result.hpp"
#include "messages/telemetry/view.hpp"

namespace holdfast::telemetry {

/// Attributes of a point beside OpenTelemetry's own.
inline constexpr std::string_view kMemberAttribute = "holdfast.member";      // its number, or name
inline constexpr std::string_view kGroupAttribute = "holdfast.group";        // its number
inline constexpr std::string_view kInstanceAttribute = "holdfast.instance";  // at most 48 bytes
inline constexpr std::string_view kTrialsAttribute = "holdfast.trials";

/// What an endpoint is told of who sends.
struct OtlpResource {
  std::string node;     // service.instance.id
  std::string version;  // service.version
};

/// Samples as one request body. Metrics that are levels, ratios and latencies are gauges; rates are
/// too, since they are no sums.
std::string encode_otlp(const OtlpResource& resource, std::span<const Sample> samples);

/// Adds what `body` holds to `out`. kInvalid: it is no such request at all; then nothing was added.
/// `member` finds a member by its name; zero when there is none.
Result<> decode_otlp(std::string_view body,
                     const std::function<MemberId(std::string_view name)>& member,
                     OutsideSamples& out);

}  // namespace holdfast::telemetry
