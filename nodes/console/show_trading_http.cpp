// Orders and risk as text.
#include "nodes/console/show_http.hpp"

namespace holdfast::console {
namespace {

Style style_of_order(const std::string& state) {
  if (state == "Unknown") return Style::kBad;
  if (state == "Rejected" || state == "Blocked" || state == "NotSent") return Style::kWarn;
  if (state == "Filled") return Style::kGood;
  if (state == "Cancelled" || state == "Expired") return Style::kDim;
  return Style::kPlain;
}

std::string price_of(const Json& order) {
  return text_of(order, "type") == "Market" ? "market" : text_of(order, "price");
}

// "order quantity…" words where the venue or a policy gave some, else the reason's name.
std::string why(const Json& json) {
  const auto reason = text_of(json, "reason"), text = text_of(json, "text");
  if (reason.empty()) return text;
  return text.empty() ? reason : reason + ": " + text;
}

void add_field(Table& table, const char* name, const std::string& text,
               Style style = Style::kPlain) {
  if (!text.empty()) table.add({{name, Style::kDim}, {text, style}});
}

std::string show_order_head(const Json& order, const Screen& screen) {
  const auto state = text_of(order, "state");
  std::string out = styled("order " + text_of(order, "order"), Style::kBold, screen) + "  " +
                    styled(state, style_of_order(state), screen) + "  " + text_of(order, "side") +
                    " " + text_of(order, "quantity") + " " + text_of(order, "symbol") + " @ " +
                    price_of(order) + " " + text_of(order, "time_in_force") + "\n";
  Table table({{"", false, false}, {"", false, true}});
  add_field(table, "why", why(order), Style::kWarn);
  add_field(table, "account", text_of(order, "account"));
  add_field(table, "client order id", text_of(order, "client_order_id"));
  if (text_of(order, "original_client_order_id") != text_of(order, "client_order_id"))
    add_field(table, "entered as", text_of(order, "original_client_order_id"));
  add_field(table, "filled",
            text_of(order, "cumulative_quantity") + ", leaves " +
                text_of(order, "leaves_quantity") + ", notional " +
                money_of(order, "cumulative_notional"));
  add_field(table, "venue", text_of(order, "venue"));
  add_field(table, "venue order id", text_of(order, "venue_order_id"));
  add_field(table, "algo", text_of(order, "algo"));
  add_field(table, "trader", text_of(order, "trader"));
  add_field(table, "desk", text_of(order, "desk"));
  add_field(table, "trace", text_of(order, "trace") == "0" ? "" : text_of(order, "trace"));
  add_field(table, "created", clock_of(order, "created", true) + " UTC");
  auto body = table.str(screen);
  return out + body.substr(body.find('\n') + 1);  // the title line is empty
}

std::string show_checks(const Json& history, const Screen& screen) {
  Table table({{"CHECK", false, false},
               {"", false, false},
               {"VALUE", true, false},
               {"LIMIT", true, false}});
  for (const auto& check : history["checks"]) {
    const bool passed = check.value("passed", false);
    table.add({text_of(check, "policy"),
               {passed ? "passed" : "REFUSED", passed ? Style::kGood : Style::kBad},
               text_of(check, "value_text"),
               text_of(check, "limit_text")});
  }
  if (table.empty()) return "";
  return "\n" + table.str(screen) +
         styled("limits version " + text_of(history, "limits_version"), Style::kDim, screen) + "\n";
}

std::string show_kills(const Json& json, const Screen& screen) {
  Table table({{"KILL", false, false},
               {"NAME", false, false},
               {"MODE", false, false},
               {"SHARDS", true, false},
               {"SINCE UTC", false, false},
               {"BY", false, false},
               {"REASON", false, true}});
  for (const auto& kill : json["kills"])
    table.add({{text_of(kill, "scope"), Style::kBad},
               text_of(kill, "name"),
               {text_of(kill, "mode"), Style::kBad},
               text_of(kill, "shards") + "/" + text_of(json, "shards_total"),
               clock_of(kill, "since"),
               text_of(kill, "operator"),
               text_of(kill, "reason")});
  return table.empty() ? "no kill is in force\n" : table.str(screen);
}

std::string show_accounts(const Json& json, const Screen& screen) {
  Table table({{"ACCOUNT", false, false},
               {"DESK", false, false},
               {"KILL", false, false},
               {"BUYING POWER USED", true, false},
               {"OF", true, false},
               {"MSGS", true, false},
               {"OF", true, false},
               {"ORDER QTY", true, false},
               {"ORDER NOTIONAL", true, false},
               {"COLLAR", true, false}});
  for (const auto& account : json["accounts"]) {
    const auto& limits = account["limits"];
    const auto kill = text_of(account, "kill");
    table.add({text_of(account, "account"),
               text_of(account, "desk"),
               {kill == "none" ? "" : kill, Style::kBad},
               money_of(account, "buying_power_used"),
               money_of(limits, "buying_power"),
               text_of(account, "messages_in_window"),
               money_of(limits, "messages_max"),
               money_of(limits, "order_quantity_max"),
               money_of(limits, "order_notional_max"),
               text_of(limits, "price_collar")});
  }
  return table.str(screen);
}

std::string show_positions(const Json& json, const Screen& screen) {
  Table table({{"ACCOUNT", false, false},
               {"SYMBOL", false, false},
               {"POSITION", true, false},
               {"COST", true, false},
               {"OPEN BUY", true, false},
               {"OPEN SELL", true, false},
               {"LIMIT", true, false}});
  for (const auto& account : json["accounts"])
    for (const auto& position : account["positions"])
      table.add({text_of(account, "account"), text_of(position, "symbol"),
                 money_of(position, "position"), money_of(position, "cost"),
                 money_of(position, "open_buy"), money_of(position, "open_sell"),
                 money_of(account["limits"], "position_max")});
  return table.empty() ? "no positions and no open orders\n" : table.str(screen);
}

std::string show_symbols(const Json& json, const Screen& screen) {
  Table table({{"SYMBOL", false, false},
               {"LAST TRADE", true, false},
               {"AT UTC", false, false},
               {"PREVIOUS CLOSE", true, false},
               {"OF", false, false},
               {"", false, false}});
  for (const auto& symbol : json["symbols"])
    table.add({text_of(symbol, "symbol"),
               text_of(symbol, "last_trade"),
               clock_of(symbol, "last_trade_time"),
               text_of(symbol, "previous_close"),
               clock_of(symbol, "previous_close_time", true).substr(0, 10),
               {symbol.value("restricted", false) ? "restricted" : "", Style::kWarn}});
  return table.empty() ? "" : table.str(screen);
}

}  // namespace

std::string show_orders(const Json& json, const Screen& screen) {
  Table table({{"ORDER", false, false},
               {"ACCOUNT", false, false},
               {"CLIENT ORDER ID", false, false},
               {"SYMBOL", false, false},
               {"SIDE", false, false},
               {"QTY", true, false},
               {"FILLED", true, false},
               {"PRICE", true, false},
               {"STATE", false, false},
               {"VENUE", false, false},
               {"UPDATED UTC", false, false},
               {"WHY", false, true}});
  for (const auto& order : json["orders"]) {
    const auto state = text_of(order, "state");
    table.add({text_of(order, "order"),
               text_of(order, "account"),
               text_of(order, "client_order_id"),
               text_of(order, "symbol"),
               text_of(order, "side"),
               text_of(order, "quantity"),
               text_of(order, "cumulative_quantity"),
               price_of(order),
               {state, style_of_order(state)},
               text_of(order, "venue"),
               clock_of(order, "updated"),
               why(order)});
  }
  std::string out = table.empty() ? "no such orders\n" : table.str(screen);
  if (json.value("more", false)) out += "more: add --after " + text_of(json, "next") + "\n";
  return out + as_of_line(json, screen);
}

std::string show_order(const Json& json, const Screen& screen) {
  Table table({{"INDEX", true, false},
               {"TIME UTC", false, false},
               {"EVENT", false, false},
               {"STATE", false, false},
               {"QTY", true, false},
               {"PRICE", true, false},
               {"REQUEST", false, false},
               {"WHY", false, true}});
  for (const auto& step : json["steps"]) {
    const auto quantity = text_of(step, "last_quantity"), price = text_of(step, "last_price");
    const auto to = text_of(step, "to");
    const bool anomaly = step.value("anomaly", false);
    table.add({text_of(step, "index"),
               clock_of(step, "time"),
               text_of(step, "event"),
               {to, style_of_order(to)},
               quantity == "0" ? "" : quantity,
               price == "0" ? "" : price,
               text_of(step, "client_order_id"),
               {anomaly ? "ANOMALY " + text_of(step, "reason") : text_of(step, "reason"),
                anomaly ? Style::kBad : Style::kPlain}});
  }
  std::string out = show_order_head(json["order"], screen) + "\n";
  if (!table.empty()) out += table.str(screen);
  if (json.value("steps_dropped", 0) > 0)
    out += text_of(json, "steps_dropped") + " more steps are not kept\n";
  return out + show_checks(json, screen) +
         styled("as of " + text_of(json["as_of"], "name") + " #" + text_of(json["as_of"], "index"),
                Style::kDim, screen) +
         "\n";
}

std::string show_risk(const Json& json, const Screen& screen) {
  std::string out = "limits version " + text_of(json, "version");
  if (json.value("mixed", false))
    out += styled(", shards DIFFER: reload again", Style::kBad, screen);
  out += "\n";
  if (text_of(json, "shards") != text_of(json, "shards_total"))
    out += styled("only " + text_of(json, "shards") + " of " + text_of(json, "shards_total") +
                      " shards answered",
                  Style::kBad, screen) +
           "\n";
  if (text_of(json, "untracked") != "0")
    out += styled(text_of(json, "untracked") +
                      " executions could not be booked: every order of "
                      "those shards is refused until positions are reconciled",
                  Style::kBad, screen) +
           "\n";
  return out + show_kills(json, screen) + "\n" + show_accounts(json, screen) + "\n" +
         show_positions(json, screen) + "\n" + show_symbols(json, screen) +
         as_of_line(json, screen);
}

std::string show_reload(const Json& json, const Screen& screen) {
  std::string out;
  for (const auto& error : json["errors"])
    out += styled(error.get<std::string>(), Style::kBad, screen) + "\n";
  if (!json["errors"].empty())
    return out + "nothing was changed; mend risk.toml and reload again\n";
  Table table({{"LIMIT", false, true}, {"NOW", true, false}, {"NEW", true, false}});
  for (const auto& change : json["changes"])
    table.add(
        {text_of(change, "what"), text_of(change, "from"), {text_of(change, "to"), Style::kWarn}});
  if (table.empty()) return "risk.toml says what is in force: nothing to change\n";
  out += table.str(screen);
  if (json.value("dry_run", false))
    return out + "dry run: nothing was changed; without --dry-run this would be put in force\n";
  return out + show_fan_out(json["applied"],
                            "limits version " + text_of(json, "to_version") + " in force", screen);
}

}  // namespace holdfast::console
