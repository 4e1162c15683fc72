#include <algorithm>

#include "actors/risk/state.hpp"

namespace holdfast::risk {

namespace {
/// Where an order stands in the own book: a market order crosses every price.
int64_t level_price(const OpenOrder& order, Price price) {
  if (!order.market) return price.units;
  return order.side == Side::kBuy ? INT64_MAX : INT64_MIN;
}

auto find_level(std::vector<OwnBook::Level>& levels, Side side, int64_t price) {
  return std::lower_bound(levels.begin(), levels.end(), price,
                          [side](const OwnBook::Level& level, int64_t p) {
                            return side == Side::kBuy ? level.price < p : level.price > p;
                          });
}

void add_level(std::vector<OwnBook::Level>& levels, Side side, int64_t price) {
  const auto at = find_level(levels, side, price);
  if (at != levels.end() && at->price == price)
    at->orders += 1;
  else
    levels.insert(at, {price, 1});
}

void drop_level(std::vector<OwnBook::Level>& levels, Side side, int64_t price) {
  const auto at = find_level(levels, side, price);
  CHECK(at != levels.end() && at->price == price);
  if (--at->orders == 0) levels.erase(at);
}

}  // namespace

void OwnBook::enter(const OpenOrder& order) {
  auto& levels = order.side == Side::kBuy ? buys : sells;
  if (order.leaves.positive()) add_level(levels, order.side, level_price(order, order.price));
  if (order.pending && order.pending_leaves.positive())
    add_level(levels, order.side, level_price(order, order.pending_price));
}

void OwnBook::leave(const OpenOrder& order) {
  auto& levels = order.side == Side::kBuy ? buys : sells;
  if (order.leaves.positive()) drop_level(levels, order.side, level_price(order, order.price));
  if (order.pending && order.pending_leaves.positive())
    drop_level(levels, order.side, level_price(order, order.pending_price));
}

bool OwnBook::same_levels(const OpenOrder& a, const OpenOrder& b) {
  return a.leaves.positive() == b.leaves.positive() && a.price == b.price &&
         a.pending == b.pending && a.pending_leaves.positive() == b.pending_leaves.positive() &&
         a.pending_price == b.pending_price;
}

}  // namespace holdfast::risk
