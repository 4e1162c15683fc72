// cluster.toml.
#include <algorithm>
#include <map>
#include <set>

#include "nodes/settings/files_toml.hpp"

namespace holdfast::settings {
namespace {

using replication::Role;
using replication::Unprotected;

constexpr std::size_t kPathBytes = 4'096;
constexpr const char* kEndpointWords = "HOST:PORT or [IPV6]:PORT with a port from 1 to 65535";

bool loopback(const std::string& address) {
  return address == "localhost" || address == "::1" || address.starts_with("127.");
}

std::optional<Endpoint> read_endpoint(TableReader& table, std::string_view key, bool needed) {
  const auto text = table.text(key, needed ? std::nullopt : std::optional<std::string>(""), 256);
  if (!table.has(key)) return std::nullopt;
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) table.note(key, kEndpointWords);
  return endpoint;
}

/// Both keys of a pair are there, or none.
void check_pair(TableReader& table, const char* one, const char* other) {
  if (table.has(one) == table.has(other)) return;
  const char* there = table.has(one) ? one : other;
  const char* absent = table.has(one) ? other : one;
  table.complain(there, std::string(there) + ": needs " + absent + " beside it");
}

EtcdAccess read_etcd(TableReader table) {
  table.set_what("[cluster.etcd]");
  EtcdAccess etcd;
  bool remote = false;
  if (!table.has("endpoints"))
    table.note("endpoints", "a list of HOST:PORT, one for each member of the etcd cluster");
  for (const auto& word : table.names<128>("endpoints", limits::kArbiterEndpointsMax)) {
    const auto endpoint = parse_endpoint(word.view());
    if (!endpoint)
      table.complain("endpoints", std::string("endpoints: expected ") + kEndpointWords +
                                      ", found " + in_quotes(word.view()));
    remote = remote || (endpoint && !loopback(endpoint->address));
    etcd.endpoints.push_back(word.str());
  }
  if (table.has("endpoints") && etcd.endpoints.empty())
    table.complain("endpoints", "endpoints: names none");
  etcd.ca = table.text("ca", "", kPathBytes);
  etcd.certificate = table.text("certificate", "", kPathBytes);
  etcd.key = table.text("key", "", kPathBytes);
  etcd.user = table.text("user", "", 256);
  etcd.password_file = table.text("password_file", "", kPathBytes);
  check_pair(table, "certificate", "key");
  check_pair(table, "user", "password_file");
  if (table.has("certificate") && !table.has("ca"))
    table.complain("certificate", "certificate: without ca nothing is encrypted; add ca");
  if (remote && !table.has("ca"))
    table.complain("endpoints",
                   "endpoints: outside loopback etcd is spoken to by TLS only; add ca");
  table.finish();
  return etcd;
}

MemberTls read_tls(TableReader table) {
  table.set_what("[cluster.tls]");
  MemberTls tls;
  tls.ca = table.text("ca", std::nullopt, kPathBytes);
  tls.certificate = table.text("certificate", std::nullopt, kPathBytes);
  tls.key = table.text("key", std::nullopt, kPathBytes);
  table.finish();
  return tls;
}

// Limits below the defaults are for tests: machines stall for tens of milliseconds now and then.
ReplicationLimits read_limits(TableReader table) {
  table.set_what("[cluster.limits]");
  constexpr Duration kLeast = Duration::milliseconds(50), kMost = Duration::seconds(60);
  ReplicationLimits limits;
  limits.beat = table.duration("beat", limits.beat, Duration::milliseconds(1), kMost);
  limits.egress_hold = table.duration("egress_hold", limits.egress_hold, kLeast, kMost);
  limits.eject = table.duration("eject", limits.eject, kLeast, kMost);
  limits.suspect = table.duration("suspect", limits.suspect, kLeast, kMost);
  const auto ms = [](Duration d) { return std::to_string(d.us() / 1'000) + "ms"; };
  if (limits.beat.ns * 3 > limits.egress_hold.ns)
    table.complain("beat", "beat: three beats must fit into egress_hold; " + ms(limits.beat) +
                               " * 3 is more than " + ms(limits.egress_hold));
  if (limits.egress_hold >= limits.eject)
    table.complain("eject",
                   "eject: must be longer than egress_hold, so that a leader holds its "
                   "venue's bytes before it gives up on a member; " +
                       ms(limits.eject) + " is not more than " + ms(limits.egress_hold));
  if (limits.eject >= limits.suspect)
    table.complain("suspect",
                   "suspect: must be longer than eject, so that a leader lets go of a "
                   "silent member before members suspect the leader; " +
                       ms(limits.suspect) + " is not more than " + ms(limits.eject));
  table.finish();
  return limits;
}

std::optional<Unprotected> read_unprotected(TableReader& table) {
  const auto chosen = table.choice("unprotected", 1, {"continue", "halt"});
  if (!table.has("unprotected")) return std::nullopt;
  return chosen == 0 ? Unprotected::kContinue : Unprotected::kHalt;
}

void read_arbiter(TableReader& table, ClusterSettings& cluster) {
  const bool etcd = table.choice("arbiter", std::nullopt, {"embedded", "etcd"}) == 1;
  cluster.arbiter_directory = table.text("arbiter_directory", "", kPathBytes);
  auto access = table.table("etcd");
  if (etcd) {
    if (access)
      cluster.etcd = read_etcd(*access);
    else if (!table.has("etcd"))
      table.complain("arbiter", "arbiter: \"etcd\" needs the table [cluster.etcd] with endpoints");
    if (table.has("arbiter_directory"))
      table.complain("arbiter_directory",
                     "arbiter_directory: belongs to the embedded arbiter, not to etcd");
    return;
  }
  if (cluster.arbiter_directory.empty())
    table.complain("arbiter",
                   "arbiter: \"embedded\" needs arbiter_directory, a folder that all members on "
                   "this machine share");
  if (access) table.complain("etcd", "[cluster.etcd] is there, but arbiter is \"embedded\"");
}

void read_cluster_table(TableReader table, ClusterSettings& cluster) {
  cluster.name = table.name<32>("name").str();
  const auto good = [](unsigned char c) {
    return std::isalnum(c) || c == '.' || c == '_' || c == '-';
  };
  if (!std::all_of(cluster.name.begin(), cluster.name.end(), good))
    table.note("name", "1 to 32 of letters, digits, '.', '_' and '-'");
  read_arbiter(table, cluster);
  cluster.unprotected = read_unprotected(table).value_or(cluster.unprotected);
  if (auto limits = table.table("limits")) cluster.limits = read_limits(*limits);
  if (auto tls = table.table("tls")) cluster.tls = read_tls(*tls);
  table.finish();
}

/// What no two members may share.
struct Taken {
  std::map<std::string, std::string> by;  // what, to the member that has it
  void take(TableReader& table, std::string_view key, const std::string& what,
            const std::string& member, bool text = false) {
    const auto [at, fresh] = by.emplace((text ? "\"" : "") + what, member);
    if (!fresh)
      table.complain(key, std::string(key) + ": " + (text ? in_quotes(what) : what) +
                              " is already " +
                              (at->second.empty() ? "taken" : "that of " + in_quotes(at->second)));
  }
};

ClusterMember read_member(TableReader& table, const ClusterSettings& cluster, Taken& taken) {
  ClusterMember member;
  member.id = MemberId{static_cast<uint32_t>(table.integer("id", std::nullopt, 1, 65'535))};
  member.name = table.name<limits::kNameBytes>("name").str();
  if (!member.name.empty()) table.set_what("[[member]] " + member.name);
  member.role = table.choice("role", 0, {"sync", "learner"}) == 0 ? Role::kSync : Role::kLearner;
  const auto replication = read_endpoint(table, "replication", true);
  const auto order_entry = read_endpoint(table, "order_entry", true);
  member.operator_api = read_endpoint(table, "operator", false);
  member.mesh = read_endpoint(table, "mesh", false);
  member.state_directory = table.text("state_directory", "", kPathBytes);
  if (table.has("id")) taken.take(table, "id", std::to_string(member.id.value), member.name);
  if (!member.name.empty()) taken.take(table, "name", member.name, "", true);
  const auto port = [&](const char* key, const std::optional<Endpoint>& endpoint) {
    if (endpoint) taken.take(table, key, to_text(*endpoint), member.name);
  };
  port("replication", replication);
  port("order_entry", order_entry);
  port("operator", member.operator_api);
  port("mesh", member.mesh);
  member.replication = replication.value_or(Endpoint{});
  member.order_entry = order_entry.value_or(Endpoint{});
  if (!member.state_directory.empty())
    taken.take(table, "state_directory", member.state_directory, member.name, true);
  if (replication && !loopback(replication->address)) {
    if (!cluster.tls)
      table.complain("replication",
                     "replication: outside loopback members prove themselves by certificates; add "
                     "[cluster.tls] with ca, certificate and key");
  }
  if (member.mesh && !loopback(member.mesh->address) && !cluster.tls)
    table.complain("mesh",
                   "mesh: outside loopback members prove themselves by certificates; add "
                   "[cluster.tls] with ca, certificate and key");
  table.finish();
  return member;
}

// The embedded arbiter is a folder of one machine.
void check_one_machine(TableReader& root, const ClusterSettings& cluster) {
  if (cluster.etcd || cluster.arbiter_directory.empty()) return;
  std::set<std::string> hosts;
  for (const auto& member : cluster.members)
    hosts.insert(loopback(member.replication.address) ? "loopback" : member.replication.address);
  if (hosts.size() > 1)
    root.complain("cluster", "the embedded arbiter serves members on one machine, these are on " +
                                 std::to_string(hosts.size()) + "; take arbiter = \"etcd\"");
}

GroupId group_named(TableReader& table, const std::string& name, const NodeSettings& node,
                    const std::vector<VenueSettings>& venues) {
  std::vector<std::string> known;
  for (uint32_t shard = 0; shard < node.shards; ++shard) {
    known.push_back("orders/" + std::to_string(shard));
    if (name == known.back()) return GroupId{1 + shard};
  }
  for (const auto& venue : venues) {
    known.push_back("venues/" + venue.entry.name.str());
    if (name == known.back()) return venue.entry.group;
  }
  known.push_back("orchestrator");
  if (name == known.back()) return kOrchestratorGroup;
  const auto close = nearest(name, known);
  table.complain(
      "name",
      "name: there is no group " + in_quotes(name) +
          (close.empty() ? "; groups are orders/N for each of the " + std::to_string(node.shards) +
                               " shards, venues/NAME for each venue, and orchestrator"
                         : "; did you mean " + in_quotes(close) + "?"));
  return {};
}

ClusterGroup read_group(TableReader& table, const ClusterSettings& cluster,
                        const NodeSettings& node, const std::vector<VenueSettings>& venues) {
  ClusterGroup group;
  group.name = table.name<limits::kNameBytes + 8>("name").str();
  if (!group.name.empty()) {
    table.set_what("[[group]] " + group.name);
    group.group = group_named(table, group.name, node, venues);
  }
  std::vector<std::string> names;
  for (const auto& member : cluster.members) names.push_back(member.name);
  for (const auto& word : table.names<limits::kNameBytes>("prefer", limits::kGroupMembersMax)) {
    const auto* member = cluster.find(word.view());
    const auto close = nearest(word.view(), names);
    if (member == nullptr)
      table.complain("prefer",
                     "prefer: there is no [[member]] " + in_quotes(word.view()) +
                         (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?"));
    else if (member->role == Role::kLearner)
      table.complain("prefer", "prefer: " + in_quotes(word.view()) +
                                   " is a learner, which leads by force only");
    else
      group.prefer.push_back(member->id);
  }
  group.unprotected = read_unprotected(table);
  table.finish();
  return group;
}

}  // namespace

void read_cluster(const Document& document, const NodeSettings& node,
                  const std::vector<VenueSettings>& venues, ClusterSettings& cluster,
                  Problems& problems) {
  TableReader root(document, document.root, "cluster.toml", problems);
  if (auto table = root.table("cluster"))
    read_cluster_table(*table, cluster);
  else if (!root.has("cluster"))
    root.note("cluster", "a table [cluster] with name and arbiter");
  Taken taken;
  for (auto& table : root.tables("member", true, limits::kGroupMembersMax))
    cluster.members.push_back(read_member(table, cluster, taken));
  const auto sync = [](const ClusterMember& m) { return m.role == Role::kSync; };
  if (!cluster.members.empty() &&
      std::none_of(cluster.members.begin(), cluster.members.end(), sync))
    root.complain("member", "all members are learners, so none could lead; make one \"sync\"");
  check_one_machine(root, cluster);
  std::set<std::string> groups;
  for (auto& table : root.tables("group", false, limits::kGroupsPerNodeMax)) {
    auto group = read_group(table, cluster, node, venues);
    if (!group.name.empty() && !groups.insert(group.name).second)
      table.complain("name", "name: the group " + in_quotes(group.name) + " is there twice");
    cluster.groups.push_back(std::move(group));
  }
  root.finish();
}

}  // namespace holdfast::settings
