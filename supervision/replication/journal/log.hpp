// One group's log as its replica sees it: append now, hear later what is committed. With one member
// a committed entry is one that is persisted as durably as the group asks; with more members the
// same interface answers when all in-sync members hold it. Not thread-safe: used on the group's own
// loop.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "messages/order.hpp"
#include "supervision/replication/entry.hpp"

namespace holdfast::replication {

/// A stored snapshot: the group's state after entry `at.index`, and the chain up to there.
struct Snapshot {
  Position at;
  ChainHash chain;  // hash of entry at.index
  Bytes state;
  /// Where pieces of `state` begin that may be the same in the next snapshot: what is stored once
  /// is not written again. Empty: none are known. Need not be there in a snapshot that was read.
  std::vector<std::size_t> cuts = {};
};

/// What can be read of a group's log, by any thread: enough to rebuild its state.
class LogReader {
 public:
  virtual ~LogReader() = default;
  /// The latest whole snapshot, if any.
  virtual Result<std::optional<Snapshot>> latest_snapshot() const = 0;
  /// Visits the stored entries from `from` on, in order, until the end or the visitor's error.
  virtual Result<> read(Index from,
                        const std::function<Result<>(Index, ByteView)>& visit) const = 0;
  /// Everything up to here is committed and may be applied without being told.
  virtual Index known_committed() const { return {UINT64_MAX}; }
};

/// What stands before a log: the replica. Called on the group's loop, after join().
class LogClient {
 public:
  virtual ~LogClient() = default;
  /// The next committed entry of the group's leader, which is elsewhere.
  virtual void follow(Index index, ByteView entry) = 0;
  /// Lead under `epoch`: first apply what the log has beyond what was followed.
  virtual void lead(Epoch epoch) = 0;
  /// Entries are to be written in this format from here on; told before lead(), and again when it
  /// rises, which is journaled by an entry of its own.
  virtual void format(uint16_t format) { (void)format; }
  /// Leadership is gone. The state may hold what was never committed: it has to be rebuilt.
  virtual void deposed(const std::string& why) = 0;
  /// Decide nothing until told otherwise; what is open is sealed now.
  virtual void park(bool parked) = 0;
};

class Log : public LogReader {
 public:
  /// Runs `work` on another thread, with a reader that is good there, then `done` on the loop. The
  /// reader gives up with kUnavailable when the process ends. False: this log has no other thread,
  /// nothing is done.
  virtual bool away(std::function<void(const LogReader&)> work, std::function<void()> done) {
    (void)work, (void)done;
    return false;
  }
  /// What a replica leaves to the next one of this log: a state that is exactly what was committed.
  /// Dropped where the log was replaced since.
  virtual void keep(std::shared_ptr<void> state) { (void)state; }
  /// Whether the log was replaced (by a snapshot, or dropped) since it was taken or last asked:
  /// what was read of it is void.
  virtual bool replaced() { return false; }
  /// What was kept, once; or null.
  virtual std::shared_ptr<void> kept() { return nullptr; }
  /// A replica has started and had to apply so many entries for that.
  virtual void replayed(uint64_t entries) { (void)entries; }

  /// The replica has applied everything up to `applied`, of an epoch up to `seen`. From here on it
  /// is told what to do; `client` must outlive the log. A log of one member makes it lead at once.
  virtual Result<> join(LogClient& client, Index applied, Epoch seen) {
    (void)applied;
    auto epoch = raise_epoch(seen);
    if (!epoch) return epoch.error();
    client.lead(epoch.value());
    return success();
  }

  /// Takes an encoded entry; indexes come without gaps. Returns at once; completion is `committed`.
  virtual void append(Index index, ByteView entry) = 0;
  /// Set once. Called on the group's loop, ascending, possibly several indexes at a time; never
  /// from inside append().
  virtual void on_committed(std::function<void(Index)> callback) = 0;
  /// Set once. The log can't go on (disk full, I/O error): nothing appended since is committed,
  /// ever.
  virtual void on_failed(std::function<void(const Error&)> callback) = 0;

  /// The replica found that its copy is not what the group has, or can't be applied.
  virtual void diverged(const std::string& why) { (void)why; }

  virtual Durability durability() const = 0;
  /// Raises the stored epoch by one (above `seen` too) and makes it durable before it returns it.
  virtual Result<Epoch> raise_epoch(Epoch seen) = 0;
};

}  // namespace holdfast::replication
