// Which nodes form a cluster, as cluster.toml tells all of them alike: members and where they are
// reached, the arbiter, who is preferred to lead which group, the time limits of failure detection.
// A folder without that file is one node by itself. Nothing here reads a file or opens a port.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodes/settings/node_settings.hpp"
#include "supervision/replication/protocol/member.hpp"

namespace holdfast::settings {

/// The orchestrator's group, in every cluster.
inline constexpr GroupId kOrchestratorGroup{2001};

/// "HOST:PORT", "[IPV6]:PORT": as the text from which it was read.
std::string to_text(const Endpoint& endpoint);
/// The inverse of to_text; nothing unless both a host and a port from 1 to 65535 are there.
std::optional<Endpoint> parse_endpoint(std::string_view text);

/// The etcd cluster that keeps the groups' records.
struct EtcdAccess {
  std::vector<std::string> endpoints;  // "HOST:PORT"
  std::string ca, certificate, key;    // PEM files; "": none. The client's own are both or neither
  std::string user, password_file;     // both or neither
};

/// Certificates of the connections between members, mesh included, PEM files; both sides present
/// one.
struct MemberTls {
  std::string ca, certificate, key;
};

/// Failure detection, the same in all groups; beat * 3 <= egress_hold < eject < suspect.
struct ReplicationLimits {
  Duration beat = Duration::milliseconds(10);
  Duration egress_hold = Duration::milliseconds(100);
  Duration eject = Duration::milliseconds(150);
  Duration suspect = Duration::milliseconds(200);
};

/// One node of the cluster.
struct ClusterMember {
  MemberId id;
  std::string name;  // its node.name
  replication::Role role = replication::Role::kSync;
  Endpoint replication;
  Endpoint order_entry;                  // where clients reach it
  std::optional<Endpoint> operator_api;  // where `holdfast --cluster` reaches it; on this host only
  std::optional<Endpoint> mesh;  // where other nodes' actors reach its own; none: not at all
  std::string state_directory;   // "": as its node.toml says
};

/// What one group does differently from the others.
struct ClusterGroup {
  std::string name;  // "orders/0", "venues/XSIM"
  GroupId group;
  std::vector<MemberId> prefer;  // leads first what stands first; empty: the order of members
  std::optional<replication::Unprotected> unprotected;
};

struct ClusterSettings {
  std::string name;
  std::string arbiter_directory;   // of the embedded arbiter; "" with etcd
  std::optional<EtcdAccess> etcd;  // none: the embedded arbiter
  replication::Unprotected unprotected = replication::Unprotected::kHalt;
  ReplicationLimits limits;
  std::optional<MemberTls> tls;  // none: plain, all members on loopback
  std::vector<ClusterMember> members;
  std::vector<ClusterGroup> groups;  // those that differ; all others are as the cluster says

  /// The member of that name or number, or null. Valid as long as the settings are not changed.
  const ClusterMember* find(std::string_view member) const;
  const ClusterMember* find(MemberId member) const;
  /// Members of a group as its record is founded with: preferred leaders first, then the others in
  /// their order in the file.
  std::vector<replication::MemberConfig> members_of(GroupId group) const;
  replication::Unprotected unprotected_of(GroupId group) const;
};

}  // namespace holdfast::settings
