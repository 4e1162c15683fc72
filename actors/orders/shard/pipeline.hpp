// Requests between intake and decision, in the order in which they came: which of them make the
// next batch for risk and routing, which have waited too long, which may overtake while risk is
// away. One batch is in flight at a time, so what was found out about it still holds when the
// verdicts are back; on one loop that costs nothing, since batches form by turn. Knows no actors.
#pragma once

#include <deque>

#include "actors/orders/shard/shard.hpp"
#include "actors/orders/shard/shard_memory.hpp"

namespace holdfast::orders {

/// Requests that are judged together. No two of them depend on each other's outcome, except that
/// each new order raises the next one's id.
struct JudgedBatch {
  BatchId id;
  std::vector<JudgedRequest> requests;
  std::vector<Triage> triage;                                        // of each
  std::shared_ptr<const std::vector<risk::RiskOrder>> questions;     // of those that book
  std::shared_ptr<const std::vector<routing::RouteRequest>> routes;  // of those approved
  std::size_t orders_before = 0;  // in the book when the ids were given out
  std::size_t orders_after = 0;   // and when all are decided
  bool asks_risk = false;         // else nothing in it has to wait for a verdict
};

class Pipeline {
 public:
  static constexpr std::size_t kBatchMax = limits::kCommandsPerEntryMax / 2;

  /// Takes a request to be decided by `deadline`; false: full.
  bool push(OrderRequest request, MonoTime deadline);
  std::size_t waiting() const { return queue_.size() + (batch_ ? batch_->requests.size() : 0); }
  bool in_flight() const { return batch_.has_value(); }
  JudgedBatch& batch() {
    CHECK(batch_);
    return *batch_;
  }

  /// Makes the next batch of what waits; false: nothing does. CHECKs that none is in flight.
  /// `memory` is told which request is looked at.
  bool form(const ShardState& state, ShardMemory* memory = nullptr);
  /// Risk's decisions, in the order of the questions; makes the routes.
  void judged(std::span<const risk::RiskDecision> decisions);
  /// Routing's decisions, in the order of the routes.
  void routed(std::span<const routing::RouteDecision> decisions);
  /// The batch is decided: forgets it.
  void done() { batch_.reset(); }
  /// The batch goes back to the front, unjudged. Its id is never used again.
  void abandon();

  /// True when a request of the batch in flight is past its deadline.
  bool batch_expired(MonoTime now) const;
  /// Takes out what has waited past its deadline, a batch in flight left aside.
  std::vector<OrderRequest> take_expired(MonoTime now);
  /// Takes out the cancels that need nothing from what waits before them: they name orders that are
  /// in the book. For while risk is away; what they overtake is then refused, or too late.
  std::vector<OrderRequest> take_cancels(const ShardState& state);

 private:
  struct Waiting {
    OrderRequest request;
    MonoTime deadline;
  };
  class Split;

  std::deque<Waiting> queue_;
  std::optional<JudgedBatch> batch_;
  std::vector<MonoTime> deadlines_;  // of the batch's requests
  BatchId last_;
};

}  // namespace holdfast::orders
