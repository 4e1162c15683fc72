// config/policy.toml and config/policy_tests.toml as values: what the healing loop may do by
// itself, and what its authors expect it to say. Without the files everything but a page is denied,
// and nothing is expected.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nodes/settings/problems.hpp"
#include "supervision/orchestrator/policy/question.hpp"

namespace holdfast::settings {

/// One expectation about the policy.
struct PolicyCase {
  std::string name;
  uint32_t line = 0;  // in policy_tests.toml
  policy::Question question;
  Verdict verdict = Verdict::kDeny;
  std::string rule;
  std::optional<uint8_t> persons;
};

struct PolicySettings {
  policy::Policy policy;
  policy::Names names;  // what rules and questions call members and groups
  std::vector<PolicyCase> cases;
  std::string file, cases_file;
};

struct Settings;
/// The names that a folder's other files give to members and groups.
policy::Names policy_names(const Settings& settings);

}  // namespace holdfast::settings
