// Kill switches at each scope, and what reduce-only lets through.
#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

/// An order of account A that every scope can reach: firm, desk, account, algo.
RiskOrder reachable() {
  RiskOrder order = buy(1, 10);
  order.algo = "VWAP";
  order.desk = "D";
  return order;
}

struct Scope {
  KillScope scope;
  const char* name;
};
constexpr Scope kScopes[] = {{KillScope::kFirm, ""},
                             {KillScope::kDesk, "D"},
                             {KillScope::kAccount, "A"},
                             {KillScope::kAlgo, "VWAP"}};

TEST(KillSwitch, FullKillStopsItsScopeUntilItEnds) {
  for (const Scope& scope : kScopes) {
    RiskState state = world();
    kill(state, scope.scope, scope.name, KillMode::kFull);
    const RiskDecision decision = check(state, reachable(), kStart);
    expect_fails_at(decision, Policy::kKillSwitch, Reason::kKilled);
    EXPECT_EQ(explain(decision), ReasonText("trading is stopped by a kill switch"));
    ASSERT_EQ(state.kills().size(), 1u);
    EXPECT_EQ(state.kills()[0].kill.operator_name, Label("op"));
    kill(state, scope.scope, scope.name, KillMode::kNone);
    EXPECT_TRUE(state.kills().empty());
    expect_approved(check(state, reachable(), kStart));
  }
}

TEST(KillSwitch, OtherNamesOfTheScopeGoOn) {
  RiskState state = world();
  kill(state, KillScope::kDesk, "E", KillMode::kFull);
  kill(state, KillScope::kAccount, "B", KillMode::kFull);
  kill(state, KillScope::kAlgo, "TWAP", KillMode::kFull);
  expect_approved(check(state, reachable(), kStart));
  expect_fails_at(check(state, buy(1, 10, 100, "B"), kStart), Policy::kKillSwitch, Reason::kKilled);
}

TEST(KillSwitch, DeskIsThatOfTheOrderAndThatOfTheAccount) {
  RiskState state = world();
  kill(state, KillScope::kDesk, "D", KillMode::kFull);
  expect_fails_at(check(state, buy(1, 10), kStart), Policy::kKillSwitch, Reason::kKilled);
  RiskOrder claimed = buy(1, 10, 100, "C");
  expect_approved(check(state, claimed, kStart));
  claimed.desk = "D";
  expect_fails_at(check(state, claimed, kStart), Policy::kKillSwitch, Reason::kKilled);
}

TEST(KillSwitch, HoldsForAccountsThatAreLoadedLater) {
  RiskState state = world();
  kill(state, KillScope::kAccount, "N", KillMode::kFull);
  kill(state, KillScope::kDesk, "E", KillMode::kFull);
  RiskLimits next = limits();
  next.version = {8};
  next.desks.push_back({"E", {}});
  next.accounts.push_back({"N", {}, {}, {}});
  next.accounts.push_back({"M", "E", {}, {}});
  load(state, next);
  expect_fails_at(check(state, buy(1, 10, 100, "N"), kStart), Policy::kKillSwitch, Reason::kKilled);
  expect_fails_at(check(state, buy(1, 10, 100, "M"), kStart), Policy::kKillSwitch, Reason::kKilled);
}

TEST(KillSwitch, StrictestOfSeveralHolds) {
  RiskState state = world();
  kill(state, KillScope::kFirm, "", KillMode::kReduceOnly);
  kill(state, KillScope::kAlgo, "VWAP", KillMode::kFull);
  expect_fails_at(check(state, reachable(), kStart), Policy::kKillSwitch, Reason::kKilled);
  kill(state, KillScope::kAlgo, "VWAP", KillMode::kReduceOnly);
  expect_fails_at(check(state, reachable(), kStart), Policy::kKillSwitch, Reason::kReduceOnly);
}

TEST(KillSwitch, FullKillStopsReplacesOfAnyKind) {
  RiskState state = world();
  expect_approved(place(state, buy(1, 10)));
  kill(state, KillScope::kFirm, "", KillMode::kFull);
  expect_fails_at(check(state, replace(buy(1, 10), 5, 100), kStart), Policy::kKillSwitch,
                  Reason::kKilled);
}

TEST(ReduceOnly, LetsThroughWhatClosesThePositionAtEachScope) {
  for (const Scope& scope : kScopes)
    for (int64_t held : {100, -100}) {
      RiskState state = world();
      state.apply(PositionSet{"A", "S", Quantity::whole(held), Notional::whole(held * 100)});
      kill(state, scope.scope, scope.name, KillMode::kReduceOnly);
      RiskOrder closing = reachable();
      closing.side = held > 0 ? Side::kSell : Side::kBuy;
      RiskOrder opening = closing;
      opening.side = held > 0 ? Side::kBuy : Side::kSell;
      expect_fails_at(check(state, opening, kStart), Policy::kKillSwitch, Reason::kReduceOnly);
      closing.quantity = closing.leaves = Quantity::whole(100);
      expect_approved(check(state, closing, kStart));
      closing.quantity = closing.leaves = Quantity::from_units(Quantity::whole(100).units + 1);
      const RiskDecision decision = check(state, closing, kStart);
      expect_fails_at(decision, Policy::kKillSwitch, Reason::kReduceOnly);
      EXPECT_EQ(decision.outcome(Policy::kKillSwitch).limit, Quantity::whole(100).units);
    }
}

