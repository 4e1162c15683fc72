// What an ingress does when another node leads its shards.
#include "tests/unit/ingress/ingress_fakes.hpp"

namespace holdfast::ingress::tests {
namespace {

const uint32_t kShardOfA = shard_of(Account("A"), 2);

/// A client with an account in each of the two shards, whatever their names are.
Settings settings_over_both() {
  auto settings = settings_for_tests();
  std::string other = "B";
  while (shard_of(Account(other), 2) == kShardOfA) other += "x";
  settings.clients[0].accounts = {Account("A"), Account(other)};
  return settings;
}

/// A client of one account, A.
Settings settings_of_one() {
  auto settings = settings_for_tests();
  settings.clients[0].accounts = {Account("A")};
  return settings;
}

TEST(IngressLeadership, LosingItAnswersWhatIsUnderWayAndEndsTheSession) {
  Bench b(settings_of_one());
  const auto sent = b.submit("o1");
  b.ingress.flush();
  const auto collected = b.submit("o2");
  b.ingress.lead(kShardOfA, false, "127.0.0.1:7002");
  ASSERT_EQ(b.client.replies.size(), 2u);
  for (const auto& [request, reply] : b.client.replies)
    EXPECT_EQ(reply.reason, Reason::kNotServing);
  EXPECT_EQ(b.client.replies[0].first, sent.request);
  EXPECT_EQ(b.client.replies[1].first, collected.request);
  EXPECT_EQ(b.client.led_to, std::vector<std::string>{"127.0.0.1:7002"});
  b.ingress.flush();
  EXPECT_EQ(b.shards.requests.size(), 1u);  // the second never left
  EXPECT_EQ(b.ingress.counters().sessions_led_away, 1u);
  EXPECT_EQ(b.ingress.counters().in_flight, 0u);
}

TEST(IngressLeadership, WithoutItRequestsAndQueriesAreRefused) {
  Bench b(settings_of_one());
  b.ingress.lead(kShardOfA, false, "");
  const auto refused = b.submit("o1");
  ASSERT_TRUE(refused.refused);
  EXPECT_EQ(refused.refused->reason, Reason::kNotServing);
  const auto query = b.ingress.query(b.session, Account("A"), ClientOrderId("o1"), at(0));
  ASSERT_TRUE(query.refused);
  EXPECT_EQ(query.refused->reason, Reason::kNotServing);
  b.ingress.shard_up(kShardOfA);  // an actor that only follows changes nothing
  EXPECT_TRUE(b.submit("o1").refused);
  EXPECT_TRUE(b.shards.requests.empty());
}

TEST(IngressLeadership, AClientIsSentAwayOnlyWhenNothingIsLedHereForIt) {
  Bench b(settings_over_both());
  const auto& client = b.ingress.settings().clients[0];
  EXPECT_FALSE(b.ingress.led_elsewhere(client).has_value());
  b.ingress.lead(kShardOfA, false, "x:1");
  EXPECT_FALSE(b.ingress.led_elsewhere(client).has_value());
  EXPECT_TRUE(b.client.led_to.empty());
  EXPECT_TRUE(b.submit("o1").refused);
  EXPECT_FALSE(b.submit("o1", client.accounts[1].str().c_str()).refused);
  b.ingress.lead(1 - kShardOfA, false, "y:1");
  EXPECT_EQ(b.client.led_to, std::vector<std::string>{"x:1"});
  EXPECT_EQ(b.ingress.led_elsewhere(client), "x:1");
}

TEST(IngressLeadership, AClientOfOtherShardsHearsNothing) {
  Bench b(settings_of_one());
  b.ingress.lead(1 - kShardOfA, false, "x:1");
  EXPECT_TRUE(b.client.led_to.empty());
  EXPECT_FALSE(b.submit("o1").refused);
}

TEST(IngressLeadership, IsToldOnceAndTheAddressMayBecomeKnownLater) {
  Bench b(settings_of_one());
  b.ingress.lead(kShardOfA, false, "");
  b.ingress.lead(kShardOfA, false, "x:1");
  EXPECT_EQ(b.client.led_to, std::vector<std::string>{""});
  EXPECT_EQ(b.ingress.led_elsewhere(b.ingress.settings().clients[0]), "x:1");
}

TEST(IngressLeadership, WonBackItServesAndAsksForSubscriptionsAgain) {
  Bench b(settings_over_both());
  b.ingress.subscribe(b.session, Account("A"), ReportSeq{1});
  ASSERT_EQ(b.shards.subscribes.size(), 1u);
  b.ingress.lead(kShardOfA, false, "x:1");
  b.ingress.ask_again();
  b.ingress.ask_again();
  EXPECT_EQ(b.shards.subscribes.size(), 1u);
  b.ingress.lead(kShardOfA, true, "");
  EXPECT_EQ(b.shards.subscribes.size(), 2u);
  EXPECT_FALSE(b.submit("o1").refused);
}

}  // namespace
}  // namespace holdfast::ingress::tests
