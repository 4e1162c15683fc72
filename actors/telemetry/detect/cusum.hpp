// Two-sided cumulative sum: finds that a level moved by less than any single point would show, and
// when. Each side adds up what lies beyond an allowance and forgets it at zero; the time at which
// the sum last left zero is the estimate of when the change began.
// E. S. Page, "Continuous Inspection Schemes", Biometrika 41 (1954); the estimate of the time is in
// M. Basseville and I. V. Nikiforov, "Detection of Abrupt Changes: Theory and Application" (1993).
// Does not standardise: it is handed deviations in standard deviations.
#pragma once

#include <optional>

#include "actors/telemetry/detect/alarm.hpp"

namespace holdfast::detect {

struct CusumSettings {
  double allowance = 1.0;  // deviations up to this are noise; finds shifts of twice this fastest
  double limit = 12.0;     // the sum that raises the alarm
  double clip = 4.0;       // a single point adds at most this: a spike is no shift
};

/// Since when, and where to.
struct LevelChange {
  WallTime began;
  Direction direction = Direction::kUp;
  double sum = 0;
  friend bool operator==(const LevelChange&, const LevelChange&) = default;
};

class Cusum {
 public:
  explicit Cusum(const CusumSettings& settings) : settings_(settings) {}

  /// Takes the deviation `z` (standard deviations from the reference level, finite) of the point
  /// at `at`. Returns the change when a sum passes the limit, and starts anew.
  std::optional<LevelChange> push(WallTime at, double z);
  /// Forgets both sums, as after the reference level was learnt again.
  void reset();
  double up() const { return up_.sum; }
  double down() const { return down_.sum; }

 private:
  struct Side {
    double sum = 0;
    WallTime began;
  };
  /// Whether the side's sum passed the limit.
  bool add(Side& side, WallTime at, double z) const;

  CusumSettings settings_;
  Side up_, down_;
};

}  // namespace holdfast::detect
