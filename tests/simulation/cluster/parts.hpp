// The two stateful actors of a node without their actor library: an order shard and a venue
// gateway, each a production core on a production replica, with the shell's rules of delivery
// between groups (shard_shell_actor.cpp, shard_venues_actor.cpp, gateway_actor.cpp) in plain
// functions. A part that is deposed ends, and begins again from its log, as its supervisor would
// have it.
#pragma once

#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "supervision/replication/replica_host.hpp"
#include "tests/simulation/cluster/planted.hpp"
#include "tests/simulation/cluster/process.hpp"
#include "tests/simulation/cluster/session_model.hpp"

namespace holdfast::cluster_simulation {

using ShardCodecInUse = SimCodec<orders::ShardCore, orders::ShardCodec>;
using GatewayCodecInUse = SimCodec<venues::GatewayCore, venues::GatewayCodec>;

class ShardPart {
 public:
  explicit ShardPart(Process& process);
  ~ShardPart();
  void start();
  /// Ends, and begins again in a while.
  void restart(const char* why);
  Handle handle() const { return handle_; }
  bool serving() const { return host_ && !failed_ && host_->serving() && begun_; }
  const orders::ShardState* state() const { return host_ ? &host_->state() : nullptr; }
  Index applied() const { return host_ ? host_->replica().appended() : Index{}; }
  bool leading() const { return host_ && host_->replica().leading(); }

  void take(const OrderRequest& request);
  void take(const OrderQuery& query);
  void take(const VenueReportDelivery& delivery);
  void take(const GroupLeads& leads, Handle from);
  void take(const VenueStatus& status);
  void gone(Handle handle);

 private:
  using Host = replication::ReplicaHost<SimShardCore>;
  using Effect = orders::ShardEffect;
  struct Peer {
    Handle handle = 0, last = 0;
    OutboxSeq released, sent, cursor, told;
    bool acknowledge = false;
    MonoTime progress;
  };

  const orders::ShardState& s() const { return host_->state(); }
  void begin();
  void release(replication::Committed<Effect>&& effect);
  void flush_out();
  void out(Effect& effect);
  void submit(const OrderRequest& request);
  void refuse(const OrderRequest& request);
  void find_gateway();
  void adopt(Handle gateway);
  void lead_to();
  void pump(bool acknowledge = false);
  void check();
  void arm_check();
  /// Later, if this incarnation still is.
  void later(Duration delay, std::function<void()> function);

  Process& process_;
  std::unique_ptr<replication::Log> log_;
  std::unique_ptr<Host> host_;
  Handle handle_ = 0;
  uint64_t incarnation_ = 0;
  bool begun_ = false, waiting_to_lead_ = false, failed_ = false;
  bool finding_ = false, check_armed_ = false, flush_due_ = false;
  Peer peer_;
  routing::RoutingState venues_;
  std::vector<Effect> released_;
  std::deque<OrderRequest> parked_;
};

class GatewayPart final : private venues::GatewayPort {
 public:
  explicit GatewayPart(Process& process);
  ~GatewayPart() override;
  void start();
  void restart(const char* why);
  Handle handle() const { return handle_; }
  bool serving() const { return host_ && host_->serving(); }
  const venues::GatewayState* core() const { return host_ ? &host_->state() : nullptr; }
  Index applied() const { return host_ ? host_->replica().appended() : Index{}; }
  bool leading() const { return host_ && host_->replica().leading(); }

  void take(const VenueRequestDelivery& delivery);
  void take(const GroupLeads& leads, Handle from);
  void gone(Handle handle);
  /// Leadership ends here: the venue's connection is reset now.
  void cut_egress();

 private:
  using Host = replication::ReplicaHost<SimGatewayCore>;
  struct Shard {
    Handle handle = 0, last = 0;
    OutboxSeq cursor, told, first;
    bool acknowledge = false;
    std::vector<VenueReport> reports;
  };
  // -- GatewayPort
  const venues::GatewayState& state() const override { return host_->state(); }
  void submit(const venues::GatewayCommand& command) override { host_->submit(command); }
  WallTime now() const override;

  void led();
  void carry_on();
  void tick(uint64_t incarnation);
  void connected(uint64_t connection);
  void received(uint64_t connection, const std::string& message);
  void closed(uint64_t connection, const std::string& why);
  void connect_when_due();
  void connect();
  void close(const char* why);
  void release(venues::GatewayEffect&& effect);
  void find_shard();
  void shard_found();
  void lead_to();
  void flush_later();
  void deliver();
  void later(Duration delay, std::function<void()> function);

  Process& process_;
  std::unique_ptr<replication::Log> log_;
  std::unique_ptr<Host> host_;
  std::unique_ptr<SessionModel> session_;
  Handle handle_ = 0;
  uint64_t incarnation_ = 0;
  bool waiting_to_lead_ = false, led_ = false, finding_ = false, flushing_ = false;
  bool ask_again_ = false, connecting_ = false, connect_timer_ = false, heard_ = false;
  Shard shard_;
  VenueStatus status_;
  uint64_t connection_ = 0;  // the venue's, a try included
  uint64_t link_ = 0;        // the core's number of it; 0: none is up
  uint32_t tries_ = 0, refusals_ = 0;
};

/// What the shard trades and how far it may go, in every run.
std::shared_ptr<const ReferenceData> reference_data();
std::shared_ptr<const RiskLimits> risk_limits();
inline constexpr const char* kAccounts[] = {"M1", "M2", "M3", "M4"};

}  // namespace holdfast::cluster_simulation
