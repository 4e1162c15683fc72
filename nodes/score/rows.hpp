// Reads one line of a labelled series: cells with or without quotes, times as they are written in
// the collections that the scorer takes. Says what is wrong with a line, so that lines can be
// counted under it. No I/O.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/time.hpp"

namespace holdfast::score {

/// What became of the rows of one series.
struct RowCounts {
  uint64_t used = 0;
  uint64_t empty = 0;       // no value
  uint64_t malformed = 0;   // a time, value or label that is none, too few cells
  uint64_t disordered = 0;  // not later than the row before
  uint64_t all() const { return used + empty + malformed + disordered; }
  RowCounts& operator+=(const RowCounts& other);
  friend bool operator==(const RowCounts&, const RowCounts&) = default;
};

/// The cells of a line, without quotes and the blanks around them. `""` inside quotes is a quote.
std::vector<std::string> cells(std::string_view line);

/// "2018-07-03 14:00:00", with T, with fractions, with "Z" or "+02:00"; without a zone it is UTC.
/// Seconds may be missing. Years 1700 to 2200.
std::optional<WallTime> parse_time(std::string_view text);

/// A finite decimal number that is all of `text`.
std::optional<double> parse_number(std::string_view text);

/// Which columns hold what; found by a header's names, in any case and order.
struct Columns {
  std::size_t time = 0, value = 0;
  std::optional<std::size_t> label;
};
/// Nothing when the header names no timestamp or no value.
std::optional<Columns> parse_header(std::string_view line);

struct Row {
  WallTime at;
  double value = 0;
  bool label = false;
};
enum class RowFault : uint8_t { kNone, kEmpty, kMalformed };
/// Reads a line into `row`; kEmpty where there is no value, or nothing at all.
RowFault parse_row(std::string_view line, const Columns& columns, Row& row);

}  // namespace holdfast::score
