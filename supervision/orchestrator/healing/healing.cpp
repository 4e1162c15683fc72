#include "supervision/orchestrator/healing/healing.hpp"

#include <algorithm>

#include "messages/check.hpp"
#include "supervision/orchestrator/healing/notes.hpp"
#include "supervision/orchestrator/remediation/effects.hpp"
#include "supervision/replication/core.hpp"

namespace holdfast::orchestrator::healing {

namespace {
constexpr std::size_t kAskedAboutMax = 1'024;

/// The case of an incident that is open; null: it is closed.
Case* case_of(State& state, uint64_t incident) {
  return state.incidents.open.contains(incident) ? &state.cases[incident] : nullptr;
}

void forget_asks(State& state, uint64_t incident) {
  std::erase_if(state.asks, [&](const auto& ask) { return ask.second.incident == incident; });
}

void on(State& state, const incidents::Event& event, WallTime at) {
  incidents::apply(state.incidents, event, at);
  if (std::holds_alternative<incidents::FindingTaken>(event)) {
    state.counters.findings += 1;
  } else if (const auto* merged = std::get_if<incidents::Merged>(&event)) {
    for (auto& [number, remedy] : state.remedies.active)
      if (remedy.incident == merged->from) remedy.incident = merged->into;
    const auto from = state.cases.find(merged->from);
    if (from != state.cases.end()) {
      Case& into = state.cases[merged->into];
      // What is being done goes on, and nothing else is begun before it has ended.
      if (!state.remedies.active.contains(into.remedy) &&
          state.remedies.active.contains(from->second.remedy)) {
        into.remedy = from->second.remedy;
        into.decided = true;
      }
      into.remedies += from->second.remedies;
      state.cases.erase(merged->from);
    }
    forget_asks(state, merged->from);
  } else if (const auto* closed = std::get_if<incidents::Closed>(&event)) {
    state.cases.erase(closed->incident);
    forget_asks(state, closed->incident);
  }
}

void on(State& state, const remediation::Event& event, WallTime at) {
  remediation::apply(state.remedies, event, at);
  if (std::holds_alternative<remediation::Opened>(event)) state.counters.remedies += 1;
}

void on(State& state, const AskMade& made, WallTime at) {
  CHECK(made.ask.number == state.last_ask + 1);
  state.last_ask = made.ask.number;
  state.asks[made.ask.number] = made.ask;
  state.counters.asks += 1;
  if (made.ask.incident == 0) {
    state.last_standing_ask = at;
    state.asked_about[made.ask.key] = at;
    if (state.asked_about.size() > kAskedAboutMax)
      std::erase_if(state.asked_about,
                    [&](const auto& asked) { return at - asked.second >= advice::kAskAgain; });
    return;
  }
  Case* one = case_of(state, made.ask.incident);
  if (!one) return;
  one->ask = made.ask.number;
  one->asked = at;
  one->answered = one->decided = false;
  one->fresh.clear();
  one->rounds += 1;
}

void on(State& state, const AskAnswered& answered, WallTime) {
  const auto found = state.asks.find(answered.ask);
  CHECK(found != state.asks.end());
  const Ask ask = found->second;
  state.asks.erase(found);
  if (ask.incident == 0) return;
  Case* one = case_of(state, ask.incident);
  if (!one || one->ask != ask.number) return;
  one->answered = true;
  one->fresh = answered.proposals;
}

void on(State& state, const AskExpired& expired, WallTime) {
  state.asks.erase(expired.ask);
  state.counters.unanswered += 1;
}

void on(State& state, const Considered& considered, WallTime) {
  state.counters.proposals += 1;
  const bool judged =
      considered.held == remediation::Held::kNo && considered.unfit == remediation::Unfit::kNo;
  const Verdict verdict = considered.decision.verdict;
  if (judged && verdict == Verdict::kDeny) state.counters.denied += 1;
  // A person who proposed something in vain wants to be told why.
  const bool vain = considered.source == Source::kOperator && considered.remedy == 0;
  const bool shown = judged && (verdict == Verdict::kRecommend || verdict == Verdict::kObserve);
  if (!vain && !shown) return;
  state.recommended.push_back(considered);
  if (state.recommended.size() > kRecommendedKept) state.recommended.pop_front();
}

void on(State& state, const CaseDecided& decided, WallTime) {
  Case* one = case_of(state, decided.incident);
  if (!one) return;
  one->decided = true;
  one->cause = state.incidents.open.at(decided.incident).cause;
  one->again = decided.again;
  one->remedy = decided.remedy;
  if (decided.remedy) one->remedies += 1;
}

void on(State& state, const CaseReopened& reopened, WallTime) {
  Case* one = case_of(state, reopened.incident);
  if (!one) return;
  one->decided = false;
  one->again = {};
  one->remedy = 0;
  one->retried = !reopened.ask_again;
  if (!reopened.ask_again) return;
  one->ask = 0;
  one->answered = false;
  one->fresh.clear();
}

void on(State& state, const Stored& stored, WallTime) { state.standing.put(stored.entry); }
void on(State& state, const Dropped& dropped, WallTime) { state.standing.erase(dropped.key); }
void on(State& state, const KillSet& kill, WallTime at) {
  state.killed = kill.on;
  state.killed_by = kill.identity;
  state.killed_at = at;
}
void on(State& state, const Paged& paged, WallTime) {
  if (Case* one = case_of(state, paged.incident)) one->paged = true;
}
void on(State& state, const NotesCleared& cleared, WallTime) {
  while (!state.notes.empty() && state.notes.front().number <= cleared.upto)
    state.notes.pop_front();
}
void on(State& state, const ClockTold& told, WallTime at) {
  state.clock = told.clock;
  state.clock_told = at;
}

ExecuteStep order_of(const remediation::Remedy& remedy, const remediation::StepRecord& record) {
  ExecuteStep step{record.id,        remedy.plan.workflow,
                   record.action,    record.action.target.member,
                   record.not_after, {}};
  if (!record.id.undo) return step;
  if (const auto* done = remedy.last_try(record.id.step, false)) {
    step.voids = done->id;
    step.executor = done->action.target.member;  // who may have begun it
  }
  return step;
}

Measure measure_of(const remediation::Remedy& remedy) {
  return {remedy.number, remedy.round, remedy.wanted(), remedy.proposal.action.target,
          remedy.proposal.action.to};
}

AskAdvice question_of(const State& state, const Ask& ask) {
  const auto found = state.incidents.open.find(ask.incident);
  return {ask, found == state.incidents.open.end() ? Incident{} : found->second};
}

bool waits_for_measure(const remediation::Remedy& remedy) {
  using remediation::Phase;
  return remedy.measured < remedy.round &&
         (remedy.phase == Phase::kCapturing || remedy.phase == Phase::kVerifying);
}

/// When an open incident's case moves on by time alone.
std::optional<WallTime> deadline_of(const State& state, const Incident& incident) {
  const auto found = state.cases.find(incident.number);
  if (state.killed || !incidents::burning(incident)) return std::nullopt;
  if (found == state.cases.end()) return std::nullopt;
  const Case& one = found->second;
  if (!one.decided || state.remedies.active.contains(one.remedy)) return std::nullopt;
  if (one.remedy) {
    const auto* last = state.remedies.find(one.remedy);
    if (last &&
        (last->outcome == RemedyOutcome::kSucceeded || last->outcome == RemedyOutcome::kNotNeeded))
      return last->ended + kRecheck;
    return std::nullopt;
  }
  return one.again == WallTime{} ? std::nullopt : std::optional(one.again);
}
}  // namespace

std::string_view to_text(Source source) {
  switch (source) {
    case Source::kFresh:
      return "fresh";
    case Source::kStanding:
      return "standing";
    case Source::kRules:
      return "rules";
    case Source::kEscalation:
      return "escalation";
    case Source::kOperator:
      return "operator";
  }
  return "invalid";
}

void apply(State& state, const Event& event, WallTime at) {
  // What the note tells of is looked up before it is gone.
  auto note = note_of(state, event, at);
  std::visit([&](const auto& one) { on(state, one, at); }, event);
  if (!note) return;
  note->number = state.last_note += 1;
  state.notes.push_back(std::move(*note));
  if (state.notes.size() <= kNotesMax) return;
  state.notes.pop_front();  // its number is missing in the audit, which shows
  state.counters.notes_lost += 1;
}

void effects(const State& state, const Event& event, std::vector<Effect>& effects) {
  if (const auto* made = std::get_if<AskMade>(&event)) {
    effects.push_back(question_of(state, made->ask));
  } else if (const auto* change = std::get_if<remediation::Event>(&event)) {
    if (const auto* intended = std::get_if<remediation::StepIntended>(change)) {
      const auto& remedy = state.remedies.active.at(intended->id.remedy);
      effects.push_back(order_of(remedy, remedy.steps.back()));
    } else if (const auto* asked = std::get_if<remediation::MeasureAsked>(change)) {
      effects.push_back(measure_of(state.remedies.active.at(asked->remedy)));
    }
  }
  if (tells(event)) effects.push_back(state.notes.back());
}

void outstanding(const State& state, std::vector<Effect>& effects, std::size_t notes) {
  for (const auto& [number, ask] : state.asks) effects.push_back(question_of(state, ask));
  for (const auto& [number, remedy] : state.remedies.active) {
    if (const auto* record = remedy.under_way()) effects.push_back(order_of(remedy, *record));
    if (waits_for_measure(remedy)) effects.push_back(measure_of(remedy));
  }
  for (const Note& note : state.notes) {
    if (notes-- == 0) break;
    effects.push_back(note);
  }
}

std::optional<WallTime> next_deadline(const State& state) {
  std::optional<WallTime> next;
  const auto add = [&](std::optional<WallTime> due) {
    if (due) next = next ? std::min(*next, *due) : due;
  };
  add(incidents::next_deadline(state.incidents));
  for (const auto& [number, ask] : state.asks) add(ask.expires);
  for (const auto& [number, remedy] : state.remedies.active) add(remediation::deadline_of(remedy));
  for (const auto& [number, incident] : state.incidents.open) add(deadline_of(state, incident));
  return next;
}

uint64_t digest(const State& state) {
  replication::Digest digest;
  digest.add(state.incidents.last);
  digest.add(state.incidents.open.size());
  digest.add(state.remedies.last);
  for (const auto& [number, remedy] : state.remedies.active) {
    digest.add(number);
    digest.add(uint64_t{static_cast<uint8_t>(remedy.phase)} << 32 | remedy.steps.size());
  }
  digest.add(state.remedies.ended.size());
  if (!state.remedies.ended.empty())
    digest.add(static_cast<uint64_t>(state.remedies.ended.back().outcome));
  digest.add(state.last_ask);
  digest.add(state.asks.size());
  digest.add(state.standing.size());
  digest.add(state.cases.size());
  digest.add(state.killed ? 1 : 0);
  digest.add(state.last_note);
  digest.add(state.notes.size());
  digest.add(uint64_t{static_cast<uint8_t>(state.clock.source)} << 33 |
             (state.clock.bound_us ? 1ull << 32 | *state.clock.bound_us : 0));
  return digest.value();
}

}  // namespace holdfast::orchestrator::healing
