#include "supervision/orchestrator/remediation/ledger.hpp"

#include <algorithm>

namespace holdfast::orchestrator::remediation {

Ruled Ledger::begin(const StepFacts& facts) {
  // The highest so far without this one: what comes of the newest leader is not fenced by itself.
  const bool fenced = facts.epoch < seen_;
  seen_ = std::max(seen_, facts.epoch);
  if (const auto known = entries_.find(facts.id); known != entries_.end()) {
    switch (known->second.state) {
      case State::kNever:
        return {Ruling::kAnswer, {StepOutcome::kVoid, {}, "it was undone before it came"}};
      case State::kUnderWay:
        return {Ruling::kUnderWay, {}};
      case State::kEnded:
        return {Ruling::kAnswer, known->second.ending};
    }
  }
  // Room for the step, and for the one that it undoes.
  if (!make_room()) return {};
  if (facts.voids && !entries_.contains(*facts.voids))
    keep(*facts.voids,
         {State::kNever, facts.voided_intended.value_or(facts.now + kClocksApart), {}});
  // Its intent is committed; the copy has yet to read of it, or has long forgotten it.
  if (!facts.intended) return {};
  if (maybe_before(*facts.intended))
    return answer(facts, StepOutcome::kLost,
                  "it was intended before this process began, or is long forgotten");
  if (facts.voids)
    if (auto ruled = nothing_to_undo(facts)) return *ruled;
  // An undo that is held back leaves what it was to undo.
  const auto held = facts.voids ? StepOutcome::kFailed : StepOutcome::kVoid;
  if (facts.now > facts.not_after) return answer(facts, held, "it came too late");
  if (fenced) return answer(facts, held, "the orchestrator that sent it leads no more");
  if (facts.killed) return answer(facts, held, "the kill switch is on");
  if (facts.voids && entries_.at(*facts.voids).state == State::kUnderWay) return {};
  keep(facts.id, {State::kUnderWay, *facts.intended, {}});
  under_way_ += 1;
  return {Ruling::kCarryOut, {}};
}

std::optional<Ruled> Ledger::nothing_to_undo(const StepFacts& facts) {
  const Entry& step = entries_.at(*facts.voids);
  if (step.state == State::kUnderWay) return std::nullopt;
  if (step.state == State::kNever) {
    if (!facts.voided_intended || maybe_before(*facts.voided_intended)) return std::nullopt;
    return answer(facts, StepOutcome::kVoid, "what it undoes was never begun, and never will be");
  }
  if (step.ending.outcome == StepOutcome::kDone || step.ending.outcome == StepOutcome::kLost)
    return std::nullopt;
  return answer(facts, StepOutcome::kVoid, "nothing stays of what it undoes");
}

bool Ledger::ended(const StepId& id, Ending ending) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.state != State::kUnderWay) return false;
  found->second.state = State::kEnded;
  found->second.ending = std::move(ending);
  under_way_ -= 1;
  return true;
}

void Ledger::lose_under_way() {
  for (auto& [id, entry] : entries_)
    if (entry.state == State::kUnderWay) {
      entry.state = State::kEnded;
      entry.ending = {StepOutcome::kLost, {}, "its executor ended before it did"};
    }
  under_way_ = 0;
}

Ruled Ledger::answer(const StepFacts& facts, StepOutcome outcome, std::string text) {
  Ending ending{outcome, {}, std::move(text)};
  keep(facts.id, {State::kEnded, *facts.intended, ending});
  return {Ruling::kAnswer, std::move(ending)};
}

void Ledger::keep(const StepId& id, Entry entry) {
  if (entries_.emplace(id, std::move(entry)).second) order_.push_back(id);
}

bool Ledger::make_room() {
  auto oldest = order_.begin();
  while (entries_.size() + 2 > entries_max_) {
    while (oldest != order_.end() && entries_.at(*oldest).state == State::kUnderWay) ++oldest;
    if (oldest == order_.end()) return false;
    // As after a restart: what was intended up to then may have been done, and is never begun.
    sure_after_ = std::max(sure_after_, entries_.at(*oldest).intended);
    entries_.erase(*oldest);
    oldest = order_.erase(oldest);
  }
  return true;
}

}  // namespace holdfast::orchestrator::remediation
