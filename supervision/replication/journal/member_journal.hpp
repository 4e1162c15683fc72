// A member's copy of its group's log, as the protocol's shell needs it: append and hear when it is
// persisted, and the rare things that a change of leader asks for. Not thread-safe: used on the
// group's loop. What it reads is what was written, after flush() all of it.
#pragma once

#include "supervision/replication/protocol/actions.hpp"
#include "supervision/replication/protocol/member.hpp"

namespace holdfast::replication {

class MemberJournal : public LogReader {
 public:
  /// What is on disk, to start a member with. `committed` is what entries and snapshot tell.
  virtual Result<Persisted> load() = 0;
  /// The id of this group's data here: another one after wipe().
  virtual Result<Uuid> data_dir() = 0;

  /// Takes the next entry; it is written at the end of the turn.
  virtual void append(const EntryRef& entry) = 0;
  /// Writes now what was appended in this turn. Completions of memory durability run within.
  virtual void flush() = 0;
  /// Set once, both on the loop. Never called from inside append().
  virtual void on_persisted(std::function<void(Index)> callback) = 0;
  virtual void on_failed(std::function<void(const Error&)> callback) = 0;

  /// Persists the highest epoch seen before it returns.
  virtual Result<> put_epoch(Epoch epoch) = 0;
  /// Saves the entries above `last` in a file beside the journal and drops them.
  virtual Result<> truncate(Index last) = 0;
  /// Replaces log and snapshots by this snapshot, in one piece. Any thread, while nothing else is
  /// asked for but reads, put_epoch() and other groups.
  virtual Result<> install(const Snapshot& snapshot) = 0;
  /// Saves log and snapshot beside the journal, drops both, and takes a new data directory id.
  virtual Result<> wipe() = 0;
  /// From here on persisted means fsynced (first everything written so far), or no longer.
  virtual Result<> fsync_all(bool on) = 0;

  /// Entries from `from` on, at least one if there is one, some `bytes_max` at most. Nothing: it is
  /// below what the journal keeps.
  virtual Result<std::optional<std::vector<EntryRef>>> read_some(Index from,
                                                                 std::size_t bytes_max) = 0;
  /// A part of the latest snapshot, at a part's border; `total` zero: there is none.
  virtual Result<peer::SnapshotPart> snapshot_part(uint64_t offset) = 0;

  /// What was written so far, for another thread: good as long as the node's journal. Null: there
  /// is none.
  virtual std::shared_ptr<const LogReader> reader() const { return nullptr; }

  virtual Durability durability() const = 0;
};

}  // namespace holdfast::replication
