// What the protocol core of a member wants done. The shell does them strictly in order, each before
// the next: that a raised epoch is on disk before anything said under it leaves is a matter of
// order here, not of waiting.
#pragma once

#include <string>
#include <variant>

#include "supervision/replication/journal/log.hpp"
#include "supervision/replication/protocol/messages.hpp"

namespace holdfast::replication {

namespace act {
struct Send {
  MemberId to;
  PeerMessage message;
};
/// Append to the journal; its completion is on_persisted().
struct Persist {
  std::vector<EntryRef> entries;
};
/// Persist the highest epoch seen, before the next action.
struct PersistEpoch {
  Epoch epoch;
};
/// Save what is above `last` beside the journal, then drop it there, before the next action.
struct Truncate {
  Index last;
};
/// Replace the group's log by this snapshot, in one piece: its completion is on_installed(), and
/// nothing else is asked of the log until then. Then rebuild the replica.
struct Install {
  Snapshot snapshot;
};
/// Read entries from `from` on, some `bytes_max` of them: answered by on_log_read().
struct ReadLog {
  MemberId to;
  Index from;
  std::size_t bytes_max = 0;
};
/// Read a part of the latest snapshot (of `at`, or of any when it is gone): on_snapshot_read().
struct ReadSnapshot {
  MemberId to;
  Index at;
  uint64_t offset = 0;
};
/// Leading: release what waits up to here. Following: apply up to here.
struct Commit {
  Index index;
};
/// The replica applies the log's tail and leads; its epoch start comes back by on_appended().
struct Lead {
  Epoch epoch;
};
/// Leading: all members know this entry format, and the record says so: it is written from here on.
struct Format {
  uint16_t format = kEntryFormat;
};
/// Leadership is gone: reset the venue sockets, drop the replica's state and rebuild it.
struct StepDown {
  std::string why;
};
/// Stop deciding (clients are parked by credits), or go on.
struct Park {
  bool parked = false;
};
struct CompareAndSet {
  uint64_t id = 0;  // comes back with the answer
  GroupRecord proposed;
  uint64_t expected = 0;
  /// The old leader is only suspected: where its process can be killed, it is dead before this is
  /// written. (Of one that is gone nothing can be heard any more; its end need not be waited for.)
  bool fence = false;
};
struct ReadRecord {};
/// Alone in the in-sync set though the group has more members: from here on persisted means
/// fsynced, beginning with all that is committed; or no longer.
struct Unprotected {
  bool on = false;
};
/// This copy is not what the group has: save log and snapshot beside the journal, drop both, take a
/// new data directory id, and start the member again from nothing.
struct Wipe {
  std::string why;
};
/// Make sure that the process of this incarnation is dead, as far as that is possible from here.
struct Fence {
  Incarnation whom;
};
/// For operators: `alarm` wakes somebody.
struct Report {
  std::string text;
  bool alarm = false;
};
}  // namespace act

using Action = std::variant<act::Send, act::Persist, act::PersistEpoch, act::Truncate, act::Install,
                            act::ReadLog, act::ReadSnapshot, act::Commit, act::Lead, act::Format,
                            act::StepDown, act::Park, act::CompareAndSet, act::ReadRecord,
                            act::Unprotected, act::Wipe, act::Fence, act::Report>;

}  // namespace holdfast::replication
