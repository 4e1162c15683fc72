// Reads the cases of config/evaluate: every file of the folder, each a list of [[case]].
#pragma once

#include <string>
#include <vector>

#include "nodes/drill/evaluate/case.hpp"
#include "nodes/settings/problems.hpp"

namespace holdfast::drill::evaluate {

/// All cases, files by name and cases in their order. Every mistake is in `problems`; what is
/// returned is of use only when there are none.
std::vector<Case> load_cases(const std::string& folder, settings::Problems& problems);

}  // namespace holdfast::drill::evaluate
