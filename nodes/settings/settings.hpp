// The whole configuration of a node as one value, and the functions that read it from a folder of
// TOML files: node.toml, venues.toml, instruments.toml, risk.toml, clients.toml, and cluster.toml,
// policy.toml, policy_tests.toml, workflows.toml, agents.toml, advisor.toml, precedents.toml and
// audit.toml where there are some. Reading never stops at the first mistake: every problem of every
// file comes back, with its line. The environment and the command line may say which member of the
// cluster a node is and move ports and the state folder, nothing else.
#pragma once

#include <functional>
#include <map>

#include "messages/risk_limits.hpp"
#include "nodes/settings/advisor_settings.hpp"
#include "nodes/settings/agents_settings.hpp"
#include "nodes/settings/audit_settings.hpp"
#include "nodes/settings/cluster_settings.hpp"
#include "nodes/settings/node_settings.hpp"
#include "nodes/settings/policy_settings.hpp"
#include "nodes/settings/problems.hpp"
#include "nodes/settings/venue_settings.hpp"
#include "nodes/settings/workflows_settings.hpp"

namespace holdfast::settings {

/// Limits and restricted symbols as one file tells them. The versions are 0: whoever puts them in
/// force numbers them.
struct RiskSettings {
  RiskLimits limits;
  RestrictedList restricted;
};

struct Settings {
  std::string directory;  // where the files are
  NodeSettings node;
  std::vector<VenueSettings> venues;
  std::vector<Instrument> instruments;
  RiskSettings risk;
  std::vector<ClientSettings> clients;
  std::optional<ClusterSettings> cluster;  // none: a node by itself
  PolicySettings policy;
  orchestrator::remediation::Book workflows;  // none: nothing is done by itself
  agents::AgentSettings agents;
  llm::GatewaySettings advisor;         // no endpoint: the deterministic advisor
  std::vector<precedents::Seed> cases;  // documented ones, for the store of precedents
  AuditSettings audit;

  /// The member of the cluster that this node is; null for a node by itself.
  const ClusterMember* self() const { return cluster ? cluster->find(node.name) : nullptr; }
  /// Venues and instruments as risk and routing take them.
  ReferenceData reference() const;
};

/// What the environment or the command line may override.
struct Overrides {
  std::optional<std::string> node_name;  // so that the members of a cluster can share a folder
  std::optional<std::string> state_directory;
  std::optional<uint16_t> ingress_port, operator_port;
  std::map<std::string, uint16_t> venue_ports;  // by venue name
  std::optional<bool> healing;
};

/// Reads HOLDFAST_NODE, HOLDFAST_STATE_DIR, HOLDFAST_INGRESS_PORT, HOLDFAST_OPERATOR_PORT,
/// HOLDFAST_VENUE_PORTS ("XSIM=9880,YSIM=9881") and HOLDFAST_HEALING ("on" or "off"). `get` is
/// getenv or a test's stand-in. A malformed value is noted as a problem of the "file" that is named
/// like the variable.
Overrides overrides_from_environment(const std::function<const char*(const char*)>& get,
                                     Problems& problems);

/// A port from text (0 to 65535), or nothing.
std::optional<uint16_t> parse_port(std::string_view text);
/// "NAME=PORT", as in a command line's --venue-port, added to `ports`; kInvalid says what was
/// expected.
Result<> parse_venue_port(std::string_view text, std::map<std::string, uint16_t>& ports);

/// Reads and checks all files of `directory`, also against each other. Every mistake is in
/// `problems`; the value is of use only when there are none. In a cluster, ports of order entry and
/// of the operator's API that are 0 become those that cluster.toml names for this member.
Settings load_settings(const std::string& directory, const Overrides& overrides,
                       Problems& problems);

/// Reads and checks risk.toml alone, for a reload. `known` are the symbols that may be restricted;
/// empty: any.
RiskSettings load_risk(const std::string& directory, const std::vector<Symbol>& known,
                       Problems& problems);

}  // namespace holdfast::settings
