#include "actors/agents/llm/gateway.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "actors/agents/llm/json.hpp"
#include "tests/unit/agents_llm/asked.hpp"

namespace holdfast::llm {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using Breaker = EndpointState::Breaker;

TEST(Gateway, AGoodAnswerIsAProposalWithWhatItCost) {
  auto settings = two_endpoints();
  settings.endpoints[0].input_price_micros = 1'000'000;
  settings.endpoints[0].output_price_micros = 3'000'000;
  Asked asked(settings);
  const auto call = asked.ask();
  const auto attempt = asked.only();
  EXPECT_EQ(attempt.endpoint, 0u);
  EXPECT_THAT(attempt.body, HasSubstr("model-a"));
  asked.pass(Duration::milliseconds(700));
  asked.result(attempt, answered(right_answer(), 400, 60));
  const auto reply = asked.reply(call);
  EXPECT_EQ(reply.outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(reply.advisor, AdvisorKind::kModel);
  EXPECT_EQ(reply.endpoint, "a");
  EXPECT_EQ(reply.proposals.front().action.kind, ActionKind::kMigrate);
  EXPECT_EQ(reply.input_tokens, 400u);
  EXPECT_EQ(reply.output_tokens, 60u);
  EXPECT_EQ(reply.cost_micros, 400 + 180);
  EXPECT_EQ(reply.took, Duration::milliseconds(700));
  EXPECT_EQ(asked.gateway.ledger().day(asked.wall()), (Spent{460, 580}));
  EXPECT_EQ(asked.gateway.ledger().incident(12), (Spent{460, 580}));
  EXPECT_FALSE(asked.gateway.next_deadline());
}

TEST(Gateway, FailsOverAtOnceAndComesBackAfterAWhile) {
  Asked asked(two_endpoints());
  const auto call = asked.ask();
  asked.result(asked.only(), http(500));
  const auto second = asked.only();
  EXPECT_EQ(second.endpoint, 1u);
  asked.result(second, broken(TransportError::kCut));
  EXPECT_TRUE(asked.begun().empty());
  ASSERT_TRUE(asked.next());
  const auto third = asked.only();
  EXPECT_EQ(third.endpoint, 0u);
  asked.result(third, answered(right_answer()));
  EXPECT_EQ(asked.reply(call).attempts, 3u);
  EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kProposed);
}

TEST(Gateway, HonoursRetryAfterForEveryQuestion) {
  auto settings = two_endpoints();
  settings.endpoints.pop_back();
  Asked asked(settings);
  const auto first = asked.ask();
  asked.result(asked.only(), http(429, "", Duration::seconds(3)));
  const auto second = asked.ask();
  EXPECT_TRUE(asked.begun().empty());
  asked.pass(Duration::milliseconds(2'999));
  EXPECT_TRUE(asked.begun().empty());
  asked.pass(Duration::milliseconds(1));
  const auto begun = asked.begun();
  ASSERT_EQ(begun.size(), 2u);
  for (const auto& attempt : begun) asked.result(attempt, answered(right_answer()));
  EXPECT_EQ(asked.reply(first).outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(asked.reply(second).outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(asked.gateway.endpoint(0).throttled, 1u);
  EXPECT_EQ(asked.gateway.endpoint(0).breaker, Breaker::kClosed);
}

TEST(Gateway, ARetryAfterPastTheDeadlineIsNotWaitedFor) {
  auto settings = two_endpoints();
  settings.endpoints.pop_back();
  Asked asked(settings);
  const auto call = asked.ask();
  asked.result(asked.only(), http(503, "", Duration::seconds(3'600)));
  EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kUnavailable);
}

TEST(Gateway, OneDeadlineCoversEverything) {
  auto settings = two_endpoints();
  settings.deadline = Duration::seconds(8);
  settings.endpoints[0].attempt_within = Duration::seconds(5);
  settings.endpoints[1].attempt_within = Duration::seconds(5);
  Asked asked(settings);
  const auto call = asked.ask();
  const auto first = asked.only();
  EXPECT_EQ(first.until, MonoTime{} + Duration::seconds(5));
  asked.pass(Duration::seconds(5));
  EXPECT_THAT(asked.cancelled, ElementsAre(first.attempt));
  const auto second = asked.only();
  EXPECT_EQ(second.endpoint, 1u);
  EXPECT_EQ(second.until, MonoTime{} + Duration::seconds(8));
  asked.pass(Duration::seconds(3));
  EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kLate);
  EXPECT_EQ(asked.reply(call).took, Duration::seconds(8));
  // What comes now comes for nobody.
  asked.result(second, answered(right_answer()));
  EXPECT_EQ(asked.answers.size(), 1u);
  EXPECT_EQ(asked.gateway.endpoint(0).timeouts, 1u);
}

TEST(Gateway, AQuestionMayBeInMoreOfAHurry) {
  Asked asked(two_endpoints());
  auto request = question();
  request.within = Duration::milliseconds(300);
  const auto call = asked.ask(request);
  EXPECT_EQ(asked.only().until, MonoTime{} + Duration::milliseconds(300));
  asked.pass(Duration::milliseconds(300));
  EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kLate);
}

TEST(Gateway, TriesNoMoreOftenThanAllowed) {
  auto settings = two_endpoints();
  settings.attempts_max = 3;
  settings.endpoints[0].breaker_failures = settings.endpoints[1].breaker_failures = 100;
  Asked asked(settings);
  const auto call = asked.ask();
  int attempts = 0;
  while (!asked.answers.contains(call)) {
    for (const auto& attempt : asked.begun()) {
      ++attempts;
      asked.result(attempt, http(500));
    }
    if (asked.answers.contains(call) || !asked.started.empty()) continue;
    ASSERT_TRUE(asked.next());
  }
  EXPECT_EQ(attempts, 3);
  EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kUnavailable);
}

TEST(Gateway, ABadAnswerIsRefusedCountedAndTheNextEndpointAsked) {
  Asked asked(two_endpoints());
  const auto call = asked.ask();
  asked.result(asked.only(), answered(R"({"decision":"sell"})"));
  const auto second = asked.only();
  EXPECT_EQ(second.endpoint, 1u);
  asked.result(second, http(200, "<html>"));
  const auto reply = asked.reply(call);
  EXPECT_EQ(reply.outcome, AdviceOutcome::kRefused);
  EXPECT_EQ(reply.problem, ReplyProblem::kEnvelope);
  EXPECT_TRUE(reply.proposals.empty());
  const auto& problems = asked.gateway.counters().problems;
  EXPECT_EQ(problems[static_cast<std::size_t>(ReplyProblem::kShape)], 1u);
  EXPECT_EQ(problems[static_cast<std::size_t>(ReplyProblem::kEnvelope)], 1u);
}

TEST(Gateway, AClientErrorIsNotRepeated) {
  auto settings = two_endpoints();
  settings.endpoints.pop_back();
  for (const int status : {301, 400, 401, 404, 422}) {
    Asked asked(settings);
    const auto call = asked.ask();
    asked.result(asked.only(), http(status));
    EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kUnavailable) << status;
  }
}

TEST(Gateway, ABreakerOpensProbesAndCloses) {
  auto settings = two_endpoints();
  settings.endpoints.pop_back();
  settings.attempts_max = 1;
  Asked asked(settings);
  for (int i = 0; i < 3; ++i) {
    const auto call = asked.ask();
    asked.result(asked.only(), broken(TransportError::kConnect));
    EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kUnavailable);
  }
  EXPECT_EQ(asked.gateway.endpoint(0).breaker, Breaker::kOpen);
  // Open: nobody is sent there, and a question that can't wait so long is told at once.
  auto hurried = question();
  hurried.within = Duration::seconds(1);
  const auto refused = asked.ask(hurried);
  EXPECT_TRUE(asked.begun().empty());
  EXPECT_EQ(asked.reply(refused).outcome, AdviceOutcome::kUnavailable);
  // Half open: one probe, the others wait for it.
  asked.pass(Duration::seconds(10));
  const auto probe = asked.ask();
  const auto waiting = asked.ask();
  const auto attempt = asked.only();
  EXPECT_EQ(asked.gateway.endpoint(0).breaker, Breaker::kHalfOpen);
  asked.result(attempt, http(500));
  EXPECT_EQ(asked.reply(probe).outcome, AdviceOutcome::kUnavailable);
  EXPECT_EQ(asked.gateway.endpoint(0).breaker, Breaker::kOpen);
  EXPECT_EQ(asked.gateway.endpoint(0).open_for, Duration::seconds(20));
  asked.pass(Duration::seconds(15));
  EXPECT_THAT(asked.reply(waiting).outcome,
              testing::AnyOf(AdviceOutcome::kLate, AdviceOutcome::kUnavailable));
  asked.pass(Duration::seconds(5));
  const auto good = asked.ask();
  asked.result(asked.only(), answered(right_answer()));
  EXPECT_EQ(asked.reply(good).outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(asked.gateway.endpoint(0).breaker, Breaker::kClosed);
  EXPECT_EQ(asked.gateway.endpoint(0).failures, 0u);
}

TEST(Gateway, NoMoreAtOnceThanAllowedTheRestWaitOrGoElsewhere) {
  auto settings = two_endpoints();
  settings.endpoints[0].concurrency_max = 1;
  settings.endpoints[1].concurrency_max = 1;
  Asked asked(settings);
  const auto first = asked.ask();
  const auto second = asked.ask();
  const auto third = asked.ask();
  auto begun = asked.begun();
  ASSERT_EQ(begun.size(), 2u);
  EXPECT_EQ(begun[1].endpoint, 1u);
  asked.result(begun[0], answered(right_answer()));
  const auto next = asked.only();
  EXPECT_EQ(next.endpoint, 0u);
  asked.result(begun[1], answered(right_answer()));
  asked.result(next, answered(right_answer()));
  for (const auto call : {first, second, third})
    EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(asked.gateway.endpoint(0).running + asked.gateway.endpoint(1).running, 0u);
}

TEST(Gateway, TooManyQuestionsAreToldSo) {
  auto settings = two_endpoints();
  settings.calls_max = 2;
  Asked asked(settings);
  asked.ask();
  asked.ask();
  EXPECT_EQ(asked.reply(asked.ask()).outcome, AdviceOutcome::kBusy);
}

TEST(Gateway, DataGoesOnlyWhereTheRuleAllows) {
  auto settings = two_endpoints();
  settings.endpoints[0].region = "elsewhere";
  settings.domain_regions[static_cast<std::size_t>(telemetry::Domain::kHttp) - 1] = {"elsewhere"};
  {
    Asked asked(settings);
    asked.ask();
    EXPECT_EQ(asked.only().endpoint, 1u);
    auto http_fault = question();
    http_fault.incident.cause = FaultClass::kHttpSlow;
    asked.ask(http_fault);
    EXPECT_EQ(asked.only().endpoint, 0u);
  }
  settings.endpoints.pop_back();
  Asked asked(settings);
  EXPECT_EQ(asked.reply(asked.ask()).outcome, AdviceOutcome::kNotAllowed);
  EXPECT_TRUE(asked.begun().empty());
}

// ---- the rest

TEST(Gateway, WithNothingAllowedThereIsNothingToAsk) {
  Asked asked(two_endpoints());
  auto request = question();
  request.options.clear();
  EXPECT_EQ(asked.reply(asked.ask(request)).outcome, AdviceOutcome::kAbstained);
  EXPECT_TRUE(asked.begun().empty());
}

TEST(Gateway, AModelMayAbstain) {
  Asked asked(two_endpoints());
  const auto call = asked.ask();
  asked.result(asked.only(), answered(R"({"abstain":true,"proposals":[]})"));
  EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kAbstained);
}

TEST(Gateway, EachAttemptLeavesASpanWithTheConventionsNames) {
  auto settings = two_endpoints();
  settings.endpoints[0].url = "https://models.example:8443/v1";
  Asked asked(settings);
  asked.ask();
  asked.result(asked.only(), http(503));
  asked.result(asked.only(), answered(right_answer(), 400, 60));
  ASSERT_EQ(asked.spans.size(), 2u);
  json::Document failed, good;
  ASSERT_TRUE(json::parse(failed, to_otlp_json(asked.spans[0])));
  ASSERT_TRUE(json::parse(good, to_otlp_json(asked.spans[1])));
  const auto attribute = [](const json::Document& span, const std::string& key) -> std::string {
    for (const auto& each : span["attributes"].GetArray())
      if (json::text(each["key"]) == key) {
        const auto& value = each["value"].MemberBegin()->value;
        return value.IsString() ? value.GetString() : "";
      }
    return "none";
  };
  EXPECT_STREQ(failed["name"].GetString(), "chat model-a");
  EXPECT_EQ(failed["kind"].GetInt(), 3);
  EXPECT_EQ(attribute(failed, "gen_ai.operation.name"), "chat");
  EXPECT_EQ(attribute(failed, "gen_ai.request.model"), "model-a");
  EXPECT_EQ(attribute(failed, "server.address"), "models.example");
  EXPECT_EQ(attribute(failed, "server.port"), "8443");
  EXPECT_EQ(attribute(failed, "error.type"), "503");
  EXPECT_EQ(failed["status"]["code"].GetInt(), 2);
  EXPECT_EQ(attribute(good, "gen_ai.response.model"), "served");
  EXPECT_EQ(attribute(good, "gen_ai.usage.input_tokens"), "400");
  EXPECT_EQ(attribute(good, "gen_ai.usage.output_tokens"), "60");
  EXPECT_EQ(attribute(good, "http.request.resend_count"), "1");
  EXPECT_EQ(attribute(good, "holdfast.incident"), "12");
  EXPECT_EQ(good["status"]["code"].GetInt(), 0);
  EXPECT_STREQ(good["traceId"].GetString(), "686f6c6466617374000000000000000c");
  EXPECT_EQ(failed["traceId"], good["traceId"]);
  EXPECT_NE(failed["spanId"], good["spanId"]);
}

// Whatever the other side does, every question gets one answer, by its deadline, and nothing leaks.
TEST(Gateway, EveryQuestionIsAnsweredOnceInTimeWhateverHappens) {
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    uint64_t state = seed * 0x9E3779B97F4A7C15ull;
    const auto any = [&state](uint64_t n) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      return state % n;
    };
    auto settings = two_endpoints();
    settings.cache_entries = any(3);
    settings.calls_max = 8;
    settings.deadline = Duration::seconds(static_cast<int64_t>(1 + any(20)));
    settings.endpoints[0].concurrency_max = static_cast<uint32_t>(1 + any(3));
    Asked asked(settings);
    std::map<uint64_t, MonoTime> due;
    std::vector<StartAttempt> open;
    for (int step = 0; step < 200; ++step) {
      if (any(3) == 0) {
        auto request = any(2) ? question() : standing_question();
        request.incident.number = any(5);
        due[asked.ask(request)] = asked.now + settings.deadline;
      }
      for (auto& attempt : asked.begun()) open.push_back(std::move(attempt));
      if (!open.empty() && any(2) == 0) {
        const auto attempt = open[any(open.size())];
        std::erase_if(open, [&](const auto& o) { return o.attempt == attempt.attempt; });
        switch (any(6)) {
          case 0:
            asked.result(attempt, answered(right_answer()));
            break;
          case 1:
            asked.result(attempt, http(429, "", Duration::seconds(static_cast<int64_t>(any(9)))));
            break;
          case 2:
            asked.result(attempt, http(500));
            break;
          case 3:
            asked.result(attempt, answered("[]"));
            break;
          case 4:
            asked.result(attempt, broken(static_cast<TransportError>(1 + any(7))));
            break;
          default:
            break;  // silence
        }
      }
      // As a shell does: never past what the gateway waits for.
      auto wait = Duration::milliseconds(static_cast<int64_t>(any(900)));
      if (const auto next = asked.gateway.next_deadline()) wait = std::min(wait, *next - asked.now);
      asked.pass(wait);
    }
    while (asked.next()) asked.begun();
    ASSERT_EQ(asked.answers.size(), due.size()) << seed;
    for (const auto& [call, until] : due)
      ASSERT_LE(asked.answers[call].took, settings.deadline) << seed;
    ASSERT_EQ(asked.gateway.open_calls(), 0u);
    ASSERT_EQ(asked.gateway.endpoint(0).running + asked.gateway.endpoint(1).running, 0u);
  }
}

