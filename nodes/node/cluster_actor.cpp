#include "nodes/node/cluster_actor.hpp"

#include <chrono>
#include <fstream>
#include <thread>

#include "nodes/node/setup_linux.hpp"
#include "nodes/node/snapshot_trigger_linux.hpp"
#include "supervision/replication/arbiter/embedded_linux.hpp"
#include "supervision/replication/arbiter/etcd_etcd.hpp"
#include "supervision/replication/journal/member_journal_rocksdb.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::node {

using namespace replication;

namespace {
constexpr Duration kTick = Duration::milliseconds(5);
constexpr Duration kPublish = Duration::milliseconds(100);
constexpr uint64_t kTellEvery = 256;     // committed entries, to the snapshot maker
constexpr uint64_t kLongReplay = 2'000;  // entries: the next start shall not do that again

/// What the process acknowledged in memory survives it, not the host: an incarnation lives as long
/// as the host's kernel. What was fsynced survives both.
Result<Uuid> boot_id(Durability durability) {
  if (durability == Durability::kFsynced) {
    Uuid any;
    any.bytes.fill(0xff);
    return any;
  }
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string text;
  if (!std::getline(file, text))
    return Error{ErrorCode::kUnavailable, "can't read /proc/sys/kernel/random/boot_id"};
  return parse_uuid(text);
}
}  // namespace

/// Stands for the leader of a group on another node: what it is sent goes over the connection. It
/// ends when the leader changes or its node is lost, so that whoever watches it looks again.
class ClusterPart::StandIn final : public LoopActor {
 public:
  StandIn(ActorConfig& config, Links& links, MemberId member, GroupId group)
      : LoopActor(config), links_(&links), member_(member), group_(group) {}
  Behavior make_behavior() override {
    return {
        [this](const VenueRequestDelivery& m) { pass(m); },
        [this](const VenueReportDelivery& m) { pass(m); },
        [this](const GroupLeads& m) {
          pass(GroupLeadsTo{group_, m});
        },
        [this](const VenueStatus& m) {
          pass(VenueStatusTo{group_, m});
        },
    };
  }
  const char* name() const override { return "stand-in"; }
  void end() {
    links_ = nullptr;
    post([this] { quit(error_text("its leader is elsewhere now")); });
  }
  /// Sends as this actor, so that answers come to it.
  template <typename M>
  void tell(const ActorHandle& to, M message) {
    post([this, to, message = std::move(message)] { send(to, message); });
  }

 private:
  void pass(const DeliveryMessage& message) {
    if (links_) links_->send(member_, message);
  }
  Links* links_;
  MemberId member_;
  GroupId group_;
};

ClusterPart::ClusterPart(const settings::Settings& settings, JournalRocksdb& journal,
                         JournalAppender& appender, EventLoop& loop, caf::actor_system& system,
                         std::vector<GroupId> groups, Hooks hooks)
    : settings_(settings),
      journal_(journal),
      appender_(appender),
      loop_(loop),
      system_(system),
      groups_(std::move(groups)),
      hooks_(std::move(hooks)),
      meter_(settings.cluster->limits.beat) {}

ClusterPart::~ClusterPart() {
  close();
  if (sentry_.joinable()) sentry_.join();
}

// ---- opening

MemberSettings ClusterPart::member_settings(GroupId group) const {
  const auto& cluster = *settings_.cluster;
  MemberSettings member;
  member.cluster = cluster.name;
  member.group = group;
  member.self.member = self_->id;
  member.members = cluster.members_of(group);
  member.unprotected = cluster.unprotected_of(group);
  member.beat = cluster.limits.beat;
  member.egress_hold = cluster.limits.egress_hold;
  member.eject = cluster.limits.eject;
  member.suspect = cluster.limits.suspect;
  return member;
}

