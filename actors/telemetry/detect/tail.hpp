// How large a score has to be to be rarer than a given risk, though it was never seen: the tail of
// what was seen is prolonged by a generalised Pareto distribution. The window it is fitted to moves
// with the series, so the limit follows drift (DSPOT).
// A. Siffer, P.-A. Fouque, A. Termier and C. Largouet, "Anomaly Detection in Streams with Extreme
// Value Theory", KDD 2017; the fit by quantiles in place of likelihood is J. Pickands, "Statistical
// Inference Using Extreme Order Statistics", Annals of Statistics 3 (1975): incidents that are in
// the window would pull a likelihood; quantiles below them don't notice. Takes scores,
// not values; does not decide.
#pragma once

#include <cstdint>
#include <optional>

#include "actors/telemetry/detect/ordered_window.hpp"

namespace holdfast::detect {

struct TailSettings {
  uint32_t points = 1000;    // the window
  uint32_t points_min = 20;  // before so many there is no limit
  double inner = 0.9;        // the quantile at which the tail begins
  double outer = 0.98;       // the quantile that gives its scale; above it may be incidents
  double shape_min = 0.0;    // the fitted shape is held within these; 0: exponential
  double shape_max = 0.2;
  double alarms_per_day = 0.1;  // the risk, told so that it means the same for any interval
};

class TailLimit {
 public:
  /// `points_per_day` > 0 turns the risk a day into one a point.
  TailLimit(const TailSettings& settings, double points_per_day);

  void push(double score) { scores_.push(score); }
  /// The score that is exceeded with the risk; nothing before there are enough points.
  std::optional<double> limit() const;

 private:
  TailSettings settings_;
  double exceedances_;  // log of how many times rarer than `inner` the risk is
  double spread_;       // log of how many times rarer than `inner` `outer` is
  OrderedWindow scores_;
};

}  // namespace holdfast::detect
