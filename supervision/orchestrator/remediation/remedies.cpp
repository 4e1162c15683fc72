#include "supervision/orchestrator/remediation/remedies.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::orchestrator::remediation {

namespace {
constexpr Duration kPastSpan = Duration::seconds(int64_t{policy::kPastSpanHours} * 3600);

/// Whose it is, narrowly: a group's, else a member's or an instance's.
bool same_subject(const Action& a, const Action& b) {
  if (a.target.group || b.target.group) return a.target.group == b.target.group;
  return a.target.member == b.target.member && a.target.instance == b.target.instance;
}

/// Ended after something was done about it.
bool acted(const Remedy& remedy) { return !remedy.steps.empty(); }

bool about(const Remedy& remedy, const Incident& incident) {
  return remedy.cause == incident.cause && incident.cause != FaultClass::kNone &&
         incidents::same_place(remedy.place, incident.place);
}

/// It did not help, or not for long, and that is not long ago.
bool fruitless(const Remedy& remedy, const Incident& incident, WallTime now) {
  return acted(remedy) && about(remedy, incident) &&
         now - remedy.ended <= remedy.plan.recurs_within;
}

Remedy& active_at(State& state, uint64_t number) {
  const auto found = state.active.find(number);
  CHECK(found != state.active.end());
  return found->second;
}

void begin(State& state, const StepIntended& intended, WallTime at) {
  Remedy& remedy = active_at(state, intended.id.remedy);
  CHECK(remedy.under_way() == nullptr);
  remedy.steps.push_back({intended.id, intended.action, at, intended.not_after, {}, {}, {}});
  if (intended.id.undo) return;
  state.begun.push_back({at, intended.action.kind, intended.action.target});
  while (state.begun.size() > policy::kPastActionsMax || at - state.begun.front().at > kPastSpan)
    state.begun.pop_front();
}

void end(State& state, const Ended& ended, WallTime at) {
  const auto found = state.active.find(ended.remedy);
  CHECK(found != state.active.end());
  Remedy remedy = std::move(found->second);
  state.active.erase(found);
  remedy.phase = Phase::kEnded;
  remedy.phase_since = remedy.ended = at;
  remedy.outcome = ended.outcome;
  remedy.text = ended.text;
  state.ended.push_back(std::move(remedy));
  if (state.ended.size() > kEndedKept) state.ended.pop_front();
}
}  // namespace

std::string to_text(const StepId& id) {
  return std::to_string(id.incident) + "/" + std::to_string(id.remedy) +
         (id.undo ? "/undo-" : "/step-") + std::to_string(id.step) + "/try-" +
         std::to_string(id.attempt);
}

std::string_view to_text(StepOutcome outcome) {
  switch (outcome) {
    case StepOutcome::kDone:
      return "done";
    case StepOutcome::kFailed:
      return "failed";
    case StepOutcome::kVoid:
      return "void";
    case StepOutcome::kLost:
      return "lost";
  }
  return "invalid";
}

std::string_view to_text(Phase phase) {
  switch (phase) {
    case Phase::kAwaitingApproval:
      return "awaiting_approval";
    case Phase::kCapturing:
      return "capturing";
    case Phase::kWarmingUp:
      return "warming_up";
    case Phase::kStepping:
      return "stepping";
    case Phase::kSettling:
      return "settling";
    case Phase::kVerifying:
      return "verifying";
    case Phase::kUndoing:
      return "undoing";
    case Phase::kEnded:
      return "ended";
  }
  return "invalid";
}

std::string_view to_text(Held held) {
  switch (held) {
    case Held::kNo:
      return "no";
    case Held::kUnfit:
      return "unfit";
    case Held::kNoWorkflow:
      return "no_workflow";
    case Held::kActive:
      return "active";
    case Held::kBlastRadius:
      return "blast_radius";
    case Held::kRate:
      return "rate";
    case Held::kCooldown:
      return "cooldown";
    case Held::kBreaker:
      return "breaker";
    case Held::kTried:
      return "tried";
    case Held::kDistrusted:
      return "distrusted";
    case Held::kElsewhere:
      return "elsewhere";
    case Held::kAudit:
      return "audit";
  }
  return "invalid";
}

const StepRecord* Remedy::under_way() const {
  return !steps.empty() && !steps.back().outcome ? &steps.back() : nullptr;
}

