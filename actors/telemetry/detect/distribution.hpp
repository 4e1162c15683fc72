// Tells when values are distributed differently than before although no single one is odd: a wider
// spread, a second mode, a level that one in three requests now has. The latest window is compared
// with a reference by relative entropy over bins that held equal shares of the reference.
// S. Kullback and R. A. Leibler, "On Information and Sufficiency", Annals of Mathematical
// Statistics 22 (1951); for streams T. Dasu, S. Krishnan, S. Venkatasubramanian and K. Yi, "An
// Information-Theoretic Approach to Detecting Changes in Multi-Dimensional Data Streams" (2006).
// Knows no seasons: hand it residuals where the values have one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "actors/telemetry/detect/alarm.hpp"

namespace holdfast::detect {

struct DistributionSettings {
  uint32_t reference = 512;  // points that the reference is learnt from; >= 4 * bins
  uint32_t current = 128;    // points compared with it
  uint32_t bins = 8;         // 2..32
  double limit = 0.6;        // nats; what one bin that empties into another makes is about 0.1
  double significance = 40;  // 2 * current * distance must pass this too (chi-square, bins - 1)
};

class DistributionDistance {
 public:
  explicit DistributionDistance(const DistributionSettings& settings);

  /// Takes one finite value. Returns the distance in nats when both limits are passed; it then
  /// learns a new reference, so a change is told once.
  std::optional<double> push(double value);
  /// Relative entropy of the latest window to the reference; 0 until both are full.
  double distance() const;
  bool ready() const { return filled_ == settings_.current; }
  void reset();

 private:
  void settle_reference();
  uint32_t bin_of(double value) const;

  DistributionSettings settings_;
  std::vector<double> learning_;  // the reference while it grows, then empty
  std::vector<double> edges_;     // upper edges of all bins but the last
  std::vector<double> expected_;  // shares of the reference, smoothed
  std::vector<uint32_t> counts_;  // of the current window
  std::vector<uint8_t> ring_;     // the current window's bins, a ring
  uint32_t next_ = 0, filled_ = 0;
};

}  // namespace holdfast::detect
