// The agents' question to the precedent store: has something like this been seen, and what was it?
#pragma once

#include <memory>

#include "actors/agents/domains/domain_agent.hpp"
#include "actors/agents/precedents/precedent.hpp"

namespace holdfast::agents {

/// Looks a finding up by its signature, the `most` best. Null: no precedents, ever.
FindPrecedents look_up(std::shared_ptr<const precedents::Precedents> store, std::size_t most = 3);

}  // namespace holdfast::agents
