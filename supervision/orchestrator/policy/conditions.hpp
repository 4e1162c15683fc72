// Whether one rule's conditions hold for one proposal, in three values: a fact that is not known
// can neither confirm nor rule out. Which conditions there are and in what order they are told is
// here alone; what a match means is the policy's.
#pragma once

#include "supervision/orchestrator/policy/policy.hpp"

namespace holdfast::policy {

struct Held {
  Match match = Match::kYes;
  std::string why;  // empty when it holds
};

/// kNo as soon as one condition surely does not hold, else kUnknown as soon as one may not.
Held holds(const Conditions& when, const Proposal& proposal, const PolicyContext& context);

/// The value of a measure; nothing when it is not known.
std::optional<int64_t> value_of(Measure measure, const Proposal& proposal,
                                const PolicyContext& context);

/// How many past actions count, as `of` says, within `window` before now. Times later than now
/// count: a clock that went back forgets nothing.
int64_t count_of(CountOf of, Duration window, const Action& action, const PolicyContext& context);

}  // namespace holdfast::policy
