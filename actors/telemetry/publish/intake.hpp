// What comes from outside is judged here before anybody hears of it: each sample that is unknown,
// impossible, too old, too new, repeated, somebody else's, or one too many is refused and counted
// by cause, and nothing else is done about it. Pure; decoding comes before it (it reports what it
// could not read by `refuse`), the bus after it.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "actors/telemetry/publish/series.hpp"
#include "messages/telemetry/view.hpp"

namespace holdfast::telemetry {

/// Whether the metric can have this value; for those of this process too.
bool possible(const MetricInfo& info, int64_t value);
/// A number of a text or a binary float, rounded to the catalogue's unit: kNotFinite, kOutOfRange.
std::optional<Refusal> to_value(double number, int64_t& value);

struct IntakeStats {
  uint64_t admitted = 0;
  RefusalCounts refused{};
  uint64_t refused_total() const;
};

class Intake {
 public:
  /// `series` outlives it; `known` says whether a member is one of this cluster.
  Intake(SeriesTable& series, std::function<bool(MemberId)> known);

  /// Judges one sample of a source, by its name. Nothing: it is in its series now and may be
  /// published. `wall` and `mono` are now.
  std::optional<Refusal> admit(std::string_view source, const Sample& sample, WallTime wall,
                               MonoTime mono);
  /// Counts what a decoder could not make samples of. It counts against the source's rate too.
  void refuse(std::string_view source, Refusal refusal, uint64_t count, MonoTime mono);

  const IntakeStats& stats() const { return stats_; }
  std::size_t sources() const { return sources_.size(); }

 private:
  struct Source {
    SourceId id = 0;
    double tokens = limits::kTelemetryBurst;
    MonoTime filled;
  };
  Source* source_of(std::string_view name, MonoTime mono);
  static bool take_token(Source& source, double count, MonoTime mono);
  std::optional<Refusal> judge(Source& source, const Sample& sample, WallTime wall, MonoTime mono);

  SeriesTable& series_;
  const std::function<bool(MemberId)> known_;
  std::map<std::string, Source, std::less<>> sources_;
  SourceId last_ = kThisProcess;
  IntakeStats stats_;
};

}  // namespace holdfast::telemetry
