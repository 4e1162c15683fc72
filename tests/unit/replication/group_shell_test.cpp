// Three shells of one group on a fake arbiter and fake journals, messages carried by hand: the
// replica behind a shell leads, follows, is deposed and rebuilt, and nothing is released that the
// others do not hold.
#include "supervision/replication/group_shell.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "supervision/replication/replica_host.hpp"
#include "tests/unit/replication/ledger_core.hpp"

namespace holdfast::replication::testing {
namespace {

constexpr GroupId kGroup{7};

Uuid uuid(uint8_t value) {
  Uuid out;
  out.bytes.fill(value);
  return out;
}

/// One record, compare-and-set, answers in the next turn.
class FakeArbiter final : public Arbiter {
 public:
  using Arbiter::compare_and_set;
  explicit FakeArbiter(std::deque<std::function<void()>>& turn) : turn_(turn) {}
  void read(GroupId, ReadCallback done) override {
    turn_.push_back([this, done] { done(record); });
  }
  void compare_and_set(const GroupRecord& proposed, uint64_t expected, std::optional<Victim>,
                       CasCallback done) override {
    turn_.push_back([this, proposed, expected, done] {
      CasResult result;
      const bool won = (record ? record->version : 0) == expected;
      if (won) {
        record = proposed;
        for (const auto& changed : watchers_) changed(proposed);
      }
      result.outcome = won ? CasOutcome::kWon : CasOutcome::kLost;
      result.current = record;
      done(result);
    });
  }
  void watch(GroupId, WatchCallback changed) override { watchers_.push_back(changed); }
  void unwatch(GroupId) override {}
  bool fences() const override { return false; }
  ArbiterStats stats() const override { return {}; }
  std::optional<GroupRecord> record;

 private:
  std::deque<std::function<void()>>& turn_;
  std::vector<WatchCallback> watchers_;
};

/// What survives a node's end.
struct Disk {
  std::map<uint64_t, EntryRef> entries;
  std::optional<Snapshot> snapshot;
  Epoch epoch;
  uint8_t directory = 1;
};

class FakeJournal final : public MemberJournal {
 public:
  explicit FakeJournal(Disk& disk) : disk_(disk) {}
  Result<Persisted> load() override {
    Persisted persisted;
    persisted.epoch_seen = disk_.epoch;
    for (const auto& [index, entry] : disk_.entries) {
      persisted.history.note(entry.epoch, entry.index);
      persisted.last = entry.index;
    }
    return persisted;
  }
  Result<Uuid> data_dir() override { return uuid(disk_.directory); }
  void append(const EntryRef& entry) override { batch_.push_back(entry); }
  void flush() override {
    if (batch_.empty()) return;
    for (const EntryRef& entry : batch_) disk_.entries[entry.index.value] = entry;
    const Index last = batch_.back().index;
    batch_.clear();
    if (persisted_) persisted_(last);
  }
  void on_persisted(std::function<void(Index)> callback) override { persisted_ = callback; }
  void on_failed(std::function<void(const Error&)>) override {}
  Result<> put_epoch(Epoch epoch) override {
    disk_.epoch = epoch;
    return success();
  }
  Result<> truncate(Index last) override {
    flush();
    disk_.entries.erase(disk_.entries.upper_bound(last.value), disk_.entries.end());
    return success();
  }
  Result<> install(const Snapshot& snapshot) override {
    disk_.snapshot = snapshot;
    disk_.entries.clear();
    return success();
  }
  Result<> wipe() override {
    batch_.clear();
    disk_ = {{}, {}, {}, static_cast<uint8_t>(disk_.directory + 100)};
    return success();
  }
  Result<> fsync_all(bool) override { return success(); }
  Result<std::optional<std::vector<EntryRef>>> read_some(Index from, std::size_t) override {
    std::vector<EntryRef> entries;
    for (auto it = disk_.entries.lower_bound(from.value); it != disk_.entries.end(); ++it)
      entries.push_back(it->second);
    return std::optional(entries);
  }
  Result<peer::SnapshotPart> snapshot_part(uint64_t) override { return peer::SnapshotPart{}; }
  Result<std::optional<Snapshot>> latest_snapshot() const override { return disk_.snapshot; }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    for (auto it = disk_.entries.lower_bound(from.value); it != disk_.entries.end(); ++it)
      if (auto visited = visit({it->first}, *it->second.bytes); !visited) return visited;
    return success();
  }
  Durability durability() const override { return Durability::kMemory; }

