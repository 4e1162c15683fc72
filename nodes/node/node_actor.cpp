#include <cstdio>
#include <mutex>

#include "actors/ingress/ingress_actor.hpp"
#include "actors/ingress/kj_guest_capnp.hpp"
#include "actors/ingress/server_capnp.hpp"
#include "actors/orders/shard/shard_actor.hpp"
#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/risk/risk_actor.hpp"
#include "actors/routing/routing_actor.hpp"
#include "actors/venues/gateway_actor.hpp"
#include "actors/venues/gateway_capnp.hpp"
#include "actors/venues/session_quickfix.hpp"
#include "actors/venues/transport_linux.hpp"
#include "nodes/node/api/endpoints_http.hpp"
#include "nodes/node/api/files_linux.hpp"
#include "nodes/node/cluster_actor.hpp"
#include "nodes/node/files_linux.hpp"
#include "nodes/node/healing/healing_part_actor.hpp"
#include "nodes/node/heap_linux.hpp"
#include "nodes/node/journal_fit_actor.hpp"
#include "nodes/node/mesh_part_actor.hpp"
#include "nodes/node/node.hpp"
#include "nodes/node/operator_actor.hpp"
#include "nodes/node/orchestrator_part_actor.hpp"
#include "nodes/node/process_linux.hpp"
#include "nodes/node/setup_linux.hpp"
#include "nodes/node/snapshot_trigger_linux.hpp"
#include "nodes/node/stop_actor.hpp"
#include "nodes/node/telemetry/node_sources_linux.hpp"
#include "nodes/node/telemetry/telemetry_part_actor.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/progress_file_linux.hpp"

namespace holdfast::node {

namespace {

using replication::JournalAppender;
using replication::JournalRocksdb;
using replication::SnapshotMaker;

/// Everything that a running node is made of, in the order in which it is made.
class Node {
 public:
  explicit Node(const settings::Settings& settings) : settings_(settings) {}

  NodeExit run() {
    auto started = start();
    if (!started) {
      std::fprintf(stderr, "holdfast-node: %s\n", started.error().text.c_str());
      take_down();
      return started.error().code == ErrorCode::kInvalid ? NodeExit::kBadSettings
                                                         : NodeExit::kCannotStart;
    }
    pin();
    loop_->run();
    take_down();
    return exit_;
  }

 private:
  Result<> start() {
    started_ = wall_now();
    if (settings_.node.loops.hot_loops != 1)
      return Error{ErrorCode::kInvalid, "loops.hot_loops is " +
                                            std::to_string(settings_.node.loops.hot_loops) +
                                            ": this version runs one hot loop; set it to 1"};
    reference_ = std::make_shared<const ReferenceData>(settings_.reference());
    limits_ = std::make_shared<const RiskLimits>(settings_.risk.limits);
    restricted_ = std::make_shared<const RestrictedList>(settings_.risk.restricted);
    for (uint32_t shard = 0; shard < settings_.node.shards; ++shard)
      shard_memory_.push_back(std::make_shared<orders::ShardMemory>());
    auto directory = StateDirectory::open(settings_.node.state_directory);
    if (!directory) return directory.error();
    directory_ = std::make_unique<StateDirectory>(std::move(directory).value());
    auto tokens = operator_api::read_token_file(settings_.node.token_file());
    if (!tokens) return tokens.error();
    for (const auto& venue : settings_.venues) {
      auto rules = session_rules(venue, started_);
      if (!rules) return rules.error();
      if (auto usable = venues::check_dictionary(venue.dictionary); !usable)
        return Error{ErrorCode::kInvalid,
                     "venue " + venue.entry.name.str() + ": " + usable.error().text};
      rules_.push_back(std::move(rules).value());
      fences_.push_back(venues::make_tcp_fence());
    }
    auto journal = JournalRocksdb::open({settings_.node.journal_directory()});
    if (!journal) return journal.error();
    journal_ = std::move(journal).value();
    if (auto fit = fit_journal(*journal_, settings_); !fit) return fit;
    loop_ = std::make_unique<HotLoop>(HotLoopSettings{
        .spin = settings_.node.loops.spin ? Duration::milliseconds(1) : Duration{}});
    auto progress = start_progress();
    if (!progress) return progress;
    appender_ = std::make_unique<JournalAppender>(
        *journal_,
        JournalAppender::Hooks{[this](std::function<void()> f) { loop_->defer(std::move(f)); },
                               [this](std::function<void()> f) { loop_->post(std::move(f)); }});
    auto snapshots = start_snapshots();
    if (!snapshots) return snapshots;
    ActorSystemSettings system;
    system.workers = settings_.node.loops.pool_threads;
    system.register_types = modules_of_mesh(settings_);
    system_ = std::make_unique<ActorSystem>(system);
    healing_ = std::make_unique<HealingPart>(
        HealingParts{settings_, *loop_, registry_, [this] { return root(); }, trading_});
    if (auto joined = join_cluster(); !joined) return joined;
    measure();
    auto ingress = ingress_settings(settings_, ingress_port());
    if (!ingress) return ingress.error();
    ingress_settings_ = std::move(ingress).value();
    // The tree and the API start when the loop runs: their actors speak to loop actors from the
    // first moment.
    loop_->post([this] {
      start_tree();
      if (cluster_) cluster_->start();
    });
    on_stop_signal(*loop_, [this] { stop(); });
    watch_disk();
    return start_operator_api(std::move(tokens).value());
  }

