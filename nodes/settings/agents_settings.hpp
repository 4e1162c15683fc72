// Reads agents.toml: what the analysis agents look at and how strictly. The file may be missing or
// name some metrics only; what it doesn't say stays as the agents have it by default.
#pragma once

#include <string>

#include "actors/agents/domains/settings.hpp"
#include "nodes/settings/problems.hpp"

namespace holdfast::settings {

/// Of `directory`. Every mistake is in `problems`; the value is of use only when there are none.
agents::AgentSettings load_agents(const std::string& directory, Problems& problems);

}  // namespace holdfast::settings