Result<Arbiter*> ClusterPart::arbiter_of(const Incarnation& self) {
  const auto& cluster = *settings_.cluster;
  if (cluster.etcd && !arbiters_.empty()) return arbiters_.front().get();
  const auto post = [this, alive = std::weak_ptr<bool>(alive_)](std::function<void()> function) {
    loop_.post([alive, function = std::move(function)] {
      if (!alive.expired()) function();
    });
  };
  if (!cluster.etcd) {
    EmbeddedSettings embedded;
    embedded.directory = cluster.arbiter_directory;
    embedded.cluster = cluster.name;
    embedded.self = self;
    auto opened = open_embedded_arbiter(std::move(embedded), post);
    if (!opened) return opened.error();
    arbiters_.push_back(std::move(opened).value());
    return arbiters_.back().get();
  }
  EtcdSettings etcd;
  etcd.endpoints = cluster.etcd->endpoints;
  etcd.cluster = cluster.name;
  etcd.ca_file = cluster.etcd->ca;
  etcd.certificate_file = cluster.etcd->certificate;
  etcd.key_file = cluster.etcd->key;
  etcd.user = cluster.etcd->user;
  if (!cluster.etcd->password_file.empty()) {
    std::ifstream file(cluster.etcd->password_file);
    if (!std::getline(file, etcd.password))
      return Error{ErrorCode::kInvalid,
                   "can't read the password of etcd from " + cluster.etcd->password_file};
  }
  auto opened = open_etcd_arbiter(std::move(etcd), post);
  if (!opened) return opened.error();
  arbiters_.push_back(std::move(opened).value());
  return arbiters_.back().get();
}

Result<> ClusterPart::open() {
  const auto& cluster = *settings_.cluster;
  self_ = cluster.find(settings_.node.name);
  if (!self_)
    return Error{ErrorCode::kInvalid, "cluster.toml has no member named " + settings_.node.name};
  const auto boot = boot_id(settings_.node.journal.durability);
  if (!boot) return boot.error();
  background_ = std::make_unique<Background>(
      [this, alive = std::weak_ptr<bool>(alive_)](std::function<void()> function) {
        loop_.post([alive, function = std::move(function)] {
          if (!alive.expired()) function();
        });
      });
  for (const GroupId group : groups_) {
    MemberSettings member = member_settings(group);
    member.self.boot = boot.value();
    GroupShellHooks hooks;
    hooks.now = [this] { return loop_.now(); };
    hooks.send = [this, group](MemberId to, const PeerMessage& message) {
      links_->send(to, group, message);
    };
    hooks.victim = [this](const Incarnation& whom) { return victim(whom); };
    hooks.cut_egress = [this, group] { hooks_.cut_egress(group); };
    hooks.changed = [this, group] {
      check_away(group);
      publish();
      hooks_.changed(group);
    };
    // Peers take incarnations from the hello: it has to be said again.
    hooks.renewed = [this] {
      loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
        if (alive.expired() || !links_) return;
        for (const auto& member : settings_.cluster->members)
          if (member.id != self_->id && links_->linked(member.id)) links_->cut(member.id);
      });
    };
    hooks.report = [this, group](const std::string& line, bool alarm) {
      hooks_.say("group " + hooks_.name(group) + ": " + line + (alarm ? " ALARM" : ""));
    };
    hooks.away = [this](Background::Work work, Background::Done done) {
      if (background_) background_->run(std::move(work), std::move(done));
    };
    hooks.replayed = [this, group](uint64_t entries) {
      if (entries >= kLongReplay) hooks_.committed(group, shells_.at(group)->committed(), true);
    };
    auto journal =
        make_member_journal(journal_, appender_, group, settings_.node.journal.durability);
    const auto data_dir = journal->data_dir();
    if (!data_dir) return data_dir.error();
    member.self.data_dir = data_dir.value();
    auto arbiter = arbiter_of(member.self);
    if (!arbiter) return arbiter.error();
    auto shell = std::make_unique<GroupShell>(std::move(member), std::move(journal),
                                              *arbiter.value(), std::move(hooks));
    if (auto ready = shell->open(); !ready) return ready;
    shells_[group] = std::move(shell);
  }
  LinkSettings links;
  links.cluster = cluster.name;
  links.self = self_->id;
  links.listen_host = self_->replication.address;
  links.listen_port = self_->replication.port;
  for (const auto& member : cluster.members)
    if (member.id != self_->id)
      links.peers.push_back(
          {member.id, member.replication.address, member.replication.port, member.name});
  links.hello = [this] { return hello(); };
  if (cluster.tls) links.tls = {cluster.tls->certificate, cluster.tls->key, cluster.tls->ca};
  Links::Hooks hooks;
  hooks.up = [this](MemberId member, const Hello& hello) { peer_up(member, hello); };
  hooks.down = [this](MemberId member, bool gone) {
    meter_.relinked(member);
    for (auto& [group, shell] : shells_) shell->link_down(member, gone);
    for (const GroupId group : groups_) check_away(group);
  };
  hooks.message = [this](MemberId from, GroupId group, PeerMessage&& message) {
    meter_.heard(from, message, loop_.turn_time());
    const auto found = shells_.find(group);
    if (found != shells_.end()) found->second->message(from, message);
  };
  hooks.delivery = [this](MemberId from, DeliveryMessage&& message) {
    delivery(from, std::move(message));
  };
  hooks.report = [this](const std::string& line, bool alarm) {
    hooks_.say("links: " + line + (alarm ? " ALARM" : ""));
  };
  links_ = std::make_unique<Links>(loop_, std::move(links), std::move(hooks));
  return success();
}

