// The self-healing loop in sentences for somebody who was woken up: where something is, what an
// action does to whom, what is being done about an incident now, and whether that waits for a
// person. Pure; every client of the API shows the same words.
#pragma once

#include "nodes/node/api/healing/healing_board.hpp"

namespace holdfast::operator_api {

/// "orders/0 at node-1", "node-1 (vda)"; "the cluster" when nothing is narrowed down to.
std::string to_text(const Place& place, const PlaceNames& names);
/// "migrate orders/0 at node-1 to node-2", "throttle the cluster (500000)".
std::string to_text(const Action& action, const PlaceNames& names);

/// What is being done now. `needs_you`: nothing goes on before a person acts.
struct Doing {
  std::string text;
  bool needs_you = false;
};
Doing doing(const orchestrator::remediation::Remedy& remedy, const PlaceNames& names);
/// `incident` is one of the view's.
Doing doing(const Incident& incident, const HealingBoard& board);

/// Persons whose yes counts for it, as far as words say; whether they are too old is the policy's.
uint32_t approvals_given(const orchestrator::remediation::Remedy& remedy);
/// The remedy that is at work on an incident, or was the last to be; null: there was none.
const orchestrator::remediation::Remedy* remedy_for(const Incident& incident,
                                                    const orchestrator::HealingView& view);

}  // namespace holdfast::operator_api
