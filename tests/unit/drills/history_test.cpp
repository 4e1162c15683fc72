#include "supervision/drills/history.hpp"

#include <gtest/gtest.h>

namespace holdfast::drills {
namespace {

constexpr int64_t kMs = 1'000'000;

TEST(DrillWallTime, ReadsWhatNodesWrite) {
  EXPECT_EQ(parse_wall_time("1970-01-01T00:00:00.000001Z")->ns, 1'000);
  EXPECT_EQ(parse_wall_time("2000-03-01T00:00:00.000000Z")->ns, 951'868'800'000'000'000);
  EXPECT_EQ(parse_wall_time("2026-11-20T22:12:46.728924Z")->ns, 1'795'212'766'728'924'000);
  for (const char* bad : {"", "2026-11-20", "2026-11-20T22:12:46.728924",
                          "2026-13-20T22:12:46.728924Z", "2026-11-20T24:12:46.728924Z",
                          "2026-11-20T22:12:46.-28924Z", "2026-11-20 22:12:46.728924Z"})
    EXPECT_FALSE(parse_wall_time(bad)) << bad;
}

TEST(DrillLog, GroupTransition) {
  const auto t = parse_transition(
      "2026-11-20T22:12:46.700909Z group orders/0: following -> candidate reason=leader_lost "
      "epoch=1 last=2467 committed=2467");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->group, "orders/0");
  EXPECT_FALSE(t->session);
  EXPECT_EQ(t->from, "following");
  EXPECT_EQ(t->to, "candidate");
  EXPECT_EQ(t->reason, "leader_lost");
}

TEST(DrillLog, SessionOfAVenue) {
  const auto t =
      parse_transition("2026-11-20T22:13:15.994301Z venue XSIM: XSIM: Down (the venue logged out)");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->group, "venue/XSIM");
  EXPECT_TRUE(t->session);
  EXPECT_EQ(t->to, "Down");
}

TEST(DrillLog, OtherLinesAreNone) {
  for (const char* line :
       {"", " ", "group orders/0: a -> b reason=c", "2026-11-20T22:12:46.700909Z",
        "2026-11-20T22:12:46.700909Z group", "2026-11-20T22:12:46.700909Z group x",
        "2026-11-20T22:12:46.700909Z group orders/0: member 1 joins the in-sync set",
        "2026-11-20T22:12:46.700909Z group orders/0: protected again",
        "2026-11-20T22:12:46.700909Z venue XSIM logged out",
        "2026-11-20T22:12:46.700909Z snapshot made group=orders/0 index=2468"})
    EXPECT_FALSE(parse_transition(line)) << line;
}

TEST(DrillTimeline, ReadsWhatTheFlowWrites) {
  const auto order = parse_acknowledged("10 20 30 M1 S7");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->due.ns, 10);
  EXPECT_EQ(order->submitted.ns, 20);
  EXPECT_EQ(order->acknowledged.ns, 30);
  EXPECT_EQ(order->account, Account("M1"));
  for (const char* bad : {"", "10 20 30", "10 20 30 M1", "10 x 30 M1 S7", "10 20 30  S7"})
    EXPECT_FALSE(parse_acknowledged(bad)) << bad;
}

// ---- the view

Transition moves(int64_t at_ms, const char* group, const char* to, bool session = false) {
  return {{at_ms * kMs}, group, session, "", to, ""};
}

class DrillView : public testing::Test {
 protected:
  View view{{"orders/0", "venue/XSIM"}, {1, 2}};
  void settle() {
    for (const char* group : {"orders/0", "venue/XSIM"}) {
      view.take(1, moves(1, group, "serving"));
      view.take(2, moves(1, group, "following"));
    }
    view.take(1, moves(2, "venue/XSIM", "Open", true));
  }
};

TEST_F(DrillView, SettledNeedsEveryMemberAndTheSession) {
  EXPECT_FALSE(view.settled());
  settle();
  EXPECT_TRUE(view.settled());
  view.take(1, moves(3, "venue/XSIM", "Down", true));
  EXPECT_NE(view.unsettled().find("session"), std::string::npos);
  settle();
  view.take(2, moves(3, "orders/0", "candidate"));
  EXPECT_NE(view.unsettled().find("member 2"), std::string::npos);
}

TEST_F(DrillView, TwoWhoServeAreNoLeader) {
  settle();
  EXPECT_EQ(view.leader("orders/0"), 1u);
  view.take(2, moves(4, "orders/0", "serving"));
  EXPECT_FALSE(view.leader("orders/0"));
  EXPECT_FALSE(view.settled());
}

TEST_F(DrillView, WhatTheDeadLoggedDoesNotHold) {
  settle();
  view.ended(1, {10 * kMs});
  view.take(1, moves(10, "orders/0", "serving"));  // read late
  EXPECT_FALSE(view.leader("orders/0"));
  EXPECT_EQ(view.state(1, "orders/0"), "");
  view.take(1, moves(11, "orders/0", "following"));
  EXPECT_EQ(view.state(1, "orders/0"), "following");
}

TEST_F(DrillView, WhatTheNextLifeLoggedStaysThoughItsDeathIsHeardLater) {
  settle();
  view.take(1, moves(12, "orders/0", "following"));
  view.ended(1, {10 * kMs});
  EXPECT_EQ(view.state(1, "orders/0"), "following");
  EXPECT_EQ(view.state(1, "venue/XSIM"), "");
}

// ---- spans

Disturbance disturbance(const char* group, std::optional<uint32_t> shard) {
  return {{100 * kMs}, {5'000 * kMs}, group, shard};
}
Acknowledged order(int64_t submitted_ms, int64_t acknowledged_ms, const char* account = "M1") {
  return {{submitted_ms * kMs}, {submitted_ms * kMs}, {acknowledged_ms * kMs}, Account(account)};
}

TEST(DrillSpans, FromTheSignalToEachFirst) {
  const std::vector<Transition> transitions = {
      moves(120, "orders/0", "serving"), moves(105, "orders/0", "candidate"),
      moves(103, "orders/1", "candidate"), moves(90, "orders/0", "serving"),
      moves(300, "orders/0", "serving")};
  const auto spans = spans_of(disturbance("orders/0", std::nullopt), transitions, {}, 2);
  EXPECT_EQ(spans.detect, Duration::milliseconds(5));
  EXPECT_EQ(spans.lead, Duration::milliseconds(20));
  EXPECT_FALSE(spans.logon);
  EXPECT_FALSE(spans.first_ack);
}

TEST(DrillSpans, LogonIsTheOpenAfterItsOwnLogon) {
  const std::vector<Transition> transitions = {
      moves(110, "venue/XSIM", "Open", true),  // as it followed
      moves(111, "venue/XSIM", "Down", true), moves(112, "venue/XSIM", "LogonSent", true),
      moves(130, "venue/XSIM", "Open", true)};
  const auto spans = spans_of(disturbance("venue/XSIM", std::nullopt), transitions, {}, 2);
  EXPECT_EQ(spans.logon, Duration::milliseconds(30));
}

TEST(DrillSpans, FirstAckCountsOnlyWhatWasSubmittedAfter) {
  const std::vector<Acknowledged> orders = {order(4'999, 5'001), order(5'000, 5'002),
                                            order(5'010, 5'050), order(5'020, 5'045)};
  const auto spans = spans_of(disturbance("venue/XSIM", std::nullopt), {}, orders, 2);
  EXPECT_EQ(spans.first_ack, Duration::milliseconds(45));
}

TEST(DrillSpans, PauseIsTheLongestWithoutAnAnswer) {
  const std::vector<Acknowledged> orders = {order(4'990, 4'999), order(4'999, 5'004),
                                            order(5'010, 5'050), order(5'020, 5'045)};
  const auto spans = spans_of(disturbance("venue/XSIM", std::nullopt), {}, orders, 2);
  EXPECT_EQ(spans.pause, Duration::milliseconds(41));
}

TEST(DrillSpans, FirstAckGoesThroughTheShardThatWasHit) {
  const char* here = "M1";
  const uint32_t shard = shard_of(Account(here), 2);
  const char* there = nullptr;
  for (const char* account : {"M2", "M3", "M4", "M5", "M6"})
    if (shard_of(Account(account), 2) != shard) there = account;
  ASSERT_NE(there, nullptr);
  const std::vector<Acknowledged> orders = {order(5'001, 5'003, there), order(5'001, 5'030, here)};
  EXPECT_EQ(spans_of(disturbance("orders/x", shard), {}, orders, 2).first_ack,
            Duration::milliseconds(30));
}

// ---- numbers

TEST(DrillDistribution, NearestRank) {
  EXPECT_EQ(distribution_of({}).count, 0u);
  const auto one = distribution_of({Duration::milliseconds(7)});
  EXPECT_EQ(one.p50, Duration::milliseconds(7));
  EXPECT_EQ(one.p99, Duration::milliseconds(7));
  std::vector<Duration> many;
  for (int i = 200; i >= 1; --i) many.push_back(Duration::milliseconds(i));
  const auto d = distribution_of(many);
  EXPECT_EQ(d.count, 200u);
  EXPECT_EQ(d.p50, Duration::milliseconds(100));
  EXPECT_EQ(d.p99, Duration::milliseconds(198));
  EXPECT_EQ(d.max, Duration::milliseconds(200));
}

TEST(DrillLatency, BeforeDuringAfter) {
  const std::vector<Acknowledged> orders = {order(3'000, 3'900),  // more than a second before
                                            order(4'500, 4'501), order(5'010, 5'060),
                                            order(5'070, 5'072), order(7'000, 7'900)};
  const auto latency =
      latency_of({disturbance("venue/XSIM", std::nullopt)}, {Duration::milliseconds(60)}, orders);
  EXPECT_EQ(latency.before.count, 1u);
  EXPECT_EQ(latency.before.max, Duration::milliseconds(1));
  EXPECT_EQ(latency.during.count, 1u);
  EXPECT_EQ(latency.during.max, Duration::milliseconds(50));
  EXPECT_EQ(latency.after.count, 1u);
  EXPECT_EQ(latency.after.max, Duration::milliseconds(2));
}

}  // namespace
}  // namespace holdfast::drills
