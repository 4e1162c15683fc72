#include "tests/simulation/cluster/simulation.hpp"

#include <algorithm>
#include <cstdio>

namespace holdfast::cluster_simulation {

namespace {
constexpr MonoTime kStart{1'000'000'000'000'000};  // no clock begins at zero
}

std::string_view name_of(Bug bug) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Bug::kCount_)> kNames = {
      "None",
      "ReleaseBeforeCommit",
      "DedupDropped",
      "NewIdOnResend",
      "QueryUnconfirmed",
      "CursorNotJournaled",
      "YoungReportedNotSent",
      "NumberReused",
      "NoTruncate",
      "PromotionWithoutTail",
      "AckBeforeWrite",
      "AckBeforeSync",
      "BlindArbiter",
      "SameIncarnation",
      "PrunedTooEarly",
      "NumberBeforeReport",
      "BarrierSkipped",
      "StaleRestart"};
  return kNames.at(static_cast<std::size_t>(bug));
}

Settings settings_of(uint64_t seed) {
  Settings settings;
  settings.seed = seed;
  settings.learner = seed % 3 == 0;
  settings.fsynced = seed % 4 == 1;
  settings.halt = seed % 7 == 0;
  settings.fences = seed % 2 == 0;
  settings.guards = seed % 5 < 2;
  return settings;
}

Simulation::Simulation(const Settings& settings)
    : settings_(settings), random_(settings.seed), now_(kStart) {}

Duration Simulation::elapsed() const { return now_ - kStart; }

void Simulation::at(Duration delay, Event event) {
  uint32_t slot = 0;
  if (free_.empty()) {
    slot = static_cast<uint32_t>(slots_.size());
    slots_.push_back(std::move(event));
  } else {
    slot = free_.back();
    free_.pop_back();
    slots_[slot] = std::move(event);
  }
  queue_.push_back({now_ + delay, ++order_, slot});
  std::push_heap(queue_.begin(), queue_.end(),
                 [](const Queued& a, const Queued& b) { return a.after(b); });
}

void Simulation::run_until(MonoTime end) {
  while (!queue_.empty() && failure_.empty() && queue_.front().when <= end) {
    std::pop_heap(queue_.begin(), queue_.end(),
                  [](const Queued& a, const Queued& b) { return a.after(b); });
    const Queued next = queue_.back();
    queue_.pop_back();
    now_ = next.when;
    mix(static_cast<uint64_t>(now_.ns));
    const Event event = std::exchange(slots_[next.slot], nullptr);
    free_.push_back(next.slot);
    event();
  }
  if (failure_.empty()) now_ = std::max(now_, end);
}

void Simulation::say(uint32_t node, std::string_view what, uint64_t a, uint64_t b,
                     std::string_view text) {
  for (const char c : what) mix(static_cast<uint8_t>(c));
  mix(node);
  mix(a);
  mix(b);
  for (const char c : text) mix(static_cast<uint8_t>(c));
  if (!settings_.trace) return;
  const double at = static_cast<double>(elapsed().ns) / 1e6;
  std::string who = node == 0 ? "world" : "node " + std::to_string(node);
  std::printf("%11.3f ms  %-7s %.*s", at, who.c_str(), static_cast<int>(what.size()), what.data());
  if (a != 0 || b != 0) std::printf(" %llu", static_cast<unsigned long long>(a));
  if (b != 0) std::printf(" %llu", static_cast<unsigned long long>(b));
  if (!text.empty()) std::printf(" %.*s", static_cast<int>(text.size()), text.data());
  std::printf("\n");
}

void Simulation::fail(const std::string& what) {
  say(0, "VIOLATION", 0, 0, what);
  if (failure_.empty()) failure_ = what;
}

}  // namespace holdfast::cluster_simulation