  /// Telemetry knows of what there is by now; the operator API comes with its start.
  void measure() {
    telemetry_ = std::make_unique<TelemetryPart>(
        settings_, *loop_, registry_, [this] { return root(); }, trading_);
    telemetry_->add(journal_source(*journal_));
    for (const auto& venue : settings_.venues) {
      meters_.push_back(std::make_shared<telemetry::FlowMeter>());
      telemetry_->add(flow_source(meters_.back(), venue.entry.name.str(), venue.entry.group));
    }
    if (cluster_) telemetry_->add_hot([this](telemetry::Readings& out) { cluster_->measure(out); });
  }

  Result<> join_cluster() {
    if (!settings_.cluster) return success();
    ClusterPart::Hooks hooks;
    hooks.name = [this](GroupId group) { return group_name(settings_, group); };
    hooks.local = [this](GroupId group) { return local(group); };
    hooks.cut_egress = [this](GroupId group) {
      if (auto fence = fence_of(group)) fence->cut();
    };
    hooks.lift_egress = [this](GroupId group) {
      if (auto fence = fence_of(group)) fence->lift();
    };
    hooks.changed = [this](GroupId group) { leadership_changed(group); };
    hooks.committed = [this](GroupId g, Index at, bool due) { snapshots_->committed(g, at, due); };
    hooks.say = [](const std::string& line) { say(line); };
    cluster_ =
        std::make_unique<ClusterPart>(settings_, *journal_, *appender_, *loop_, system_->get(),
                                      groups_of(settings_), std::move(hooks));
    mesh_ = join_mesh(settings_, system_->get(), registry_,
                      [this](const std::string& from, const std::string& topic,
                             const std::string& bytes) { healing_->take(from, topic, bytes); });
    healing_->join(*cluster_, mesh_);
    return cluster_->open();
  }

  /// Order entry follows the leader of its shards.
  void leadership_changed(GroupId group) {
    const uint32_t shard = group.value - shard_group(0).value;
    if (shard >= settings_.node.shards) return;
    if (auto ingress = registry_->find(std::string(kRootPath) + "/ingress"))
      anon_send(ingress, ingress::LeadershipChanged{shard, cluster_->leads(group),
                                                    cluster_->order_entry_of_leader(group)});
  }

  std::shared_ptr<venues::Fence> fence_of(GroupId group) const {
    for (std::size_t i = 0; i < settings_.venues.size(); ++i)
      if (settings_.venues[i].entry.group == group) return fences_[i];
    return nullptr;
  }

  /// The hot loop is this thread; the others are there already and stay where the system puts them.
  void pin() {
    if (settings_.node.loops.cpus.empty()) return;
    auto pinned = pin_this_thread(settings_.node.loops.cpus[0]);
    if (!pinned) say(pinned.error().text + "; the hot loop is not pinned");
  }

  Result<> start_progress() {
    const char* path = std::getenv(kProgressFileVariable);
    if (!path) return success();  // no guard
    auto file = ProgressFile::create(path);
    if (!file) return file.error();
    progress_ = std::make_unique<ProgressFile>(std::move(file).value());
    auto counter = progress_->add_loop("hot");
    if (!counter) return counter.error();
    loop_->progress_sink(counter.value());
    return success();
  }

