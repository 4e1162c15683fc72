// Runs the detectors over what was read, under one configuration, and takes the time. A detector
// sees what it would see live: one point after the other, its warm-up included, labels never.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "actors/telemetry/detect/config.hpp"
#include "nodes/score/scored.hpp"
#include "nodes/score/series.hpp"

namespace holdfast::score {

Scored run_series(const Series& series, const detect::Config& config);
Scored run_machine(const MachineSeries& machine, const detect::Config& config);

/// All of them, in order. `progress` hears of each when it is done.
std::vector<Scored> run_all(const Collection& collection, const detect::Config& config,
                            const std::function<void(const Scored&)>& progress);

}  // namespace holdfast::score
