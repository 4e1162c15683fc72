#include <gtest/gtest.h>

#include "nodes/load/flow.hpp"

namespace holdfast::load {
namespace {

TEST(LobsterRow, ReadsTheSixColumns) {
  auto row = parse_lobster("34200.017459617,5,0,1,5853300,-1");
  ASSERT_TRUE(row.ok());
  EXPECT_EQ(row.value().time.ns, 34200017459617);
  EXPECT_EQ(row.value().price, Price::parse("585.33").value());
  EXPECT_EQ(row.value().direction, -1);
}

TEST(LobsterRow, TakesAHaltWithItsSentinels) {
  EXPECT_TRUE(parse_lobster("35000.0,7,0,0,-1,-1\r").ok());
}

TEST(LobsterRow, RefusesWhatIsMalformed) {
  for (const char* bad :
       {"", ",", "a,1,1,1,1,1", "1,8,1,1,1,1", "1,1,x,1,1,1", "1,1,1,0,1,1", "1,1,1,-5,1,1",
        "1,1,1,1,0,1", "1,1,1,1,1,0", "1,1,1,1,1", "1,1,1,1,1,1,1", "1,1,1,99999999999999,1,1",
        "-1,1,1,1,1,1", "1,1,1,1,99999999999999999999,1"})
    EXPECT_FALSE(parse_lobster(bad).ok()) << bad;
}

TEST(LobsterFlow, MapsEachTypeAsDocumented) {
  LobsterFlow flow(Symbol("AAPL"));
  auto submit = flow.next("100.0,1,7,300,5850000,1");
  ASSERT_TRUE(submit);
  EXPECT_EQ(submit->order.client_order_id.view(), "L7");
  EXPECT_EQ(submit->order.quantity, Quantity::whole(300));
  auto replace = flow.next("100.5,2,7,100,5850000,1");
  ASSERT_TRUE(replace);
  EXPECT_EQ(replace->kind, Action::Kind::kReplace);
  EXPECT_EQ(replace->replace.quantity, Quantity::whole(200));
  EXPECT_EQ(replace->at, Duration::milliseconds(500));
  auto take = flow.next("101,4,7,50,5850000,1");
  ASSERT_TRUE(take);
  EXPECT_EQ(take->order.side, Side::kSell);
  EXPECT_EQ(take->order.time_in_force, TimeInForce::kImmediateOrCancel);
  EXPECT_EQ(take->order.account.view(), "T1");
  auto cancel = flow.next("102,3,7,150,5850000,1");
  ASSERT_TRUE(cancel);
  EXPECT_EQ(cancel->kind, Action::Kind::kCancel);
  EXPECT_EQ(cancel->cancel.original.view(), "L7");
  EXPECT_FALSE(flow.next("103,3,7,150,5850000,1"));
  EXPECT_FALSE(flow.next("103,5,0,1,5850000,1"));
  EXPECT_FALSE(flow.next("103,6,0,1,5850000,1"));
  EXPECT_FALSE(flow.next("103,7,0,0,-1,-1"));
  EXPECT_FALSE(flow.next("rubbish"));
  EXPECT_EQ(flow.counts().orphans, 1u);
  EXPECT_EQ(flow.counts().skipped_hidden, 1u);
  EXPECT_EQ(flow.counts().crosses, 1u);
  EXPECT_EQ(flow.counts().halts, 1u);
  EXPECT_EQ(flow.counts().malformed, 1u);
}

TEST(LobsterFlow, APartialCancelOfAllThatIsLeftIsACancel) {
  LobsterFlow flow(Symbol("AAPL"));
  flow.next("1,1,7,300,5850000,1");
  flow.next("1,4,7,100,5850000,1");
  auto cancel = flow.next("1,2,7,200,5850000,1");
  ASSERT_TRUE(cancel);
  EXPECT_EQ(cancel->kind, Action::Kind::kCancel);
}

TEST(SyntheticFlow, TheSameSeedGivesTheSameFlow) {
  const Price start = Price::whole(100);
  SyntheticFlow one(Symbol("AAPL"), 42, start, Duration::milliseconds(1));
  SyntheticFlow two(Symbol("AAPL"), 42, start, Duration::milliseconds(1));
  SyntheticFlow other(Symbol("AAPL"), 43, start, Duration::milliseconds(1));
  bool differs = false;
  for (int i = 0; i < 2000; ++i) {
    const auto a = one.next(), b = two.next(), c = other.next();
    ASSERT_EQ(a.order, b.order);
    ASSERT_EQ(a.cancel, b.cancel);
    ASSERT_EQ(a.replace, b.replace);
    differs |= !(a.order == c.order);
  }
  EXPECT_TRUE(differs);
  EXPECT_GT(one.counts().submits, 500u);
  EXPECT_GT(one.counts().takers, 100u);
  EXPECT_GT(one.counts().cancels, 100u);
  EXPECT_GT(one.counts().replaces, 50u);
}

}  // namespace
}  // namespace holdfast::load
