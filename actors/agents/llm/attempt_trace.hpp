// One attempt as a span: which endpoint and model were asked about which incident, what it used and
// how it ended. All questions about an incident share a trace, whose id can be told from the
// incident's number.
#pragma once

#include "actors/agents/llm/dialect.hpp"
#include "actors/agents/llm/trace.hpp"

namespace holdfast::llm {

/// The upper half of every trace id: "holdfast" in ASCII. The lower is the incident's number; of a
/// question in advance the call's, with the top bit set.
inline constexpr uint64_t kTraceHigh = 0x686f6c6466617374ull;

struct AttemptFacts {
  uint64_t incident = 0;  // 0: in advance
  uint64_t call = 0, attempt = 0;
  uint32_t tries = 1;  // of this question, this one included
  WallTime began, ended;
  int status = 0;     // HTTP's; 0: none
  std::string error;  // "" when the answer was good
};

Span span_of(const AttemptFacts& facts, const EndpointSettings& endpoint, const Answer& answer);

}  // namespace holdfast::llm
