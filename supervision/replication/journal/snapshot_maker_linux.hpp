// Makes snapshots away from the order path: each advances the latest stored snapshot by the entries
// since, so the live replica is never asked and never stopped. A snapshot is due when a group has
// appended so many entries since its last one, or when it is asked for. It is made by a thread of
// low priority that lives for one snapshot: one that stayed would be the last to leave a process
// that is killed, would give back all its memory at that priority, and only then do others hear of
// the death.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "supervision/replication/entry.hpp"

namespace holdfast::replication {

class SnapshotMaker {
 public:
  /// Makes and stores one snapshot of a group; returns its index, zero when there was nothing new.
  using Job = std::function<Result<Index>()>;

  /// `report` hears of every snapshot made or failed, on the maker's thread.
  SnapshotMaker(uint64_t every_entries, std::function<void(GroupId, const Result<Index>&)> report);
  /// Waits for the snapshot under way; those not begun are dropped.
  ~SnapshotMaker();
  SnapshotMaker(const SnapshotMaker&) = delete;
  SnapshotMaker& operator=(const SnapshotMaker&) = delete;

  /// Any thread. `last` is the index of the group's latest snapshot.
  void add(GroupId group, Index last, Job job);
  /// Any thread, cheap: how far the group has committed. `due`: make one now, however few entries
  /// came.
  void committed(GroupId group, Index index, bool due = false);
  /// Any thread: snapshots every group that has new entries; returns when all are made.
  void make_all();

  uint64_t made() const { return made_.load(std::memory_order_relaxed); }
  uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  struct Group {
    Index last, seen;
    Job job;
    bool wanted = false;
  };
  void run();
  /// Does a job on a thread of low priority, and waits for it.
  static Result<Index> at_low_priority(const Job& job);

  const uint64_t every_entries_;
  std::function<void(GroupId, const Result<Index>&)> report_;
  std::mutex mutex_;
  std::condition_variable wake_, idle_;
  std::unordered_map<GroupId, Group> groups_;
  bool stopping_ = false, busy_ = false;
  std::atomic<uint64_t> made_{0}, failed_{0};  // statistics only
  std::thread thread_;
};

}  // namespace holdfast::replication
