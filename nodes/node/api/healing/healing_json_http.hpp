// What the self-healing loop found and did, as JSON of the operator API: findings, incidents,
// proposals, remedies, advice. As in json_http.hpp, fields are added to and never renamed;
// `holdfast evaluate` reads them too. Members and groups come by number and by name.
#pragma once

#include "nodes/node/api/healing/healing_board.hpp"
#include "nodes/node/api/json_http.hpp"

namespace holdfast::operator_api {

/// How much of a thing is shown: in a list only what a table needs.
enum class Detail : uint8_t { kListed, kFull };

/// {"member": 1, "member_name": "node-1", "group": 0, "group_name": null, "instance": "vda",
/// "text": "node-1 (vda)"}; zero, null or "": not narrowed down to.
Json to_json(const Place& place, const PlaceNames& names);
Json to_json(const Evidence& evidence, const PlaceNames& names);
Json to_json(const PrecedentRef& precedent);
/// "agent" is "io-1"; "fault", "domain", "severity" are their names; evidence strongest first, in a
/// list only the strongest.
Json to_json(const Finding& finding, const PlaceNames& names, Detail detail);
/// {"kind": "promote", "target": {…}, "to": 2, "to_name": "node-2", "amount": 0, "text": "…"}
Json to_json(const Action& action, const PlaceNames& names);
/// With "advisor": "deterministic", "model", "standing" or "operator".
Json to_json(const Proposal& proposal, const PlaceNames& names);
Json to_json(const PolicyDecision& decision);
/// A proposal and what became of it: "unfit", "held" (why it was held back) or "decision" is there.
Json to_json(const orchestrator::healing::Considered& considered, const PlaceNames& names);

/// "cause" is "none" where the orchestrator abstains; "closed" is null while it is open; "doing"
/// and "needs_you" say what is being done. In full also what was proposed and considered, and the
/// remedies in full.
Json to_json(const Incident& incident, const HealingBoard& board, Detail detail);
/// Its proposal, the policy's decision, its steps. In full also the plan, and what was measured.
Json to_json(const orchestrator::remediation::Remedy& remedy, const PlaceNames& names,
             Detail detail);

/// What all answers begin with: "member", "leader", "leads", "as_of", "now", "remediation_on".
Json head_json(const HealingBoard& board);
/// {"standing": […], "asks": […], "recommended": […]}, each up to `limit`, after the head.
Json advice_json(const HealingBoard& board, std::size_t limit);
/// Whether remediation is on, who switched it off, what waits, what was counted; after the head.
Json remediation_json(const HealingBoard& board);

}  // namespace holdfast::operator_api
