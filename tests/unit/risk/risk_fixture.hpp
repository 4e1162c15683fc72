// A small world for risk's tests: one desk, three accounts with limits that are easy to reason
// about, one symbol with a reference price of 100.
#pragma once

#include <gtest/gtest.h>

#include "actors/risk/image.hpp"
#include "actors/risk/state.hpp"

namespace holdfast::risk::test {

inline constexpr WallTime kStart{1'700'000'000'000'000'000};
inline constexpr Duration kSecond = Duration::seconds(1);

inline LimitSet firm_limits() {
  LimitSet limits;
  limits.set(LimitKind::kOrderQuantityMax, Quantity::whole(1'000).units);
  limits.set(LimitKind::kOrderNotionalMax, Notional::whole(50'000).units);
  limits.set(LimitKind::kPriceCollar, 1'000);    // 10 %
  limits.set(LimitKind::kPassiveCollar, 5'000);  // 50 %
  limits.set(LimitKind::kLastTradeAgeMax, Duration::seconds(60).ns);
  limits.set(LimitKind::kPreviousCloseAgeMax, Duration::seconds(86'400).ns);
  limits.set(LimitKind::kBuyingPower, Notional::whole(200'000).units);
  limits.set(LimitKind::kPositionMax, Quantity::whole(1'500).units);
  limits.set(LimitKind::kDuplicateWindow, 0);
  limits.set(LimitKind::kMessagesMax, 1'000'000);
  limits.set(LimitKind::kMessageWindow, kSecond.ns);
  return limits;
}

/// A and B belong to desk D and one self-trade group; C stands alone.
inline RiskLimits limits() {
  RiskLimits limits;
  limits.version = {7};
  limits.firm = firm_limits();
  limits.desks.push_back({"D", {}});
  limits.accounts.push_back({"A", "D", "G", {}});
  limits.accounts.push_back({"B", "D", "G", {}});
  limits.accounts.push_back({"C", {}, {}, {}});
  return limits;
}

inline void load(RiskState& state, RiskLimits limits) {
  ASSERT_TRUE(validate(limits).ok()) << validate(limits).error().text;
  state.apply(LimitsLoaded{std::make_shared<RiskLimits>(std::move(limits))});
}

/// Changes one limit of the firm.
inline void set_limit(RiskState& state, LimitKind kind, int64_t value) {
  RiskLimits next = state.limits();
  next.version.value += 1;
  next.firm.set(kind, value);
  load(state, std::move(next));
}

inline RiskState world() {
  RiskState state;
  load(state, limits());
  state.apply(ReferencePriceSet{"S", ReferenceSource::kPreviousClose, Price::whole(100), kStart});
  return state;
}

inline RiskOrder order(uint64_t id, Side side, int64_t quantity, int64_t price,
                       const char* account = "A") {
  RiskOrder order;
  order.order = {id};
  order.account = account;
  order.symbol = "S";
  order.side = side;
  order.price = Price::whole(price);
  order.quantity = order.leaves = Quantity::whole(quantity);
  return order;
}
inline RiskOrder buy(uint64_t id, int64_t quantity, int64_t price = 100,
                     const char* account = "A") {
  return order(id, Side::kBuy, quantity, price, account);
}
inline RiskOrder sell(uint64_t id, int64_t quantity, int64_t price = 100,
                      const char* account = "A") {
  return order(id, Side::kSell, quantity, price, account);
}
inline RiskOrder market(RiskOrder order) {
  order.type = OrderType::kMarket;
  order.price = {};
  return order;
}
/// A replace of `original` to a new price and total quantity.
inline RiskOrder replace(RiskOrder original, int64_t quantity, int64_t price,
                         int64_t cumulative = 0) {
  original.kind = RiskOrderKind::kReplace;
  original.quantity = Quantity::whole(quantity);
  original.leaves = Quantity::whole(quantity - cumulative);
  original.price = Price::whole(price);
  return original;
}

/// Checks and applies what follows, as a shard does.
inline RiskDecision place(RiskState& state, const RiskOrder& order, WallTime now = kStart) {
  const RiskDecision decision = check(state, order, now);
  risk::apply(state, consequence(order, decision));
  return decision;
}

inline Filled fill(const RiskOrder& order, int64_t quantity, int64_t price, int64_t leaves,
                   WallTime time = kStart) {
  return {order.order,
          order.account,
          order.symbol,
          order.side,
          Quantity::whole(quantity),
          Price::whole(price),
          Quantity::whole(leaves),
          time};
}

inline void kill(RiskState& state, KillScope scope, const char* name, KillMode mode) {
  KillSwitch kill;
  kill.scope = scope;
  kill.name = name;
  kill.mode = mode;
  kill.operator_name = "op";
  kill.reason = "test";
  state.apply(KillSet{kill, kStart});
}

inline const Exposure& exposure_of(const RiskState& state, const char* account = "A") {
  const Row row = state.find_exposure(state.find_account(account), state.find_symbol("S"));
  CHECK(row != kNoRow);
  return state.exposure(row);
}

/// Every policy before `policy` did not fail, `policy` failed, none after it was looked at.
inline void expect_fails_at(const RiskDecision& decision, Policy policy, Reason reason) {
  EXPECT_FALSE(decision.approved);
  EXPECT_EQ(name_of(decision.reason), name_of(reason));
  for (std::size_t i = 0; i < kPolicies; ++i) {
    const PolicyResult result = decision.outcomes[i].result;
    const auto at = static_cast<std::size_t>(policy);
    if (i < at)
      EXPECT_NE(result, PolicyResult::kFail) << name_of(static_cast<Policy>(i));
    else
      EXPECT_EQ(result, i == at ? PolicyResult::kFail : PolicyResult::kSkipped)
          << name_of(static_cast<Policy>(i));
  }
}

inline void expect_approved(const RiskDecision& decision) {
  EXPECT_TRUE(decision.approved) << explain(decision).view();
  EXPECT_EQ(decision.reason, Reason::kNone);
  for (const PolicyOutcome& outcome : decision.outcomes)
    EXPECT_NE(outcome.result, PolicyResult::kFail);
}

}  // namespace holdfast::risk::test
