// Appends of one loop: collected through a turn, written as one batch at its end.
#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <utility>

#include "supervision/replication/journal/journal_parts_rocksdb.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"

namespace holdfast::replication {

struct JournalAppender::Shared {
  struct Group {
    Durability durability = Durability::kMemory;
    std::function<void(Index)> committed;
    std::function<void(const Error&)> failed;
    Index appended;             // last appended, not yet reported
    std::weak_ptr<bool> alive;  // of the Log that asked
  };
  Hooks hooks;
  rocksdb::WriteBatch batch;
  std::unordered_map<GroupId, Group> groups;
  std::vector<GroupId> dirty;  // groups in `batch`
  bool write_due = false;
  std::optional<Error> failure;
  bool open = true;  // the appender is there

  void report(GroupId group, Index index, const std::weak_ptr<bool>& alive) {
    const auto it = groups.find(group);
    if (it == groups.end() || alive.expired() || !it->second.committed) return;
    auto callback = it->second.committed;  // it may replace itself
    callback(index);
  }
};

class GroupLog final : public Log {
 public:
  GroupLog(JournalAppender& appender, JournalRocksdb& journal, GroupId group, Durability durability,
           std::shared_ptr<bool> alive)
      : appender_(appender),
        journal_(journal),
        group_(group),
        durability_(durability),
        alive_(std::move(alive)) {}
  void append(Index index, ByteView entry) override { appender_.append(group_, index, entry); }
  void on_committed(std::function<void(Index)> callback) override {
    appender_.shared_->groups[group_].committed = std::move(callback);
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    appender_.shared_->groups[group_].failed = std::move(callback);
  }
  Durability durability() const override { return durability_; }
  Result<std::optional<Snapshot>> latest_snapshot() const override {
    return journal_.latest_snapshot(group_);
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    return journal_.read(group_, from, visit);
  }
  Result<Epoch> raise_epoch(Epoch seen) override { return journal_.raise_epoch(group_, seen); }

 private:
  JournalAppender& appender_;
  JournalRocksdb& journal_;
  GroupId group_;
  Durability durability_;
  std::shared_ptr<bool> alive_;
};

JournalAppender::JournalAppender(JournalRocksdb& journal, Hooks hooks)
    : journal_(journal), shared_(std::make_shared<Shared>()) {
  shared_->hooks = std::move(hooks);
}
JournalAppender::~JournalAppender() { shared_->open = false; }

std::unique_ptr<Log> JournalAppender::log(GroupId group, Durability durability) {
  auto alive = std::make_shared<bool>(true);
  auto& entry = shared_->groups[group];
  // What an earlier Log of the group (its actor died) still has in this turn's batch is appended
  // but was never read by the new one: write it first, so that recovery sees it.
  if (std::find(shared_->dirty.begin(), shared_->dirty.end(), group) != shared_->dirty.end())
    write();
  entry = {};
  entry.durability = durability;
  entry.alive = alive;
  return std::make_unique<GroupLog>(*this, journal_, group, durability, std::move(alive));
}

void JournalAppender::durability(GroupId group, Durability durability) {
  shared_->groups[group].durability = durability;
}

void JournalAppender::append(GroupId group, Index index, ByteView bytes) {
  Shared& shared = *shared_;
  if (shared.failure) return;
  shared.batch.Put(journal_.entries_, slice_of(entry_key(group, index)), slice_of(bytes));
  shared.groups[group].appended = index;
  if (std::find(shared.dirty.begin(), shared.dirty.end(), group) == shared.dirty.end())
    shared.dirty.push_back(group);
  if (shared.write_due) return;
  shared.write_due = true;
  shared.hooks.defer([this, alive = std::weak_ptr<Shared>(shared_)] {
    if (auto held = alive.lock(); held && held->open && held->write_due) write();
  });
}

void JournalAppender::write() {
  auto shared = shared_;
  shared->write_due = false;
  if (shared->dirty.empty()) return;
  auto written = journal_.write(shared->batch);
  shared->batch.Clear();
  const auto dirty = std::exchange(shared->dirty, {});
  if (!written) return fail(written.error());
  for (const GroupId group : dirty) {
    const auto& state = shared->groups[group];
    const Index index = state.appended;
    if (state.durability == Durability::kMemory) {
      shared->report(group, index, state.alive);
      continue;
    }
    auto post = shared->hooks.post;
    journal_.request_sync([this, weak = std::weak_ptr<Shared>(shared), post, group, index,
                           alive = state.alive](const Result<>& synced) {
      post([this, weak, group, index, alive, synced] {
        auto held = weak.lock();
        if (!held || !held->open) return;
        if (synced)
          held->report(group, index, alive);
        else
          fail(synced.error());
      });
    });
  }
}

void JournalAppender::fail(const Error& error) {
  auto shared = shared_;
  if (shared->failure) return;
  shared->failure = error;
  shared->batch.Clear();
  shared->dirty.clear();
  for (auto& [group, state] : shared->groups)
    if (state.failed && !state.alive.expired()) state.failed(error);
}

}  // namespace holdfast::replication
