// The words of the healing loop as Cap'n Proto (messages/schema/healing_journal.capnp), for its
// journal and for the way between nodes. Reading is total: what is out of range is noted in a
// Reading, and whoever began it looks there at the end.
#pragma once

#include "messages/schema/healing_journal.capnp.h"
#include "supervision/orchestrator/healing/healing.hpp"

namespace holdfast::orchestrator::healing {

namespace wire = healing_wire;

/// What was wrong first, in words; null: nothing.
struct Reading {
  const char* wrong = nullptr;

  /// A code from `least` to `most` as its enumerator.
  template <typename E>
  E code(uint64_t raw, uint64_t least, uint64_t most, const char* what) {
    if ((raw < least || raw > most) && !wrong) wrong = what;
    return static_cast<E>(wrong ? least : raw);
  }
  FaultClass fault(uint16_t raw);
  telemetry::Metric metric(uint16_t raw);
  std::string text(capnp::Text::Reader in) { return {in.begin(), in.size()}; }
  template <std::size_t N>
  Text<N> short_text(capnp::Text::Reader in) {
    auto parsed = Text<N>::parse({in.begin(), in.size()});
    if (parsed) return parsed.value();
    if (!wrong) wrong = "a text that is too long or not printable";
    return {};
  }
};

void put(wire::Place::Builder out, const Place& in);
void put(wire::Finding::Builder out, const Finding& in);
void put(wire::Incident::Builder out, const Incident& in);
void put(wire::Action::Builder out, const Action& in);
void put(wire::Proposal::Builder out, const Proposal& in);
void put(wire::PolicyDecision::Builder out, const PolicyDecision& in);
void put(wire::MaybeInt::Builder out, const std::optional<int64_t>& in);
void put(wire::StepId::Builder out, const remediation::StepId& in);
void put(wire::Objective::Builder out, const remediation::Objective& in);
void put(wire::Word::Builder out, const remediation::Word& in);
void put(wire::Remedy::Builder out, const remediation::Remedy& in);
void put(wire::Key::Builder out, const advice::Key& in);
void put(wire::Entry::Builder out, const advice::Entry& in);
void put(wire::Ask::Builder out, const Ask& in);
void put(wire::Considered::Builder out, const Considered& in);
void put(wire::WallClock::Builder out, const WallClock& in);
void put(wire::Note::Builder out, const Note& in);

/// Whole lists, in their order.
template <typename List, typename From>
void put_all(List out, const From& from) {
  unsigned at = 0;
  for (const auto& one : from) put(out[at++], one);
}

Place get(wire::Place::Reader in, Reading& reading);
Finding get(wire::Finding::Reader in, Reading& reading);
Incident get(wire::Incident::Reader in, Reading& reading);
Action get(wire::Action::Reader in, Reading& reading);
Proposal get(wire::Proposal::Reader in, Reading& reading);
PolicyDecision get(wire::PolicyDecision::Reader in, Reading& reading);
std::optional<int64_t> get(wire::MaybeInt::Reader in, Reading& reading);
remediation::StepId get(wire::StepId::Reader in, Reading& reading);
remediation::Objective get(wire::Objective::Reader in, Reading& reading);
remediation::Word get(wire::Word::Reader in, Reading& reading);
remediation::Remedy get(wire::Remedy::Reader in, Reading& reading);
advice::Key get(wire::Key::Reader in, Reading& reading);
advice::Entry get(wire::Entry::Reader in, Reading& reading);
Ask get(wire::Ask::Reader in, Reading& reading);
Considered get(wire::Considered::Reader in, Reading& reading);
WallClock get(wire::WallClock::Reader in, Reading& reading);
Note get(wire::Note::Reader in, Reading& reading);

/// A list of at most `most`, each read by get().
template <typename T, typename List>
std::vector<T> get_all(List in, std::size_t most, Reading& reading) {
  std::vector<T> out;
  if (in.size() > most && !reading.wrong) reading.wrong = "a list that is too long";
  for (auto one : in) {
    if (reading.wrong) break;
    out.push_back(get(one, reading));
  }
  return out;
}

}  // namespace holdfast::orchestrator::healing