void ClusterPart::start() {
  auto port = links_->start();
  if (!port) {
    hooks_.say("links: " + port.error().text + " ALARM");
    return;
  }
  for (auto& [group, shell] : shells_) shell->start();
  tick();
  sentry_ = std::thread([this] { watch_over(); });
}

Hello ClusterPart::hello() const {
  Hello hello;
  hello.order_entry = settings::to_text(self_->order_entry);
  for (const auto& [group, shell] : shells_) hello.groups.push_back({group, shell->incarnation()});
  return hello;
}

// ---- peers

void ClusterPart::peer_up(MemberId member, const Hello& hello) {
  hellos_[member] = hello;
  for (const HelloGroup& group : hello.groups) {
    const auto found = shells_.find(group.group);
    if (found != shells_.end() && group.incarnation.member == member)
      found->second->link_up(group.incarnation, hello.entry_format);
  }
  for (const GroupId group : groups_) check_away(group);
}

/// The process behind an incarnation, when it is on this machine.
std::optional<Victim> ClusterPart::victim(const Incarnation& whom) const {
  const auto found = hellos_.find(whom.member);
  if (found == hellos_.end() || found->second.pid <= 0) return std::nullopt;
  const auto* member = settings_.cluster->find(whom.member);
  if (!member || !member->replication.address.starts_with("127.")) return std::nullopt;
  for (const HelloGroup& group : found->second.groups)
    if (group.incarnation == whom)
      return Victim{whom, found->second.pid, found->second.process_start};
  return std::nullopt;
}

void ClusterPart::delivery(MemberId from, DeliveryMessage&& message) {
  const GroupId to = addressee(message);
  if (!leads(to)) return;  // it comes again to whoever does
  const ActorHandle local = hooks_.local(to);
  if (!local) return;
  const GroupId sender = std::visit(
      [](const auto& m) -> GroupId {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, GroupLeadsTo>)
          return m.leads.group;
        else if constexpr (std::is_same_v<M, VenueStatusTo>)
          return m.status.group;
        else
          return m->from;
      },
      message);
  check_away(sender);
  const auto away = away_.find(sender);
  if (away == away_.end() || away->second.member != from) return;  // not its leader, by our record
  StandIn* stand_in = away->second.raw;
  std::visit(
      [&](auto&& m) {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, GroupLeadsTo>)
          stand_in->tell(local, m.leads);
        else if constexpr (std::is_same_v<M, VenueStatusTo>)
          stand_in->tell(local, m.status);
        else
          stand_in->tell(local, m);
      },
      std::move(message));
}

