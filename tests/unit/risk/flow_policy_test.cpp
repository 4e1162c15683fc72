// The policies that look at an account's flow: duplicates, message rate, self-trade prevention.
#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

// ---- duplicates ---------------------------------------------------------------------------------

TEST(DuplicateOrder, SameOrderInsideTheWindowIsRefused) {
  RiskState state = world();
  set_limit(state, LimitKind::kDuplicateWindow, kSecond.ns);
  expect_approved(place(state, buy(1, 10)));
  const RiskDecision decision = check(state, buy(2, 10), WallTime{kStart.ns + kSecond.ns - 1});
  expect_fails_at(decision, Policy::kDuplicateOrder, Reason::kDuplicateOrder);
  expect_approved(check(state, buy(2, 10), kStart + kSecond));
}

TEST(DuplicateOrder, AnyDifferenceMakesAnotherOrder) {
  RiskState state = world();
  set_limit(state, LimitKind::kDuplicateWindow, kSecond.ns);
  expect_approved(place(state, buy(1, 10)));
  expect_approved(check(state, buy(2, 11), kStart));
  expect_approved(check(state, buy(2, 10, 99), kStart));
  expect_approved(check(state, buy(2, 10, 100, "B"), kStart));
  expect_approved(check(state, market(buy(2, 10)), kStart));
  state.apply(Released{{1}});
  expect_approved(check(state, sell(2, 10), kStart));
  expect_fails_at(check(state, buy(2, 10), kStart), Policy::kDuplicateOrder,
                  Reason::kDuplicateOrder);
}

TEST(DuplicateOrder, WindowStartsAnewWithEachOrder) {
  RiskState state = world();
  set_limit(state, LimitKind::kDuplicateWindow, kSecond.ns);
  expect_approved(place(state, buy(1, 10)));
  const WallTime second = kStart + kSecond;
  expect_approved(place(state, buy(2, 10), second));
  expect_fails_at(check(state, buy(3, 10), WallTime{second.ns + 1}), Policy::kDuplicateOrder,
                  Reason::kDuplicateOrder);
  // The first is forgotten, the second is not.
  expect_approved(place(state, buy(4, 11), WallTime{second.ns + 1}));
  expect_fails_at(check(state, buy(3, 10), WallTime{second.ns + kSecond.ns - 1}),
                  Policy::kDuplicateOrder, Reason::kDuplicateOrder);
  expect_approved(check(state, buy(3, 10), second + kSecond));
}

