// Reads the scenario files of a folder: one TOML file each, named like its scenario.
#pragma once

#include <string>
#include <vector>

#include "nodes/settings/problems.hpp"
#include "supervision/drills/scenario.hpp"

namespace holdfast::drill {

/// All scenarios of `folder`, by name. Every mistake is in `problems`; what is returned is of use
/// only when there are none.
std::vector<drills::Scenario> load_scenarios(const std::string& folder,
                                             settings::Problems& problems);

}  // namespace holdfast::drill
