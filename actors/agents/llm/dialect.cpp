#include "actors/agents/llm/dialect.hpp"

#include <algorithm>
#include <array>

#include "actors/agents/llm/json.hpp"

namespace holdfast::llm {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void key(Writer& out, std::string_view name) {
  out.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}
void text(Writer& out, std::string_view name, std::string_view value) {
  key(out, name);
  out.String(value.data(), static_cast<rapidjson::SizeType>(value.size()));
}
void raw(Writer& out, std::string_view name, std::string_view value) {
  key(out, name);
  out.RawValue(value.data(), value.size(), rapidjson::kObjectType);
}

void message(Writer& out, std::string_view role, std::string_view content) {
  out.StartObject();
  text(out, "role", role);
  text(out, "content", content);
  out.EndObject();
}

void response_format(Writer& out, Dialect dialect, std::string_view schema) {
  key(out, "response_format");
  out.StartObject();
  if (dialect == Dialect::kLlamaCpp) {
    // Every version of its server takes a schema here; the other form came later.
    text(out, "type", "json_object");
    raw(out, "schema", schema);
  } else {
    text(out, "type", "json_schema");
    key(out, "json_schema");
    out.StartObject();
    text(out, "name", "advice");
    if (dialect != Dialect::kOllama) {
      key(out, "strict");
      out.Bool(true);
    }
    raw(out, "schema", schema);
    out.EndObject();
  }
  out.EndObject();
}

std::string printable(std::string_view text, std::size_t most) {
  std::string out;
  for (const char c : text.substr(0, most)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

std::optional<int64_t> count_in(const json::Value* usage, const char* name) {
  const auto* value = usage == nullptr ? nullptr : json::member(*usage, name);
  if (value == nullptr || !value->IsInt64() || value->GetInt64() < 0) return std::nullopt;
  return value->GetInt64();
}

}  // namespace

std::string_view to_text(Dialect dialect) {
  switch (dialect) {
    case Dialect::kOpenai:
      return "openai";
    case Dialect::kVllm:
      return "vllm";
    case Dialect::kLlamaCpp:
      return "llama_cpp";
    case Dialect::kOllama:
      return "ollama";
  }
  return "invalid";
}

std::string request_body(const EndpointSettings& endpoint, const Prompt& prompt) {
  rapidjson::StringBuffer buffer;
  Writer out(buffer);
  out.StartObject();
  text(out, "model", endpoint.model);
  key(out, "messages");
  out.StartArray();
  message(out, "system", prompt.instructions);
  message(out, "user", prompt.facts);
  out.EndArray();
  response_format(out, endpoint.dialect, prompt.schema);
  // Hosted models count their reasoning too, and have given the bound another name for it.
  key(out, endpoint.dialect == Dialect::kOpenai ? "max_completion_tokens" : "max_tokens");
  out.Uint(endpoint.output_tokens_max);
  if (endpoint.temperature_milli) {
    key(out, "temperature");
    out.Double(*endpoint.temperature_milli / 1000.0);
  }
  if (endpoint.dialect != Dialect::kOpenai) {
    key(out, "seed");
    out.Int(0);
  } else {
    key(out, "store");
    out.Bool(false);
  }
  if (endpoint.dialect == Dialect::kLlamaCpp) {
    key(out, "cache_prompt");
    out.Bool(true);
  }
  key(out, "stream");
  out.Bool(false);
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

int64_t tokens_at_most(std::size_t bytes, const EndpointSettings& endpoint) {
  // JSON of numbers and short words runs at 2.5 to 4 bytes a token.
  return static_cast<int64_t>(bytes / 2) + endpoint.output_tokens_max;
}

Answer parse_answer(std::string_view body) {
  Answer answer;
  const auto fail = [&](ReplyProblem problem) {
    answer.problem = problem;
    return answer;
  };
  if (body.size() > limits::kAnswerBytesMax) return fail(ReplyProblem::kTooLarge);
  if (json::depth(body, limits::kAnswerDepthMax) > limits::kAnswerDepthMax)
    return fail(ReplyProblem::kTooDeep);
  json::Document document;
  if (!json::parse(document, body)) return fail(ReplyProblem::kEnvelope);
  if (const auto* model = json::member(document, "model"); model != nullptr && model->IsString())
    answer.model = printable(json::text(*model), 64);
  const auto* usage = json::member(document, "usage");
  answer.input_tokens = count_in(usage, "prompt_tokens");
  answer.output_tokens = count_in(usage, "completion_tokens");
  const auto* choices = json::member(document, "choices");
  if (choices == nullptr || !choices->IsArray() || choices->Empty())
    return fail(ReplyProblem::kEnvelope);
  const auto& choice = (*choices)[0];
  const auto* reason = json::member(choice, "finish_reason");
  const auto* said = json::member(choice, "message");
  if (said == nullptr || !said->IsObject()) return fail(ReplyProblem::kEnvelope);
  const auto* refusal = json::member(*said, "refusal");
  if (refusal != nullptr && refusal->IsString() && refusal->GetStringLength() > 0)
    return fail(ReplyProblem::kDeclined);
  const auto* content = json::member(*said, "content");
  if (reason == nullptr || !reason->IsString()) return fail(ReplyProblem::kEnvelope);
  constexpr std::array<std::string_view, 4> kKnown = {"stop", "length", "content_filter",
                                                      "tool_calls"};
  const auto known = std::find(kKnown.begin(), kKnown.end(), json::text(*reason));
  answer.finish_reason = known == kKnown.end() ? "other" : std::string(*known);
  if (answer.finish_reason == "content_filter") return fail(ReplyProblem::kDeclined);
  if (answer.finish_reason != "stop") return fail(ReplyProblem::kCutShort);
  if (content == nullptr || !content->IsString()) return fail(ReplyProblem::kEnvelope);
  answer.content = json::text(*content);
  return answer;
}

}  // namespace holdfast::llm
