// Three shells of one group on a fake arbiter and fake journals; messages, disks and other threads
// are moved by hand.
#pragma once

#include "supervision/replication/group_shell.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "supervision/replication/replica_host.hpp"
#include "tests/unit/replication/ledger_core.hpp"

namespace holdfast::replication::testing {

inline constexpr GroupId kGroup{7};

inline Uuid uuid(uint8_t value) {
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
    const auto decide = [this, proposed, expected, done] {
      CasResult result;
      const bool won = (record ? record->version : 0) == expected;
      if (won) {
        record = proposed;
        for (const auto& changed : watchers_) changed(proposed);
      }
      result.outcome = won ? CasOutcome::kWon : CasOutcome::kLost;
      result.current = record;
      done(result);
    };
    (away ? asked_ : turn_).push_back(decide);
  }
  /// It is reached again: what was asked meanwhile is answered.
  void back() {
    away = false;
    for (auto& question : std::exchange(asked_, {})) turn_.push_back(std::move(question));
  }
  void watch(GroupId, WatchCallback changed) override { watchers_.push_back(changed); }
  void unwatch(GroupId) override {}
  bool fences() const override { return false; }
  ArbiterStats stats() const override { return {}; }
  std::optional<GroupRecord> record;
  bool away = false;

 private:
  std::deque<std::function<void()>>& turn_;
  std::deque<std::function<void()>> asked_;
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
    if (disk_.snapshot && !disk_.entries.contains(disk_.snapshot->at.index.value))
      persisted.history.reset(disk_.snapshot->at.epoch, disk_.snapshot->at.index);
    for (const auto& [index, entry] : disk_.entries) {
      persisted.history.note(entry.epoch, entry.index);
      persisted.last = entry.index;
    }
    if (disk_.snapshot && persisted.last <= disk_.snapshot->at.index) {
      persisted.last = persisted.committed = disk_.snapshot->at.index;
      persisted.history.reset(disk_.snapshot->at.epoch, disk_.snapshot->at.index);
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
    using Answer = std::optional<std::vector<EntryRef>>;
    if (disk_.snapshot && from <= disk_.snapshot->at.index && !disk_.entries.contains(from.value))
      return Answer{};
    std::vector<EntryRef> entries;
    for (auto it = disk_.entries.lower_bound(from.value); it != disk_.entries.end(); ++it)
      entries.push_back(it->second);
    return std::optional(entries);
  }
  Result<peer::SnapshotPart> snapshot_part(uint64_t) override {
    peer::SnapshotPart part;
    if (!disk_.snapshot) return part;
    part.at = disk_.snapshot->at;
    part.chain = disk_.snapshot->chain;
    part.total = disk_.snapshot->state.size();
    part.bytes = disk_.snapshot->state;
    return part;
  }
  Result<std::optional<Snapshot>> latest_snapshot() const override { return disk_.snapshot; }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    for (auto it = disk_.entries.lower_bound(from.value); it != disk_.entries.end(); ++it)
      if (auto visited = visit({it->first}, *it->second.bytes); !visited) return visited;
    return success();
  }
  Durability durability() const override { return Durability::kMemory; }
  std::shared_ptr<const LogReader> reader() const override {
    class Reader final : public LogReader {
     public:
      explicit Reader(const FakeJournal& journal) : journal_(journal) {}
      Result<std::optional<Snapshot>> latest_snapshot() const override {
        return journal_.latest_snapshot();
      }
      Result<> read(Index from,
                    const std::function<Result<>(Index, ByteView)>& visit) const override {
        return journal_.read(from, visit);
      }

     private:
      const FakeJournal& journal_;
    };
    return std::make_shared<Reader>(*this);
  }

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
  uint16_t format = kEntryFormat;               // that its build knows
  bool away = false;                            // it has another thread …
  std::deque<std::function<void()>> elsewhere;  // … whose work waits here
  std::deque<std::function<void()>> landing;    // done, and not told yet
};

struct Cluster {
  std::deque<std::function<void()>> turn;
  FakeArbiter arbiter{turn};
  LedgerCodec codec;
  MonoTime now{1'000'000'000'000};
  std::array<Node, 3> nodes;
  std::set<std::pair<uint32_t, uint32_t>> silent;  // from, to: what is said does not arrive

  std::function<bool(const PeerMessage&)> lost;  // says which other messages do not

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
      if (lost && lost(message)) return;
      turn.push_back([this, &node, to, message] {
        Node& other = nodes[to.value - 1];
        if (other.shell && node.shell) other.shell->message(node.id, message);
      });
    };
    hooks.cut_egress = [&node] { node.cut = true; };
    hooks.renewed = [this, &node] { turn.push_back([this, &node] { connect(node); }); };
    hooks.report = [](const std::string&, bool) {};
    if (node.away)
      hooks.away = [this, &node](auto work, auto done) {
        node.elsewhere.push_back([&node, work, done] {
          const std::atomic<bool> stop{false};
          work(stop);
          node.landing.push_back(done);
        });
      };
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
    node.host->start(std::shared_ptr<const LedgerCodec>(&codec, [](auto*) {}),
                     [](const auto& recovered) { EXPECT_TRUE(recovered.ok()); });
  }
  void work_elsewhere(Node& node) {
    while (!node.elsewhere.empty()) {
      node.elsewhere.front()();
      node.elsewhere.pop_front();
    }
    land(node);
  }
  /// What was done elsewhere is told on the loop.
  void land(Node& node) {
    for (; !node.landing.empty(); node.landing.pop_front()) turn.push_back(node.landing.front());
  }
  /// A snapshot of all there is, and nothing below it.
  void compact(Node& node) {
    class Reader final : public LogReader {
     public:
      explicit Reader(const Disk& disk) : disk_(disk) {}
      Result<std::optional<Snapshot>> latest_snapshot() const override { return disk_.snapshot; }
      Result<> read(Index from,
                    const std::function<Result<>(Index, ByteView)>& visit) const override {
        for (auto it = disk_.entries.lower_bound(from.value); it != disk_.entries.end(); ++it)
          if (auto visited = visit({it->first}, *it->second.bytes); !visited) return visited;
        return success();
      }

     private:
      const Disk& disk_;
    };
    auto made = advance_snapshot<LedgerCore>(kGroup, Reader(node.disk), codec);
    ASSERT_TRUE(made.ok() && made.value());
    node.disk.snapshot = std::move(*made.value());
    node.disk.entries.clear();
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

}  // namespace holdfast::replication::testing
