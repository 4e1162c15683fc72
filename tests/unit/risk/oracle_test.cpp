// Random order flow against an oracle that keeps a plain list of orders and trades and computes
// every sum anew. Both must agree after each fact, whatever the order of fills, cancels, replaces,
// late and unknown reports.
#include <algorithm>
#include <map>
#include <random>

#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

/// The naive side: no incremental sums at all.
class Oracle {
 public:
  struct Order {
    std::string account, symbol;
    Side side = Side::kBuy;
    bool market = false, pending = false;
    int64_t price = 0, leaves = 0, pending_price = 0, pending_leaves = 0;
  };
  struct Trade {
    std::string account, symbol;
    Side side = Side::kBuy;
    int64_t quantity = 0, price = 0;
  };
  std::map<uint64_t, Order> orders;
  std::vector<Trade> trades;

  static __int128 notional(int64_t price, int64_t quantity) {
    const __int128 product = static_cast<__int128>(price) * quantity;
    return (product + kScale - 1) / kScale;
  }

  struct Sums {
    __int128 position = 0, cost = 0, buy_quantity = 0, buy_notional = 0, sell_quantity = 0,
             sell_notional = 0;
    __int128 used() const { return std::max(cost + buy_notional, sell_notional - cost); }
  };
  Sums sums(const std::string& account, const std::string& symbol) const {
    Sums sums;
    for (const auto& [id, o] : orders) {
      if (o.account != account || o.symbol != symbol) continue;
      const int64_t quantity = o.pending ? std::max(o.leaves, o.pending_leaves) : o.leaves;
      __int128 value = notional(o.price, o.leaves);
      if (o.pending) value = std::max(value, notional(o.pending_price, o.pending_leaves));
      (o.side == Side::kBuy ? sums.buy_quantity : sums.sell_quantity) += quantity;
      (o.side == Side::kBuy ? sums.buy_notional : sums.sell_notional) += value;
    }
    for (const Trade& t : trades) {
      if (t.account != account || t.symbol != symbol) continue;
      // One unit of 1e-8 step at a time would be the definition; lots of opening and closing are
      // the same with less patience.
      const int64_t sign = t.side == Side::kBuy ? 1 : -1;
      int64_t rest = t.quantity;
      if (sums.position * sign < 0) {
        const __int128 held = sums.position < 0 ? -sums.position : sums.position;
        const __int128 closing = std::min<__int128>(held, rest);
        const __int128 cost = sums.cost < 0 ? -sums.cost : sums.cost;
        const __int128 stays = cost - cost * closing / held;
        sums.cost = sums.cost < 0 ? -stays : stays;
        sums.position += sign * closing;
        rest -= static_cast<int64_t>(closing);
      }
      if (rest > 0) {
        sums.cost += sign * notional(t.price, rest);
        sums.position += sign * static_cast<__int128>(rest);
      }
    }
    return sums;
  }
  /// The best own price against which an order of `side` would trade, in accounts `group`.
  std::optional<int64_t> best(const std::vector<std::string>& group, const std::string& symbol,
                              Side side) const {
    std::optional<int64_t> best;
    const auto see = [&](int64_t price) {
      if (!best || (side == Side::kBuy ? price < *best : price > *best)) best = price;
    };
    for (const auto& [id, o] : orders) {
      if (o.symbol != symbol || o.side == side) continue;
      if (std::find(group.begin(), group.end(), o.account) == group.end()) continue;
      const int64_t crossing = o.side == Side::kBuy ? INT64_MAX : INT64_MIN;
      if (o.leaves > 0) see(o.market ? crossing : o.price);
      if (o.pending && o.pending_leaves > 0) see(o.market ? crossing : o.pending_price);
    }
    return best;
  }
  void settle(uint64_t id) {
    const auto at = orders.find(id);
    if (at != orders.end() && !at->second.pending && at->second.leaves <= 0) orders.erase(at);
  }
};

