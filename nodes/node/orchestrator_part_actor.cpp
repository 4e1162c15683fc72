#include "nodes/node/orchestrator_part_actor.hpp"

#include <algorithm>
#include <cstdlib>

#include "nodes/node/files_linux.hpp"
#include "nodes/node/mesh_part_actor.hpp"
#include "nodes/node/process_linux.hpp"
#include "nodes/node/remedies/hand_over_actor.hpp"
#include "nodes/node/setup_linux.hpp"

namespace holdfast::node {

using orchestrator::Decision;
using orchestrator::Failure;
using orchestrator::FailureKind;
using orchestrator::Outcome;
using orchestrator::Remedy;
using orchestrator::Topology;

namespace {

constexpr Duration kCarryOutWithin = Duration::seconds(2);
constexpr Duration kMoveWithin = Duration::seconds(10);
using Done = std::function<void(Outcome, std::string)>;

/// The group whose actors live at a path; zero: none.
GroupId group_of(const settings::Settings& settings, const std::string& path) {
  const auto under = [&](const std::string& place) {
    return path == place || path.starts_with(place + "/");
  };
  for (uint32_t shard = 0; shard < settings.node.shards; ++shard)
    if (under(shard_path(shard))) return shard_group(shard);
  for (const auto& venue : settings.venues)
    if (under(gateway_path(venue.entry.name))) return venue.entry.group;
  return {};
}

std::string name_of(const settings::Settings& settings, MemberId member) {
  if (!member) return {};
  const auto* known = settings.cluster ? settings.cluster->find(member) : nullptr;
  return known ? known->name : std::to_string(member.value);
}

void restart_clean(const OrchestratorParts& parts, LoopActor& self, const Decision& decision,
                   const Done& done) {
  const auto root = parts.root();
  if (!root) return done(Outcome::kFailed, "the tree is not there");
  request_within(&self, root, {"restart by the orchestrator", kCarryOutWithin},
                 TreeCommand{TreeAction::kRestart, decision.failure.path, "orchestrator",
                             decision.advice.reason})
      .then(
          [done](const TreeReply& reply) {
            done(reply.ok ? Outcome::kDone : Outcome::kFailed, reply.text);
          },
          [done](const ActorError& error) { done(Outcome::kFailed, describe(error)); });
}

/// The hand-overs, as the decision's outcome.
void move(const OrchestratorParts& parts, LoopActor& self, std::vector<Move> moves,
          const Done& done) {
  move_groups(self, hand_over_means(parts.settings, *parts.cluster), std::move(moves), kMoveWithin,
              [done](MoveEnd end, std::string text) {
                done(end == MoveEnd::kDone ? Outcome::kDone : Outcome::kFailed, std::move(text));
              });
}

void promote(const OrchestratorParts& parts, LoopActor& self, const Decision& decision,
             const Done& done) {
  if (!parts.cluster) return done(Outcome::kFailed, "this node is no member of a cluster");
  move(parts, self, {{decision.failure.group, decision.advice.target, {}, {}, false}}, done);
}

void drain(const OrchestratorParts& parts, LoopActor& self, const Decision& decision,
           const Done& done) {
  move(parts, self,
       moves_of_drain(topology_of(parts.settings, parts.cluster), decision.failure.member), done);
}

void carry_out(const OrchestratorParts& parts, LoopActor& self, const Decision& decision,
               const Done& done) {
  switch (decision.advice.remedy) {
    case Remedy::kRestartHere:
      return done(Outcome::kDone, "the tree's own policy restarts it");
    case Remedy::kRestartClean:
      return restart_clean(parts, self, decision, done);
    case Remedy::kPromote:
      return promote(parts, self, decision, done);
    case Remedy::kDrain:
      return drain(parts, self, decision, done);
    case Remedy::kHalt:
      return done(Outcome::kDone, "left as it is; a human was told");
  }
}

}  // namespace

Topology topology_of(const settings::Settings& settings, const ClusterPart* part) {
  Topology topology;
  if (!part) return topology;
  const auto& cluster = *settings.cluster;
  for (const auto& view : part->views().groups) {
    orchestrator::GroupPlace place;
    place.group = view.group;
    if (const auto* leader = cluster.find(view.leader)) place.leader = leader->id;
    for (const auto& config : cluster.members_of(view.group)) {
      const auto* member = cluster.find(config.member);
      if (member && std::count(view.in_sync.begin(), view.in_sync.end(), member->name))
        place.in_sync.push_back(member->id);
    }
    topology.groups.push_back(std::move(place));
  }
  return topology;
}

HandOverMeans hand_over_means(const settings::Settings& settings, ClusterPart& part) {
  return {settings.node.name, [&part] { return part.views(); },
          [&part](GroupId group, const std::string& to) { return part.hand_over(group, to); },
          [&settings](MemberId member) { return name_of(settings, member); },
          [&settings](GroupId group) { return group_name(settings, group); }};
}

std::optional<Failure> failure_of(const settings::Settings& settings,
                                  const SupervisorEvent& event) {
  Failure failure;
  // The root ends the process: its guard has that told by the next.
  if (event.event == "supervisor_escalated" && event.path == kRootPath) return std::nullopt;
  if (event.event == "supervisor_escalated")
    failure.kind = FailureKind::kGaveUp;
  else if (event.event == "child_quarantined")
    failure.kind = FailureKind::kQuarantined;
  else if (event.event == "child_hung")
    failure.kind = FailureKind::kHung;
  else
    return std::nullopt;
  failure.path = event.path;
  failure.text = event.text;
  failure.group = group_of(settings, event.path);
  // Of a supervisor of several groups' actors: the one whose failures were too many.
  if (!failure.group) failure.group = group_of(settings, event.cause);
  return failure;
}

std::vector<Failure> failures_of(const std::vector<GuardEvent>& events) {
  std::vector<Failure> failures;
  for (const GuardEvent& event : events) {
    Failure failure;
    if (event.event == "node_gave_up")
      failure.kind = FailureKind::kRootGaveUp;
    else if (event.event == "node_died")
      failure.kind = FailureKind::kProcessDied;
    else if (event.event == "node_fenced")
      failure.kind = FailureKind::kProcessFenced;
    else if (event.event == "node_hung")
      failure.kind = FailureKind::kProcessHung;
    else if (event.event == "node_unstable")
      failure.kind = FailureKind::kProcessUnstable;
    else
      continue;  // a guard of another release
    failure.at = event.at;
    failure.path = kRootPath;
    failure.text = event.text;
    failure.guard = event.number;
    failures.push_back(std::move(failure));
  }
  return failures;
}

std::function<void(const SupervisorEvent&)> tree_events(const settings::Settings& settings,
                                                        std::shared_ptr<RefRegistry> registry) {
  return [&settings, registry](const SupervisorEvent& event) {
    say(event.event + " path=" + event.path + (event.text.empty() ? "" : " " + event.text) +
        (event.alarm ? " ALARM" : ""));
    if (event.event == "supervisor_escalated" && event.path == kRootPath)
      leave_last_words(event.text);
    auto failure = failure_of(settings, event);
    if (!failure) return;
    if (auto actor = registry->find(kOrchestratorPath))
      anon_send(actor, orchestrator::Escalation{std::move(*failure)});
  };
}

void ask_orchestrator(PoolActor& self, const settings::Settings& settings,
                      const RefRegistry& registry, Duration within,
                      const std::function<void(Result<operator_api::OrchestratorView>)>& answer) {
  const auto actor = registry.find(kOrchestratorPath);
  if (!actor)
    return answer(Error{ErrorCode::kUnavailable, "the orchestrator is not running: try again"});
  request_within(&self, actor, {"orchestrator question", within}, orchestrator::OrchestratorQuery{})
      .then(
          [answer, &settings](const orchestrator::OrchestratorViewAnswer& in) {
            operator_api::OrchestratorView view;
            view.member = name_of(settings, in->self);
            if (in->leads) view.leader = view.member;
            view.as_of = in->as_of;
            view.pending = in->pending;
            view.dropped = in->dropped;
            for (const Decision& decision : in->decisions)
              view.decisions.push_back(
                  {decision.number, decision.at, std::string(to_text(decision.failure.kind)),
                   name_of(settings, decision.failure.member), decision.failure.path,
                   decision.failure.text, std::string(to_text(decision.advice.remedy)),
                   name_of(settings, decision.advice.target), decision.advice.reason,
                   std::string(to_text(decision.outcome)), decision.outcome_text});
            answer(std::move(view));
          },
          [answer](const ActorError& error) {
            answer(Error{ErrorCode::kUnavailable, describe(error)});
          });
}

ChildDefinition orchestrator_child(OrchestratorParts parts) {
  return {{.id = "orchestrator"}, [parts](const ChildContext& context) -> ActorHandle {
            orchestrator::OrchestratorSetup setup;
            if (parts.cluster) {
              const auto* self = parts.settings.cluster->find(parts.settings.node.name);
              CHECK(self != nullptr);
              setup.self = self->id;
            }
            setup.make_log = parts.make_log;
            setup.codec = parts.codec;
            setup.wall = wall_now;
            if (const char* path = std::getenv(kGuardEventsVariable))
              setup.of_guard = [path] { return failures_of(read_guard_events(path)); };
            setup.topology = [parts] { return topology_of(parts.settings, parts.cluster); };
            setup.carry_out = [parts](LoopActor& self, const Decision& decision, Done done) {
              carry_out(parts, self, decision, done);
            };
            if (parts.mesh)
              setup.forward = [parts](const std::string& bytes) {
                for (const auto& view : parts.cluster->views().groups)
                  if (view.group == orchestrator::kGroup && !view.leader.empty())
                    parts.mesh->send(view.leader, kOrchestratorTopic, bytes, kCarryOutWithin,
                                     [](bool) {});
              };
            setup.healing = parts.healing;
            setup.on_event = [](const std::string& line, bool alarm) {
              say("orchestrator: " + line + (alarm ? " ALARM" : ""));
            };
            return spawn_on<orchestrator::OrchestratorActor>(context.system, parts.loop,
                                                             std::move(setup));
          }};
}

}  // namespace holdfast::node
