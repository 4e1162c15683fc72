// What measuring an objective means: of whom which series are read, which readings count, and how
// many readings become one value, the worst. Pure: the measurer asks and gathers.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <vector>

#include "messages/telemetry/view.hpp"
#include "supervision/orchestrator/healing/healing.hpp"

namespace holdfast::node {

/// Before and after of one remedy.
inline constexpr std::size_t kWishesMax = 2 * orchestrator::remediation::kObjectivesMax;
/// Before the first step what was read a moment ago is as good, and some of the kernel's numbers
/// (pressure) come every two seconds only.
inline constexpr Duration kBeforeAge = Duration::milliseconds(2'500);
/// A series that was silent for longer, when it was asked for, is not waited for.
inline constexpr Duration kSeriesLives = Duration::seconds(1);
/// A ratio of fewer trials says little by itself.
inline constexpr uint32_t kTrialsEnough = 20;

/// One metric of one member: of this group, where the metric is told by groups, and of this
/// instance, where it is told of one that is called so; zero and empty: of all of them.
struct Wish {
  telemetry::Metric metric = telemetry::Metric::kCpuUtilization;
  GroupId group;
  telemetry::Instance instance;
  Duration age;  // how much older than the question a reading may be, up to kBeforeAge
  friend bool operator==(const Wish&, const Wish&) = default;
};

struct Worth {
  int64_t value = 0;
  uint32_t trials = 0;  // of a ratio; 0: not known
  friend bool operator==(const Worth&, const Worth&) = default;
};
/// The lowest and the highest that a wish found at one member.
struct Extremes {
  Wish wish;
  Worth low, high;
  friend bool operator==(const Extremes&, const Extremes&) = default;
};

/// How one objective is read; `of` empty: nobody can, or there is nothing to read.
struct ObjectiveRead {
  std::vector<MemberId> of;
  Wish wish;
  bool high_is_worse = true;
};
struct MeasurePlan {
  std::vector<ObjectiveRead> reads;                 // one for each objective
  std::map<MemberId, std::vector<Wish>> questions;  // each wish once
};
/// Whom to ask what. All members are those of the world that can be reached, and `self`; without a
/// world only `self`. The first round comes before any step, and takes readings of kBeforeAge.
MeasurePlan plan_measure(const orchestrator::healing::Measure& measure,
                         const orchestrator::World* world, MemberId self);

/// What one member's telemetry says to wishes, by readings not older than `asked` less the wish's
/// age; wishes that it says nothing to are left out. `complete`: nothing more is to be waited for.
std::vector<Extremes> read_wishes(std::span<const Wish> wishes,
                                  std::span<const telemetry::SharedView> views, MemberId self,
                                  WallTime asked, bool& complete);

using MeasureAnswers = std::map<MemberId, std::vector<Extremes>>;
/// The worst of each objective: the value that meets it least. None where a member that was asked
/// has not answered, since it might be the worst, or where none of them could say.
orchestrator::remediation::Values conclude(const MeasurePlan& plan, const MeasureAnswers& answers);

}  // namespace holdfast::node
