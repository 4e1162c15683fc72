// Carries the steps of remedies out in this node, each once, by the executor's contract: the ledger
// says whether, this actor does it through the tree, hand-overs and the venue's gateway, which come
// in as functions. It decides nothing, and what it has no means for it answers as failed, in words.
#pragma once

#include <functional>
#include <memory>

#include "messages/venue_view.hpp"
#include "nodes/node/remedies/hand_over_actor.hpp"
#include "supervision/orchestrator/healing/healing.hpp"
#include "supervision/orchestrator/remediation/ledger.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

/// A step to be carried out here, with the epoch of the orchestrator's leader that sent it. The
/// answer comes by `RemedyExecutorSetup::answer`; none: it is to be told again.
struct StepOrder {
  orchestrator::healing::ExecuteStep step;
  Epoch epoch;
};

/// What this node's own copy of the orchestrator's state says of a step.
struct KnownStep {
  std::optional<WallTime> intended, voided_intended;
  bool killed = false;
};

struct RemedyExecutorSetup {
  MemberId self;
  std::function<WallTime()> wall;
  /// As long as the process lives, whatever becomes of the actor. On the actor's loop.
  std::shared_ptr<orchestrator::remediation::Ledger> ledger;
  std::function<KnownStep(const orchestrator::healing::ExecuteStep&)> known;
  /// Brings a result to whoever leads the orchestrator.
  std::function<void(const orchestrator::healing::StepResult&)> answer;
  std::function<void(const std::string& line, bool alarm)> say;

  /// The tree's root; null while there is none.
  std::function<ActorHandle()> root;
  /// The path of a group's supervisor in the tree; "": none here.
  std::function<std::string(GroupId)> path_of;
  /// The venue's gateway; null: none is led here.
  std::function<ActorHandle(const std::string& venue)> gateway;

  // Of a member of a cluster; unset for a node by itself.
  std::optional<HandOverMeans> hand_over = {};
  std::function<orchestrator::Topology()> topology = {};
  /// This member takes over a group that another leads: the way back after a hand-over.
  std::function<Result<>(GroupId)> take_over = {};

  // Unset where the journal has no such call.
  std::function<Result<>()> flush_storage = {}, compact_storage = {};
};

class RemedyExecutorActor final : public LoopActor {
 public:
  /// CHECKs that ledger, clock, `known` and `answer` are set.
  RemedyExecutorActor(ActorConfig& config, RemedyExecutorSetup setup);
  /// Takes StepOrder.
  Behavior make_behavior() override;
  const char* name() const override { return "remedy executor"; }
  std::string detail() const override;

 private:
  using Ending = orchestrator::remediation::Ending;
  using Done = std::function<void(Ending)>;
  void take(const StepOrder& order);
  void reply(const orchestrator::remediation::StepId& id, const Ending& ending);
  void carry_out(const orchestrator::healing::ExecuteStep& step, const Done& done);
  void restart(const Action& action, const Done& done);
  void migrate(const orchestrator::healing::ExecuteStep& step, const Done& done);
  void take_back(const orchestrator::healing::ExecuteStep& step, const Done& done);
  void drain(const orchestrator::healing::ExecuteStep& step, const Done& done);
  void move(const orchestrator::healing::ExecuteStep& step, std::vector<Move> moves,
            const Done& done);
  void command_venue(const Action& action, VenueCommandKind kind, const Done& done);
  std::string leader_of(GroupId group) const;
  Duration left(const orchestrator::healing::ExecuteStep& step) const;

  RemedyExecutorSetup setup_;
  uint64_t carried_out_ = 0, answered_ = 0;
};

}  // namespace holdfast::node

HOLDFAST_LOCAL_MESSAGE(holdfast::node::StepOrder)
