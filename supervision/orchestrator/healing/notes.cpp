#include "supervision/orchestrator/healing/notes.hpp"

namespace holdfast::orchestrator::healing {

namespace {
using remediation::Held;
using remediation::Unfit;

/// Writes one JSON object, member by member.
class Object {
 public:
  Object& add(std::string_view name, std::string_view text) {
    key(name);
    text_ += '"';
    for (const char c : text) escape(static_cast<unsigned char>(c));
    text_ += '"';
    return *this;
  }
  Object& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  template <typename N>
  requires std::is_integral_v<N> Object& add(std::string_view name, N number) {
    key(name);
    if constexpr (std::is_same_v<N, bool>)
      text_ += number ? "true" : "false";
    else
      text_ += std::to_string(number);
    return *this;
  }
  Object& raw(std::string_view name, const std::string& json) {
    key(name);
    text_ += json;
    return *this;
  }
  std::string str() const { return text_ + "}"; }

 private:
  void key(std::string_view name) {
    if (text_.size() > 1) text_ += ',';
    text_ += '"';
    text_ += name;
    text_ += "\":";
  }
  void escape(unsigned char c) {
    static constexpr char kHex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
      text_ += '\\';
      text_ += static_cast<char>(c);
    } else if (c < 0x20 || c > 0x7e) {
      text_ += "\\u00";
      text_ += kHex[c >> 4];
      text_ += kHex[c & 15];
    } else {
      text_ += static_cast<char>(c);
    }
  }
  std::string text_ = "{";
};

std::string json(const Place& place) {
  Object object;
  if (place.member) object.add("member", place.member.value);
  if (place.group) object.add("group", place.group.value);
  if (!place.instance.empty()) object.add("instance", place.instance.view());
  return object.str();
}

std::string json(const Action& action) {
  Object object;
  object.add("kind", to_text(action.kind)).raw("target", json(action.target));
  if (action.to) object.add("to", action.to.value);
  if (action.amount != 0) object.add("amount", action.amount);
  return object.str();
}

std::string json(const PolicyDecision& decision) {
  Object object;
  object.add("verdict", to_text(decision.verdict)).add("rule", decision.rule);
  object.add("reason", decision.reason);
  if (decision.approvals_needed) object.add("approvals_needed", decision.approvals_needed);
  return object.str();
}

std::string json(const Proposal& proposal) {
  Object object;
  object.raw("action", json(proposal.action)).add("advisor", to_text(proposal.advisor));
  object.add("confidence_ppm", proposal.confidence_ppm);
  std::string precedents = "[";
  for (const PrecedentRef& precedent : proposal.precedents)
    precedents += (precedents.size() > 1 ? "," : "") + std::to_string(precedent.incident);
  object.raw("precedents", precedents + "]").add("reason", proposal.reason);
  return object.str();
}

std::string json(const remediation::Values& values) {
  std::string text = "[";
  for (const auto& value : values)
    text += (text.size() > 1 ? "," : "") + (value ? std::to_string(*value) : "null");
  return text + "]";
}

std::string json(const Evidence& evidence) {
  Object object;
  object.add("metric", telemetry::info_of(evidence.metric).name);
  object.raw("place", json(evidence.place)).add("detector", to_text(evidence.detector));
  object.add("value", evidence.value).add("expected", evidence.expected);
  object.add("score_milli", evidence.score_milli).add("began_ns", evidence.began.ns);
  return object.str();
}

Note note(NoteKind kind, uint64_t incident, uint64_t remedy, const Object& object) {
  Note note;
  note.kind = kind;
  note.incident = incident;
  note.remedy = remedy;
  note.text = object.str();
  return note;
}

Note tell(const State&, const incidents::FindingTaken& taken) {
  const Finding& finding = taken.finding;
  std::string evidence = "[";
  for (const Evidence& one : finding.evidence)
    evidence += (evidence.size() > 1 ? "," : "") + json(one);
  Object object;
  object.add("event", finding.over ? "finding_over" : "finding");
  object.add("fault", to_text(finding.fault)).raw("place", json(finding.place));
  object.add("agent", to_text(finding.agent.domain)).add("instance", finding.agent.instance);
  object.add("severity", to_text(finding.severity));
  object.add("confidence_ppm", finding.confidence_ppm);
  object.add("began_ns", finding.began.ns).add("found_ns", finding.found.ns);
  object.raw("evidence", evidence + "]");
  return note(NoteKind::kFinding, taken.incident, 0, object);
}
Note tell(const State&, const incidents::Ranked& ranked) {
  Object object;
  object.add("event", ranked.cause == FaultClass::kNone ? "abstained" : "ranked");
  object.add("cause", to_text(ranked.cause)).raw("place", json(ranked.place));
  object.add("confidence_ppm", ranked.confidence_ppm);
  object.add("severity", to_text(ranked.severity));
  return note(NoteKind::kIncident, ranked.incident, 0, object);
}
Note tell(const State&, const incidents::Merged& merged) {
  Object object;
  object.add("event", "merged").add("from", merged.from);
  return note(NoteKind::kIncident, merged.into, 0, object);
}
Note tell(const State&, const incidents::Closed& closed) {
  Object object;
  object.add("event", "closed");
  return note(NoteKind::kIncident, closed.incident, 0, object);
}
std::optional<Note> tell(const State& state, const incidents::Event& event) {
  return std::visit([&](const auto& one) { return tell(state, one); }, event);
}

uint64_t incident_of(const State& state, uint64_t remedy) {
  const auto* known = state.remedies.find(remedy);
  return known ? known->incident : 0;
}

Note tell(const State&, const remediation::Opened& opened) {
  const remediation::Remedy& remedy = opened.remedy;
  std::string steps = "[";
  for (const auto& step : remedy.plan.steps)
    steps += (steps.size() > 1 ? "," : "") + json(step.action);
  std::string after = "[";
  for (const auto& objective : remedy.plan.after) {
    Object one;
    one.add("objective", to_text(objective));
    after += (after.size() > 1 ? "," : "") + one.str();
  }
  Object object;
  object.add("event", "remedy_opened").add("workflow", remedy.plan.workflow);
  object.add("cause", to_text(remedy.cause)).raw("place", json(remedy.place));
  object.raw("proposal", json(remedy.proposal)).raw("decision", json(remedy.decision));
  object.raw("steps", steps + "]").raw("objectives", after + "]");
  object.add("blast_radius", remedy.plan.blast_radius).add("phase", to_text(remedy.phase));
  if (!remedy.proposer.empty()) object.add("proposer", remedy.proposer.view());
  return note(NoteKind::kRemedy, remedy.incident, remedy.number, object);
}
Note tell(const State& state, const remediation::WordGiven& given) {
  Object object;
  object.add("event", given.word.yes ? "approved" : "rejected");
  object.add("person", given.word.person.view());
  if (!given.reason.empty()) object.add("reason", given.reason);
  return note(NoteKind::kApproval, incident_of(state, given.remedy), given.remedy, object);
}
Note tell(const State& state, const remediation::MeasureTaken& taken) {
  const auto* remedy = state.remedies.find(taken.remedy);
  const bool before = remedy && remedy->phase == remediation::Phase::kCapturing;
  Object object;
  object.add("event", before ? "captured" : "measured").add("round", taken.round);
  object.raw("values", json(taken.values));
  return note(NoteKind::kMeasurement, incident_of(state, taken.remedy), taken.remedy, object);
}
Note tell(const State& state, const remediation::Moved& moved) {
  Object object;
  object.add("event", "remedy_moved").add("to", to_text(moved.to));
  if (!moved.text.empty()) object.add("text", moved.text);
  return note(NoteKind::kRemedy, incident_of(state, moved.remedy), moved.remedy, object);
}
Note tell(const State&, const remediation::StepIntended& intended) {
  Object object;
  object.add("event", intended.id.undo ? "undo_intended" : "step_intended");
  object.add("id", to_text(intended.id)).raw("action", json(intended.action));
  object.add("not_after_ns", intended.not_after.ns);
  return note(NoteKind::kStep, intended.id.incident, intended.id.remedy, object);
}
Note tell(const State&, const remediation::StepEnded& ended) {
  Object object;
  object.add("event", ended.id.undo ? "undo_ended" : "step_ended").add("id", to_text(ended.id));
  object.add("outcome", to_text(ended.outcome)).add("text", ended.text);
  if (ended.previous) object.add("previous", *ended.previous);
  return note(NoteKind::kStep, ended.id.incident, ended.id.remedy, object);
}
Note tell(const State& state, const remediation::Ended& ended) {
  Object object;
  object.add("event", "remedy_ended").add("outcome", to_text(ended.outcome));
  object.add("text", ended.text);
  return note(NoteKind::kOutcome, incident_of(state, ended.remedy), ended.remedy, object);
}
std::optional<Note> tell(const State& state, const remediation::Event& event) {
  return std::visit(
      [&](const auto& one) -> std::optional<Note> {
        // Asking is not telling: what was measured is.
        if constexpr (std::is_same_v<std::decay_t<decltype(one)>, remediation::MeasureAsked>)
          return std::nullopt;
        else
          return tell(state, one);
      },
      event);
}

void add_key(Object& object, const advice::Key& key) {
  object.add("class", to_text(key.actor)).add("failure", advice::failure_text(key.failure));
  object.add("topology", key.topology);
}

std::optional<Note> tell(const State&, const AskMade& made) {
  Object object;
  object.add("event", made.ask.incident ? "asked" : "asked_in_advance");
  object.add("ask", made.ask.number).add("expires_ns", made.ask.expires.ns);
  if (made.ask.incident == 0) add_key(object, made.ask.key);
  return note(NoteKind::kAdvice, made.ask.incident, 0, object);
}
std::optional<Note> tell(const State& state, const AskAnswered& answered) {
  const auto found = state.asks.find(answered.ask);
  std::string proposals = "[";
  for (const Proposal& proposal : answered.proposals)
    proposals += (proposals.size() > 1 ? "," : "") + json(proposal);
  Object object;
  object.add("event", "answered").add("ask", answered.ask).raw("proposals", proposals + "]");
  return note(NoteKind::kAdvice, found == state.asks.end() ? 0 : found->second.incident, 0, object);
}
std::optional<Note> tell(const State& state, const AskExpired& expired) {
  const auto found = state.asks.find(expired.ask);
  Object object;
  object.add("event", "not_answered_in_time").add("ask", expired.ask);
  return note(NoteKind::kAdvice, found == state.asks.end() ? 0 : found->second.incident, 0, object);
}
std::optional<Note> tell(const State&, const Considered& considered) {
  Object object;
  object.add("event", "considered").add("source", to_text(considered.source));
  object.raw("proposal", json(considered.proposal));
  if (considered.unfit != Unfit::kNo)
    object.add("unfit", to_text(considered.unfit));
  else if (considered.held != Held::kNo)
    object.add("held", to_text(considered.held));
  else
    object.raw("decision", json(considered.decision));
  return note(NoteKind::kConsidered, considered.incident, considered.remedy, object);
}
std::optional<Note> tell(const State&, const CaseDecided& decided) {
  Object object;
  object.add("event", "case_decided").add("acts", decided.remedy != 0);
  if (decided.again != WallTime{}) object.add("again_ns", decided.again.ns);
  return note(NoteKind::kIncident, decided.incident, decided.remedy, object);
}
std::optional<Note> tell(const State&, const CaseReopened& reopened) {
  Object object;
  object.add("event", "case_reopened").add("asks_again", reopened.ask_again);
  return note(NoteKind::kIncident, reopened.incident, 0, object);
}
std::optional<Note> tell(const State&, const Stored& stored) {
  Object object;
  object.add("event", "standing_stored");
  add_key(object, stored.entry.key);
  object.raw("proposal", json(stored.entry.proposal)).add("rule", stored.entry.rule);
  object.add("open_orders_max", stored.entry.open_orders_max);
  object.add("expires_ns", stored.entry.expires.ns);
  return note(NoteKind::kStanding, 0, 0, object);
}
std::optional<Note> tell(const State&, const Dropped& dropped) {
  Object object;
  object.add("event", "standing_dropped");
  add_key(object, dropped.key);
  return note(NoteKind::kStanding, 0, 0, object);
}
std::optional<Note> tell(const State&, const KillSet& kill) {
  Object object;
  object.add("event", "kill_switch").add("on", kill.on).add("person", kill.identity.view());
  object.add("reason", kill.reason);
  return note(NoteKind::kKillSwitch, 0, 0, object);
}
std::optional<Note> tell(const State&, const Paged& paged) {
  Object object;
  object.add("event", "paged").add("text", paged.text);
  Note page = note(NoteKind::kPage, paged.incident, paged.remedy, object);
  page.page = true;
  return page;
}
std::optional<Note> tell(const State&, const NotesCleared&) { return std::nullopt; }
std::optional<Note> tell(const State&, const ClockTold&) { return std::nullopt; }
}  // namespace