 private:
  Disk& disk_;
  std::vector<EntryRef> batch_;
  std::function<void(Index)> persisted_;
};

using Effect = LedgerCore::Effect;
using Host = ReplicaHost<LedgerCore>;

struct Cluster;

/// A node: a shell, and the replica that stands behind its log.
struct Node {
  MemberId id;
  Disk disk;
  FakeJournal* journal = nullptr;
  std::unique_ptr<GroupShell> shell;
  std::unique_ptr<Log> log;
  std::unique_ptr<Host> host;
  std::vector<Effect> released;
  bool cut = false, throws_when_deposed = false;
  int rebuilt = 0;
  uint16_t format = kEntryFormat;  // that its build knows
};

struct Cluster {
  std::deque<std::function<void()>> turn;
  FakeArbiter arbiter{turn};
  LedgerCodec codec;
  MonoTime now{1'000'000'000'000};
  std::array<Node, 3> nodes;
  std::set<std::pair<uint32_t, uint32_t>> silent;  // from, to: what is said does not arrive

  /// `format`: that the third member's build knows.
  explicit Cluster(uint16_t format = kEntryFormat) {
    nodes[2].format = format;
    for (uint32_t i = 0; i < 3; ++i) {
      nodes[i].id = {i + 1};
      nodes[i].disk.directory = static_cast<uint8_t>(i + 1);
      boot(nodes[i]);
    }
    run(Duration::milliseconds(100));
  }
  ~Cluster() {
    turn.clear();
    for (Node& node : nodes) end(node);
  }

  void boot(Node& node) {
    MemberSettings settings;
    settings.cluster = "test";
    settings.group = kGroup;
    settings.self = {node.id, {}, uuid(9)};
    settings.members = {{{1}, Role::kSync}, {{2}, Role::kSync}, {{3}, Role::kSync}};
    settings.format = node.format;
    GroupShellHooks hooks;
    hooks.now = [this] { return now; };
    hooks.send = [this, &node](MemberId to, const PeerMessage& message) {
      if (silent.contains({node.id.value, to.value})) return;
      turn.push_back([this, &node, to, message] {
        Node& other = nodes[to.value - 1];
        if (other.shell && node.shell) other.shell->message(node.id, message);
      });
    };
    hooks.cut_egress = [&node] { node.cut = true; };
    hooks.renewed = [this, &node] { turn.push_back([this, &node] { connect(node); }); };
    hooks.report = [](const std::string&, bool) {};
    auto journal = std::make_unique<FakeJournal>(node.disk);
    node.journal = journal.get();
    node.shell = std::make_unique<GroupShell>(settings, std::move(journal), arbiter, hooks);
    ASSERT_TRUE(node.shell->open().ok());
    spawn(node);
    node.shell->start();
    connect(node);
  }
  void connect(Node& node) {
    for (Node& other : nodes) {
      if (!other.shell || other.id == node.id) continue;
      other.shell->link_up(node.shell->incarnation(), node.format);
      node.shell->link_up(other.shell->incarnation(), other.format);
    }
  }
  /// The replica's actor starts; when it is deposed it is started again.
  void spawn(Node& node) {
    const auto again = [this, &node] {
      turn.push_back([this, &node] {
        node.rebuilt += 1;
        if (node.shell) spawn(node);
      });
    };
    node.host.reset();
    node.log = node.shell->log();
    node.host = std::make_unique<Host>(
        kGroup, *node.log, codec,
        Host::Hooks{[] { return WallTime{5}; },
                    [this](std::function<void()> f) { turn.push_back(std::move(f)); },
                    [&node](Committed<Effect>&& effect) { node.released.push_back(*effect); },
                    [again](const Error&) { again(); },
                    {},
                    [again, &node](const std::string&) {
                      if (node.throws_when_deposed) throw std::runtime_error("a bug");
                      again();
                    },
                    {}});
    ASSERT_TRUE(node.host->recover().ok());
    ASSERT_TRUE(node.host->join().ok());
  }
  void end(Node& node) {
    node.host.reset();
    node.log.reset();
    node.shell.reset();
  }
  void kill(Node& node) {
    end(node);
    for (Node& other : nodes)
      if (other.shell) other.shell->link_down(node.id, true);
  }
  /// Turns until nothing is left to do, then time, again and again.
  void run(Duration time) {
    for (const MonoTime until = now + time; now < until;) {
      settle();
      now = now + Duration::milliseconds(5);
      for (Node& node : nodes)
        if (node.shell) node.shell->tick();
    }
    settle();
  }
  void settle() {
    for (int i = 0; i < 100'000 && !turn.empty(); ++i) {
      auto next = std::move(turn.front());
      turn.pop_front();
      next();
      if (turn.empty())
        for (Node& node : nodes)
          if (node.shell) node.journal->flush();
    }
  }
  Node* leader() {
    for (Node& node : nodes)
      if (node.shell && node.shell->member().state() == MemberState::kServing) return &node;
    return nullptr;
  }
};

TEST(GroupShell, OneLeadsAndTheOthersFollowLive) {
  Cluster cluster;
  Node* leader = cluster.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(leader->id, MemberId{1});
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  ASSERT_EQ(leader->released.size(), 2u);
  for (Node& node : cluster.nodes) EXPECT_EQ(node.host->state().sum, 10);
  EXPECT_TRUE(cluster.nodes[1].released.empty());
}

TEST(GroupShell, NothingIsReleasedThatAnInSyncMemberDoesNotHold) {
  Cluster cluster;
  Node* leader = cluster.leader();
  cluster.silent = {{1, 3}};
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(50));
  EXPECT_TRUE(leader->released.empty());
  cluster.run(Duration::milliseconds(300));  // member 3 is put out of the set
  EXPECT_EQ(leader->released.size(), 2u);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 2u);
}

