// Risk limits and the restricted list as they are configured, loaded and shown. A limit is a kind
// with one integer in the kind's unit; an account inherits what it leaves unset from its desk, and
// the desk from the firm. The table of kinds drives reading, checking, comparing and encoding, so a
// new limit is one row. Holds no usage: that is risk's own state.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "messages/venue_exchange.hpp"

namespace holdfast {

/// Every limit there is. The numbers are part of the journal's format: append only.
enum class LimitKind : uint8_t {
  kOrderQuantityMax,     // of one order
  kOrderNotionalMax,     // of one order, price × quantity
  kPriceCollar,          // how far through the reference price an order may reach
  kPassiveCollar,        // how far away from it on the passive side; unset: as kPriceCollar
  kLastTradeAgeMax,      // an older last trade is no reference
  kPreviousCloseAgeMax,  // an older previous close is no reference either
  kBuyingPower,          // of an account, over all symbols: positions at cost and open orders
  kPositionMax,      // of an account in one symbol, long or short, open orders counted as filled
  kDuplicateWindow,  // the same order within it is a duplicate; 0 switches the check off
  kMessagesMax,      // messages of an account within kMessageWindow
  kMessageWindow,
};
inline constexpr std::size_t kLimitKinds = 11;

enum class LimitUnit : uint8_t {
  kQuantity,     // 1e-8
  kNotional,     // 1e-8
  kBasisPoints,  // 1 = 0.01 %
  kDuration,     // ns
  kCount,
};

/// One row of the table: what configuration calls the kind, its unit and its range (inclusive).
struct LimitSpec {
  LimitKind kind;
  std::string_view name;
  LimitUnit unit;
  int64_t min, max;
  bool required;  // must be set at some level for every account
};
/// All rows, indexed by kind.
std::span<const LimitSpec, kLimitKinds> limit_specs();
inline const LimitSpec& spec_of(LimitKind kind) {
  return limit_specs()[static_cast<std::size_t>(kind)];
}
/// The row with that name, if there is one.
const LimitSpec* find_limit(std::string_view name);
/// A value in the words of its unit: "1000", "2500 bps", "500ms".
std::string format_limit(LimitUnit unit, int64_t value);

/// Limits of one level, each set or not.
class LimitSet {
 public:
  std::optional<int64_t> get(LimitKind kind) const {
    if (!(present_ >> index(kind) & 1)) return std::nullopt;
    return values_[index(kind)];
  }
  void set(LimitKind kind, int64_t value) {
    values_[index(kind)] = value;
    present_ |= 1u << index(kind);
  }
  bool empty() const { return present_ == 0; }
  friend bool operator==(const LimitSet&, const LimitSet&) = default;

 private:
  static std::size_t index(LimitKind kind) { return static_cast<std::size_t>(kind); }
  std::array<int64_t, kLimitKinds> values_{};
  uint32_t present_ = 0;
};

struct DeskLimits {
  Label desk;
  LimitSet limits;
  friend bool operator==(const DeskLimits&, const DeskLimits&) = default;
};

/// `self_trade_group`: accounts of one group never trade with each other; empty: the account alone.
struct AccountLimits {
  Account account;
  Label desk;  // empty: none, the firm's defaults apply
  Label self_trade_group;
  LimitSet limits;
  friend bool operator==(const AccountLimits&, const AccountLimits&) = default;
};

/// One version of all limits. Versions only grow; every decision names the one it used.
struct RiskLimits {
  LimitsVersion version;
  LimitSet firm;
  std::vector<DeskLimits> desks;
  std::vector<AccountLimits> accounts;
  friend bool operator==(const RiskLimits&, const RiskLimits&) = default;
};

struct RestrictedSymbol {
  Symbol symbol;
  ReasonText note;  // for people
  friend bool operator==(const RestrictedSymbol&, const RestrictedSymbol&) = default;
};
/// Symbols in which nothing may be bought or sold anew.
struct RestrictedList {
  uint64_t version = 0;  // only grows
  std::vector<RestrictedSymbol> symbols;
  friend bool operator==(const RestrictedList&, const RestrictedList&) = default;
};

/// Checks ranges and relations; the first violation comes back as kInvalid, in words that name the
/// level and the limit.
Result<> validate(const RiskLimits& limits);
Result<> validate(const RestrictedList& list);

}  // namespace holdfast
