#include "actors/telemetry/detect/merge.hpp"

#include <algorithm>

namespace holdfast::detect {

void AlarmMerger::tick(WallTime at) {
  if (active_ && at - active_->last > quiet_) active_.reset();
}

void AlarmMerger::extend(WallTime at) {
  tick(at);
  if (active_) active_->last = std::max(active_->last, at);
}

std::optional<Alarm> AlarmMerger::push(const Alarm& finding) {
  tick(finding.raised);
  if (active_) {
    active_->last = std::max(active_->last, finding.last);
    return std::nullopt;
  }
  active_ = finding;
  return finding;
}

}  // namespace holdfast::detect
