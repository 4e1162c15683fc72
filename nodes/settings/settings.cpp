#include "nodes/settings/settings.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::settings {
namespace {

constexpr const char* kInherited = "(inherited)";

std::string shown(LimitKind kind, std::optional<int64_t> value) {
  return value ? format_limit(spec_of(kind).unit, *value) : kInherited;
}

void compare_sets(const std::string& level, const LimitSet& from, const LimitSet& to,
                  std::vector<RiskChange>& changes) {
  for (const auto& spec : limit_specs()) {
    const auto before = from.get(spec.kind), after = to.get(spec.kind);
    if (before != after)
      changes.push_back({level + ": " + std::string(spec.name), shown(spec.kind, before),
                         shown(spec.kind, after)});
  }
}

template <typename Item, typename Name>
const Item* find_by(const std::vector<Item>& items, const Name& name, Name Item::*member) {
  for (const auto& item : items)
    if (item.*member == name) return &item;
  return nullptr;
}

// Calls both(before, after) for every name on either side; null where a side has none.
template <typename Item, typename Name, typename Both>
void pair_up(const std::vector<Item>& from, const std::vector<Item>& to, Name Item::*name,
             const Both& both) {
  for (const auto& item : from) both(&item, find_by(to, item.*name, name));
  for (const auto& item : to)
    if (find_by(from, item.*name, name) == nullptr) both(nullptr, &item);
}

std::string or_none(const Label& label) { return label.empty() ? "(none)" : label.str(); }

void compare_accounts(const AccountLimits* before, const AccountLimits* after,
                      std::vector<RiskChange>& changes) {
  const auto level = "account " + (before ? before : after)->account.str();
  const AccountLimits none;
  if (before == nullptr || after == nullptr)
    changes.push_back({level, before ? "configured" : "(none)", after ? "configured" : "(none)"});
  const auto& from = before ? *before : none;
  const auto& to = after ? *after : none;
  if (from.desk != to.desk)
    changes.push_back({level + ": desk", or_none(from.desk), or_none(to.desk)});
  if (from.self_trade_group != to.self_trade_group)
    changes.push_back({level + ": self_trade_group", or_none(from.self_trade_group),
                       or_none(to.self_trade_group)});
  compare_sets(level, from.limits, to.limits, changes);
}

}  // namespace

ReferenceData Settings::reference() const {
  ReferenceData data;
  for (const auto& venue : venues) data.venues.push_back(venue.entry);
  data.instruments = instruments;
  return data;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

Result<> parse_venue_port(std::string_view text, std::map<std::string, uint16_t>& ports) {
  const auto equals = text.find('=');
  const auto port =
      equals == std::string_view::npos ? std::nullopt : parse_port(text.substr(equals + 1));
  if (equals == 0 || !port)
    return Error{ErrorCode::kInvalid,
                 "expected VENUE=PORT like XSIM=9880, found " + in_quotes(text)};
  ports[std::string(text.substr(0, equals))] = *port;
  return success();
}

Overrides overrides_from_environment(const std::function<const char*(const char*)>& get,
                                     Problems& problems) {
  Overrides overrides;
  const auto port = [&](const char* variable, std::optional<uint16_t>& into) {
    const char* text = get(variable);
    if (text == nullptr || *text == '\0') return;
    into = parse_port(text);
    if (!into)
      problems.add({variable, 0, 0, "expected a port from 0 to 65535, found " + in_quotes(text)});
  };
  port("HOLDFAST_INGRESS_PORT", overrides.ingress_port);
  port("HOLDFAST_OPERATOR_PORT", overrides.operator_port);
  if (const char* folder = get("HOLDFAST_STATE_DIR"); folder && *folder)
    overrides.state_directory = folder;
  const char* venues = get("HOLDFAST_VENUE_PORTS");
  std::string_view rest = venues ? venues : "";
  while (!rest.empty()) {
    const auto comma = std::min(rest.find(','), rest.size());
    if (auto parsed = parse_venue_port(rest.substr(0, comma), overrides.venue_ports); !parsed)
      problems.add({"HOLDFAST_VENUE_PORTS", 0, 0, parsed.error().text});
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return overrides;
}

std::vector<RiskChange> risk_changes(const RiskSettings& from, const RiskSettings& to) {
  std::vector<RiskChange> changes;
  compare_sets("firm", from.limits.firm, to.limits.firm, changes);
  pair_up(from.limits.desks, to.limits.desks, &DeskLimits::desk,
          [&](const DeskLimits* before, const DeskLimits* after) {
            compare_sets("desk " + (before ? before : after)->desk.str(),
                         before ? before->limits : LimitSet{}, after ? after->limits : LimitSet{},
                         changes);
          });
  pair_up(from.limits.accounts, to.limits.accounts, &AccountLimits::account,
          [&](const AccountLimits* before, const AccountLimits* after) {
            compare_accounts(before, after, changes);
          });
  pair_up(from.restricted.symbols, to.restricted.symbols, &RestrictedSymbol::symbol,
          [&](const RestrictedSymbol* before, const RestrictedSymbol* after) {
            if (before && after) return;  // the note is for people, not a change of the rule
            changes.push_back({"restricted " + (before ? before : after)->symbol.str(),
                               before ? "yes" : "no", after ? "yes" : "no"});
          });
  return changes;
}

}  // namespace holdfast::settings
