// Each policy: what passes, what fails, and the number at which it turns.
#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

TEST(RiskCheck, OrdinaryOrderPassesEveryPolicy) {
  const RiskDecision decision = check(world(), buy(1, 10), kStart);
  expect_approved(decision);
  EXPECT_EQ(decision.limits_version, LimitsVersion{7});
  EXPECT_EQ(decision.time, kStart);
  EXPECT_EQ(decision.exposure_price, Price::whole(100));
  EXPECT_EQ(decision.reference_price, Price::whole(100));
  EXPECT_EQ(explain(decision), ReasonText("approved"));
  // The duplicate check is switched off in this world; all others looked.
  for (std::size_t i = 0; i < kPolicies; ++i)
    EXPECT_EQ(decision.outcomes[i].result, static_cast<Policy>(i) == Policy::kDuplicateOrder
                                               ? PolicyResult::kSkipped
                                               : PolicyResult::kPass);
}

TEST(RiskCheck, ChangesNothing) {
  const RiskState state = world();
  const RiskImage before = image_of(state);
  (void)check(state, buy(1, 10), kStart);
  (void)check(state, buy(1, 1'000'000), kStart);
  EXPECT_EQ(image_of(state), before);
}

// ---- account and shape --------------------------------------------------------------------------

TEST(AccountLimits, AccountWithoutLimitsIsRefused) {
  expect_fails_at(check(world(), buy(1, 1, 100, "Z"), kStart), Policy::kAccountLimits,
                  Reason::kNoLimits);
  expect_fails_at(check(RiskState(), buy(1, 1), kStart), Policy::kAccountLimits, Reason::kNoLimits);
}

TEST(AccountLimits, AccountRemovedFromTheLimitsIsRefused) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  RiskLimits next = limits();
  next.accounts.erase(next.accounts.begin());
  load(state, next);
  expect_fails_at(check(state, buy(2, 10), kStart), Policy::kAccountLimits, Reason::kNoLimits);
  EXPECT_EQ(exposure_of(state).open_buy_quantity, Quantity::whole(10).units);
}

TEST(AccountLimits, IncompleteLimitsAreNoLimits) {
  RiskState state = world();
  RiskLimits incomplete = limits();
  incomplete.firm = {};
  ASSERT_FALSE(validate(incomplete).ok());
  state.apply(LimitsLoaded{std::make_shared<RiskLimits>(incomplete)});
  expect_fails_at(check(state, buy(1, 1), kStart), Policy::kAccountLimits, Reason::kNoLimits);
}

