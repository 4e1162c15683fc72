#include "nodes/node/api/healing/healing_json_http.hpp"

#include <cstdio>

#include "nodes/node/api/healing/healing_words.hpp"

namespace holdfast::operator_api {

using orchestrator::healing::Considered;
using orchestrator::remediation::Held;
using orchestrator::remediation::Phase;
using orchestrator::remediation::Remedy;
using orchestrator::remediation::Unfit;

namespace {

Json text_or_null(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json precedents_json(const std::vector<PrecedentRef>& precedents) {
  Json list = Json::array();
  for (const PrecedentRef& precedent : precedents) list.push_back(to_json(precedent));
  return list;
}

Json value_json(const std::optional<int64_t>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json step_json(const orchestrator::remediation::StepRecord& step, const PlaceNames& names) {
  return {{"id", orchestrator::remediation::to_text(step.id)},
          {"undo", step.id.undo},
          {"action", to_json(step.action, names)},
          {"intended", time_json(step.intended)},
          {"not_after", time_json(step.not_after)},
          {"outcome",
           step.outcome ? Json(orchestrator::remediation::to_text(*step.outcome)) : Json(nullptr)},
          {"previous", value_json(step.previous)},
          {"text", text_or_null(step.text)}};
}

/// An objective, what was measured for it, and whether that meets it: null where no metric tells.
Json objective_json(const orchestrator::remediation::Objective& objective,
                    std::optional<int64_t> before, std::optional<int64_t> value) {
  using orchestrator::remediation::ObjectiveKind;
  const bool of_metric =
      objective.kind != ObjectiveKind::kFaultOver && objective.kind != ObjectiveKind::kEffectsOver;
  Json met = nullptr;
  if (of_metric && value)
    met = orchestrator::remediation::meets(std::span(&objective, 1), std::span(&value, 1),
                                           std::span(&before, 1), {});
  return {{"objective", orchestrator::remediation::to_text(objective)},
          {"metric", of_metric ? Json(telemetry::info_of(objective.metric).name) : Json(nullptr)},
          {"unit", of_metric ? Json(telemetry::info_of(objective.metric).unit) : Json(nullptr)},
          {"before", value_json(before)},
          {"value", value_json(value)},
          {"met", met}};
}

Json measured_json(const Remedy& remedy) {
  const auto at = [](const orchestrator::remediation::Values& values, std::size_t i) {
    return i < values.size() ? values[i] : std::nullopt;
  };
  Json before = Json::array(), after = Json::array();
  const auto& plan = remedy.plan;
  for (std::size_t i = 0; i < plan.before.size(); ++i)
    before.push_back(objective_json(plan.before[i], {}, at(remedy.before, i)));
  for (std::size_t i = 0; i < plan.after.size(); ++i)
    after.push_back(objective_json(plan.after[i], at(remedy.before, plan.before.size() + i),
                                   at(remedy.values, i)));
  return {{"before", before}, {"after", after}};
}

Json plan_json(const orchestrator::remediation::Plan& plan, const PlaceNames& names) {
  Json steps = Json::array();
  for (const auto& step : plan.steps)
    steps.push_back({{"action", to_json(step.action, names)},
                     {"timeout_ms", step.timeout.ms()},
                     {"attempts", step.attempts}});
  return {{"workflow", plan.workflow},
          {"steps", steps},
          {"warm_up_ms", plan.warm_up.ms()},
          {"settle_ms", plan.settle.ms()},
          {"verify_within_ms", plan.verify_within.ms()},
          {"timeout_ms", plan.timeout.ms()},
          {"recurs_within_ms", plan.recurs_within.ms()},
          {"escalate_to", to_text(plan.escalate_to)},
          {"rollback", plan.rollback},
          {"blast_radius", plan.blast_radius}};
}

Json case_json(const orchestrator::healing::Case& one) {
  return {{"asked", time_json(one.asked)},
          {"answered", one.answered},
          {"decided", one.decided},
          {"again", time_json(one.again)},
          {"rounds", one.rounds},
          {"remedies", one.remedies},
          {"paged", one.paged}};
}

std::string topology_text(uint64_t digest) {
  char text[24];
  std::snprintf(text, sizeof(text), "%016llx", static_cast<unsigned long long>(digest));
  return text;
}

Json standing_json(const orchestrator::advice::Entry& entry, const PlaceNames& names) {
  using policy::SessionPhase;
  return {
      {"actor", orchestrator::advice::to_text(entry.key.actor)},
      {"failure", orchestrator::advice::failure_text(entry.key.failure)},
      {"topology", topology_text(entry.key.topology)},
      {"proposal", to_json(entry.proposal, names)},
      {"rule", entry.rule},
      {"open_orders_max", entry.open_orders_max ? Json(entry.open_orders_max) : Json(nullptr)},
      {"session_phase",
       entry.phase == SessionPhase::kUnknown ? Json(nullptr) : Json(policy::to_text(entry.phase))},
      {"made", time_json(entry.made)},
      {"expires", time_json(entry.expires)}};
}

Json ask_json(const orchestrator::healing::Ask& ask) {
  Json tried = Json::array();
  for (const ActionKind kind : ask.tried) tried.push_back(to_text(kind));
  const bool ahead = ask.incident == 0;
  return {{"number", ask.number},
          {"incident", ahead ? Json(nullptr) : Json(ask.incident)},
          {"actor", ahead ? Json(orchestrator::advice::to_text(ask.key.actor)) : Json(nullptr)},
          {"failure",
           ahead ? Json(orchestrator::advice::failure_text(ask.key.failure)) : Json(nullptr)},
          {"made", time_json(ask.made)},
          {"expires", time_json(ask.expires)},
          {"tried", tried}};
}

template <typename List, typename Show>
Json first_of(const List& list, std::size_t limit, Show show) {
  Json json = Json::array();
  for (const auto& one : list) {
    if (json.size() == limit) break;
    json.push_back(show(one));
  }
  return json;
}

}  // namespace

Json to_json(const PrecedentRef& precedent) {
  return {{"incident", precedent.incident}, {"similarity_ppm", precedent.similarity_ppm}};
}

Json to_json(const Place& place, const PlaceNames& names) {
  return {
      {"member", place.member.value},      {"member_name", text_or_null(names.of(place.member))},
      {"group", place.group.value},        {"group_name", text_or_null(names.of(place.group))},
      {"instance", place.instance.view()}, {"text", to_text(place, names)}};
}

Json to_json(const Evidence& evidence, const PlaceNames& names) {
  const auto& info = telemetry::info_of(evidence.metric);
  return {{"metric", info.name},
          {"unit", info.unit},
          {"place", to_json(evidence.place, names)},
          {"detector", to_text(evidence.detector)},
          {"value", evidence.value},
          {"expected", evidence.expected},
          {"score_milli", evidence.score_milli},
          {"began", time_json(evidence.began)},
          {"seen", time_json(evidence.seen)}};
}

Json to_json(const Finding& finding, const PlaceNames& names, Detail detail) {
  Json evidence = Json::array();
  for (const Evidence& one : finding.evidence) {
    evidence.push_back(to_json(one, names));
    if (detail == Detail::kListed) break;
  }
  return {{"agent", std::string(telemetry::to_text(finding.agent.domain)) + "-" +
                        std::to_string(finding.agent.instance)},
          {"domain", telemetry::to_text(finding.agent.domain)},
          {"number", finding.number},
          {"fault", to_text(finding.fault)},
          {"place", to_json(finding.place, names)},
          {"severity", to_text(finding.severity)},
          {"confidence_ppm", finding.confidence_ppm},
          {"began", time_json(finding.began)},
          {"found", time_json(finding.found)},
          {"over", finding.over},
          {"evidence", evidence},
          {"precedents", precedents_json(finding.precedents)}};
}

Json to_json(const Action& action, const PlaceNames& names) {
  return {{"kind", to_text(action.kind)}, {"target", to_json(action.target, names)},
          {"to", action.to.value},        {"to_name", text_or_null(names.of(action.to))},
          {"amount", action.amount},      {"text", to_text(action, names)}};
}

Json to_json(const Proposal& proposal, const PlaceNames& names) {
  return {{"incident", proposal.incident},
          {"action", to_json(proposal.action, names)},
          {"advisor", to_text(proposal.advisor)},
          {"confidence_ppm", proposal.confidence_ppm},
          {"precedents", precedents_json(proposal.precedents)},
          {"reason", proposal.reason}};
}

Json to_json(const PolicyDecision& decision) {
  return {{"verdict", to_text(decision.verdict)},
          {"rule", decision.rule},
          {"reason", decision.reason},
          {"approvals_needed", decision.approvals_needed},
          {"approval_expires_ms", decision.approval_expires.ms()}};
}

Json to_json(const Considered& considered, const PlaceNames& names) {
  const bool unfit = considered.unfit != Unfit::kNo;
  const bool held = !unfit && considered.held != Held::kNo;
  return {
      {"incident", considered.incident ? Json(considered.incident) : Json(nullptr)},
      {"source", orchestrator::healing::to_text(considered.source)},
      {"proposal", to_json(considered.proposal, names)},
      {"unfit", unfit ? Json(orchestrator::remediation::to_text(considered.unfit)) : Json(nullptr)},
      {"held", held ? Json(orchestrator::remediation::to_text(considered.held)) : Json(nullptr)},
      {"decision", unfit || held ? Json(nullptr) : to_json(considered.decision)},
      {"remedy", considered.remedy ? Json(considered.remedy) : Json(nullptr)}};
}

Json to_json(const Remedy& remedy, const PlaceNames& names, Detail detail) {
  Json steps = Json::array(), words = Json::array();
  for (const auto& step : remedy.steps) steps.push_back(step_json(step, names));
  for (const auto& word : remedy.words)
    words.push_back(
        {{"person", word.person.view()}, {"at", time_json(word.at)}, {"yes", word.yes}});
  const bool waits = remedy.phase == Phase::kAwaitingApproval;
  const Doing now = doing(remedy, names);
  Json json = {{"number", remedy.number},
               {"incident", remedy.incident},
               {"cause", to_text(remedy.cause)},
               {"place", to_json(remedy.place, names)},
               {"proposal", to_json(remedy.proposal, names)},
               {"proposer", text_or_null(remedy.proposer.str())},
               {"decision", to_json(remedy.decision)},
               {"phase", orchestrator::remediation::to_text(remedy.phase)},
               {"phase_since", time_json(remedy.phase_since)},
               {"opened", time_json(remedy.opened)},
               {"started", time_json(remedy.started)},
               {"ended", time_json(remedy.ended)},
               {"outcome", to_text(remedy.outcome)},
               {"text", text_or_null(remedy.text)},
               {"doing", now.text},
               {"needs_you", now.needs_you},
               {"approve_by", waits ? time_json(remedy.opened + remedy.decision.approval_expires)
                                    : Json(nullptr)},
               {"words", words},
               {"steps", steps}};
  if (detail == Detail::kListed) return json;
  json["plan"] = plan_json(remedy.plan, names);
  json["measured"] = measured_json(remedy);
  return json;
}

Json to_json(const Incident& incident, const HealingBoard& board, Detail detail) {
  const auto& view = *board.view;
  Json findings = Json::array(), numbers = Json::array();
  for (const Finding& finding : incident.findings)
    findings.push_back(to_json(finding, board.names, detail));
  for (const Remedy& remedy : view.remedies)
    if (remedy.incident == incident.number) numbers.push_back(remedy.number);
  const Doing now = doing(incident, board);
  const auto one = view.cases.find(incident.number);
  Json json = {{"number", incident.number},
               {"cause", to_text(incident.cause)},
               {"place", to_json(incident.place, board.names)},
               {"severity", to_text(incident.severity)},
               {"confidence_ppm", incident.confidence_ppm},
               {"began", time_json(incident.began)},
               {"opened", time_json(incident.opened)},
               {"closed", time_json(incident.closed)},
               {"burning", orchestrator::incidents::burning(incident)},
               {"doing", now.text},
               {"needs_you", now.needs_you},
               {"remedy_numbers", numbers},
               {"case", one == view.cases.end() ? Json(nullptr) : case_json(one->second)},
               {"findings", findings}};
  if (detail == Detail::kListed) return json;
  Json proposed = Json::array(), considered = Json::array(), remedies = Json::array();
  if (one != view.cases.end())
    for (const Proposal& proposal : one->second.fresh)
      proposed.push_back(to_json(proposal, board.names));
  for (const Considered& consideration : view.recommended)
    if (consideration.incident == incident.number)
      considered.push_back(to_json(consideration, board.names));
  for (const Remedy& remedy : view.remedies)
    if (remedy.incident == incident.number)
      remedies.push_back(to_json(remedy, board.names, Detail::kFull));
  json["proposed"] = proposed;
  json["considered"] = considered;
  json["remedies"] = remedies;
  return json;
}

Json head_json(const HealingBoard& board) {
  return {{"member", board.member},      {"leader", text_or_null(board.leader)},
          {"leads", board.view->leads},  {"as_of", board.view->as_of},
          {"now", time_json(board.now)}, {"remediation_on", !board.view->killed}};
}

Json advice_json(const HealingBoard& board, std::size_t limit) {
  const auto& view = *board.view;
  Json json = head_json(board);
  json["standing"] = first_of(view.standing, limit,
                              [&](const auto& one) { return standing_json(one, board.names); });
  json["asks"] = first_of(view.asks, limit, ask_json);
  json["recommended"] =
      first_of(view.recommended, limit, [&](const auto& one) { return to_json(one, board.names); });
  json["more"] =
      view.standing.size() > limit || view.asks.size() > limit || view.recommended.size() > limit;
  return json;
}

Json remediation_json(const HealingBoard& board) {
  const auto& view = *board.view;
  Json waiting = Json::array(), needing = Json::array();
  uint64_t open = 0, active = 0;
  for (const Remedy& remedy : view.remedies) {
    active += remedy.phase != Phase::kEnded;
    if (remedy.phase == Phase::kAwaitingApproval) waiting.push_back(remedy.number);
  }
  for (const Incident& incident : view.incidents) {
    open += incident.closed == WallTime{};
    if (doing(incident, board).needs_you) needing.push_back(incident.number);
  }
  const auto& c = view.counters;
  Json json = head_json(board);
  json["on"] = !view.killed;
  json["switched_by"] = text_or_null(view.killed_by.str());
  json["switched_at"] = time_json(view.killed_at);
  json["incidents_open"] = open;
  json["incidents_that_need_you"] = needing;
  json["remedies_active"] = active;
  json["remedies_that_wait_for_approval"] = waiting;
  json["asks_open"] = view.asks.size();
  json["standing"] = view.standing.size();
  json["notes_waiting"] = view.notes_waiting;
  json["last_note"] = view.last_note;
  json["counters"] = {{"findings", c.findings},     {"asks", c.asks},
                      {"unanswered", c.unanswered}, {"proposals", c.proposals},
                      {"denied", c.denied},         {"remedies", c.remedies},
                      {"notes_lost", c.notes_lost}};
  return json;
}

}  // namespace holdfast::operator_api
