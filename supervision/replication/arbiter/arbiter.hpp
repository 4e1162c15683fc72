// The arbiter decides who leads a replica group: it keeps one small record a group and changes it
// only by compare-and-set on the record's own version. Two engines stand behind this interface, a
// directory on one machine (embedded_linux.hpp) and an etcd cluster (etcd_etcd.hpp); one
// conformance suite holds for both. It does not judge who ought to lead: that is the protocol's.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "messages/ids.hpp"
#include "messages/result.hpp"
#include "messages/time.hpp"
#include "supervision/replication/protocol/record.hpp"

namespace holdfast::replication {

/// Runs a function on the thread that owns the caller's state. Callable from any thread; what it is
/// given must run in the order given, or, once that loop is gone, not at all.
using Post = std::function<void(std::function<void()>)>;

enum class CasOutcome : uint8_t {
  kWon,      // the proposed record stands, on stable storage
  kLost,     // it does not stand: `current` does. (Where an answer was lost on the way, it may have
             // stood until whoever made `current` replaced it.)
  kUnknown,  // it may have been written, or may still be. Nothing is known until a read shows a
             // version above the expected one: as long as it shows the expected one, the write may
             // still arrive. Whoever must know for certain makes a further change of its own.
  kRefused,  // it was not written and will not be: `error` says why (proposal or stored record
             // inconsistent, other cluster, victim not dead, arbiter not reached in time)
};
/// "won", "lost", "unknown" or "refused".
std::string_view to_text(CasOutcome outcome);

struct CasResult {
  CasOutcome outcome = CasOutcome::kRefused;
  std::optional<GroupRecord> current;  // kWon: what was proposed; kLost: what stands, if anything
  Error error;                         // kUnknown and kRefused
};

/// A process that must be dead before a record is written. The number alone may by now be another
/// process: both numbers are compared.
struct Victim {
  Incarnation incarnation;  // for logs and errors
  int32_t pid = 0;
  uint64_t start_ticks = 0;  // field 22 of /proc/PID/stat
  friend bool operator==(const Victim&, const Victim&) = default;
};

/// For inspection: counts since the start, and what the last contact showed.
struct ArbiterStats {
  uint64_t reads = 0;
  uint64_t cas = 0;
  uint64_t won = 0;
  uint64_t lost = 0;
  uint64_t unknown = 0;
  uint64_t refused = 0;          // all reasons, the next two included
  uint64_t invalid_records = 0;  // stored text that is no consistent record
  uint64_t foreign_records = 0;  // a record of another cluster or another group
  uint64_t read_errors = 0;
  uint64_t late = 0;            // answers that came after their call's deadline
  uint64_t watch_events = 0;    // changes told to watchers
  uint64_t watch_restarts = 0;  // watch set up again after a cut
  uint64_t fenced = 0;          // processes killed
  uint64_t calls_waiting = 0;   // now
  bool healthy = false;         // the last contact succeeded
  MonoTime last_ok;             // CLOCK_MONOTONIC of the last successful contact; 0: never
  std::string engine;           // "embedded DIR", "etcd HOST:PORT" (the endpoint in use)
  std::string last_error;       // what the last failed contact said; empty: none failed
};

/// Made by the engine's open(). Methods may be called from any thread, never block on I/O, and
/// answer through the Post given to open(), each callback exactly once, within the engine's
/// deadline. At most kArbiterCallsMax calls wait at once; more are refused (kFull) at once.
/// Destroying it drops the callbacks of calls that have no answer yet.
class Arbiter {
 public:
  using ReadCallback = std::function<void(Result<std::optional<GroupRecord>>)>;
  using CasCallback = std::function<void(CasResult)>;
  using WatchCallback = std::function<void(const GroupRecord&)>;

  virtual ~Arbiter() = default;
  Arbiter() = default;
  Arbiter(const Arbiter&) = delete;
  Arbiter& operator=(const Arbiter&) = delete;

  /// What stands now: every change that was kWon before this call, by anybody, is seen. Nothing if
  /// there is no record. kUnavailable: not reached in time. kCorrupt: the stored record is
  /// inconsistent, kDenied: it is another cluster's; both need a person.
  virtual void read(GroupId group, ReadCallback done) = 0;

  /// Makes `proposed` the record of its group if the record there has version `expected_version`
  /// (0: there must be none), proposed.version is one more, and check_step() allows it. With a
  /// `victim`, that process is killed and seen dead after the comparison and before the write; only
  /// an engine with fences() can, others refuse.
  virtual void compare_and_set(const GroupRecord& proposed, uint64_t expected_version,
                               std::optional<Victim> victim, CasCallback done) = 0;
  void compare_and_set(const GroupRecord& proposed, uint64_t expected_version, CasCallback done) {
    compare_and_set(proposed, expected_version, std::nullopt, std::move(done));
  }

  /// Calls `changed` with the record that stands now, if any, and then with each one that replaces
  /// it, versions rising; under load or after a cut some in between may be left out, the latest
  /// never. Inconsistent and foreign records are counted and left out. A second watch of the same
  /// group replaces the first; unwatch() ends it.
  virtual void watch(GroupId group, WatchCallback changed) = 0;
  virtual void unwatch(GroupId group) = 0;

  /// Whether compare_and_set() can kill a victim: only where all members are on this machine.
  virtual bool fences() const = 0;

  virtual ArbiterStats stats() const = 0;
};

}  // namespace holdfast::replication
