// What the scorer works on, once it is read: one metric with times and labels, or many metrics of
// one machine with a row a minute.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodes/score/rows.hpp"
#include "nodes/score/verdict.hpp"

namespace holdfast::score {

/// One metric.
struct Series {
  std::string source;  // "nab", "labelled" or "smd": the option that named its folder
  std::string name;    // its path below that folder, with /
  RowCounts rows;
  std::vector<WallTime> times;
  std::vector<double> values;
  std::vector<Window> windows;
};

/// Many metrics of one machine. Rows have no times of their own: a minute each, the test right
/// after the training.
struct MachineSeries {
  std::string name;
  std::size_t metrics = 0;
  RowCounts training_rows, rows;  // of the training and of the test
  std::vector<WallTime> training_times, times;
  std::vector<double> training, test;  // row by row
  std::vector<Window> windows;         // of the test
};

/// What could not be read, and why; the others are scored without it.
struct Unreadable {
  std::string file, why;
};

struct Collection {
  std::vector<Series> series;
  std::vector<MachineSeries> machines;
  std::vector<Unreadable> unreadable;
};

}  // namespace holdfast::score
