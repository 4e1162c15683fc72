#include "supervision/orchestrator/remediation/catalogue.hpp"

#include <algorithm>
#include <array>

#include "messages/check.hpp"

namespace holdfast::orchestrator::remediation {

namespace {
using K = ActionKind;
using T = TargetKind;
constexpr uint32_t kOfGroup = kNeedsMember | kNeedsGroup | kNeedsLeader | kNeedsReachable;
constexpr uint32_t kOfNode = kNeedsMember | kNeedsReachable;

constexpr std::array kCatalogue = {
    ActionInfo{K::kRestartActor, T::kActor, kOfNode, K::kNone, 0, 0, true,
               "the actor begins again, its state kept by its core"},
    ActionInfo{K::kRestartClean, T::kActor, kOfNode, K::kNone, 0, 0, true,
               "the actor begins again from the journal"},
    ActionInfo{K::kMigrate, T::kGroup, kOfGroup | kNeedsSuccessor, K::kMigrate, 0, 0, true,
               "a planned hand-over: another member leads the group, nothing is lost"},
    ActionInfo{K::kPromote, T::kGroup, kNeedsMember | kNeedsGroup | kNeedsLeader | kNeedsSuccessor,
               K::kMigrate, 0, 0, true, "another member leads the group now"},
    ActionInfo{K::kDrain, T::kMember, kOfNode | kNeedsAllSuccessors, K::kNone, 0, 0, true,
               "other members lead everything that this node leads"},
    ActionInfo{K::kRerouteOrders, T::kVenue, kNeedsInstance, K::kRerouteOrders, 0, 0, false,
               "new orders go to another venue"},
    ActionInfo{K::kThrottle, T::kCluster, kNeedsAmount, K::kThrottle, 100'000, 1'000'000, false,
               "clients get fewer credits"},
    ActionInfo{K::kScaleOut, T::kCluster, kNeedsAmount, K::kScaleIn, 1, 4, false,
               "more instances or nodes"},
    ActionInfo{K::kScaleIn, T::kCluster, kNeedsAmount, K::kScaleOut, 1, 4, false,
               "fewer instances or nodes"},
    ActionInfo{K::kFlushStorage, T::kMember, kOfNode, K::kNone, 0, 0, false,
               "what the stores hold in memory is written"},
    ActionInfo{K::kCompactStorage, T::kMember, kOfNode, K::kNone, 0, 0, false,
               "the stores are compacted"},
    ActionInfo{K::kShrinkCache, T::kMember, kOfNode, K::kNone, 0, 0, false,
               "the stores' caches give memory back"},
    ActionInfo{K::kSwitchEndpoint, T::kEndpoint, kNeedsInstance, K::kSwitchEndpoint, 0, 0, false,
               "the next endpoint is used"},
    ActionInfo{K::kHaltVenue, T::kVenue, kNeedsInstance, K::kResumeVenue, 0, 0, true,
               "no new orders go to the venue"},
    ActionInfo{K::kResumeVenue, T::kVenue, kNeedsInstance, K::kHaltVenue, 0, 0, false,
               "new orders go to the venue again"},
    ActionInfo{K::kRestartNode, T::kMember, kNeedsMember | kNeedsAllSuccessors, K::kNone, 0, 0,
               true, "the guard ends the node's process and starts it again"},
};
static_assert(kCatalogue.size() == kActionKinds - 1, "every kind but page");

bool reachable(const World& world, MemberId member) {
  const MemberView* view = world.find(member);
  return view && view->reachable;
}

bool may_lead(const GroupPlace& place, MemberId member, MemberId instead, const World& world) {
  return member != instead && member != place.leader && reachable(world, member) &&
         std::find(place.in_sync.begin(), place.in_sync.end(), member) != place.in_sync.end();
}

MemberId successor(const GroupPlace& place, MemberId instead, const World& world) {
  for (const MemberId member : place.in_sync)
    if (may_lead(place, member, instead, world)) return member;
  return {};
}

Unfit check_successors(const Action& action, const World& world) {
  bool leads = false;
  for (const GroupPlace& place : world.topology.groups)
    if (place.leader == action.target.member) {
      if (!successor(place, place.leader, world)) return Unfit::kNoSuccessor;
      leads = true;
    }
  return leads || action.kind != ActionKind::kDrain ? Unfit::kNo : Unfit::kNotLeader;
}

Unfit check_successor(Action& action, const World& world) {
  const GroupPlace* place = world.find(action.target.group);
  if (action.to)
    return may_lead(*place, action.to, action.target.member, world) ? Unfit::kNo
                                                                    : Unfit::kBadSuccessor;
  action.to = successor(*place, action.target.member, world);
  return action.to ? Unfit::kNo : Unfit::kNoSuccessor;
}
/// The venue that the place names, by its name or its gateway's group, and who leads that.
bool find_venue(Place& target, const World& world) {
  for (const auto& [group, name] : world.venues) {
    if (target.group ? group != target.group : name != target.instance) continue;
    const GroupPlace* place = world.find(group);
    target = {place ? place->leader : MemberId{}, group, name};
    return true;
  }
  return false;
}
}  // namespace

std::span<const ActionInfo> catalogue() { return kCatalogue; }

const ActionInfo* find_action(ActionKind kind) {
  for (const ActionInfo& info : kCatalogue)
    if (info.kind == kind) return &info;
  return nullptr;
}

std::string_view to_text(Unfit unfit) {
  switch (unfit) {
    case Unfit::kNo:
      return "fit";
    case Unfit::kUnknownAction:
      return "unknown_action";
    case Unfit::kUnknownMember:
      return "unknown_member";
    case Unfit::kUnknownGroup:
      return "unknown_group";
    case Unfit::kNotLeader:
      return "not_leader";
    case Unfit::kNoSuccessor:
      return "no_successor";
    case Unfit::kBadSuccessor:
      return "bad_successor";
    case Unfit::kNoInstance:
      return "no_instance";
    case Unfit::kBadAmount:
      return "bad_amount";
    case Unfit::kUnreachable:
      return "unreachable";
    case Unfit::kNoMeans:
      return "no_means";
  }
  return "invalid";
}

Unfit complete(Action& action, const World& world) {
  const ActionInfo* info = find_action(action.kind);
  if (!info) return Unfit::kUnknownAction;
  const auto& without = world.without_means;
  if (std::find(without.begin(), without.end(), action.kind) != without.end())
    return Unfit::kNoMeans;
  Place& target = action.target;
  if (info->target == TargetKind::kVenue && !world.venues.empty() && !find_venue(target, world))
    return Unfit::kNoInstance;
  if (target.group && !world.find(target.group)) return Unfit::kUnknownGroup;
  if ((info->needs & kNeedsGroup) && !target.group) return Unfit::kUnknownGroup;
  if ((info->needs & kNeedsMember) && !target.member && target.group)
    target.member = world.find(target.group)->leader;
  if ((target.member || (info->needs & kNeedsMember)) && !world.find(target.member))
    return Unfit::kUnknownMember;
  if ((info->needs & kNeedsReachable) && !reachable(world, target.member))
    return Unfit::kUnreachable;
  if ((info->needs & kNeedsLeader) && world.find(target.group)->leader != target.member)
    return Unfit::kNotLeader;
  if ((info->needs & kNeedsInstance) && target.instance.empty()) return Unfit::kNoInstance;
  if ((info->needs & kNeedsAmount) &&
      (action.amount < info->amount_min || action.amount > info->amount_max))
    return Unfit::kBadAmount;
  if (!(info->needs & kNeedsAmount)) action.amount = 0;
  if (info->needs & kNeedsAllSuccessors) return check_successors(action, world);
  if (info->needs & kNeedsSuccessor) return check_successor(action, world);
  action.to = {};
  return Unfit::kNo;
}

uint32_t blast_radius(const Action& action, const World& world) {
  const ActionInfo* info = find_action(action.kind);
  if (!info || !info->disturbs) return 1;
  const auto led_by = [&](MemberId member) {
    return static_cast<uint32_t>(
        std::count_if(world.topology.groups.begin(), world.topology.groups.end(),
                      [&](const GroupPlace& place) { return place.leader == member; }));
  };
  switch (info->target) {
    case TargetKind::kMember:
      return std::max(1u, led_by(action.target.member));
    case TargetKind::kActor:
      // A part of a node that is no group's: whatever the node leads may notice.
      return action.target.group ? 1 : std::max(1u, led_by(action.target.member));
    default:
      return 1;
  }
}

std::optional<Action> inverse_of(const Action& action, std::optional<int64_t> previous) {
  const ActionInfo* info = find_action(action.kind);
  if (!info || info->inverse == ActionKind::kNone) return std::nullopt;
  Action inverse = action;
  inverse.kind = info->inverse;
  switch (action.kind) {
    case ActionKind::kMigrate:
    case ActionKind::kPromote:
      inverse.target.member = action.to;
      inverse.to = action.target.member;
      break;
    case ActionKind::kThrottle:
      // Where nobody knows what it was, all credits again: less throttled is the usual state.
      inverse.amount = previous.value_or(find_action(K::kThrottle)->amount_max);
      break;
    default:
      break;
  }
  return inverse;
}

}  // namespace holdfast::orchestrator::remediation
