// PoolActor: the base of actors that run on the system's shared workers. Like LoopActor it answers
// ActorStatsQuery and turns an exception into an exit with words; it has no loop. Include it
// through actor.hpp.
#pragma once

#include <atomic>

#include "supervision/runtime/actor.hpp"

namespace holdfast {

/// Installs what every actor of ours has: exceptions end it with their words, unknown messages are
/// answered by an error and dropped without a print.
void install_handlers(caf::scheduled_actor* self);

/// An event-based actor on the shared workers.
class PoolActor : public caf::event_based_actor {
 public:
  explicit PoolActor(ActorConfig& config);
  ~PoolActor() override;

  /// What waits and what was handled. Only from within this actor's handlers.
  ActorStats stats();
  /// What the tree shows beside this actor; a few words on how it stands.
  virtual std::string detail() const { return {}; }
  /// How many rows this actor can show under itself (it then answers LeafQuery).
  virtual uint64_t leaves() const { return 0; }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* from) override;
  using caf::event_based_actor::enqueue;
  caf::invoke_message_result consume(caf::mailbox_element& element) override;
  using caf::event_based_actor::consume;
  caf::resumable::resume_result resume(caf::execution_unit* unit, std::size_t throughput) override;

 private:
  // Senders on any thread add, stats() reads; no ordering is needed.
  std::atomic<uint64_t> received_{0};
};

}  // namespace holdfast
