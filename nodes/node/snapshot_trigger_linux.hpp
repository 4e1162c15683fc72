// A group's log that also tells the snapshot maker when a snapshot is due: after so many entries,
// or so many bytes, since what a restart must replay costs by its events, and a busy entry holds
// hundreds.
#pragma once

#include <memory>

#include "supervision/replication/journal/log.hpp"
#include "supervision/replication/journal/snapshot_maker_linux.hpp"

namespace holdfast::node {

/// Bytes of a group's journal that a restart replays at most, besides those of the snapshot under
/// way.
inline constexpr uint64_t kReplayBytesMax = 8u << 20;

class SnapshotTrigger final : public replication::Log {
 public:
  SnapshotTrigger(std::unique_ptr<replication::Log> log, GroupId group,
                  replication::SnapshotMaker& snapshots)
      : log_(std::move(log)), group_(group), snapshots_(snapshots) {}

  void append(Index index, replication::ByteView entry) override {
    bytes_ += entry.size();
    log_->append(index, entry);
  }
  void on_committed(std::function<void(Index)> callback) override {
    log_->on_committed([this, callback = std::move(callback)](Index index) {
      const bool due = bytes_ >= kReplayBytesMax;
      // A lock now and then, not at every commit.
      if (due || index.value >= told_ + 256) {
        told_ = index.value;
        if (due) bytes_ = 0;
        snapshots_.committed(group_, index, due);
      }
      callback(index);
    });
  }
  void on_failed(std::function<void(const Error&)> callback) override {
    log_->on_failed(std::move(callback));
  }
  Durability durability() const override { return log_->durability(); }
  Result<std::optional<replication::Snapshot>> latest_snapshot() const override {
    return log_->latest_snapshot();
  }
  /// What is read at a start is what the next restart would replay again.
  Result<> read(Index from,
                const std::function<Result<>(Index, replication::ByteView)>& visit) const override {
    return log_->read(from, [&](Index index, replication::ByteView entry) {
      bytes_ += entry.size();
      return visit(index, entry);
    });
  }
  Result<Epoch> raise_epoch(Epoch seen) override { return log_->raise_epoch(seen); }

 private:
  std::unique_ptr<replication::Log> log_;
  const GroupId group_;
  replication::SnapshotMaker& snapshots_;
  mutable uint64_t bytes_ = 0;  // since a snapshot was last asked for
  uint64_t told_ = 0;
};

}  // namespace holdfast::node
