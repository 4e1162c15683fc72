// What the gateway to models is told by configuration: endpoints in the order in which they are
// asked, where data may go, how long a question may take in all, and what may be spent. No endpoint
// is the default: then the deterministic advisor answers everything.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/advice/advice.hpp"

namespace holdfast::llm {

/// How an endpoint wants its chat completions. Paths and names differ, the exchange does not.
enum class Dialect : uint8_t { kOpenai = 1, kVllm, kLlamaCpp, kOllama };
std::string_view to_text(Dialect dialect);

struct EndpointSettings {
  std::string name;  // in logs and traces
  Dialect dialect = Dialect::kOpenai;
  std::string url;  // up to and without "/chat/completions": "http://127.0.0.1:8000/v1"
  std::string model;
  std::string region = "on-premises";     // where the data goes; compared with the rule
  std::string api_key_env, api_key_file;  // at most one; neither: no key is sent
  std::string ca_file;                    // "": the system's
  uint32_t output_tokens_max = 1'024;
  std::optional<uint32_t> temperature_milli = 0;  // none: not sent, for models that refuse it
  Duration attempt_within = Duration::seconds(10);
  uint32_t concurrency_max = 4;
  int64_t input_price_micros = 0, output_price_micros = 0;  // for a million tokens
  uint32_t breaker_failures = 3;                  // in a row; then the endpoint is left alone
  Duration breaker_open = Duration::seconds(10);  // doubled each time, up to
  Duration breaker_open_max = Duration::seconds(300);
  friend bool operator==(const EndpointSettings&, const EndpointSettings&) = default;
};

/// Zero: no limit.
struct Budget {
  int64_t tokens = 0;
  int64_t cost_micros = 0;
  friend bool operator==(const Budget&, const Budget&) = default;
};

enum class Recording : uint8_t { kOff = 0, kRecord, kReplay };

struct GatewaySettings {
  std::vector<EndpointSettings> endpoints;             // in the order in which they are asked
  std::vector<std::string> regions = {"on-premises"};  // where data may go
  /// Domains with a rule of their own, by domain - 1; empty: the rule above.
  std::array<std::vector<std::string>, telemetry::kDomains> domain_regions;
  Duration deadline = Duration::seconds(15);       // in all: retries, failover and waiting included
  uint32_t attempts_max = 4;                       // of one question, over all endpoints
  Duration backoff = Duration::milliseconds(250);  // before an endpoint is asked again, doubled
  Duration backoff_max = Duration::seconds(8);
  Duration retry_after_max = Duration::seconds(600);  // a longer Retry-After is taken for this
  Budget incident_budget{50'000, 0};
  Budget day_budget{2'000'000, 0};
  Budget domain_budget{1'000'000, 0};  // of each domain, a day
  std::size_t cache_entries = 256;     // 0: no cache
  Duration cache_for = Duration::seconds(6 * 3600);
  std::size_t calls_max = 32;
  Recording recording = Recording::kOff;
  std::string recording_file;
  std::string spending_file;  // "": what was spent today is forgotten with the process
  std::string trace_file;     // "": no file; one OTLP span in JSON a line

  bool enabled() const { return !endpoints.empty(); }
  friend bool operator==(const GatewaySettings&, const GatewaySettings&) = default;
};

/// kInvalid with a sentence: names twice, no model, a key that would travel unencrypted, a bound
/// that is passed.
Result<> validate(const GatewaySettings& settings);

}  // namespace holdfast::llm
