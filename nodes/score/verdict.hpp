// The rules by which alarms are held against labels, and nothing else: no files, no detectors.
//
//   - A run of labels is a window, from the first to the last labelled point.
//   - A window with the start of an alarm inside is a hit; further alarms in it count nothing.
//   - An alarm that touches no window is false. One that begins before a window and lasts into it
//   is
//     neither.
//   - The first 15 % of the points are warm-up: alarms that begin and windows that begin in it are
//     not scored.
//   - Precision is hits of hits and false alarms; recall is hits of windows. Delay is from the
//     window's start to the alarm's. False alarms are told a day of unlabelled time: the unlabelled
//     scored points, each worth the usual distance of points.
//   - What can't be divided is null.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "messages/time.hpp"

namespace holdfast::score {

inline constexpr double kWarmUpShare = 0.15;

/// Closed on both ends.
struct Window {
  WallTime first, last;
  friend bool operator==(const Window&, const Window&) = default;
};

/// The part of an alarm that matters here: from its start to its latest point.
struct AlarmSpan {
  WallTime start, last;
  friend bool operator==(const AlarmSpan&, const AlarmSpan&) = default;
};

/// The windows of labelled points; `labels` and `times` go together, times ascend.
std::vector<Window> windows_of(std::span<const WallTime> times, std::span<const uint8_t> labels);

/// How many of `points` are warm-up.
std::size_t warm_up_points(std::size_t points);

/// Counts of one series, or of several added up.
struct Verdict {
  uint64_t windows = 0, hits = 0, false_alarms = 0, alarms = 0;  // all of the scored part
  double unlabelled_days = 0;
  std::vector<double> delays_s;  // of the hits
  uint64_t points = 0;           // a multivariate row has one for each metric
  double cost_ns = 0;            // of all points

  std::optional<double> precision() const;
  std::optional<double> recall() const;
  /// 2 hits / (windows + hits + false alarms); null when there was neither window nor alarm.
  std::optional<double> f1() const;
  std::optional<double> false_alarms_per_day() const;
  /// The median (of an even number: the mean of the middle two).
  std::optional<double> delay_s_p50() const;
  std::optional<double> ns_per_point() const;
  Verdict& operator+=(const Verdict& other);
};

/// Holds `alarms` (in order of their start) against `windows` (in order, apart from each other)
/// over the series with the points `times`. The windows may be wider than labelled runs (NAB's
/// are).
Verdict judge(std::span<const WallTime> times, std::span<const Window> windows,
              std::span<const AlarmSpan> alarms);

}  // namespace holdfast::score
