// The orchestrator's events and state as bytes (messages/schema/orchestrator_journal.capnp), and
// what nodes send to whoever leads it. Decoding is total: any bytes give a value or an error.
#pragma once

#include "supervision/orchestrator/orchestrator.hpp"

namespace holdfast::orchestrator {

class OrchestratorCodec final : public replication::Codec<OrchestratorCore> {
 public:
  void encode_events(std::span<const Event> events, replication::Bytes& out) const override;
  Result<> decode_events(replication::ByteView bytes, std::vector<Event>& out) const override;
  void encode_state(const State& state, replication::Bytes& out) const override;
  Result<> decode_state(replication::ByteView bytes, State& out) const override;
};

}  // namespace holdfast::orchestrator
