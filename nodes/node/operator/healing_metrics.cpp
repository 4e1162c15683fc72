#include "nodes/node/operator/healing_metrics.hpp"

#include <algorithm>

namespace holdfast::node {

void add_healing(operator_api::MetricsText& text, const orchestrator::HealingView& view) {
  using orchestrator::remediation::Phase;
  const auto counter = [&](const char* name, const char* help, uint64_t value) {
    text.counter(std::string("holdfast_healing_") + name + "_total", help, value);
  };
  const auto gauge = [&](const char* name, const char* help, auto value) {
    text.gauge(std::string("holdfast_healing_") + name, help, static_cast<int64_t>(value));
  };
  const auto& c = view.counters;
  counter("findings", "Findings taken.", c.findings);
  counter("asks", "Questions to advisors, in advance too.", c.asks);
  counter("unanswered", "Questions that no advisor answered in time.", c.unanswered);
  counter("proposals", "Proposals considered.", c.proposals);
  counter("denied", "Proposals that the policy denied.", c.denied);
  counter("remedies", "Remedies begun, or put to a person for approval.", c.remedies);
  counter("notes_lost", "Lines that the audit did not take in time.", c.notes_lost);
  gauge("incidents_open", "Incidents that are not over.",
        std::count_if(view.incidents.begin(), view.incidents.end(),
                      [](const Incident& one) { return one.closed == WallTime{}; }));
  gauge("remedies_active", "Remedies that run or wait.",
        std::count_if(view.remedies.begin(), view.remedies.end(),
                      [](const auto& one) { return one.phase != Phase::kEnded; }));
  gauge("remedies_awaiting_approval", "Remedies that wait for a person.",
        std::count_if(view.remedies.begin(), view.remedies.end(),
                      [](const auto& one) { return one.phase == Phase::kAwaitingApproval; }));
  gauge("kill_switch", "1: remediation is switched off.", view.killed ? 1 : 0);
  gauge("standing_advice", "Advice that stands, reasoned in advance.", view.standing.size());
  gauge("notes_waiting", "Lines that the audit has not yet written.", view.notes_waiting);
  gauge("leads", "1: this member leads the orchestrator.", view.leads ? 1 : 0);
}

}  // namespace holdfast::node
