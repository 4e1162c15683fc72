#include "actors/telemetry/detect/residual.hpp"

#include <algorithm>
#include <cmath>

#include "messages/check.hpp"

namespace holdfast::detect {
namespace {

constexpr double kNormalMad = 1.4826;   // median absolute deviation to standard deviation
constexpr uint64_t kDeviationsMin = 8;  // fewer tell no scale
constexpr double kDeviationClip = 8;    // in scales: what one point may add to the mean deviation
constexpr double kScaleLeast = 1e-12;

uint64_t points_in(Duration span, Duration interval, uint64_t least, uint64_t most) {
  return std::clamp(static_cast<uint64_t>(std::max<int64_t>(0, span.ns / interval.ns)), least,
                    most);
}

}  // namespace

ResidualScore::ResidualScore(const ResidualSettings& settings, Duration interval)
    : settings_(settings),
      near_(points_in(settings.near, interval, settings.near_points, settings.near_points_max)),
      far_(settings.far.ns == 0 ? 1
                                : points_in(settings.far, interval, settings.far_points_min,
                                            settings.far_points_max)),
      deviations_(settings.scale_points),
      season_(settings.season, interval) {
  CHECK(interval.ns > 0 && settings.near_points >= 1);
  // What does not fit is thinned out: the longer past keeps its length.
  far_every_ = static_cast<uint32_t>(
      std::max<int64_t>(1, settings.far.ns / interval.ns / static_cast<int64_t>(far_.capacity())));
}

double ResidualScore::scale(double level) const {
  return std::max({kNormalMad * deviations_.median(), settings_.scale_of_level * std::abs(level),
                   settings_.scale_of_mean * mean_deviation_, kScaleLeast});
}

Residual ResidualScore::judge(WallTime at, double value, double season_from) const {
  if (deviations_.size() < kDeviationsMin) return {0, 0, 0, 0, value, false};
  const double near = near_.empty() ? value : near_.median();
  const double far = settings_.far.ns > 0 && !far_.empty() ? far_.median() : near;
  const double unit = scale(near);
  double high = far, low = far;
  if (std::abs(value - far) > season_from * unit) {
    if (const auto range = season_.range(at)) {
      high = std::max(high, range->high);
      low = std::min(low, range->low);
    }
  }
  const double shifted_up = (value - high) / unit, shifted_down = (low - value) / unit;
  high = std::max(high, near);
  low = std::min(low, near);
  return {(value - high) / unit, (low - value) / unit,         shifted_up,
          shifted_down,          std::clamp(value, low, high), true};
}

void ResidualScore::learn(WallTime at, double value) {
  const double near = near_.empty() ? value : near_.median();
  const double deviation = std::abs(value - near);
  const double clipped = deviations_.size() < kDeviationsMin
                             ? deviation
                             : std::min(deviation, kDeviationClip * scale(near));
  ++learnt_;
  mean_deviation_ += std::max(1.0 / static_cast<double>(learnt_), 1.0 / settings_.scale_memory) *
                     (clipped - mean_deviation_);
  deviations_.push(deviation);
  near_.push(value);
  if (settings_.far.ns > 0 && far_skipped_++ % far_every_ == 0) far_.push(value);
  season_.learn(at, value);
}

}  // namespace holdfast::detect