/// Makes or ends the stand-in of a group, as the record and the connections say.
void ClusterPart::check_away(GroupId group) {
  if (closed_) return;
  const auto found = shells_.find(group);
  if (found == shells_.end()) return;
  const Member& member = found->second->member();
  const auto leader = member.leads() ? std::nullopt : member.leader();
  const bool there = leader && *leader != self_->id && links_->linked(*leader);
  const auto away = away_.find(group);
  if (away != away_.end()) {
    if (there && away->second.member == *leader && away->second.epoch == member.epoch()) return;
    drop_away(group);
  }
  if (!there) return;
  auto actor = spawn_on<StandIn>(system_, loop_, *links_, *leader, group);
  auto handle = caf::actor_cast<ActorHandle>(actor);
  auto* raw = static_cast<StandIn*>(caf::actor_cast<caf::abstract_actor*>(handle));
  away_[group] = {*leader, member.epoch(), std::move(handle), raw};
}

void ClusterPart::drop_away(GroupId group) {
  const auto away = away_.find(group);
  if (away == away_.end()) return;
  away->second.raw->end();
  away_.erase(away);
}

// ---- what the node asks

std::unique_ptr<Log> ClusterPart::log(GroupId group) { return shells_.at(group)->log(); }
Index ClusterPart::committed(GroupId group) const { return shells_.at(group)->committed(); }
Index ClusterPart::needed(GroupId group) const { return shells_.at(group)->needed(); }
bool ClusterPart::leads(GroupId group) const {
  const auto found = shells_.find(group);
  return found != shells_.end() && found->second->member().leads();
}

ActorHandle ClusterPart::find(GroupId group) {
  if (leads(group)) return hooks_.local(group);
  const auto away = away_.find(group);
  return away == away_.end() ? nullptr : away->second.actor;
}

std::string ClusterPart::order_entry_of_leader(GroupId group) const {
  const auto found = shells_.find(group);
  if (found == shells_.end()) return {};
  const auto leader = found->second->member().leader();
  if (!leader || *leader == self_->id) return {};
  const auto* member = settings_.cluster->find(*leader);
  return member ? settings::to_text(member->order_entry) : std::string();
}

Result<> ClusterPart::hand_over(GroupId group, const std::string& to) {
  const auto* member = settings_.cluster->find(to);
  if (!member) return Error{ErrorCode::kNotFound, "cluster.toml has no member named " + to};
  const auto found = shells_.find(group);
  if (found == shells_.end()) return Error{ErrorCode::kNotFound, "no such group"};
  auto begun = found->second->hand_over(member->id);
  publish();
  return begun;
}

Result<> ClusterPart::cut_over(GroupId group, const std::string& to) {
  if (to != self_->name)
    return Error{ErrorCode::kConflict, "a fast cut is begun by who takes over: ask the node of " +
                                           to + " (--url or --state-dir), this one is " +
                                           self_->name};
  const auto found = shells_.find(group);
  if (found == shells_.end()) return Error{ErrorCode::kNotFound, "no such group"};
  return found->second->cut_over();
}

Result<> ClusterPart::force(GroupId group) {
  const auto found = shells_.find(group);
  if (found == shells_.end()) return Error{ErrorCode::kNotFound, "no such group"};
  return found->second->force();
}

operator_api::ReplicaGroupsView ClusterPart::views() const {
  const std::lock_guard lock(views_mutex_);
  return views_;
}

