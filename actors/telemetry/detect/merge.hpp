// Makes one alarm of findings that belong together: those of several detectors about the same time,
// and those of one detector that pauses between points of one disturbance. The first finding gives
// the alarm its start and its words; later ones only move its end, until it was quiet for long
// enough. Does not weigh rules against each other.
#pragma once

#include <optional>

#include "actors/telemetry/detect/alarm.hpp"

namespace holdfast::detect {

class AlarmMerger {
 public:
  explicit AlarmMerger(Duration quiet) : quiet_(quiet) {}

  /// How long without a finding ends an alarm. Takes effect at the next point.
  void set_quiet(Duration quiet) { quiet_ = quiet; }
  /// Takes a finding. Returns it when it begins an alarm; nothing when it belongs to the one that
  /// stands, whose end moves to `finding.last`.
  std::optional<Alarm> push(const Alarm& finding);
  /// A point at `at` that still belongs to what stands, though it would not have raised it.
  void extend(WallTime at);
  /// Lets an alarm that was quiet for long enough end. Call with the time of each point.
  void tick(WallTime at);
  /// The alarm that stands, with the end it has so far.
  const std::optional<Alarm>& active() const { return active_; }

 private:
  Duration quiet_;
  std::optional<Alarm> active_;
};

}  // namespace holdfast::detect