TEST(DuplicateOrder, RefusedOrdersLeaveNoTrace) {
  RiskState state = world();
  set_limit(state, LimitKind::kDuplicateWindow, kSecond.ns);
  set_limit(state, LimitKind::kBuyingPower, 0);
  EXPECT_FALSE(place(state, buy(1, 10)).approved);
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(10'000).units);
  expect_approved(check(state, buy(1, 10), kStart));
}

TEST(DuplicateOrder, FullMemoryRefusesUntilSomethingHasAged) {
  RiskState state = world();
  set_limit(state, LimitKind::kDuplicateWindow, kSecond.ns);
  set_limit(state, LimitKind::kPositionMax, INT64_MAX);
  set_limit(state, LimitKind::kBuyingPower, INT64_MAX);
  for (uint64_t id = 1; id <= limits::kFingerprintsMax; ++id) {
    Reserved reserved{{id}, "A",   "S", Side::kBuy, OrderType::kLimit, Price::whole(100),
                      {1},  kStart};
    reserved.quantity.units = static_cast<int64_t>(id);
    state.apply(reserved);
    state.apply(Released{{id}});
  }
  expect_fails_at(check(state, buy(1, 10), kStart + kSecond), Policy::kDuplicateOrder,
                  Reason::kFull);
  const WallTime later{(kStart + kSecond).ns + 1};
  expect_approved(place(state, buy(1'000'000, 10), later));
  EXPECT_EQ(image_of(state).recent.size(), 1u);
}

// ---- message rate -------------------------------------------------------------------------------

TEST(MessageRate, CountsEveryMessageOfTheWindow) {
  RiskState state = world();
  set_limit(state, LimitKind::kMessagesMax, 5);
  expect_approved(place(state, buy(1, 10)));
  EXPECT_FALSE(place(state, buy(2, 1'000'000)).approved);
  state.apply(MessageCounted{"A", 2, kStart});
  expect_approved(place(state, replace(buy(1, 10), 11, 100)));
  const RiskDecision decision = check(state, buy(3, 10), kStart);
  expect_fails_at(decision, Policy::kMessageRate, Reason::kMessageRate);
  EXPECT_EQ(decision.outcome(Policy::kMessageRate).observed, 6);
  EXPECT_EQ(explain(decision), ReasonText("too many messages in the window: 6 against 5"));
  // Another account is not concerned.
  expect_approved(check(state, buy(3, 10, 100, "C"), kStart));
}

TEST(MessageRate, MessagesThatAreNotJudgedCountInTheirPlaceAndAlwaysPass) {
  RiskState state = world();
  set_limit(state, LimitKind::kMessagesMax, 2);
  kill(state, KillScope::kFirm, "", KillMode::kFull);
  RiskOrder cancel;
  cancel.kind = RiskOrderKind::kMessage;
  cancel.account = "A";
  for (int i = 0; i < 5; ++i) {
    const RiskDecision decision = place(state, cancel);
    expect_approved(decision);
    EXPECT_EQ(decision.limits_version, state.limits_version());
  }
  EXPECT_EQ(state.account(state.find_account("A")).rate.total(kStart), 5u);
  EXPECT_EQ(state.open_orders(), 0u);
  kill(state, KillScope::kFirm, "", KillMode::kNone);
  expect_fails_at(check(state, buy(1, 1), kStart), Policy::kMessageRate, Reason::kMessageRate);
  // One of an account that has no row leaves none: refused messages must not fill the table.
  cancel.account = "Z";
  expect_approved(place(state, cancel));
  EXPECT_EQ(state.find_account("Z"), kNoRow);
}

TEST(MessageRate, WindowSlidesAndIsNeverShorterThanConfigured) {
  RiskState state = world();
  set_limit(state, LimitKind::kMessagesMax, 1);
  state.apply(MessageCounted{"A", 1, kStart});
  expect_fails_at(check(state, buy(1, 10), WallTime{kStart.ns + kSecond.ns}), Policy::kMessageRate,
                  Reason::kMessageRate);
  // At most one slot of an eighth longer.
  expect_approved(check(state, buy(1, 10), WallTime{kStart.ns + kSecond.ns * 9 / 8}));
}

TEST(MessageRate, AnotherWindowKeepsTheCount) {
  RiskState state = world();
  set_limit(state, LimitKind::kMessagesMax, 3);
  state.apply(MessageCounted{"A", 3, kStart});
  set_limit(state, LimitKind::kMessageWindow, kSecond.ns * 10);
  expect_fails_at(check(state, buy(1, 10), kStart + kSecond * 5), Policy::kMessageRate,
                  Reason::kMessageRate);
  expect_approved(check(state, buy(1, 10), kStart + kSecond * 12));
}

TEST(MessageRate, CountsDoNotWrap) {
  RiskState state = world();
  set_limit(state, LimitKind::kMessagesMax, 1'000'000'000);
  state.apply(MessageCounted{"A", UINT32_MAX, kStart});
  state.apply(MessageCounted{"A", UINT32_MAX, kStart});
  expect_fails_at(check(state, buy(1, 10), kStart), Policy::kMessageRate, Reason::kMessageRate);
}

TEST(RateWindow, OrderOfCountsDoesNotMatter) {
  RateWindow forward, backward;
  const WallTime times[] = {kStart, kStart + kSecond, kStart + kSecond * 3,
                            WallTime{kStart.ns + 3'500'000'000}};
  for (int i = 0; i < 4; ++i) {
    forward.count(times[i], static_cast<uint32_t>(i + 1));
    backward.count(times[3 - i], static_cast<uint32_t>(4 - i));
  }
  EXPECT_EQ(forward, backward);
  EXPECT_EQ(forward.total(times[3]), 7u);
}

// ---- self-trade ---------------------------------------------------------------------------------

TEST(SelfTrade, CrossingTheOwnBookIsRefused) {
  RiskState state = world();
  expect_approved(place(state, sell(1, 10, 101)));
  expect_approved(place(state, sell(2, 10, 103)));
  expect_approved(check(state, buy(3, 10, 100), kStart));
  const RiskDecision decision = check(state, buy(3, 10, 101), kStart);
  expect_fails_at(decision, Policy::kSelfTrade, Reason::kSelfTrade);
  EXPECT_EQ(explain(decision), ReasonText("would trade against an own open order at 101"));
  expect_fails_at(check(state, buy(3, 10, 109), kStart), Policy::kSelfTrade, Reason::kSelfTrade);
  expect_fails_at(check(state, market(buy(3, 10)), kStart), Policy::kSelfTrade, Reason::kSelfTrade);
  state.apply(Released{{1}});
  expect_approved(check(state, buy(3, 10, 102), kStart));
  state.apply(fill(sell(2, 10), 10, 103, 0));
  expect_approved(check(state, market(buy(3, 10)), kStart));
}

TEST(SelfTrade, WorksOnBothSides) {
  RiskState state = world();
  expect_approved(place(state, buy(1, 10, 99)));
  expect_approved(check(state, sell(2, 10, 100), kStart));
  expect_fails_at(check(state, sell(2, 10, 99), kStart), Policy::kSelfTrade, Reason::kSelfTrade);
  expect_fails_at(check(state, market(sell(2, 10)), kStart), Policy::kSelfTrade,
                  Reason::kSelfTrade);
}

TEST(SelfTrade, HoldsWithinTheGroupAndNotBeyond) {
  RiskState state = world();
  expect_approved(place(state, sell(1, 10, 101, "A")));
  expect_fails_at(check(state, buy(2, 10, 101, "B"), kStart), Policy::kSelfTrade,
                  Reason::kSelfTrade);
  expect_approved(check(state, buy(2, 10, 101, "C"), kStart));
  RiskOrder other = buy(2, 10, 101, "B");
  other.symbol = "T";
  state.apply(ReferencePriceSet{"T", ReferenceSource::kPreviousClose, Price::whole(100), kStart});
  expect_approved(check(state, other, kStart));
}

TEST(SelfTrade, GroupsFollowTheLimits) {
  RiskState state = world();
  expect_approved(place(state, sell(1, 10, 101, "B")));
  expect_fails_at(check(state, buy(2, 10, 101, "A"), kStart), Policy::kSelfTrade,
                  Reason::kSelfTrade);
  RiskLimits next = limits();
  next.version = {8};
  next.accounts[0].self_trade_group = {};
  next.accounts[1].self_trade_group = "H";
  next.accounts[2].self_trade_group = "H";
  load(state, next);
  expect_approved(check(state, buy(2, 10, 101, "A"), kStart));
  expect_fails_at(check(state, buy(2, 10, 101, "C"), kStart), Policy::kSelfTrade,
                  Reason::kSelfTrade);
  // The books were made anew: what rested in them can still leave.
  state.apply(Released{{1}});
  expect_approved(check(state, buy(2, 10, 101, "C"), kStart));
}

TEST(SelfTrade, PendingReplaceStandsAtBothPrices) {
  RiskState state = world();
  expect_approved(place(state, sell(1, 10, 105)));
  expect_approved(place(state, replace(sell(1, 10), 10, 102)));
  expect_fails_at(check(state, buy(2, 10, 102), kStart), Policy::kSelfTrade, Reason::kSelfTrade);
  // A second replace that the shard accepted takes the place of the first.
  state.apply(ReplaceReserved{{1}, Price::whole(103), Quantity::whole(10), kStart});
  expect_approved(check(state, buy(2, 10, 102), kStart));
  expect_fails_at(check(state, buy(2, 10, 103), kStart), Policy::kSelfTrade, Reason::kSelfTrade);
  state.apply(ReplaceReleased{{1}});
  expect_approved(check(state, buy(2, 10, 104), kStart));
  expect_approved(place(state, replace(sell(1, 10), 10, 102)));
  state.apply(ReplaceConfirmed{{1}, Price::whole(102), Quantity::whole(10)});
  expect_fails_at(check(state, buy(2, 10, 102), kStart), Policy::kSelfTrade, Reason::kSelfTrade);
  expect_approved(check(state, buy(2, 10, 101), kStart));
}

TEST(SelfTrade, MarketOrderInFlightBlocksTheOtherSide) {
  RiskState state = world();
  expect_approved(place(state, market(buy(1, 10))));
  const RiskDecision decision = check(state, sell(2, 10, 109), kStart);
  expect_fails_at(decision, Policy::kSelfTrade, Reason::kSelfTrade);
  EXPECT_EQ(explain(decision), ReasonText("would trade against an own open order"));
  state.apply(Released{{1}});
  expect_approved(check(state, sell(2, 10, 109), kStart));
}

TEST(SelfTrade, ReductionIsNotHeldUpByIt) {
  RiskState state = world();
  expect_approved(place(state, sell(1, 10, 101, "A")));
  expect_approved(place(state, buy(2, 10, 102, "C")));
  RiskLimits next = limits();
  next.version = {8};
  next.accounts[2].self_trade_group = "G";
  load(state, next);
  expect_approved(check(state, replace(buy(2, 10, 102, "C"), 5, 102), kStart));
  expect_fails_at(check(state, replace(buy(2, 10, 102, "C"), 11, 102), kStart), Policy::kSelfTrade,
                  Reason::kSelfTrade);
}

TEST(SelfTrade, FullBookSideRefuses) {
  RiskState state = world();
  set_limit(state, LimitKind::kPositionMax, INT64_MAX);
  set_limit(state, LimitKind::kBuyingPower, INT64_MAX);
  const auto levels = static_cast<uint64_t>(limits::kSelfTradeLevelsMax);
  for (uint64_t id = 1; id <= levels; ++id)
    state.apply(Reserved{{id},
                         "A",
                         "S",
                         Side::kBuy,
                         OrderType::kLimit,
                         Price::from_units(static_cast<int64_t>(id)),
                         {1},
                         kStart});
  expect_fails_at(check(state, buy(levels + 1, 1), kStart), Policy::kSelfTrade, Reason::kFull);
  state.apply(Released{{levels}});
  expect_approved(check(state, buy(levels + 1, 1), kStart));
}

}  // namespace
}  // namespace holdfast::risk::test
