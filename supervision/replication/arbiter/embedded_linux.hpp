// The arbiter of a deployment on one machine: a directory and nothing that runs. Under a lock a
// group, the next record is made durable in a file of its own by one flush, then put in place by
// rename; who is killed or loses power at any step leaves the former record or the next one, never
// a mix. A process that is stopped while it holds a lock is killed by those who are in sync.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "messages/result.hpp"
#include "messages/time.hpp"
#include "supervision/replication/arbiter/arbiter.hpp"

namespace holdfast::replication {

/// The steps of a compare-and-set, in order.
enum class EmbeddedStep : uint8_t {
  kLocked,     // the lock is held
  kCompared,   // the record has the expected version
  kFenced,     // the victim, if there is one, is dead
  kSecured,    // the next record would survive a loss of power, but does not stand yet
  kInstalled,  // it stands
};

struct EmbeddedSettings {
  std::string directory;
  std::string cluster;
  /// Who asks; another incarnation of the member when its proposals are led by that. Only one that
  /// is in the group's in_sync kills a process stuck with the lock; nothing: never kills.
  std::optional<Incarnation> self;
  Duration deadline = Duration::milliseconds(250);      // of every call
  Duration lock_try = Duration::milliseconds(5);        // then other groups' calls have their turn
  Duration stopped_after = Duration::milliseconds(20);  // a stopped holder is stuck
  Duration hung_after = Duration::seconds(2);           // so is any other
  Duration poll = Duration::milliseconds(500);          // reads also what looks unchanged
  /// For tests: called on the arbiter's thread at each step.
  std::function<void(EmbeddedStep)> at_step;
};

/// Opens the directory, made if need be, and starts two threads: one reads and writes, the other
/// keeps deadlines and watches. kInvalid: settings; kDenied: it is another cluster's or another
/// user's, or is in use from another PID namespace; kIo.
Result<std::unique_ptr<Arbiter>> open_embedded_arbiter(EmbeddedSettings settings, Post post);

}  // namespace holdfast::replication
