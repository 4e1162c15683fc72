// The checkers of the healing loop: they see committed events, steps on the wire and what executors
// did, and know the rules from the seed's own tables, not from the policy's code.
#include <algorithm>

#include "tests/simulation/healing/world.hpp"

namespace holdfast::healing_simulation {

namespace healing = orchestrator::healing;
namespace remediation = orchestrator::remediation;

void World::check_committed(const Entry& entry, const std::vector<orchestrator::Event>& events) {
  for (const auto& event : events) {
    orchestrator::OrchestratorCore::apply(mirror_, event, entry.header.at);
    const auto* own = std::get_if<healing::Event>(&event);
    if (!own) continue;
    if (const auto* kill = std::get_if<healing::KillSet>(own)) {
      kills_.emplace_back(now_, kill->on);
      sometimes_["the kill switch"] += 1;
    }
    if (std::holds_alternative<healing::Stored>(*own)) sometimes_["advice stands"] += 1;
    if (std::holds_alternative<healing::Dropped>(*own)) sometimes_["standing advice expired"] += 1;
    if (std::holds_alternative<healing::AskExpired>(*own)) sometimes_["no advice in time"] += 1;
    if (const auto* considered = std::get_if<healing::Considered>(own)) {
      sometimes_["held back: " + std::string(to_text(considered->held))] += 1;
      if (considered->remedy)
        sometimes_["begun by " + std::string(to_text(considered->source))] += 1;
    }
    if (const auto* change = std::get_if<orchestrator::incidents::Event>(own))
      if (std::holds_alternative<orchestrator::incidents::Merged>(*change))
        sometimes_["incidents were merged"] += 1;
    const auto* move = std::get_if<remediation::Event>(own);
    if (!move) continue;
    if (const auto* opened = std::get_if<remediation::Opened>(move)) {
      if (seen_.contains(opened->remedy.number)) fail("a remedy was opened twice");
      if (settings_.control) fail("a remedy without any finding");
      seen_[opened->remedy.number].opened = opened->remedy;
    } else if (const auto* given = std::get_if<remediation::WordGiven>(move)) {
      seen_[given->remedy].words.push_back(given->word);
    } else if (const auto* moved = std::get_if<remediation::Moved>(move)) {
      if (moved->to == remediation::Phase::kUndoing) sometimes_["a remedy was undone"] += 1;
    } else if (const auto* intended = std::get_if<remediation::StepIntended>(move)) {
      if (!intents_.emplace(intended->id, std::pair(intended->action, intended->not_after)).second)
        fail("one step was intended twice: " + to_text(intended->id));
      if (seen_[intended->id.remedy].ended) fail("a step after the end: " + to_text(intended->id));
      if (!kills_.empty() && kills_.back().second)
        fail("a step was intended under the kill switch: " + to_text(intended->id));
    } else if (const auto* ended = std::get_if<remediation::Ended>(move)) {
      Seen& seen = seen_[ended->remedy];
      if (seen.ended) fail("a remedy ended twice");
      seen.ended = true;
      seen.outcome = ended->outcome;
      seen.ended_at = entry.header.at.time;
      ended_ += 1;
      sometimes_["ended: " + std::string(to_text(ended->outcome))] += 1;
    }
  }
  if (entry.header.digest != 0 &&
      entry.header.digest != replication::digest_of<TestedCore>(std::as_const(mirror_)))
    fail("a copy of the state differs from its leader's");
}

/// On the wire: the same name is the same step.
void World::check_step(const healing::ExecuteStep& step) {
  const auto [known, fresh] = sent_.emplace(step.id, std::pair(step.action, step.not_after));
  if (!fresh && known->second != std::pair(step.action, step.not_after))
    fail("one name for two steps: " + to_text(step.id));
}

void World::check_bounds() {
  const auto& state = mirror_.healing;
  if (state.incidents.open.size() > orchestrator::incidents::kOpenMax ||
      state.remedies.active.size() > remediation::kActiveMax ||
      state.asks.size() > healing::kAsksMax + healing::kStandingAsksMax ||
      state.notes.size() > healing::kNotesMax || state.cases.size() > state.incidents.open.size() ||
      state.standing.size() > orchestrator::advice::kEntriesMax)
    fail("a bound is broken");
  uint32_t radius = 0, active = 0;
  for (const auto& [number, remedy] : state.remedies.active) {
    radius += remedy.plan.blast_radius;
    active += 1;
  }
  if (active > book_->limits.active_max) fail("more remedies at once than the limit");
  if (radius > book_->limits.blast_radius_max) fail("a wider blast radius than the limit");
}

void World::check_history() {
  std::map<std::pair<uint64_t, int>, uint64_t> effective;  // (remedy, step) that stands
  for (const Done& done : done_) {
    const auto& id = done.step.id;
    const std::string name = to_text(id);
    if (done_count_[id] > 1) return fail("a step was done twice: " + name);
    const auto intent = intents_.find(id);
    if (intent == intents_.end()) return fail("a step that nobody committed: " + name);
    if (intent->second.first != done.step.action) return fail("another action: " + name);
    if (done.at > done.step.not_after) return fail("a step after its time: " + name);
    if (!remediation::find_action(done.step.action.kind))
      return fail("an action out of the catalogue: " + name);
    const Seen& seen = seen_[id.remedy];
    if (id.undo) continue;
    if (++effective[{id.remedy, id.step}] > 1) return fail("a step took effect twice: " + name);
    // The second step of a planned move is part of what was decided.
    const ActionKind kind = seen.opened.proposal.action.kind;
    if (!allowed_.contains(kind)) return fail("the policy does not allow it: " + name);
    if (seen.opened.decision.verdict == Verdict::kNeedsApproval) {
      std::set<Label> persons;
      for (const auto& word : seen.words)
        if (word.yes && word.person != seen.opened.proposer &&
            word.person.view() != "z" + seen.opened.proposer.str())
          persons.insert(word.person);
      if (persons.size() < seen.opened.decision.approvals_needed)
        return fail("nobody, or too few, approved: " + name);
      sometimes_["done after an approval"] += 1;
    } else if (seen.opened.decision.verdict != Verdict::kAllow) {
      return fail("no word of the policy: " + name);
    }
    for (std::size_t i = 0; i < kills_.size(); ++i) {
      const WallTime off = i + 1 < kills_.size() ? kills_[i + 1].first : end_;
      if (kills_[i].second && done.at > kills_[i].first + Duration::milliseconds(300) &&
          done.at < off)
        return fail("done under the kill switch: " + name);
    }
  }
  for (const Done& done : done_) {
    const auto& id = done.step.id;
    if (id.undo || seen_[id.remedy].outcome != RemedyOutcome::kRolledBack) continue;
    if (std::none_of(done_.begin(), done_.end(), [&](const Done& back) {
          return back.step.id.undo && back.step.id.remedy == id.remedy &&
                 back.step.id.step == id.step;
        }))
      return fail("told as undone, and it was not: " + to_text(id));
  }
  for (std::size_t i = 0; i < done_.size(); ++i) {
    uint32_t within = 0;
    std::set<uint64_t> remedies;
    for (std::size_t j = i; j < done_.size(); ++j)
      if (!done_[j].step.id.undo &&
          done_[j].at - done_[i].at < book_->limits.rate_window - Duration::seconds(10) &&
          remedies.insert(done_[j].step.id.remedy).second)
        within += 1;
    if (within > book_->limits.rate_max + book_->limits.active_max)
      return fail("more remedies in a while than the limit");
  }
}

/// Faults have stopped long ago.
void World::check_quiet() {
  const auto& state = mirror_.healing;
  if (!state.incidents.open.empty())
    fail("incident " + std::to_string(state.incidents.open.begin()->first) + " stays open");
  if (!state.remedies.active.empty())
    fail("remedy " + std::to_string(state.remedies.active.begin()->first) + " never ends");
  for (const auto& [number, seen] : seen_)
    if (!seen.ended) fail("remedy " + std::to_string(number) + " has no end");
  if (committed_ != journal_.size() && journal_.size() - committed_ > 5) fail("commits stopped");
}

}  // namespace holdfast::healing_simulation
