// What the self-healing loop found and did, as JSON of the operator API: findings, incidents,
// proposals. As in json_http.hpp, names are added to and never renamed; `holdfast evaluate` reads
// them too.
#pragma once

#include "messages/finding.hpp"
#include "messages/remediation.hpp"
#include "nodes/node/api/json_http.hpp"

namespace holdfast::operator_api {

/// {"member": 1, "group": 0, "instance": "vda"}; zero or "": not narrowed down to.
Json to_json(const Place& place);
Json to_json(const Evidence& evidence);
Json to_json(const PrecedentRef& precedent);
/// "agent" is "io-1"; "fault", "domain", "severity" are their names; evidence strongest first.
Json to_json(const Finding& finding);
/// "cause" is "none" where the orchestrator abstains; "closed" null while it is open.
Json to_json(const Incident& incident);
/// {"kind": "promote", "target": {…}, "to": 2, "amount": 0}
Json to_json(const Action& action);
/// With "advisor": "deterministic", "model", "standing" or "operator".
Json to_json(const Proposal& proposal);
Json to_json(const PolicyDecision& decision);

}  // namespace holdfast::operator_api