  /// A node told to take any port takes the last one again, so that clients find it after a
  /// restart.
  uint16_t ingress_port() const {
    const uint16_t configured = settings_.node.ingress.listen.port;
    return configured ? configured : directory_->last_ingress_port();
  }

  // ---- journal

  Result<> start_snapshots() {
    snapshots_ = std::make_unique<SnapshotMaker>(
        settings_.node.journal.snapshot_every_entries,
        [this](GroupId group, const Result<Index>& made) {
          const auto name = group_name(settings_, group);
          if (!made)
            say("snapshot failed group=" + name + " error=\"" + made.error().text + "\"");
          else if (made.value())
            say("snapshot made group=" + name + " index=" + std::to_string(made.value().value));
        });
    auto extents = journal_->extents();
    if (!extents) return extents.error();
    const auto add = [&](GroupId group, auto job) {
      Index last;
      for (const auto& extent : extents.value())
        if (extent.group == group) last = extent.snapshot;
      snapshots_->add(group, last, std::move(job));
    };
    for (uint32_t shard = 0; shard < settings_.node.shards; ++shard)
      add(shard_group(shard),
          [this, shard] { return snapshot(shard_group(shard), *shard_codec_); });
    for (const auto& venue : settings_.venues)
      add(venue.entry.group,
          [this, group = venue.entry.group] { return snapshot(group, *gateway_codec_); });
    add(orchestrator::kGroup, [this] { return snapshot(orchestrator::kGroup, *codec_); });
    return success();
  }

  template <typename C>
  Result<Index> snapshot(GroupId group, const replication::Codec<C>& codec) {
    const ScratchMemory scratch;
    const auto reader = journal_->reader(group);
    const Index upto = cluster_ ? cluster_->committed(group) : Index{UINT64_MAX};
    auto made = replication::advance_snapshot(group, *reader, codec, upto);
    if (!made) return made.error();
    if (!made.value()) return Index{0};
    auto stored = journal_->put_snapshot(group, *made.value(),
                                         cluster_ ? cluster_->needed(group) : Index{UINT64_MAX});
    if (!stored) return stored.error();
    return made.value()->at.index;
  }

  /// The log of a group, which also tells the snapshot maker how far it has come.
  std::unique_ptr<replication::Log> make_log(GroupId group) {
    if (cluster_) return cluster_->log(group);
    return std::make_unique<SnapshotTrigger>(
        appender_->log(group, settings_.node.journal.durability), group, *snapshots_);
  }

  void watch_disk() {
    const auto free = journal_->free_bytes();
    const bool low = free && free.value() < settings_.node.journal.disk_free_bytes_min;
    if (low != disk_low_) {
      disk_low_ = low;
      say(low ? "intake stopped: the journal's disk is nearly full; free space on it"
              : "intake resumed: the disk has room");
      tell_intake();
    }
    loop_->at(loop_->now() + Duration::seconds(1), [this] { watch_disk(); });
  }

  void tell_intake() {
    if (auto ingress = registry_->find(std::string(kRootPath) + "/ingress"))
      anon_send(ingress, ingress::StopIntake{disk_low_ || stopping_});
  }

  // ---- the tree

  void start_tree() {
    SupervisorSetup root;
    root.path = kRootPath;
    root.spec.strategy = Strategy::kOneForOne;
    root.registry = registry_;
    root.random = random_number;
    root.on_event = tree_events(settings_, registry_);
    root.children.push_back(supervisor_child("venues", venues_supervisor()));
    root.children.push_back(supervisor_child("orders", orders_supervisor()));
    root.children.push_back(
        {{.id = "ingress"}, [this](const ChildContext&) { return spawn_ingress(); }});
    root.children.push_back(
        orchestrator_child({settings_, *loop_, cluster_.get(), mesh_.get(), codec_,
                            [this] { return make_log(orchestrator::kGroup); },
                            [this] { return root_; }, healing_->means()}));
    for (auto& child : healing_->children()) root.children.push_back(std::move(child));
    for (auto& child : telemetry_->children()) root.children.push_back(std::move(child));
    {
      std::lock_guard lock(root_mutex_);
      root_ = spawn_supervisor(system_->get(), std::move(root));
    }
    // An actor lives as long as somebody holds it: both of these are held until the end.
    watcher_ = system_->get().spawn([this, root = root_](EventBasedActor* self) -> Behavior {
      self->monitor(root);
      self->set_down_handler([this, self](const DownMessage& down) {
        self->quit();
        loop_->post([this, text = describe(down.reason)] { root_down(text); });
      });
      return {[](Unit) {}};
    });
  }

