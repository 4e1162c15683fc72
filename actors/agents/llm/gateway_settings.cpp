#include "actors/agents/llm/gateway_settings.hpp"

#include <set>

namespace holdfast::llm {
namespace {

bool loopback(const std::string& url) {
  const auto host = url.substr(url.find("://") + 3);
  return host.starts_with("127.") || host.starts_with("localhost:") ||
         host.starts_with("localhost/") || host.starts_with("[::1]");
}

Error wrong(const EndpointSettings& endpoint, const std::string& what) {
  return {ErrorCode::kInvalid, "endpoint " + endpoint.name + ": " + what};
}

Result<> validate(const EndpointSettings& endpoint) {
  if (endpoint.model.empty()) return wrong(endpoint, "model is missing");
  if (!endpoint.url.starts_with("http://") && !endpoint.url.starts_with("https://"))
    return wrong(endpoint, "url begins with neither http:// nor https://");
  if (endpoint.url.find('@') != std::string::npos)
    return wrong(endpoint, "url holds credentials; name a key by api_key_file or api_key_env");
  const bool key = !endpoint.api_key_env.empty() || !endpoint.api_key_file.empty();
  if (!endpoint.api_key_env.empty() && !endpoint.api_key_file.empty())
    return wrong(endpoint, "api_key_env and api_key_file are both set; one of them tells the key");
  if (key && endpoint.url.starts_with("http://") && !loopback(endpoint.url))
    return wrong(endpoint, "the key would travel unencrypted; use https://");
  if (endpoint.concurrency_max == 0 || endpoint.output_tokens_max == 0 ||
      endpoint.breaker_failures == 0)
    return wrong(endpoint, "concurrency_max, output_tokens_max and breaker_failures are 1 or more");
  if (endpoint.breaker_open > endpoint.breaker_open_max)
    return wrong(endpoint, "breaker_open is longer than breaker_open_max");
  return success();
}

}  // namespace

Result<> validate(const GatewaySettings& settings) {
  std::set<std::string> names;
  if (settings.endpoints.size() > limits::kModelEndpointsMax)
    return Error{ErrorCode::kInvalid,
                 "more than " + std::to_string(limits::kModelEndpointsMax) + " endpoints"};
  for (const auto& endpoint : settings.endpoints) {
    if (endpoint.name.empty()) return Error{ErrorCode::kInvalid, "an endpoint has no name"};
    if (!names.insert(endpoint.name).second) return wrong(endpoint, "the name is there twice");
    if (auto valid = validate(endpoint); !valid) return valid;
  }
  if (settings.attempts_max == 0 || settings.attempts_max > limits::kAdviceAttemptsMax)
    return Error{ErrorCode::kInvalid,
                 "attempts_max is 1 to " + std::to_string(limits::kAdviceAttemptsMax)};
  if (settings.calls_max == 0 || settings.calls_max > limits::kAdviceCallsMax)
    return Error{ErrorCode::kInvalid,
                 "calls_max is 1 to " + std::to_string(limits::kAdviceCallsMax)};
  if (settings.cache_entries > limits::kAdviceCacheMax)
    return Error{ErrorCode::kInvalid,
                 "cache_entries is at most " + std::to_string(limits::kAdviceCacheMax)};
  if (settings.deadline.ns <= 0)
    return Error{ErrorCode::kInvalid, "deadline is longer than nothing"};
  if (settings.recording != Recording::kOff && settings.recording_file.empty())
    return Error{ErrorCode::kInvalid, "recording needs a file"};
  return success();
}

}  // namespace holdfast::llm
