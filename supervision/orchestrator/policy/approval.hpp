// Approvals of what the policy lets happen only with a person's word: who may give one, how long it
// counts, when two are needed. Pure: identities are those of the operator API, which has checked
// them and their role; nothing here knows a token.
#pragma once

#include <span>

#include "messages/remediation.hpp"

namespace holdfast::policy {

/// A person's word about one proposal.
struct Approval {
  Label person;     // the operator API's identity
  WallTime at;      // journaled time
  bool yes = true;  // false: refused, which ends the matter
};

/// What somebody was asked to approve.
struct Request {
  Label proposer;  // the person who proposed it; empty: an advisor that is no person
  WallTime asked;
  uint8_t persons = 1;
  Duration expires;  // how long the question stands, and how long a word counts
};

enum class ApprovalState : uint8_t { kWaiting = 1, kApproved, kRefused, kExpired };
std::string_view to_text(ApprovalState state);

/// How the matter stands at `now`. A word counts for `expires` from when it was given; persons that
/// differ in case only are one; the proposer's own yes does not count, a no of anybody does. A
/// question whose words do not suffice within `expires` has lapsed, and so has a yes that nothing
/// was done about in that time.
ApprovalState judge(const Request& request, std::span<const Approval> approvals, WallTime now);

/// Whether `person` may still add a yes: kDenied says why not (the proposer, or the same person
/// twice), kConflict that it is over.
Result<> may_approve(const Request& request, std::span<const Approval> approvals,
                     const Label& person, WallTime now);

}  // namespace holdfast::policy