std::string_view to_text(NoteKind kind) {
  switch (kind) {
    case NoteKind::kFinding:
      return "finding";
    case NoteKind::kIncident:
      return "incident";
    case NoteKind::kAdvice:
      return "advice";
    case NoteKind::kConsidered:
      return "considered";
    case NoteKind::kRemedy:
      return "remedy";
    case NoteKind::kApproval:
      return "approval";
    case NoteKind::kMeasurement:
      return "measurement";
    case NoteKind::kStep:
      return "step";
    case NoteKind::kOutcome:
      return "outcome";
    case NoteKind::kStanding:
      return "standing";
    case NoteKind::kKillSwitch:
      return "kill_switch";
    case NoteKind::kPage:
      return "page";
  }
  return "invalid";
}

std::optional<Note> note_of(const State& before, const Event& event, WallTime at) {
  auto note = std::visit([&](const auto& one) { return tell(before, one); }, event);
  if (!note) return note;
  note->at = at;
  note->clock = before.clock;
  return note;
}

bool tells(const Event& event) {
  if (std::holds_alternative<NotesCleared>(event) || std::holds_alternative<ClockTold>(event))
    return false;
  const auto* change = std::get_if<remediation::Event>(&event);
  return !change || !std::holds_alternative<remediation::MeasureAsked>(*change);
}

}  // namespace holdfast::orchestrator::healing
