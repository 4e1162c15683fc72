#include "actors/telemetry/detect/tail.hpp"

#include <algorithm>
#include <cmath>

#include "messages/check.hpp"

namespace holdfast::detect {
namespace {

// A generalised Pareto quantile for scale 1: how far out lies what is exp(-log_rarity) likely.
double reach(double shape, double log_rarity) {
  return shape < 1e-6 ? log_rarity : std::expm1(shape * log_rarity) / shape;
}

}  // namespace

TailLimit::TailLimit(const TailSettings& settings, double points_per_day)
    : settings_(settings),
      exceedances_(std::log((1 - settings.inner) * points_per_day / settings.alarms_per_day)),
      spread_(std::log((1 - settings.inner) / (1 - settings.outer))),
      scores_(settings.points) {
  CHECK(settings.inner < settings.outer && settings.outer < 1 && settings.inner > 0);
  CHECK(settings.alarms_per_day > 0 && points_per_day > 0);
}

std::optional<double> TailLimit::limit() const {
  if (scores_.size() < settings_.points_min) return std::nullopt;
  const double inner = scores_.quantile(settings_.inner);
  const double outer = scores_.quantile(settings_.outer);
  double shape = settings_.shape_min;
  if (settings_.shape_max > settings_.shape_min) {
    // For an exponential tail the quantile half-way (in rarity) lies half-way; the further out the
    // outer half reaches, the heavier the tail.
    const double half = scores_.quantile(1 - (1 - settings_.inner) * std::exp(-spread_ / 2));
    if (half > inner)
      shape = std::log(std::max(1e-9, (outer - half) / (half - inner))) / (spread_ / 2);
    else if (outer > half)
      shape = settings_.shape_max;
    shape = std::clamp(shape, settings_.shape_min, settings_.shape_max);
  }
  const double scale = (outer - inner) / reach(shape, spread_);
  return inner + scale * reach(shape, std::max(0.0, exceedances_));
}

}  // namespace holdfast::detect
