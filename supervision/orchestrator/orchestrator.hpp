// The orchestrator as a replicated core: failures that reached a node's root, what was decided
// about each, and how that ended, in a journal of its own, together with the self-healing loop
// (healing/). About a failure it decides nothing by itself: the strategy's advice comes in with it.
// Who carries a decision out is the node that failed; it reads it in its own copy of this state.
#pragma once

#include <map>
#include <variant>

#include "supervision/orchestrator/healing/healing.hpp"
#include "supervision/orchestrator/strategy.hpp"
#include "supervision/replication/core.hpp"

namespace holdfast::orchestrator {

/// Its group, in every cluster. Part of the journal's identity.
inline constexpr GroupId kGroup = GroupId{2001};
inline constexpr std::size_t kDecisionsKept = 1'000;
inline constexpr std::size_t kTextBytesMax = 512;

struct Escalate {
  Failure failure;
  Advice advice;
};
struct Settle {
  uint64_t number = 0;
  Outcome outcome = Outcome::kDone;
  std::string text;
};
using Command = std::variant<Escalate, Settle, healing::Command>;

struct Decided {
  Decision decision;
};
struct Settled {
  uint64_t number = 0;
  Outcome outcome = Outcome::kDone;
  std::string text;
};
using Event = std::variant<Decided, Settled, healing::Event>;

/// What a commit tells: a decision that stands, in words for the log.
struct Announced {
  Decision decision;
};
using Effect = std::variant<Announced, healing::Effect>;

struct State {
  uint64_t last = 0;                    // number of the last decision
  std::deque<Decision> decisions;       // the last of them, ascending
  std::map<MemberId, WallTime> heard;   // of each member's last failure that was decided
  std::map<MemberId, uint64_t> guards;  // … and of its guard's
  const Decision* find(uint64_t number) const;
  healing::State healing;
  /// Whether this failure, or a later one of its member, was decided.
  bool knows(const Failure& failure) const;
};

struct OrchestratorCore {
  using State = orchestrator::State;
  using Command = orchestrator::Command;
  using Event = orchestrator::Event;
  using Effect = orchestrator::Effect;
  static constexpr uint8_t kDigestVersion = 3;

  /// A failure that is known and a decision that is settled, or forgotten, make no event. One that
  /// comes again is a finding for the healing loop as well.
  static void decide(const State& state, const Command& command, WallTime now,
                     replication::Decision<OrchestratorCore>& decision);
  static void apply(State& state, const Event& event, const replication::Position& at);
  static void effects(const State& state, const Event& event, const replication::Position& at,
                      std::vector<Effect>& effects);
  static void outstanding(const State& state, std::vector<Effect>& effects);
  /// When a healing::Tick is wanted.
  static std::optional<WallTime> next_deadline(const State& state) {
    return healing::next_deadline(state.healing);
  }
  static uint64_t digest(const State& state);
};

}  // namespace holdfast::orchestrator
