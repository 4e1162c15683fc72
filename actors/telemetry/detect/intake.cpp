#include "actors/telemetry/detect/intake.hpp"

#include <algorithm>
#include <cmath>

namespace holdfast::detect {

bool usable(double value) { return std::abs(value) <= kValueMax; }  // false for NaN

bool Intake::take_time(WallTime at) {
  if (counts_.accepted > 0 && at <= latest_) {
    ++counts_.disordered;
    return false;
  }
  if (counts_.accepted > 0 && interval_.ns == 0) {
    distances_[counts_.accepted - 1] = (at - latest_).ns;
    if (counts_.accepted == kLearnt) {
      std::nth_element(distances_.begin(), distances_.begin() + kLearnt / 2, distances_.end());
      interval_ = {distances_[kLearnt / 2]};
    }
  }
  latest_ = at;
  ++counts_.accepted;
  return true;
}

}  // namespace holdfast::detect
