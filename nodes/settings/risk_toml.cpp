// risk.toml: limits of the firm, its desks and accounts, and the restricted list.
#include <algorithm>
#include <set>

#include "nodes/settings/files_toml.hpp"

namespace holdfast::settings {
namespace {

int64_t read_limit(TableReader& table, const LimitSpec& spec) {
  switch (spec.unit) {
    case LimitUnit::kQuantity:
    case LimitUnit::kNotional:
      return table.decimal<Notional>(spec.name, std::nullopt, Notional{spec.min}).units;
    case LimitUnit::kDuration:
      return table.duration(spec.name, std::nullopt, Duration{spec.min}, Duration{spec.max}).ns;
    case LimitUnit::kBasisPoints:
      return table.with_suffix(spec.name, "bps", spec.min, spec.max);
    case LimitUnit::kCount:
      break;
  }
  return table.integer(spec.name, std::nullopt, spec.min, spec.max);
}

LimitSet read_limits(TableReader& table) {
  LimitSet limits;
  for (const auto& spec : limit_specs()) {
    if (table.has(spec.name))
      limits.set(spec.kind, read_limit(table, spec));
    else
      table.know(spec.name);
  }
  return limits;
}

void read_desks(TableReader& root, RiskLimits& limits) {
  std::set<Label> names;
  for (auto& table : root.tables("desk", false, limits::kDesksMax)) {
    DeskLimits desk;
    desk.desk = table.name<limits::kNameBytes>("name");
    if (!desk.desk.empty()) table.set_what("[[desk]] " + desk.desk.str());
    desk.limits = read_limits(table);
    if (!desk.desk.empty() && !names.insert(desk.desk).second)
      table.complain("name", "name: the desk " + in_quotes(desk.desk.view()) + " is there twice");
    table.finish();
    limits.desks.push_back(std::move(desk));
  }
}

// Every limit that must be set is set for the account, its desk or the firm.
void check_complete(TableReader& table, const RiskLimits& limits, const AccountLimits& account,
                    const DeskLimits* desk) {
  for (const auto& spec : limit_specs()) {
    if (!spec.required || account.limits.get(spec.kind) || limits.firm.get(spec.kind)) continue;
    if (desk != nullptr && desk->limits.get(spec.kind)) continue;
    table.complain("name", std::string(spec.name) + " is set neither for " + table.what() +
                               ", nor for its desk, nor in [firm]");
  }
}

const DeskLimits* find_desk(TableReader& table, const RiskLimits& limits, const Label& name) {
  if (name.empty()) return nullptr;
  std::vector<std::string> known;
  for (const auto& desk : limits.desks) {
    if (desk.desk == name) return &desk;
    known.push_back(desk.desk.str());
  }
  const auto close = nearest(name.view(), known);
  table.complain("desk", "desk: there is no [[desk]] " + in_quotes(name.view()) +
                             (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?"));
  return nullptr;
}

void read_accounts(TableReader& root, RiskLimits& limits) {
  std::set<Account> names;
  for (auto& table : root.tables("account", true, limits::kAccountsMax)) {
    AccountLimits account;
    account.account = table.name<limits::kAccountBytes>("name");
    if (!account.account.empty()) table.set_what("[[account]] " + account.account.str());
    account.desk = table.name<limits::kNameBytes>("desk", Label{});
    account.self_trade_group = table.name<limits::kNameBytes>("self_trade_group", Label{});
    account.limits = read_limits(table);
    const auto* desk = find_desk(table, limits, account.desk);
    if (!account.account.empty() && !names.insert(account.account).second)
      table.complain("name",
                     "name: the account " + in_quotes(account.account.view()) + " is there twice");
    check_complete(table, limits, account, desk);
    table.finish();
    limits.accounts.push_back(std::move(account));
  }
}

void read_restricted(TableReader& root, const std::vector<Symbol>& known, RestrictedList& list) {
  std::set<Symbol> symbols;
  for (auto& table : root.tables("restricted", false, limits::kSymbolsMax)) {
    RestrictedSymbol entry;
    entry.symbol = table.name<limits::kSymbolBytes>("symbol");
    entry.note = table.name<limits::kReasonTextBytes>("note", ReasonText{});
    if (!entry.symbol.empty() && !symbols.insert(entry.symbol).second)
      table.complain("symbol", "symbol: " + in_quotes(entry.symbol.view()) + " is there twice");
    if (!known.empty() && !entry.symbol.empty() &&
        std::find(known.begin(), known.end(), entry.symbol) == known.end())
      table.complain("symbol",
                     "symbol: " + in_quotes(entry.symbol.view()) + " is not in instruments.toml");
    table.finish();
    list.symbols.push_back(entry);
  }
}

}  // namespace

void read_risk(const Document& document, const std::vector<Symbol>& known, RiskSettings& risk,
               Problems& problems) {
  TableReader root(document, document.root, "risk.toml", problems);
  risk.limits.version = LimitsVersion{1};
  risk.restricted.version = 1;
  if (auto firm = root.table("firm")) {
    risk.limits.firm = read_limits(*firm);
    firm->finish();
  }
  read_desks(root, risk.limits);
  read_accounts(root, risk.limits);
  read_restricted(root, known, risk.restricted);
  root.finish();
}

}  // namespace holdfast::settings
