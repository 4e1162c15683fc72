// Drills aimed at a cluster that somebody else started and goes on using: which faults can be made
// there, how its processes are found for certain, and what a drill would hit. Nothing is started,
// written or ended but what a step says.
#pragma once

#include <string>

#include "messages/result.hpp"
#include "supervision/drills/scenario.hpp"

namespace holdfast::drill {

struct ClusterOptions;

/// Why a scenario is not for clusters that a drill did not start; "": it is.
std::string why_not_foreign(const drills::Scenario& scenario);

/// The folder with cluster.toml: `place` or its config/; "" when there is none.
std::string configuration_of(const std::string& place);

/// Members, processes and who leads, a line each. Signals nothing and leaves no note.
Result<std::string> describe_foreign(const ClusterOptions& options);

/// Who runs this process, as the host knows them.
std::string user_name();

}  // namespace holdfast::drill
