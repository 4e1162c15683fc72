// The node's journal on disk: one RocksDB for all groups of a node, so that one write (and one
// fsync) serves every group that appended in the same turn. Entries, snapshots and meta data are
// column families. A torn tail (a write cut by the crash) ends the journal at the last whole entry;
// damage anywhere else stops the open with an error that says what to do. Knows nothing of what
// entries mean.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>

#include "messages/telemetry/latency.hpp"
#include "supervision/replication/journal/log.hpp"
#include "supervision/replication/protocol/messages.hpp"

namespace rocksdb {
class DB;
class ColumnFamilyHandle;
class WriteBatch;
class Statistics;
}  // namespace rocksdb

namespace holdfast::replication {

struct JournalSettings {
  std::string directory;  // made if it is not there
  std::size_t write_buffer_bytes =
      4u << 20;        // memory a memtable; resident memory delays a kill's visibility
  bool create = true;  // false: an error when there is no journal
  /// Free space without which opening is not tried: what is logged is copied meanwhile, and the
  /// library ends the process when the disk is full then.
  uint64_t room_min = 4u << 20;
};

class JournalRocksdb;
struct StoredSnapshot;

/// Appends of one loop, for all groups on it: collected through a turn, written as one batch at its
/// end. Thread-confined to its loop. `defer` runs a function at the end of the turn, `post` runs
/// one on the loop from any thread.
class JournalAppender {
 public:
  struct Hooks {
    std::function<void(std::function<void()>)> defer, post;
  };
  JournalAppender(JournalRocksdb& journal, Hooks hooks);
  ~JournalAppender();
  JournalAppender(const JournalAppender&) = delete;
  JournalAppender& operator=(const JournalAppender&) = delete;

  /// The log of a group on this loop. At most one live Log for a group and appender; the appender
  /// and the journal must outlive it.
  std::unique_ptr<Log> log(GroupId group, Durability durability);
  /// Writes now what was appended in this turn.
  void flush() { write(); }
  /// What persisted means for a group from here on.
  void durability(GroupId group, Durability durability);

 private:
  friend class GroupLog;
  struct Shared;
  void append(GroupId group, Index index, ByteView entry);
  void write();
  void fail(const Error& error);
  JournalRocksdb& journal_;
  std::shared_ptr<Shared> shared_;  // outlives posts that are still on their way
};

/// What a group's journal holds, for consoles and checks.
struct GroupExtent {
  GroupId group;
  Epoch epoch;
  Index first, last;  // zero when empty
  Index snapshot;     // zero when none
};

/// What the stored entries of a group tell without being decoded.
struct GroupHistory {
  std::vector<EpochStart> starts;
  Index last;       // zero when there is no entry
  Index committed;  // by the last entry
};

class JournalRocksdb {
 public:
  /// Opens (or makes) the journal and repairs a torn tail. kCorrupt: damaged in the middle.
  /// kConflict: another process holds it. kUnavailable: the directory can't be used, or its disk is
  /// too full.
  static Result<std::unique_ptr<JournalRocksdb>> open(JournalSettings settings);
  ~JournalRocksdb();

  /// Reads of any thread.
  Result<> read(GroupId group, Index from,
                const std::function<Result<>(Index, ByteView)>& visit) const;
  Result<std::optional<Snapshot>> latest_snapshot(GroupId group) const;
  Result<std::vector<GroupExtent>> extents() const;
  /// A group's log for reading; the journal must outlive it.
  std::unique_ptr<LogReader> reader(GroupId group) const;
  Result<Epoch> epoch(GroupId group) const;

  /// Position of the latest snapshot; index zero when there is none.
  Result<Position> snapshot_position(GroupId group) const;
  /// Epoch starts, end and committed index, by a few reads.
  Result<GroupHistory> history(GroupId group) const;
  /// The piece of the latest snapshot that begins at `offset`, a multiple of a piece.
  Result<peer::SnapshotPart> snapshot_part(GroupId group, uint64_t offset) const;
  /// An id of the group's data in this directory, made at the first call.
  Result<std::string> group_id(GroupId group);

  /// Whose data this is: "" is a node by itself, else a member's name and its cluster's. The first
  /// claim is kept for good. kInvalid: the directory is somebody else's.
  Result<> claim(const std::string& owner);
  /// What was said first under `name`, kept for good: `value` where nothing had been.
  Result<std::string> keep_first(const std::string& name, const std::string& value);
  /// What was kept; nothing: nobody said anything yet.
  Result<std::optional<std::string>> kept(const std::string& name) const;

  // For members of larger groups. None may run beside an append of the same group. Installing is
  // one step, whenever the process ends.
  Result<> put_epoch(GroupId group, Epoch epoch, bool fsync);
  Result<> truncate(GroupId group, Index last);
  Result<> install_snapshot(GroupId group, const Snapshot& snapshot);
  Result<> wipe(GroupId group);

  /// Raises a group's epoch to max(stored, seen) + 1, fsynced before it returns.
  Result<Epoch> raise_epoch(GroupId group, Epoch seen);
  /// Stores a snapshot durably, only those of its pieces that the one before does not have, then
  /// drops what it makes needless: older snapshots but one, and entries at or below that one's
  /// index, but for those above `needed`, which some member lacks. Any thread.
  Result<> put_snapshot(GroupId group, const Snapshot& snapshot, Index needed = {UINT64_MAX});
  /// fdatasync of everything written so far. Any thread; concurrent callers share one.
  Result<> sync();
  /// A consistent copy into `directory` (must not exist), by hard links where it can.
  Result<> backup(const std::string& directory);

  /// Bytes free on the journal's file system.
  Result<uint64_t> free_bytes() const;
  /// A random id of this data directory, made with it: two directories are never taken for each
  /// other.
  const std::string& directory_id() const { return directory_id_; }
  const std::string& directory() const { return settings_.directory; }
  /// How long appends and fsyncs took. Any thread.
  const telemetry::LatencyRecorder& write_latency() const { return write_latency_; }
  const telemetry::LatencyRecorder& sync_latency() const { return sync_latency_; }
  uint64_t writes() const { return writes_.load(std::memory_order_relaxed); }
  uint64_t syncs() const { return syncs_.load(std::memory_order_relaxed); }
  uint64_t snapshot_bytes() const { return snapshot_bytes_.load(std::memory_order_relaxed); }

 private:
  friend class JournalAppender;
  JournalRocksdb() = default;
  Result<> write(rocksdb::WriteBatch& batch);
  Result<> load_directory_id();
  Result<std::string> put_content(GroupId group, const Snapshot& snapshot,
                                  const StoredSnapshot* base);
  Result<> put_pieces(GroupId group, Index index,
                      const std::vector<std::pair<uint32_t, ByteView>>& pieces);
  void request_sync(std::function<void(const Result<>&)> done);
  void sync_loop();

  JournalSettings settings_;
  std::string directory_id_;
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* meta_ = nullptr;
  rocksdb::ColumnFamilyHandle* entries_ = nullptr;
  rocksdb::ColumnFamilyHandle* snapshots_ = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
  std::atomic<uint64_t> writes_{0}, syncs_{0},
      snapshot_bytes_{0};  // statistics only, pair with nothing
  telemetry::LatencyRecorder write_latency_, sync_latency_;

  std::mutex sync_mutex_;
  std::condition_variable sync_wanted_;
  std::vector<std::function<void(const Result<>&)>> sync_waiting_;
  bool stopping_ = false;
  std::thread sync_thread_;
};

/// Copies a backup into `directory`, which must not hold a journal. The node must not run.
Result<> restore_backup(const std::string& backup, const std::string& directory);

}  // namespace holdfast::replication
