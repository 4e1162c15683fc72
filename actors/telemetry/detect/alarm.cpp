#include "actors/telemetry/detect/alarm.hpp"

#include <cstdio>

#include "messages/check.hpp"

namespace holdfast::detect {

std::string_view to_string(Rule rule) {
  switch (rule) {
    case Rule::kResidual:
      return "residual";
    case Rule::kShift:
      return "shift";
    case Rule::kDistribution:
      return "distribution";
    case Rule::kSubspace:
      return "subspace";
    case Rule::kMetrics:
      return "metrics";
    case Rule::kRatio:
      return "ratio";
  }
  CHECK(!"a rule without a name");
}

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::kUp:
      return "up";
    case Direction::kDown:
      return "down";
    case Direction::kBoth:
      return "both";
  }
  CHECK(!"a direction without a name");
}

std::string explain(const Alarm& alarm) {
  char text[192];
  std::snprintf(text, sizeof text, "%s %s: %.6g where %.6g was expected, score %.3g over %.3g",
                std::string(to_string(alarm.rule)).c_str(),
                std::string(to_string(alarm.direction)).c_str(), alarm.value, alarm.expected,
                alarm.score, alarm.limit);
  std::string out = text;
  if (alarm.metric != kNoMetric) out += ", most of it metric " + std::to_string(alarm.metric);
  return out;
}

}  // namespace holdfast::detect
