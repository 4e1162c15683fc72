// Risk as a stage of the order path: the messages between an order manager and its risk actor, and
// the stage's logic without the actor. The stage keeps a copy of the shard's RiskState plus the
// reservations of orders that it approved and the shard has not applied yet. It journals nothing:
// after a restart the order manager sends its projection and asks again.
#pragma once

#include "actors/risk/state.hpp"
#include "supervision/runtime/local_message.hpp"

namespace holdfast::risk {

/// Counts RiskRebuilds sent by one order manager, from 1. Verdicts of an older generation are void:
/// their reservations are not in the stage's copy any more.
using Generation = Id<struct RiskGenerationTag>;

/// Judge these, in order. An approved order reserves at once, so the next one sees it.
struct RiskCheckBatch {
  BatchId batch;
  Generation generation;
  WallTime now;  // journaled time of the batch
  std::shared_ptr<const std::vector<RiskOrder>> orders;
};
/// The answer: decisions in the order of the batch. The order manager applies consequence() of each
/// to its own state and does not send those back.
struct RiskVerdicts {
  BatchId batch;
  Generation generation;
  std::shared_ptr<const std::vector<RiskDecision>> decisions;
};
/// The answer while there is no copy, or only one of another generation: send RiskRebuild, then ask
/// again.
struct RiskNotReady {
  BatchId batch;
  Generation generation;  // of the stage's copy, zero for none
};
/// What the shard applied, except consequences of this generation's verdicts.
struct RiskCommitted {
  Generation generation;
  std::shared_ptr<const std::vector<RiskDelta>> deltas;
};
/// Approved, then refused downstream (no venue, deadline missed): new orders are Released, replaces
/// ReplaceReleased. The shard applies consequence() and the release itself.
struct RiskRelease {
  Generation generation;
  std::shared_ptr<const std::vector<RiskDelta>> releases;
};
/// The shard's state as it is applied now. Sent at start, after RiskNotReady, and whenever
/// reservations were dropped (loss of leadership, an abort).
struct RiskRebuild {
  Generation generation;
  std::shared_ptr<const RiskState> state;
};

/// What the stage did, for telemetry.
struct RiskStageCounters {
  uint64_t batches = 0, approved = 0, refused = 0, counted = 0;
  uint64_t not_ready = 0, stale = 0, rebuilds = 0;
};

/// The stage's logic: one message in, at most one answer out. Lives on one thread.
class RiskStage {
 public:
  bool ready() const { return state_ != nullptr; }
  Generation generation() const { return generation_; }
  /// The copy with reservations; CHECKs ready().
  const RiskState& state() const;
  const RiskStageCounters& counters() const { return counters_; }

  /// Takes over the shard's projection. An older generation than the present one is ignored.
  void rebuild(const RiskRebuild& message);
  /// Judges a batch, or says that it can't.
  std::variant<RiskVerdicts, RiskNotReady> check(const RiskCheckBatch& message);
  /// Projection updates; those of another generation are void and counted.
  void commit(const RiskCommitted& message);
  void release(const RiskRelease& message);

 private:
  bool current(Generation generation);
  std::unique_ptr<RiskState> state_;
  Generation generation_;
  RiskStageCounters counters_;
};

}  // namespace holdfast::risk

HOLDFAST_LOCAL_MESSAGE(holdfast::risk::RiskCheckBatch)
HOLDFAST_LOCAL_MESSAGE(holdfast::risk::RiskVerdicts)
HOLDFAST_LOCAL_MESSAGE(holdfast::risk::RiskNotReady)
HOLDFAST_LOCAL_MESSAGE(holdfast::risk::RiskCommitted)
HOLDFAST_LOCAL_MESSAGE(holdfast::risk::RiskRelease)
HOLDFAST_LOCAL_MESSAGE(holdfast::risk::RiskRebuild)
