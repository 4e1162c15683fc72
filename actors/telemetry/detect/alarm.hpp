// What a detector says when it finds something: which rule, since when, in which direction, what it
// expected and what limit was passed. Made of numbers and enumerated values only, so that an alarm
// can be journaled, merged and put before a person or a model as it is. Does not say what to do.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "messages/time.hpp"

namespace holdfast::detect {

/// Which detector it was.
enum class Rule : uint8_t {
  kResidual,      // a point far from what season and neighbours predict (residual.hpp)
  kShift,         // the level moved and stayed (cusum.hpp)
  kDistribution,  // the values are distributed differently than before (distribution.hpp)
  kSubspace,      // metrics that move together no longer do (subspace.hpp)
  kMetrics,       // so many metrics of one machine at once (multivariate.hpp)
  kRatio,         // more events in so many trials than chance makes (ratio.hpp)
};
inline constexpr std::size_t kRules = 6;

/// The rule's name as it stands in reports: "residual", "shift", …
std::string_view to_string(Rule rule);

enum class Direction : uint8_t { kUp, kDown, kBoth };
/// "up", "down", "both".
std::string_view to_string(Direction direction);

/// `metric` of an alarm that is about no single metric.
inline constexpr uint32_t kNoMetric = std::numeric_limits<uint32_t>::max();

/// One alarm. Times are those of the points; `score` and `limit` are in the unit of the rule (for
/// kResidual and kShift: robust standard deviations) and score > limit when it was raised.
struct Alarm {
  Rule rule = Rule::kResidual;
  Direction direction = Direction::kUp;
  WallTime began;   // since when, as the rule estimates it; never after `raised`
  WallTime raised;  // the point that raised it: the alarm's start
  WallTime last;    // the latest point that belongs to it; moves while the alarm stands
  double value = 0;
  double expected = 0;
  double score = 0;
  double limit = 0;
  uint32_t metric = kNoMetric;  // what contributed most
  friend bool operator==(const Alarm&, const Alarm&) = default;
};

/// One line for a person: "residual up: 97.3 where 12.1 was expected, score 14.2 over 6.8".
std::string explain(const Alarm& alarm);

}  // namespace holdfast::detect
