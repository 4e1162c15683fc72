// What the healing loop may do by itself: decision tables over an action and the state of the world
// around it, and levels of autonomy by action and domain. Total and deny by default: every proposal
// gets a verdict that names the rule behind it, and what no rule allows is denied. Nothing here
// reads a clock, keeps a history or carries anything out; the caller hands all of it in.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/fixed_point.hpp"
#include "messages/remediation.hpp"

namespace holdfast::policy {

inline constexpr std::size_t kRulesMax = 256;         // of each table
inline constexpr std::size_t kRuleNameBytes = 48;     // lower case letters, digits, '-'
inline constexpr std::size_t kPastActionsMax = 1024;  // in a context; the latest
inline constexpr std::size_t kPastSpanHours = 24;     // the longest window a rule may count over

/// How far wall time may be trusted. Unsynchronised: the kernel says so; unknown: nobody could ask.
enum class ClockQuality : uint8_t { kUnknown = 0, kUnsynchronised, kSynchronised };
inline constexpr uint8_t kClockQualities = 3;
std::string_view to_text(ClockQuality quality);

/// Where the trading session of the venues that are touched stands; the busiest of several.
enum class SessionPhase : uint8_t { kUnknown = 0, kClosed, kOpening, kOpen, kClosing };
inline constexpr uint8_t kSessionPhases = 5;
std::string_view to_text(SessionPhase phase);

/// What an action is done to, told by its place alone.
enum class TargetKind : uint8_t {
  kCluster = 0,   // neither member, group nor instance
  kNode,          // a member
  kPart,          // an instance without a group: an actor of a node, a disk, an endpoint, a peer
  kOrders,        // an order shard
  kVenue,         // a venue gateway
  kOrchestrator,  // the group that decides this
  kGroup,         // any other group
};
inline constexpr uint8_t kTargetKinds = 7;
std::string_view to_text(TargetKind kind);
TargetKind kind_of(const Place& target);

/// Something that was begun before, whatever became of it.
struct PastAction {
  WallTime at;
  ActionKind kind = ActionKind::kNone;
  Place target;
};

/// The state of the world that a decision depends on. What is not known is left empty, and then the
/// decision is the most restrictive that any value of it would bring.
struct PolicyContext {
  WallTime now;
  ClockQuality clock = ClockQuality::kUnknown;  // of `now`
  FaultClass fault = FaultClass::kNone;         // the incident's cause; kNone: not known
  SessionPhase phase = SessionPhase::kUnknown;
  std::optional<int64_t> open_orders;                    // that the action touches
  std::optional<Notional> position;                      // gross, of the accounts that it touches
  std::optional<int64_t> groups_touched, nodes_touched;  // interrupted: the blast radius
  std::optional<int64_t> in_flight;                      // other actions that are not over
  std::optional<int64_t> in_sync_left;  // members in sync while it runs, in the worst group touched
  std::optional<bool> to_in_sync;       // `to` is in the in-sync set, or the one it is left to is
  std::vector<PastAction> past;         // of the last kPastSpanHours, this one not among them
  bool kill_switch = false;
};

/// What a range is about.
enum class Measure : uint8_t {
  kOpenOrders = 0,
  kPosition,  // units of 1e-8
  kGroupsTouched,
  kNodesTouched,
  kInFlight,
  kInSyncLeft,
  kAmount,      // of the action
  kConfidence,  // of the proposal, parts per million
};
inline constexpr uint8_t kMeasures = 8;
std::string_view to_text(Measure measure);

/// Both ends belong to it.
struct Range {
  int64_t least = INT64_MIN, most = INT64_MAX;
  friend bool operator==(const Range&, const Range&) = default;
};

/// UTC; both ends are seconds of the day. `end` before `begin` runs over midnight; the days are
/// those of the moment itself. Only a synchronised clock can say whether it is so.
struct TimeOfDay {
  uint32_t begin = 0, end = 86'400;  // begin belongs to it, end does not
  uint8_t days = 0x7f;               // bit 0: Monday
  friend bool operator==(const TimeOfDay&, const TimeOfDay&) = default;
};

/// What counts towards a rate: the same action, the same target, both, or anything.
enum class CountOf : uint8_t { kAll = 0, kAction, kTarget, kActionAndTarget };
inline constexpr uint8_t kCountsOf = 4;
std::string_view to_text(CountOf of);

/// So many actions were begun within `window` before now.
struct Rate {
  CountOf of = CountOf::kAll;
  Duration window;
  Range count;
  friend bool operator==(const Rate&, const Rate&) = default;
};

/// All of them must hold. What is empty holds always.
struct Conditions {
  std::vector<ActionKind> actions;
  std::vector<TargetKind> targets;
  std::vector<MemberId> members;  // of the target
  std::vector<GroupId> groups;    // of the target
  std::vector<telemetry::Domain> domains;
  std::vector<FaultClass> faults;
  std::vector<SessionPhase> phases;
  std::vector<ClockQuality> clocks;
  std::vector<AdvisorKind> advisors;
  std::array<std::optional<Range>, kMeasures> ranges;
  std::optional<bool> to_in_sync;
  std::optional<TimeOfDay> time;
  std::vector<Rate> rates;
};

struct Rule {
  std::string name;
  std::string reason;  // for people
  Conditions when;
  Verdict then = Verdict::kDeny;
  uint8_t persons = 0;        // kNeedsApproval: one or two; 0: as the policy says
  Duration approval_expires;  // zero: as the policy says
};

/// Levels by action and domain. An incident whose domain is not known gets the lowest of them.
class AutonomyTable {
 public:
  AutonomyTable() { set_all(Autonomy::kObserve); }
  void set_all(Autonomy level);
  void set(ActionKind action, Autonomy level);
  void set(ActionKind action, telemetry::Domain domain, Autonomy level);
  Autonomy level(ActionKind action, FaultClass fault) const;

