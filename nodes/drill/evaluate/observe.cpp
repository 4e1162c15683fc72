#include "nodes/drill/evaluate/observe.hpp"

#include <algorithm>
#include <set>

#include "supervision/drills/history.hpp"

namespace holdfast::drill::evaluate {

namespace {

using Json = nlohmann::json;

std::string text_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}
uint64_t number_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  if (at == json.end() || !at->is_number_integer()) return 0;
  return at->is_number_unsigned() || at->get<int64_t>() > 0 ? at->get<uint64_t>() : 0;
}
// "2026-11-20T18:41:33.123456789Z" with as many digits as there are; microseconds are kept.
WallTime time_of(const Json& json, const char* key) {
  std::string text = text_of(json, key);
  if (text.size() < 20 || text.back() != 'Z') return {};
  text.pop_back();
  std::string fraction = text.size() > 20 ? text.substr(20) : "";
  fraction.resize(6, '0');
  return drills::parse_wall_time(text.substr(0, 19) + "." + fraction + "Z").value_or(WallTime{});
}
const Json& list_of(const Json& json, const char* key) {
  static const Json none = Json::array();
  if (!json.is_object()) return none;
  const auto at = json.find(key);
  return at != json.end() && at->is_array() ? *at : none;
}
const Json& object_of(const Json& json, const char* key) {
  static const Json none = Json::object();
  const auto at = json.find(key);
  return at != json.end() && at->is_object() ? *at : none;
}

RemedyOutcome outcome_of(const std::string& text) {
  for (uint8_t i = 0; i <= static_cast<uint8_t>(RemedyOutcome::kNotNeeded); ++i)
    if (to_text(static_cast<RemedyOutcome>(i)) == text) return static_cast<RemedyOutcome>(i);
  return RemedyOutcome::kOpen;
}
Verdict verdict_of(const std::string& text) {
  for (uint8_t i = 1; i <= static_cast<uint8_t>(Verdict::kAllow); ++i)
    if (to_text(static_cast<Verdict>(i)) == text) return static_cast<Verdict>(i);
  return Verdict::kDeny;
}
std::optional<telemetry::Domain> domain_named(const std::string& text) {
  for (uint8_t i = 1; i <= telemetry::kDomains; ++i)
    if (telemetry::to_text(static_cast<telemetry::Domain>(i)) == text)
      return static_cast<telemetry::Domain>(i);
  return std::nullopt;
}

}  // namespace

std::optional<SeenFinding> Observer::finding_of(const Json& json, WallTime read) {
  if (!json.is_object()) return std::nullopt;
  const auto domain = domain_named(text_of(json, "domain"));
  SeenFinding finding;
  finding.agent = text_of(json, "agent");
  finding.number = number_of(json, "number");
  finding.fault = fault_class_of(text_of(json, "fault"));
  finding.member = static_cast<uint32_t>(number_of(object_of(json, "place"), "member"));
  if (!domain || finding.fault == FaultClass::kNone || finding.agent.empty()) return std::nullopt;
  finding.domain = *domain;
  finding.began = true_time_(finding.member, time_of(json, "began"), read);
  finding.found = true_time_(finding.member, time_of(json, "found"), read);
  finding.over = json.value("over", false);
  return finding;
}

void Observer::keep(const SeenFinding& finding) {
  const Key key{finding.agent, finding.member, finding.number};
  const auto [at, is_new] = findings_.try_emplace(key, finding);
  if (is_new) return;
  at->second.over = finding.over;
  // The end of a finding tells its own time.
  if (!finding.over && finding.found < at->second.found) at->second.found = finding.found;
}

void Observer::take_findings(const Json& answer, WallTime read) {
  for (const Json& json : list_of(answer, "findings")) {
    if (const auto finding = finding_of(json, read))
      keep(*finding);
    else
      strange_ += 1;
  }
}

