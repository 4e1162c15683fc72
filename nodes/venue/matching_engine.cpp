#include "nodes/venue/matching_engine.hpp"

#include <algorithm>

namespace holdfast::exchange {

Price Order::average_price() const {
  if (cumulative.zero()) return {};
  const __int128 average =
      (traded_notional * 2 + cumulative.units) / (2 * static_cast<__int128>(cumulative.units));
  return Price::from_units(static_cast<int64_t>(average));
}

int64_t MatchingEngine::key_of(Side side, Price limit) {
  return side == Side::kBuy ? -limit.units : limit.units;
}

Price MatchingEngine::price_of(Side side, int64_t key) {
  return Price::from_units(side == Side::kBuy ? -key : key);
}

MatchingEngine::Book& MatchingEngine::book(SymbolIndex symbol) {
  if (symbol >= books_.size()) books_.resize(symbol + 1);
  return books_[symbol];
}

Order& MatchingEngine::at(OrderNumber number) {
  CHECK(number >= 1 && number <= orders_.size());
  return orders_[number - 1];
}

const Order& MatchingEngine::order(OrderNumber number) const {
  CHECK(number >= 1 && number <= orders_.size());
  return orders_[number - 1];
}

Price MatchingEngine::best(SymbolIndex symbol, Side side) const {
  if (symbol >= books_.size()) return {};
  const Levels& levels = books_[symbol].levels[static_cast<int>(side)];
  return levels.empty() ? Price{} : price_of(side, levels.begin()->first);
}

OrderNumber MatchingEngine::submit(const Submission& s, std::vector<Execution>& executions) {
  CHECK(s.quantity.positive());
  CHECK(s.type == OrderType::kMarket || s.limit.positive());
  Order order;
  order.limit = s.type == OrderType::kLimit ? s.limit : Price{};
  order.total = order.leaves = s.quantity;
  order.symbol = s.symbol;
  order.side = s.side;
  order.type = s.type;
  order.time_in_force = s.time_in_force;
  orders_.push_back(order);
  const OrderNumber number = orders();

  if (s.time_in_force == TimeInForce::kFillOrKill && !can_fill_whole(order)) {
    at(number).state = OrderState::kCancelled;
    at(number).leaves = {};
    return number;
  }
  match(number, executions);
  Order& entered = at(number);
  if (!entered.open()) return number;
  const bool may_stand =
      s.type == OrderType::kLimit &&
      (s.time_in_force == TimeInForce::kDay || s.time_in_force == TimeInForce::kGoodTillCancel);
  if (may_stand) {
    enqueue(number);
  } else {
    entered.state = OrderState::kCancelled;
    entered.leaves = {};
  }
  return number;
}

bool MatchingEngine::close(OrderNumber number, OrderState end) {
  CHECK(end == OrderState::kCancelled || end == OrderState::kExpired);
  Order& order = at(number);
  if (!order.open()) return false;
  dequeue(number);
  order.state = end;
  order.leaves = {};
  return true;
}

bool MatchingEngine::replace(OrderNumber number, Price limit, Quantity total,
                             std::vector<Execution>& executions) {
  CHECK(limit.positive() && total.positive());
  Order& order = at(number);
  if (!order.open()) return false;
  const bool keeps_place = limit == order.limit && total <= order.total;
  if (!keeps_place || total <= order.cumulative) dequeue(number);
  order.limit = limit;
  if (total <= order.cumulative) {
    order.total = order.cumulative;
    order.leaves = {};
    order.state = OrderState::kFilled;
    return true;
  }
  order.total = total;
  order.leaves = total - order.cumulative;
  if (keeps_place) return true;
  match(number, executions);
  if (at(number).open()) enqueue(number);
  return true;
}

bool MatchingEngine::can_fill_whole(const Order& order) {
  const Side other = order.side == Side::kBuy ? Side::kSell : Side::kBuy;
  int64_t missing = order.leaves.units;
  for (const auto& [key, level] : book(order.symbol).levels[static_cast<int>(other)]) {
    const Price price = price_of(other, key);
    if (order.type == OrderType::kLimit &&
        (order.side == Side::kBuy ? price > order.limit : price < order.limit))
      return false;
    for (OrderNumber n = level.first; n != 0; n = at(n).after) {
      if (at(n).leaves.units >= missing) return true;
      missing -= at(n).leaves.units;
    }
  }
  return false;
}

void MatchingEngine::match(OrderNumber taker, std::vector<Execution>& executions) {
  const Side side = at(taker).side;
  const Side other = side == Side::kBuy ? Side::kSell : Side::kBuy;
  Levels& levels = book(at(taker).symbol).levels[static_cast<int>(other)];
  while (at(taker).open() && !levels.empty()) {
    const auto level = levels.begin();
    const Price price = price_of(other, level->first);
    const Order& order = at(taker);
    if (order.type == OrderType::kLimit &&
        (side == Side::kBuy ? price > order.limit : price < order.limit))
      return;
    trade(taker, level->second.first, price, executions);
  }
}

void MatchingEngine::trade(OrderNumber taker, OrderNumber maker, Price price,
                           std::vector<Execution>& executions) {
  const Quantity quantity = std::min(at(taker).leaves, at(maker).leaves);
  ++trades_;
  if (quantity == at(maker).leaves) dequeue(maker);
  executions.push_back(book_execution(taker, price, quantity));
  executions.push_back(book_execution(maker, price, quantity));
}

Execution MatchingEngine::book_execution(OrderNumber number, Price price, Quantity quantity) {
  Order& order = at(number);
  order.cumulative = order.cumulative + quantity;
  order.leaves = order.leaves - quantity;
  order.traded_notional += static_cast<__int128>(price.units) * quantity.units;
  if (order.leaves.zero()) order.state = OrderState::kFilled;
  CHECK(order.cumulative + order.leaves == order.total);
  return {number, trades_, price, quantity, order.cumulative, order.leaves, order.average_price()};
}

void MatchingEngine::enqueue(OrderNumber number) {
  Order& order = at(number);
  Level& level =
      book(order.symbol).levels[static_cast<int>(order.side)][key_of(order.side, order.limit)];
  order.before = level.last;
  order.after = 0;
  if (level.last != 0)
    at(level.last).after = number;
  else
    level.first = number;
  level.last = number;
}

void MatchingEngine::dequeue(OrderNumber number) {
  Order& order = at(number);
  Levels& levels = book(order.symbol).levels[static_cast<int>(order.side)];
  const auto found = levels.find(key_of(order.side, order.limit));
  CHECK(found != levels.end());
  Level& level = found->second;
  (order.before != 0 ? at(order.before).after : level.first) = order.after;
  (order.after != 0 ? at(order.after).before : level.last) = order.before;
  order.before = order.after = 0;
  if (level.first == 0) levels.erase(found);
}

}  // namespace holdfast::exchange
