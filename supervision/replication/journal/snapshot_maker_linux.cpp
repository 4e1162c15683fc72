#include "supervision/replication/journal/snapshot_maker_linux.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

namespace holdfast::replication {

SnapshotMaker::SnapshotMaker(uint64_t every_entries,
                             std::function<void(GroupId, const Result<Index>&)> report)
    : every_entries_(every_entries), report_(std::move(report)) {
  CHECK(every_entries > 0);
  thread_ = std::thread([this] { run(); });
}

SnapshotMaker::~SnapshotMaker() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void SnapshotMaker::add(GroupId group, Index last, Job job) {
  std::lock_guard lock(mutex_);
  groups_[group] = Group{last, last, std::move(job), false};
}

void SnapshotMaker::committed(GroupId group, Index index, bool due) {
  std::lock_guard lock(mutex_);
  const auto it = groups_.find(group);
  if (it == groups_.end() || (index <= it->second.seen && !due)) return;
  it->second.seen = std::max(it->second.seen, index);
  if (it->second.wanted) return;
  if (!due && index.value - it->second.last.value < every_entries_) return;
  it->second.wanted = true;
  wake_.notify_one();
}

void SnapshotMaker::make_all() {
  std::unique_lock lock(mutex_);
  for (auto& [id, group] : groups_) group.wanted = true;
  wake_.notify_one();
  idle_.wait(lock, [this] {
    if (stopping_) return true;
    for (const auto& [id, group] : groups_)
      if (group.wanted) return false;
    return !busy_;
  });
}

Result<Index> SnapshotMaker::at_low_priority(const Job& job) {
  Result<Index> made = Error{ErrorCode::kUnavailable, "not begun"};
  std::thread([&] {
    // The order path comes first; a snapshot may take its time.
    setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), 10);
    made = job();
  }).join();
  return made;
}

void SnapshotMaker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    auto due = groups_.end();
    for (auto it = groups_.begin(); it != groups_.end(); ++it)
      if (it->second.wanted) due = it;
    if (stopping_) return;
    if (due == groups_.end()) {
      idle_.notify_all();
      wake_.wait(lock);
      continue;
    }
    const GroupId id = due->first;
    const Job job = due->second.job;
    due->second.wanted = false;  // asked for again meanwhile: made again
    busy_ = true;
    lock.unlock();
    const Result<Index> made = at_low_priority(job);
    report_(id, made);
    lock.lock();
    busy_ = false;
    Group& group = groups_[id];
    if (!made) {
      failed_.fetch_add(1, std::memory_order_relaxed);
      group.last = group.seen;  // not again at once: after as many entries as usual
    } else if (made.value()) {
      made_.fetch_add(1, std::memory_order_relaxed);
      group.last = made.value();
      if (group.seen < group.last) group.seen = group.last;
    }
  }
}

}  // namespace holdfast::replication
