#include "nodes/guard/hang_detector.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast {

HangDetector::HangDetector(Duration timeout, Duration interval)
    : timeout_(timeout), interval_(interval) {
  CHECK(interval_.ns > 0);
  CHECK(interval_ < timeout_);
}

std::optional<std::size_t> HangDetector::sample(MonoTime now,
                                                const std::vector<uint64_t>& counters) {
  const Duration passed = last_ ? std::min(now - *last_, interval_ * 2) : Duration{};
  last_ = now;
  stalled_.resize(counters.size());
  std::optional<std::size_t> hung;
  for (std::size_t i = 0; i < counters.size(); ++i) {
    const bool moved = i >= counters_.size() || counters_[i] != counters[i];
    stalled_[i] = moved ? Duration{} : stalled_[i] + passed;
    if (!hung && stalled_[i] >= timeout_) hung = i;
  }
  counters_ = counters;
  return hung;
}

void HangDetector::reset() {
  last_.reset();
  counters_.clear();
  stalled_.clear();
}

}  // namespace holdfast