  SupervisorSetup venues_supervisor() {
    SupervisorSetup setup;
    setup.spec.strategy = Strategy::kOneForOne;
    for (std::size_t i = 0; i < settings_.venues.size(); ++i)
      setup.children.push_back(
          {{.id = settings_.venues[i].entry.name.str()},
           [this, i](const ChildContext& context) { return spawn_gateway(context, i); }});
    return setup;
  }

  SupervisorSetup orders_supervisor() {
    SupervisorSetup setup;
    setup.spec.strategy = Strategy::kOneForOne;
    for (uint32_t shard = 0; shard < settings_.node.shards; ++shard) {
      SupervisorSetup one;
      // Risk and routing hold copies that the manager rebuilds, so each restarts alone.
      one.spec.strategy = Strategy::kOneForOne;
      one.children.push_back({{.id = "risk"}, [this](const ChildContext& context) -> ActorHandle {
                                return spawn_on<risk::RiskActor>(context.system, *loop_);
                              }});
      one.children.push_back(
          {{.id = "routing"}, [this](const ChildContext& context) -> ActorHandle {
             return spawn_on<routing::RoutingActor>(context.system, *loop_);
           }});
      one.children.push_back({{.id = "manager"}, [this, shard](const ChildContext& context) {
                                return spawn_manager(context, shard);
                              }});
      setup.children.push_back(supervisor_child("shard-" + std::to_string(shard), std::move(one)));
    }
    return setup;
  }

  ActorHandle spawn_gateway(const ChildContext& context, std::size_t i) {
    const auto& venue = settings_.venues[i];
    venues::GatewayActorSetup setup;
    setup.group = venue.entry.group;
    setup.rules = rules_[i];
    setup.sender = venue.sender_comp_id;
    setup.target = venue.target_comp_id;
    setup.endpoint = venue.host + ":" + std::to_string(venue.port);
    setup.make_log = [this, group = venue.entry.group] { return make_log(group); };
    setup.codec = gateway_codec_;
    setup.make_session = venues::quickfix_sessions(session_identity(venue));
    setup.fence = fences_[i];
    setup.make_transport = venues::tcp_transports({venue.host, venue.port}, fences_[i]);
    if (venue.drop_copy) setup.drop_copy = drop_copy_setup(venue);
    setup.wall = wall_now;
    setup.meter = meters_[i];
    for (uint32_t shard = 0; shard < settings_.node.shards; ++shard)
      setup.shards.push_back(shard_group(shard));
    setup.find_shard = [this](GroupId group) { return leader(group); };
    setup.on_event = [name = venue.entry.name.str()](const std::string& line) {
      say("venue " + name + ": " + line);
    };
    return spawn_on<venues::GatewayActor>(context.system, *loop_, std::move(setup));
  }

  ActorHandle spawn_ingress() {
    ingress::IngressActorSetup setup;
    setup.settings = ingress_settings_;
    setup.find_shard = [this](uint32_t shard) -> ActorHandle {
      if (cluster_ && !cluster_->leads(shard_group(shard))) return nullptr;
      return registry_->find(manager_path(shard));
    };
    if (cluster_)
      setup.leader_of = [this](uint32_t shard) {
        return cluster_->order_entry_of_leader(shard_group(shard));
      };
    setup.make_front = ingress::make_server;
    setup.port = ingress_port_;
    setup.on_listening = [this](uint16_t port) {
      const auto& address = settings_.node.ingress.listen.address;
      say("order entry listens on " + address + ":" + std::to_string(port));
      auto announced = directory_->announce(port, address);
      if (!announced) say(announced.error().text);
      if (disk_low_) tell_intake();
      if (!cluster_) return;
      for (uint32_t shard = 0; shard < settings_.node.shards; ++shard)
        leadership_changed(shard_group(shard));
    };
    return spawn_on<ingress::IngressActor>(system_->get(), *loop_, std::move(setup));
  }

