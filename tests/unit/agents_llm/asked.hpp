// The gateway with two endpoints, a clock that the test turns, and a shell that keeps what it is
// told to do.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/agents/llm/gateway.hpp"
#include "tests/unit/agents_llm/advice_fixture.hpp"

namespace holdfast::llm {

inline EndpointSettings endpoint(const std::string& name) {
  EndpointSettings settings;
  settings.name = name;
  settings.dialect = Dialect::kVllm;
  settings.url = "http://127.0.0.1:9/v1";
  settings.model = "model-" + name;
  return settings;
}

inline GatewaySettings two_endpoints() {
  GatewaySettings settings;
  settings.endpoints = {endpoint("a"), endpoint("b")};
  settings.cache_entries = 0;
  return settings;
}

inline TransportResult http(int status, const std::string& body = "",
                            std::optional<Duration> retry = {}) {
  TransportResult result;
  result.status = status;
  result.body = body;
  result.retry_after = retry;
  return result;
}

inline TransportResult broken(TransportError error) {
  TransportResult result;
  result.error = error;
  return result;
}

inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text)
    out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

inline TransportResult answered(const std::string& content, int64_t input = 400,
                                int64_t output = 60) {
  return http(200, R"({"model":"served","choices":[{"message":{"content":)" + quoted(content) +
                       R"(},"finish_reason":"stop"}],"usage":{"prompt_tokens":)" +
                       std::to_string(input) + R"(,"completion_tokens":)" + std::to_string(output) +
                       "}}");
}

// The gateway with a clock that the test turns and a shell that keeps what it is told.
class Asked {
 public:
  explicit Asked(GatewaySettings settings) : gateway(std::move(settings)) {}

  uint64_t ask(AdviceRequest request = question()) {
    const auto call = gateway.ask(std::move(request), now, wall());
    take();
    return call;
  }
  void result(const StartAttempt& attempt, TransportResult result) {
    gateway.on_result(attempt.attempt, std::move(result), now, wall());
    take();
  }
  void pass(Duration time) {
    now = now + time;
    gateway.on_time(now, wall());
    take();
  }
  // To the next moment that the gateway asked for; false when there is none.
  bool next() {
    const auto at = gateway.next_deadline();
    if (!at) return false;
    pass(*at - now);
    return true;
  }
  // Takes the attempts that were begun and not yet looked at.
  std::vector<StartAttempt> begun() { return std::exchange(started, {}); }
  StartAttempt only() {
    auto all = begun();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? StartAttempt{} : all.front();
  }
  AdviceReply reply(uint64_t call) {
    EXPECT_TRUE(answers.contains(call));
    return answers[call];
  }
  WallTime wall() const { return kAt + (now - MonoTime{}) + shift; }

  Gateway gateway;
  MonoTime now{};
  Duration shift;
  std::vector<StartAttempt> started;
  std::vector<uint64_t> cancelled;
  std::map<uint64_t, AdviceReply> answers;
  std::vector<Span> spans;

 private:
  void take() {
    for (auto& step : gateway.take_steps()) {
      if (auto* start = std::get_if<StartAttempt>(&step)) started.push_back(*start);
      if (auto* cancel = std::get_if<CancelAttempt>(&step)) cancelled.push_back(cancel->attempt);
      if (auto* answer = std::get_if<AnswerCall>(&step)) {
        EXPECT_FALSE(answers.contains(answer->call)) << "answered twice";
        answers[answer->call] = answer->reply;
      }
      if (auto* trace = std::get_if<TraceAttempt>(&step)) spans.push_back(trace->span);
    }
  }
};

}  // namespace holdfast::llm
