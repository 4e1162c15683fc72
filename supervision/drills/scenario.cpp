#include "supervision/drills/scenario.hpp"

#include <array>

namespace holdfast::drills {

namespace {
constexpr std::array<std::string_view, kFaults> kFaultNames = {"kill-active",
                                                               "kill-standby",
                                                               "kill-everything",
                                                               "stop-active",
                                                               "kill-guard",
                                                               "hand-over",
                                                               "lose-disk",
                                                               "restart-node",
                                                               "kill-take-over",
                                                               "partition",
                                                               "cut-venue",
                                                               "kill-arbiter",
                                                               "kill-arbiter-majority",
                                                               "fill-disk",
                                                               "slow-disk",
                                                               "step-clock",
                                                               "kill-rebuild",
                                                               "kill-both",
                                                               "crash-loop"};
constexpr std::array<std::string_view, 3> kAimNames = {"orders", "venue", "both"};
constexpr Duration kSecondMost = Duration::milliseconds(15);

template <typename T, typename Names>
std::optional<T> named(const Names& names, std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name) return static_cast<T>(i);
  return std::nullopt;
}
}  // namespace

std::string_view name_of(Fault fault) { return kFaultNames[static_cast<std::size_t>(fault)]; }
std::optional<Fault> fault_named(std::string_view name) { return named<Fault>(kFaultNames, name); }
std::string_view name_of(Aim aim) { return kAimNames[static_cast<std::size_t>(aim)]; }
std::optional<Aim> aim_named(std::string_view name) { return named<Aim>(kAimNames, name); }

uint64_t Planner::random() {  // splitmix64
  uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

Duration Planner::between(Duration least, Duration most) {
  const uint64_t drawn = random();
  if (most <= least) return least;
  return least + Duration{static_cast<int64_t>(drawn % static_cast<uint64_t>((most - least).ns))};
}

Step Planner::next() {
  Step step;
  step.fault = scenario_.faults.size() == 1 ? scenario_.faults.front()
                                            : scenario_.faults[random() % scenario_.faults.size()];
  const uint64_t turn = made_++;
  step.aim = scenario_.aim != Aim::kBoth ? scenario_.aim : turn % 2 ? Aim::kVenue : Aim::kOrders;
  const uint64_t of_orders = scenario_.aim == Aim::kBoth ? turn / 2 : turn;
  step.shard = static_cast<uint32_t>(of_orders % shards_);
  step.pause = between(scenario_.pause_least, scenario_.pause_most);
  step.stop = between(scenario_.stop_least, scenario_.stop_most);
  if (!scenario_.stop_around.empty()) {
    // Each of the list once, in an order of its own, before any comes again.
    if (stops_.empty()) stops_ = scenario_.stop_around;
    const auto at = stops_.begin() + static_cast<std::ptrdiff_t>(random() % stops_.size());
    step.stop = between({at->ns * 4 / 5}, {at->ns * 6 / 5});
    stops_.erase(at);
  }
  step.second = between({}, kSecondMost);
  step.pick = random();
  return step;
}

}  // namespace holdfast::drills