  ActorHandle spawn_manager(const ChildContext& context, uint32_t shard) {
    orders::ShardSetup setup;
    setup.group = shard_group(shard);
    setup.shard = shard;
    setup.make_log = [this, shard]() -> Result<std::unique_ptr<replication::Log>> {
      return make_log(shard_group(shard));
    };
    setup.wall = wall_now;
    setup.find_risk = [this, shard] { return registry_->find(risk_path(shard)); };
    setup.find_routing = [this, shard] { return registry_->find(routing_path(shard)); };
    setup.find_gateway = [this](GroupId group) { return leader(group); };
    setup.reference.data = reference_;
    setup.risk.limits = limits_;
    setup.risk.restricted = restricted_;
    setup.memory = shard_memory_[shard];
    setup.venue_grace = settings_.node.orders.venue_grace;
    setup.on_event = [name = "orders/" + std::to_string(shard)](
                         std::string_view event, const std::string& text, bool alarm) {
      say(std::string(event) + " group=" + name + " " + text + (alarm ? " ALARM" : ""));
    };
    return orders::spawn_shard(context.system, *loop_, setup);
  }

  /// A group's actor on this node.
  ActorHandle local(GroupId group) const {
    for (const auto& venue : settings_.venues)
      if (venue.entry.group == group) return registry_->find(gateway_path(venue.entry.name));
    return registry_->find(manager_path(group.value - shard_group(0).value));
  }
  ActorHandle leader(GroupId group) const {
    return cluster_ ? cluster_->find(group) : local(group);
  }

  ActorHandle root() {
    const std::lock_guard lock(root_mutex_);
    return root_;
  }

  /// The root gave up, or has stopped as it was told to.
  void root_down(const std::string& why) {
    if (!stopping_) {
      say("the actor tree gave up: " + why + "; the process ends, its guard starts a fresh one");
      // Order entry that never came to listen: its port can't be had.
      exit_ = *ingress_port_ == 0 ? NodeExit::kCannotStart : NodeExit::kGaveUp;
    }
    loop_->stop();
  }

  // ---- the operator's side

  Result<> start_operator_api(operator_api::Tokens tokens) {
    OperatorSetup setup;
    setup.settings = &settings_;
    setup.system = &system_->get();
    setup.registry = registry_;
    setup.journal = journal_.get();
    setup.snapshots = snapshots_.get();
    setup.wall = wall_now;
    setup.root = [this] { return root(); };
    setup.loop_progress = [this] { return loop_->progress(); };
    if (cluster_) {
      setup.groups = [this] { return cluster_->views(); };
      setup.hand_over = [this](const operator_api::HandOverRequest& request,
                               std::function<void(Result<>)> done) {
        loop_->post([this, request, done] { done(hand_over(request)); });
      };
    }
    setup.intake_stopped = [this] { return disk_low_.load() || stopping_.load(); };
    setup.started = started_;
    backend_ = make_operator_backend(std::move(setup));
    auto audit = operator_api::AuditFile::open(settings_.node.audit_file());
    if (!audit) return audit.error();
    audit_ = std::move(audit).value();
    operator_api::ServerSettings server;
    server.address = settings_.node.operator_api.listen.address;
    server.port = settings_.node.operator_api.listen.port;
    auto started = operator_api::start_operator_api(
        server, std::move(tokens), *backend_,
        [this](const std::string& line) { return audit_->append(line); }, wall_now);
    if (!started) return started.error();
    server_ = std::move(started).value();
    telemetry_->add(http_source(server_->counters()));
    say("operator API on " + server_->url());
    return operator_api::announce(settings_.node.state_directory, server_->url(),
                                  settings_.node.token_file());
  }

  Result<> hand_over(const operator_api::HandOverRequest& request) {
    for (const auto& view : cluster_->views().groups)
      if (view.name == request.group)
        return request.fast ? cluster_->cut_over(view.group, request.to)
                            : cluster_->hand_over(view.group, request.to);
    return Error{ErrorCode::kNotFound,
                 "no group " + request.group + ": `holdfast groups` shows them"};
  }

  // ---- stopping

  /// SIGTERM: intake, venues, snapshots, tree, in this order and within the configured time.
  void stop() {
    if (leaving_ || stopping_) return;
    if (!cluster_) return begin_to_stop();
    // Others take over first, with everything level: clients find them without a refusal.
    leaving_ = true;
    say("stopping: handing over what is led here");
    cluster_->leave(Duration{settings_.node.shutdown.within.ns / 4}, [this] { begin_to_stop(); });
  }