TEST(GatewaySettings, MistakesAreTold) {
  const std::vector<std::pair<std::function<void(GatewaySettings&)>, std::string>> mistakes = {
      {[](auto& s) { s.endpoints[1].name = "a"; }, "twice"},
      {[](auto& s) { s.endpoints[0].model = ""; }, "model"},
      {[](auto& s) { s.endpoints[0].url = "ftp://x"; }, "http"},
      {[](auto& s) { s.endpoints[0].url = "https://user:pass@x/v1"; }, "credentials"},
      {[](auto& s) {
         s.endpoints[0].url = "http://models.example/v1";
         s.endpoints[0].api_key_env = "KEY";
       },
       "unencrypted"},
      {[](auto& s) {
         s.endpoints[0].api_key_env = "KEY";
         s.endpoints[0].api_key_file = "key";
       },
       "both"},
      {[](auto& s) { s.endpoints[0].concurrency_max = 0; }, "1 or more"},
      {[](auto& s) { s.attempts_max = 0; }, "attempts_max"},
      {[](auto& s) { s.calls_max = 1'000; }, "calls_max"},
      {[](auto& s) { s.deadline = {}; }, "deadline"},
      {[](auto& s) { s.recording = Recording::kReplay; }, "file"},
  };
  EXPECT_TRUE(validate(two_endpoints()).ok());
  for (const auto& [spoil, word] : mistakes) {
    auto settings = two_endpoints();
    spoil(settings);
    const auto valid = validate(settings);
    ASSERT_FALSE(valid.ok()) << word;
    EXPECT_THAT(valid.error().text, HasSubstr(word));
  }
  auto local = two_endpoints();
  local.endpoints[0].api_key_env = "KEY";
  EXPECT_TRUE(validate(local).ok()) << "loopback needs no encryption";
}

}  // namespace
}  // namespace holdfast::llm
