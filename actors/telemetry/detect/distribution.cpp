#include "actors/telemetry/detect/distribution.hpp"

#include <algorithm>
#include <cmath>

#include "messages/check.hpp"

namespace holdfast::detect {

DistributionDistance::DistributionDistance(const DistributionSettings& settings)
    : settings_(settings) {
  CHECK(settings.bins >= 2 && settings.bins <= 32);
  CHECK(settings.reference >= 4 * settings.bins && settings.current >= settings.bins);
  learning_.reserve(settings.reference);
  counts_.assign(settings.bins, 0);
  ring_.assign(settings.current, 0);
}

void DistributionDistance::reset() {
  learning_.clear();
  edges_.clear();
  expected_.clear();
  std::fill(counts_.begin(), counts_.end(), 0U);
  next_ = filled_ = 0;
}

void DistributionDistance::settle_reference() {
  std::vector<double> sorted = learning_;
  std::sort(sorted.begin(), sorted.end());
  // Values that stand many times (a constant, a counter that is mostly zero) share one bin.
  for (uint32_t b = 1; b < settings_.bins; ++b) {
    const double edge = sorted[sorted.size() * b / settings_.bins];
    if (edges_.empty() || edge > edges_.back()) edges_.push_back(edge);
  }
  expected_.assign(settings_.bins, 0.5);
  for (const double value : learning_) expected_[bin_of(value)] += 1;
  const double all =
      static_cast<double>(learning_.size()) + 0.5 * static_cast<double>(settings_.bins);
  for (double& share : expected_) share /= all;
  learning_.clear();
}

uint32_t DistributionDistance::bin_of(double value) const {
  // A value on an edge is below it: edges are values that the reference had.
  return static_cast<uint32_t>(std::lower_bound(edges_.begin(), edges_.end(), value) -
                               edges_.begin());
}

double DistributionDistance::distance() const {
  if (!ready()) return 0;
  const double all =
      static_cast<double>(settings_.current) + 0.5 * static_cast<double>(settings_.bins);
  double nats = 0;
  for (uint32_t b = 0; b < settings_.bins; ++b) {
    const double share = (counts_[b] + 0.5) / all;
    nats += share * std::log(share / expected_[b]);
  }
  return std::max(0.0, nats);
}

std::optional<double> DistributionDistance::push(double value) {
  if (expected_.empty()) {
    learning_.push_back(value);
    if (learning_.size() == settings_.reference) settle_reference();
    return std::nullopt;
  }
  const auto bin = static_cast<uint8_t>(bin_of(value));
  if (filled_ == settings_.current)
    --counts_[ring_[next_]];
  else
    ++filled_;
  ring_[next_] = bin;
  ++counts_[bin];
  next_ = next_ + 1 == settings_.current ? 0 : next_ + 1;
  // Once in a sixteenth of the window is soon enough, and keeps the logarithms off most points.
  if (!ready() || next_ % std::max(1U, settings_.current / 16) != 0) return std::nullopt;
  const double nats = distance();
  if (nats <= settings_.limit || 2 * settings_.current * nats <= settings_.significance)
    return std::nullopt;
  reset();
  return nats;
}

}  // namespace holdfast::detect
