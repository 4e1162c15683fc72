// ShardShell: the order manager's actor itself; see shard_actor.hpp for what it is and takes. Its
// parts: the pipeline to the stages (shard_shell_actor.cpp), the venue groups
// (shard_venues_actor.cpp), and what goes out to clients and operators (shard_answers_actor.cpp).
#pragma once

#include <map>
#include <unordered_map>

#include "actors/orders/shard/pipeline.hpp"
#include "actors/orders/shard/shard_actor.hpp"
#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/risk/stage.hpp"
#include "actors/routing/stage.hpp"
#include "supervision/replication/replica_host.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::orders {

class ShardShell final : public LoopActor {
 public:
  ShardShell(ActorConfig& config, ShardSetup setup);
  ~ShardShell() override;

  Behavior make_behavior() override;
  const char* name() const override { return "order manager"; }
  /// "12000 orders, 40 open, 3 waiting, 0 held back, epoch 7"
  std::string detail() const override;
  /// Every order of the shard is a row under it.
  uint64_t leaves() const override;
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override;

 private:
  using Host = replication::ReplicaHost<ShardCore>;
  using Effect = replication::Committed<ShardEffect>;

  /// One venue group, as this process talks to it.
  struct Peer {
    GroupId group;
    ActorHandle handle;
    ActorAddress last;         // the one that went down
    OutboxSeq released;        // committed items: what may go out
    OutboxSeq sent;            // of those, under way
    OutboxSeq cursor;          // committed: what may be acknowledged
    OutboxSeq told;            // the cursor as the gateway was last told
    bool acknowledge = false;  // it has to hear the cursor, with the next delivery or alone
    MonoTime progress;         // when it last acknowledged something, or had nothing to
  };
  struct Subscription {
    SessionId session;
    ActorHandle to;
    uint64_t id = 0;
    bool begun = false;                    // the subscriber has been told where it begins
    bool live = false;                     // it has caught up
    std::vector<ExecutionReport> reports;  // of this turn
  };
  /// Who waits for an answer.
  struct Asker {
    ResponsePromise promise;
    uint64_t ticket = 0;
    bool leaf = false;  // a LeafQuery
  };

  // ---- life (shard_shell_actor.cpp)
  Result<> start();
  void started(const Result<replication::Recovered>& recovered);
  void give_up();
  void begin();
  void load_at_start();
  bool serving() const { return host_ && !failed_ && host_->serving() && begun_; }
  void event(std::string_view name, const std::string& text, bool alarm = false) const;
  const ShardState& state() const { return host_->state(); }
  WallTime wall() const { return setup_.wall(); }
  void went_down(const ActorAddress& address);
  void check();
  void arm_check();
  void tick();

  // ---- pipeline (shard_shell_actor.cpp)
  void take(const OrderRequestBatch& batch);
  void kick();
  void ask_risk();
  void heard(const risk::RiskVerdicts& verdicts);
  void heard(const risk::RiskNotReady& answer);
  void heard(const routing::Routes& routes);
  void heard(const routing::RoutingNotReady& answer);
  void ask_routing();
  void decide_batch();
  void decide(const JudgedRequest& judged);
  void refuse_expired();
  void overtake();
  void rebuild_risk();
  void rebuild_routing();
  void find_stages();
  bool stages() const { return risk_ && routing_; }

  // ---- venue groups (shard_venues_actor.cpp)
  Peer& peer(GroupId group);
  void take(const VenueReportDelivery& delivery);
  void take(const GroupLeads& leads);
  void take(const VenueStatus& status);
  void gateway_lost(GroupId group);
  void find_gateways();
  void adopt(Peer& peer, ActorHandle gateway);
  void lead_to(Peer& peer);
  /// Delivers what may go out. The cursor rides along; without a delivery it waits for the next
  /// check, unless `acknowledge`.
  void pump(Peer& peer, bool acknowledge = false);
  bool awaits_word(const Peer& p) const;
  void retransmit();

  // ---- outgoing (shard_answers_actor.cpp)
  void release(Effect effect);
  void flush_out();
  void out(ReplyEffect& e);
  void out(ReportEffect& e);
  void out(DeliverEffect& e);
  void out(AcknowledgeEffect& e);
  void out(ResyncEffect& e);
  void out(RiskEffect& e);
  void out(ReferenceEffect& e);
  void out(AnomalyEffect& e);
  void out(AnswerEffect& e);
  void answer(Asker& asker, std::shared_ptr<ReportsPage>& page);
  void answer(Asker& asker, OrderQueryReply& reply);
  void answer(Asker& asker, std::shared_ptr<OrdersPage>& page);
  void answer(Asker& asker, std::shared_ptr<OrderHistory>& history);
  void answer(Asker& asker, std::shared_ptr<ShardView>& view);
  void answer(Asker& asker, std::shared_ptr<ShardRiskView>& view);
  void answer(Asker& asker, ShardCommandDone& done);
  void page(const ReportsPage& page);
  void add_checks(OrderHistory& history) const;
  void reply(const ActorHandle& to, OrderReply reply);
  void refuse(const ActorHandle& to, const OrderRequest& request, Reason reason);
  void send_replies();
  void send_reports();
  void send_risk();

  // ---- questions and commands
  void subscribe(const SubscribeReports& request);
  void unsubscribe(SessionId session, const Account& account);
  void read_reports(const Subscription& subscription, const Account& account, ReportSeq from);
  template <typename Q>
  ResponsePromise ask(const Q& query, Asker asker = {});
  template <typename C>
  ResponsePromise command(C command);
  ActorHandle asking() { return caf::actor_cast<ActorHandle>(current_sender()); }
  void remember(SessionId session, const ActorHandle& ingress);

  ShardSetup setup_;
  ShardCodec codec_;
  std::unique_ptr<replication::Log> log_;  // outlives host_
  std::unique_ptr<Host> host_;
  bool begun_ = false;            // the epoch start is committed
  bool waiting_to_lead_ = false;  // a standby
  uint64_t held_back_ = 0;        // requests that waited for a hand-over or for other members
  bool starting_ = false;         // start() is under way
  std::optional<Error> start_error_;
  bool failed_ = false, paused_ = false;

  Pipeline pipeline_;
  ActorHandle risk_, routing_;
  ActorAddress last_risk_, last_routing_;
  risk::Generation generation_;
  uint64_t rebuilt_at_ = 0;  // risk deltas that the stage's copy holds already
  routing::RoutingState venues_;
  WallTime asked_at_;  // when the batch at hand was sent to the stages

  std::map<uint32_t, Peer> peers_;  // by group
  std::unordered_map<SessionId, ActorHandle> sessions_;
  std::vector<ActorAddress> watched_;  // the ingress actors behind them
  std::map<Account, std::vector<Subscription>> subscriptions_;
  std::unordered_map<uint64_t, Asker> askers_;
  uint64_t last_asker_ = 0;

  std::vector<Effect> released_;  // not looked at yet
  std::vector<std::pair<ActorHandle, std::vector<OrderReply>>> replies_;
  std::vector<risk::RiskDelta> deltas_;
  bool flush_due_ = false, check_armed_ = false, finding_stages_ = false, finding_gateways_ = false;
};

}  // namespace holdfast::orders
