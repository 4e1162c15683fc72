#include "nodes/node/healing/measuring.hpp"

#include <algorithm>
#include <cstdlib>

namespace holdfast::node {

using orchestrator::remediation::Objective;
using orchestrator::remediation::ObjectiveKind;
using orchestrator::remediation::Scope;
using telemetry::Metric;
using telemetry::Sample;

namespace {

std::optional<bool> high_is_worse(ObjectiveKind kind) {
  switch (kind) {
    case ObjectiveKind::kAtMost:
    case ObjectiveKind::kAtMostOfBefore:
      return true;
    case ObjectiveKind::kAtLeast:
    case ObjectiveKind::kAtLeastOfBefore:
      return false;
    case ObjectiveKind::kFaultOver:
    case ObjectiveKind::kEffectsOver:
      break;
  }
  return std::nullopt;
}

std::vector<MemberId> all_members(const orchestrator::World* world, MemberId self) {
  std::vector<MemberId> all{self};
  if (world)
    for (const auto& member : world->members)
      if (member.reachable && std::find(all.begin(), all.end(), member.id) == all.end())
        all.push_back(member.id);
  return all;
}

/// Whose reading tells how far off, and which number says that nobody knows.
int64_t worth_of(const Sample& sample) {
  switch (sample.metric) {
    case Metric::kClockOffset:
    case Metric::kClockStep:
      return sample.value < 0 ? -std::max(sample.value, -INT64_MAX) : sample.value;
    case Metric::kClockBound:
      return sample.value < 0 ? INT64_MAX : sample.value;
    default:
      return sample.value;
  }
}

/// Ratios of few trials count together, as one of all their trials; where others have enough, and
/// they don't even together, not at all.
std::vector<Worth> weighed(const std::vector<Worth>& all) {
  std::vector<Worth> out;
  __int128 hits = 0;
  uint64_t trials = 0;
  for (const Worth& one : all) {
    if (one.trials == 0 || one.trials >= kTrialsEnough) {
      out.push_back(one);
    } else {
      hits += static_cast<__int128>(one.value) * one.trials;
      trials += one.trials;
    }
  }
  if (trials > 0 && (out.empty() || trials >= kTrialsEnough))
    out.push_back({static_cast<int64_t>(hits / trials),
                   static_cast<uint32_t>(std::min<uint64_t>(trials, UINT32_MAX))});
  return out;
}

bool less(const Worth& a, const Worth& b) { return a.value < b.value; }

/// Which series of a metric a wish is of. What is told of this group or of something that is called
/// so is meant; a metric that knows no groups, or calls other things by names, is read whole.
std::vector<const Sample*> series_of(const Wish& wish, std::span<const telemetry::SharedView> views,
                                     MemberId self) {
  std::vector<const Sample*> found;
  bool of_groups = false, called_so = false;
  for (const auto& view : views)
    for (const auto& series : view->series)
      if (series.last.metric == wish.metric && series.last.member == self) {
        of_groups = of_groups || series.last.group;
        found.push_back(&series.last);
      }
  if (wish.group && of_groups)
    std::erase_if(found, [&](const Sample* sample) { return sample->group != wish.group; });
  if (wish.instance.empty()) return found;
  for (const Sample* sample : found) called_so = called_so || sample->instance == wish.instance;
  if (called_so)
    std::erase_if(found, [&](const Sample* sample) { return sample->instance != wish.instance; });
  return found;
}

}  // namespace

MeasurePlan plan_measure(const orchestrator::healing::Measure& measure,
                         const orchestrator::World* world, MemberId self) {
  MeasurePlan plan;
  const Duration age = measure.round <= 1 ? kBeforeAge : Duration{};
  for (const Objective& objective : measure.objectives) {
    ObjectiveRead& read = plan.reads.emplace_back();
    const auto high = high_is_worse(objective.kind);
    if (!high || plan.reads.size() > kWishesMax) continue;
    read.high_is_worse = *high;
    read.wish = {objective.metric, {}, {}, age};
    switch (objective.scope) {
      case Scope::kTarget:
        read.wish.group = measure.target.group;
        read.wish.instance = measure.target.instance;
        if (measure.target.member)
          read.of = {measure.target.member};
        else
          read.of = all_members(world, self);
        break;
      case Scope::kSuccessor:
        // Of what leads now; disks and actors are called otherwise there.
        read.wish.group = measure.target.group;
        if (measure.successor) read.of = {measure.successor};
        break;
      case Scope::kCluster:
        read.of = all_members(world, self);
        break;
    }
    for (const MemberId member : read.of) {
      auto& wishes = plan.questions[member];
      if (std::find(wishes.begin(), wishes.end(), read.wish) == wishes.end())
        wishes.push_back(read.wish);
    }
  }
  return plan;
}

std::vector<Extremes> read_wishes(std::span<const Wish> wishes,
                                  std::span<const telemetry::SharedView> views, MemberId self,
                                  WallTime asked, bool& complete) {
  std::vector<Extremes> out;
  complete = true;
  for (const Wish& wish : wishes) {
    std::vector<Worth> fresh;
    for (const Sample* sample : series_of(wish, views, self)) {
      if (asked - sample->at <= wish.age)
        fresh.push_back({worth_of(*sample), sample->trials});
      else if (asked - sample->at <= kSeriesLives)
        complete = false;  // it is read again soon
    }
    const auto counted = weighed(fresh);
    if (counted.empty()) {
      complete = false;
      continue;
    }
    const auto [low, high] = std::minmax_element(counted.begin(), counted.end(), less);
    out.push_back({wish, *low, *high});
  }
  return out;
}

orchestrator::remediation::Values conclude(const MeasurePlan& plan, const MeasureAnswers& answers) {
  orchestrator::remediation::Values values;
  for (const ObjectiveRead& read : plan.reads) {
    auto& value = values.emplace_back();
    std::vector<Worth> worths;
    bool all = true;
    for (const MemberId member : read.of) {
      const auto answer = answers.find(member);
      all = all && answer != answers.end();
      if (answer == answers.end()) continue;
      for (const Extremes& found : answer->second)
        if (found.wish == read.wish) worths.push_back(read.high_is_worse ? found.high : found.low);
    }
    const auto counted = weighed(worths);
    if (!all || counted.empty()) continue;
    const auto [low, high] = std::minmax_element(counted.begin(), counted.end(), less);
    value = read.high_is_worse ? high->value : low->value;
  }
  return values;
}

}  // namespace holdfast::node
