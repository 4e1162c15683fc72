// The folder as a whole: each file, then what must agree between files.
#include <algorithm>
#include <filesystem>
#include <set>

#include "nodes/settings/files_toml.hpp"

namespace holdfast::settings {
namespace {

std::string file_in(const std::string& directory, const char* name) {
  return (std::filesystem::path(directory) / name).lexically_normal().string();
}

// The line of the n-th (from 0) `[[header]]`, for messages about two files.
Problem at_table(const Document& document, std::string_view header, std::size_t n,
                 std::string text) {
  Problem problem{document.file, 0, 0, std::move(text)};
  const auto* list = document.root.get_as<toml::array>(header);
  if (list != nullptr && n < list->size()) {
    const auto& where = list->get(n)->source();
    problem.line = where.begin.line;
    problem.column = where.begin.column;
  }
  return problem;
}

void apply(const Overrides& overrides, Settings& settings, Problems& problems) {
  auto& node = settings.node;
  if (const auto* self = settings.self(); self && !self->state_directory.empty())
    node.state_directory = self->state_directory;
  if (overrides.state_directory) node.state_directory = *overrides.state_directory;
  if (overrides.healing) node.healing.enabled = *overrides.healing;
  if (overrides.ingress_port) node.ingress.listen.port = *overrides.ingress_port;
  if (overrides.operator_port) node.operator_api.listen.port = *overrides.operator_port;
  if (const auto* self = settings.self()) {
    // The other members tell clients these ports, so "any free one" can't be meant.
    auto& ingress = node.ingress.listen.port;
    auto& api = node.operator_api.listen.port;
    if (ingress == 0) ingress = self->order_entry.port;
    if (api == 0 && self->operator_api) api = self->operator_api->port;
  }
  for (const auto& [name, port] : overrides.venue_ports) {
    const auto venue = std::find_if(
        settings.venues.begin(), settings.venues.end(),
        [&name = name](const VenueSettings& v) { return v.entry.name.view() == name; });
    if (venue == settings.venues.end())
      problems.add({"venue port override", 0, 0,
                    "there is no venue " + in_quotes(name) + " in venues.toml"});
    else
      venue->port = port;
  }
}

// Every account that a client may trade for has limits.
void check_accounts(const Document& document, const Settings& settings, Problems& problems) {
  std::set<Account> known;
  std::vector<std::string> names;
  for (const auto& account : settings.risk.limits.accounts) {
    known.insert(account.account);
    names.push_back(account.account.str());
  }
  for (std::size_t i = 0; i < settings.clients.size(); ++i)
    for (const auto& account : settings.clients[i].accounts) {
      if (known.contains(account)) continue;
      const auto close = nearest(account.view(), names);
      problems.add(at_table(document, "client", i,
                            "client " + in_quotes(settings.clients[i].id.view()) +
                                ": the account " + in_quotes(account.view()) +
                                " has no limits in risk.toml" +
                                (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?")));
    }
}

void take_name(const std::string& name, NodeSettings& node, Problems& problems) {
  if (!name.empty() && Text<limits::kNameBytes>::parse(name))
    node.name = name;
  else
    problems.add({"node name override", 0, 0,
                  "expected 1 to " + std::to_string(limits::kNameBytes) +
                      " printable ASCII characters, found " + in_quotes(name)});
}

// cluster.toml, where there is one; a link that leads nowhere is not "none".
void load_cluster(const std::string& file, Settings& settings, Problems& problems) {
  std::error_code error;
  if (std::filesystem::symlink_status(file, error).type() == std::filesystem::file_type::not_found)
    return;
  const auto document = open_document(file, problems);
  if (!document) return;
  settings.cluster.emplace();
  read_cluster(*document, settings.node, settings.venues, *settings.cluster, problems);
  const auto& members = settings.cluster->members;
  if (members.empty() || settings.node.name.empty() || settings.self() != nullptr) return;
  std::vector<std::string> names;
  for (const auto& member : members) names.push_back(member.name);
  const auto close = nearest(settings.node.name, names);
  problems.add({file, 0, 0,
                "no [[member]] is named like this node, " + in_quotes(settings.node.name) +
                    (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?")});
}

// policy.toml and its tests, where there are some; a link that leads nowhere is not "none".
void load_policy(const std::string& directory, Settings& settings, Problems& problems) {
  auto& policy = settings.policy;
  policy.names = policy_names(settings);
  policy.file = file_in(directory, "policy.toml");
  policy.cases_file = file_in(directory, "policy_tests.toml");
  const auto there = [](const std::string& file) {
    std::error_code error;
    const auto type = std::filesystem::symlink_status(file, error).type();
    return type != std::filesystem::file_type::not_found;
  };
  if (there(policy.file))
    if (const auto document = open_document(policy.file, problems))
      read_policy(*document, policy.names, policy.policy, problems);
  if (there(policy.cases_file))
    if (const auto document = open_document(policy.cases_file, problems))
      read_policy_cases(*document, policy.names, policy.cases, problems);
}

void check_ports(const std::string& file, const NodeSettings& node, Problems& problems) {
  const auto& api = node.operator_api.listen;
  const auto& ingress = node.ingress.listen;
  if (api.port != 0 && api.port == ingress.port)
    problems.add({file, 0, 0,
                  "[ingress] and [operator_api] have the same port " + std::to_string(api.port)});
}

}  // namespace

RiskSettings load_risk(const std::string& directory, const std::vector<Symbol>& known,
                       Problems& problems) {
  RiskSettings risk;
  const auto file = file_in(directory, "risk.toml");
  Problems own;
  if (const auto document = open_document(file, own)) read_risk(*document, known, risk, own);
  // What the reader's own checks leave: relations that only the room knows.
  if (own.none()) {
    if (auto valid = validate(risk.limits); !valid) own.add({file, 0, 0, valid.error().text});
    if (auto valid = validate(risk.restricted); !valid) own.add({file, 0, 0, valid.error().text});
  }
  for (auto& problem : own.sorted()) problems.add(std::move(problem));
  return risk;
}

Settings load_settings(const std::string& directory, const Overrides& overrides,
                       Problems& problems) {
  Settings settings;
  settings.directory = directory;
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) {
    problems.add({directory, 0, 0,
                  "is not a folder; expected one with node.toml, venues.toml, instruments.toml, "
                  "risk.toml and clients.toml"});
    return settings;
  }
  const auto node_file = file_in(directory, "node.toml");
  if (const auto document = open_document(node_file, problems))
    read_node(*document, settings.node, problems);
  if (overrides.node_name) take_name(*overrides.node_name, settings.node, problems);
  const auto venues = open_document(file_in(directory, "venues.toml"), problems);
  if (venues) read_venues(*venues, directory, settings.venues, problems);
  const auto instruments = open_document(file_in(directory, "instruments.toml"), problems);
  if (instruments) read_instruments(*instruments, settings.venues, settings.instruments, problems);
  std::vector<Symbol> symbols;
  for (const auto& instrument : settings.instruments) symbols.push_back(instrument.symbol);
  settings.risk = load_risk(directory, symbols, problems);
  if (const auto document = open_document(file_in(directory, "clients.toml"), problems)) {
    read_clients(*document, settings.clients, problems);
    if (!settings.risk.limits.accounts.empty()) check_accounts(*document, settings, problems);
  }
  load_cluster(file_in(directory, "cluster.toml"), settings, problems);
  load_policy(directory, settings, problems);
  settings.workflows = load_workflows(directory, problems);
  settings.agents = load_agents(directory, problems);
  settings.advisor = load_advisor(directory, problems);
  settings.cases = load_precedents(directory, problems);
  settings.audit = load_audit(directory, problems);
  apply(overrides, settings, problems);
  check_ports(node_file, settings.node, problems);
  if (problems.none())
    if (auto valid = validate(settings.reference()); !valid)
      problems.add({directory, 0, 0, valid.error().text});
  return settings;
}

}  // namespace holdfast::settings
