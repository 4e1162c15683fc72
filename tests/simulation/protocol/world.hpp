// The members of one replica group in one thread: production protocol core, simulated clock,
// connections, disks and arbiter, all from one seed. Entries are numbers; whoever leads makes them.
// The checkers see only what was released, where, by whom.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>

#include "supervision/replication/protocol/member.hpp"

namespace holdfast::simulation {

namespace act = replication::act;
namespace peer = replication::peer;
using replication::Action;
using replication::Bytes;
using replication::EntryRef;
using replication::EpochHistory;
using replication::GroupRecord;
using replication::Incarnation;
using replication::Member;
using replication::MemberCounters;
using replication::MemberSettings;
using replication::MemberState;
using replication::PeerMessage;
using replication::PeerView;
using replication::Persisted;
using replication::Role;
using replication::Unprotected;
using replication::Uuid;

/// splitmix64: small, and the same everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  /// From 0 to bound - 1.
  uint64_t below(uint64_t bound) { return next() % bound; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  Duration between(Duration low, Duration high) {
    return {low.ns + static_cast<int64_t>(below(static_cast<uint64_t>(high.ns - low.ns + 1)))};
  }

 private:
  uint64_t state_;
};

/// What a run may do to the cluster, and bugs that are planted to see the checkers bite.
struct WorldSettings {
  uint64_t seed = 1;
  std::size_t sync_members = 3;
  std::size_t learners = 0;
  Unprotected unprotected = Unprotected::kContinue;
  Duration faults_for = Duration::seconds(8);
  Duration quiet_for = Duration::seconds(6);
  bool fence = true;
  bool trace = false;
  enum class Bug : uint8_t {
    kNone,
    kAckBeforePersist,  // a follower acknowledges what its disk does not have
    kSameDirectory,     // a lost disk is replaced by one with the same name
    kNoTruncate,        // a follower keeps its tail under a new leader
    kReleaseEarly,      // the leader releases what it appended
    kBlindArbiter,      // the arbiter does not compare versions
    kSkipEntry,         // a follower's disk loses an entry in the middle
    kStaleRestart,      // a restarted process goes on from a disk of a moment ago
    kInflatedAck,       // a follower acknowledges more than it has
  } bug = Bug::kNone;
};

class World {
 public:
  explicit World(const WorldSettings& settings);
  ~World();

  /// Faults, then quiet, then the checks of the end. Empty: all is well; else what is not.
  std::string run();

  uint64_t trace_hash() const { return trace_hash_; }
  uint64_t entries_released() const { return released_.size(); }
  uint64_t leaders() const { return leader_of_.size(); }
  uint64_t faults() const { return faults_; }
  /// Rare paths that were taken, with how often.
  const std::map<std::string, uint64_t>& sometimes() const { return sometimes_; }

 private:
  struct Disk;
  struct Node;
  struct Link;
  using Event = std::function<void()>;
  struct Queued {
    MonoTime when;
    uint64_t order;
    Event event;
    friend bool operator>(const Queued& a, const Queued& b) {
      return a.when != b.when ? a.when > b.when : a.order > b.order;
    }
  };

  void at(Duration delay, Event event);
  void trace(const std::string& line);
  void fail(const std::string& what);

  void boot(Node& node);
  void kill(Node& node, const char* why);
  void stop(Node& node, Duration how_long);
  void note_counters(const Node& node);
  void enter(Node& node, uint64_t life, std::function<void(Member&)> input);
  void carry_out(Node& node);
  void carry_out(Node& node, const act::Send& send);
  void install(Node& node, const replication::Snapshot& snapshot);
  void persist(Node& node, std::vector<EntryRef> entries);
  void begin_write(Node& node);
  void write(Node& node, uint64_t upto);
  void append(Node& node);
  void lead(Node& node, Epoch epoch);
  void committed(Node& node, Index index);
  void tick(Node& node, uint64_t life);
  void work(Node& node, uint64_t life);

  void connect(Node& a, Node& b);
  void disconnect(Node& a, Node& b, bool a_dead, bool b_dead);
  void deliver(Node& from, Node& to, const PeerMessage& message);
  bool cut(const Node& a, const Node& b) const;

  void read_record(Node& node);
  void compare_and_set(Node& node, const act::CompareAndSet& cas);
  std::string apply_cas(const act::CompareAndSet& cas);
  void watch();

  void fault();
  void heal();
  bool may_lose(const Node& node) const;
  void check_end();

  WorldSettings settings_;
  Random random_;
  MonoTime now_;
  uint64_t order_ = 0;
  std::priority_queue<Queued, std::vector<Queued>, std::greater<>> queue_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::set<std::pair<uint32_t, uint32_t>> cuts_;
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> connections_;  // generation; absent: down
  uint64_t connection_count_ = 0;

  std::optional<GroupRecord> record_;
  bool arbiter_up_ = true;
  int questions_ = 0;  // that may still change the record

  uint64_t payload_ = 0;
  std::map<uint64_t, uint64_t> released_;     // index -> payload
  std::map<uint64_t, uint64_t> released_in_;  // index -> epoch
  std::map<uint64_t, uint64_t> leader_of_;    // epoch -> member and life
  std::string failure_;
  uint64_t trace_hash_ = 1469598103934665603ull;
  uint64_t faults_ = 0;
  std::map<std::string, uint64_t> sometimes_;
  bool faulty_ = true;
};

}  // namespace holdfast::simulation