const StepRecord* Remedy::last_try(uint8_t step, bool undo) const {
  for (auto it = steps.rbegin(); it != steps.rend(); ++it)
    if (it->id.step == step && it->id.undo == undo) return &*it;
  return nullptr;
}

std::vector<Objective> Remedy::wanted() const {
  std::vector<Objective> all;
  if (phase == Phase::kCapturing) all = plan.before;
  all.insert(all.end(), plan.after.begin(), plan.after.end());
  return all;
}

const Remedy* State::find(uint64_t number) const {
  const auto found = active.find(number);
  if (found != active.end()) return &found->second;
  for (const Remedy& remedy : ended)
    if (remedy.number == number) return &remedy;
  return nullptr;
}

void apply(State& state, const Event& event, WallTime at) {
  if (const auto* opened = std::get_if<Opened>(&event)) {
    CHECK(opened->remedy.number == state.last + 1);
    state.last = opened->remedy.number;
    Remedy& remedy = state.active[state.last] = opened->remedy;
    remedy.opened = remedy.phase_since = at;
    if (remedy.phase == Phase::kCapturing) remedy.started = at;
  } else if (const auto* given = std::get_if<WordGiven>(&event)) {
    Remedy& remedy = active_at(state, given->remedy);
    remedy.words.push_back(given->word);
  } else if (const auto* asked = std::get_if<MeasureAsked>(&event)) {
    Remedy& remedy = active_at(state, asked->remedy);
    remedy.round = asked->round;
    remedy.asked = at;
  } else if (const auto* taken = std::get_if<MeasureTaken>(&event)) {
    Remedy& remedy = active_at(state, taken->remedy);
    remedy.measured = taken->round;
    (remedy.phase == Phase::kCapturing ? remedy.before : remedy.values) = taken->values;
  } else if (const auto* moved = std::get_if<Moved>(&event)) {
    Remedy& remedy = active_at(state, moved->remedy);
    CHECK(moved->to > remedy.phase);
    if (moved->to == Phase::kCapturing) remedy.started = at;
    remedy.phase = moved->to;
    remedy.phase_since = at;
    remedy.text = moved->text;
  } else if (const auto* intended = std::get_if<StepIntended>(&event)) {
    begin(state, *intended, at);
  } else if (const auto* done = std::get_if<StepEnded>(&event)) {
    Remedy& remedy = active_at(state, done->id.remedy);
    CHECK(remedy.under_way() != nullptr && remedy.under_way()->id == done->id);
    StepRecord& record = remedy.steps.back();
    record.outcome = done->outcome;
    record.previous = done->previous;
    record.text = done->text;
  } else {
    end(state, std::get<Ended>(event), at);
  }
}

policy::PolicyContext policy_context(const State& state, const World& world, const Action& action,
                                     FaultClass fault, bool killed, uint64_t except, WallTime now) {
  policy::PolicyContext context;
  context.now = now;
  context.clock = world.clock;
  context.fault = fault;
  context.phase = world.phase;
  context.position = world.position;
  context.kill_switch = killed;
  context.past.assign(state.begun.begin(), state.begun.end());
  context.in_flight = static_cast<int64_t>(state.active.size() - state.active.count(except));
  const ActionInfo* info = find_action(action.kind);
  if (!info) return context;
  const bool of_node = info->target == TargetKind::kMember;
  context.groups_touched = info->disturbs ? blast_radius(action, world) : 0;
  context.nodes_touched = info->disturbs && of_node ? 1 : 0;

  int64_t open = 0;
  bool open_known = true;
  std::optional<int64_t> least;
  for (const GroupPlace& place : world.topology.groups) {
    const bool touched = action.target.group ? place.group == action.target.group
                         : of_node           ? place.leader == action.target.member
                                             : true;
    if (!touched) continue;
    const auto orders = world.open_orders.find(place.group);
    if (orders == world.open_orders.end())
      open_known = false;
    else
      open += orders->second;
    const auto left = static_cast<int64_t>(
        std::count_if(place.in_sync.begin(), place.in_sync.end(), [&](MemberId member) {
          const MemberView* view = world.find(member);
          const bool goes = info->disturbs && member == action.target.member;
          return view && view->reachable && !goes;
        }));
    least = least ? std::min(*least, left) : left;
    if (action.to)
      context.to_in_sync =
          std::find(place.in_sync.begin(), place.in_sync.end(), action.to) != place.in_sync.end();
  }
  if (open_known) context.open_orders = open;
  context.in_sync_left = least;
  return context;
}

