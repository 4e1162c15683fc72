// GET /v1/risk: the shards' answers as one. An account is shown from the shard that it belongs to,
// a symbol from the shard that saw its latest trade, a kill once with the shards it holds in.
#include <algorithm>

#include "nodes/node/api/json_http.hpp"

namespace holdfast::operator_api {
namespace {

Json price_or_null(Price price) { return price.zero() ? Json(nullptr) : Json(price.str()); }

Json position_json(const PositionView& view) {
  return {{"symbol", view.symbol.str()},
          {"position", view.position.str()},
          {"cost", view.cost.str()},
          {"open_buy", view.open_buy.str()},
          {"open_sell", view.open_sell.str()},
          {"open_buy_notional", view.open_buy_notional.str()},
          {"open_sell_notional", view.open_sell_notional.str()},
          {"broken", view.broken}};
}

Json account_json(const AccountRiskView& view) {
  Json limits = Json::object(), positions = Json::array();
  for (const auto& spec : limit_specs())
    limits[std::string(spec.name)] =
        format_limit(spec.unit, view.limits[static_cast<std::size_t>(spec.kind)]);
  for (const auto& position : view.positions) positions.push_back(position_json(position));
  return {{"account", view.account.str()},
          {"desk", view.desk.empty() ? Json(nullptr) : Json(view.desk.str())},
          {"configured", view.configured},
          {"kill", name_of(view.kill)},
          {"buying_power_used", view.buying_power_used.str()},
          {"messages_in_window", view.messages_in_window},
          {"limits", limits},
          {"positions", positions}};
}

Json accounts_json(const RiskView& view) {
  Json accounts = Json::array();
  for (const auto& shard : view.shards)
    for (const auto& account : shard.accounts)
      if (view.shards_total == 0 ||
          shard_of(account.account, view.shards_total) + 1 == shard.group.value)
        accounts.push_back(account_json(account));
  std::sort(accounts.begin(), accounts.end(),
            [](const Json& a, const Json& b) { return a["account"] < b["account"]; });
  return accounts;
}

Json symbols_json(const RiskView& view) {
  std::map<Symbol, SymbolRiskView> latest;
  for (const auto& shard : view.shards)
    for (const auto& symbol : shard.symbols) {
      auto& kept = latest.try_emplace(symbol.symbol, symbol).first->second;
      if (kept.last_trade_time < symbol.last_trade_time) kept = symbol;
    }
  Json symbols = Json::array();
  for (const auto& [name, symbol] : latest)
    symbols.push_back({{"symbol", name.str()},
                       {"restricted", symbol.restricted},
                       {"last_trade", price_or_null(symbol.last_trade)},
                       {"last_trade_time", time_json(symbol.last_trade_time)},
                       {"previous_close", price_or_null(symbol.previous_close)},
                       {"previous_close_time", time_json(symbol.previous_close_time)}});
  return symbols;
}

Json kills_json(const RiskView& view) {
  std::vector<std::pair<KillView, uint32_t>> kills;
  for (const auto& shard : view.shards)
    for (const auto& kill : shard.kills) {
      const auto same = std::find_if(kills.begin(), kills.end(), [&](const auto& known) {
        return known.first.kill.scope == kill.kill.scope &&
               known.first.kill.name == kill.kill.name && known.first.kill.mode == kill.kill.mode;
      });
      if (same == kills.end())
        kills.emplace_back(kill, 1);
      else
        ++same->second;
    }
  Json json = Json::array();
  for (const auto& [kill, shards] : kills) {
    json.push_back(to_json(kill.kill));
    json.back()["since"] = time_json(kill.since);
    json.back()["shards"] = shards;
  }
  return json;
}

}  // namespace

Json to_json(const RiskView& view) {
  LimitsVersion lowest, highest;
  uint64_t untracked = 0;
  Json as_of = Json::array();
  for (const auto& shard : view.shards) {
    if (!lowest || shard.limits_version < lowest) lowest = shard.limits_version;
    highest = std::max(highest, shard.limits_version);
    untracked += shard.untracked;
    as_of.push_back({{"group", shard.group.value},
                     {"name", shard_name(shard.group)},
                     {"index", shard.as_of.value},
                     {"limits_version", shard.limits_version.value},
                     {"restricted_version", shard.restricted_version},
                     {"open_orders", shard.open_orders},
                     {"unknown_orders", shard.unknown_orders},
                     {"untracked", shard.untracked}});
  }
  return {{"version", lowest.value},
          {"mixed", lowest != highest},
          {"shards", view.shards.size()},
          {"shards_total", view.shards_total},
          {"untracked", untracked},
          {"kills", kills_json(view)},
          {"accounts", accounts_json(view)},
          {"symbols", symbols_json(view)},
          {"as_of", as_of}};
}

}  // namespace holdfast::operator_api
