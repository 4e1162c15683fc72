// The `holdfast` commands of the self-healing loop: what is found, what is wrong, what is done,
// what would be done, and a person's words about it. What policy says of a proposal is the node's
// business.
#pragma once

#include <string>

#include "nodes/console/commands_http.hpp"
#include "nodes/console/policy_linux.hpp"

namespace holdfast::console {

/// How the command line adds what shows something: as AddCommand, repeated where --watch is given.
struct HealingCommands {
  AddCommand add;
  AddCommand add_watched;
};
/// Adds findings, incidents, remedies, advice, approve, reject, propose and remediation.
void add_healing_commands(CLI::App& app, const HealingCommands& commands);

struct FindingFilter {
  std::string domain, fault;
  uint32_t limit = 100;
};
int run_findings(const Console& console, const FindingFilter& filter);

struct IncidentFilter {
  uint64_t number = 0;  // 0: all that are kept
  bool open = false;
  uint32_t limit = 20;
};
/// Not clean while one needs a person.
int run_incidents(const Console& console, const IncidentFilter& filter);

struct RemedyFilter {
  uint64_t number = 0, incident = 0;  // 0: all that are kept
  bool active = false;
  uint32_t limit = 20;
};
/// Not clean while one waits for approval.
int run_remedies(const Console& console, const RemedyFilter& filter);
int run_advice(const Console& console);

/// `verb`: "approve" or "reject".
int run_word(const Console& console, const std::string& verb, uint64_t number,
             const std::string& reason);

struct ProposeOptions {
  std::string action, target, to, reason;  // target: a name, or member=…,group=…,instance=…
  std::optional<int64_t> amount;
  uint64_t incident = 0;
};
int run_propose(const Console& console, const ProposeOptions& options);

/// `word`: "on", "off", or "" to be shown. Shown, it is not clean while remediation is off or
/// something waits for a person.
int run_remediation(const Console& console, const std::string& word, const std::string& reason);

}  // namespace holdfast::console
