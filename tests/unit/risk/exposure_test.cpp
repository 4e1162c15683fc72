// How facts move positions, costs and what is in flight, one by one.
#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

Wide units(int64_t whole) { return Notional::whole(whole).units; }

TEST(Exposure, OrderLifeMovesOpenAndPosition) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  EXPECT_EQ(exposure_of(state).open_buy_quantity, units(10));
  EXPECT_EQ(exposure_of(state).open_buy_notional, units(1'000));
  state.apply(fill(buy(1, 10), 4, 99, 6));
  EXPECT_EQ(exposure_of(state).position, units(4));
  EXPECT_EQ(exposure_of(state).cost, units(396));
  EXPECT_EQ(exposure_of(state).open_buy_notional, units(600));
  EXPECT_EQ(state.open_orders(), 1u);
  state.apply(fill(buy(1, 10), 6, 100, 0));
  EXPECT_EQ(exposure_of(state).position, units(10));
  EXPECT_EQ(exposure_of(state).open_buy_notional, 0);
  EXPECT_EQ(state.open_orders(), 0u);
  EXPECT_EQ(state.unknown_orders(), 0u);
}

TEST(Exposure, FillBeyondTheOrderMovesThePositionAll) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  state.apply(fill(buy(1, 10), 25, 100, 0));
  EXPECT_EQ(exposure_of(state).position, units(25));
  EXPECT_EQ(exposure_of(state).open_buy_quantity, 0);
}

TEST(Exposure, FillOfAnUnknownOrderMovesThePositionAndIsCounted) {
  RiskState state = world();
  state.apply(fill(sell(77, 5, 100, "NEW"), 5, 100, 0));
  EXPECT_EQ(exposure_of(state, "NEW").position, -units(5));
  EXPECT_EQ(state.unknown_orders(), 1u);
  // The account got a row by it, but no limits.
  EXPECT_EQ(check(state, buy(1, 1, 100, "NEW"), kStart).reason, Reason::kNoLimits);
}

TEST(Exposure, CostFollowsTheAveragePrice) {
  RiskState state = world();
  const RiskOrder none = buy(9, 1), sold = sell(9, 1);
  state.apply(fill(none, 10, 100, 0));
  state.apply(fill(none, 10, 110, 0));
  EXPECT_EQ(exposure_of(state).cost, units(2'100));
  state.apply(fill(sold, 5, 500, 0));
  EXPECT_EQ(exposure_of(state).cost, units(1'575));
  state.apply(fill(sold, 15, 1, 0));
  EXPECT_EQ(exposure_of(state).position, 0);
  EXPECT_EQ(exposure_of(state).cost, 0);
  state.apply(fill(sold, 3, 100, 0));
  state.apply(fill(none, 5, 90, 0));
  EXPECT_EQ(exposure_of(state).position, units(2));
  EXPECT_EQ(exposure_of(state).cost, units(180));
}

TEST(Exposure, CostOfWhatStaysIsNeverUnderstated) {
  RiskState state = world();
  Filled odd = fill(buy(9, 1), 1, 1, 0);
  odd.quantity = Quantity::from_units(3);
  odd.price = Price::from_units(kScale + 1);
  state.apply(odd);
  EXPECT_EQ(exposure_of(state).cost, 4);  // 3.00000003 rounded up
  Filled close = odd;
  close.side = Side::kSell;
  close.quantity = Quantity::from_units(1);
  state.apply(close);
  EXPECT_EQ(exposure_of(state).cost, 3);  // a third of 4 leaves, rounded down
}

TEST(Exposure, BustedTradeMovesBack) {
  RiskState state = world();
  state.apply(fill(buy(9, 1), 10, 100, 0));
  state.apply(Busted{"A", "S", Side::kBuy, Quantity::whole(10), Price::whole(100)});
  EXPECT_EQ(exposure_of(state).position, 0);
  EXPECT_EQ(exposure_of(state).cost, 0);
  state.apply(Busted{"A", "S", Side::kSell, Quantity::whole(3), Price::whole(100)});
  EXPECT_EQ(exposure_of(state).position, units(3));
}

TEST(Exposure, PendingReplaceCountsTheWorseOfBoth) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10, 100)).approved);
  // More quantity at a lower price: quantity from the new, notional from whichever is more.
  ASSERT_TRUE(place(state, replace(buy(1, 10), 12, 60)).approved);
  EXPECT_EQ(exposure_of(state).open_buy_quantity, units(12));
  EXPECT_EQ(exposure_of(state).open_buy_notional, units(1'000));
  // A fill takes from both.
  state.apply(fill(buy(1, 10), 4, 100, 6));
  EXPECT_EQ(exposure_of(state).open_buy_quantity, units(8));
  EXPECT_EQ(exposure_of(state).open_buy_notional, units(600));
  state.apply(ReplaceConfirmed{{1}, Price::whole(60), Quantity::whole(8)});
  EXPECT_EQ(exposure_of(state).open_buy_quantity, units(8));
  EXPECT_EQ(exposure_of(state).open_buy_notional, units(480));
}

TEST(Exposure, FilledOrderWithAPendingReplaceStaysUntilItIsAnswered) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  ASSERT_TRUE(place(state, replace(buy(1, 10), 15, 100)).approved);
  state.apply(fill(buy(1, 10), 10, 100, 0));
  EXPECT_EQ(exposure_of(state).open_buy_quantity, units(5));
  state.apply(ReplaceReleased{{1}});
  EXPECT_EQ(exposure_of(state).open_buy_quantity, 0);
  EXPECT_EQ(state.open_orders(), 0u);
}

TEST(Exposure, LeavesChangeInBothDirections) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  state.apply(LeavesChanged{{1}, Quantity::whole(7)});
  EXPECT_EQ(exposure_of(state).open_buy_quantity, units(7));
  state.apply(LeavesChanged{{1}, Quantity::whole(9)});
  EXPECT_EQ(exposure_of(state).open_buy_quantity, units(9));
  state.apply(LeavesChanged{{1}, Quantity::whole(-1)});
  EXPECT_EQ(exposure_of(state).open_buy_quantity, 0);
  EXPECT_EQ(state.open_orders(), 0u);
}

