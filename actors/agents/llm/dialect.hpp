// The chat completion as each kind of server wants it, and what it answers. All of them speak
// OpenAI's exchange; they differ in how an answer's schema is asked for and in some names. The
// bytes of a request depend on the endpoint and the prompt alone, so that a recording can be played
// back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/agents/llm/gateway_settings.hpp"
#include "actors/agents/llm/prompt.hpp"

namespace holdfast::llm {

/// The body of POST URL/chat/completions.
std::string request_body(const EndpointSettings& endpoint, const Prompt& prompt);

/// More than a prompt of so many bytes can be in tokens, and what may come back: what is reserved
/// for an attempt.
int64_t tokens_at_most(std::size_t bytes, const EndpointSettings& endpoint);

struct Answer {
  ReplyProblem problem = ReplyProblem::kNone;
  std::string content;        // what the model wrote
  std::string finish_reason;  // of a known set, else "other"
  std::string model;          // printable, 64 bytes at most
  std::optional<int64_t> input_tokens, output_tokens;
};
/// Of an HTTP 200. Never throws, whatever the bytes.
Answer parse_answer(std::string_view body);

}  // namespace holdfast::llm
