// Results as people and as programs read them: a table to the terminal, JSON to a file.
#pragma once

#include <string>
#include <vector>

#include "nodes/score/scored.hpp"
#include "nodes/score/series.hpp"

namespace holdfast::score {

/// What the JSON tells beside the results.
struct RunFacts {
  std::string config_file, config_sha256;
};

/// The sum over all series.
Verdict overall(const std::vector<Scored>& scored);

/// One line a series.
std::string table_head();
std::string table_line(const Scored& scored);
/// Sums by folder of series, then overall.
std::string table_sums(const std::vector<Scored>& scored);

/// {"overall": {…}, "series": [{"name": …, …}], …}; null where nothing can be divided.
std::string to_json(const std::vector<Scored>& scored, const std::vector<Unreadable>& unreadable,
                    const RunFacts& facts);

}  // namespace holdfast::score
