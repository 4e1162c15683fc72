// What may be done about an incident: the closed catalogue of actions, a proposal to do one, what
// the policy says of it, and how it ended. No action places, changes or cancels an order: acting on
// trading goes through supervision only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/finding.hpp"

namespace holdfast {

/// The closed catalogue. Codes are journaled: only ever added.
enum class ActionKind : uint8_t {
  kNone = 0,          // watch on; also what an advisor says who abstains
  kRestartActor = 1,  // in place, its state kept by its core
  kRestartClean,      // again from the journal
  kMigrate,  // a replicated group: a planned hand-over; a stateless actor: start there, stop here
  kPromote,  // fast: another member leads the group now
  kDrain,    // the node gives up all it leads
  kRerouteOrders,  // new orders of a symbol go to another venue
  kThrottle,       // fewer credits for clients; amount: ppm of the usual
  kScaleOut,       // amount: how many instances or nodes more
  kScaleIn,
  kFlushStorage,  // RocksDB flush of a group's journal
  kCompactStorage,
  kShrinkCache,
  kSwitchEndpoint,  // the next endpoint of a feed or of the LLM gateway
  kHaltVenue,       // no new orders to it
  kResumeVenue,
  kRestartNode,  // by its guard
  kPage,         // a human; always allowed
};
inline constexpr uint8_t kActionKinds = 17;
/// "restart_actor", ...; "invalid" for a code without a name.
std::string_view to_text(ActionKind kind);
/// False when no action has that name.
bool parse_action_kind(std::string_view text, ActionKind& kind);

struct Action {
  ActionKind kind = ActionKind::kNone;
  Place target;        // what it is done to
  MemberId to;         // kMigrate, kPromote: where to; zero: as the topology prefers
  int64_t amount = 0;  // see the kind
  friend bool operator==(const Action&, const Action&) = default;
};

/// Who proposes. The embedded one is never called a model.
enum class AdvisorKind : uint8_t {
  kDeterministic = 1,  // rules and precedents
  kModel,              // a language model behind the gateway
  kStanding,           // the table that was reasoned in advance
  kOperator,           // a person
};
std::string_view to_text(AdvisorKind kind);

struct Proposal {
  uint64_t incident = 0;
  Action action;
  AdvisorKind advisor = AdvisorKind::kDeterministic;
  uint32_t confidence_ppm = 0;
  std::vector<PrecedentRef> precedents;
  std::string reason;  // for people and the audit; never parsed, 512 bytes at most
  friend bool operator==(const Proposal&, const Proposal&) = default;
};

/// How much the loop may do by itself. Codes are journaled.
enum class Autonomy : uint8_t { kObserve = 1, kRecommend, kApprove, kAutonomous };
std::string_view to_text(Autonomy autonomy);

enum class Verdict : uint8_t {
  kDeny = 1,
  kObserve,    // recorded, nothing more
  kRecommend,  // shown to operators
  kNeedsApproval,
  kAllow,
};
std::string_view to_text(Verdict verdict);

/// What the policy says. It always names the rule, "default" when none matched.
struct PolicyDecision {
  Verdict verdict = Verdict::kDeny;
  std::string rule;
  std::string reason;
  uint8_t approvals_needed = 0;  // kNeedsApproval: one or two persons
  Duration approval_expires;     // kNeedsApproval: how long an approval counts
  friend bool operator==(const PolicyDecision&, const PolicyDecision&) = default;
};

/// How a remedy ended. Codes are journaled.
enum class RemedyOutcome : uint8_t {
  kOpen = 0,
  kSucceeded = 1,  // done, and its objectives verified
  kRolledBack,     // done, objectives missed, undone
  kFailed,         // could not be done, or could not be undone; a human was told
  kDenied,         // by policy, or nobody approved in time
  kNotNeeded,      // the fault was gone before it began
};
std::string_view to_text(RemedyOutcome outcome);

}  // namespace holdfast
