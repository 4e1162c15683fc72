// The readers of the single files, for settings_toml alone. Each fills its part of Settings and
// notes every mistake; what concerns two files is checked by load_settings.
#pragma once

#include "nodes/settings/settings.hpp"
#include "nodes/settings/table_toml.hpp"

namespace holdfast::settings {

void read_node(const Document& document, NodeSettings& node, Problems& problems);
void read_clients(const Document& document, std::vector<ClientSettings>& clients,
                  Problems& problems);
void read_venues(const Document& document, const std::string& directory,
                 std::vector<VenueSettings>& venues, Problems& problems);
/// `venues` are the known names; an instrument that names another is a mistake.
void read_instruments(const Document& document, const std::vector<VenueSettings>& venues,
                      std::vector<Instrument>& instruments, Problems& problems);
void read_risk(const Document& document, const std::vector<Symbol>& known, RiskSettings& risk,
               Problems& problems);
/// `node` and `venues` say which groups there are.
void read_cluster(const Document& document, const NodeSettings& node,
                  const std::vector<VenueSettings>& venues, ClusterSettings& cluster,
                  Problems& problems);
/// Rules that can't be, or can't ever decide, are mistakes too.
void read_policy(const Document& document, const policy::Names& names, policy::Policy& policy,
                 Problems& problems);
void read_policy_cases(const Document& document, const policy::Names& names,
                       std::vector<PolicyCase>& cases, Problems& problems);

}  // namespace holdfast::settings
