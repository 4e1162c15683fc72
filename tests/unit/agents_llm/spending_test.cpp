// What the gateway spends, and what it need not: budgets and the cache.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agents_llm/asked.hpp"

namespace holdfast::llm {
namespace {

// ---- budgets

// What the gateway sets aside for one attempt.
Spent reserved(const GatewaySettings& settings) {
  Asked asked(settings);
  asked.ask();
  return asked.gateway.ledger().incident(12);
}

TEST(Gateway, AnIncidentsBudgetIsNotExceededEvenTogether) {
  auto settings = two_endpoints();
  settings.endpoints[0].output_tokens_max = settings.endpoints[1].output_tokens_max = 100;
  settings.incident_budget.tokens = reserved(settings).tokens * 3 / 2;  // one fits, two don't
  Asked asked(settings);
  const auto first = asked.ask();
  const auto attempt = asked.only();
  const auto second = asked.ask();
  EXPECT_EQ(asked.reply(second).outcome, AdviceOutcome::kOverIncidentBudget);
  // It used less than was reserved: there is room again.
  asked.result(attempt, answered(right_answer(), 10, 10));
  EXPECT_EQ(asked.reply(first).outcome, AdviceOutcome::kProposed);
  asked.ask();
  EXPECT_EQ(asked.begun().size(), 1u);
}

TEST(Gateway, ADaysBudgetComesBackTheNextDay) {
  auto settings = two_endpoints();
  settings.endpoints[0].input_price_micros = settings.endpoints[1].input_price_micros =
      1'000'000'000;
  settings.incident_budget = settings.domain_budget = {};
  const auto once = reserved(settings);
  settings.day_budget = {0, once.cost_micros * 3 / 2};
  Asked asked(settings);
  asked.ask();
  asked.result(asked.only(), answered(right_answer(), once.tokens, 1));
  EXPECT_EQ(asked.reply(asked.ask()).outcome, AdviceOutcome::kOverDayBudget);
  asked.shift = Duration::seconds(86'400);
  asked.ask();
  EXPECT_EQ(asked.begun().size(), 1u);
}

TEST(Gateway, ADomainsBudgetIsItsOwn) {
  auto settings = two_endpoints();
  settings.incident_budget = settings.day_budget = {};
  const auto once = reserved(settings);
  settings.domain_budget.tokens = once.tokens * 3 / 2;
  Asked asked(settings);
  asked.ask();
  asked.result(asked.only(), answered(right_answer(), once.tokens, 10));
  EXPECT_EQ(asked.reply(asked.ask()).outcome, AdviceOutcome::kOverDomainBudget);
  auto other = question();
  other.incident.cause = FaultClass::kPacketLoss;
  asked.ask(other);
  EXPECT_EQ(asked.begun().size(), 1u);
}

TEST(Gateway, WhatNeverLeftCostsNothingWhatMayHaveBeenBilledCostsAll) {
  Asked asked(two_endpoints());
  asked.ask();
  asked.result(asked.only(), broken(TransportError::kConnect));
  asked.result(asked.only(), http(500));
  EXPECT_EQ(asked.gateway.ledger().day(asked.wall()), (Spent{0, 0}));
  Asked cut(two_endpoints());
  cut.ask();
  cut.result(cut.only(), broken(TransportError::kCut));
  EXPECT_GT(cut.gateway.ledger().day(cut.wall()).tokens, 1'024);
}

TEST(Gateway, AnAbsurdCountOfTokensIsCut) {
  Asked asked(two_endpoints());
  const auto call = asked.ask();
  asked.result(asked.only(), answered(right_answer(), INT64_MAX, INT64_MAX));
  EXPECT_EQ(asked.reply(call).outcome, AdviceOutcome::kProposed);
  EXPECT_LT(asked.gateway.ledger().day(asked.wall()).tokens, 1'000'000);
}

TEST(Ledger, IsRestoredFromItsLineOnly) {
  Ledger ledger({}, {}, {});
  Reserved some{5, telemetry::Domain::kIo, 19'000, {700, 30}};
  ledger.reserve(some);
  const auto line = ledger.str();
  Ledger other({}, {}, {});
  ASSERT_TRUE(other.restore(line));
  EXPECT_EQ(other.str(), line);
  for (const auto* bad : {"", "spent", "spent x", "spent 1 2", "lost 1 2 3 4 5 6 7 8 9 10 11 12 13",
                          "spent 1 -2 3 4 5 6 7 8 9 10 11 12 13"})
    EXPECT_FALSE(other.restore(bad)) << bad;
  EXPECT_EQ(other.str(), line);
}

// ---- cache

TEST(Gateway, TheSameQuestionIsAnsweredFromTheCacheForAWhile) {
  auto settings = two_endpoints();
  settings.cache_entries = 2;
  settings.cache_for = Duration::seconds(60);
  Asked asked(settings);
  asked.ask();
  asked.result(asked.only(), answered(right_answer()));
  const auto again = asked.reply(asked.ask());
  EXPECT_TRUE(again.cached);
  EXPECT_EQ(again.outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(again.prompt_hash, asked.reply(1).prompt_hash);
  EXPECT_EQ(again.reply_hash, asked.reply(1).reply_hash);
  EXPECT_NE(again.prompt_hash, 0u);
  EXPECT_NE(again.reply_hash, 0u);
  EXPECT_EQ(again.input_tokens, 0u);
  EXPECT_EQ(asked.gateway.counters().cache_hits, 1u);
  auto other = question();
  other.facts.front().value += 1;
  asked.ask(other);
  EXPECT_EQ(asked.begun().size(), 1u);
  asked.pass(Duration::seconds(61));
  asked.begun();
  asked.ask();
  EXPECT_EQ(asked.begun().size(), 1u);
}

TEST(Gateway, ACachedAnswerIsAboutThePlacesOfTheNewQuestion) {
  auto settings = two_endpoints();
  settings.cache_entries = 2;
  Asked asked(settings);
  asked.ask(question("disk-1"));
  asked.result(asked.only(), answered(right_answer()));
  const auto reply = asked.reply(asked.ask(question("disk-2")));
  EXPECT_TRUE(reply.cached);
  EXPECT_EQ(reply.proposals.front().action.target, place_of("disk-2"));
}

TEST(Gateway, BadAnswersAreNotKept) {
  auto settings = two_endpoints();
  settings.cache_entries = 2;
  Asked asked(settings);
  asked.ask();
  asked.result(asked.only(), answered("{}"));
  asked.result(asked.only(), answered("{}"));
  asked.ask();
  EXPECT_EQ(asked.begun().size(), 1u);
}

}  // namespace
}  // namespace holdfast::llm