class RandomFlow {
 public:
  explicit RandomFlow(uint64_t seed) : random_(seed), state_(world()) {
    RiskLimits open = limits();
    for (LimitKind kind : {LimitKind::kOrderQuantityMax, LimitKind::kOrderNotionalMax,
                           LimitKind::kBuyingPower, LimitKind::kPositionMax})
      open.firm.set(kind, INT64_MAX);
    open.firm.set(LimitKind::kPriceCollar, 5'000);
    load(state_, open);
    for (const char* symbol : kSymbols)
      state_.apply(
          ReferencePriceSet{symbol, ReferenceSource::kPreviousClose, Price::whole(100), kStart});
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      compare();
      if (::testing::Test::HasFatalFailure()) return;
    }
    // A state that was written and read stands where the other one stands.
    auto copy = restore(image_of(state_));
    ASSERT_TRUE(copy.ok()) << copy.error().text;
    ASSERT_EQ(copy.value(), state_);
    state_ = std::move(copy).value();
    compare();
  }

  int approved = 0, refused = 0;

 private:
  static constexpr const char* kAccounts[] = {"A", "B", "C"};
  static constexpr const char* kSymbols[] = {"S", "T"};

  int64_t pick(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random_);
  }
  int64_t price_units() { return Price::whole(95).units + pick(0, 10) * 100'000'000 + pick(0, 3); }
  int64_t quantity_units() { return pick(1, 20) * kScale + pick(0, 2); }
  /// Mostly an open order, sometimes one that is done or never was.
  uint64_t some_order() {
    if (oracle_.orders.empty() || pick(0, 9) == 0) return static_cast<uint64_t>(pick(1, 10'000));
    auto at = oracle_.orders.begin();
    std::advance(at, pick(0, static_cast<int64_t>(oracle_.orders.size()) - 1));
    return at->first;
  }

  void step() {
    switch (pick(0, 9)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return place_new();
      case 4:
        return place_replace();
      case 5:
        return answer_replace();
      case 6:
      case 7:
        return fill_some();
      case 8:
        return release();
      default:
        return pick(0, 1) == 0 ? change_leaves() : bust();
    }
  }

  void place_new() {
    const uint64_t id = next_id_++;
    RiskOrder order;
    order.order = {id};
    order.account = Account(kAccounts[pick(0, 2)]);
    order.symbol = Symbol(kSymbols[pick(0, 1)]);
    order.side = pick(0, 1) ? Side::kBuy : Side::kSell;
    order.type = pick(0, 9) == 0 ? OrderType::kMarket : OrderType::kLimit;
    if (order.type == OrderType::kLimit) order.price = {price_units()};
    order.quantity = order.leaves = {quantity_units()};
    expect_self_trade_rule(order);
    const RiskDecision decision = place(state_, order);
    (decision.approved ? approved : refused) += 1;
    if (decision.approved)
      oracle_.orders[id] = {order.account.str(),
                            order.symbol.str(),
                            order.side,
                            order.type == OrderType::kMarket,
                            false,
                            decision.exposure_price.units,
                            order.leaves.units,
                            0,
                            0};
  }

  void expect_self_trade_rule(const RiskOrder& order) {
    const std::vector<std::string> group = order.account == Account("C")
                                               ? std::vector<std::string>{"C"}
                                               : std::vector<std::string>{"A", "B"};
    const auto best = oracle_.best(group, order.symbol.str(), order.side);
    const bool crosses =
        best &&
        (order.type == OrderType::kMarket ||
         (order.side == Side::kBuy ? order.price.units >= *best : order.price.units <= *best));
    ASSERT_EQ(check(state_, order, kStart).reason == Reason::kSelfTrade, crosses)
        << explain(check(state_, order, kStart)).view();
  }

  void place_replace() {
    const uint64_t id = some_order();
    RiskOrder order;
    order.kind = RiskOrderKind::kReplace;
    order.order = {id};
    const auto at = oracle_.orders.find(id);
    if (at != oracle_.orders.end()) {
      order.account = Account(at->second.account);
      order.symbol = Symbol(at->second.symbol);
      order.side = at->second.side;
    } else {
      order.account = "A";
      order.symbol = "S";
    }
    order.price = {price_units()};
    order.quantity = order.leaves = {quantity_units()};
    const RiskDecision decision = place(state_, order);
    if (!decision.approved) return;
    ASSERT_NE(at, oracle_.orders.end());
    ASSERT_FALSE(at->second.pending);
    at->second.pending = true;
    at->second.pending_price = order.price.units;
    at->second.pending_leaves = order.leaves.units;
  }

  void answer_replace() {
    const uint64_t id = some_order();
    const auto at = oracle_.orders.find(id);
    if (pick(0, 1) == 0) {
      state_.apply(ReplaceReleased{{id}});
    } else {
      const Price price{price_units()};
      const Quantity leaves{pick(0, 3) == 0 ? 0 : quantity_units()};
      state_.apply(ReplaceConfirmed{{id}, price, leaves});
      if (at != oracle_.orders.end()) {
        at->second.price = price.units;
        at->second.leaves = leaves.units;
      }
    }
    if (at != oracle_.orders.end()) {
      at->second.pending = false;
      at->second.pending_price = at->second.pending_leaves = 0;
    }
    oracle_.settle(id);
  }

  void fill_some() {
    const uint64_t id = some_order();
    const auto at = oracle_.orders.find(id);
    Filled filled;
    filled.order = {id};
    filled.account =
        at == oracle_.orders.end() ? Account(kAccounts[pick(0, 2)]) : Account(at->second.account);
    filled.symbol =
        at == oracle_.orders.end() ? Symbol(kSymbols[pick(0, 1)]) : Symbol(at->second.symbol);
    filled.side = at == oracle_.orders.end() ? Side::kSell : at->second.side;
    filled.quantity = {quantity_units()};  // often beyond what is left
    filled.price = {price_units()};
    filled.time = kStart;
    const int64_t left = at == oracle_.orders.end() ? 0 : at->second.leaves;
    filled.leaves = {std::max<int64_t>(0, left - filled.quantity.units)};
    state_.apply(filled);
    oracle_.trades.push_back({filled.account.str(), filled.symbol.str(), filled.side,
                              filled.quantity.units, filled.price.units});
    if (at == oracle_.orders.end()) return;
    at->second.leaves = filled.leaves.units;
    if (at->second.pending)
      at->second.pending_leaves =
          std::max<int64_t>(0, at->second.pending_leaves - filled.quantity.units);
    oracle_.settle(id);
  }

  void release() {
    const uint64_t id = some_order();
    state_.apply(Released{{id}});
    oracle_.orders.erase(id);
  }

  void change_leaves() {
    const uint64_t id = some_order();
    const Quantity leaves{pick(0, 4) == 0 ? 0 : quantity_units()};
    state_.apply(LeavesChanged{{id}, leaves});
    const auto at = oracle_.orders.find(id);
    if (at == oracle_.orders.end()) return;
    at->second.leaves = leaves.units;
    oracle_.settle(id);
  }

  void bust() {
    const Side side = pick(0, 1) ? Side::kBuy : Side::kSell;
    const Busted busted{Account(kAccounts[pick(0, 2)]), Symbol(kSymbols[pick(0, 1)]), side,
                        Quantity{quantity_units()}, Price{price_units()}};
    state_.apply(busted);
    oracle_.trades.push_back({busted.account.str(), busted.symbol.str(),
                              side == Side::kBuy ? Side::kSell : Side::kBuy, busted.quantity.units,
                              busted.price.units});
  }

  void compare() {
    ASSERT_EQ(state_.open_orders(), oracle_.orders.size());
    for (const char* account : kAccounts) {
      __int128 used = 0;
      const Row a = state_.find_account(account);
      for (const char* symbol : kSymbols) {
        const Oracle::Sums sums = oracle_.sums(account, symbol);
        used += sums.used();
        const Row row = state_.find_exposure(a, state_.find_symbol(symbol));
        const Exposure found = row == kNoRow ? Exposure{} : state_.exposure(row);
        ASSERT_TRUE(found.position == sums.position && found.cost == sums.cost);
        ASSERT_TRUE(found.open_buy_quantity == sums.buy_quantity &&
                    found.open_buy_notional == sums.buy_notional);
        ASSERT_TRUE(found.open_sell_quantity == sums.sell_quantity &&
                    found.open_sell_notional == sums.sell_notional);
      }
      ASSERT_TRUE(state_.account(a).used == used);
    }
  }

  std::mt19937_64 random_;
  RiskState state_;
  Oracle oracle_;
  uint64_t next_id_ = 1;
};

TEST(RiskOracle, RandomFlowAgreesWithNaiveRecomputation) {
  int approved = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomFlow flow(seed);
    flow.run(250);
    if (HasFatalFailure()) return;
    approved += flow.approved;
    refused += flow.refused;
  }
  // The flow must reach both sides, or it shows nothing.
  EXPECT_GT(approved, 500);
  EXPECT_GT(refused, 500);
}

}  // namespace
}  // namespace holdfast::risk::test
