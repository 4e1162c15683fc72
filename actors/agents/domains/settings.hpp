// What the agents look at and how strictly: one watch a metric, with the direction that is bad, the
// absolute limits, and how far from the usual and how often a reading must be before it counts. A
// load that rises without harm is no fault, so every watch has a floor below which nothing counts.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "messages/telemetry.hpp"

namespace holdfast::agents {

/// Which side of the usual is bad.
enum class Bad : uint8_t { kHigh = 1, kLow, kBoth };
std::string_view to_text(Bad bad);

/// `need` readings out of the latest `of` must be out; 1 <= need <= of <= 64.
struct Persistence {
  uint8_t need = 3, of = 5;
  friend bool operator==(const Persistence&, const Persistence&) = default;
};

/// How one metric is judged. All values are in the metric's unit; with `kBoth` limits and floor are
/// of the absolute value.
struct Watch {
  telemetry::Metric metric = telemetry::Metric::kCpuUtilization;
  Bad bad = Bad::kHigh;
  /// At or beyond it is wrong, whatever is usual. None: only the comparison speaks.
  std::optional<int64_t> limit;
  /// At or beyond it a finding is critical.
  std::optional<int64_t> severe;
  /// Whether readings are compared with what is usual for the series.
  bool learns = true;
  /// Up to it (kLow: down to it) nothing is out of the usual.
  int64_t floor = 0;
  /// So far from the usual, at least, and by so many thousandths of it, …
  int64_t least_change = 0;
  uint32_t least_ratio_milli = 500;
  /// … and so many thousandths of the usual spread.
  uint32_t spreads_milli = 8'000;
  Persistence persistence;
  friend bool operator==(const Watch&, const Watch&) = default;
};

struct AgentSettings {
  std::vector<Watch> watches;  // one a metric at most; a metric without one is not looked at
  uint32_t instances = 1;      // agents of each domain
  /// Readings until a series' usual is known.
  uint32_t warm_up = 50;
  /// The usual follows a change in about so many readings.
  uint32_t memory = 3'000;
  /// An alarm that lasts so long is the new usual, unless a limit says otherwise.
  Duration accept_after = Duration::seconds(600);
  /// A finding is over when nothing has spoken for it for so long.
  Duration over_after = Duration::seconds(3);
  /// A series without readings for so long says nothing any more.
  Duration stale_after = Duration::seconds(10);
  /// An open finding is told again so often, so that a new orchestrator hears of it.
  Duration repeat_every = Duration::seconds(5);
  /// A reading that is older, or later, than this is refused.
  Duration age_max = Duration::seconds(30);
  /// Readings of one series that come faster are refused: a flood.
  Duration spacing_min = Duration::milliseconds(10);
  uint32_t series_max = 4'096;    // of one agent; then the one silent longest is forgotten
  uint32_t findings_max = 256;    // open ones of one agent
  uint32_t report_ppm = 500'000;  // confidence from which a finding is told
  Duration heartbeat_every = Duration::milliseconds(500);
  Duration dead_after = Duration::seconds(2);  // an agent that was silent so long is replaced
  friend bool operator==(const AgentSettings&, const AgentSettings&) = default;
};

/// The watches that hold unless config/agents.toml says otherwise.
AgentSettings default_settings();
/// Null: not looked at.
const Watch* find_watch(const AgentSettings& settings, telemetry::Metric metric);

}  // namespace holdfast::agents
