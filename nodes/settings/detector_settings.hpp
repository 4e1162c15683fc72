// Reads config/detectors.toml: the one configuration of all detectors, for the scorer and for
// nodes. Every key must stand in the file, so that the file alone, and its SHA-256, say what was
// used.
#pragma once

#include <string>

#include "actors/telemetry/detect/config.hpp"
#include "nodes/settings/problems.hpp"

namespace holdfast::settings {

/// Reads `file`. Every mistake is in `problems`, with its line; what is returned is of use only
/// when there are none, and then detectors can be made of it.
detect::Config load_detectors(const std::string& file, Problems& problems);

}  // namespace holdfast::settings
