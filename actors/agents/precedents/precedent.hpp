// One precedent: what it looked like, what was done, how that ended; and the questions that a store
// of them answers. Seeds are written by us and documented in config/precedents.toml; the others are
// learned from the incidents of this deployment. Where they are kept is the store's business.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "actors/agents/precedents/signature.hpp"
#include "messages/advice/advice.hpp"

namespace holdfast::precedents {

/// How often an action was tried in a precedent, by how it ended.
struct ActionRecord {
  ActionKind action = ActionKind::kNone;
  uint32_t succeeded = 0, rolled_back = 0, failed = 0;
  friend bool operator==(const ActionRecord&, const ActionRecord&) = default;
};

struct Precedent {
  uint64_t number = 0;  // the incident's; seeds count down from the top: see seed_number
  WallTime learned;     // zero for seeds
  Signature signature;
  std::vector<ActionRecord> actions;  // in the order in which they were first tried
  std::string note;                   // of a seed: what the remedy rests on, for people
  friend bool operator==(const Precedent&, const Precedent&) = default;
};

/// Of the seed that the configuration numbers `n`, from 1.
constexpr uint64_t seed_number(uint64_t n) { return UINT64_MAX - n; }
constexpr bool is_seed(uint64_t number) {
  return number >= UINT64_MAX - limits::kPrecedentSeedsMax;
}

/// A documented case, as configuration tells it.
struct Seed {
  uint64_t number = 0;  // from 1, never reused
  FaultClass fault = FaultClass::kNone;
  std::vector<Symptom> symptoms;
  ActionKind action = ActionKind::kNone;
  RemedyOutcome outcome = RemedyOutcome::kSucceeded;
  uint32_t weight = 1;  // as if it had ended so that often
  std::string note;
};
Precedent precedent_of(const Seed& seed);

struct Match {
  PrecedentRef ref;
  FaultClass fault = FaultClass::kNone;
  uint32_t score_ppm = 0;  // what it was ranked by; 1,000,000 would be first in every way
  std::vector<ActionRecord> actions;  // best record first
};

/// For an advisor: a case for each action of each match, best match first, 8 at most.
std::vector<PrecedentCase> cases_of(std::span<const Match> matches);
/// For a finding.
std::vector<PrecedentRef> refs_of(std::span<const Match> matches);

/// A store of precedents. Of any thread; a call may read or write a disk, never on the order path.
class Precedents {
 public:
  virtual ~Precedents() = default;
  /// The k best, best first; empty: nothing in the store resembles it enough.
  virtual std::vector<Match> find(const Signature& signature, std::size_t k) const = 0;
  /// Remembers how `action` ended in `incident`. What was denied, not needed or is still open is
  /// nobody's record and changes nothing. kInvalid: the incident has no number or no cause.
  virtual Result<> learn(const Incident& incident, ActionKind action, RemedyOutcome outcome,
                         WallTime now) = 0;
  /// One of them, for people; kNotFound.
  virtual Result<Precedent> get(uint64_t number) const = 0;
  /// Those of a fault (kNone: all), the latest first, at most `most`.
  virtual std::vector<Precedent> list(FaultClass fault, std::size_t most) const = 0;
  virtual std::size_t size() const = 0;
};

}  // namespace holdfast::precedents
