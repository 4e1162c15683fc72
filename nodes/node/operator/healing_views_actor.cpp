#include "nodes/node/operator/healing_views_actor.hpp"

#include <algorithm>

#include "nodes/node/orchestrator_part_actor.hpp"
#include "nodes/node/setup_linux.hpp"

namespace holdfast::node {

using orchestrator::HealingTaken;
using orchestrator::HealingViewAnswer;
namespace healing = orchestrator::healing;

namespace {
const Error kNotRunning{ErrorCode::kUnavailable, "the orchestrator is not running: try again"};
}  // namespace

operator_api::PlaceNames place_names(const settings::Settings& settings) {
  operator_api::PlaceNames names;
  if (settings.cluster)
    for (const auto& member : settings.cluster->members)
      names.members[member.id.value] = member.name;
  for (uint32_t shard = 0; shard < settings.node.shards; ++shard)
    names.groups[shard_group(shard).value] = group_name(settings, shard_group(shard));
  for (const auto& venue : settings.venues)
    names.groups[venue.entry.group.value] = group_name(settings, venue.entry.group);
  names.groups[orchestrator::kGroup.value] = group_name(settings, orchestrator::kGroup);
  return names;
}

void HealingViews::ask(PoolActor& self, Duration within, WallTime now, const Done& done) {
  if (view_ && now >= taken_ && now - taken_ < kFresh) return done(view_);
  const auto actor = registry_.find(kOrchestratorPath);
  if (!actor) return done(kNotRunning);
  request_within(&self, actor, {"operator question", within}, orchestrator::HealingQuery{})
      .then(
          [this, now, done](const HealingViewAnswer& view) {
            view_ = view;
            taken_ = now;
            if (view) return done(view);
            done(Error{ErrorCode::kUnavailable, "the orchestrator recovers: try again"});
          },
          [done](const ActorError& error) {
            done(Error{ErrorCode::kUnavailable, describe(error)});
          });
}

void HealingViews::command(PoolActor& self, Duration within, WallTime now,
                           const healing::Command& command,
                           const operator_api::Answer<HealingTaken>& done) {
  const auto* propose = std::get_if<healing::Propose>(&command.what);
  const uint64_t incident = propose ? propose->proposal.incident : 0;
  if (incident == 0) return tell(self, within, command, done);
  // The loop would take an incident that it does not know for none.
  const Duration half{within.ns / 2};
  ask(self, half, now,
      [this, &self, half, command, done, incident](Result<HealingViewAnswer> view) {
        if (!view) return done(view.error());
        const auto& known = view.value()->incidents;
        if (std::none_of(known.begin(), known.end(),
                         [&](const Incident& one) { return one.number == incident; }))
          return done(Error{ErrorCode::kNotFound, "there is no incident " +
                                                      std::to_string(incident) +
                                                      "; `holdfast incidents` lists them"});
        tell(self, half, command, done);
      });
}

void HealingViews::tell(PoolActor& self, Duration within, const healing::Command& command,
                        const operator_api::Answer<HealingTaken>& done) {
  const auto actor = registry_.find(kOrchestratorPath);
  if (!actor) return done(kNotRunning);
  request_within(&self, actor, {"operator's word to the healing loop", within},
                 orchestrator::OperatorHealing{command})
      .then(
          [this, done](const HealingTaken& taken) {
            view_.reset();
            if (taken.ok) return done(taken);
            done(Error{taken.code, taken.text});
          },
          [done](const ActorError& error) {
            done(Error{ErrorCode::kUnavailable,
                       describe(error) + "; it may still be taken: look before you repeat it"});
          });
}

operator_api::HealingBoard board_of(HealingViewAnswer view, const settings::Settings& settings,
                                    const operator_api::ReplicaGroupsView& groups, WallTime now) {
  operator_api::HealingBoard board;
  board.names = place_names(settings);
  board.now = now;
  for (const auto& group : groups.groups)
    if (group.group == orchestrator::kGroup) board.leader = group.leader;
  board.member = board.names.of(view->self);
  if (view->leads) board.leader = board.member;
  board.view = std::move(view);
  return board;
}

}  // namespace holdfast::node
