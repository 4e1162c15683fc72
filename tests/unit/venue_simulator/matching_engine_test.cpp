// The matching engine: each rule by an example, and all of them against a naive book that scans a
// list.
#include "nodes/venue/matching_engine.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>

namespace holdfast::exchange {
namespace {

Submission limit_order(Side side, int64_t price, int64_t quantity,
                       TimeInForce force = TimeInForce::kDay) {
  Submission s;
  s.side = side;
  s.limit = Price::whole(price);
  s.quantity = Quantity::whole(quantity);
  s.time_in_force = force;
  return s;
}

Submission market_order(Side side, int64_t quantity, TimeInForce force = TimeInForce::kDay) {
  Submission s = limit_order(side, 0, quantity, force);
  s.type = OrderType::kMarket;
  return s;
}

struct EngineTest : testing::Test {
  OrderNumber submit(const Submission& s) {
    executions.clear();
    return engine.submit(s, executions);
  }
  bool replace(OrderNumber number, int64_t price, int64_t quantity) {
    executions.clear();
    return engine.replace(number, Price::whole(price), Quantity::whole(quantity), executions);
  }
  // Who traded against the taker, in order.
  std::vector<OrderNumber> makers() const {
    std::vector<OrderNumber> found;
    for (std::size_t i = 1; i < executions.size(); i += 2) found.push_back(executions[i].order);
    return found;
  }
  MatchingEngine engine;
  std::vector<Execution> executions;
};
using MatchingEngineRules = EngineTest;

TEST_F(MatchingEngineRules, BetterPriceTradesFirstThenEarlierOrder) {
  const OrderNumber first = submit(limit_order(Side::kSell, 100, 10));
  const OrderNumber second = submit(limit_order(Side::kSell, 100, 10));
  const OrderNumber best = submit(limit_order(Side::kSell, 99, 10));
  submit(limit_order(Side::kBuy, 100, 30));
  EXPECT_EQ(makers(), (std::vector<OrderNumber>{best, first, second}));
  EXPECT_EQ(executions[0].price, Price::whole(99)) << "the maker's price";
  EXPECT_EQ(executions[2].price, Price::whole(100));
}

TEST_F(MatchingEngineRules, LimitIsNeverTradedThrough) {
  submit(limit_order(Side::kSell, 101, 10));
  const OrderNumber buy = submit(limit_order(Side::kBuy, 100, 10));
  EXPECT_TRUE(executions.empty());
  EXPECT_TRUE(engine.order(buy).open());
  EXPECT_EQ(engine.best(0, Side::kBuy), Price::whole(100));
  EXPECT_EQ(engine.best(0, Side::kSell), Price::whole(101));
}

TEST_F(MatchingEngineRules, PartialFillLeavesTheRestInTheBook) {
  const OrderNumber sell = submit(limit_order(Side::kSell, 100, 10));
  const OrderNumber buy = submit(limit_order(Side::kBuy, 100, 4));
  ASSERT_EQ(executions.size(), 2u);
  EXPECT_EQ(executions[0].order, buy);
  EXPECT_EQ(executions[0].trade, executions[1].trade);
  EXPECT_EQ(executions[1].cumulative, Quantity::whole(4));
  EXPECT_EQ(executions[1].leaves, Quantity::whole(6));
  EXPECT_EQ(engine.order(buy).state, OrderState::kFilled);
  EXPECT_EQ(engine.order(sell).state, OrderState::kOpen);
}

TEST_F(MatchingEngineRules, AveragePriceWeighsByQuantity) {
  submit(limit_order(Side::kSell, 100, 10));
  submit(limit_order(Side::kSell, 103, 20));
  const OrderNumber buy = submit(limit_order(Side::kBuy, 103, 30));
  EXPECT_EQ(engine.order(buy).average_price(), Price::whole(102));
  EXPECT_EQ(executions[0].average_price, Price::whole(100)) << "as of that execution";
}

TEST_F(MatchingEngineRules, MarketOrderTakesAnyPriceAndNeverStands) {
  submit(limit_order(Side::kSell, 100, 5));
  submit(limit_order(Side::kSell, 900, 5));
  const OrderNumber buy = submit(market_order(Side::kBuy, 30));
  EXPECT_EQ(makers().size(), 2u);
  EXPECT_EQ(engine.order(buy).state, OrderState::kCancelled);
  EXPECT_EQ(engine.order(buy).cumulative, Quantity::whole(10));
  EXPECT_TRUE(engine.order(buy).leaves.zero());
  EXPECT_TRUE(engine.best(0, Side::kBuy).zero());
}

TEST_F(MatchingEngineRules, ImmediateOrCancelTradesWhatItCanAndEnds) {
  submit(limit_order(Side::kSell, 100, 5));
  const OrderNumber buy = submit(limit_order(Side::kBuy, 100, 8, TimeInForce::kImmediateOrCancel));
  EXPECT_EQ(engine.order(buy).cumulative, Quantity::whole(5));
  EXPECT_EQ(engine.order(buy).state, OrderState::kCancelled);
}

TEST_F(MatchingEngineRules, FillOrKillTradesWholeOrNothing) {
  const OrderNumber near = submit(limit_order(Side::kSell, 100, 5));
  submit(limit_order(Side::kSell, 102, 5));
  const OrderNumber killed = submit(limit_order(Side::kBuy, 101, 6, TimeInForce::kFillOrKill));
  EXPECT_TRUE(executions.empty()) << "5 at 100 are not 6 up to 101";
  EXPECT_EQ(engine.order(killed).state, OrderState::kCancelled);
  EXPECT_EQ(engine.order(near).leaves, Quantity::whole(5));
  const OrderNumber filled = submit(limit_order(Side::kBuy, 102, 10, TimeInForce::kFillOrKill));
  EXPECT_EQ(engine.order(filled).state, OrderState::kFilled);
  const OrderNumber market = submit(market_order(Side::kBuy, 1, TimeInForce::kFillOrKill));
  EXPECT_EQ(engine.order(market).state, OrderState::kCancelled) << "the book is empty";
}

TEST_F(MatchingEngineRules, BooksOfSymbolsDoNotMix) {
  Submission other = limit_order(Side::kSell, 100, 5);
  other.symbol = 7;
  submit(other);
  submit(limit_order(Side::kBuy, 100, 5));
  EXPECT_TRUE(executions.empty());
}

TEST_F(MatchingEngineRules, ClosedOrderLeavesTheBookOnce) {
  const OrderNumber sell = submit(limit_order(Side::kSell, 100, 5));
  EXPECT_TRUE(engine.close(sell, OrderState::kCancelled));
  EXPECT_FALSE(engine.close(sell, OrderState::kExpired)) << "it is closed";
  EXPECT_EQ(engine.order(sell).state, OrderState::kCancelled);
  submit(limit_order(Side::kBuy, 100, 5));
  EXPECT_TRUE(executions.empty());
}

TEST_F(MatchingEngineRules, ReplaceKeepsItsPlaceOnlyWhenItShrinksAtItsPrice) {
  const OrderNumber a = submit(limit_order(Side::kSell, 100, 10));
  const OrderNumber b = submit(limit_order(Side::kSell, 100, 10));
  EXPECT_TRUE(replace(a, 100, 6));
  submit(limit_order(Side::kBuy, 100, 1));
  EXPECT_EQ(makers(), (std::vector<OrderNumber>{a}));
  EXPECT_TRUE(replace(a, 100, 8));
  submit(limit_order(Side::kBuy, 100, 1));
  EXPECT_EQ(makers(), (std::vector<OrderNumber>{b})) << "growing costs the place";
  EXPECT_TRUE(replace(b, 101, 10));
  EXPECT_TRUE(replace(b, 100, 10));
  submit(limit_order(Side::kBuy, 100, 1));
  EXPECT_EQ(makers(), (std::vector<OrderNumber>{a})) << "another price costs the place";
}

TEST_F(MatchingEngineRules, ReplaceIntoTheOtherSideTrades) {
  const OrderNumber sell = submit(limit_order(Side::kSell, 100, 10));
  const OrderNumber buy = submit(limit_order(Side::kBuy, 90, 4));
  EXPECT_TRUE(replace(buy, 100, 5));
  EXPECT_EQ(makers(), (std::vector<OrderNumber>{sell}));
  EXPECT_EQ(engine.order(buy).state, OrderState::kFilled);
  EXPECT_EQ(engine.order(buy).cumulative, Quantity::whole(5));
}

TEST_F(MatchingEngineRules, ReplaceToWhatIsExecutedFillsTheOrder) {
  for (const int64_t total : {4, 3}) {
    const OrderNumber sell = submit(limit_order(Side::kSell, 100, 10));
    submit(limit_order(Side::kBuy, 100, 4));
    EXPECT_TRUE(replace(sell, 100, total));
    EXPECT_EQ(engine.order(sell).state, OrderState::kFilled);
    EXPECT_EQ(engine.order(sell).total, Quantity::whole(4));
    EXPECT_TRUE(engine.best(0, Side::kSell).zero());
    EXPECT_FALSE(replace(sell, 100, 20)) << "it is closed";
  }
}

// ---- against an oracle

// A book as its definition reads: a list in order of arrival, scanned for the best counterpart.
class NaiveBook {
 public:
  struct Entry {
    Submission order;
    int64_t arrived;
    Quantity cumulative;
    OrderState state = OrderState::kOpen;
    Quantity leaves() const {
      return state == OrderState::kOpen ? order.quantity - cumulative : Quantity{};
    }
  };
  struct Trade {
    OrderNumber taker, maker;
    Price price;
    Quantity quantity;
    friend bool operator==(const Trade&, const Trade&) = default;
  };

