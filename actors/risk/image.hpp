// RiskState as rows in a fixed order: what snapshots hold and what two members compare. Only facts
// are here; sums, books and effective limits are computed again by restore(), so a snapshot can't
// contradict itself.
#pragma once

#include "actors/risk/state.hpp"

namespace holdfast::risk {

struct AccountImage {
  Account name;
  int64_t slot_ns = 0, head = 0;  // of its rate window
  std::array<uint32_t, RateWindow::kSlots> counts{};
  friend bool operator==(const AccountImage&, const AccountImage&) = default;
};

struct SymbolImage {
  Symbol name;
  Price last_trade, previous_close;
  WallTime last_trade_time, previous_close_time;
  friend bool operator==(const SymbolImage&, const SymbolImage&) = default;
};

struct PositionImage {
  Account account;
  Symbol symbol;
  int64_t position = 0;
  Wide cost = 0;
  bool broken = false;
  friend bool operator==(const PositionImage&, const PositionImage&) = default;
};

struct OpenOrderImage {
  OrderId order;
  Account account;
  Symbol symbol;
  OpenOrder state;  // `exposure` is not used: account and symbol name it
  friend bool operator==(const OpenOrderImage&, const OpenOrderImage&) = default;
};

struct RecentOrderImage {
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  Price price;
  Quantity quantity;
  WallTime time;
  friend bool operator==(const RecentOrderImage&, const RecentOrderImage&) = default;
};

struct RiskImage {
  RiskLimits limits;
  RestrictedList restricted;
  std::vector<KillRecord> kills;         // by scope and name
  std::vector<AccountImage> accounts;    // by name
  std::vector<SymbolImage> symbols;      // by name
  std::vector<PositionImage> positions;  // by account and symbol
  std::vector<OpenOrderImage> orders;    // by order
  std::vector<RecentOrderImage> recent;  // oldest first
  uint64_t untracked = 0, unknown_orders = 0, ill_formed = 0;
  friend bool operator==(const RiskImage&, const RiskImage&) = default;
};

RiskImage image_of(const RiskState& state);

/// The state of an image. kCorrupt says which row is out of its bounds, doubled or contradicts
/// another.
Result<RiskState> restore(const RiskImage& image);

}  // namespace holdfast::risk
