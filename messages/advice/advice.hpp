// What an advisor is asked and what it answers: an incident, or a kind of actor and a kind of
// failure in advance, as numbers and enumerated values, with the list of all actions that are
// allowed. An answer is a choice out of that list or none; nothing here decides whether it is done.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/advice/limits.hpp"
#include "messages/remediation.hpp"

namespace holdfast {

/// What kind of thing fails; advice in advance is asked for kinds. The codes are those of the
/// orchestrator's table of standing advice.
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
/// "order_shard", ...; "invalid" for a code without a name.
std::string_view to_text(ActorClass actor);

/// How it fails. The codes below 20 are those of the orchestrator's failures.
enum class FailureClass : uint8_t {
  kNone = 0,         // a fault is meant, see `fault`
  kGaveUp,           // its supervisor has spent its restarts
  kQuarantined,      // input that kills it again after a rebuild
  kHung,             // survives its kill
  kRootGaveUp,       // the root of the tree has spent its restarts
  kProcessDied,      // by a signal, or an error of its own
  kProcessFenced,    // killed by a command to its guard
  kProcessHung,      // killed since a loop of it stood still
  kProcessUnstable,  // dies too often: its guard starts it only slowly
  kCrashed = 20,     // once, and was restarted
  kGray,             // lives and does little work
  kNodeLost,         // with its whole node
};
inline constexpr uint8_t kFailureClasses = 11;
std::string_view to_text(FailureClass failure);

/// A number about the present conditions. Codes are journaled.
enum class AdviceFact : uint8_t {
  kMembers = 1,       // of the cluster
  kMembersInSync,     // of the group that is concerned
  kGroupsLed,         // by the member that is concerned
  kOpenOrders,        // of the group
  kOrdersPerSecond,   // of the group
  kRestarts,          // of the actor in the last hour
  kRemedies,          // done in the last hour, whatever the place
  kRemediesReverted,  // of them, rolled back
  kDiskFreePpm,       // where the journal is
  kCpuBusyPpm,        // of the member
  kSpareMembers,      // that could take the group over
  kMinutesToClose,    // of the trading session; negative: closed
};
inline constexpr uint8_t kAdviceFacts = 12;
std::string_view to_text(AdviceFact fact);

struct FactValue {
  AdviceFact fact = AdviceFact::kMembers;
  int64_t value = 0;
  friend bool operator==(const FactValue&, const FactValue&) = default;
};

/// One thing that may be proposed. What is not in the list can't be proposed.
struct ActionOption {
  ActionKind kind = ActionKind::kNone;
  Place target;
  std::vector<MemberId> to;  // where it may go; empty: as the topology prefers, or nowhere
  int64_t amount_min = 0, amount_max = 0;
  int64_t amount_usual = 0;  // what the deterministic advisor proposes
  friend bool operator==(const ActionOption&, const ActionOption&) = default;
};

/// What is known of one precedent and one action tried in it.
struct PrecedentCase {
  PrecedentRef ref;
  FaultClass fault = FaultClass::kNone;
  ActionKind action = ActionKind::kNone;
  uint32_t succeeded = 0, rolled_back = 0, failed = 0;  // how often it ended so
  friend bool operator==(const PrecedentCase&, const PrecedentCase&) = default;
};

enum class AdviceKind : uint8_t {
  kIncident = 1,  // something is wrong
  kStanding,      // asked in quiet times, for a table
};
std::string_view to_text(AdviceKind kind);

struct AdviceRequest {
  AdviceKind kind = AdviceKind::kIncident;
  Incident incident;                           // kIncident; number zero: none
  ActorClass actor = ActorClass::kOther;       // kStanding
  FailureClass failure = FailureClass::kNone;  // kStanding: this,
  FaultClass fault = FaultClass::kNone;        // or this
  Place place;                                 // kStanding: whose class, where narrowed down
  WallTime at;                                 // ages in the prompt count back from here
  std::vector<FactValue> facts;                // kAdviceFactsMax at most
  std::vector<PrecedentCase> precedents;       // best first, kAdvicePrecedentsMax at most
  std::vector<ActionOption> options;           // kAdviceOptionsMax at most
  std::optional<Duration> within;              // sooner than the gateway's own deadline
};

/// Why there is no proposal. Codes are journaled.
enum class AdviceOutcome : uint8_t {
  kProposed = 1,
  kAbstained,    // the advisor says that none of the options is good
  kRefused,      // what the model answered is not allowed or not an answer: see `problem`
  kLate,         // the total deadline passed
  kUnavailable,  // no endpoint could be asked, or all failed
  kNotAllowed,   // no endpoint fits the residency rule
  kOverIncidentBudget,
  kOverDayBudget,
  kOverDomainBudget,
  kBusy,  // too many questions are open
};
inline constexpr uint8_t kAdviceOutcomes = 10;
std::string_view to_text(AdviceOutcome outcome);

/// What was wrong with a model's answer. Codes are journaled.
enum class ReplyProblem : uint8_t {
  kNone = 0,
  kTooLarge,
  kTooDeep,
  kNotJson,
  kDuplicateKey,
  kEnvelope,       // the HTTP body is not a chat completion
  kCutShort,       // the model stopped for another reason than its end
  kDeclined,       // the model refused
  kShape,          // not the schema: a field missing, unknown, of another type or size
  kContradiction,  // abstains and proposes, or neither
  kUnknownAction,
  kActionNotAllowed,
  kUnknownTarget,
  kTargetNotAllowed,
  kUnknownDestination,
  kDestinationNotAllowed,
  kAmountOutOfRange,
  kConfidenceOutOfRange,
  kUnknownReference,  // names evidence or a precedent that it wasn't given
  kRepeated,          // the same proposal twice
};
inline constexpr uint8_t kReplyProblems = 19;
std::string_view to_text(ReplyProblem problem);

struct AdviceReply {
  AdvisorKind advisor = AdvisorKind::kDeterministic;
  AdviceOutcome outcome = AdviceOutcome::kAbstained;
  ReplyProblem problem = ReplyProblem::kNone;
  std::vector<Proposal> proposals;  // best first, kAdviceProposalsMax at most
  // A model's only:
  std::string endpoint;  // its name in the configuration
  uint32_t input_tokens = 0, output_tokens = 0;
  int64_t cost_micros = 0;  // millionths of the configured currency
  uint32_t attempts = 0;
  bool cached = false;
  uint64_t prompt_hash = 0,
           reply_hash = 0;  // XXH3 of the facts it was asked with, of what it wrote
  Duration took;
  friend bool operator==(const AdviceReply&, const AdviceReply&) = default;
};

/// Where a question is put. `done` is called once, on any thread, at the latest at the total
/// deadline; never with an exception.
class Advisor {
 public:
  virtual ~Advisor() = default;
  virtual void advise(AdviceRequest request, std::function<void(AdviceReply)> done) = 0;
  /// What it is: never kModel for the embedded one.
  virtual AdvisorKind kind() const = 0;
};

}  // namespace holdfast
