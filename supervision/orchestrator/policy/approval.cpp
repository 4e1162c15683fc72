#include "supervision/orchestrator/policy/approval.hpp"

#include <algorithm>

namespace holdfast::policy {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Names of people: whoever can spell themselves "Kim" and "kim" is still one person.
bool same_person(const Label& a, const Label& b) {
  const auto x = a.view(), y = b.view();
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](char i, char j) { return lower(i) == lower(j); });
}

bool is_proposer(const Request& request, const Label& person) {
  return !request.proposer.empty() && same_person(request.proposer, person);
}

// Whether the word was given while the question stood and still counts.
bool counts(const Request& request, const Approval& approval, WallTime now) {
  const bool in_time =
      approval.at >= request.asked && approval.at - request.asked < request.expires;
  return in_time && approval.at <= now && now - approval.at < request.expires;
}

std::vector<Label> persons_for(const Request& request, std::span<const Approval> approvals,
                               WallTime now) {
  std::vector<Label> persons;
  for (const auto& each : approvals) {
    if (!each.yes || each.person.empty() || is_proposer(request, each.person)) continue;
    if (!counts(request, each, now)) continue;
    const bool again = std::any_of(persons.begin(), persons.end(), [&](const Label& person) {
      return same_person(person, each.person);
    });
    if (!again) persons.push_back(each.person);
  }
  return persons;
}

}  // namespace

std::string_view to_text(ApprovalState value) {
  switch (value) {
    case ApprovalState::kWaiting:
      return "waiting";
    case ApprovalState::kApproved:
      return "approved";
    case ApprovalState::kRefused:
      return "refused";
    case ApprovalState::kExpired:
      return "expired";
  }
  return "invalid";
}

ApprovalState judge(const Request& request, std::span<const Approval> approvals, WallTime now) {
  const bool refused = std::any_of(approvals.begin(), approvals.end(), [&](const Approval& each) {
    return !each.yes && !each.person.empty() && each.at >= request.asked && each.at <= now;
  });
  if (refused) return ApprovalState::kRefused;
  const auto needed = std::max<std::size_t>(1, request.persons);
  if (persons_for(request, approvals, now).size() >= needed) return ApprovalState::kApproved;
  return now - request.asked < request.expires ? ApprovalState::kWaiting : ApprovalState::kExpired;
}

Result<> may_approve(const Request& request, std::span<const Approval> approvals,
                     const Label& person, WallTime now) {
  const auto state = judge(request, approvals, now);
  if (state != ApprovalState::kWaiting)
    return Error{ErrorCode::kConflict, "the question is over: " + std::string(to_text(state))};
  if (person.empty()) return Error{ErrorCode::kDenied, "nobody: an approval needs a name"};
  if (is_proposer(request, person))
    return Error{ErrorCode::kDenied,
                 person.str() + " proposed it; somebody else has to approve it"};
  for (const auto& each : persons_for(request, approvals, now))
    if (same_person(each, person))
      return Error{ErrorCode::kDenied,
                   person.str() + " has approved it already; it needs another person"};
  return success();
}

}  // namespace holdfast::policy
