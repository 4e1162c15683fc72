// K of N: a finding counts only when K of the last N points have it, so that one odd sample of a
// noisy source does not page anybody. W. A. Shewhart's supplementary run rules as in Western
// Electric, "Statistical Quality Control Handbook" (1956).
#pragma once

#include <bit>
#include <cstdint>

#include "messages/check.hpp"

namespace holdfast::detect {

class Persistence {
 public:
  static constexpr unsigned kPointsMax = 64;
  /// 1 <= `needed` <= `of` <= kPointsMax.
  Persistence(unsigned needed, unsigned of)
      : needed_(needed), mask_(of >= kPointsMax ? ~uint64_t{0} : (uint64_t{1} << of) - 1) {
    CHECK(needed >= 1 && needed <= of && of <= kPointsMax);
  }

  /// Takes whether the latest point has it; returns whether `needed` of the last `of` do.
  bool push(bool has) {
    points_ = ((points_ << 1) | (has ? 1 : 0)) & mask_;
    return static_cast<unsigned>(std::popcount(points_)) >= needed_;
  }
  void reset() { points_ = 0; }

 private:
  unsigned needed_;
  uint64_t mask_;
  uint64_t points_ = 0;
};

}  // namespace holdfast::detect