TEST(AccountLimits, LimitsComeFromAccountElseDeskElseFirm) {
  RiskLimits next = limits();
  next.desks[0].limits.set(LimitKind::kOrderQuantityMax, Quantity::whole(20).units);
  next.accounts[0].limits.set(LimitKind::kOrderQuantityMax, Quantity::whole(10).units);
  RiskState state = world();
  load(state, next);
  const auto most = [&](const char* account) {
    return check(state, buy(1, 1, 100, account), kStart).outcome(Policy::kOrderQuantity).limit;
  };
  EXPECT_EQ(most("A"), Quantity::whole(10).units);
  EXPECT_EQ(most("B"), Quantity::whole(20).units);
  EXPECT_EQ(most("C"), Quantity::whole(1'000).units);
}

TEST(AccountLimits, MalformedOrdersAreRefused) {
  const RiskState state = world();
  const auto refused = [&](RiskOrder order, Reason reason) {
    expect_fails_at(check(state, order, kStart), Policy::kAccountLimits, reason);
  };
  refused(buy(1, 0), Reason::kBadQuantity);
  refused(buy(1, -5), Reason::kBadQuantity);
  refused(buy(1, 5, 0), Reason::kBadPrice);
  refused(buy(1, 5, -1), Reason::kBadPrice);
  RiskOrder priced = buy(1, 5);
  priced.type = OrderType::kMarket;
  refused(priced, Reason::kBadPrice);
  RiskOrder split = buy(1, 5);
  split.leaves = Quantity::whole(4);
  refused(split, Reason::kBadQuantity);
  split.leaves = Quantity::whole(6);
  refused(split, Reason::kBadQuantity);
}

TEST(AccountLimits, ReplaceNeedsItsOpenOrder) {
  RiskState state = world();
  const RiskOrder original = buy(1, 10);
  expect_fails_at(check(state, replace(original, 20, 100), kStart), Policy::kAccountLimits,
                  Reason::kUnknownOrder);
  ASSERT_TRUE(place(state, original).approved);
  expect_approved(check(state, replace(original, 20, 100), kStart));
  RiskOrder other = replace(original, 20, 100);
  other.account = "C";
  expect_fails_at(check(state, other, kStart), Policy::kAccountLimits, Reason::kUnknownOrder);
  other = replace(original, 20, 100);
  other.side = Side::kSell;
  expect_fails_at(check(state, other, kStart), Policy::kAccountLimits, Reason::kUnknownOrder);
  ASSERT_TRUE(place(state, replace(original, 20, 100)).approved);
  expect_fails_at(check(state, replace(original, 30, 100), kStart), Policy::kAccountLimits,
                  Reason::kPendingRequest);
}

TEST(AccountLimits, MarketOrdersAreNotReplaced) {
  RiskState state = world();
  const RiskOrder original = market(buy(1, 10));
  ASSERT_TRUE(place(state, original).approved);
  expect_fails_at(check(state, replace(buy(1, 10), 20, 100), kStart), Policy::kAccountLimits,
                  Reason::kUnsupported);
}

TEST(AccountLimits, ReplaceBelowWhatIsFilledIsRefused) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  state.apply(fill(buy(1, 10), 6, 100, 4));
  expect_fails_at(check(state, replace(buy(1, 10), 6, 100, 6), kStart), Policy::kAccountLimits,
                  Reason::kBadQuantity);
  expect_approved(check(state, replace(buy(1, 10), 7, 100, 6), kStart));
}

// ---- restricted list ----------------------------------------------------------------------------

TEST(RestrictedList, RefusesNewOrdersAndIncreases) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  RestrictedList list;
  list.version = 1;
  list.symbols.push_back({"S", "deal"});
  state.apply(RestrictedLoaded{std::make_shared<RestrictedList>(list)});
  expect_fails_at(check(state, sell(2, 10), kStart), Policy::kRestrictedList, Reason::kRestricted);
  expect_fails_at(check(state, replace(buy(1, 10), 11, 100), kStart), Policy::kRestrictedList,
                  Reason::kRestricted);
  expect_fails_at(check(state, replace(buy(1, 10), 10, 101), kStart), Policy::kRestrictedList,
                  Reason::kRestricted);
  expect_approved(check(state, replace(buy(1, 10), 9, 100), kStart));
  state.apply(RestrictedLoaded{std::make_shared<RestrictedList>()});
  expect_approved(check(state, sell(2, 10, 101), kStart));
}

// ---- size and notional --------------------------------------------------------------------------

TEST(OrderQuantity, LimitItselfPasses) {
  RiskState state = world();
  set_limit(state, LimitKind::kOrderQuantityMax, Quantity::whole(100).units);
  expect_approved(check(state, buy(1, 100), kStart));
  RiskOrder above = buy(1, 100);
  above.quantity.units += 1;
  above.leaves = above.quantity;
  const RiskDecision decision = check(state, above, kStart);
  expect_fails_at(decision, Policy::kOrderQuantity, Reason::kMaxOrderQuantity);
  EXPECT_EQ(decision.outcome(Policy::kOrderQuantity).observed, above.quantity.units);
  EXPECT_EQ(explain(decision),
            ReasonText("order quantity above the limit: 100.00000001 against 100"));
}

TEST(OrderQuantity, ReplaceIsHeldAgainstTheTotalOnlyWhenItGrows) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 100)).approved);
  set_limit(state, LimitKind::kOrderQuantityMax, Quantity::whole(50).units);
  expect_approved(check(state, replace(buy(1, 100), 80, 100), kStart));
  expect_fails_at(check(state, replace(buy(1, 100), 101, 100), kStart), Policy::kOrderQuantity,
                  Reason::kMaxOrderQuantity);
}

