// The memory of whoever carries steps out: which were begun here and how they ended, so that each
// is carried out once however often it is told, in whatever order, and never after its undo. It
// lives as long as its process and forgets the oldest; what an earlier process, or a forgotten
// entry, may have done is told as such and never done again. It carries nothing out itself and has
// no clock.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>

#include "supervision/orchestrator/remediation/remedies.hpp"

namespace holdfast::orchestrator::remediation {

inline constexpr std::size_t kLedgerMax = 1'024;
/// How far the clocks of two members may be apart: a step that was intended less than this after
/// the process began may have been begun by the one before.
inline constexpr Duration kClocksApart = Duration::seconds(2);

/// A step as it arrived, and what this member's own copy of the orchestrator's state says of it.
struct StepFacts {
  StepId id;
  WallTime not_after;
  Epoch epoch;                              // of the orchestrator's leader that sent it
  std::optional<StepId> voids;              // an undo: the try that it undoes
  std::optional<WallTime> intended;         // none: the copy does not know the step (yet)
  std::optional<WallTime> voided_intended;  // of the try that it undoes
  bool killed = false;                      // the kill switch
  WallTime now;
};

/// How a try ended, as it is told to the orchestrator.
struct Ending {
  StepOutcome outcome = StepOutcome::kVoid;
  std::optional<int64_t> previous;  // the amount that was in force
  std::string text;
  friend bool operator==(const Ending&, const Ending&) = default;
};

enum class Ruling : uint8_t {
  kCarryOut = 1,  // now, and tell `ended`
  kAnswer,        // nothing is done; this is the answer
  kUnderWay,      // it was begun; the answer comes when it has ended
  kNotYet,        // say nothing: it is told again, and can be judged then
};
struct Ruled {
  Ruling ruling = Ruling::kNotYet;
  Ending answer;
};

class Ledger {
 public:
  /// `started`: when this process began, by its own clock.
  explicit Ledger(WallTime started, std::size_t entries_max = kLedgerMax)
      : sure_after_(started + kClocksApart), entries_max_(entries_max) {}

  /// What is to be done about a step. An undo that can't be begun although there may be something
  /// to undo is answered kFailed: kVoid, of an undo, says that there is nothing.
  Ruled begin(const StepFacts& facts);
  /// What was begun has ended. False: it is not under way, nothing is changed.
  bool ended(const StepId& id, Ending ending);
  /// Who carried steps out is gone, and nobody will tell how they end: they may have been done.
  void lose_under_way();

  std::size_t size() const { return entries_.size(); }
  std::size_t under_way() const { return under_way_; }

 private:
  enum class State : uint8_t { kNever, kUnderWay, kEnded };
  struct Entry {
    State state = State::kNever;
    WallTime intended;
    Ending ending;
  };
  bool maybe_before(WallTime intended) const { return intended <= sure_after_; }
  std::optional<Ruled> nothing_to_undo(const StepFacts& facts);
  Ruled answer(const StepFacts& facts, StepOutcome outcome, std::string text);
  void keep(const StepId& id, Entry entry);
  bool make_room();

  /// What was intended later, and is not known here, was surely not begun.
  WallTime sure_after_;
  std::size_t entries_max_;
  std::size_t under_way_ = 0;
  Epoch seen_;
  std::map<StepId, Entry> entries_;
  std::deque<StepId> order_;  // as they came
};

}  // namespace holdfast::orchestrator::remediation
