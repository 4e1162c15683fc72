// What an exchange with a model leaves in traces: a span with the attributes that OpenTelemetry's
// semantic conventions for generative AI name, ready for OTLP. Contents of prompts and answers are
// not in it, and no key.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "messages/time.hpp"

namespace holdfast::llm {

struct Attribute {
  std::string key;
  std::variant<int64_t, std::string, bool, double, std::vector<std::string>> value;
};

struct Span {
  uint64_t trace_high = 0, trace_low = 0;  // never both 0
  uint64_t span = 0;                       // never 0
  std::string name;                        // "chat MODEL"
  WallTime began, ended;
  bool failed = false;
  std::string error;  // of a failed one: the same word as the attribute error.type
  std::vector<Attribute> attributes;
};

/// One line of JSON, a Span as OTLP's JSON encoding has it (kind 3: client).
std::string to_otlp_json(const Span& span);

}  // namespace holdfast::llm
