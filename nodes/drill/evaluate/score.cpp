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

// Whether policy let it be done, or it was not done.
bool is_adherent(const SeenRemedy& remedy) {
  if (remedy.rule.empty()) return false;
  if (remedy.steps == 0) return true;
  return remedy.verdict == Verdict::kAllow || remedy.verdict == Verdict::kNeedsApproval;
}

void take_remedies(const Trial& trial, const Observed& observed, WallTime end, TrialScore& out) {
  for (const SeenRemedy& remedy : observed.remedies) {
    if (!within(remedy.opened, trial.began, end)) continue;
    const bool acts = remedy.steps > 0 && remedy.action != ActionKind::kPage &&
                      remedy.action != ActionKind::kNone;
    if (!acts) continue;
    if (trial.what.is_control()) out.false_actions += 1;
    out.remedies += 1;
    if (remedy.outcome == RemedyOutcome::kRolledBack) out.rolled_back += 1;
    if (remedy.outcome != RemedyOutcome::kSucceeded) continue;
    out.succeeded += 1;
    const Duration took = remedy.ended - trial.began;
    if (!out.remediation || took < *out.remediation) out.remediation = took;
  }
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
  // Each finding belongs to at most one trial; what belongs to none is a false alarm of its own.
  std::vector<bool> claimed(observed.findings.size());
  for (const Trial& trial : trials) {
    TrialScore& one = total.trials.emplace_back();
    if (!trial.skipped.empty()) {
      total.skipped += 1;
      continue;
    }
    (trial.what.is_control() ? total.control_cases : total.fault_cases) += 1;
    const WallTime end = end_of(trial, grace);
    for (std::size_t i = 0; i < observed.findings.size(); ++i) {
      const SeenFinding& finding = observed.findings[i];
      if (claimed[i] || !within(finding.found, trial.began, end)) continue;
      claimed[i] = true;
      if (holds(trial.what.expect, finding.fault) && finding.found <= trial.ended + grace) {
        const Duration took = finding.found - trial.began;
        if (!one.detection || took < *one.detection) {
          one.detection = took;
          one.as = finding.fault;
        }
        one.found = true;
      } else if (!holds(trial.what.also, finding.fault) &&
                 !holds(trial.what.expect, finding.fault) &&
                 !holds(one.unexpected, finding.fault)) {
        // The same class at several places of one case is one false alarm.
        one.unexpected.push_back(finding.fault);
        total.all.false_alarms += 1;
        total.by_domain[finding.domain].false_alarms += 1;
      }
    }
    for (const SeenIncident& incident : observed.incidents)
      if (one.incident == 0 && within(incident.opened, trial.began, end))
        one.incident = incident.number;
    take_remedies(trial, observed, end, one);
    if (trial.what.is_control()) {
      total.actions_on_controls += one.false_actions;
      continue;
    }
    Tally& domain = total.by_domain[trial.what.domain];
    (one.found ? total.all.found : total.all.missed) += 1;
    (one.found ? domain.found : domain.missed) += 1;
    if (one.detection) {
      total.detections.push_back(*one.detection);
      if (trial.what.sudden) total.sudden_detections.push_back(*one.detection);
    }
    if (one.remediation) total.remediations.push_back(*one.remediation);
    total.remedies += one.remedies;
    total.remedies_succeeded += one.succeeded;
    total.rolled_back += one.rolled_back;
  }
  for (std::size_t i = 0; i < observed.findings.size(); ++i) {
    if (claimed[i]) continue;
    total.outside_alarms += 1;
    total.all.false_alarms += 1;
    total.by_domain[observed.findings[i].domain].false_alarms += 1;
  }
  for (const SeenRemedy& remedy : observed.remedies) {
    total.judged += 1;
    total.traced += remedy.traced;
    total.adherent += is_adherent(remedy);
  }
  return total;
}

std::optional<Duration> quantile(std::vector<Duration> values, double share) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values.size())) -
                                             (share > 0 ? 1 : 0));
  return values[std::min(rank, values.size() - 1)];
}

}  // namespace holdfast::drill::evaluate
