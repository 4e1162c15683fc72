#include "nodes/drill/evaluate/trace.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace holdfast::drill::evaluate {

namespace {

using audit::Record;
using audit::RecordKind;
using Json = nlohmann::json;

std::string text_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_string() ? at->get<std::string>() : std::string();
}
uint64_t number_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_number_unsigned() ? at->get<uint64_t>() : 0;
}
Json object_of(const Json& json, const char* key) {
  const auto at = json.find(key);
  return at != json.end() && at->is_object() ? *at : Json::object();
}

struct IncidentChain {
  bool finding = false, ranked = false, considered = false, decided = false, closed = false,
       judged = false;
  std::set<uint64_t> asked, answered;
};
struct Step {
  bool allowed = false, ended = false;
};
struct RemedyChain {
  uint64_t incident = 0;
  bool opened = false, ruled = false, captured = false, measured = false, done = false;
  bool held_against = false;   // its objectives were looked at after the steps
  bool needs_metrics = false;  // one of them is a metric; the others are findings that end
  std::string advisor, verdict, outcome;
  uint64_t approvals_needed = 0;
  std::set<std::string> approvers;
  bool rejected = false;
  std::map<std::string, Step> steps;  // by id
};

class Reader {
 public:
  void take(const Record& record) {
    out_.records += 1;
    count_clock(record);
    if (record.kind == RecordKind::kLost) {
      out_.lost += 1;
      note("record " + std::to_string(record.sequence) + " was lost");
      return;
    }
    auto json = Json::parse(record.payload, nullptr, false);
    if (!json.is_object()) json = Json::object();
    const std::string event = text_of(json, "event");
    const uint64_t incident = now_of(record.incident);
    if (incident != 0) take_incident(record, incident, json, event);
    const uint64_t remedy = number_of(json, "remedy");
    if (remedy != 0) take_remedy(record, json, event, remedies_[remedy]);
    if (record.kind == RecordKind::kKillSwitch) killed_ = json.value("on", true);
    if (record.kind == RecordKind::kStandingAdvice && event == "standing_stored") standing_ = true;
  }

  Traces finish() {
    for (const auto& [number, chain] : incidents_) judge(number, chain);
    for (const auto& [number, chain] : remedies_) judge(number, chain);
    return std::move(out_);
  }

 private:
  void note(const std::string& text) {
    if (out_.missing.size() < kMissingNamed) out_.missing.push_back(text);
  }

  void count_clock(const Record& record) {
    out_.clocks.at(static_cast<std::size_t>(record.clock)) += 1;
    if (record.clock_bound_us)
      out_.bound_us_max = std::max<uint64_t>(out_.bound_us_max, *record.clock_bound_us);
    else
      out_.unbounded += 1;
  }

  // The incident that one was merged into, however often.
  uint64_t now_of(uint64_t incident) const {
    for (auto at = merged_.find(incident); at != merged_.end(); at = merged_.find(incident))
      incident = at->second;
    return incident;
  }

  void take_incident(const Record& record, uint64_t number, const Json& json,
                     const std::string& event) {
    IncidentChain& chain = incidents_[number];
    switch (record.kind) {
      case RecordKind::kFinding:
        chain.finding = true;
        break;
      case RecordKind::kIncident:
        chain.ranked |= event == "ranked" || event == "abstained";
        chain.judged |= event == "ranked";
        chain.decided |= event == "case_decided";
        chain.closed |= event == "closed";
        if (event == "merged") merge(number_of(json, "from"), number, chain);
        break;
      case RecordKind::kAdviceRequest:
        chain.asked.insert(number_of(json, "ask"));
        break;
      case RecordKind::kAdviceReply:
        chain.answered.insert(number_of(json, "ask"));
        break;
      case RecordKind::kProposal:
      case RecordKind::kPolicyDecision:
        chain.considered = true;
        break;
      default:
        break;
    }
  }

  // What the one that it was merged into has to show is its own now.
  void merge(uint64_t from, uint64_t number, IncidentChain& into) {
    const auto found = incidents_.find(from);
    if (found == incidents_.end() || from == number)
      return note("incident " + std::to_string(from) + " was merged and never told of");
    into.finding |= found->second.finding;
    into.asked.insert(found->second.asked.begin(), found->second.asked.end());
    into.answered.insert(found->second.answered.begin(), found->second.answered.end());
    incidents_.erase(found);
    merged_[from] = number;
  }

  void take_remedy(const Record& record, const Json& json, const std::string& event,
                   RemedyChain& chain) {
    if (record.incident != 0) chain.incident = now_of(record.incident);
    if (record.kind == RecordKind::kPolicyDecision) {
      chain.ruled |= !text_of(object_of(json, "decision"), "rule").empty();
    } else if (event == "remedy_opened") {
      const Json decision = object_of(json, "decision");
      chain.opened = true;
      const auto objectives = json.find("objectives");
      if (objectives != json.end() && objectives->is_array())
        for (const auto& one : *objectives) {
          const std::string text = one.is_object() ? text_of(one, "objective") : "";
          for (const char* whose : {" of target ", " of successor ", " of cluster "})
            chain.needs_metrics |= text.find(whose) != std::string::npos;
        }
      chain.verdict = text_of(decision, "verdict");
      chain.approvals_needed = number_of(decision, "approvals_needed");
      chain.advisor = text_of(object_of(json, "proposal"), "advisor");
      // A person's proposal is decided on where it is opened.
      chain.ruled |= chain.advisor == "operator" && !text_of(decision, "rule").empty();
    } else if (event == "remedy_moved") {
      chain.held_against |= text_of(json, "to") == "verifying";
    } else if (event == "approved") {
      chain.approvers.insert(text_of(json, "person"));
    } else if (event == "rejected") {
      chain.rejected = true;
    } else if (record.kind == RecordKind::kVerification) {
      (event == "captured" ? chain.captured : chain.measured) = true;
    } else if (event == "step_intended" || event == "undo_intended") {
      Step& step = chain.steps[text_of(json, "id")];
      step.allowed = !chain.rejected && (!killed_ || event == "undo_intended") && allows(chain);
    } else if (event == "step_ended" || event == "undo_ended") {
      const auto step = chain.steps.find(text_of(json, "id"));
      if (step == chain.steps.end())
        note("step " + text_of(json, "id") + " ended and was never intended");
      else
        step->second.ended = true;
      chain.done |= text_of(json, "outcome") == "done";
    } else if (record.kind == RecordKind::kOutcome) {
      chain.outcome = text_of(json, "outcome");
    }
  }

