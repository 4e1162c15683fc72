// The orchestrator's actor on each node. It keeps the node's failures until they are decided, leads
// where its group's record says so, and carries decisions about this node out as soon as they stand
// in this node's copy of the state. What it can do to a node comes in as functions.
#pragma once

#include <functional>
#include <memory>
#include <set>

#include "supervision/orchestrator/advice/advised_strategy.hpp"
#include "supervision/orchestrator/healing_messages.hpp"
#include "supervision/orchestrator/orchestrator.hpp"
#include "supervision/replication/replica_host.hpp"
#include "supervision/runtime/actor.hpp"

namespace holdfast::orchestrator {

/// Failures that wait for a decision at most; what comes beyond is counted and dropped.
inline constexpr std::size_t kPendingMax = 64;

/// A failure of this node's tree. The actor sets member and time.
struct Escalation {
  Failure failure;
};
/// What another node's orchestrator wants decided or settled here, as encode_command() made it.
struct Forwarded {
  std::string bytes;
};
/// Asks how it stands; the answer is a shared OrchestratorView.
struct OrchestratorQuery {};
struct OrchestratorView {
  MemberId self;
  bool leads = false;
  Index as_of;
  uint64_t pending = 0, dropped = 0;  // failures of this node
  std::deque<Decision> decisions;
};
using OrchestratorViewAnswer = std::shared_ptr<const OrchestratorView>;

/// What the self-healing loop needs of the node. All on the loop, and none of it may block.
struct HealingMeans {
  /// What this node knows of the world now; never null.
  std::function<std::shared_ptr<const World>()> world;
  /// Does what a commit says; only where this node leads, under its epoch. Comes again until it is
  /// answered by a command.
  std::function<void(const healing::Effect&, const std::shared_ptr<const World>&, Epoch)> carry_out;
  /// Brings a command to whoever leads and says who that is; "": nobody can be reached.
  std::function<std::string(const std::string& bytes)> forward;
  /// Notes that this copy of the state holds, where it is committed: those of a node that follows.
  /// `last` is the number of the last that was ever made.
  std::function<void(const std::deque<healing::Note>&, uint64_t last)> keep_notes = {};
  /// Told how this node's copy of the state can be looked at; null while it isn't there. May be
  /// empty.
  std::function<void(std::function<const healing::State*()>)> expose = {};
};

struct OrchestratorSetup {
  MemberId self;  // zero: a node by itself
  std::function<std::unique_ptr<replication::Log>()> make_log;
  std::shared_ptr<const replication::Codec<OrchestratorCore>> codec;
  std::function<WallTime()> wall;
  Strategy strategy = by_restart_policy;
  /// What this node's guard saw up to now, ascending, with number and time; asked once, at the
  /// start. Null: there is no guard.
  std::function<std::vector<Failure>()> of_guard = {};
  std::function<Topology()> topology;
  /// Does what was decided about this node and answers once, on the loop.
  std::function<void(LoopActor&, const Decision&, std::function<void(Outcome, std::string)>)>
      carry_out;
  /// Brings a command to whoever leads; lost where that can't be reached, and sent again.
  std::function<void(const std::string& bytes)> forward;
  std::function<void(const std::string& line, bool alarm)> on_event;
  /// None: what agents find changes nothing, and no remedy is carried out.
  std::optional<HealingMeans> healing = {};
};

/// A command as events of the journal's schema, for the way to the leader.
std::string encode_command(const Command& command,
                           const replication::Codec<OrchestratorCore>& codec);
Result<Command> decode_command(const std::string& bytes,
                               const replication::Codec<OrchestratorCore>& codec);

/// Takes Escalation, Forwarded, OrchestratorQuery, and what healing_messages.hpp says.
class OrchestratorActor final : public LoopActor {
 public:
  OrchestratorActor(ActorConfig& config, OrchestratorSetup setup);
  ~OrchestratorActor() override;
  Behavior make_behavior() override;
  const char* name() const override { return "orchestrator"; }
  std::string detail() const override;

 private:
  Result<> start();
  void tick();
  void escalate(Failure failure);
  void push_on();
  void carry_out();
  void finished(uint64_t number, Outcome outcome, std::string text);
  void released(const Decision& decision);
  void submit(const Command& command);
  void keep(Failure failure);
  bool serving() const { return host_ && host_->serving(); }
  Advice advise(const Failure& failure);

  // The self-healing loop.
  void heal_tick();
  void take(healing::Command command);
  HealingTaken take_word(const healing::Command& command);
  HealingViewAnswer healing_view() const;
  void released(const healing::Effect& effect);
  void advise_in_advance();

  OrchestratorSetup setup_;
  std::unique_ptr<replication::Log> log_;
  std::unique_ptr<replication::ReplicaHost<OrchestratorCore>> host_;
  WallTime started_, last_at_;
  std::deque<Failure> pending_;
  std::set<uint64_t> begun_;              // decisions that are carried out
  std::map<uint64_t, Settle> to_settle_;  // until the journal says so
  uint64_t dropped_ = 0, announced_ = 0;  // number of the last committed decision

  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::shared_ptr<const World> world_;  // as it was looked at last
  advice::Counts advised_;
  MonoTime ticked_, nudged_;
  uint64_t noted_ = 0;   // the last note that was handed on
  uint64_t unread_ = 0;  // commands from other nodes that could not be read
};

}  // namespace holdfast::orchestrator

HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::Escalation)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::Forwarded)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::OrchestratorQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::orchestrator::OrchestratorViewAnswer)
