#include "messages/risk_limits.hpp"

#include <set>

namespace holdfast {

namespace {
constexpr int64_t kDay = 86'400'000'000'000;
constexpr LimitSpec kSpecs[kLimitKinds] = {
    {LimitKind::kOrderQuantityMax, "order_quantity_max", LimitUnit::kQuantity, 1, INT64_MAX, true},
    {LimitKind::kOrderNotionalMax, "order_notional_max", LimitUnit::kNotional, 1, INT64_MAX, true},
    {LimitKind::kPriceCollar, "price_collar", LimitUnit::kBasisPoints, 1, 1'000'000, true},
    {LimitKind::kPassiveCollar, "passive_collar", LimitUnit::kBasisPoints, 1, 100'000'000, false},
    {LimitKind::kLastTradeAgeMax, "last_trade_age_max", LimitUnit::kDuration, 1'000'000, 30 * kDay,
     true},
    {LimitKind::kPreviousCloseAgeMax, "previous_close_age_max", LimitUnit::kDuration, 1'000'000,
     30'000 * kDay, true},
    {LimitKind::kBuyingPower, "buying_power", LimitUnit::kNotional, 0, INT64_MAX, true},
    {LimitKind::kPositionMax, "position_max", LimitUnit::kQuantity, 0, INT64_MAX, true},
    {LimitKind::kDuplicateWindow, "duplicate_window", LimitUnit::kDuration, 0, 60'000'000'000,
     true},
    {LimitKind::kMessagesMax, "messages_max", LimitUnit::kCount, 1, 1'000'000'000, true},
    {LimitKind::kMessageWindow, "message_window", LimitUnit::kDuration, 1'000'000, kDay, true},
};
constexpr bool in_order() {
  for (std::size_t i = 0; i < kLimitKinds; ++i)
    if (static_cast<std::size_t>(kSpecs[i].kind) != i) return false;
  return true;
}
static_assert(in_order(), "the table is indexed by kind");

Result<> wrong(const std::string& where, const std::string& what) {
  return Error{ErrorCode::kInvalid, where + ": " + what};
}

Result<> validate_values(const std::string& where, const LimitSet& limits) {
  for (const LimitSpec& spec : kSpecs) {
    const auto value = limits.get(spec.kind);
    if (!value || (*value >= spec.min && *value <= spec.max)) continue;
    return wrong(where, std::string(spec.name) + " is " + format_limit(spec.unit, *value) +
                            ", allowed is " + format_limit(spec.unit, spec.min) + " to " +
                            format_limit(spec.unit, spec.max));
  }
  return success();
}

Result<> validate_complete(const std::string& where, const RiskLimits& limits,
                           const AccountLimits& account, const DeskLimits* desk) {
  for (const LimitSpec& spec : kSpecs) {
    if (!spec.required || account.limits.get(spec.kind) || limits.firm.get(spec.kind)) continue;
    if (desk && desk->limits.get(spec.kind)) continue;
    return wrong(where, std::string(spec.name) +
                            " is set neither for the account, nor for its desk, nor for the firm");
  }
  return success();
}
}  // namespace

std::span<const LimitSpec, kLimitKinds> limit_specs() { return kSpecs; }

const LimitSpec* find_limit(std::string_view name) {
  for (const LimitSpec& spec : kSpecs)
    if (spec.name == name) return &spec;
  return nullptr;
}

std::string format_limit(LimitUnit unit, int64_t value) {
  switch (unit) {
    case LimitUnit::kQuantity:
    case LimitUnit::kNotional:
      return fixed_point::format(value);
    case LimitUnit::kBasisPoints:
      return std::to_string(value) + " bps";
    case LimitUnit::kDuration:
      if (value % 1'000'000'000 == 0) return std::to_string(value / 1'000'000'000) + "s";
      if (value % 1'000'000 == 0) return std::to_string(value / 1'000'000) + "ms";
      return std::to_string(value) + "ns";
    case LimitUnit::kCount:
      return std::to_string(value);
  }
  return std::to_string(value);
}

Result<> validate(const RiskLimits& limits) {
  if (!limits.version) return wrong("limits", "version must be at least 1");
  if (limits.desks.size() > limits::kDesksMax)
    return wrong("limits", std::to_string(limits.desks.size()) + " desks, at most " +
                               std::to_string(limits::kDesksMax) + " are allowed");
  if (limits.accounts.size() > limits::kAccountsMax)
    return wrong("limits", std::to_string(limits.accounts.size()) + " accounts, at most " +
                               std::to_string(limits::kAccountsMax) + " are allowed");
  if (auto ok = validate_values("firm", limits.firm); !ok) return ok;
  std::set<Label> desks;
  for (const DeskLimits& desk : limits.desks) {
    const std::string where = "desk '" + desk.desk.str() + "'";
    if (desk.desk.empty()) return wrong("desk", "the name is empty");
    if (!desks.insert(desk.desk).second) return wrong(where, "is configured twice");
    if (auto ok = validate_values(where, desk.limits); !ok) return ok;
  }
  std::set<Account> accounts;
  for (const AccountLimits& account : limits.accounts) {
    const std::string where = "account '" + account.account.str() + "'";
    if (account.account.empty()) return wrong("account", "the name is empty");
    if (!accounts.insert(account.account).second) return wrong(where, "is configured twice");
    if (!account.desk.empty() && !desks.contains(account.desk))
      return wrong(where, "unknown desk '" + account.desk.str() + "'");
    if (auto ok = validate_values(where, account.limits); !ok) return ok;
    const DeskLimits* own = nullptr;
    for (const DeskLimits& desk : limits.desks)
      if (desk.desk == account.desk) own = &desk;
    if (auto ok = validate_complete(where, limits, account, own); !ok) return ok;
  }
  return success();
}

Result<> validate(const RestrictedList& list) {
  if (list.symbols.size() > limits::kSymbolsMax)
    return wrong("restricted list", std::to_string(list.symbols.size()) + " symbols, at most " +
                                        std::to_string(limits::kSymbolsMax) + " are allowed");
  std::set<Symbol> seen;
  for (const RestrictedSymbol& entry : list.symbols) {
    if (entry.symbol.empty()) return wrong("restricted list", "a symbol is empty");
    if (!seen.insert(entry.symbol).second)
      return wrong("restricted list", "'" + entry.symbol.str() + "' is listed twice");
  }
  return success();
}

}  // namespace holdfast
