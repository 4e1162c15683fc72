// What the audit proves of the loop: from the records of one member whether each incident and each
// remedy has every record of its chain, from the finding to the outcome, and whether each step that
// was begun had a policy's word that allowed it. Pure; whether the records are those that were
// signed is `holdfast audit verify`'s to say.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "supervision/orchestrator/audit/record.hpp"

namespace holdfast::drill::evaluate {

struct Traces {
  uint64_t records = 0, lost = 0;
  uint64_t incidents = 0, incidents_whole = 0;
  uint64_t remedies = 0, remedies_whole = 0;            // that have ended
  uint64_t steps = 0, steps_allowed = 0;                // that were begun, undos too
  std::array<uint64_t, audit::kClockSources> clocks{};  // records by their time's source
  uint64_t unbounded = 0;                               // records whose clock states no bound
  uint64_t bound_us_max = 0;
  std::vector<std::string> missing;  // what is not there or not allowed; kMissingNamed at most
};
inline constexpr std::size_t kMissingNamed = 40;

/// Records in their order.
Traces trace(const std::vector<audit::Record>& records);
/// The same of another cluster.
void add(Traces& to, const Traces& other);

/// Where two members' records of one sequence tell different things; "": nowhere.
std::string difference(const std::vector<audit::Record>& one,
                       const std::vector<audit::Record>& other);

}  // namespace holdfast::drill::evaluate
