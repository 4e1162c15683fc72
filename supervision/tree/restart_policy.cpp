#include "supervision/tree/restart_policy.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast {

bool RestartIntensity::allow(MonoTime now) {
  CHECK(restarts_.empty() || restarts_.back() <= now);
  while (!restarts_.empty() && now - restarts_.front() >= limit_.period) restarts_.pop_front();
  restarts_.push_back(now);
  if (restarts_.size() <= limit_.restarts) return true;
  restarts_.pop_front();  // keeps the window bounded if the owner goes on all the same
  return false;
}

Duration RestartBackoff::next(Duration ran, uint64_t random) {
  if (ran >= settings_.stable_after) failures_ = 0;
  const uint32_t failure = failures_;
  if (failures_ < 64) ++failures_;
  if (failure == 0) return {};
  int64_t delay = settings_.first.ns;
  for (uint32_t i = 1; i < failure && delay < settings_.longest.ns; ++i)
    delay = delay > settings_.longest.ns / 2 ? settings_.longest.ns : delay * 2;
  delay = std::min(delay, settings_.longest.ns);
  const auto spread =
      static_cast<uint64_t>(static_cast<__int128>(delay) * settings_.jitter_permille / 1000);
  if (spread == 0) return {delay};
  return {delay - static_cast<int64_t>(random % (spread + 1))};
}

}  // namespace holdfast
