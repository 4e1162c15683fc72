// One command asked of every node of a cluster, each node's answer under its name. Nodes are found
// through cluster.toml; one that does not answer is shown as such and keeps nobody else waiting
// longer than the command's own limit. It adds nothing up: each node's answer is that node's view.
#pragma once

#include "nodes/console/commands_http.hpp"
#include "nodes/settings/cluster_settings.hpp"

namespace holdfast::console {

/// The members of the cluster at `place`: a configuration folder, or the cluster.toml in one.
/// kInvalid: every mistake of the folder, or that it is no cluster's.
Result<settings::ClusterSettings> read_cluster(const std::string& place);

/// Runs `command` for each member, with a console that finds it. Text: a heading a node; JSON:
/// {"cluster", "nodes": [{"node", "member", "role", "code", "answer"}]}. Returns the gravest code:
/// kUnreachable when a node can't be reached, else the highest.
int run_on_all(const Console& console, const settings::ClusterSettings& cluster,
               const std::function<int(Console&)>& command);

}  // namespace holdfast::console
