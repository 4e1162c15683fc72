// Between risk's values and messages/schema/risk_journal.capnp. Writing can't fail; reading is
// total: any message gives a value or an error that names the field, and a state that was read is
// one that restore() could build.
#pragma once

#include <span>

#include "actors/risk/image.hpp"
#include "messages/schema/risk_journal.capnp.h"

namespace holdfast::risk {

void write(const RiskDecision& decision, wire::Decision::Builder to);
void write(const RiskLimits& limits, wire::RiskLimits::Builder to);
void write(const RestrictedList& list, wire::RestrictedList::Builder to);
void write(const KillRecord& record, wire::Kill::Builder to);
void write(const RiskDelta& delta, wire::Delta::Builder to);
void write(const RiskImage& image, wire::State::Builder to);
void write(const RiskState& state, wire::State::Builder to);

// ---- errors are kInvalid, from read_state also kCorrupt
Result<RiskDecision> read(wire::Decision::Reader from);
/// Validated as well: what it returns may be loaded.
Result<RiskLimits> read(wire::RiskLimits::Reader from);
Result<RestrictedList> read(wire::RestrictedList::Reader from);
Result<KillRecord> read(wire::Kill::Reader from);
Result<RiskDelta> read(wire::Delta::Reader from);
Result<RiskState> read_state(wire::State::Reader from);

// ---- whole messages as bytes (one framed message), for tests, tools and fuzzing
std::vector<std::byte> encode_message(const RiskDecision& decision);
std::vector<std::byte> encode_message(const RiskDelta& delta);
std::vector<std::byte> encode_message(const RiskState& state);
Result<RiskDecision> decode_decision(std::span<const std::byte> bytes);
Result<RiskDelta> decode_delta(std::span<const std::byte> bytes);
Result<RiskState> decode_state(std::span<const std::byte> bytes);

}  // namespace holdfast::risk
