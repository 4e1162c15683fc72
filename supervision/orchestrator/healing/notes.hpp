// What the audit is told of each event of the loop: one JSON object of numbers and enumerated
// words, with the few texts that people wrote or read. Deterministic, from the event and the state
// before.
#pragma once

#include "supervision/orchestrator/healing/healing.hpp"

namespace holdfast::orchestrator::healing {

/// Nothing: the event is none of the audit's. Its number is given by who keeps it.
std::optional<Note> note_of(const State& before, const Event& event, WallTime at);
/// Whether an event makes a note.
bool tells(const Event& event);

}  // namespace holdfast::orchestrator::healing
