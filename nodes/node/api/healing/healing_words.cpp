#include "nodes/node/api/healing/healing_words.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace holdfast::operator_api {

using orchestrator::HealingView;
using orchestrator::healing::Case;
using orchestrator::remediation::Phase;
using orchestrator::remediation::Remedy;
using orchestrator::remediation::StepRecord;

namespace {

std::string remedy_name(const Remedy& remedy, const PlaceNames& names) {
  return "remedy " + std::to_string(remedy.number) + " (" + to_text(remedy.proposal.action, names) +
         ")";
}

std::string step_text(const Remedy& remedy, const PlaceNames& names) {
  const StepRecord* step = remedy.under_way();
  if (!step && !remedy.steps.empty()) step = &remedy.steps.back();
  if (!step) return "its first step is about to begin";
  std::string text = (step->id.undo ? "undoes step " : "step ") +
                     std::to_string(step->id.step + 1) + " of " +
                     std::to_string(remedy.plan.steps.size()) + ": " + to_text(step->action, names);
  if (step->id.attempt > 1) text += ", try " + std::to_string(step->id.attempt);
  return text;
}

std::string with(std::string text, const std::string& why) {
  return why.empty() ? text : text + ": " + why;
}

Doing while_killed(const HealingView& view) {
  return {"nothing: remediation was switched off" +
              (view.killed_by.empty() ? "" : " by " + view.killed_by.str()) +
              "; `holdfast remediation on` ends that",
          true};
}

/// Of an incident whose case was decided, and no remedy of which runs.
Doing decided(const Incident& incident, const Case& one, const Remedy* last,
              const HealingBoard& board) {
  if (last && one.remedy == last->number) {
    const bool failed =
        last->outcome == RemedyOutcome::kFailed || last->outcome == RemedyOutcome::kDenied;
    return {doing(*last, board.names).text + "; the fault is still there" +
                (one.paged ? ", and nothing more is done by itself" : ""),
            one.paged || failed};
  }
  if (one.again != WallTime{}) return {"what would be done is held back for a moment", false};
  for (const auto& considered : board.view->recommended)
    if (considered.incident == incident.number &&
        considered.decision.verdict == Verdict::kRecommend)
      return {"policy only recommends: " + to_text(considered.proposal.action, board.names) +
                  " (`holdfast advice`)",
              true};
  return {"nothing may be done about it by itself", true};
}

}  // namespace

std::string to_text(const Place& place, const PlaceNames& names) {
  const std::string instance = place.instance.str();
  std::string text = names.of(place.group);
  if (place.member) text += (text.empty() ? "" : " at ") + names.of(place.member);
  if (text.empty()) return instance.empty() ? "the cluster" : instance;
  return instance.empty() ? text : text + " (" + instance + ")";
}

std::string to_text(const Action& action, const PlaceNames& names) {
  if (action.kind == ActionKind::kNone) return "nothing";
  std::string text(holdfast::to_text(action.kind));
  text += " " + to_text(action.target, names);
  if (action.to) text += " to " + names.of(action.to);
  if (action.amount != 0) text += " (" + std::to_string(action.amount) + ")";
  return text;
}

uint32_t approvals_given(const Remedy& remedy) {
  // As the policy does: persons that differ in case only are one.
  const auto person = [](const Label& label) {
    std::string name = label.str();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    return name;
  };
  std::set<std::string> persons;
  for (const auto& word : remedy.words)
    if (word.yes) persons.insert(person(word.person));
  persons.erase(person(remedy.proposer));
  return static_cast<uint32_t>(persons.size());
}

const Remedy* remedy_for(const Incident& incident, const HealingView& view) {
  for (const Remedy& remedy : view.remedies)  // those that run, then the last that ended
    if (remedy.incident == incident.number) return &remedy;
  return nullptr;
}

Doing doing(const Remedy& remedy, const PlaceNames& names) {
  const std::string name = remedy_name(remedy, names);
  switch (remedy.phase) {
    case Phase::kAwaitingApproval: {
      const auto wanted = std::max<uint32_t>(1, remedy.decision.approvals_needed);
      return {name + " waits for approval, " + std::to_string(approvals_given(remedy)) + " of " +
                  std::to_string(wanted) + ": `holdfast approve " + std::to_string(remedy.number) +
                  "` or `reject`",
              true};
    }
    case Phase::kCapturing:
      return {name + ": what was before is being measured", false};
    case Phase::kWarmingUp:
      return {name + " waits whether the fault passes by itself", false};
    case Phase::kStepping:
      return {name + ": " + step_text(remedy, names), false};
    case Phase::kSettling:
      return {name + " is done, and settles", false};
    case Phase::kVerifying:
      return {name + " is done, and is being verified", false};
    case Phase::kUndoing:
      return {name + " is being undone: " + step_text(remedy, names), false};
    case Phase::kEnded:
      break;
  }
  return {with(name + " " + std::string(holdfast::to_text(remedy.outcome)), remedy.text), false};
}

Doing doing(const Incident& incident, const HealingBoard& board) {
  const HealingView& view = *board.view;
  const Remedy* remedy = remedy_for(incident, view);
  if (incident.closed != WallTime{})
    return {remedy ? "over; " + doing(*remedy, board.names).text : "over by itself", false};
  if (remedy && remedy->phase != Phase::kEnded) return doing(*remedy, board.names);
  if (!orchestrator::incidents::burning(incident))
    return {"nothing of it is true any more; it closes by itself", false};
  if (view.killed) return while_killed(view);
  const auto found = view.cases.find(incident.number);
  const Case one = found == view.cases.end() ? Case{} : found->second;
  if (one.decided) return decided(incident, one, remedy, board);
  if (one.ask &&
      view.asks.end() != std::find_if(view.asks.begin(), view.asks.end(),
                                      [&](const auto& ask) { return ask.number == one.ask; }))
    return {"advisors are asked, round " + std::to_string(one.rounds), false};
  if (incident.cause == FaultClass::kNone) return {"watched: no cause stands out", one.paged};
  return {one.paged ? "watched: nothing is done by itself" : "watched", one.paged};
}

}  // namespace holdfast::operator_api
