// Remedies: what is being done about incidents, each a state machine whose every move is journaled
// before it has an effect. A step's intent is committed before anybody carries it out, and names it
// for good, so an executor does each once however often it is told, and a successor of the
// orchestrator goes on where the journal ends: it finishes, or undoes, once.
#pragma once

#include <deque>
#include <map>
#include <variant>

#include "supervision/orchestrator/incidents/causes.hpp"
#include "supervision/orchestrator/policy/approval.hpp"
#include "supervision/orchestrator/remediation/workflow.hpp"

namespace holdfast::orchestrator::remediation {

inline constexpr std::size_t kActiveMax = 16;  // waiting for approval, or running
inline constexpr std::size_t kEndedKept = 200;
inline constexpr std::size_t kWordsMax = 4;  // of approvers
inline constexpr Duration kMeasureWithin = Duration::seconds(5);
inline constexpr Duration kAnswerWithin = Duration::seconds(2);  // after a step's not_after
inline constexpr uint8_t kUndoAttempts = 2;
inline constexpr Duration kMeasureEvery = Duration::milliseconds(500);

/// The name of one try at one step, for good. An undo of a step is a try of its own.
struct StepId {
  uint64_t incident = 0, remedy = 0;
  uint8_t step = 0, attempt = 1;
  bool undo = false;
  friend auto operator<=>(const StepId&, const StepId&) = default;
};
/// "7/12/step-0/try-1", "7/12/undo-0/try-1".
std::string to_text(const StepId& id);

/// How a try ended. Codes are journaled.
enum class StepOutcome : uint8_t {
  kDone = 1,
  kFailed,  // tried, and it did not work; nothing of it stays
  kVoid,    // never begun, and never will be: too late, fenced, or undone before it came
  kLost,    // nobody answered in time: it may have been done
};
std::string_view to_text(StepOutcome outcome);

enum class Phase : uint8_t {
  kAwaitingApproval = 1,
  kCapturing,  // what was before is being measured
  kWarmingUp,
  kStepping,
  kSettling,
  kVerifying,
  kUndoing,
  kEnded,
};
inline constexpr uint8_t kPhases = 8;
std::string_view to_text(Phase phase);

using Values = std::vector<std::optional<int64_t>>;

struct StepRecord {
  StepId id;
  Action action;
  WallTime intended, not_after;        // an executor does not begin after `not_after`
  std::optional<StepOutcome> outcome;  // none: under way
  std::optional<int64_t> previous;     // what an amount was before
  std::string text;
  friend bool operator==(const StepRecord&, const StepRecord&) = default;
};

/// A person's word, journaled.
struct Word {
  Label person;
  WallTime at;
  bool yes = true;
  friend bool operator==(const Word&, const Word&) = default;
};

struct Remedy {
  uint64_t number = 0, incident = 0;
  FaultClass cause = FaultClass::kNone;
  Place place;  // of the cause
  Proposal proposal;
  PolicyDecision decision;
  Plan plan;
  Phase phase = Phase::kCapturing;
  WallTime opened, phase_since, ended;
  WallTime started;         // its timeout runs from here: approval is not counted
  Label proposer;           // the person who proposed it; empty: an advisor
  std::vector<Word> words;  // of approvers
  uint32_t round = 0;       // of measuring; the one that is awaited while > measured
  uint32_t measured = 0;
  WallTime asked;                 // of the round
  Values values;                  // of the last round of verifying
  Values before;                  // of plan.before, then of plan.after
  std::vector<StepRecord> steps;  // in the order of their intents, undos too
  RemedyOutcome outcome = RemedyOutcome::kOpen;
  std::string text;  // why it ended so
  friend bool operator==(const Remedy&, const Remedy&) = default;