PolicyDecision judge(const World& world, const Proposal& proposal,
                     const policy::PolicyContext& context) {
  if (world.policy) return policy::evaluate(*world.policy, proposal, context);
  PolicyDecision decision;
  decision.rule = std::string(policy::kRuleDefault);
  decision.reason = "there is no policy";
  return decision;
}

policy::ApprovalState approval_of(const Remedy& remedy, WallTime now) {
  policy::Request request;
  request.proposer = remedy.proposer;
  request.asked = remedy.opened;
  request.persons = std::max<uint8_t>(1, remedy.decision.approvals_needed);
  request.expires = remedy.decision.approval_expires;
  std::vector<policy::Approval> approvals;
  for (const Word& word : remedy.words) approvals.push_back({word.person, word.at, word.yes});
  return policy::judge(request, approvals, now);
}

bool same_target(const Action& a, const Action& b) {
  const auto touches = [](const Action& action, MemberId member) {
    return member && (action.target.member == member || action.to == member);
  };
  if (a.target.group && a.target.group == b.target.group) return true;
  if (touches(a, b.target.member) || touches(b, a.target.member)) return true;
  if (!a.target.instance.empty() && a.target.instance == b.target.instance) return true;
  return a.target == b.target;
}

bool tried(const State& state, ActionKind kind, const Incident& incident, WallTime now) {
  return std::any_of(state.ended.begin(), state.ended.end(), [&](const Remedy& remedy) {
    return remedy.proposal.action.kind == kind && fruitless(remedy, incident, now);
  });
}

ActionKind escalation(const State& state, const Incident& incident, WallTime now) {
  for (auto it = state.ended.rbegin(); it != state.ended.rend(); ++it)
    if (fruitless(*it, incident, now)) return it->plan.escalate_to;
  return ActionKind::kNone;
}

Held held_back(const State& state, const Workflow& workflow, const Limits& limits,
               const Action& action, const Incident& incident, uint32_t radius, WallTime now) {
  // An operator's word has no incident, and needs no trust in a cause.
  if (incident.number != 0 &&
      (incident.cause == FaultClass::kNone || incident.confidence_ppm < limits.confidence_min_ppm))
    return Held::kDistrusted;
  if (tried(state, action.kind, incident, now)) return Held::kTried;
  if (state.active.size() >= std::min<std::size_t>(limits.active_max, kActiveMax))
    return Held::kActive;
  uint32_t all = radius;
  for (const auto& [number, remedy] : state.active) {
    if (same_target(remedy.proposal.action, action)) return Held::kActive;
    all += remedy.plan.blast_radius;
  }
  if (radius > workflow.blast_radius_max || all > limits.blast_radius_max)
    return Held::kBlastRadius;

  uint32_t by_workflow = 0, by_all = 0, reverts = 0, repeats = 0;
  WallTime last_revert;
  const auto count = [&](const Remedy& remedy) {
    if (!acted(remedy)) return;
    if (now - remedy.started < limits.rate_window) by_all += 1;
    if (now - remedy.started < workflow.rate_window && remedy.plan.workflow == workflow.name)
      by_workflow += 1;
  };
  bool cooling = false;
  for (const auto& [number, remedy] : state.active) count(remedy);
  for (const Remedy& remedy : state.ended) {
    count(remedy);
    if (!acted(remedy) || !same_subject(remedy.proposal.action, action)) continue;
    if (now - remedy.ended < workflow.cooldown) cooling = true;
    if (now - remedy.ended > limits.reverts_window + limits.breaker_open) continue;
    repeats += 1;
    if (remedy.outcome == RemedyOutcome::kRolledBack) reverts += 1;
    last_revert = remedy.ended;
  }
  if (by_workflow >= workflow.rate_max || by_all >= limits.rate_max) return Held::kRate;
  if ((reverts >= limits.reverts_max || repeats > 2 * limits.reverts_max) &&
      now - last_revert < limits.breaker_open)
    return Held::kBreaker;
  return cooling ? Held::kCooldown : Held::kNo;
}

}  // namespace holdfast::orchestrator::remediation
