// Limits as configured: validation, comparison, succession; and the operator's view.
#include <functional>

#include "actors/risk/view.hpp"
#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

void expect_invalid(const std::function<void(RiskLimits&)>& spoil, const std::string& words) {
  RiskLimits candidate = limits();
  spoil(candidate);
  const auto result = validate(candidate);
  ASSERT_FALSE(result.ok()) << words;
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  EXPECT_EQ(result.error().text, words);
}

TEST(RiskLimits, EveryViolationIsNamed) {
  EXPECT_TRUE(validate(limits()).ok());
  expect_invalid([](RiskLimits& l) { l.version = {}; }, "limits: version must be at least 1");
  expect_invalid([](RiskLimits& l) { l.firm.set(LimitKind::kOrderQuantityMax, 0); },
                 "firm: order_quantity_max is 0, allowed is 0.00000001 to 92233720368.54775807");
  expect_invalid([](RiskLimits& l) { l.desks[0].limits.set(LimitKind::kPriceCollar, 0); },
                 "desk 'D': price_collar is 0 bps, allowed is 1 bps to 1000000 bps");
  expect_invalid([](RiskLimits& l) { l.accounts[1].limits.set(LimitKind::kBuyingPower, -1); },
                 "account 'B': buying_power is -0.00000001, allowed is 0 to 92233720368.54775807");
  expect_invalid([](RiskLimits& l) { l.desks.push_back(l.desks[0]); },
                 "desk 'D': is configured twice");
  expect_invalid([](RiskLimits& l) { l.desks[0].desk = {}; }, "desk: the name is empty");
  expect_invalid([](RiskLimits& l) { l.accounts.push_back(l.accounts[0]); },
                 "account 'A': is configured twice");
  expect_invalid([](RiskLimits& l) { l.accounts[0].account = {}; }, "account: the name is empty");
  expect_invalid([](RiskLimits& l) { l.accounts[0].desk = "E"; }, "account 'A': unknown desk 'E'");
  expect_invalid([](RiskLimits& l) { l.accounts.resize(limits::kAccountsMax + 1); },
                 "limits: 4097 accounts, at most 4096 are allowed");
  expect_invalid([](RiskLimits& l) { l.desks.resize(limits::kDesksMax + 1); },
                 "limits: 1025 desks, at most 1024 are allowed");
}

TEST(RiskLimits, EveryRequiredLimitMustBeSetSomewhere) {
  for (const LimitSpec& missing : limit_specs()) {
    RiskLimits candidate = limits();
    candidate.firm = {};
    for (const LimitSpec& spec : limit_specs())
      if (spec.kind != missing.kind) candidate.firm.set(spec.kind, *firm_limits().get(spec.kind));
    EXPECT_EQ(validate(candidate).ok(), !missing.required) << missing.name;
    candidate.desks[0].limits.set(missing.kind, *firm_limits().get(missing.kind));
    candidate.accounts[2].limits.set(missing.kind, *firm_limits().get(missing.kind));
    EXPECT_TRUE(validate(candidate).ok()) << missing.name;
  }
}

TEST(RiskLimits, NamesAreFound) {
  for (const LimitSpec& spec : limit_specs()) EXPECT_EQ(find_limit(spec.name), &spec);
  EXPECT_EQ(find_limit("order_quantity"), nullptr);
}

TEST(RestrictedList, ViolationsAreNamed) {
  RestrictedList list;
  list.symbols.push_back({"S", {}});
  EXPECT_TRUE(validate(list).ok());
  list.symbols.push_back({"S", {}});
  EXPECT_EQ(validate(list).error().text, "restricted list: 'S' is listed twice");
  list.symbols[1].symbol = {};
  EXPECT_EQ(validate(list).error().text, "restricted list: a symbol is empty");
  list.symbols.resize(limits::kSymbolsMax + 1);
  EXPECT_FALSE(validate(list).ok());
}

TEST(LimitsDiff, SameLimitsInAnotherOrderAreNoChange) {
  RiskLimits other = limits();
  other.version = {99};
  std::swap(other.accounts[0], other.accounts[2]);
  EXPECT_TRUE(diff(limits(), other).empty());
}

