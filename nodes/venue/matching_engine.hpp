// The order books of the simulated exchange: price-time priority over limit and market orders, DAY,
// GTC, IOC and FOK. Pure: no clock, no I/O, no FIX; it knows orders by number and answers with
// executions. It deliberately knows nothing of sessions, ClOrdIDs or halts (order_desk.hpp does)
// and shares no code with actors/orders: it is the independent side of every check.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <vector>

#include "messages/fixed_point.hpp"

namespace holdfast::exchange {

enum class Side : uint8_t { kBuy, kSell };
enum class OrderType : uint8_t { kMarket, kLimit };
enum class TimeInForce : uint8_t { kDay, kGoodTillCancel, kImmediateOrCancel, kFillOrKill };
enum class OrderState : uint8_t { kOpen, kFilled, kCancelled, kExpired };

/// The exchange's number of an order: 1, 2, 3, … in order of acceptance. 0 is no order.
using OrderNumber = uint32_t;
/// Index of a symbol, given out by the caller.
using SymbolIndex = uint32_t;

/// One order with its place in its book. Quantities hold total = cumulative + leaves while it is
/// open; once it is closed leaves is 0.
struct Order {
  __int128 traded_notional = 0;  // sum of price × quantity of its executions, in 1e-16
  Price limit;                   // 0 for market orders
  Quantity total;
  Quantity cumulative;
  Quantity leaves;
  SymbolIndex symbol = 0;
  OrderNumber before = 0;  // neighbours in the price level's queue, 0 at its ends
  OrderNumber after = 0;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  OrderState state = OrderState::kOpen;

  bool open() const { return state == OrderState::kOpen; }
  /// Average execution price, rounded half up to 1e-8; 0 without executions.
  Price average_price() const;
};

/// One side of one trade: what happened to one order. A trade makes two, taker first, equal
/// `trade`.
struct Execution {
  OrderNumber order = 0;
  uint64_t trade = 0;
  Price price;
  Quantity quantity;
  Quantity cumulative;  // of the order, after this execution
  Quantity leaves;
  Price average_price;
};

/// What an order looks like to the engine when it comes in; quantity and (for limit orders) price >
/// 0.
struct Submission {
  SymbolIndex symbol = 0;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  Price limit;
  Quantity quantity;
};

/// All books of the exchange. One thread.
class MatchingEngine {
 public:
  /// Enters an order, matches it, appends its executions (each trade twice: taker, then maker), and
  /// lets the rest of a DAY or GTC limit order stand in the book. What an IOC or market order
  /// leaves, and a FOK that can't be filled whole, ends as kCancelled. Returns its number.
  OrderNumber submit(const Submission& submission, std::vector<Execution>& executions);

  /// Takes an open order out of its book and ends it as `end` (kCancelled or kExpired); false if it
  /// is not open.
  bool close(OrderNumber number, OrderState end);

  /// Changes an open order's limit and total. It keeps its place only when the total decreases (or
  /// stays) at the same price; else it matches anew and queues last. A total at or below what is
  /// already executed is amended to that quantity and the order is filled (FIX 4.4 appendix D).
  /// False if it is not open.
  bool replace(OrderNumber number, Price limit, Quantity total, std::vector<Execution>& executions);

  /// The order; `number` must be one that submit returned.
  const Order& order(OrderNumber number) const;
  uint32_t orders() const { return static_cast<uint32_t>(orders_.size()); }
  uint64_t trades() const { return trades_; }
  /// Best price of a side that has orders, or 0.
  Price best(SymbolIndex symbol, Side side) const;

 private:
  struct Level {
    OrderNumber first = 0;
    OrderNumber last = 0;
  };
  // Keyed so that the best price is begin() on both sides: bids by negative price.
  using Levels = std::map<int64_t, Level>;
  struct Book {
    Levels levels[2];
  };
  static int64_t key_of(Side side, Price limit);
  static Price price_of(Side side, int64_t key);
  Book& book(SymbolIndex symbol);
  Order& at(OrderNumber number);
  bool can_fill_whole(const Order& order);
  void match(OrderNumber taker, std::vector<Execution>& executions);
  void trade(OrderNumber taker, OrderNumber maker, Price price, std::vector<Execution>& executions);
  Execution book_execution(OrderNumber number, Price price, Quantity quantity);
  void enqueue(OrderNumber number);
  void dequeue(OrderNumber number);

  std::deque<Order> orders_;  // by number - 1; closed orders stay for status requests
  std::vector<Book> books_;
  uint64_t trades_ = 0;
};

}  // namespace holdfast::exchange
