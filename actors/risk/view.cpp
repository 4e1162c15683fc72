#include "actors/risk/view.hpp"

#include <algorithm>
#include <map>

namespace holdfast::risk {

namespace {
PositionView view_of(const RiskState& state, const Exposure& exposure) {
  return {.symbol = state.symbol(exposure.symbol).name,
          .position = {exposure.position},
          .cost = {narrow(exposure.cost)},
          .open_buy = {narrow(exposure.open_buy_quantity)},
          .open_sell = {narrow(exposure.open_sell_quantity)},
          .open_buy_notional = {narrow(exposure.open_buy_notional)},
          .open_sell_notional = {narrow(exposure.open_sell_notional)},
          .broken = exposure.broken};
}

AccountRiskView view_of(const RiskState& state, const AccountRecord& record, WallTime now) {
  return {.account = record.name,
          .desk = record.desk,
          .configured = record.configured,
          .limits = record.limits,
          .buying_power_used = {narrow(record.used)},
          .messages_in_window = record.rate.total(now),
          .kill = state.kill_mode(&record, {}, {}),
          .positions = {}};
}
}  // namespace

ShardRiskView view(const RiskState& state, const ShardRiskQuery& query, WallTime now) {
  ShardRiskView view;
  view.ticket = query.ticket;
  view.limits_version = state.limits_version();
  view.restricted_version = state.restricted().version;
  view.open_orders = state.open_orders();
  view.untracked = state.untracked();
  view.unknown_orders = state.unknown_orders();
  view.ill_formed = state.ill_formed();
  std::map<Row, AccountRiskView> accounts;
  for (Row row = 0; row < state.accounts().size(); ++row)
    if (query.account.empty() || state.account(row).name == query.account)
      accounts.emplace(row, view_of(state, state.account(row), now));
  for (const Exposure& exposure : state.exposures()) {
    const auto account = accounts.find(exposure.account);
    if (account != accounts.end()) account->second.positions.push_back(view_of(state, exposure));
  }
  for (auto& [row, account] : accounts) {
    std::sort(account.positions.begin(), account.positions.end(),
              [](const auto& a, const auto& b) { return a.symbol < b.symbol; });
    view.accounts.push_back(std::move(account));
  }
  std::sort(view.accounts.begin(), view.accounts.end(),
            [](const auto& a, const auto& b) { return a.account < b.account; });
  for (const SymbolRecord& symbol : state.symbols())
    view.symbols.push_back({symbol.name, symbol.restricted, symbol.last_trade,
                            symbol.previous_close, symbol.last_trade_time,
                            symbol.previous_close_time});
  std::sort(view.symbols.begin(), view.symbols.end(),
            [](const auto& a, const auto& b) { return a.symbol < b.symbol; });
  for (const KillRecord& record : state.kills()) view.kills.push_back({record.kill, record.time});
  return view;
}

// ---- differences --------------------------------------------------------------------------------

namespace {
void diff_values(std::vector<LimitChange>& changes, const std::string& where,
                 const LimitSet& before, const LimitSet& after) {
  const auto text = [](const LimitSpec& spec, std::optional<int64_t> value) {
    return value ? format_limit(spec.unit, *value) : std::string();
  };
  for (const LimitSpec& spec : limit_specs()) {
    const auto from = before.get(spec.kind), to = after.get(spec.kind);
    if (from != to)
      changes.push_back({where, std::string(spec.name), text(spec, from), text(spec, to)});
  }
}

void diff_text(std::vector<LimitChange>& changes, const std::string& where, const char* what,
               const std::string& from, const std::string& to) {
  if (from != to) changes.push_back({where, what, from, to});
}

/// Both sides by name, so that a changed order in a file is no change.
template <typename Rows, typename NameOf>
auto by_name(const Rows& before, const Rows& after, NameOf name_of) {
  using T = typename Rows::value_type;
  std::map<std::string, std::pair<const T*, const T*>> rows;
  for (const T& row : before) rows[name_of(row)].first = &row;
  for (const T& row : after) rows[name_of(row)].second = &row;
  return rows;
}
}  // namespace

std::vector<LimitChange> diff(const RiskLimits& before, const RiskLimits& after) {
  std::vector<LimitChange> changes;
  diff_values(changes, "firm", before.firm, after.firm);
  const auto presence = [&changes](const std::string& where, bool was, bool is) {
    if (was != is) changes.push_back({where, "", was ? "configured" : "", is ? "configured" : ""});
  };
  for (const auto& [name, pair] :
       by_name(before.desks, after.desks, [](const DeskLimits& desk) { return desk.desk.str(); })) {
    const std::string where = "desk '" + name + "'";
    presence(where, pair.first, pair.second);
    diff_values(changes, where, pair.first ? pair.first->limits : LimitSet{},
                pair.second ? pair.second->limits : LimitSet{});
  }
  for (const auto& [name, pair] :
       by_name(before.accounts, after.accounts,
               [](const AccountLimits& account) { return account.account.str(); })) {
    const std::string where = "account '" + name + "'";
    presence(where, pair.first, pair.second);
    const AccountLimits none, &from = pair.first ? *pair.first : none,
                              &to = pair.second ? *pair.second : none;
    diff_text(changes, where, "desk", from.desk.str(), to.desk.str());
    diff_text(changes, where, "self_trade_group", from.self_trade_group.str(),
              to.self_trade_group.str());
    diff_values(changes, where, from.limits, to.limits);
  }
  return changes;
}

std::vector<LimitChange> diff(const RestrictedList& before, const RestrictedList& after) {
  std::vector<LimitChange> changes;
  for (const auto& [name, pair] :
       by_name(before.symbols, after.symbols,
               [](const RestrictedSymbol& entry) { return entry.symbol.str(); })) {
    const auto text = [](const RestrictedSymbol* entry) {
      if (!entry) return std::string();
      return entry->note.empty() ? std::string("restricted") : "restricted: " + entry->note.str();
    };
    diff_text(changes, "symbol '" + name + "'", "restricted", text(pair.first), text(pair.second));
  }
  return changes;
}

Result<RiskLimits> successor(const RiskLimits& current, RiskLimits candidate) {
  candidate.version = {current.version.value + 1};
  if (auto ok = validate(candidate); !ok) return ok.error();
  if (current.version && diff(current, candidate).empty())
    return Error{ErrorCode::kConflict, "these limits are in force already, as version " +
                                           std::to_string(current.version.value)};
  return candidate;
}

Result<RestrictedList> successor(const RestrictedList& current, RestrictedList candidate) {
  candidate.version = current.version + 1;
  if (auto ok = validate(candidate); !ok) return ok.error();
  if (current.version != 0 && diff(current, candidate).empty())
    return Error{ErrorCode::kConflict, "this restricted list is in force already, as version " +
                                           std::to_string(current.version)};
  return candidate;
}

}  // namespace holdfast::risk
