// An operator's proposal as the API is told it: an action of the catalogue by its name, and what it
// is done to by the names that people use. Says what is known where a name is none; whether it may
// be done is for the catalogue and the policy.
#pragma once

#include "nodes/node/api/healing/healing_board.hpp"
#include "nodes/node/api/request_http.hpp"

namespace holdfast::operator_api {

/// From the body's "action", "target", "to", "amount", "incident". `target` is a name (of a member,
/// a group, or of what the action is done to) or {"member", "group", "instance"}, each a name or a
/// number; what is left open is filled in by the orchestrator. Throws BadRequest.
Proposal proposal_from(const Body& body, const PlaceNames& names);

}  // namespace holdfast::operator_api
