#include "supervision/orchestrator/advice/request.hpp"

#include <algorithm>

#include "supervision/orchestrator/advice/advised_strategy.hpp"
#include "supervision/orchestrator/healing/example.hpp"
#include "supervision/orchestrator/remediation/workflow.hpp"

namespace holdfast::orchestrator::advice {

namespace {
using remediation::ActionInfo;
using remediation::TargetKind;
using remediation::Unfit;

constexpr std::size_t kPlacesMax = 8;  // that one incident offers actions at
constexpr std::size_t kGroupsMax = 8;  // of one member, for one action
constexpr int64_t kThrottleTo = 500'000;
constexpr uint16_t kFirstFault = 100;

// The two tables have one numbering, so that an answer about a key comes back to it.
static_assert(advice::kActorClasses == holdfast::kActorClasses);
static_assert(static_cast<uint8_t>(advice::ActorClass::kOther) ==
              static_cast<uint8_t>(holdfast::ActorClass::kOther));
static_assert(static_cast<uint8_t>(advice::ActorClass::kAgent) ==
              static_cast<uint8_t>(holdfast::ActorClass::kAgent));
static_assert(static_cast<uint8_t>(FailureKind::kGaveUp) ==
              static_cast<uint8_t>(FailureClass::kGaveUp));
static_assert(static_cast<uint8_t>(FailureKind::kProcessUnstable) ==
              static_cast<uint8_t>(FailureClass::kProcessUnstable));

template <typename T>
bool has(const std::vector<T>& all, const T& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

// ---- amounts

/// The range and what is usual. Where the workflow's step has an amount of its own, that is what
/// will be done, whatever is proposed.
void set_amounts(ActionOption& option, const ActionInfo& info,
                 const remediation::Workflow* workflow) {
  if (!(info.needs & remediation::kNeedsAmount)) return;
  option.amount_min = info.amount_min;
  option.amount_max = info.amount_max;
  option.amount_usual = info.kind == ActionKind::kThrottle ? kThrottleTo : info.amount_min;
  if (!workflow) return;
  for (const auto& step : workflow->steps)
    if (step.action == info.kind && step.amount >= info.amount_min &&
        step.amount <= info.amount_max && step.amount != 0)
      option.amount_min = option.amount_max = option.amount_usual = step.amount;
}

// ---- of an incident

/// Its own place first, then what its findings name: the members and groups that they are at, and
/// the member at the other end of a link.
std::vector<Place> places_of(const Incident& incident, const World& world) {
  std::vector<Place> places;
  const auto add = [&](const Place& place) {
    if (places.size() < kPlacesMax && !has(places, place)) places.push_back(place);
  };
  add(incident.place);
  for (const Finding& finding : incident.findings)
    if (!finding.over) add(finding.place);
  for (const Finding& finding : incident.findings)
    if (const MemberView* other = world.find(finding.place.instance.view()); other && !finding.over)
      add({other->id, {}, {}});
  return places;
}

/// An action at a place; for one on a group where only a member is known, one for each group that
/// it leads.
std::vector<Action> aimed_at(ActionKind kind, const ActionInfo& info, const Place& place,
                             const World& world) {
  std::vector<Action> actions;
  Action action;
  action.kind = kind;
  if (info.target == TargetKind::kGroup && !place.group && place.member) {
    for (const GroupPlace& group : world.topology.groups)
      if (group.leader == place.member && actions.size() < kGroupsMax) {
        action.target = {place.member, group.group, {}};
        actions.push_back(action);
      }
    return actions;
  }
  Incident at;
  at.place = place;
  actions.push_back(healing::aim(action, at, world));
  return actions;
}

/// Which of the members may take over, in the topology's order; `action` is completed.
std::vector<MemberId> destinations_of(const Action& action, const World& world) {
  std::vector<MemberId> to;
  const GroupPlace* place = world.find(action.target.group);
  if (!place || !action.to) return to;
  for (const MemberId member : place->in_sync) {
    Action there = action;
    there.to = member;
    if (to.size() < limits::kAdviceDestinationsMax && !has(to, member) &&
        remediation::complete(there, world) == Unfit::kNo)
      to.push_back(member);
  }
  return to;
}

/// A restart of "the actor" where nobody knows which one is none.
bool names_its_target(const ActionInfo& info, const Place& target) {
  return info.target != TargetKind::kActor || target.group || !target.instance.empty();
}

void offer(AdviceRequest& request, Action action, const ActionInfo& info,
           const remediation::Workflow& workflow, const World& world) {
  ActionOption option;
  option.kind = info.kind;
  set_amounts(option, info, &workflow);
  action.amount = option.amount_usual;
  if (!names_its_target(info, action.target)) return;
  if (remediation::complete(action, world) != Unfit::kNo) return;
  if (remediation::blast_radius(action, world) >
      std::min(workflow.blast_radius_max, world.book->limits.blast_radius_max))
    return;
  option.target = action.target;
  for (const ActionOption& known : request.options)
    if (known.kind == option.kind && known.target == option.target) return;
  option.to = destinations_of(action, world);
  if (request.options.size() < limits::kAdviceOptionsMax)
    request.options.push_back(std::move(option));
}

void offer_for_incident(AdviceRequest& request, const healing::Ask& ask, const World& world) {
  const Incident& incident = request.incident;
  if (!world.book || incident.number == 0 || incident.cause == FaultClass::kNone) return;
  // Place by place, so that a long incident's options at its own place are all there.
  for (const Place& place : places_of(incident, world))
    for (const ActionInfo& info : remediation::catalogue()) {
      const auto* workflow = world.book->find(info.kind, incident.cause);
      if (!workflow || has(ask.tried, info.kind)) continue;
      for (const Action& action : aimed_at(info.kind, info, place, world))
        offer(request, action, info, *workflow, world);
    }
}

/// What a question may hold of an incident.
Incident bounded(Incident incident) {
  if (incident.findings.size() > limits::kAdviceFindingsMax)
    incident.findings.resize(limits::kAdviceFindingsMax);
  for (Finding& finding : incident.findings)
    if (finding.evidence.size() > limits::kAdviceEvidenceMax)
      finding.evidence.resize(limits::kAdviceEvidenceMax);
  return incident;
}

// ---- in advance

/// Whether the strategy would take this action for a failure at the example's place.
bool strategy_takes(const Action& action, FailureKind kind, const Place& example,
                    const World& world, WallTime now) {
  Failure failure;
  failure.kind = kind;
  failure.member = example.member;
  failure.group = example.group;
  failure.at = now;
  Entry entry;
  entry.proposal.action = action;
  entry.proposal.action.to = {};
  return fit(entry, failure, world.topology, {}).has_value();
}

void offer_in_advance(AdviceRequest& request, const Key& key, const World& world, WallTime now) {
  if (!world.book) return;
  Incident example;
  example.place = healing::example_of(key.actor, world);
  for (const ActionInfo& info : remediation::catalogue()) {
    ActionOption option;
    option.kind = info.kind;
    const remediation::Workflow* workflow = nullptr;
    if (key.failure >= kFirstFault) {
      workflow = world.book->find(info.kind, request.fault);
      if (!workflow) continue;
    }
    set_amounts(option, info, workflow);
    Action action;
    action.kind = info.kind;
    action.amount = option.amount_usual;
    action = healing::aim(action, example, world);
    if (workflow && !names_its_target(info, action.target)) continue;
    if (remediation::complete(action, world) != Unfit::kNo) continue;
    // Failures are the strategy's: it needs no workflow, and knows but a few actions.
    if (!workflow &&
        !strategy_takes(action, static_cast<FailureKind>(key.failure), example.place, world, now))
      continue;
    request.options.push_back(std::move(option));
  }
}

// ---- facts

/// 0, 1, 10, 100, ...: rounded down.
int64_t magnitude(int64_t value) {
  int64_t power = 1;
  if (value <= 0) return 0;
  while (value / power >= 10) power *= 10;
  return power;
}

/// Of a question in advance only its order of magnitude, and nothing about who leads: the same
/// question in like times is the same bytes, so that its answer is kept and not bought again.
void tell_facts(AdviceRequest& request, const Place& place, const World& world) {
  const bool in_advance = request.kind == AdviceKind::kStanding;
  const auto tell = [&](AdviceFact fact, int64_t value) { request.facts.push_back({fact, value}); };
  tell(AdviceFact::kMembers, static_cast<int64_t>(world.members.size()));
  const GroupPlace* group = place.group ? world.find(place.group) : nullptr;
  if (group) {
    tell(AdviceFact::kMembersInSync, static_cast<int64_t>(group->in_sync.size()));
    tell(AdviceFact::kSpareMembers,
         std::count_if(group->in_sync.begin(), group->in_sync.end(), [&](MemberId member) {
           const MemberView* view = world.find(member);
           return member != group->leader && view && view->reachable;
         }));
    if (const auto open = world.open_orders.find(place.group); open != world.open_orders.end())
      tell(AdviceFact::kOpenOrders, in_advance ? magnitude(open->second) : open->second);
  }
  if (in_advance) return;
  if (const MemberId member = place.member || !group ? place.member : group->leader)
    tell(AdviceFact::kGroupsLed,
         std::count_if(world.topology.groups.begin(), world.topology.groups.end(),
                       [&](const GroupPlace& one) { return one.leader == member; }));
}
}  // namespace

AdviceRequest request_for(const healing::AskAdvice& asked, const World& world, WallTime now) {
  AdviceRequest request;
  request.at = now;
  if (asked.ask.incident != 0) {
    request.kind = AdviceKind::kIncident;
    request.incident = bounded(asked.incident);
    tell_facts(request, request.incident.place, world);
    offer_for_incident(request, asked.ask, world);
    return request;
  }
  const Key& key = asked.ask.key;
  request.kind = AdviceKind::kStanding;
  request.actor = static_cast<holdfast::ActorClass>(key.actor);
  if (key.failure >= kFirstFault)
    request.fault = static_cast<FaultClass>(key.failure);
  else
    request.failure = static_cast<FailureClass>(key.failure);
  tell_facts(request, healing::example_of(key.actor, world), world);
  offer_in_advance(request, key, world, now);
  return request;
}

bool offered(const AdviceRequest& request, const Action& action) {
  return std::any_of(request.options.begin(), request.options.end(), [&](const auto& option) {
    return option.kind == action.kind && option.target == action.target &&
           (!action.to || has(option.to, action.to)) && action.amount >= option.amount_min &&
           action.amount <= option.amount_max;
  });
}

}  // namespace holdfast::orchestrator::advice
