// Reads workflows.toml: how the actions of the catalogue are carried out, measured and undone, and
// how often and how wide. Without the file there are no workflows, and nothing is done by itself.
#pragma once

#include <string>

#include "nodes/settings/problems.hpp"
#include "supervision/orchestrator/remediation/workflow.hpp"

namespace holdfast::settings {

/// Of `directory`. Every mistake is in `problems`; the value is of use only when there are none.
orchestrator::remediation::Book load_workflows(const std::string& directory, Problems& problems);

}  // namespace holdfast::settings