TEST(ReduceOnly, CountsWhatIsAlreadyInFlight) {
  RiskState state = world();
  state.apply(PositionSet{"A", "S", Quantity::whole(100), Notional::whole(10'000)});
  expect_approved(place(state, sell(1, 70)));
  kill(state, KillScope::kFirm, "", KillMode::kReduceOnly);
  expect_approved(check(state, sell(2, 30), kStart));
  expect_fails_at(check(state, sell(2, 31), kStart), Policy::kKillSwitch, Reason::kReduceOnly);
  state.apply(Released{{1}});
  expect_approved(check(state, sell(2, 100), kStart));
}

TEST(ReduceOnly, FlatAccountsTradeNothing) {
  RiskState state = world();
  kill(state, KillScope::kFirm, "", KillMode::kReduceOnly);
  expect_fails_at(check(state, buy(1, 1), kStart), Policy::kKillSwitch, Reason::kReduceOnly);
  expect_fails_at(check(state, sell(1, 1), kStart), Policy::kKillSwitch, Reason::kReduceOnly);
}

TEST(ReduceOnly, ReplacesThatOnlyReduceGoThrough) {
  RiskState state = world();
  expect_approved(place(state, buy(1, 10)));
  kill(state, KillScope::kFirm, "", KillMode::kReduceOnly);
  expect_approved(check(state, replace(buy(1, 10), 9, 100), kStart));
  expect_approved(check(state, replace(buy(1, 10), 10, 99), kStart));
  expect_fails_at(check(state, replace(buy(1, 10), 11, 100), kStart), Policy::kKillSwitch,
                  Reason::kReduceOnly);
  expect_fails_at(check(state, replace(buy(1, 10), 10, 101), kStart), Policy::kKillSwitch,
                  Reason::kReduceOnly);
  // A replace that reaches further is let through when all of it closes the position.
  state.apply(PositionSet{"A", "S", Quantity::whole(-10), Notional::whole(-1'000)});
  expect_approved(check(state, replace(buy(1, 10), 10, 101), kStart));
  expect_fails_at(check(state, replace(buy(1, 10), 11, 101), kStart), Policy::kKillSwitch,
                  Reason::kReduceOnly);
}

TEST(KillSwitch, FullTableStopsEverythingAndTheFirmKillAlwaysFits) {
  RiskState state = world();
  for (std::size_t i = 0; i < limits::kKillSwitchesMax; ++i)
    kill(state, KillScope::kAlgo, ("x" + std::to_string(i)).c_str(), KillMode::kFull);
  EXPECT_EQ(state.untracked(), 0u);
  expect_approved(check(state, reachable(), kStart));
  kill(state, KillScope::kFirm, "", KillMode::kFull);
  EXPECT_EQ(state.untracked(), 0u);
  expect_fails_at(check(state, reachable(), kStart), Policy::kKillSwitch, Reason::kKilled);
  kill(state, KillScope::kFirm, "", KillMode::kNone);
  kill(state, KillScope::kAlgo, "one more", KillMode::kFull);
  EXPECT_EQ(state.untracked(), 1u);
  expect_fails_at(check(state, reachable(), kStart), Policy::kKillSwitch, Reason::kFull);
}

TEST(PolicyOrder, FirstThatFailsGivesTheReason) {
  // Every later policy would fail too; taking the causes away one by one shows the next.
  RiskState state = world();
  set_limit(state, LimitKind::kDuplicateWindow, kSecond.ns);
  expect_approved(place(state, sell(1, 10, 109)));
  state.apply(Reserved{{2},
                       "A",
                       "S",
                       Side::kBuy,
                       OrderType::kLimit,
                       Price::whole(112),
                       Quantity::whole(40),
                       kStart});
  set_limit(state, LimitKind::kOrderQuantityMax, Quantity::whole(30).units);
  set_limit(state, LimitKind::kOrderNotionalMax, Notional::whole(3'000).units);
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(5'000).units);
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(50).units);
  set_limit(state, LimitKind::kMessagesMax, 1);
  RestrictedList list;
  list.symbols.push_back({"S", {}});
  state.apply(RestrictedLoaded{std::make_shared<RestrictedList>(list)});
  kill(state, KillScope::kFirm, "", KillMode::kFull);
  const RiskLimits with_limits = state.limits();
  RiskLimits without = with_limits;
  without.accounts.erase(without.accounts.begin());
  load(state, without);

  const RiskOrder order = buy(3, 40, 112);
  const auto expect = [&](Policy policy) {
    expect_fails_at(check(state, order, kStart), policy, reason_of(policy));
  };
  expect(Policy::kKillSwitch);
  kill(state, KillScope::kFirm, "", KillMode::kNone);
  expect(Policy::kAccountLimits);
  load(state, with_limits);
  expect(Policy::kRestrictedList);
  state.apply(RestrictedLoaded{std::make_shared<RestrictedList>()});
  expect(Policy::kOrderQuantity);
  set_limit(state, LimitKind::kOrderQuantityMax, Quantity::whole(1'000).units);
  expect(Policy::kOrderNotional);
  set_limit(state, LimitKind::kOrderNotionalMax, Notional::whole(100'000).units);
  expect(Policy::kPriceCollar);
  set_limit(state, LimitKind::kPriceCollar, 2'000);
  expect(Policy::kBuyingPower);
  set_limit(state, LimitKind::kBuyingPower, Notional::whole(100'000).units);
  expect(Policy::kPositionLimit);
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(1'000).units);
  expect(Policy::kDuplicateOrder);
  set_limit(state, LimitKind::kDuplicateWindow, 0);
  expect(Policy::kMessageRate);
  set_limit(state, LimitKind::kMessagesMax, 100);
  expect(Policy::kSelfTrade);
  state.apply(Released{{1}});
  expect_approved(check(state, order, kStart));
}

}  // namespace
}  // namespace holdfast::risk::test
