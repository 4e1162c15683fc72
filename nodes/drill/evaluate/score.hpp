// From what was injected and what was observed to the numbers of the evaluation. Pure, and strict:
// what nobody expected is a false alarm, also between the cases, and so is the right class at the
// wrong member; what could not be looked at makes a ratio null, never good.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "nodes/drill/evaluate/case.hpp"

namespace holdfast::drill::evaluate {

// ---- what was observed

struct SeenFinding {
  std::string agent;
  uint64_t number = 0;
  telemetry::Domain domain = telemetry::Domain::kCpu;
  FaultClass fault = FaultClass::kNone;
  uint32_t member = 0;
  WallTime began, found;
  bool over = false;
};
struct SeenIncident {
  uint64_t number = 0;
  FaultClass cause = FaultClass::kNone;
  WallTime opened, closed;  // closed zero: open
  std::vector<SeenFinding> findings;
};
struct SeenRemedy {
  uint64_t number = 0, incident = 0;
  ActionKind action = ActionKind::kNone;
  std::string advisor;  // who proposed it
  Verdict verdict = Verdict::kDeny;
  std::string rule;    // of the policy
  bool waits = false;  // for a person's word
  WallTime opened, started, ended;
  RemedyOutcome outcome = RemedyOutcome::kOpen;
  std::size_t steps = 0;  // begun
};
struct Observed {
  std::vector<SeenFinding> findings;  // all, also those that are over
  std::vector<SeenIncident> incidents;
  std::vector<SeenRemedy> remedies;
};

/// A case as it went.
struct Trial {
  Case what;
  std::string skipped;            // why it could not be done here; "": it was
  std::vector<uint32_t> members;  // whose findings of it are right; none: anybody's
  WallTime began, ended;          // of the injection
  WallTime rested;  // from when on everything was as before; zero: it did not come to rest
};

// ---- what comes of it

/// Hits and misses; a ratio is null where there is nothing to divide.
struct Tally {
  uint64_t found = 0, missed = 0, false_alarms = 0;
  std::optional<double> precision() const;
  std::optional<double> recall() const;
};

struct TrialScore {
  bool found = false;
  std::optional<Duration> detection;     // from the injection to the finding
  std::optional<Duration> remediation;   // from the injection to the end of a successful remedy
  FaultClass as = FaultClass::kNone;     // what it was found as
  FaultClass cause = FaultClass::kNone;  // of its first incident, as the orchestrator named it
  uint64_t incident = 0;
  /// `succeeded`: by its outcome, by an action that fits, and with everything as before at the end.
  uint64_t remedies = 0, succeeded = 0, rolled_back = 0, unfit = 0;
  std::vector<std::string> actions;    // what was done, as "migrate succeeded"
  std::vector<FaultClass> unexpected;  // in its time, neither expected there nor a consequence
  uint64_t false_actions = 0;          // in a control: any action but a page
};

struct Score {
  uint64_t fault_cases = 0, control_cases = 0, skipped = 0;
  Tally all;
  std::map<telemetry::Domain, Tally> by_domain;
  std::vector<TrialScore> trials;
  std::vector<Duration> detections, sudden_detections, remediations;
  uint64_t remedies = 0, remedies_succeeded = 0, rolled_back = 0;  // that did something
  uint64_t unfit_actions = 0;  // of them, of a kind that the case does not name
  uint64_t actions_on_controls = 0;
  uint64_t outside_alarms = 0;       // of `all.false_alarms`: in no case's time
  uint64_t outside_actions = 0;      // in no case's time
  uint64_t diagnosed = 0;            // found cases whose incident names a class that was expected
  std::vector<std::string> outside;  // the classes of outside_alarms
  std::map<std::string, uint64_t> proposed_by;  // remedies, done or not, by who proposed them
};

/// `grace`: how long after the injection's end a finding of it may still begin.
Score score(const std::vector<Trial>& trials, const Observed& observed, Duration grace);
/// The same of several clusters, in turn.
void add(Score& to, const Score& other);

/// The value below which `share` of them are; nothing when there are none.
std::optional<Duration> quantile(std::vector<Duration> values, double share);

}  // namespace holdfast::drill::evaluate
