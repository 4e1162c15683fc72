// The operator API's side of the self-healing loop: findings, incidents, remedies, advice and the
// switch of remediation as JSON, and an operator's words about them (approve, reject, propose,
// switch) as commands to the orchestrator. It decides nothing: what is proposed here passes the
// policy as every proposal does.
#pragma once

#include "nodes/node/api/operator_backend.hpp"
#include "nodes/node/api/router.hpp"

namespace holdfast::operator_api {

/// Adds the routes. `backend` outlives the router.
void add_healing(Router& router, OperatorBackend& backend);

}  // namespace holdfast::operator_api
