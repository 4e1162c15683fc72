// A proposal and its context written as keys and values, the same in test cases, in a dry run and
// in questions of operators. What is not said is not known. Reads no file; names of members and
// groups are handed in.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "supervision/orchestrator/policy/policy.hpp"

namespace holdfast::policy {

/// What rules and questions may call by name.
struct Names {
  std::map<std::string, MemberId, std::less<>> members;  // "colo-a"
  std::map<std::string, GroupId, std::less<>> groups;    // "orders/0", "venues/XSIM"
};

struct Question {
  Proposal proposal;
  PolicyContext context;
};

struct KeyInfo {
  std::string_view key;
  std::string_view about;  // what it is and how it is written
};
/// Every key there is, in the order in which they are read.
std::span<const KeyInfo> question_keys();

using Settings = std::map<std::string, std::string, std::less<>>;
/// kInvalid names the key, what was expected and what was found.
Result<Question> question_of(const Settings& settings, const Names& names);

}  // namespace holdfast::policy
