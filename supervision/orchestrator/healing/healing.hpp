// The self-healing loop as a part of the orchestrator's replicated core: findings become incidents,
// incidents are asked about, answers pass the policy and become remedies, remedies are carried out,
// measured, and finished or undone. Everything that happens is an event; what the world has to do
// for it (ask an advisor, carry a step out, measure, write the audit) is an effect that stays
// outstanding until its answer is an event too, so a new leader goes on where the old one ended.
// Nothing here waits, and nothing here is needed for trading or for taking over.
#pragma once

#include <memory>

#include "supervision/orchestrator/advice/standing.hpp"
#include "supervision/orchestrator/incidents/incidents.hpp"
#include "supervision/orchestrator/remediation/remedies.hpp"
#include "supervision/replication/entry.hpp"

namespace holdfast::orchestrator::healing {

inline constexpr std::size_t kAsksMax = 16;          // unanswered questions to advisors
inline constexpr std::size_t kStandingAsksMax = 2;   // of those, in advance
inline constexpr std::size_t kProposalsMax = 5;      // in one answer; more are cut off
inline constexpr std::size_t kRecommendedKept = 64;  // proposals that policy only shows
inline constexpr std::size_t kNotesMax = 4'096;      // not yet written by the audit
inline constexpr std::size_t kNotesReserve = 1'024;  // beyond the rest, no remedy begins
inline constexpr std::size_t kEventsPerCommandMax = 256;
inline constexpr Duration kStandingAskWithin = Duration::seconds(120);
inline constexpr Duration kStandingAskEvery = Duration::seconds(1);
inline constexpr Duration kRecheck =
    Duration::seconds(10);                 // a remedy succeeded, the fault goes on
inline constexpr uint32_t kRoundsMax = 6;  // of asking about one incident
inline constexpr Duration kTryAgain = Duration::seconds(5);  // after a hold that passes by itself
inline constexpr Duration kAbstainPageAfter = Duration::seconds(30);
inline constexpr Duration kClockToldEvery = Duration::seconds(10);  // at most

// ---- commands

/// A finding of an agent, or of a supervisor.
struct Report {
  Finding finding;
};
/// An advisor's answer: best first, none where it abstains. Late and unknown ones are counted.
struct AdviceArrived {
  uint64_t ask = 0;
  std::vector<Proposal> proposals;
};
/// An operator wants something done. It passes the policy as every proposal does.
struct Propose {
  Proposal proposal;
  Label identity;
};
struct Approve {
  uint64_t remedy = 0;
  Label identity;
};
struct Reject {
  uint64_t remedy = 0;
  Label identity;
  std::string reason;
};
struct KillSwitch {
  bool on = true;
  Label identity;
  std::string reason;
};
/// An executor's answer to a step.
struct StepResult {
  remediation::StepId id;
  remediation::StepOutcome outcome = remediation::StepOutcome::kDone;
  std::optional<int64_t> previous;
  std::string text;
};
/// Values for the objectives of a Measure, in their order; none where nobody can tell.
struct Measured {
  uint64_t remedy = 0;
  uint32_t round = 0;
  remediation::Values values;
};
/// The audit has these durably, up to this one.
struct NotesWritten {
  uint64_t upto = 0;
};
/// Time passes. Wanted at `next_deadline`, and whenever the topology has changed.
struct Tick {};
/// What is outstanding is told once more, 256 notes at most. Makes no event.
struct Nudge {};

struct Command {
  std::variant<Report, AdviceArrived, Propose, Approve, Reject, KillSwitch, StepResult, Measured,
               NotesWritten, Tick, Nudge>
      what;
  /// Null: the command is recorded, and the next Tick moves on.
  std::shared_ptr<const World> world;
};

// ---- events

/// A question to advisors, about an incident or (incident 0) in advance.
struct Ask {
  uint64_t number = 0;
  uint64_t incident = 0;
  advice::Key key;  // in advance
  WallTime made, expires;
  std::vector<ActionKind> tried;  // did not help, or not for long: not to be proposed again
  friend bool operator==(const Ask&, const Ask&) = default;
};
struct AskMade {
  Ask ask;
  friend bool operator==(const AskMade&, const AskMade&) = default;
};
struct AskAnswered {
  uint64_t ask = 0;
  std::vector<Proposal> proposals;
  friend bool operator==(const AskAnswered&, const AskAnswered&) = default;
};
struct AskExpired {
  uint64_t ask = 0;
  friend bool operator==(const AskExpired&, const AskExpired&) = default;
};
/// Where a proposal that is considered comes from. Codes are journaled.
enum class Source : uint8_t { kFresh = 1, kStanding, kRules, kEscalation, kOperator };
inline constexpr uint8_t kSources = 5;
std::string_view to_text(Source source);
/// A proposal, and everything that was said of it. Only one that neither the catalogue nor the
/// limits hold back is put to the policy; `remedy` is the one that it became.
struct Considered {
  uint64_t incident = 0;
  Source source = Source::kFresh;
  Proposal proposal;
  remediation::Unfit unfit = remediation::Unfit::kNo;
  remediation::Held held = remediation::Held::kNo;
  PolicyDecision decision;
  uint64_t remedy = 0;
  friend bool operator==(const Considered&, const Considered&) = default;
};
/// All proposals for an incident were considered; nothing is done before `again`.
struct CaseDecided {
  uint64_t incident = 0;
  uint64_t remedy = 0;  // 0: none of them is done
  WallTime again;       // zero: never by itself
  friend bool operator==(const CaseDecided&, const CaseDecided&) = default;
};
/// The same incident from the start: its remedy did not help, or its cause is another.
struct CaseReopened {
  uint64_t incident = 0;
  bool ask_again = true;  // false: what was proposed is considered once more
  friend bool operator==(const CaseReopened&, const CaseReopened&) = default;
};
struct Stored {
  advice::Entry entry;
  friend bool operator==(const Stored&, const Stored&) = default;
};
struct Dropped {
  advice::Key key;
  friend bool operator==(const Dropped&, const Dropped&) = default;
};
struct KillSet {
  bool on = true;
  Label identity;
  std::string reason;
  friend bool operator==(const KillSet&, const KillSet&) = default;
};
/// A human has to look.
struct Paged {
  uint64_t incident = 0, remedy = 0;
  std::string text;
  friend bool operator==(const Paged&, const Paged&) = default;
};
struct NotesCleared {
  uint64_t upto = 0;
  friend bool operator==(const NotesCleared&, const NotesCleared&) = default;
};

/// What the clock of whoever leads is worth from here on: every note carries it.
struct ClockTold {
  WallClock clock;
  friend bool operator==(const ClockTold&, const ClockTold&) = default;
};

using Event = std::variant<incidents::Event, remediation::Event, AskMade, AskAnswered, AskExpired,
                           Considered, CaseDecided, CaseReopened, Stored, Dropped, KillSet, Paged,
                           NotesCleared, ClockTold>;

// ---- effects

/// Asks advisors; the answer is AdviceArrived with the ask's number. Asking twice is harmless.
struct AskAdvice {
  Ask ask;
  Incident incident;  // as it stands; without number where the ask is in advance
};
/// To the member that carries it out (`executor`; zero: whoever leads the orchestrator). The answer
/// is StepResult with the same id.
struct ExecuteStep {
  remediation::StepId id;
  std::string workflow;
  Action action;
  MemberId executor;
  WallTime not_after;
  /// An undo: if this try was never begun here, it must never be, and the answer is kVoid.
  std::optional<remediation::StepId> voids;
};
/// Reads one value for each objective (none where it can't be read); the answer is Measured.
struct Measure {
  uint64_t remedy = 0;
  uint32_t round = 0;
  std::vector<remediation::Objective> objectives;
  Place target;
  MemberId successor;
};
/// One line of the audit; kept until NotesWritten says that it stands there.
enum class NoteKind : uint8_t {
  kFinding = 1,
  kIncident,
  kAdvice,
  kConsidered,
  kRemedy,
  kApproval,
  kMeasurement,
  kStep,
  kOutcome,
  kStanding,
  kKillSwitch,
  kPage,
};
inline constexpr uint8_t kNoteKinds = 12;
std::string_view to_text(NoteKind kind);
struct Note {
  uint64_t number = 0;  // from 1; one that is missing was lost while the audit took none
  WallTime at;
  NoteKind kind = NoteKind::kIncident;
  uint64_t incident = 0, remedy = 0;
  std::string text;      // one JSON object, what the event says
  bool page = false;     // to a human, now
  WallClock clock = {};  // what `at` is worth
  friend bool operator==(const Note&, const Note&) = default;
};
using Effect = std::variant<AskAdvice, ExecuteStep, Measure, Note>;

// ---- state

/// What is being done about one open incident.
struct Case {
  FaultClass cause = FaultClass::kNone;  // that the last decision was about
  uint64_t ask = 0;                      // zero: not asked yet
  WallTime asked;
  bool answered = false;
  std::vector<Proposal> fresh;
  bool decided = false, retried = false;
  WallTime again;
  uint32_t rounds = 0;  // how often it was asked about
  uint64_t remedy = 0;  // the last
  uint32_t remedies = 0;
  bool paged = false;
  friend bool operator==(const Case&, const Case&) = default;
};

struct Counters {
  uint64_t findings = 0, asks = 0, unanswered = 0, proposals = 0, denied = 0, remedies = 0,
           notes_lost = 0;
  friend bool operator==(const Counters&, const Counters&) = default;
};

struct State {
  incidents::State incidents;
  remediation::State remedies;
  advice::Table standing;
  std::map<uint64_t, Case> cases;  // by incident
  std::map<uint64_t, Ask> asks;    // unanswered
  uint64_t last_ask = 0;
  WallTime last_standing_ask;
  std::map<advice::Key, WallTime> asked_about;  // in advance, when last
  std::deque<Considered> recommended;  // the last that policy only shows, and a person's in vain
  bool killed = false;
  Label killed_by;
  WallTime killed_at;
  uint64_t last_note = 0;
  std::deque<Note> notes;  // not yet written
  WallClock clock;         // as it was told last
  WallTime clock_told;     // when
  Counters counters;
};

/// Why an operator's command would change nothing now; success: it will, or it is none of an
/// operator's. For whoever answers the operator.
Result<> may(const State& state, const Command& command, WallTime now);

/// What a failure that reached a node's root is as a finding; nothing: the first in a while, which
/// the tree mends.
std::optional<Finding> finding_of(const Decision& decision, const std::deque<Decision>& history);

/// What the deterministic strategy would do about a cause, best first, places filled in.
std::vector<Action> by_rules(const Incident& incident, const World& world);
/// The action with what it leaves open filled in from the incident's place.
Action aim(Action action, const Incident& incident, const World& world);

/// Looks and proposes. `refused`, if wanted, says why a finding was not taken.
void decide(const State& state, const Command& command, WallTime now, std::vector<Event>& events,
            std::vector<Effect>& replies, incidents::Refused* refused = nullptr);
void apply(State& state, const Event& event, WallTime at);
/// What a committed event has the world do; `state` is right after it.
void effects(const State& state, const Event& event, std::vector<Effect>& effects);
/// What a new leader has the world do again, with so many of the notes.
void outstanding(const State& state, std::vector<Effect>& effects, std::size_t notes = kNotesMax);
/// When a Tick is wanted.
std::optional<WallTime> next_deadline(const State& state);
/// Folded numbers that differ when two copies of the state do.
uint64_t digest(const State& state);

}  // namespace holdfast::orchestrator::healing