EntryHeader header_at(const Node& node, Index index) {
  return decode_entry(*node.disk.entries.at(index.value).bytes).value().header;
}

TEST(GroupShell, TheLowestFormatIsWrittenUntilAllMembersKnowMore) {
  Cluster mixed{kEntryFormatLowest};
  Node* leader = mixed.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(mixed.arbiter.record->format, kEntryFormatLowest);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  mixed.run(Duration::milliseconds(30));
  for (const Node& node : mixed.nodes)
    EXPECT_EQ(header_at(node, node.shell->member().last()).format, kEntryFormatLowest);
  // The last member is upgraded: the leader says so by an entry, and all that follow are newer.
  mixed.kill(mixed.nodes[2]);
  mixed.nodes[2].format = kEntryFormat;
  mixed.boot(mixed.nodes[2]);
  mixed.run(Duration::milliseconds(500));
  leader = mixed.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(mixed.arbiter.record->format, kEntryFormat);
  const Index raised = leader->shell->member().last();
  leader->host->submit({LedgerCore::Command::kDeposit, 2, 5});
  mixed.run(Duration::milliseconds(30));
  for (const Node& node : mixed.nodes) {
    EXPECT_TRUE(header_at(node, raised).raises);
    EXPECT_EQ(header_at(node, raised).format, kEntryFormat);
    EXPECT_EQ(header_at(node, {raised.value - 1}).format, kEntryFormatLowest);
    EXPECT_EQ(header_at(node, {raised.value + 1}).format, kEntryFormat);
    EXPECT_FALSE(header_at(node, {raised.value + 1}).raises);
    EXPECT_EQ(node.host->state().sum, 15);
  }
  // A successor goes on with what the record says.
  mixed.kill(*leader);
  mixed.run(Duration::milliseconds(100));
  leader = mixed.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(header_at(*leader, leader->shell->member().last()).format, kEntryFormat);
}

TEST(GroupShell, ABuildThatDoesNotKnowTheFormatTakesNoPart) {
  Cluster cluster;
  ASSERT_EQ(cluster.arbiter.record->format, kEntryFormat);
  Node& node = cluster.nodes[2];
  cluster.kill(node);
  node.format = kEntryFormatLowest;
  cluster.boot(node);
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(node.shell->member().state(), MemberState::kFailed);
  EXPECT_GT(node.shell->member().counters().records_refused, 0u);
  Node* leader = cluster.leader();
  ASSERT_NE(leader, nullptr);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(300));
  EXPECT_FALSE(leader->released.empty());
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 2u);
}

