#include "tests/simulation/cluster/process.hpp"

#include "supervision/replication/recovery.hpp"
#include "tests/simulation/cluster/parts.hpp"

namespace holdfast::cluster_simulation {

using namespace replication;

// ---- life

Process::Process(Surroundings& world, Node& node) : world_(world), node_(node) {}

Process::~Process() {
  shard_.reset();
  gateway_.reset();
}

void Process::start() {
  arbiter_ =
      std::make_unique<SimArbiter>(sim(), world_.arbiter, node_.id,
                                   [&sim = sim(), &node = node_, life = node_.life](
                                       Duration delay, std::function<void()> function) {
                                     sim.at(delay, [&node, life, function = std::move(function)] {
                                       node.enter(life, [function](Process&) { function(); });
                                     });
                                   });
  for (const GroupId group : kGroups) open(group);
  shard_ = std::make_unique<ShardPart>(*this);
  gateway_ = std::make_unique<GatewayPart>(*this);
  for (const GroupId group : kGroups) shell(group).start();
  shard_->start();
  gateway_->start();
}

void Process::open(GroupId group) {
  Group& g = groups_[place_of(group)];
  const Settings& settings = sim().settings();
  MemberSettings member;
  member.cluster = "sim";
  member.group = group;
  member.self.member = {node_.id};
  member.self.boot = uuid_of(settings.fsynced ? 0xffffff : node_.disk.boot);
  for (uint32_t id = 1; id <= 3; ++id)
    member.members.push_back({{id}, settings.learner && id == 3 ? Role::kLearner : Role::kSync});
  // Each group prefers another leader.
  if (group == kVenueGroup) std::swap(member.members[0], member.members[1]);
  member.unprotected = settings.halt ? Unprotected::kHalt : Unprotected::kContinue;
  auto journal = std::make_unique<SimJournal>(
      sim(), node_.disk, group, node_.id, settings.fsynced,
      SimJournal::Hooks{[this](Duration delay, std::function<void()> f) { later(delay, f); },
                        [] {}});
  g.journal = journal.get();
  GroupShellHooks hooks;
  hooks.now = [this] { return now(); };
  hooks.send = [this, group](MemberId to, const PeerMessage& message) {
    world_.send(node_.id, to.value, group, message);
  };
  hooks.victim = [this](const Incarnation& whom) -> std::optional<Victim> {
    return Victim{whom, static_cast<int32_t>(whom.member.value), world_.life_of(whom.member.value)};
  };
  hooks.fence = [this](const Incarnation& whom) { world_.fence(node_.id, whom); };
  hooks.cut_egress = [this, group] {
    if (group == kVenueGroup) gateway_->cut_egress();
  };
  hooks.changed = [this, group] { check_away(group); };
  hooks.renewed = [this] { later(us(1), [this] { world_.cut_links(node_.id); }); };
  hooks.report = [this, group](const std::string& line, bool alarm) {
    sim().say(node_.id, alarm ? "ALARM" : "says", group.value, 0, line);
    if (line.find("its replica threw") != std::string::npos) sim().fail(line);
    if (line.find("diverged") != std::string::npos) sim().fail(line);
  };
  g.shell = std::make_unique<GroupShell>(member, std::move(journal), *arbiter_, std::move(hooks));
  if (auto opened = g.shell->open(); !opened) sim().fail("a journal: " + opened.error().text);
}

std::vector<Incarnation> Process::incarnations() const {
  return {groups_[0].shell->incarnation(), groups_[1].shell->incarnation()};
}

MonoTime Process::now() const { return node_.now(); }
WallTime Process::wall() const { return node_.wall(); }
uint64_t Process::next_handle() { return node_.id * 1'000'000ull + ++node_.handles; }

void Process::later(Duration delay, std::function<void()> function) {
  sim().at(delay, [&node = node_, life = node_.life, function = std::move(function)] {
    node.enter(life, [function](Process&) { function(); });
  });
}

void Process::turn_end() {
  for (;;) {
    while (!deferred_.empty()) {
      const auto function = std::move(deferred_.front());
      deferred_.pop_front();
      function();
    }
    for (Group& group : groups_) group.journal->turn_end();
    if (deferred_.empty()) break;
  }
  for (const GroupId group : kGroups) note_committed(group);
}

/// What this member holds for committed goes into the history, once.
void Process::note_committed(GroupId group) {
  Group& g = groups_[place_of(group)];
  const GroupDisk& disk = node_.disk.group(group);
  if (g.noted < Index{1} && !disk.entries.empty())
    g.noted = {disk.entries.front().entry.index.value - 1};
  const Index upto = g.shell->member().released();
  while (g.noted < upto) {
    const Index next{g.noted.value + 1};
    const auto* stored = disk.find(next);
    if (stored == nullptr) {
      if (disk.snapshot && next <= disk.snapshot->at.index) {
        g.noted = disk.snapshot->at.index;
        continue;
      }
      return;
    }
    g.noted = next;
    world_.history.committed(group, next, hash_of(*stored->entry.bytes), node_.id);
  }
}

void Process::tick() {
  for (const GroupId group : kGroups) shell(group).tick();
}

template <typename C, typename Codec>
std::optional<Snapshot> made(GroupId group, const SimJournal& journal, Index upto) {
  static const Codec codec;
  auto snapshot = advance_snapshot<C>(group, journal, codec, upto);
  return snapshot && snapshot.value() ? std::move(snapshot.value()) : std::nullopt;
}

void Process::snapshot(GroupId group) {
  SimJournal& journal = this->journal(group);
  const Index upto = shell(group).committed();
  auto snapshot = group == kShardGroup
                      ? made<SimShardCore, ShardCodecInUse>(group, journal, upto)
                      : made<SimGatewayCore, GatewayCodecInUse>(group, journal, upto);
  if (snapshot) journal.keep(std::move(*snapshot));
}

// ---- peers

void Process::link_up(uint32_t peer, const std::vector<Incarnation>& incarnations) {
  linked_.insert(peer);
  for (std::size_t i = 0; i < 2; ++i) groups_[i].shell->link_up(incarnations[i]);
  for (const GroupId group : kGroups) check_away(group);
}

void Process::link_down(uint32_t peer, bool gone) {
  linked_.erase(peer);
  for (Group& group : groups_) group.shell->link_down({peer}, gone);
  for (const GroupId group : kGroups) check_away(group);
}

void Process::message(uint32_t from, GroupId group, PeerMessage message) {
  shell(group).message({from}, message);
}

// ---- between groups (nodes/node/cluster_actor.cpp)

namespace {
GroupId sender_of(const DeliveryMessage& message) {
  return std::visit(
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
}
}  // namespace

void Process::delivery(uint32_t from, DeliveryMessage message) {
  const GroupId to = std::visit(
      [](const auto& m) -> GroupId {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, GroupLeadsTo> || std::is_same_v<M, VenueStatusTo>)
          return m.to;
        else
          return m->to;
      },
      message);
  if (!shell(to).member().leads()) return;
  const GroupId sender = sender_of(message);
  check_away(sender);
  const Away& away = away_[place_of(sender)];
  if (away.handle == 0 || away.member != from) {
    sim().sometimes("a delivery came from who is not known to lead");
    return;
  }
  later(us(1), [this, to, sender = away.handle, message = std::move(message)] {
    hand(to, sender, message);
  });
}

void Process::hand(GroupId group, Handle from, const DeliveryMessage& message) {
  std::visit(
      [&](const auto& m) {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, VenueRequestDelivery>)
          gateway_->take(m);
        else if constexpr (std::is_same_v<M, VenueReportDelivery>)
          shard_->take(m);
        else if constexpr (std::is_same_v<M, VenueStatusTo>)
          shard_->take(m.status);
        else if (group == kShardGroup)
          shard_->take(m.leads, from);
        else
          gateway_->take(m.leads, from);
      },
      message);
}

