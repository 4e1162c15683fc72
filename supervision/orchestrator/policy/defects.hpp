// What is wrong with a policy before it decides anything: names that are taken or not allowed,
// conditions that nothing fulfils, and rules that can't ever decide because those before them leave
// nothing over. A policy with a defect must not be put in force; a mistaken order of rules is found
// here and not at 3 a.m.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "supervision/orchestrator/policy/policy.hpp"

namespace holdfast::policy {

struct Defect {
  bool never = false;     // in which table
  std::size_t index = 0;  // which of its rules
  std::string_view key;   // which part of it, as the configuration calls it: "name", "rates", ...
  std::string text;
};

/// All of them, in the order of the tables. Exact for every condition that is a set or a range; a
/// rule with a time of day or rates counts as covered only by one whose own are as wide. Where the
/// cover would take too many pieces to find, a rule counts as reachable.
std::vector<Defect> defects(const Policy& policy);

}  // namespace holdfast::policy