  /// The try that is being made; null: none.
  const StepRecord* under_way() const;
  /// The last try at a step, or at its undo; null: none yet.
  const StepRecord* last_try(uint8_t step, bool undo) const;
  /// What the round that is asked for measures.
  std::vector<Objective> wanted() const;
};

struct Opened {
  Remedy remedy;  // number, incident, cause, place, proposal, decision, plan, phase
  friend bool operator==(const Opened&, const Opened&) = default;
};
/// A person's yes or no.
struct WordGiven {
  uint64_t remedy = 0;
  Word word;
  std::string reason;  // of a no
  friend bool operator==(const WordGiven&, const WordGiven&) = default;
};
/// Whoever measures is asked (again).
struct MeasureAsked {
  uint64_t remedy = 0;
  uint32_t round = 0;
  friend bool operator==(const MeasureAsked&, const MeasureAsked&) = default;
};
struct MeasureTaken {
  uint64_t remedy = 0;
  uint32_t round = 0;
  Values values;
  friend bool operator==(const MeasureTaken&, const MeasureTaken&) = default;
};
struct Moved {
  uint64_t remedy = 0;
  Phase to = Phase::kStepping;
  std::string text;
  friend bool operator==(const Moved&, const Moved&) = default;
};
struct StepIntended {
  StepId id;
  Action action;
  WallTime not_after;
  friend bool operator==(const StepIntended&, const StepIntended&) = default;
};
struct StepEnded {
  StepId id;
  StepOutcome outcome = StepOutcome::kDone;
  std::optional<int64_t> previous;
  std::string text;
  friend bool operator==(const StepEnded&, const StepEnded&) = default;
};
struct Ended {
  uint64_t remedy = 0;
  RemedyOutcome outcome = RemedyOutcome::kFailed;
  std::string text;
  friend bool operator==(const Ended&, const Ended&) = default;
};
using Event = std::variant<Opened, WordGiven, MeasureAsked, MeasureTaken, Moved, StepIntended,
                           StepEnded, Ended>;

struct State {
  uint64_t last = 0;
  std::map<uint64_t, Remedy> active;
  std::deque<policy::PastAction> begun;  // steps of the last day, for the policy's rates
  std::deque<Remedy> ended;  // ascending by when they ended; those of long ago are forgotten
  const Remedy* find(uint64_t number) const;
};
void apply(State& state, const Event& event, WallTime at);

/// What the machine looks at beside its own state.
struct Surroundings {
  const World& world;
  const Incident* incident = nullptr;  // null: it is closed and forgotten
  bool killed = false;
  PolicyDecision judged;  // the policy's word now, asked by the caller right before the first step
};

/// Everything that the policy wants to know, for a completed action. `except` is not counted among
/// the remedies that run.
policy::PolicyContext policy_context(const State& state, const World& world, const Action& action,
                                     FaultClass fault, bool killed, uint64_t except, WallTime now);
/// The policy's decision; a world without a policy denies.
PolicyDecision judge(const World& world, const Proposal& proposal,
                     const policy::PolicyContext& context);
/// How a remedy that needs approval stands.
policy::ApprovalState approval_of(const Remedy& remedy, WallTime now);

/// The next move that is due at `now`, one at a time; nothing: it waits. The caller applies it and
/// asks again.
std::optional<Event> next_move(const Remedy& remedy, const Surroundings& around, WallTime now);
/// When time alone makes the next move due; nothing: only an answer does.
std::optional<WallTime> deadline_of(const Remedy& remedy);

/// Why a proposal is not begun although the policy may allow it.
enum class Held : uint8_t {
  kNo = 0,
  kUnfit,  // the catalogue's preconditions
  kNoWorkflow,
  kActive,  // too many run, or one that touches the same
  kBlastRadius,
  kRate,
  kCooldown,
  kBreaker,     // done and undone too often here
  kTried,       // it did not help, or not for long
  kDistrusted,  // the cause is not sure enough
  kElsewhere,   // aimed at a member that the incident does not name
  kAudit,       // the audit is too far behind
};
inline constexpr uint8_t kHeldCodes = 11;
std::string_view to_text(Held held);

/// Limits of rate, blast radius and repetition, by what the state knows. `action` is completed.
Held held_back(const State& state, const Workflow& workflow, const Limits& limits,
               const Action& action, const Incident& incident, uint32_t radius, WallTime now);
/// Whether the action was tried on this cause at this place, and did not help or not for long.
bool tried(const State& state, ActionKind kind, const Incident& incident, WallTime now);
/// What the last remedy for this cause at this place says is to be done next; kNone: none ended.
ActionKind escalation(const State& state, const Incident& incident, WallTime now);
/// Whether two actions touch the same.
bool same_target(const Action& a, const Action& b);

}  // namespace holdfast::orchestrator::remediation