TEST(Exposure, UnknownOrdersAreCountedAndChangeNothing) {
  RiskState state = world();
  RiskImage before = image_of(state);
  state.apply(ReplaceReserved{{5}, Price::whole(1), Quantity::whole(1), kStart});
  state.apply(ReplaceConfirmed{{5}, Price::whole(1), Quantity::whole(1)});
  state.apply(ReplaceReleased{{5}});
  state.apply(LeavesChanged{{5}, Quantity::whole(1)});
  state.apply(Released{{5}});
  before.unknown_orders = 5;
  EXPECT_EQ(image_of(state), before);
}

TEST(Exposure, IllFormedFactsAreCountedAndChangeNothing) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  RiskImage before = image_of(state);
  const Reserved good{
      {2}, "A", "S", Side::kBuy, OrderType::kLimit, Price::whole(1), Quantity::whole(1), kStart};
  Reserved bad = good;
  bad.order = {};
  state.apply(bad);
  bad = good;
  bad.order = {1};  // is open already
  state.apply(bad);
  bad = good;
  bad.quantity = {};
  state.apply(bad);
  bad = good;
  bad.price = Price::whole(-1);
  state.apply(bad);
  state.apply(ReplaceReserved{{1}, Price::whole(-1), Quantity::whole(1), kStart});
  state.apply(ReplaceReserved{{1}, Price::whole(1), Quantity::whole(-1), kStart});
  state.apply(ReplaceConfirmed{{1}, Price::whole(-1), Quantity::whole(1)});
  state.apply(fill(buy(1, 10), 0, 100, 10));
  state.apply(fill(buy(1, 10), 1, -1, 9));
  state.apply(Busted{"A", "S", Side::kBuy, {}, Price::whole(1)});
  state.apply(LimitsLoaded{});
  state.apply(RestrictedLoaded{});
  state.apply(ReferencePriceSet{"S", ReferenceSource::kLastTrade, Price::whole(-1), kStart});
  state.apply(PositionSet{"A", "S", Quantity::whole(1), Notional::whole(-1)});
  state.apply(PositionSet{"A", "S", {}, Notional::whole(1)});
  before.ill_formed = 15;
  EXPECT_EQ(image_of(state), before);
}

