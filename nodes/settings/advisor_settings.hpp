// Reads advisor.toml and precedents.toml: which models may be asked for advice, within what, and
// the documented cases that the store of precedents begins with. Both files may be missing: then
// the deterministic advisor answers alone, and the store begins empty.
#pragma once

#include <string>
#include <vector>

#include "actors/agents/llm/gateway_settings.hpp"
#include "actors/agents/precedents/precedent.hpp"
#include "nodes/settings/problems.hpp"

namespace holdfast::settings {

/// Files of keys and certificates are relative to `directory`; those that the gateway writes are
/// left as they stand, for the node to put into its state folder.
llm::GatewaySettings load_advisor(const std::string& directory, Problems& problems);

std::vector<precedents::Seed> load_precedents(const std::string& directory, Problems& problems);

}  // namespace holdfast::settings
