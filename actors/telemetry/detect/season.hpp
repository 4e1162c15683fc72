// What is usual at this time of day: the mean of each bin of the day, on each of the last days, and
// of these the range without the most extreme. With three days and one set aside at either end that
// is their median: what two of three days had is usual, and yesterday's incident does not excuse
// today's. The decomposition into season and remainder follows R. B. Cleveland, W. S. Cleveland, J.
// E. McRae and I. Terpenning, "STL: A Seasonal-Trend Decomposition Procedure Based on Loess"
// (1990), with medians over days for its smoother. Knows days only: weeks would need weeks to be
// learnt.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "messages/time.hpp"

namespace holdfast::detect {

struct SeasonSettings {
  uint32_t days = 3;        // how many of the last days count; 0: no season at all
  uint32_t neighbours = 0;  // bins to either side that count too
  uint32_t set_aside = 1;   // how many of the most extreme means at either end are left out
  uint32_t bins_max = 288;  // of a day; fewer when points are further apart
};

struct Range {
  double low = 0, high = 0;
  friend bool operator==(const Range&, const Range&) = default;
};

class Season {
 public:
  /// `interval` is the usual distance of points. Points further apart than a third of a day have no
  /// season.
  Season(const SeasonSettings& settings, Duration interval);

  /// Takes a value; times do not go back.
  void learn(WallTime at, double value);
  /// The usual range at this time of day, or nothing before two days were seen.
  std::optional<Range> range(WallTime at) const;

 private:
  uint32_t bin_of(WallTime at) const;
  void close();

  SeasonSettings settings_;
  uint32_t bins_ = 0;             // 0: no season
  std::vector<double> means_;     // bins_ x days, a ring each
  std::vector<uint32_t> closed_;  // how often a bin was closed
  std::optional<uint32_t> bin_;   // the one that is open
  double sum_ = 0;                // of the points in the open bin
  uint32_t points_ = 0;
};

}  // namespace holdfast::detect
