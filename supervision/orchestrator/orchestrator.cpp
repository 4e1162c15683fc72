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

/// What the healing loop proposes, as events of the whole.
void decide_healing(const State& state, const healing::Command& command, WallTime now,
                    replication::Decision<OrchestratorCore>& decision) {
  std::vector<healing::Event> events;
  std::vector<healing::Effect> replies;
  healing::decide(state.healing, command, now, events, replies);
  for (auto& event : events) decision.events.push_back(std::move(event));
  for (auto& reply : replies) decision.replies.push_back(std::move(reply));
}

void wrap(std::vector<healing::Effect>&& from, std::vector<Effect>& to) {
  for (auto& effect : from) to.push_back(std::move(effect));
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
    const auto finding = healing::finding_of(made, state.decisions);
    decision.events.push_back(Decided{std::move(made)});
    if (finding) decide_healing(state, {healing::Report{*finding}, nullptr}, now, decision);
    return;
  }
  if (const auto* of_healing = std::get_if<healing::Command>(&command))
    return decide_healing(state, *of_healing, now, decision);
  const auto& settle = std::get<Settle>(command);
  const Decision* known = state.find(settle.number);
  if (!known || known->outcome != Outcome::kOpen || settle.outcome == Outcome::kOpen) return;
  decision.events.push_back(Settled{settle.number, settle.outcome, bounded(settle.text)});
}

void OrchestratorCore::apply(State& state, const Event& event, const replication::Position& at) {
  if (const auto* of_healing = std::get_if<healing::Event>(&event))
    return healing::apply(state.healing, *of_healing, at.time);
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
  if (const auto* of_healing = std::get_if<healing::Event>(&event)) {
    std::vector<healing::Effect> own;
    healing::effects(state.healing, *of_healing, own);
    return wrap(std::move(own), effects);
  }
  const uint64_t number = std::holds_alternative<Decided>(event)
                              ? std::get<Decided>(event).decision.number
                              : std::get<Settled>(event).number;
  if (const Decision* decision = state.find(number)) effects.push_back(Announced{*decision});
}

void OrchestratorCore::outstanding(const State& state, std::vector<Effect>& effects) {
  std::vector<healing::Effect> own;
  healing::outstanding(state.healing, own);
  wrap(std::move(own), effects);
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
  digest.add(healing::digest(state.healing));
  return digest.value();
}

}  // namespace holdfast::orchestrator
