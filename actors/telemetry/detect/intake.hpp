// The door of every detector: points that are no numbers, or that are not later than the one
// before, are refused and counted, so that nothing behind it has to think of them. It also learns
// how far apart points are, since seasons, confirmation and quiet times are told in time and kept
// in points.
#pragma once

#include <array>
#include <cstdint>

#include "messages/time.hpp"

namespace holdfast::detect {

/// What became of all points so far.
struct IntakeCounts {
  uint64_t accepted = 0;
  uint64_t non_finite = 0;  // NaN, infinite, or so large that squares overflow
  uint64_t disordered = 0;  // not later than the latest accepted point
  friend bool operator==(const IntakeCounts&, const IntakeCounts&) = default;
};

/// Values beyond this are refused like infinities: their squares would be.
inline constexpr double kValueMax = 1e150;

/// Whether `value` is a number that detectors can compute with.
bool usable(double value);

class Intake {
 public:
  /// True when the point may be used; otherwise it is counted under what is wrong with it.
  bool take(WallTime at, double value) {
    if (!usable(value)) {
      ++counts_.non_finite;
      return false;
    }
    return take_time(at);
  }
  /// The same for a row whose values were looked at by the caller.
  bool take_time(WallTime at);
  void refuse_value() { ++counts_.non_finite; }

  const IntakeCounts& counts() const { return counts_; }
  /// The median of the first kLearnt distances of accepted points; zero until there are that many.
  Duration interval() const { return interval_; }
  WallTime latest() const { return latest_; }

  static constexpr std::size_t kLearnt = 16;

 private:
  IntakeCounts counts_;
  WallTime latest_;
  Duration interval_;
  std::array<int64_t, kLearnt> distances_{};
};

}  // namespace holdfast::detect