TEST(LimitsDiff, NamesWhatChanges) {
  RiskLimits next = limits();
  next.firm.set(LimitKind::kPriceCollar, 500);
  next.desks.push_back({"E", {}});
  next.accounts[0].desk = "E";
  next.accounts[0].limits.set(LimitKind::kDuplicateWindow, Duration::milliseconds(250).ns);
  next.accounts[1].self_trade_group = {};
  next.accounts.pop_back();
  const std::vector<LimitChange> expected = {
      {"firm", "price_collar", "1000 bps", "500 bps"},
      {"desk 'E'", "", "", "configured"},
      {"account 'A'", "desk", "D", "E"},
      {"account 'A'", "duplicate_window", "", "250ms"},
      {"account 'B'", "self_trade_group", "G", ""},
      {"account 'C'", "", "configured", ""},
  };
  EXPECT_EQ(diff(limits(), next), expected);
}

TEST(LimitsDiff, RestrictedListsToo) {
  RestrictedList before, after;
  before.symbols = {{"A", "old"}, {"B", {}}};
  after.symbols = {{"C", {}}, {"A", "new"}};
  const std::vector<LimitChange> expected = {
      {"symbol 'A'", "restricted", "restricted: old", "restricted: new"},
      {"symbol 'B'", "restricted", "restricted", ""},
      {"symbol 'C'", "restricted", "", "restricted"},
  };
  EXPECT_EQ(diff(before, after), expected);
}

TEST(LimitsSuccessor, TakesTheNextVersion) {
  RiskLimits next = limits();
  next.version = {1};
  next.firm.set(LimitKind::kPriceCollar, 500);
  const auto result = successor(limits(), next);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result.value().version, LimitsVersion{8});
  EXPECT_EQ(successor(limits(), limits()).error().code, ErrorCode::kConflict);
  next.firm.set(LimitKind::kPriceCollar, 0);
  EXPECT_EQ(successor(limits(), next).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(successor(RiskLimits{}, limits()).value().version, LimitsVersion{1});

  RestrictedList list;
  list.symbols.push_back({"S", {}});
  const auto first = successor(RestrictedList{}, list);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first.value().version, 1u);
  EXPECT_EQ(successor(first.value(), list).error().code, ErrorCode::kConflict);
}

TEST(RiskView, ShowsUsageKillsAndPrices) {
  RiskState state = world();
  ASSERT_TRUE(place(state, buy(1, 10)).approved);
  state.apply(fill(buy(1, 10), 4, 100, 6));
  ASSERT_TRUE(place(state, sell(2, 5, 101, "C")).approved);
  kill(state, KillScope::kDesk, "D", KillMode::kReduceOnly);
  const ShardRiskView all = view(state, {.ticket = 5, .account = {}}, kStart);
  EXPECT_EQ(all.ticket, 5u);
  EXPECT_EQ(all.limits_version, LimitsVersion{7});
  EXPECT_EQ(all.open_orders, 2u);
  ASSERT_EQ(all.accounts.size(), 3u);
  const AccountRiskView& a = all.accounts[0];
  EXPECT_EQ(a.account, Account("A"));
  EXPECT_EQ(a.kill, KillMode::kReduceOnly);
  EXPECT_EQ(a.buying_power_used, Notional::whole(1'000));
  EXPECT_EQ(a.messages_in_window, 1u);
  ASSERT_EQ(a.positions.size(), 1u);
  EXPECT_EQ(a.positions[0].position, Quantity::whole(4));
  EXPECT_EQ(a.positions[0].open_buy, Quantity::whole(6));
  EXPECT_EQ(a.positions[0].open_buy_notional, Notional::whole(600));
  EXPECT_EQ(all.accounts[2].kill, KillMode::kNone);
  ASSERT_EQ(all.symbols.size(), 1u);
  EXPECT_EQ(all.symbols[0].last_trade, Price::whole(100));
  ASSERT_EQ(all.kills.size(), 1u);
  EXPECT_EQ(all.kills[0].kill.name.view(), "D");
  const ShardRiskView one = view(state, {.ticket = 6, .account = "C"}, kStart);
  ASSERT_EQ(one.accounts.size(), 1u);
  EXPECT_EQ(one.accounts[0].positions[0].open_sell, Quantity::whole(5));
}

}  // namespace
}  // namespace holdfast::risk::test
