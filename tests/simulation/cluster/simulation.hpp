// What everything in a simulated cluster stands on: one clock, one queue of events, one source of
// chance, and a trace. Whatever happens in a run follows from its seed alone. Knows nothing of
// nodes, venues or orders.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "messages/ids.hpp"
#include "messages/time.hpp"

namespace holdfast::cluster_simulation {

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

inline constexpr Duration us(int64_t n) { return Duration::microseconds(n); }
inline constexpr Duration ms(int64_t n) { return Duration::milliseconds(n); }

/// Bugs of a whole node, planted to see the checkers bite. They live in what the simulator wraps
/// around the production cores; nothing that is shipped knows of them.
enum class Bug : uint8_t {
  kNone,
  kReleaseBeforeCommit,   // effects leave when their entry is appended
  kDedupDropped,          // a client order id that is known is booked again
  kNewIdOnResend,         // a resend goes out under a ClOrdID and a number of its own
  kQueryUnconfirmed,      // a query is answered by whoever is asked, from what it has
  kCursorNotJournaled,    // requests are taken, and the cursor stays where it was
  kYoungReportedNotSent,  // a young order is sent again and reported as not sent
  kNumberReused,          // a new leader goes on one outbound number too low
  kNoTruncate,            // a deposed leader keeps its tail
  kPromotionWithoutTail,  // a new leader applies nothing of what it had not applied yet
  kAckBeforeWrite,        // a member acknowledges what only its own memory has
  kAckBeforeSync,         // fsynced is said before it is true
  kBlindArbiter,          // the arbiter does not compare versions
  kSameIncarnation,       // a host that lost power comes back as who it was
  kPrunedTooEarly,        // what is owed is forgotten once it is sent
  kNumberBeforeReport,    // an inbound number is journaled before what came under it
  kBarrierSkipped,        // what the venue was not asked about is reported not sent at the Logon
  kStaleRestart,          // a process that starts finds the disk of a moment ago
  kCount_,
};
std::string_view name_of(Bug bug);

/// One run.
struct Settings {
  uint64_t seed = 1;
  bool learner = false;  // the third member
  bool fsynced = false;  // durability of both groups
  bool halt = false;     // alone by shrink: halt instead of going on unprotected
  bool fences = false;   // the arbiter kills who is taken over (all on one machine)
  bool guards = false;   // else: guards do, sometimes
  Duration faults_for = Duration::seconds(22);
  Duration quiet_for = Duration::seconds(9);
  bool trace = false;
  Bug bug = Bug::kNone;
};
/// The settings that a seed stands for in campaigns.
Settings settings_of(uint64_t seed);

class Simulation {
 public:
  using Event = std::function<void()>;
  explicit Simulation(const Settings& settings);

  const Settings& settings() const { return settings_; }
  Bug bug() const { return settings_.bug; }
  Random& random() { return random_; }
  MonoTime now() const { return now_; }
  Duration elapsed() const;
  /// Faults may happen; false in the quiet that follows.
  bool faulty() const { return faulty_; }
  void quieten() { faulty_ = false; }

  /// Runs `event` after `delay`; those of one moment in the order in which they were made.
  void at(Duration delay, Event event);
  /// Runs what is due up to `end`; stops at a violation.
  void run_until(MonoTime end);

  /// One line of the trace: every run of a seed says the same.
  void say(uint32_t node, std::string_view what, uint64_t a = 0, uint64_t b = 0,
           std::string_view text = {});
  /// A checker found what must not be. The first counts.
  void fail(const std::string& what);
  const std::string& failure() const { return failure_; }
  uint64_t trace_hash() const { return hash_; }
  /// Counts a rare path.
  void sometimes(const std::string& what, uint64_t times = 1) {
    if (times != 0) sometimes_[what] += times;
  }
  const std::map<std::string, uint64_t>& sometimes() const { return sometimes_; }
  uint64_t events() const { return order_; }

 private:
  struct Queued {
    MonoTime when;
    uint64_t order;
    uint32_t slot;
    bool after(const Queued& other) const {
      return when != other.when ? when > other.when : order > other.order;
    }
  };
  void mix(uint64_t number) { hash_ = (hash_ ^ number) * 1099511628211ull; }

  Settings settings_;
  Random random_;
  MonoTime now_;
  bool faulty_ = true;
  uint64_t order_ = 0;
  std::vector<Queued> queue_;  // a heap
  std::vector<Event> slots_;
  std::vector<uint32_t> free_;
  std::string failure_;
  uint64_t hash_ = 1469598103934665603ull;
  std::map<std::string, uint64_t> sometimes_;
};

}  // namespace holdfast::cluster_simulation
