#include <numeric>

#include "tests/unit/ingress/ingress_fakes.hpp"

namespace holdfast::ingress::tests {
namespace {

const Account kAccount("A");

/// A bench whose session has a subscription from 1, in force.
struct Subscriber : Bench {
  explicit Subscriber(Settings s = settings_for_tests(), uint64_t from = 1, uint64_t last = 0)
      : Bench(s) {
    ingress.subscribe(session, kAccount, {from});
    ingress.on_subscribed({session, kAccount, {1}, {last}});
  }
  void deliver(uint64_t first, uint64_t count) {
    ingress.on_reports({session, kAccount, reports(first, count)});
  }
  /// Acknowledges until nothing is in flight.
  void acknowledge_all() {
    for (int taken = 0; taken < client.callbacks; ++taken) ingress.acknowledge(session, kAccount);
  }
  std::vector<uint64_t> one_to(uint64_t n) {
    std::vector<uint64_t> all(n);
    std::iota(all.begin(), all.end(), 1);
    return all;
  }
};

Settings small_backlog() {
  auto settings = settings_for_tests();
  settings.report_backlog_max = 2'000;
  return settings;
}

TEST(IngressReports, AreSentInOrderAtTheEndOfTheTurn) {
  Subscriber s;
  ASSERT_EQ(s.client.subscribed.size(), 1u);
  EXPECT_EQ(s.client.subscribed[0].reason, Reason::kNone);
  s.deliver(1, 3);
  s.deliver(4, 2);
  EXPECT_TRUE(s.client.sequences.empty());
  s.ingress.flush();
  EXPECT_EQ(s.client.sequences, s.one_to(5));
  EXPECT_EQ(s.client.callbacks, 1);
}

TEST(IngressReports, ZeroMeansFromTheFirst) {
  Bench b;
  b.ingress.subscribe(b.session, kAccount, {0});
  EXPECT_EQ(b.shards.subscribes.at(0).from.value, 1u);
}

TEST(IngressReports, ASubscriptionToAForeignAccountIsRefused) {
  Bench b;
  b.ingress.subscribe(b.session, Account("C"), {1});
  ASSERT_EQ(b.client.subscribed.size(), 1u);
  EXPECT_EQ(b.client.subscribed[0].reason, Reason::kNotPermitted);
  EXPECT_TRUE(b.shards.subscribes.empty());
}

TEST(IngressReports, KeepAFewCallbacksInFlightAndNoMore) {
  Subscriber s;
  const uint64_t burst = limits::kReportBatchMax * (limits::kReportCallbacksInFlightMax + 2);
  s.deliver(1, burst);
  s.ingress.flush();
  EXPECT_EQ(s.client.callbacks, static_cast<int>(limits::kReportCallbacksInFlightMax));
  s.ingress.acknowledge(s.session, kAccount);
  EXPECT_EQ(s.client.callbacks, static_cast<int>(limits::kReportCallbacksInFlightMax) + 1);
  s.acknowledge_all();
  EXPECT_EQ(s.client.sequences, s.one_to(burst));
}

TEST(IngressReports, WhatIsRepeatedIsSkippedAndAHoleIsAskedFor) {
  Subscriber s;
  s.deliver(1, 5);
  s.deliver(3, 5);  // 3 to 7
  s.deliver(2, 2);  // all known
  s.ingress.flush();
  EXPECT_EQ(s.client.sequences, s.one_to(7));
  const auto asked = s.shards.subscribes.size();
  s.deliver(10, 1);  // 8 and 9 are missing
  ASSERT_EQ(s.shards.subscribes.size(), asked + 1);
  EXPECT_EQ(s.shards.subscribes.back().from.value, 8u);
  s.deliver(11, 1);  // of the old stream: not listened to
  s.ingress.on_subscribed({s.session, kAccount, {1}, {11}});
  s.deliver(8, 4);
  s.ingress.flush();
  EXPECT_EQ(s.client.sequences, s.one_to(11));
}

TEST(IngressReports, WhatIsNoLongerKeptIsSaidAtTheStart) {
  Bench b;
  b.ingress.subscribe(b.session, kAccount, {5});
  b.ingress.on_subscribed({b.session, kAccount, {100}, {120}});
  ASSERT_EQ(b.client.subscribed.size(), 1u);
  EXPECT_EQ(b.client.subscribed[0].first_kept.value, 100u);
  b.ingress.on_reports({b.session, kAccount, reports(100, 21)});
  b.ingress.flush();
  EXPECT_EQ(b.client.sequences.front(), 100u);
}

TEST(IngressReports, ASlowSubscriberIsCutOffWithAReason) {
  Subscriber s(small_backlog());
  s.deliver(1, 1'500);
  s.ingress.flush();
  const auto sent = s.client.sequences.size();
  s.deliver(1'501, 1'000);
  EXPECT_TRUE(s.client.ended.empty());
  s.deliver(2'501, 1'000);
  ASSERT_EQ(s.client.ended, (std::vector<Reason>{Reason::kFull}));
  EXPECT_EQ(s.client.last_sent.value, sent);
  EXPECT_EQ(s.shards.unsubscribes.size(), 1u);
  EXPECT_EQ(s.ingress.counters().subscribers_cut_off, 1u);
  EXPECT_EQ(s.ingress.counters().report_backlog, 0u);
  s.deliver(3'501, 10);
  s.ingress.acknowledge(s.session, kAccount);  // too late: harmless
  EXPECT_EQ(s.client.sequences.size(), sent);
}

TEST(IngressReports, TheFarPastIsFedInPortionsNotCutOff) {
  constexpr uint64_t kLast = 20'000;
  Subscriber s(small_backlog(), 1, kLast);
  uint64_t shard_at = 1;
  for (int rounds = 0; s.client.sequences.size() < kLast && rounds < 1'000; ++rounds) {
    const auto paused = s.shards.unsubscribes.size();
    while (shard_at <= kLast && s.shards.unsubscribes.size() == paused) {
      s.deliver(shard_at, 500);
      shard_at += 500;
    }
    const auto asked = s.shards.subscribes.size();
    s.ingress.flush();
    for (int i = 0; i < 100 && s.shards.subscribes.size() == asked; ++i)
      s.ingress.acknowledge(s.session, kAccount);
    if (s.shards.subscribes.size() > asked) {
      shard_at = s.shards.subscribes.back().from.value;
      s.ingress.on_subscribed({s.session, kAccount, {1}, {kLast}});
    }
  }
  EXPECT_EQ(s.client.sequences, s.one_to(kLast));
  EXPECT_TRUE(s.client.ended.empty());
  EXPECT_GT(s.shards.unsubscribes.size(), 2u);
}

TEST(IngressReports, AreResumedWhenTheShardComesBack) {
  Subscriber s;
  const uint32_t shard = shard_of(kAccount, 2);
  s.deliver(1, 5);
  s.ingress.flush();
  s.ingress.shard_down(shard);
  const auto asked = s.shards.subscribes.size();
  s.ingress.shard_up(shard);
  ASSERT_EQ(s.shards.subscribes.size(), asked + 1);
  EXPECT_EQ(s.shards.subscribes.back().from.value, 6u);
  s.ingress.on_subscribed({s.session, kAccount, {1}, {6}});
  EXPECT_EQ(s.client.subscribed.size(), 1u);  // the client needs not know
  s.deliver(6, 1);
  s.ingress.flush();
  EXPECT_EQ(s.client.sequences, s.one_to(6));
}

TEST(IngressReports, AResumptionBeyondWhatIsKeptEndsWithAReason) {
  Subscriber s;
  const uint32_t shard = shard_of(kAccount, 2);
  s.deliver(1, 5);
  s.ingress.flush();
  s.ingress.shard_up(shard);
  s.ingress.on_subscribed({s.session, kAccount, {50}, {60}});
  ASSERT_EQ(s.client.ended, (std::vector<Reason>{Reason::kFull}));
  EXPECT_NE(s.client.ended_text.find("no longer kept"), std::string::npos) << s.client.ended_text;
}

TEST(IngressReports, ASubscriptionMadeWhileTheShardIsDownWaitsForIt) {
  Bench b;
  const uint32_t shard = shard_of(kAccount, 2);
  b.ingress.shard_down(shard);
  b.ingress.subscribe(b.session, kAccount, {1});
  EXPECT_TRUE(b.shards.subscribes.empty());
  b.ingress.shard_up(shard);
  EXPECT_EQ(b.shards.subscribes.size(), 1u);
}

TEST(IngressReports, ASubscriptionThatTheShardDoesNotAnswerIsAskedAgain) {
  Bench b;
  b.ingress.subscribe(b.session, kAccount, {7});
  b.ingress.ask_again();  // asked a moment ago
  EXPECT_EQ(b.shards.subscribes.size(), 1u);
  b.ingress.ask_again();
  ASSERT_EQ(b.shards.subscribes.size(), 2u);
  EXPECT_EQ(b.shards.subscribes[1].from.value, 7u);
  b.ingress.on_subscribed({b.session, kAccount, {1}, {6}});
  for (int i = 0; i < 3; ++i) b.ingress.ask_again();
  EXPECT_EQ(b.shards.subscribes.size(), 2u);
}

TEST(IngressReports, UnsubscribingAndClosingTellTheShard) {
  Subscriber s;
  s.ingress.unsubscribe(s.session, kAccount);
  EXPECT_EQ(s.shards.unsubscribes.size(), 1u);
  s.deliver(1, 1);
  s.ingress.flush();
  EXPECT_TRUE(s.client.sequences.empty());
  s.ingress.subscribe(s.session, kAccount, {1});
  s.ingress.close(s.session);
  EXPECT_EQ(s.shards.unsubscribes.size(), 2u);
}

TEST(IngressReports, ALaterSubscriptionReplacesTheOneBefore) {
  Subscriber s;
  s.ingress.subscribe(s.session, kAccount, {1});
  ASSERT_EQ(s.client.ended, (std::vector<Reason>{Reason::kPendingRequest}));
  EXPECT_EQ(s.ingress.counters().subscriptions, 1u);
}

}  // namespace
}  // namespace holdfast::ingress::tests