void ClusterPart::publish() {
  published_ = loop_.now();
  const auto name_of = [this](MemberId id) {
    const auto* member = settings_.cluster->find(id);
    return member ? member->name : std::to_string(id.value);
  };
  operator_api::ReplicaGroupsView views;
  views.member = self_->name;
  for (const auto& [group, shell] : shells_) {
    const Member& member = shell->member();
    operator_api::ReplicaGroupView view;
    view.group = group;
    view.name = hooks_.name(group);
    view.state = to_text(member.state());
    view.epoch = member.epoch();
    if (member.leader()) view.leader = name_of(*member.leader());
    if (member.record())
      for (const Incarnation& i : member.record()->in_sync)
        view.in_sync.push_back(name_of(i.member));
    if (member.record()) view.format = member.record()->format;
    view.last = member.last();
    view.committed = member.committed();
    view.unprotected = member.unprotected();
    view.parked = member.parked();
    if (member.leads() && member.last() > member.released())
      view.entries_in_flight = member.last().value - member.released().value;
    if (const auto to = member.hand_over_to()) {
      view.hand_over_to = name_of(*to);
      view.hand_over_left = std::max(Duration{}, member.hand_over_by() - loop_.now());
    }
    const MemberCounters& counters = member.counters();
    const auto hash = shell->state_hash();
    view.state_hash_at = hash.index;
    view.state_hash = hash.digest;
    view.egress_held = counters.egress_held;
    view.egress_refused = counters.egress_refused;
    view.window_full = counters.window_full;
    view.stale_acks = counters.stale_acks;
    view.stale_epochs = counters.stale_epochs;
    view.ejected = counters.ejected;
    for (const PeerView& peer : member.peers())
      view.peers.push_back(
          {name_of(peer.member), peer.linked, peer.streaming, peer.in_sync, peer.acknowledged});
    views.groups.push_back(std::move(view));
  }
  const std::lock_guard lock(views_mutex_);
  views_ = std::move(views);
}

// ---- time

void ClusterPart::tick() {
  if (closed_) return;
  seen_.store(loop_.now().ns, std::memory_order_relaxed);
  if (loop_.now() - published_ >= kPublish) publish();
  for (auto& [group, shell] : shells_) {
    shell->tick();
    const Index committed = shell->member().released();
    Told& told = told_[group];
    const bool due = shell->bytes() - told.bytes >= kReplayBytesMax;
    if (due || committed.value >= told.committed.value + kTellEvery) {
      told.committed = committed;
      if (due) told.bytes = shell->bytes();
      hooks_.committed(group, committed, due);
    }
  }
  if (sentry_cut_.load(std::memory_order_acquire)) {
    bool all = true;
    for (auto& [group, shell] : shells_) {
      if (!shell->member().leads()) continue;
      if (shell->member().confirmed(loop_.now()))
        hooks_.lift_egress(group);
      else
        all = false;
    }
    if (all) sentry_cut_.store(false, std::memory_order_release);
  }
  if (leaving_) {
    bool led = false;
    for (auto& [group, shell] : shells_) led |= shell->member().leads();
    if (!led || loop_.now() > leave_by_) {
      for (auto& [group, shell] : shells_) shell->resign();
      leaving_ = false;
      if (left_) std::exchange(left_, nullptr)();
    }
  }
  loop_.at(loop_.now() + kTick, [this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) tick();
  });
}

void ClusterPart::leave(Duration within, std::function<void()> done) {
  left_ = std::move(done);
  leaving_ = true;
  leave_by_ = loop_.now() + within;
  for (auto& [group, shell] : shells_) {
    if (!shell->member().leads()) continue;
    for (const PeerView& peer : shell->member().peers())
      if (peer.in_sync && peer.linked && !peer.rebuilding && shell->hand_over(peer.member).ok())
        break;
  }
}

/// A loop that does not come by may have lost its groups without knowing: nothing of it reaches a
/// venue any more. (A connection that was cut without need is made again.)
void ClusterPart::watch_over() {
  const Duration limit = settings_.cluster->limits.suspect;
  bool cut = false;
  while (!sentry_stop_.load(std::memory_order_relaxed)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t age = static_cast<int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec -
                        seen_.load(std::memory_order_relaxed);
    const bool late = age > limit.ns;
    if (late && !cut) {
      for (const GroupId group : groups_) hooks_.cut_egress(group);
      sentry_cut_.store(true, std::memory_order_release);
    }
    cut = late;
  }
}

void ClusterPart::close() {
  if (std::exchange(closed_, true)) return;
  sentry_stop_.store(true, std::memory_order_relaxed);
  for (const GroupId group : groups_) drop_away(group);
  background_.reset();
  links_.reset();
}

}  // namespace holdfast::node
