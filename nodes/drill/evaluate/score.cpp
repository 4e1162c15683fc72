#include "nodes/drill/evaluate/score.hpp"

#include <algorithm>
#include <cmath>

namespace holdfast::drill::evaluate {

namespace {

template <typename T>
bool holds(const std::vector<T>& list, T value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

bool within(WallTime at, WallTime from, WallTime upto) { return at >= from && at <= upto; }

// Until when what happens belongs to the trial.
WallTime end_of(const Trial& trial, Duration grace) {
  return std::max(trial.ended + grace, trial.rested);
}

bool acts(const SeenRemedy& remedy) {
  return remedy.steps > 0 && remedy.action != ActionKind::kPage &&
         remedy.action != ActionKind::kNone;
}

void take_finding(const Trial& trial, const SeenFinding& finding, Duration grace, TrialScore& one,
                  Score& total) {
  const bool right = holds(trial.what.expect, finding.fault) &&
                     (trial.members.empty() || holds(trial.members, finding.member));
  if (right && finding.found <= trial.ended + grace) {
    const Duration took = finding.found - trial.began;
    if (!one.detection || took < *one.detection) {
      one.detection = took;
      one.as = finding.fault;
    }
    one.found = true;
    return;
  }
  // Too late is a miss, not an alarm. The same class at several places of one case is one alarm.
  if (right || holds(trial.what.also, finding.fault) || holds(one.unexpected, finding.fault))
    return;
  one.unexpected.push_back(finding.fault);
  total.all.false_alarms += 1;
  total.by_domain[finding.domain].false_alarms += 1;
}

void take_remedy(const Trial& trial, const SeenRemedy& remedy, TrialScore& one) {
  if (!acts(remedy)) return;
  one.actions.push_back(std::string(to_text(remedy.action)) + " " +
                        std::string(to_text(remedy.outcome)));
  if (trial.what.is_control()) one.false_actions += 1;
  one.remedies += 1;
  if (remedy.outcome == RemedyOutcome::kRolledBack) one.rolled_back += 1;
  const bool fits = holds(trial.what.actions, remedy.action);
  if (!fits) one.unfit += 1;
  if (remedy.outcome != RemedyOutcome::kSucceeded || !fits || trial.rested.ns == 0) return;
  one.succeeded += 1;
  const Duration took = remedy.ended - trial.began;
  if (!one.remediation || took < *one.remediation) one.remediation = took;
}

// The trial in whose time it was, the last that began before; trials don't overlap.
std::size_t trial_of(const std::vector<Trial>& trials, WallTime at, Duration grace) {
  for (std::size_t i = trials.size(); i-- > 0;)
    if (trials[i].skipped.empty() && within(at, trials[i].began, end_of(trials[i], grace)))
      return i;
  return trials.size();
}

void take_fault(const Trial& trial, const TrialScore& one, Score& total) {
  Tally& domain = total.by_domain[trial.what.domain];
  (one.found ? total.all.found : total.all.missed) += 1;
  (one.found ? domain.found : domain.missed) += 1;
  if (one.found && holds(trial.what.expect, one.cause)) total.diagnosed += 1;
  if (one.detection) {
    total.detections.push_back(*one.detection);
    if (trial.what.sudden) total.sudden_detections.push_back(*one.detection);
  }
  if (one.remediation) total.remediations.push_back(*one.remediation);
  total.remedies += one.remedies;
  total.remedies_succeeded += one.succeeded;
  total.rolled_back += one.rolled_back;
  total.unfit_actions += one.unfit;
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

std::optional<double> Tally::precision() const {
  if (found + false_alarms == 0) return std::nullopt;
  return static_cast<double>(found) / static_cast<double>(found + false_alarms);
}

std::optional<double> Tally::recall() const {
  if (found + missed == 0) return std::nullopt;
  return static_cast<double>(found) / static_cast<double>(found + missed);
}

Score score(const std::vector<Trial>& trials, const Observed& observed, Duration grace) {
  Score total;
  total.trials.resize(trials.size());
  // Each belongs to at most one trial; what belongs to none is a false alarm of its own.
  for (const SeenFinding& finding : observed.findings) {
    const std::size_t i = trial_of(trials, finding.found, grace);
    if (i < trials.size()) {
      take_finding(trials[i], finding, grace, total.trials[i], total);
      continue;
    }
    total.outside_alarms += 1;
    total.outside.emplace_back(to_text(finding.fault));
    total.all.false_alarms += 1;
    total.by_domain[finding.domain].false_alarms += 1;
  }
  for (const SeenIncident& incident : observed.incidents) {
    const std::size_t i = trial_of(trials, incident.opened, grace);
    if (i == trials.size()) continue;
    TrialScore& one = total.trials[i];
    if (one.incident == 0 || incident.number < one.incident) {
      one.incident = incident.number;
      one.cause = incident.cause;
    }
  }
  for (const SeenRemedy& remedy : observed.remedies) {
    if (!remedy.advisor.empty()) total.proposed_by[remedy.advisor] += 1;
    const std::size_t i = trial_of(trials, remedy.opened, grace);
    if (i < trials.size())
      take_remedy(trials[i], remedy, total.trials[i]);
    else
      total.outside_actions += acts(remedy);
  }
  for (std::size_t i = 0; i < trials.size(); ++i) {
    if (!trials[i].skipped.empty()) {
      total.skipped += 1;
    } else if (trials[i].what.is_control()) {
      total.control_cases += 1;
      total.actions_on_controls += total.trials[i].false_actions;
    } else {
      total.fault_cases += 1;
      take_fault(trials[i], total.trials[i], total);
    }
  }
  return total;
}

void add(Score& to, const Score& other) {
  const auto sum = [&](auto member) { to.*member += other.*member; };
  for (auto member : {&Score::fault_cases, &Score::control_cases, &Score::skipped, &Score::remedies,
                      &Score::remedies_succeeded, &Score::rolled_back, &Score::unfit_actions,
                      &Score::actions_on_controls, &Score::outside_alarms, &Score::outside_actions,
                      &Score::diagnosed})
    sum(member);
  const auto add_tally = [](Tally& into, const Tally& from) {
    into.found += from.found;
    into.missed += from.missed;
    into.false_alarms += from.false_alarms;
  };
  add_tally(to.all, other.all);
  for (const auto& [domain, tally] : other.by_domain) add_tally(to.by_domain[domain], tally);
  for (const auto& [who, count] : other.proposed_by) to.proposed_by[who] += count;
  append(to.trials, other.trials);
  append(to.detections, other.detections);
  append(to.sudden_detections, other.sudden_detections);
  append(to.remediations, other.remediations);
  append(to.outside, other.outside);
}

std::optional<Duration> quantile(std::vector<Duration> values, double share) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())) -
                                             (share > 0 ? 1 : 0));
  return values[std::min(rank, values.size() - 1)];
}

}  // namespace holdfast::drill::evaluate
