// Watches the metrics of one machine together, a row at a time, by two questions: how many metrics
// are odd at once, each against its own past (an incident moves many, noise moves few), and whether
// the row leaves the subspace in which the metrics usually move (subspace.hpp). Each has an
// extreme-value limit, and what belongs together is one alarm, with the metric that contributed
// most. Streaming, no training, bounded memory. Does not know what a metric means.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "actors/telemetry/detect/alarm.hpp"
#include "actors/telemetry/detect/intake.hpp"
#include "actors/telemetry/detect/residual.hpp"
#include "actors/telemetry/detect/subspace.hpp"
#include "actors/telemetry/detect/tail.hpp"

namespace holdfast::detect {

struct MultivariateSettings {
  ResidualSettings residual;  // of each metric
  double score_min = 4;       // a metric below this is not odd
  double score_max = 10;      // and none counts for more than this
  uint32_t metrics_min = 4;   // so many have to be odd at once
  TailSettings tail;          // of the sum of the odd scores
  SubspaceSettings subspace;
  TailSettings subspace_tail;
  double subspace_min = 4;      // residuals below this are never odd
  bool subspace_alone = false;  // whether the subspace may raise an alarm when no metric is odd
  uint32_t quiet_points = 10;
  Duration quiet = Duration::seconds(600);
};

/// The metrics of one machine. Not thread-safe; owned by one actor.
class MultivariateDetector {
 public:
  /// 2 <= `metrics` <= 1024; rows have that many values.
  MultivariateDetector(const MultivariateSettings& settings, std::size_t metrics);
  ~MultivariateDetector();
  MultivariateDetector(MultivariateDetector&&) noexcept;
  MultivariateDetector& operator=(MultivariateDetector&&) noexcept;

  /// Takes a row. Returns an alarm when one begins with it. Rows with a value that is no number, or
  /// not later than the row before, are counted and otherwise ignored.
  std::optional<Alarm> push(WallTime at, std::span<const double> row);
  const std::optional<Alarm>& active() const;
  const IntakeCounts& counts() const { return intake_.counts(); }
  /// The score of each metric in the latest row, 0 where it was not odd: the evidence.
  std::span<const double> scores() const;

 private:
  struct State;
  MultivariateSettings settings_;
  std::size_t metrics_;
  Intake intake_;
  std::unique_ptr<State> state_;
};

}  // namespace holdfast::detect
