// The proof of a drill: what clients were told, what the journal holds, what the venue executed,
// the verdict over all of it, and how long things took. As JSON with fixed keys, and for people.
#pragma once

#include <iosfwd>

#include "nodes/drill/drill_linux.hpp"

namespace holdfast::drill {

/// The keys scenario, runs, lost, duplicated, contradicted, unknown, not_sent, refused, and
/// detect_ms, lead_ms, logon_ms, first_ack_ms with p50, p99, max each, and more beside them.
nlohmann::ordered_json proof_of(const DrillOptions& options, const Outcome& outcome);

/// Whether nothing was lost, duplicated, contradicted or left unknown, and every step went as it
/// must.
bool is_clean(const nlohmann::ordered_json& proof);

void print_proof(const nlohmann::ordered_json& proof, std::ostream& out);

}  // namespace holdfast::drill
