// Watches one series: a residual against near past, long past and time of day, an extreme-value
// limit on it, persistence, a cumulative sum for shifts that no single point shows, and one alarm
// for all that belongs together. Streaming, no training, bounded memory, one configuration for any
// series: it learns the distance of points from the first of them and keeps times in points from
// then on. Explainable: an alarm says which rule, what was expected and by how much it was missed.
// Does not know what the series means; up and down are both odd, down by a configured factor less
// so.
#pragma once

#include <memory>
#include <optional>

#include "actors/telemetry/detect/alarm.hpp"
#include "actors/telemetry/detect/cusum.hpp"
#include "actors/telemetry/detect/intake.hpp"
#include "actors/telemetry/detect/residual.hpp"
#include "actors/telemetry/detect/tail.hpp"

namespace holdfast::detect {

/// When findings become an alarm, and when it is over.
struct AlarmSettings {
  Duration confirm = Duration::seconds(180);  // a finding has to last this long, in points …
  uint32_t confirm_points_max = 3;            // … but never longer than so many
  double confirm_share = 0.7;                 // of the points of twice that time
  uint32_t quiet_points = 2;                  // an alarm ends after so many points without finding
  Duration quiet = Duration::seconds(600);    // and so much time
  double fatigue = 0.1;                       // each recent alarm raises the limit by this share
  double fatigue_days = 14;                   // what recent means
};

struct UnivariateSettings {
  ResidualSettings residual;
  TailSettings tail;
  CusumSettings cusum;
  AlarmSettings alarm;
  double score_min = 5;      // scores below this are never odd
  double down_factor = 1.5;  // how much more a fall has to be than a rise
};

/// One series. Not thread-safe; owned by one actor. After the first Intake::kLearnt points nothing
/// is allocated (some 40 KB a series with the defaults).
class UnivariateDetector {
 public:
  explicit UnivariateDetector(const UnivariateSettings& settings);
  ~UnivariateDetector();
  UnivariateDetector(UnivariateDetector&&) noexcept;
  UnivariateDetector& operator=(UnivariateDetector&&) noexcept;

  /// Takes a point. Returns an alarm when one begins with it. Points that are no numbers or are not
  /// later than the one before are counted and otherwise ignored.
  std::optional<Alarm> push(WallTime at, double value);
  /// The alarm that stands, with the end it has so far; nothing in quiet times.
  const std::optional<Alarm>& active() const;
  const IntakeCounts& counts() const { return intake_.counts(); }
  /// What the latest accepted point was expected to be, and its score (up positive, down negative).
  double expected() const;
  double score() const;

 private:
  struct State;  // what needs the distance of points to be made
  UnivariateSettings settings_;
  Intake intake_;
  std::unique_ptr<State> state_;
};

}  // namespace holdfast::detect
