#include "nodes/settings/cluster_settings.hpp"

#include <algorithm>
#include <charconv>

namespace holdfast::settings {
namespace {

const ClusterGroup* group_of(const std::vector<ClusterGroup>& groups, GroupId group) {
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](const ClusterGroup& g) { return g.group == group; });
  return found == groups.end() ? nullptr : &*found;
}

}  // namespace

std::string to_text(const Endpoint& endpoint) {
  const bool brackets = endpoint.address.find(':') != std::string::npos;
  return (brackets ? "[" + endpoint.address + "]" : endpoint.address) + ":" +
         std::to_string(endpoint.port);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;  // an IPv6 address without brackets: which colon is the port's?
  }
  const auto printable = [](unsigned char c) { return c > 0x20 && c < 0x7f; };
  if (host.empty() || !std::all_of(host.begin(), host.end(), printable) ||
      host.find('/') != std::string_view::npos)
    return std::nullopt;
  Endpoint endpoint{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error != std::errc{} || end != port.data() + port.size() || endpoint.port == 0)
    return std::nullopt;
  return endpoint;
}

const ClusterMember* ClusterSettings::find(std::string_view member) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const ClusterMember& m) { return m.name == member; });
  return found == members.end() ? nullptr : &*found;
}

const ClusterMember* ClusterSettings::find(MemberId member) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [&](const ClusterMember& m) { return m.id == member; });
  return found == members.end() ? nullptr : &*found;
}

std::vector<replication::MemberConfig> ClusterSettings::members_of(GroupId group) const {
  std::vector<replication::MemberConfig> out;
  const auto* own = group_of(groups, group);
  const auto preferred = own ? own->prefer : std::vector<MemberId>();
  for (const auto id : preferred)
    if (const auto* member = find(id)) out.push_back({member->id, member->role});
  // Who decides about failures is best away from who leads the orders.
  auto order = members;
  if (group == kOrchestratorGroup && !own) std::reverse(order.begin(), order.end());
  for (const auto& member : order)
    if (std::find(preferred.begin(), preferred.end(), member.id) == preferred.end())
      out.push_back({member.id, member.role});
  return out;
}

replication::Unprotected ClusterSettings::unprotected_of(GroupId group) const {
  const auto* own = group_of(groups, group);
  return own && own->unprotected ? *own->unprotected : unprotected;
}

}  // namespace holdfast::settings
