// What the telemetry actor is asked: what it knows of series, for consoles and scrapers; and to
// take samples that came from outside. Plain structs that travel inside one process.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/telemetry.hpp"
#include "messages/telemetry/limits.hpp"

namespace holdfast::telemetry {

/// Why a sample from outside was not taken.
enum class Refusal : uint8_t {
  kMalformed = 0,  // can't be read
  kUnknownMetric,
  kUnknownMember,
  kNotFinite,      // no number, or an infinite one
  kOutOfRange,     // no value that the metric can have
  kStale,          // too old
  kFromFuture,     // ahead of this node's clock
  kDuplicate,      // the same time again
  kDisordered,     // older than the one before
  kForeign,        // a series that another source, or this process, speaks for
  kFlooding,       // more than a source may send
  kTooManySeries,  // of one source, or of all
  kTooManySources,
};
inline constexpr std::size_t kRefusals = 13;
/// "unknown_metric", ...
std::string_view to_text(Refusal refusal);
/// How many, by cause.
using RefusalCounts = std::array<uint64_t, kRefusals>;

/// Asks for series; none: all. The answer is a SharedView.
struct TelemetryQuery {
  std::optional<Domain> domain;
  std::optional<Metric> metric;
  uint32_t points = 0;  // of each series, the last ones; 0: only the latest value
};
struct PointView {
  WallTime at;
  int64_t value = 0;
};
struct SeriesView {
  Sample last;
  uint64_t count = 0;             // samples since the start
  bool outside = false;           // another process speaks for it
  std::vector<PointView> points;  // oldest first
};
/// What telemetry counts about itself.
struct TelemetryCounts {
  uint64_t intervals = 0;       // readings taken
  uint64_t intervals_late = 0;  // begun more than an interval late
  uint64_t busy_ns = 0;         // CPU time that all intervals took
  uint64_t busy_ns_max = 0;     // of one
  uint64_t published = 0, delivered = 0, unheard = 0, lost = 0;
  uint64_t impossible = 0;    // samples of this process that no such metric can have: a bug of ours
  uint64_t loop_skipped = 0;  // intervals for which the hot loop had not answered the one before
  uint64_t admitted = 0;      // from outside
  RefusalCounts refused{};
  uint64_t series = 0, subscribers = 0, sources = 0;
  // Out, by OTLP.
  uint64_t exported = 0, export_lost = 0, export_failures = 0, export_retries = 0;
};
struct TelemetryView {
  MemberId member;
  WallTime now;
  Duration interval;
  TelemetryCounts counts;
  std::vector<SeriesView> series;  // rising by metric, member, group, instance
};
/// Never null.
using SharedView = std::shared_ptr<const TelemetryView>;

/// Samples that came from outside, as far as they could be read. The answer is OutsideTaken.
struct OutsideSamples {
  std::string source;  // who sent them: the identity that was checked
  std::vector<Sample> samples;
  RefusalCounts refused{};  // what the decoder could not read or name
};
struct OutsideTaken {
  uint64_t admitted = 0;
  RefusalCounts refused{};
};

}  // namespace holdfast::telemetry