bool Observer::is_older(const Json& answer, uint64_t& newest) const {
  const uint64_t as_of = number_of(answer.is_object() ? answer : Json::object(), "as_of");
  if (as_of < newest) return true;
  newest = as_of;
  return false;
}

void Observer::take_incidents(const Json& answer, WallTime read) {
  if (is_older(answer, incidents_as_of_)) return;
  std::set<uint64_t> told;
  for (const Json& json : list_of(answer, "incidents")) {
    if (!json.is_object() || number_of(json, "number") == 0) {
      strange_ += 1;
      continue;
    }
    told.insert(number_of(json, "number"));
    SeenIncident& incident = incidents_[number_of(json, "number")];
    incident.number = number_of(json, "number");
    incident.cause = fault_class_of(text_of(json, "cause"));
    incident.opened = time_of(json, "opened");
    incident.closed = time_of(json, "closed");
    incident.findings.clear();
    for (const Json& one : list_of(json, "findings")) {
      auto finding = finding_of(one, read);
      if (!finding) {
        strange_ += 1;
        continue;
      }
      // What nobody told the end of is over with its incident.
      finding->over = finding->over || incident.closed.ns != 0;
      keep(*finding);
      incident.findings.push_back(*finding);
    }
  }
  // One that was open and is not told of any more was merged into another.
  if (answer.is_object() && answer.contains("incidents") && !answer.value("more", false))
    std::erase_if(incidents_, [&told](const auto& one) {
      return one.second.closed.ns == 0 && !told.contains(one.first);
    });
}

void Observer::take_remedies(const Json& answer, WallTime) {
  if (is_older(answer, remedies_as_of_)) return;
  for (const Json& json : list_of(answer, "remedies")) {
    if (!json.is_object() || number_of(json, "number") == 0) {
      strange_ += 1;
      continue;
    }
    SeenRemedy& remedy = remedies_[number_of(json, "number")];
    remedy.number = number_of(json, "number");
    remedy.incident = number_of(json, "incident");
    const Json& proposal = object_of(json, "proposal");
    parse_action_kind(text_of(object_of(proposal, "action"), "kind"), remedy.action);
    const Json& decision = object_of(json, "decision");
    remedy.verdict = verdict_of(text_of(decision, "verdict"));
    remedy.rule = text_of(decision, "rule");
    remedy.opened = time_of(json, "opened");
    remedy.started = time_of(json, "started");
    remedy.ended = time_of(json, "ended");
    remedy.outcome = outcome_of(text_of(json, "outcome"));
    remedy.steps = list_of(json, "steps").size();
    remedy.advisor = text_of(proposal, "advisor");
    remedy.waits = text_of(json, "phase") == "awaiting_approval";
  }
}

Observed Observer::observed() const {
  Observed all;
  for (const auto& [key, finding] : findings_) all.findings.push_back(finding);
  for (const auto& [number, incident] : incidents_) all.incidents.push_back(incident);
  for (const auto& [number, remedy] : remedies_) all.remedies.push_back(remedy);
  return all;
}

std::size_t Observer::open_findings() const {
  std::size_t open = 0;
  for (const auto& [key, finding] : findings_) open += !finding.over;
  return open;
}

std::size_t Observer::open_incidents() const {
  return static_cast<std::size_t>(
      std::count_if(incidents_.begin(), incidents_.end(),
                    [](const auto& one) { return one.second.closed.ns == 0; }));
}

std::size_t Observer::open_remedies() const {
  std::size_t open = 0;
  for (const auto& [number, remedy] : remedies_)
    open += remedy.outcome == RemedyOutcome::kOpen && !remedy.waits;
  return open;
}

std::vector<uint64_t> Observer::waiting() const {
  std::vector<uint64_t> numbers;
  for (const auto& [number, remedy] : remedies_)
    if (remedy.outcome == RemedyOutcome::kOpen && remedy.waits) numbers.push_back(number);
  return numbers;
}

}  // namespace holdfast::drill::evaluate
