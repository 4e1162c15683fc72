#include "nodes/node/api/healing_json_http.hpp"

namespace holdfast::operator_api {

namespace {
template <typename T>
Json list_json(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(to_json(value));
  return list;
}
}  // namespace

Json to_json(const PrecedentRef& precedent) {
  return {{"incident", precedent.incident}, {"similarity_ppm", precedent.similarity_ppm}};
}

Json to_json(const Place& place) {
  return {{"member", place.member.value},
          {"group", place.group.value},
          {"instance", place.instance.view()}};
}

Json to_json(const Evidence& evidence) {
  const auto& info = telemetry::info_of(evidence.metric);
  return {{"metric", info.name},
          {"unit", info.unit},
          {"place", to_json(evidence.place)},
          {"detector", to_text(evidence.detector)},
          {"value", evidence.value},
          {"expected", evidence.expected},
          {"score_milli", evidence.score_milli},
          {"began", time_json(evidence.began)},
          {"seen", time_json(evidence.seen)}};
}

Json to_json(const Finding& finding) {
  return {{"agent", std::string(telemetry::to_text(finding.agent.domain)) + "-" +
                        std::to_string(finding.agent.instance)},
          {"domain", telemetry::to_text(finding.agent.domain)},
          {"number", finding.number},
          {"fault", to_text(finding.fault)},
          {"place", to_json(finding.place)},
          {"severity", to_text(finding.severity)},
          {"confidence_ppm", finding.confidence_ppm},
          {"began", time_json(finding.began)},
          {"found", time_json(finding.found)},
          {"over", finding.over},
          {"evidence", list_json(finding.evidence)},
          {"precedents", list_json(finding.precedents)}};
}

Json to_json(const Incident& incident) {
  return {{"number", incident.number},
          {"cause", to_text(incident.cause)},
          {"place", to_json(incident.place)},
          {"severity", to_text(incident.severity)},
          {"confidence_ppm", incident.confidence_ppm},
          {"began", time_json(incident.began)},
          {"opened", time_json(incident.opened)},
          {"closed", time_json(incident.closed)},
          {"findings", list_json(incident.findings)}};
}

Json to_json(const Action& action) {
  return {{"kind", to_text(action.kind)},
          {"target", to_json(action.target)},
          {"to", action.to.value},
          {"amount", action.amount}};
}

Json to_json(const Proposal& proposal) {
  return {{"incident", proposal.incident},
          {"action", to_json(proposal.action)},
          {"advisor", to_text(proposal.advisor)},
          {"confidence_ppm", proposal.confidence_ppm},
          {"precedents", list_json(proposal.precedents)},
          {"reason", proposal.reason}};
}

Json to_json(const PolicyDecision& decision) {
  return {{"verdict", to_text(decision.verdict)},
          {"rule", decision.rule},
          {"reason", decision.reason},
          {"approvals_needed", decision.approvals_needed}};
}

}  // namespace holdfast::operator_api
