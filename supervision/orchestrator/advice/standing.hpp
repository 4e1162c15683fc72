// The table of advice that was reasoned in advance: for a class of actors, a class of failures and
// a topology, what would you do? A failure looks its answer up in well under a microsecond and
// without allocation. An entry is no permission: whoever uses one completes it for the case at
// hand, checks it against the topology as it is now, and asks the policy again.
#pragma once

#include <map>
#include <unordered_map>

#include "supervision/orchestrator/world.hpp"

namespace holdfast::orchestrator::advice {

inline constexpr std::size_t kEntriesMax = 512;
inline constexpr Duration kLifetimeMax = Duration::seconds(24 * 3600);

/// Which kind of thing failed. Codes are journaled: only ever added.
enum class ActorClass : uint8_t {
  kOther = 1,
  kOrderShard,
  kVenueGateway,
  kOrchestrator,
  kHost,      // processors and memory of a member
  kStorage,   // its disks
  kLink,      // between two members
  kVenue,     // the other side
  kEndpoint,  // of HTTP
  kAgent,     // telemetry and analysis
};
inline constexpr uint8_t kActorClasses = 10;
std::string_view to_text(ActorClass kind);
ActorClass actor_class_of(const Failure& failure);
ActorClass actor_class_of(FaultClass fault, const Place& place);

/// FailureKind and FaultClass in one number: the kinds are below 100, the faults from there.
constexpr uint16_t failure_code(FailureKind kind) { return static_cast<uint16_t>(kind); }
constexpr uint16_t failure_code(FaultClass fault) { return static_cast<uint16_t>(fault); }
/// "gave_up", "slow_disk", ...
std::string_view failure_text(uint16_t code);

struct Key {
  ActorClass actor = ActorClass::kOther;
  uint16_t failure = 0;
  uint64_t topology = 0;  // topology_digest
  friend auto operator<=>(const Key&, const Key&) = default;
};
struct KeyHash {
  std::size_t operator()(const Key& key) const noexcept;
};

/// Its proposal names no place: `target` is filled in from the case; `to` may stand.
struct Entry {
  Key key;
  Proposal proposal;
  std::string rule;             // of the policy that let it in
  int64_t open_orders_max = 0;  // of the group; used only while there are no more; 0: any number
  policy::SessionPhase phase = policy::SessionPhase::kUnknown;  // only in this one; unknown: any
  WallTime made, expires;
  friend bool operator==(const Entry&, const Entry&) = default;
};

/// Why there is nothing to use. Counted by who looks up.
enum class Miss : uint8_t { kHit = 0, kNone, kExpired, kOpenOrders, kPhase };
std::string_view to_text(Miss miss);
struct Found {
  const Entry* entry = nullptr;  // until the table changes
  Miss miss = Miss::kNone;
};

class Table {
 public:
  /// The entry for this case, if its conditions hold. No allocation, one hash.
  Found look_up(const Key& key, GroupId group, const World& world, WallTime now) const;
  const Entry* find(const Key& key) const;
  /// Replaces the one with the same key. Full: what expires first goes.
  void put(Entry entry);
  void erase(const Key& key) { entries_.erase(key); }
  std::size_t size() const { return entries_.size(); }
  /// By key: the same order on every member.
  std::vector<const Entry*> sorted() const;

 private:
  std::unordered_map<Key, Entry, KeyHash> entries_;
};

/// Which classes meet which failures: all that is worth asking about in advance.
struct Asked {
  ActorClass actor = ActorClass::kOther;
  uint16_t failure = 0;
};
std::span<const Asked> questions();

/// The next question to ask at `now` under this topology: one without an entry first, then one
/// whose entry has less than a quarter of its life left; `recent` says when a key was last asked,
/// and a key is not asked again within `kAskAgain`. Nothing: all stand.
inline constexpr Duration kAskAgain = Duration::seconds(300);
std::optional<Key> next_question(const Table& table, const std::map<Key, WallTime>& recent,
                                 uint64_t topology, WallTime now);

}  // namespace holdfast::orchestrator::advice
