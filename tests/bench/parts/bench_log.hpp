// Logs for measuring: one in memory that keeps nothing, and the real journal in a folder of its own
// that is removed at the end, with the turns of a loop played by the caller.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>

#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "supervision/replication/replica_host.hpp"

namespace holdfast::bench {

/// Takes entries and forgets them; commits when it is told.
class LastEntryLog final : public replication::Log {
 public:
  void append(Index index, replication::ByteView) override { last_ = index; }
  void commit() {
    if (committed_) committed_(last_);
  }
  void on_committed(std::function<void(Index)> callback) override {
    committed_ = std::move(callback);
  }
  void on_failed(std::function<void(const Error&)>) override {}
  Durability durability() const override { return Durability::kMemory; }
  Result<Epoch> raise_epoch(Epoch seen) override { return Epoch{seen.value + 1}; }
  Result<std::optional<replication::Snapshot>> latest_snapshot() const override {
    return std::optional<replication::Snapshot>{};
  }
  Result<> read(Index,
                const std::function<Result<>(Index, replication::ByteView)>&) const override {
    return success();
  }

 private:
  std::function<void(Index)> committed_;
  Index last_;
};

/// A journal in a new folder under the system's temporary directory, and the turns of its loop.
class BenchJournal {
 public:
  explicit BenchJournal(Durability durability, GroupId group = {1});
  ~BenchJournal();
  BenchJournal(const BenchJournal&) = delete;
  BenchJournal& operator=(const BenchJournal&) = delete;

  replication::Log& log() { return *log_; }
  replication::JournalRocksdb& journal() { return *journal_; }
  /// Runs at the end of the turn, as a loop does.
  void defer(std::function<void()> run) { deferred_.push_back(std::move(run)); }
  /// Ends the turn: what was appended is written, and with memory durability committed.
  void end_turn();
  /// Sleeps until another thread has posted to the loop, and runs what it posted.
  void wait_for_post();
  /// Closes and opens again, as a restarted process does; milliseconds that the open took.
  double reopen();

 private:
  void open();
  void close();

  const Durability durability_;
  const GroupId group_;
  std::string directory_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::function<void()>> posted_;  // under mutex_
  std::vector<std::function<void()>> deferred_;
  std::unique_ptr<replication::JournalRocksdb> journal_;
  std::unique_ptr<replication::JournalAppender> appender_;
  std::unique_ptr<replication::Log> log_;
};

}  // namespace holdfast::bench
