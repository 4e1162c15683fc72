// The self-healing loop as text for somebody who was woken up: what is wrong, where, since when,
// what is being done, and what waits for a person. As in show_http.hpp, a field that is missing
// shows as nothing.
#pragma once

#include "nodes/console/show_http.hpp"

namespace holdfast::console {

std::string show_findings(const Json& json, const Screen& screen);
std::string show_incidents(const Json& json, const Screen& screen);
/// The answer for one incident, which is in full.
std::string show_incident(const Json& json, const Screen& screen);
std::string show_remedies(const Json& json, const Screen& screen);
/// The answer for one remedy, which is in full.
std::string show_remedy(const Json& json, const Screen& screen);
std::string show_advice(const Json& json, const Screen& screen);
std::string show_remediation(const Json& json, const Screen& screen);

/// "2m05s" between two ISO times; "" when one of them is none.
std::string span_text(const std::string& from, const std::string& to);

}  // namespace holdfast::console