  void begin_to_stop() {
    stopping_ = true;
    say("stopping: intake is closed");
    tell_intake();
    stop_by_ = loop_->now() + settings_.node.shutdown.within;
    loop_->at(stop_by_, [this] {
      say("stopping: time is up");
      loop_->stop();
    });
    if (settings_.node.shutdown.open_orders == settings::OpenOrdersAtStop::kCancel)
      cancel_open_orders();
    // Replies that are under way leave first; then the sessions end.
    loop_->at(loop_->now() + Duration::milliseconds(50), [this] { stop_venues(); });
  }

  /// Kills that operators have set stay in force for the next start.
  void cancel_open_orders() {
    for (uint32_t shard = 0; shard < settings_.node.shards; ++shard)
      if (auto manager = registry_->find(manager_path(shard)))
        anon_send(manager, CancelOpenOrders{});
  }

  void stop_venues() {
    stopper_ =
        stop_gateways(settings_, *registry_, system_->get(), *loop_, [this] { stop_tree(); });
  }

  void stop_tree() {
    if (!root_) return loop_->stop();
    send_shutdown(root_);  // root_down follows
  }

  void take_down() {
    if (server_) server_->stop();
    server_.reset();
    backend_.reset();
    if (exit_ == NodeExit::kStopped && stopping_ && snapshots_) snapshots_->make_all();
    if (telemetry_) telemetry_->close();
    if (cluster_) cluster_->close();
    if (loop_) loop_->close();
    root_ = watcher_ = stopper_ = nullptr;
    snapshots_.reset();
    mesh_.reset();
    telemetry_.reset();
    healing_.reset();
    cluster_.reset();
    system_.reset();
    appender_.reset();
    loop_.reset();
    journal_.reset();
    if (stopping_) say("stopped");
  }

  const settings::Settings& settings_;
  WallTime started_;
  std::vector<venues::SessionRules> rules_;
  std::vector<std::shared_ptr<venues::Fence>> fences_;
  std::vector<std::shared_ptr<orders::ShardMemory>> shard_memory_;
  std::shared_ptr<const ReferenceData> reference_;
  std::shared_ptr<const RiskLimits> limits_;
  std::shared_ptr<const RestrictedList> restricted_;
  ingress::Settings ingress_settings_;
  std::shared_ptr<uint16_t> ingress_port_ = std::make_shared<uint16_t>(0);
  const std::shared_ptr<const orders::ShardCodec> shard_codec_ =
      std::make_shared<orders::ShardCodec>();
  const std::shared_ptr<const venues::GatewayCodec> gateway_codec_ =
      std::make_shared<venues::GatewayCodec>();
  const std::shared_ptr<const orchestrator::OrchestratorCodec> codec_ =
      std::make_shared<orchestrator::OrchestratorCodec>();
  const std::shared_ptr<RefRegistry> registry_ = std::make_shared<RefRegistry>();

  std::unique_ptr<StateDirectory> directory_;
  std::unique_ptr<JournalRocksdb> journal_;
  std::unique_ptr<HotLoop> loop_;
  std::unique_ptr<ProgressFile> progress_;
  std::unique_ptr<JournalAppender> appender_;
  std::unique_ptr<SnapshotMaker> snapshots_;
  std::unique_ptr<ActorSystem> system_;
  std::shared_ptr<Mesh> mesh_;            // none: cluster.toml names no address for it
  std::unique_ptr<ClusterPart> cluster_;  // none: a node by itself
  std::vector<std::shared_ptr<telemetry::FlowMeter>> meters_;  // of the venues
  std::unique_ptr<TelemetryPart> telemetry_;
  const std::shared_ptr<TradingState> trading_ = std::make_shared<TradingState>();
  std::unique_ptr<HealingPart> healing_;
  std::mutex root_mutex_;  // the operator's actor asks for the root
  ActorHandle root_, watcher_, stopper_;
  std::unique_ptr<operator_api::OperatorBackend> backend_;
  std::unique_ptr<operator_api::AuditFile> audit_;
  std::unique_ptr<operator_api::Server> server_;

  std::atomic<bool> disk_low_{false},
      stopping_{false};  // written on the loop, read by the operator's actor
  bool leaving_ = false;
  MonoTime stop_by_;
  NodeExit exit_ = NodeExit::kStopped;
};

}  // namespace

NodeExit run_node(const settings::Settings& settings) {
  block_signals();
  return Node(settings).run();
}

}  // namespace holdfast::node
