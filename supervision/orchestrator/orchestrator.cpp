#include "supervision/orchestrator/orchestrator.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::orchestrator {

namespace {
static_assert(replication::Core<OrchestratorCore>);

std::string bounded(std::string text) {
  if (text.size() > kTextBytesMax) text.resize(kTextBytesMax);
  return text;
}

auto at_number(auto& decisions, uint64_t number) {
  return std::lower_bound(decisions.begin(), decisions.end(), number,
                          [](const Decision& d, uint64_t n) { return d.number < n; });
}
}  // namespace

const Decision* State::find(uint64_t number) const {
  const auto found = at_number(decisions, number);
  return found == decisions.end() || found->number != number ? nullptr : &*found;
}

bool State::knows(const Failure& failure) const {
  if (failure.guard) {
    const auto told = guards.find(failure.member);
    return told != guards.end() && failure.guard <= told->second;
  }
  const auto found = heard.find(failure.member);
  return found != heard.end() && failure.at <= found->second;
}

void OrchestratorCore::decide(const State& state, const Command& command, WallTime now,
                              replication::Decision<OrchestratorCore>& decision) {
  if (const auto* escalate = std::get_if<Escalate>(&command)) {
    if (state.knows(escalate->failure)) return;
    Decision made;
    made.number = state.last + 1;
    made.at = now;
    made.failure = escalate->failure;
    made.failure.path = bounded(std::move(made.failure.path));
    made.failure.text = bounded(std::move(made.failure.text));
    made.advice = escalate->advice;
    made.advice.reason = bounded(std::move(made.advice.reason));
    decision.events.push_back(Decided{std::move(made)});
    return;
  }
  const auto& settle = std::get<Settle>(command);
  const Decision* known = state.find(settle.number);
  if (!known || known->outcome != Outcome::kOpen || settle.outcome == Outcome::kOpen) return;
  decision.events.push_back(Settled{settle.number, settle.outcome, bounded(settle.text)});
}

void OrchestratorCore::apply(State& state, const Event& event, const replication::Position&) {
  if (const auto* decided = std::get_if<Decided>(&event)) {
    CHECK(decided->decision.number == state.last + 1);
    state.last = decided->decision.number;
    const Failure& failure = decided->decision.failure;
    if (failure.guard)
      state.guards[failure.member] = failure.guard;
    else
      state.heard[failure.member] = failure.at;
    state.decisions.push_back(decided->decision);
    if (state.decisions.size() > kDecisionsKept) state.decisions.pop_front();
    return;
  }
  const auto& settled = std::get<Settled>(event);
  const auto found = at_number(state.decisions, settled.number);
  if (found == state.decisions.end() || found->number != settled.number) return;
  found->outcome = settled.outcome;
  found->outcome_text = settled.text;
}

void OrchestratorCore::effects(const State& state, const Event& event, const replication::Position&,
                               std::vector<Effect>& effects) {
  const uint64_t number = std::holds_alternative<Decided>(event)
                              ? std::get<Decided>(event).decision.number
                              : std::get<Settled>(event).number;
  if (const Decision* decision = state.find(number)) effects.push_back({*decision});
}

uint64_t OrchestratorCore::digest(const State& state) {
  replication::Digest digest;
  digest.add(state.last);
  digest.add(state.decisions.size());
  if (!state.decisions.empty()) {
    const Decision& last = state.decisions.back();
    digest.add(static_cast<uint64_t>(last.failure.at.ns));
    digest.add(static_cast<uint64_t>(last.advice.remedy) << 8 |
               static_cast<uint64_t>(last.outcome));
  }
  return digest.value();
}

}  // namespace holdfast::orchestrator