  static bool allows(const RemedyChain& chain) {
    if (chain.verdict == "allow") return true;
    return chain.verdict == "needs_approval" &&
           chain.approvers.size() >= std::max<uint64_t>(chain.approvals_needed, 1);
  }

  void judge(uint64_t number, const IncidentChain& chain) {
    std::string lacks;
    const auto want = [&lacks](bool there, const char* what) {
      if (!there) lacks += lacks.empty() ? what : std::string(", ") + what;
    };
    want(chain.finding, "finding");
    want(chain.ranked, "cause");
    for (const uint64_t ask : chain.asked)
      if (!chain.answered.contains(ask) && chain.closed) want(false, "reply to a question");
    // One that was over before anything was decided needs no decision.
    want(chain.decided || chain.considered || chain.closed || !chain.judged, "decision");
    out_.incidents += 1;
    out_.incidents_whole += lacks.empty();
    if (!lacks.empty()) note("incident " + std::to_string(number) + " has no " + lacks);
  }

  void judge(uint64_t number, const RemedyChain& chain) {
    for (const auto& [id, step] : chain.steps) {
      out_.steps += 1;
      out_.steps_allowed += step.allowed;
      if (!step.allowed) note("step " + id + " was begun without a policy that allowed it");
    }
    // What waits for a person or still runs has no end yet; its steps count all the same.
    if (chain.opened && chain.outcome.empty()) return;
    std::string lacks;
    const auto want = [&lacks](bool there, const char* what) {
      if (!there) lacks += lacks.empty() ? what : std::string(", ") + what;
    };
    const auto incident = incidents_.find(now_of(chain.incident));
    want(chain.opened, "beginning");
    want(chain.ruled, "policy decision");
    want(!chain.outcome.empty(), "outcome");
    want(!chain.advisor.empty(), "advisor");
    if (chain.incident != 0 && incident != incidents_.end()) {
      want(incident->second.finding, "finding");
      if (chain.advisor == "model") want(!incident->second.answered.empty() || standing_, "advice");
    } else if (chain.advisor != "operator") {
      want(false, "incident");
    }
    if (chain.advisor == "standing") want(standing_, "standing advice");
    for (const auto& [id, step] : chain.steps) want(step.ended, "end of a step");
    if (chain.outcome == "succeeded") {
      want(chain.done, "step that was done");
      want(chain.held_against, "look at its objectives");
      want(chain.captured || !chain.needs_metrics, "measurement before");
      want(chain.measured || !chain.needs_metrics, "measurement after");
    }
    out_.remedies += 1;
    out_.remedies_whole += lacks.empty();
    if (!lacks.empty()) note("remedy " + std::to_string(number) + " has no " + lacks);
  }

  Traces out_;
  std::map<uint64_t, IncidentChain> incidents_;
  std::map<uint64_t, uint64_t> merged_;  // from, into
  std::map<uint64_t, RemedyChain> remedies_;
  bool killed_ = false, standing_ = false;
};

}  // namespace

Traces trace(const std::vector<Record>& records) {
  Reader reader;
  for (const Record& record : records) reader.take(record);
  return reader.finish();
}

void add(Traces& to, const Traces& other) {
  for (auto member : {&Traces::records, &Traces::lost, &Traces::incidents, &Traces::incidents_whole,
                      &Traces::remedies, &Traces::remedies_whole, &Traces::steps,
                      &Traces::steps_allowed, &Traces::unbounded})
    to.*member += other.*member;
  for (std::size_t i = 0; i < to.clocks.size(); ++i) to.clocks[i] += other.clocks[i];
  to.bound_us_max = std::max(to.bound_us_max, other.bound_us_max);
  for (const auto& text : other.missing)
    if (to.missing.size() < kMissingNamed) to.missing.push_back(text);
}

std::string difference(const std::vector<Record>& one, const std::vector<Record>& other) {
  std::map<uint64_t, const Record*> known;
  for (const Record& record : one) known.emplace(record.sequence, &record);
  for (const Record& record : other) {
    const auto at = known.find(record.sequence);
    if (at == known.end()) continue;
    const Record& mine = *at->second;
    // One that was lost there is told as such already.
    if (mine.kind == RecordKind::kLost || record.kind == RecordKind::kLost) continue;
    if (mine.kind != record.kind || mine.incident != record.incident ||
        mine.payload != record.payload)
      return "record " + std::to_string(record.sequence) + " differs";
  }
  return {};
}

}  // namespace holdfast::drill::evaluate
