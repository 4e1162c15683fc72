// The operator API's endpoints: reads what each request says, asks the backend, shows its answer as
// JSON. Every rule about content is here (parameters, bodies, what a code means); sockets, tokens
// and roles are the server's.
#pragma once

#include "nodes/node/api/json_http.hpp"
#include "nodes/node/api/server_http.hpp"

namespace holdfast::operator_api {

/// The operator API over `backend`, running. `backend` must outlive the server.
Result<std::unique_ptr<Server>> start_operator_api(ServerSettings settings, Tokens tokens,
                                                   OperatorBackend& backend, AuditSink audit,
                                                   WallClock clock);

/// All endpoints over `backend`, for a server to which more routes are added.
Router operator_routes(OperatorBackend& backend, std::shared_ptr<const ServerCounters> counters);

/// A JSON answer.
Response json_response(const Json& json, unsigned status = 200);
/// {"error": {code, text, what_to_do}} with `status`. `code` is a stable word for programs.
Response error_response(unsigned status, std::string_view code, std::string_view text,
                        std::string_view what_to_do);
/// The answer for a backend's error.
Response error_response(const Error& error);

/// The `reason` of a command's body, for the audit log; "" when there is none to be read.
std::string reason_in(const std::string& body);

}  // namespace holdfast::operator_api
