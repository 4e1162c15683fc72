// What is done about a failure that the tree could not mend by itself: the words for failures and
// remedies, and the strategy, a pure function of the failure, the topology and what was decided
// before. The deterministic one stands here; one that asks for advice takes the same place, and
// falls back to it.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/ids.hpp"
#include "messages/time.hpp"

namespace holdfast::orchestrator {

/// Codes are journaled: only ever added.
enum class FailureKind : uint8_t {
  kGaveUp = 1,       // a supervisor has spent its restarts
  kQuarantined = 2,  // input that kills an actor again after a rebuild
  kHung = 3,         // an actor that survives its kill
  // What the guard of a node saw, told by the node's next life:
  kRootGaveUp = 4,       // the root of the tree has spent its restarts: the process ended
  kProcessDied = 5,      // by a signal, or an error of its own
  kProcessFenced = 6,    // killed by a command to its guard
  kProcessHung = 7,      // killed since a loop of it stood still
  kProcessUnstable = 8,  // it dies too often: its guard starts it only slowly
};
inline constexpr uint8_t kFailureKinds = 8;
std::string_view to_text(FailureKind kind);

/// One failure that reached the root of a node's tree, or its guard.
struct Failure {
  FailureKind kind = FailureKind::kGaveUp;
  MemberId member;   // the node's
  GroupId group;     // whose actor it was; zero: of none
  WallTime at;       // with the member, its name: rising in each member
  std::string path;  // in the tree: "node/orders/shard-0"
  std::string text;
  uint64_t guard = 0;  // zero: of the tree. Else, with the member, its name: rising in its guard
  friend bool operator==(const Failure&, const Failure&) = default;
};

/// Codes are journaled: only ever added.
enum class Remedy : uint8_t {
  kRestartHere = 1,   // as the tree's own policy does it
  kRestartClean = 2,  // again from the journal, by the orchestrator's word
  kPromote = 3,       // another member leads the group
  kDrain = 4,         // other members lead everything that this node leads
  kHalt = 5,          // nothing: it stays down, and a human is told
};
inline constexpr uint8_t kRemedies = 5;
std::string_view to_text(Remedy remedy);

enum class Outcome : uint8_t { kOpen = 0, kDone = 1, kFailed = 2 };
inline constexpr uint8_t kOutcomes = 2;
std::string_view to_text(Outcome outcome);

/// What the strategy answers.
struct Advice {
  Remedy remedy = Remedy::kRestartHere;
  MemberId target;     // kPromote: who leads
  std::string reason;  // in words, for the journal
  friend bool operator==(const Advice&, const Advice&) = default;
};

struct Decision {
  uint64_t number = 0;  // from 1
  WallTime at;
  Failure failure;
  Advice advice;
  Outcome outcome = Outcome::kOpen;
  std::string outcome_text;
  friend bool operator==(const Decision&, const Decision&) = default;
};

/// Who leads what, and who could, at the moment of the failure.
struct GroupPlace {
  GroupId group;
  MemberId leader;
  std::vector<MemberId> in_sync;  // in the order in which the topology prefers them to lead
};
struct Topology {
  std::vector<GroupPlace> groups;  // none: a node by itself
};

/// Deterministic and total; called by whoever leads the orchestrator's group, on its loop.
using Strategy =
    std::function<Advice(const Failure&, const Topology&, const std::deque<Decision>&)>;

/// The restart policy goes first: the tree has restarted what failed. Again within a minute:
/// another in-sync member leads the group, or the actor begins once more from the journal. More
/// than three times: it is left alone and a human is told, as with poison. A node with a hung actor
/// is drained. A process that died was started again by its guard; one that dies too often, or
/// whose root gives up a third time within a minute, leads nothing from then on.
Advice by_restart_policy(const Failure& failure, const Topology& topology,
                         const std::deque<Decision>& history);

}  // namespace holdfast::orchestrator
