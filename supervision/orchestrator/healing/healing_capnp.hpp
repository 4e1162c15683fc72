// The healing loop's events and state as a part of the orchestrator's journal, and its commands and
// steps as nodes send them to each other. Decoding is total: any bytes give a value or an error.
#pragma once

#include "supervision/orchestrator/healing/words_capnp.hpp"

namespace holdfast::orchestrator::healing {

void put(wire::Event::Builder out, const Event& in);
Event get(wire::Event::Reader in, Reading& reading);
void put(wire::State::Builder out, const State& in);
State get(wire::State::Reader in, Reading& reading);

/// A command for the way to whoever leads the orchestrator; CHECKs that it is none of time's
/// (Tick, Nudge). The world is the leader's own, and stays behind.
std::string encode_command(const Command& command);
Result<Command> decode_command(const std::string& bytes);

/// A step for the way to its executor, with the epoch of the leader that sends it.
struct SentStep {
  ExecuteStep step;
  Epoch epoch;
};
std::string encode_step(const SentStep& step);
Result<SentStep> decode_step(const std::string& bytes);

}  // namespace holdfast::orchestrator::healing
