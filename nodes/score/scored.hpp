// What came of one series: the counts, and every alarm with its words.
#pragma once

#include <string>
#include <vector>

#include "actors/telemetry/detect/alarm.hpp"
#include "nodes/score/rows.hpp"
#include "nodes/score/verdict.hpp"

namespace holdfast::score {

/// The result of one series.
struct Scored {
  std::string source, name;
  std::size_t metrics = 1;
  RowCounts rows;
  Verdict verdict;
  std::vector<AlarmSpan> spans;
  std::vector<detect::Alarm> alarms;  // as they were raised, those of the warm-up too
};

}  // namespace holdfast::score