  std::vector<Trade> submit(const Submission& s) {
    entries.push_back({s, ++clock_, {}});
    const auto number = static_cast<OrderNumber>(entries.size());
    if (s.time_in_force == TimeInForce::kFillOrKill && reachable(number) < s.quantity) {
      entries.back().state = OrderState::kCancelled;
      return {};
    }
    auto trades = match(number);
    Entry& e = entries[number - 1];
    const bool stands =
        s.type == OrderType::kLimit &&
        (s.time_in_force == TimeInForce::kDay || s.time_in_force == TimeInForce::kGoodTillCancel);
    if (e.state == OrderState::kOpen && !stands) e.state = OrderState::kCancelled;
    return trades;
  }
  std::vector<Trade> replace(OrderNumber number, Price limit, Quantity total) {
    Entry& e = entries[number - 1];
    if (limit != e.order.limit || total > e.order.quantity) e.arrived = ++clock_;
    e.order.limit = limit;
    e.order.quantity = std::max(total, e.cumulative);
    if (e.order.quantity == e.cumulative) {
      e.state = OrderState::kFilled;
      return {};
    }
    return match(number);
  }
  std::vector<Entry> entries;

 private:
  std::optional<std::size_t> best_maker(OrderNumber taker) const {
    const Submission& t = entries[taker - 1].order;
    std::optional<std::size_t> best;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Entry& e = entries[i];
      const Submission& m = e.order;
      if (i == taker - 1 || e.state != OrderState::kOpen || m.side == t.side ||
          m.symbol != t.symbol)
        continue;
      if (t.type == OrderType::kLimit &&
          (t.side == Side::kBuy ? m.limit > t.limit : m.limit < t.limit))
        continue;
      if (!best) {
        best = i;
        continue;
      }
      const Entry& b = entries[*best];
      const bool better = t.side == Side::kBuy ? m.limit < b.order.limit : m.limit > b.order.limit;
      if (better || (m.limit == b.order.limit && e.arrived < b.arrived)) best = i;
    }
    return best;
  }
  Quantity reachable(OrderNumber taker) const {
    const Submission& t = entries[taker - 1].order;
    Quantity sum;
    for (std::size_t i = 0; i + 1 < entries.size(); ++i) {
      const Entry& e = entries[i];
      if (e.state != OrderState::kOpen || e.order.side == t.side || e.order.symbol != t.symbol)
        continue;
      const bool crosses =
          t.type == OrderType::kMarket ||
          (t.side == Side::kBuy ? e.order.limit <= t.limit : e.order.limit >= t.limit);
      if (crosses) sum = sum + e.leaves();
    }
    return sum;
  }
  std::vector<Trade> match(OrderNumber taker) {
    std::vector<Trade> trades;
    while (entries[taker - 1].state == OrderState::kOpen) {
      const auto found = best_maker(taker);
      if (!found) break;
      Entry& t = entries[taker - 1];
      Entry& m = entries[*found];
      const Quantity quantity = std::min(t.leaves(), m.leaves());
      trades.push_back({taker, static_cast<OrderNumber>(*found + 1), m.order.limit, quantity});
      for (Entry* e : {&t, &m}) {
        e->cumulative = e->cumulative + quantity;
        if (e->cumulative == e->order.quantity) e->state = OrderState::kFilled;
      }
    }
    return trades;
  }
  int64_t clock_ = 0;
};

std::vector<NaiveBook::Trade> trades_of(const std::vector<Execution>& executions) {
  std::vector<NaiveBook::Trade> trades;
  for (std::size_t i = 0; i + 1 < executions.size(); i += 2)
    trades.push_back({executions[i].order, executions[i + 1].order, executions[i].price,
                      executions[i].quantity});
  return trades;
}

struct Sequence : testing::TestWithParam<uint32_t> {};

TEST_P(Sequence, BehavesAsTheNaiveBook) {
  std::mt19937 random(GetParam());
  const auto pick = [&random](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  MatchingEngine engine;
  NaiveBook naive;
  std::vector<Execution> executions;
  std::size_t traded = 0;
  for (int step = 0; step < 400; ++step) {
    executions.clear();
    const int action = pick(0, 9);
    const auto number = engine.orders() == 0
                            ? OrderNumber{0}
                            : static_cast<OrderNumber>(pick(1, static_cast<int>(engine.orders())));
    if (action <= 5 || number == 0) {
      Submission s =
          limit_order(pick(0, 1) == 0 ? Side::kBuy : Side::kSell, pick(95, 105), pick(1, 9));
      s.symbol = static_cast<SymbolIndex>(pick(0, 1));
      const int kind = pick(0, 9);
      if (kind == 0) s.type = OrderType::kMarket;
      if (kind == 1) s.time_in_force = TimeInForce::kImmediateOrCancel;
      if (kind == 2) s.time_in_force = TimeInForce::kFillOrKill;
      if (kind == 3) s.time_in_force = TimeInForce::kGoodTillCancel;
      engine.submit(s, executions);
      ASSERT_EQ(trades_of(executions), naive.submit(s)) << "step " << step;
    } else if (action <= 7) {
      const bool open = naive.entries[number - 1].state == OrderState::kOpen;
      ASSERT_EQ(engine.close(number, OrderState::kCancelled), open) << "step " << step;
      if (open) naive.entries[number - 1].state = OrderState::kCancelled;
    } else {
      const Price limit = Price::whole(pick(95, 105));
      const Quantity total = Quantity::whole(pick(1, 9));
      const bool open = naive.entries[number - 1].state == OrderState::kOpen;
      ASSERT_EQ(engine.replace(number, limit, total, executions), open) << "step " << step;
      if (open) {
        ASSERT_EQ(trades_of(executions), naive.replace(number, limit, total)) << "step " << step;
      }
    }
    traded += executions.size() / 2;
    for (OrderNumber n = 1; n <= engine.orders(); ++n) {
      const NaiveBook::Entry& expected = naive.entries[n - 1];
      ASSERT_EQ(engine.order(n).state, expected.state) << "step " << step << " order " << n;
      ASSERT_EQ(engine.order(n).cumulative, expected.cumulative)
          << "step " << step << " order " << n;
      ASSERT_EQ(engine.order(n).leaves, expected.leaves()) << "step " << step << " order " << n;
    }
  }
  EXPECT_GT(traded, 50u) << "the sequence should trade";
  EXPECT_EQ(engine.trades(), traded);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Sequence, testing::Range(1u, 41u));

}  // namespace
}  // namespace holdfast::exchange