 private:
  std::array<std::array<Autonomy, telemetry::kDomains>, kActionKinds + 1> levels_;
};

struct Policy {
  std::vector<Rule> never;  // looked at first; each forbids, whatever the rules say
  std::vector<Rule> rules;  // in order: the first that matches decides
  AutonomyTable autonomy;
  std::vector<ActionKind> two_persons;  // actions that always need two
  Duration approval_expires = Duration::seconds(600);
};

/// Names of decisions that no rule of the policy makes. No rule may have one of them.
inline constexpr std::string_view kRuleDefault = "default";         // none matched: denied
inline constexpr std::string_view kRulePage = "page";               // always allowed
inline constexpr std::string_view kRuleWatch = "watch";             // there is nothing to do
inline constexpr std::string_view kRuleKillSwitch = "kill-switch";  // it is on: observe at most
inline constexpr std::string_view kRuleInvalid = "invalid";         // no action of the catalogue

/// The decision. Pure and total: any proposal in any context gets one. From the rule's word and the
/// level of autonomy, the lesser counts; the rule stays named and the reason says so.
PolicyDecision evaluate(const Policy& policy, const Proposal& proposal,
                        const PolicyContext& context);

/// Whether a rule's conditions hold; kUnknown where that hangs on something not known.
enum class Match : uint8_t { kNo = 0, kUnknown, kYes };

/// What became of one rule on the way to a decision.
struct Step {
  std::string_view rule;  // valid as long as the policy
  bool never = false;
  Match match = Match::kNo;
  std::string why;  // kNo and kUnknown: the first condition that does not hold, in words
};
struct Explanation {
  PolicyDecision decision;
  Autonomy level = Autonomy::kObserve;
  std::vector<Step> steps;  // never rules, then rules, up to the one that decided
};
/// As `evaluate`, and how it came about.
Explanation explain(const Policy& policy, const Proposal& proposal, const PolicyContext& context);

/// The verdict that a level of autonomy permits at most.
Verdict most_of(Autonomy level);

}  // namespace holdfast::policy