void Process::check_away(GroupId group) {
  if (!shard_ || !gateway_) return;
  const Member& member = shell(group).member();
  const auto leader = member.leads() ? std::nullopt : member.leader();
  const bool there = leader && leader->value != node_.id && linked_.contains(leader->value);
  Away& away = away_[place_of(group)];
  if (away.handle != 0) {
    if (there && away.member == leader->value && away.epoch == member.epoch()) return;
    drop_away(group);
  }
  if (there) away = {leader->value, member.epoch(), next_handle()};
}

void Process::drop_away(GroupId group) {
  const Handle handle = std::exchange(away_[place_of(group)].handle, 0);
  if (handle != 0) later(us(2), [this, group, handle] { gone(group, handle); });
}

void Process::gone(GroupId group, Handle handle) {
  group == kShardGroup ? gateway_->gone(handle) : shard_->gone(handle);
}

void Process::part_ended(GroupId group) {
  const Handle handle = group == kShardGroup ? shard_->handle() : gateway_->handle();
  later(us(2), [this, group, handle] { gone(group, handle); });
}

Handle Process::find(GroupId group) {
  if (shell(group).member().leads())
    return group == kShardGroup ? shard_->handle() : gateway_->handle();
  return away_[place_of(group)].handle;
}

void Process::send(GroupId from, Handle to, DeliveryMessage message) {
  const GroupId target = from == kShardGroup ? kVenueGroup : kShardGroup;
  const Away& away = away_[place_of(target)];
  if (to != 0 && to == away.handle) return world_.deliver(node_.id, away.member, message);
  const Handle here = target == kShardGroup ? shard_->handle() : gateway_->handle();
  if (to == 0 || to != here) return;
  const Handle sender = from == kShardGroup ? shard_->handle() : gateway_->handle();
  later(us(1), [this, target, to, sender, message = std::move(message)] {
    const Handle still = target == kShardGroup ? shard_->handle() : gateway_->handle();
    if (still == to) hand(target, sender, message);
  });
}

}  // namespace holdfast::cluster_simulation
