#include "actors/agents/llm/attempt_trace.hpp"

#include <charconv>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace holdfast::llm {
namespace {

struct Server {
  std::string address;
  int64_t port = 0;
};

Server server_of(const std::string& url) {
  Server server;
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) return server;
  server.port = url.starts_with("https") ? 443 : 80;
  auto host = std::string_view(url).substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    const auto digits = host.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), server.port);
    host = host.substr(0, colon);
  }
  server.address = host;
  return server;
}

}  // namespace

Span span_of(const AttemptFacts& facts, const EndpointSettings& endpoint, const Answer& answer) {
  Span span;
  span.trace_high = kTraceHigh;
  span.trace_low = facts.incident != 0 ? facts.incident : 1ull << 63 | facts.call;
  const uint64_t name[] = {static_cast<uint64_t>(facts.began.ns), facts.call, facts.attempt};
  span.span = XXH3_64bits(name, sizeof name) | 1;
  span.name = "chat " + endpoint.model;
  span.began = facts.began;
  span.ended = facts.ended;
  span.failed = !facts.error.empty();
  span.error = facts.error;
  auto& out = span.attributes;
  out.push_back({"gen_ai.operation.name", std::string("chat")});
  out.push_back({"gen_ai.provider.name", std::string(to_text(endpoint.dialect))});
  out.push_back({"gen_ai.request.model", endpoint.model});
  out.push_back({"gen_ai.request.max_tokens", int64_t{endpoint.output_tokens_max}});
  if (endpoint.temperature_milli)
    out.push_back({"gen_ai.request.temperature", *endpoint.temperature_milli / 1000.0});
  out.push_back({"gen_ai.output.type", std::string("json")});
  if (!answer.model.empty()) out.push_back({"gen_ai.response.model", answer.model});
  if (!answer.finish_reason.empty())
    out.push_back(
        {"gen_ai.response.finish_reasons", std::vector<std::string>{answer.finish_reason}});
  if (answer.input_tokens) out.push_back({"gen_ai.usage.input_tokens", *answer.input_tokens});
  if (answer.output_tokens) out.push_back({"gen_ai.usage.output_tokens", *answer.output_tokens});
  const auto server = server_of(endpoint.url);
  out.push_back({"server.address", server.address});
  out.push_back({"server.port", server.port});
  if (facts.status != 0) out.push_back({"http.response.status_code", int64_t{facts.status}});
  if (facts.tries > 1) out.push_back({"http.request.resend_count", int64_t{facts.tries} - 1});
  if (span.failed) out.push_back({"error.type", facts.error});
  out.push_back({"holdfast.endpoint", endpoint.name});
  if (facts.incident != 0)
    out.push_back({"holdfast.incident", static_cast<int64_t>(facts.incident)});
  return span;
}

}  // namespace holdfast::llm
