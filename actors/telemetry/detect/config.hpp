// Everything that detectors are told, as one value: config/detectors.toml as read by
// nodes/settings. One configuration for all series of all nodes; nothing in it is about a
// particular metric.
#pragma once

#include "actors/telemetry/detect/distribution.hpp"
#include "actors/telemetry/detect/multivariate.hpp"
#include "actors/telemetry/detect/ratio.hpp"
#include "actors/telemetry/detect/univariate.hpp"

namespace holdfast::detect {

struct Config {
  UnivariateSettings univariate;
  MultivariateSettings multivariate;
  DistributionSettings distribution;
  ChanceSettings ratio;  // exposure: trials
  ChanceSettings rate;   // exposure: seconds
};

}  // namespace holdfast::detect
