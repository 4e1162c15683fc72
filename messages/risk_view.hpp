// What operators ask an order shard about risk, and what they tell it: usage against limits, kills
// in force, new limits. Answers name the journal index that they show and are released only when it
// is committed. How the answer is made from risk's state is risk's own (actors/risk/view.hpp).
#pragma once

#include <memory>
#include <vector>

#include "messages/risk_limits.hpp"

namespace holdfast {

/// Accounts to show: one, or all when empty. Answer: ShardRiskView.
struct ShardRiskQuery {
  uint64_t ticket = 0;
  Account account;
};

/// One account in one symbol.
struct PositionView {
  Symbol symbol;
  Quantity position;  // negative is short
  Notional cost;      // of the position, at average price
  Quantity open_buy, open_sell;
  Notional open_buy_notional, open_sell_notional;
  bool broken = false;  // out of range: the account trades this symbol again after a correction
};

struct AccountRiskView {
  Account account;
  Label desk;
  bool configured = false;                    // has limits now
  std::array<int64_t, kLimitKinds> limits{};  // effective, indexed by LimitKind; 0 where none
  Notional buying_power_used;
  uint64_t messages_in_window = 0;
  KillMode kill = KillMode::kNone;      // the strictest that stops the account as a whole
  std::vector<PositionView> positions;  // by symbol
};

struct SymbolRiskView {
  Symbol symbol;
  bool restricted = false;
  Price last_trade, previous_close;  // zero: none
  WallTime last_trade_time, previous_close_time;
};

struct KillView {
  KillSwitch kill;
  WallTime since;
};

struct ShardRiskView {
  uint64_t ticket = 0;
  GroupId group;
  Index as_of;
  LimitsVersion limits_version;
  uint64_t restricted_version = 0;
  uint64_t open_orders = 0;
  uint64_t untracked = 0;  // not zero: every order is refused until positions are reconciled
  uint64_t unknown_orders = 0, ill_formed = 0;
  std::vector<AccountRiskView> accounts;  // by name
  std::vector<SymbolRiskView> symbols;    // by name
  std::vector<KillView> kills;
};

/// New limits or a new restricted list as a command; what is null stays. The shard gives them the
/// version after its own. Answer: ShardCommandDone.
struct LoadRisk {
  uint64_t ticket = 0;
  std::shared_ptr<const RiskLimits> limits;
  std::shared_ptr<const RestrictedList> restricted;
};

}  // namespace holdfast
