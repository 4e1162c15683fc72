// A host's disk as the kernel and the platters hold it: what was written survives the process, what
// was synced survives the power. One sequence of writes a host, cut anywhere above the last sync
// when the power goes, with the record at the cut torn. SimJournal is a member's journal on it.
#pragma once

#include <deque>
#include <functional>
#include <optional>

#include "supervision/replication/journal/member_journal.hpp"
#include "tests/simulation/cluster/simulation.hpp"

namespace holdfast::cluster_simulation {

using replication::Bytes;
using replication::ByteView;
using replication::EntryRef;
using replication::Snapshot;
using replication::Uuid;

Uuid uuid_of(uint64_t value);

/// One group's part of a disk.
struct GroupDisk {
  struct Stored {
    EntryRef entry;
    uint64_t write = 0;  // the host's sequence of writes
  };
  std::deque<Stored> entries;  // without gaps
  std::optional<Snapshot> snapshot, older;
  std::vector<std::pair<uint64_t, Epoch>> epochs;  // write, highest epoch seen
  uint64_t directory = 0;

  Index last() const;
  Epoch epoch_seen() const { return epochs.empty() ? Epoch{} : epochs.back().second; }
  const Stored* find(Index index) const;
};

/// What a host keeps while its processes come and go.
struct HostDisk {
  std::map<uint32_t, GroupDisk> groups;
  uint64_t written = 0, synced = 0;
  uint64_t boot = 1;
  bool slow = false;
  uint64_t directories = 0;  // given out

  GroupDisk& group(GroupId id) { return groups[id.value]; }
  /// Everything above a point at or above the last sync is gone; the record there may be torn.
  /// Returns how many entries were lost.
  uint64_t lose_power(Random& random);
  void lose_everything();
  uint64_t new_directory(uint32_t node) { return node * 1'000'000ull + ++directories; }
};

/// A member's journal on a host's disk; belongs to one process.
class SimJournal final : public replication::MemberJournal {
 public:
  struct Hooks {
    /// Runs a function in this process after a delay, if it still lives.
    std::function<void(Duration, std::function<void()>)> later;
    std::function<void()> written;  // something waits for flush()
  };
  SimJournal(Simulation& simulation, HostDisk& disk, GroupId group, uint32_t node, bool fsynced,
             Hooks hooks);

  Result<replication::Persisted> load() override;
  Result<Uuid> data_dir() override;
  void append(const EntryRef& entry) override;
  void flush() override;
  void on_persisted(std::function<void(Index)> callback) override { persisted_ = callback; }
  void on_failed(std::function<void(const Error&)>) override {}
  Result<> put_epoch(Epoch epoch) override;
  Result<> truncate(Index last) override;
  Result<> install(const Snapshot& snapshot) override;
  Result<> wipe() override;
  Result<> fsync_all(bool on) override;
  Result<std::optional<std::vector<EntryRef>>> read_some(Index from,
                                                         std::size_t bytes_max) override;
  Result<replication::peer::SnapshotPart> snapshot_part(uint64_t offset) override;
  Result<std::optional<Snapshot>> latest_snapshot() const override;
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override;
  Durability durability() const override {
    return fsynced_ ? Durability::kFsynced : Durability::kMemory;
  }
  /// The end of a loop's turn: what was appended in it is written.
  void turn_end();
  /// Keeps this snapshot and the one before; entries that the older one covers go.
  void keep(Snapshot snapshot);

 private:
  GroupDisk& disk() const { return host_.group(group_); }
  void sync_all() { host_.synced = host_.written; }
  void begin_sync();
  bool syncs() const { return fsynced_ || sync_all_on_; }

  Simulation& sim_;
  HostDisk& host_;
  const GroupId group_;
  const uint32_t node_;
  const bool fsynced_;
  Hooks hooks_;
  bool sync_all_on_ = false, syncing_ = false;
  std::deque<EntryRef> pending_;
  std::function<void(Index)> persisted_;
};

}  // namespace holdfast::cluster_simulation
