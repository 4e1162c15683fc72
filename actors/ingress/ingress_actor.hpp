// IngressActor: joins the Ingress (who may send what) to its front (sockets) and to the order
// shards (messages), all on one loop. It finds the shards by a function, watches them and finds
// them again when they were restarted. When it dies its connections close; clients reconnect and
// ask again, so it keeps nothing that would have to survive.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "actors/ingress/ingress.hpp"
#include "actors/ingress/ingress_stats.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::ingress {

/// What an ingress actor is made of. The same one serves for every restart.
struct IngressActorSetup {
  Settings settings;
  /// The order shard of a number now, or null while there is none (restarting).
  std::function<ActorHandle(uint32_t shard)> find_shard;
  /// Where order entry of the node that leads the shard is: "" when that is this one, or not known.
  /// Asked at each start; null: this node leads all. LeadershipChanged tells what changes later.
  std::function<std::string(uint32_t shard)> leader_of;
  /// Makes the network side: make_server of server_capnp.hpp.
  MakeFront make_front;
  /// Hears the port once it listens. On the loop's thread; may be null.
  std::function<void(uint16_t port)> on_listening;
  /// Keeps a port that the system chose over restarts.
  std::shared_ptr<uint16_t> port = std::make_shared<uint16_t>(0);
  Duration find_every = Duration::milliseconds(2);  // while a shard is missing
  Duration ask_every = Duration::milliseconds(50);  // for subscriptions that are not answered
};

/// Asks for IngressStats.
struct IngressStatsQuery {};
/// Stops or resumes intake (shutdown, full disk): new orders and replaces hear kNotServing, cancels
/// and queries go on.
struct StopIntake {
  bool stopped = true;
};

/// Another node leads the shard now, or this one does. `address`: order entry of the one that does,
/// "" when it is this one or not known. Sent at every change, also of the address alone.
struct LeadershipChanged {
  uint32_t shard = 0;
  bool leads_here = true;
  std::string address;
};

class IngressActor final : public LoopActor {
 public:
  IngressActor(ActorConfig& config, IngressActorSetup setup);
  ~IngressActor() override;

  Behavior make_behavior() override;
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override;

 private:
  struct Shard {
    ActorHandle handle;
    ActorAddress last;  // the one that went down
  };
  /// The Ingress's way to the shards.
  class Links final : public ShardLink {
   public:
    explicit Links(IngressActor& actor) : actor_(actor) {}
    void send(uint32_t shard, OrderRequestBatch batch) override;
    void send(uint32_t shard, const OrderQuery& query) override;
    void send(uint32_t shard, const SubscribeReports& subscribe) override;
    void send(uint32_t shard, const UnsubscribeReports& unsubscribe) override;
    void flush_at_turn_end() override;

   private:
    IngressActor& actor_;
  };

  void listen();
  void find_shards();
  void find_shards_later();
  void ask_again();
  void shard_went_down(const ActorAddress& address);
  void arm_deadline();
  IngressStats stats_now() const;
  template <typename Message>
  void tell(uint32_t shard, Message message);

  IngressActorSetup setup_;
  std::vector<Shard> shards_;
  Links links_{*this};
  std::unique_ptr<Ingress> ingress_;
  std::unique_ptr<Front> front_;
  std::thread::id thread_;
  bool deadline_armed_ = false;
  bool finding_ = false;
  bool intake_stopped_ = false;
};

}  // namespace holdfast::ingress

HOLDFAST_LOCAL_MESSAGE(holdfast::ingress::IngressStatsQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::ingress::IngressStats)
HOLDFAST_LOCAL_MESSAGE(holdfast::ingress::LeadershipChanged)
HOLDFAST_LOCAL_MESSAGE(holdfast::ingress::StopIntake)
