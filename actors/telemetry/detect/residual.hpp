// How far a point is from what predicts it, in robust standard deviations: from the median of the
// points just before it, from the median of the longer past, and from the range that is usual at
// this time of day; the nearest of the three counts, so only what none of them explains is large.
// The deviation is the median absolute one (F. R. Hampel, "The Influence Curve and Its Role in
// Robust Estimation", JASA 69, 1974; B. Iglewicz and D. Hoaglin, "How to Detect and Handle
// Outliers", 1993), with floors, since series that mostly stand still have a median deviation of
// zero. Does not decide: the limit is the tail's (tail.hpp).
#pragma once

#include <cstdint>

#include "actors/telemetry/detect/ordered_window.hpp"
#include "actors/telemetry/detect/season.hpp"

namespace holdfast::detect {

struct ResidualSettings {
  uint32_t near_points = 3;  // the median of so many points before, or of those within `near`
  uint32_t near_points_max = 63;
  Duration near = Duration::seconds(1'200);
  Duration far = Duration::seconds(43'200);  // the longer past; zero: not looked at
  uint32_t far_points_min = 24, far_points_max = 512;
  uint32_t scale_points = 128;  // deviations whose median is the scale
  double scale_of_level = 0.1;  // the scale is at least this share of the level
  double scale_of_mean = 0.5;   // and at least this share of the mean deviation
  double scale_memory = 300;    // points that the mean deviation remembers
  SeasonSettings season;
};

/// Of one point. `up` and `down` are negative where the point is on the other side.
struct Residual {
  double up = 0, down = 0;  // robust standard deviations beyond everything that explains it
  // The same without the points just before it, which soon call a moved level usual.
  double shifted_up = 0, shifted_down = 0;
  double expected = 0;  // what was nearest to it
  bool ready = false;   // enough points came before it to say anything
};

class ResidualScore {
 public:
  ResidualScore(const ResidualSettings& settings, Duration interval);

  /// Judges the point before it is learnt. `season_from`: scores below it are not worth looking at
  /// the season for (its look-up costs more than all the rest).
  Residual judge(WallTime at, double value, double season_from) const;
  void learn(WallTime at, double value);
  /// Forgets the points just before, as after a gap that makes them old.
  void forget_near() { near_.clear(); }

 private:
  ResidualSettings settings_;
  OrderedWindow near_, far_, deviations_;
  Season season_;
  uint32_t far_every_ = 1, far_skipped_ = 0;
  double mean_deviation_ = 0;
  uint64_t learnt_ = 0;
  double scale(double level) const;
};

}  // namespace holdfast::detect
