// The venue gateway as an actor on a loop: it hosts the replicated core, drives the FIX session,
// and carries committed effects to the venue's socket and to the order shards. It decides nothing:
// when to connect, what to send and what to tell comes from the core. It dies whole on any failed
// CHECK and is rebuilt from its journal by its supervisor.
#pragma once

#include <map>
#include <unordered_map>

#include "actors/venues/drop_copy/drop_copy_link.hpp"
#include "actors/venues/fix/fix_text.hpp"
#include "actors/venues/session_driver.hpp"
#include "actors/venues/transport.hpp"
#include "messages/telemetry/flow_meter.hpp"
#include "messages/venue_view.hpp"
#include "supervision/replication/replica_host.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::venues {

/// What a gateway actor is made of. The same one serves for every restart.
struct GatewayActorSetup {
  GroupId group;
  SessionRules rules;
  std::string sender, target, endpoint;  // for views only
  /// The group's log on this actor's loop; a new one for each incarnation.
  std::function<std::unique_ptr<replication::Log>()> make_log;
  /// GatewayCodec of gateway_capnp.hpp.
  std::shared_ptr<const replication::Codec<GatewayCore>> codec;
  MakeSession make_session;      // quickfix_sessions() of session_quickfix.hpp
  MakeTransport make_transport;  // tcp_transports() of transport_linux.hpp
  /// The venue's drop copy; none: unknown orders are settled without it.
  std::optional<DropCopySetup> drop_copy;
  /// Cuts the venue's connection from another thread; lifted when this gateway begins to lead. May
  /// be null.
  std::shared_ptr<Fence> fence;
  std::function<WallTime()> wall;  // the node's clock
  /// The order shards' groups, and the actor of one now (null while there is none).
  std::vector<GroupId> shards;
  std::function<ActorHandle(GroupId shard)> find_shard;
  Duration find_every = Duration::milliseconds(2);  // while a shard is missing
  Duration tick = Duration::milliseconds(10);
  /// One line for operators at each change of the session; may be null. On the loop's thread.
  std::function<void(const std::string& line)> on_event;
  /// Counts the flow; may be null. Kept over restarts.
  std::shared_ptr<telemetry::FlowMeter> meter;
};

/// Takes VenueRequestDelivery, GroupLeads, KillSwitch (answers VenueKillApplied),
/// VenueSessionQuery, ReconciliationQuery (answers shared_ptr<const ReconciliationView>),
/// VenueCommand (answers VenueCommandAnswer), VenueStop (answers VenueStopped). Sends shards
/// VenueReportDelivery, GroupLeads and VenueStatus.
class GatewayActor final : public LoopActor, private GatewayPort, private FdWatcher {
 public:
  GatewayActor(ActorConfig& config, GatewayActorSetup setup);
  ~GatewayActor() override;
  Behavior make_behavior() override;
  const char* name() const override { return "venue gateway"; }
  /// "Open, next out 120, next in 118, 3 in flight"
  std::string detail() const override;
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override;

 private:
  struct Shard {
    ActorHandle handle;
    ActorAddress last;                 // the one that went down
    OutboxSeq cursor;                  // of its outbox, committed here
    OutboxSeq told;                    // the cursor as it was last told
    bool acknowledge = false;          // it has to hear the cursor, with the next delivery or alone
    OutboxSeq first;                   // of `reports`
    std::vector<VenueReport> reports;  // committed, to be delivered at the end of the turn
  };

  // -- GatewayPort
  const GatewayState& state() const override { return host_->state(); }
  void submit(const GatewayCommand& command) override { host_->submit(command); }
  WallTime now_wall() const;
  WallTime now() const override { return now_wall(); }
  // -- FdWatcher
  void watch_fd(int fd, uint32_t events, FdWatcher::Callback callback) override;
  void rewatch_fd(int fd, uint32_t events) override { rewatch(fd, events); }
  void unwatch_fd(int fd) override { unwatch(fd); }

  Result<> start();
  void led();
  Result<> begin();
  Behavior handlers();
  bool serving() const { return host_ != nullptr && host_->serving(); }
  /// After anything that changed the state: what the core plans, then connections and time.
  void carry_on();
  void again_if_busy();
  void tick();

  // -- the venue's side
  void connected();
  void received(std::string_view bytes);
  void closed(const std::string& why);
  void connect_when_due();
  void hold_back();

  // -- the shards' side
  void find_shards();
  void shard_found(GroupId group, Shard& shard);
  void shard_went_down(const ActorAddress& address);
  void take(const VenueRequestDelivery& delivery);
  void flush_later();
  void flush();
  void deliver(GroupId group, Shard& shard);
  /// Tells shards the cursor that no report has carried to them for a tick.
  void acknowledge();
  void lead_to(GroupId group, Shard& shard);
  void tell_status(const Shard& shard);

  // -- effects
  void release(GatewayEffect&& effect);
  void measure(const VenueReport& report);
  void answer(const effect::Answered& answered);
  VenueSessionView view() const;
  std::shared_ptr<const ReconciliationView> reconciliation() const;
  bool logon_refused() const;
  void say(const std::string& line);
  void finish_stop(bool logged_out);

  GatewayActorSetup setup_;
  std::unique_ptr<replication::Log> log_;
  std::unique_ptr<replication::ReplicaHost<GatewayCore>> host_;
  std::unique_ptr<SessionDriver> session_;
  std::unique_ptr<Transport> transport_;
  std::unique_ptr<DropCopyLink> copy_;  // on the leader
  FixFramer framer_;

  std::map<GroupId, Shard> shards_;
  Result<> begun_ = success();
  bool waiting_to_lead_ = false;  // a standby
  bool starting_ = false;         // start() is under way
  bool led_ = false;              // the start of this leadership is committed
  bool finding_ = false, flushing_ = false, ask_again_ = false, again_ = false;
  VenueStatus status_;

  uint64_t link_ = 0;  // the core's number of the present connection; 0 none
  bool heard_ = false;
  uint32_t tries_ = 0;     // connects since the session was last past its barrier
  uint32_t refusals_ = 0;  // of them, ended by the venue after it had spoken
  uint64_t logon_refusals_ = 0, logon_refusals_total_ = 0;  // since it was last logged on; ever
  WallTime logon_refused_since_, next_try_;
  TimerId connect_timer_;
  bool paused_ = false;

  mutable MonoTime turn_{-1};
  mutable WallTime turn_wall_;
  WallTime last_sent_, last_received_;

  uint64_t tickets_ = 0;
  std::unordered_map<uint64_t, std::function<void(const effect::Answered&)>> waiting_answers_;
  ResponsePromise stop_promise_;
  bool stopping_ = false;
};

}  // namespace holdfast::venues
