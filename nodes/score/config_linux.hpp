// The one configuration of a run: found, read, and named by its SHA-256 so that results say which
// it was.
#pragma once

#include <string>

#include "actors/telemetry/detect/config.hpp"
#include "messages/result.hpp"
#include "nodes/score/report.hpp"

namespace holdfast::score {

struct LoadedConfig {
  detect::Config detectors;
  RunFacts facts;
};

/// Reads `file`, or where that is empty config/detectors.toml of the working folder or of the
/// nearest folder above the running program. Every mistake is in the error, with its line.
Result<LoadedConfig> load_config(const std::string& file);

}  // namespace holdfast::score