TEST(OrderNotional, LimitItselfPasses) {
  RiskState state = world();
  set_limit(state, LimitKind::kOrderNotionalMax, Notional::whole(10'000).units);
  expect_approved(check(state, buy(1, 100), kStart));
  RiskOrder above = buy(1, 100);
  above.price.units += 1;
  expect_fails_at(check(state, above, kStart), Policy::kOrderNotional, Reason::kMaxOrderNotional);
}

TEST(OrderNotional, MarketOrderCountsAtTheWorstPriceOfTheCollar) {
  RiskState state = world();
  set_limit(state, LimitKind::kOrderNotionalMax, Notional::whole(1'100).units);
  const RiskDecision bought = check(state, market(buy(1, 10)), kStart);
  expect_approved(bought);
  EXPECT_EQ(bought.exposure_price, Price::whole(110));
  expect_fails_at(check(state, market(buy(1, 11)), kStart), Policy::kOrderNotional,
                  Reason::kMaxOrderNotional);
  EXPECT_EQ(check(state, market(sell(1, 11)), kStart).exposure_price, Price::whole(100));
}

TEST(OrderNotional, OverflowIsRefused) {
  RiskState state = world();
  set_limit(state, LimitKind::kOrderQuantityMax, INT64_MAX);
  set_limit(state, LimitKind::kOrderNotionalMax, INT64_MAX);
  RiskOrder huge = buy(1, 1);
  huge.quantity = huge.leaves = Quantity::from_units(INT64_MAX);
  huge.price = Price::from_units(INT64_MAX);
  expect_fails_at(check(state, huge, kStart), Policy::kOrderNotional, Reason::kOverflow);
  expect_fails_at(check(state, market(huge), kStart), Policy::kOrderNotional, Reason::kOverflow);
}

// ---- collar -------------------------------------------------------------------------------------

TEST(PriceCollar, BoundsAreExactOnBothSides) {
  RiskState state = world();
  const auto reason = [&](Side side, int64_t units) {
    RiskOrder o = order(1, side, 1, 1);
    o.price = Price::from_units(units);
    return check(state, o, kStart).reason;
  };
  const int64_t p110 = Price::whole(110).units, p50 = Price::whole(50).units;
  EXPECT_EQ(reason(Side::kBuy, p110), Reason::kNone);
  EXPECT_EQ(reason(Side::kBuy, p110 + 1), Reason::kPriceCollar);
  EXPECT_EQ(reason(Side::kBuy, p50), Reason::kNone);
  EXPECT_EQ(reason(Side::kBuy, p50 - 1), Reason::kPriceCollar);
  const int64_t p90 = Price::whole(90).units, p150 = Price::whole(150).units;
  EXPECT_EQ(reason(Side::kSell, p90), Reason::kNone);
  EXPECT_EQ(reason(Side::kSell, p90 - 1), Reason::kPriceCollar);
  EXPECT_EQ(reason(Side::kSell, p150), Reason::kNone);
  EXPECT_EQ(reason(Side::kSell, p150 + 1), Reason::kPriceCollar);
}

TEST(PriceCollar, PassiveSideIsHeldToTheCollarWhenItHasNoLimitOfItsOwn) {
  RiskState state = world();
  RiskLimits next = limits();
  next.firm = {};
  for (const LimitSpec& spec : limit_specs())
    if (spec.kind != LimitKind::kPassiveCollar)
      next.firm.set(spec.kind, *firm_limits().get(spec.kind));
  load(state, next);
  expect_approved(check(state, buy(1, 1, 90), kStart));
  const RiskDecision decision = check(state, buy(1, 1, 89), kStart);
  expect_fails_at(decision, Policy::kPriceCollar, Reason::kPriceCollar);
  EXPECT_EQ(explain(decision),
            ReasonText("price too far from the reference price: 89 beyond 90, reference 100"));
}

TEST(PriceCollar, FreshLastTradeIsTheReference) {
  RiskState state = world();
  state.apply(ReferencePriceSet{"S", ReferenceSource::kLastTrade, Price::whole(200), kStart});
  EXPECT_EQ(check(state, buy(1, 1, 200), kStart).reference_price, Price::whole(200));
  // At the age limit it still counts; a nanosecond later the previous close does.
  const WallTime at_limit = kStart + kSecond * 60;
  EXPECT_EQ(check(state, buy(1, 1, 200), at_limit).reference_price, Price::whole(200));
  const WallTime later{at_limit.ns + 1};
  EXPECT_EQ(check(state, buy(1, 1, 100), later).reference_price, Price::whole(100));
}

TEST(PriceCollar, OwnFillsMoveTheReferenceAndOldOnesDont) {
  RiskState state = world();
  state.apply(fill(buy(9, 1), 1, 105, 0, kStart + kSecond));
  EXPECT_EQ(check(state, buy(1, 1), kStart).reference_price, Price::whole(105));
  state.apply(fill(buy(9, 1), 1, 50, 0, kStart));
  EXPECT_EQ(check(state, buy(1, 1), kStart).reference_price, Price::whole(105));
}

TEST(PriceCollar, NoReferenceAndStaleReferenceAreToldApart) {
  RiskState state;
  load(state, limits());
  expect_fails_at(check(state, buy(1, 1), kStart), Policy::kPriceCollar, Reason::kNoReferencePrice);
  expect_fails_at(check(state, market(buy(1, 1)), kStart), Policy::kOrderNotional,
                  Reason::kNoReferencePrice);
  state.apply(ReferencePriceSet{"S", ReferenceSource::kPreviousClose, Price{}, kStart});
  expect_fails_at(check(state, buy(1, 1), kStart), Policy::kPriceCollar, Reason::kNoReferencePrice);
  state.apply(ReferencePriceSet{"S", ReferenceSource::kPreviousClose, Price::whole(100), kStart});
  const WallTime next_day{(kStart + kSecond * 86'400).ns + 1};
  expect_approved(check(state, buy(1, 1), WallTime{next_day.ns - 1}));
  expect_fails_at(check(state, buy(1, 1), next_day), Policy::kPriceCollar,
                  Reason::kStaleReferencePrice);
  expect_fails_at(check(state, market(buy(1, 1)), next_day), Policy::kOrderNotional,
                  Reason::kStaleReferencePrice);
}

TEST(PriceCollar, ReplaceIsCheckedWhenItsPriceMoves) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10, 109)).approved);
  state.apply(ReferencePriceSet{"S", ReferenceSource::kLastTrade, Price::whole(90), kStart});
  expect_approved(check(state, replace(buy(1, 10), 5, 109), kStart));
  expect_fails_at(check(state, replace(buy(1, 10), 11, 109), kStart), Policy::kPriceCollar,
                  Reason::kPriceCollar);
  expect_fails_at(check(state, replace(buy(1, 10), 10, 108), kStart), Policy::kPriceCollar,
                  Reason::kPriceCollar);
  expect_approved(check(state, replace(buy(1, 10), 10, 99), kStart));
}

// ---- buying power -------------------------------------------------------------------------------

TEST(BuyingPower, LimitItselfPassesAndOpenOrdersCount) {
  RiskState state = world();
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(10'000).units);
  expect_approved(place(state, buy(1, 60)));
  expect_approved(check(state, buy(2, 40), kStart));
  const RiskDecision decision = check(state, buy(2, 41), kStart);
  expect_fails_at(decision, Policy::kBuyingPower, Reason::kBuyingPower);
  EXPECT_EQ(decision.outcome(Policy::kBuyingPower).observed, Notional::whole(10'100).units);
  EXPECT_EQ(decision.outcome(Policy::kBuyingPower).limit, Notional::whole(10'000).units);
}

TEST(BuyingPower, CountsOverAllSymbols) {
  RiskState state = world();
  state.apply(ReferencePriceSet{"T", ReferenceSource::kPreviousClose, Price::whole(100), kStart});
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(10'000).units);
  RiskOrder other = buy(1, 60);
  other.symbol = "T";
  expect_approved(place(state, other));
  expect_fails_at(check(state, buy(2, 41), kStart), Policy::kBuyingPower, Reason::kBuyingPower);
}

TEST(BuyingPower, OrdersThatReduceThePositionNeedNone) {
  RiskState state = world();
  state.apply(PositionSet{"A", "S", Quantity::whole(100), Notional::whole(10'000)});
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(5'000).units);
  expect_approved(check(state, sell(1, 100), kStart));
  expect_fails_at(check(state, buy(1, 1), kStart), Policy::kBuyingPower, Reason::kBuyingPower);
  // Selling twice of what is held opens a short of the same size: no more than is in use.
  expect_approved(place(state, sell(1, 200)));
  expect_fails_at(check(state, sell(2, 1), kStart), Policy::kBuyingPower, Reason::kBuyingPower);
}

TEST(BuyingPower, ReplaceNeedsTheDifference) {
  RiskState state = world();
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(10'000).units);
  expect_approved(place(state, buy(1, 60)));
  expect_approved(check(state, replace(buy(1, 60), 100, 100), kStart));
  expect_fails_at(check(state, replace(buy(1, 60), 101, 100), kStart), Policy::kBuyingPower,
                  Reason::kBuyingPower);
  // More of it at a lower price is no more money.
  expect_approved(check(state, replace(buy(1, 60), 75, 80), kStart));
  set_limit(state, LimitKind::kBuyingPower, 0);
  expect_approved(check(state, replace(buy(1, 60), 75, 80), kStart));
  expect_fails_at(check(state, replace(buy(1, 60), 61, 100), kStart), Policy::kBuyingPower,
                  Reason::kBuyingPower);
}

TEST(BuyingPower, ReleasedAndFilledFreeAndKeepIt) {
  RiskState state = world();
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(10'000).units);
  expect_approved(place(state, buy(1, 100)));
  expect_fails_at(check(state, buy(2, 1), kStart), Policy::kBuyingPower, Reason::kBuyingPower);
  state.apply(fill(buy(1, 100), 50, 100, 50));
  expect_fails_at(check(state, buy(2, 1), kStart), Policy::kBuyingPower, Reason::kBuyingPower);
  state.apply(Released{{1}});
  expect_approved(check(state, buy(2, 50), kStart));
  expect_fails_at(check(state, buy(2, 51), kStart), Policy::kBuyingPower, Reason::kBuyingPower);
}

// ---- position -----------------------------------------------------------------------------------

TEST(PositionLimit, CountsInFlightLongAndShort) {
  for (Side side : {Side::kBuy, Side::kSell}) {
    RiskState state = world();
    set_limit(state, LimitKind::kPositionMax, Quantity::whole(100).units);
    expect_approved(place(state, order(1, side, 60, 100)));
    expect_approved(check(state, order(2, side, 40, 100), kStart));
    const RiskDecision decision = check(state, order(2, side, 41, 100), kStart);
    expect_fails_at(decision, Policy::kPositionLimit, Reason::kPositionLimit);
    EXPECT_EQ(decision.outcome(Policy::kPositionLimit).observed, Quantity::whole(101).units);
  }
}

TEST(PositionLimit, OtherSideDoesNotNet) {
  RiskState state = world();
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(100).units);
  expect_approved(place(state, buy(1, 60, 99)));
  // The buy may never fill: the sell is held against the worst case, which is without it.
  expect_approved(check(state, sell(2, 100, 101), kStart));
  expect_fails_at(check(state, sell(2, 101, 101), kStart), Policy::kPositionLimit,
                  Reason::kPositionLimit);
}

TEST(PositionLimit, PositionGivesRoomOnTheOtherSide) {
  RiskState state = world();
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(100).units);
  state.apply(PositionSet{"A", "S", Quantity::whole(-50), Notional::whole(-5'000)});
  expect_approved(check(state, buy(1, 150), kStart));
  expect_fails_at(check(state, buy(1, 151), kStart), Policy::kPositionLimit,
                  Reason::kPositionLimit);
  expect_approved(check(state, sell(1, 50), kStart));
  expect_fails_at(check(state, sell(1, 51), kStart), Policy::kPositionLimit,
                  Reason::kPositionLimit);
}

TEST(PositionLimit, WayBackIsOpenWhenOverTheLimit) {
  RiskState state = world();
  state.apply(PositionSet{"A", "S", Quantity::whole(500), Notional::whole(50'000)});
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(100).units);
  expect_fails_at(check(state, buy(1, 1), kStart), Policy::kPositionLimit, Reason::kPositionLimit);
  expect_approved(check(state, sell(1, 450), kStart));
}

TEST(PositionLimit, ReplaceCountsTheDifference) {
  RiskState state = world();
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(100).units);
  expect_approved(place(state, buy(1, 60)));
  expect_approved(check(state, replace(buy(1, 60), 100, 100), kStart));
  expect_fails_at(check(state, replace(buy(1, 60), 101, 100), kStart), Policy::kPositionLimit,
                  Reason::kPositionLimit);
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(10).units);
  expect_approved(check(state, replace(buy(1, 60), 59, 100), kStart));
}

TEST(PositionLimit, BrokenPositionRefusesUntilItIsSet) {
  RiskState state = world();
  Filled huge = fill(buy(9, 1), 1, 1, 0);
  huge.quantity = Quantity::from_units(INT64_MAX);
  state.apply(huge);
  EXPECT_FALSE(exposure_of(state).broken);
  state.apply(huge);
  EXPECT_TRUE(exposure_of(state).broken);
  expect_fails_at(check(state, sell(1, 1), kStart), Policy::kAccountLimits, Reason::kOverflow);
  state.apply(PositionSet{"A", "S", {}, {}});
  expect_approved(check(state, sell(1, 1, 100), kStart + kSecond * 61));
}

}  // namespace
}  // namespace holdfast::risk::test