TEST(Exposure, NumbersAtTheEdgeDoNotWrap) {
  RiskState state = world();
  for (uint64_t id = 1; id <= 4; ++id)
    state.apply(Reserved{{id},
                         "A",
                         "S",
                         Side::kBuy,
                         OrderType::kLimit,
                         Price::from_units(INT64_MAX),
                         Quantity::from_units(INT64_MAX),
                         kStart});
  const Wide one = wide_notional(Price::from_units(INT64_MAX), Quantity::from_units(INT64_MAX));
  EXPECT_GT(one, static_cast<Wide>(INT64_MAX));
  EXPECT_EQ(exposure_of(state).open_buy_notional, 4 * one);
  expect_fails_at(check(state, buy(9, 1), kStart), Policy::kBuyingPower, Reason::kBuyingPower);
  EXPECT_EQ(check(state, buy(9, 1), kStart).outcome(Policy::kBuyingPower).observed, INT64_MAX);
  for (uint64_t id = 1; id <= 4; ++id) state.apply(Released{{id}});
  EXPECT_EQ(exposure_of(state).open_buy_notional, 0);
  EXPECT_EQ(state.account(state.find_account("A")).used, 0);
}

// ---- full tables: what has no room makes every check refuse -------------------------------------

TEST(Bounds, FillThatFindsNoRowStopsAllUntilReconciled) {
  RiskState state = world();
  for (std::size_t i = 0; state.accounts().size() < limits::kAccountsMax; ++i)
    state.apply(fill(buy(9, 1, 100, ("x" + std::to_string(i)).c_str()), 1, 100, 0));
  EXPECT_EQ(state.untracked(), 0u);
  expect_approved(check(state, buy(1, 1), kStart));
  state.apply(fill(buy(9, 1, 100, "one more"), 1, 100, 0));
  EXPECT_EQ(state.untracked(), 1u);
  const RiskDecision decision = check(state, buy(1, 1), kStart);
  expect_fails_at(decision, Policy::kKillSwitch, Reason::kFull);
  state.apply(TrackingRestored{});
  expect_approved(check(state, buy(1, 1), kStart));
}

TEST(Bounds, AccountsBeyondTheTableHaveNoLimits) {
  RiskState state;
  for (std::size_t i = 0; state.accounts().size() < limits::kAccountsMax - 1; ++i)
    state.apply(fill(buy(9, 1, 100, ("x" + std::to_string(i)).c_str()), 1, 100, 0));
  load(state, limits());
  state.apply(ReferencePriceSet{"S", ReferenceSource::kPreviousClose, Price::whole(100), kStart});
  expect_approved(check(state, buy(1, 1, 100, "A"), kStart));
  expect_fails_at(check(state, buy(1, 1, 100, "B"), kStart), Policy::kAccountLimits,
                  Reason::kNoLimits);
}

TEST(Bounds, FullExposureTableRefusesNewPairsOnly) {
  RiskState state = world();
  for (std::size_t s = 0; s < limits::kExposuresMax; ++s) {
    Filled f = fill(buy(9, 1, 100, ("x" + std::to_string(s % 1'000)).c_str()), 1, 100, 0);
    f.symbol = Symbol("y" + std::to_string(s / 1'000));
    if (s + 1 == limits::kExposuresMax) f = fill(buy(9, 1), 1, 100, 0);
    state.apply(f);
  }
  EXPECT_EQ(state.untracked(), 0u);
  expect_approved(check(state, buy(1, 1), kStart));
  expect_fails_at(check(state, buy(1, 1, 100, "C"), kStart), Policy::kAccountLimits, Reason::kFull);
  state.apply(fill(buy(9, 1, 100, "C"), 1, 100, 0));
  EXPECT_EQ(state.untracked(), 1u);
}

TEST(Bounds, FullOrderTableRefusesNewOrders) {
  RiskState state = world();
  set_limit(state, LimitKind::kMessagesMax, 1'000'000'000);
  Reserved reserved{
      {1},   "A", "S", Side::kBuy, OrderType::kLimit, Price::whole(100), Quantity::from_units(1),
      kStart};
  for (uint64_t id = 1; id <= limits::kRiskOpenOrdersMax; ++id) {
    reserved.order = {id};
    state.apply(reserved);
  }
  EXPECT_EQ(state.open_orders(), limits::kRiskOpenOrdersMax);
  const RiskOrder one_more = buy(limits::kRiskOpenOrdersMax + 1, 1);
  expect_fails_at(check(state, one_more, kStart), Policy::kAccountLimits, Reason::kFull);
  state.apply(Released{{5}});
  expect_approved(place(state, one_more));
}

}  // namespace
}  // namespace holdfast::risk::test