TEST(GroupShell, AStandbyGoesOnAndOwesWhatWasOutstanding) {
  Cluster cluster;
  Node& old = *cluster.leader();
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  cluster.kill(old);
  cluster.run(Duration::milliseconds(50));
  Node* leader = cluster.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_NE(leader->id, old.id);
  ASSERT_EQ(leader->released.size(), 1u);  // the delivery that nobody acknowledged, again
  EXPECT_EQ(leader->released[0].kind, Effect::kDeliver);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 99});  // the client asks again
  leader->host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(30));
  EXPECT_EQ(leader->host->state().sum, 15);
  EXPECT_TRUE(leader->released[1].duplicate);
  // The dead one comes back, catches up and is in sync again.
  cluster.boot(old);
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(old.host->state().sum, 15);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, WhoIsSupersededDropsWhatItDecidedAlone) {
  Cluster cluster;
  Node& old = *cluster.leader();
  cluster.silent = {{1, 2}, {1, 3}, {2, 1}, {3, 1}};
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  // The others take over; the old one hears nothing of it until the network is mended.
  for (Node& node : cluster.nodes)
    if (node.id != old.id) node.shell->link_down(old.id, true);
  cluster.run(Duration::milliseconds(50));
  Node* leader = nullptr;
  for (Node& node : cluster.nodes)
    if (node.id != old.id && node.shell->member().leads()) leader = &node;
  ASSERT_NE(leader, nullptr);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 77});
  cluster.run(Duration::milliseconds(20));
  EXPECT_TRUE(old.released.empty());
  cluster.silent.clear();
  for (Node& node : cluster.nodes)
    if (node.id != old.id) {
      node.shell->link_up(old.shell->incarnation());
      old.shell->link_up(node.shell->incarnation());
    }
  cluster.run(Duration::milliseconds(500));
  EXPECT_TRUE(old.cut);
  EXPECT_EQ(old.rebuilt, 1);
  EXPECT_TRUE(old.released.empty());
  EXPECT_EQ(old.host->state().deposits.at(1), 77);
  EXPECT_EQ(old.host->state().sum, leader->host->state().sum);
}

TEST(GroupShell, AReplicaThatDiedLeadsAgainUnderANewEpoch) {
  Cluster cluster;
  Node& node = *cluster.leader();
  node.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  const Epoch before = node.shell->member().epoch();
  cluster.spawn(node);  // what a supervisor does
  cluster.run(Duration::milliseconds(50));
  EXPECT_EQ(cluster.leader(), &node);
  EXPECT_GT(node.shell->member().epoch(), before);
  node.host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(30));
  EXPECT_EQ(cluster.nodes[2].host->state().sum, 15);
}

TEST(GroupShell, AHandOverLosesAndRefusesNothing) {
  Cluster cluster;
  Node& old = *cluster.leader();
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  ASSERT_TRUE(old.shell->hand_over({3}).ok());
  EXPECT_FALSE(old.host->serving());
  cluster.run(Duration::milliseconds(100));
  EXPECT_EQ(cluster.leader(), &cluster.nodes[2]);
  EXPECT_EQ(cluster.nodes[2].host->state().sum, 10);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, AReplicaThatThrowsEndsAloneAndTheMemberGoesOn) {
  Cluster cluster;
  Node& old = *cluster.leader();
  old.throws_when_deposed = true;
  ASSERT_TRUE(old.shell->hand_over({3}).ok());
  cluster.run(Duration::milliseconds(100));
  Node& leader = cluster.nodes[2];
  ASSERT_EQ(cluster.leader(), &leader);
  EXPECT_EQ(old.shell->member().state(), MemberState::kFollowing);
  EXPECT_EQ(old.rebuilt, 1);
  leader.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(old.host->state().sum, 10);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, ACopyThatDiffersIsRebuilt) {
  Cluster cluster;
  Node& node = cluster.nodes[1];
  Node* leader = cluster.leader();
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  // Memory gone bad: the same entries, another state.
  const_cast<LedgerCore::State&>(node.host->state()).sum += 1;
  leader->host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(800));
  EXPECT_GT(node.disk.directory, 100);  // another incarnation
  EXPECT_EQ(node.host->state().sum, 15);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

}  // namespace
}  // namespace holdfast::replication::testing
