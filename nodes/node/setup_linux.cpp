#include "nodes/node/setup_linux.hpp"

#include "supervision/orchestrator/orchestrator.hpp"

#include <cstdlib>
#include <filesystem>

#include "actors/ingress/credentials_linux.hpp"
#include "actors/venues/drop_copy/drop_copy_quickfix.hpp"
#include "actors/venues/transport_linux.hpp"

namespace holdfast::node {

std::string shard_path(uint32_t shard) {
  return std::string(kRootPath) + "/orders/shard-" + std::to_string(shard);
}
std::string manager_path(uint32_t shard) { return shard_path(shard) + "/manager"; }
std::string risk_path(uint32_t shard) { return shard_path(shard) + "/risk"; }
std::string routing_path(uint32_t shard) { return shard_path(shard) + "/routing"; }
std::string gateway_path(const VenueName& venue) {
  return std::string(kRootPath) + "/venues/" + venue.str();
}

std::vector<GroupId> groups_of(const settings::Settings& settings) {
  std::vector<GroupId> groups;
  for (uint32_t shard = 0; shard < settings.node.shards; ++shard)
    groups.push_back(shard_group(shard));
  for (const auto& venue : settings.venues) groups.push_back(venue.entry.group);
  groups.push_back(orchestrator::kGroup);
  return groups;
}

std::string group_name(const settings::Settings& settings, GroupId group) {
  for (const auto& venue : settings.venues)
    if (venue.entry.group == group) return "venue/" + venue.entry.name.str();
  if (group.value >= 1 && group.value <= settings.node.shards)
    return "orders/" + std::to_string(group.value - 1);
  if (group == orchestrator::kGroup) return "orchestrator";
  return "group/" + std::to_string(group.value);
}

Result<ingress::Settings> ingress_settings(const settings::Settings& settings, uint16_t port) {
  const auto& from = settings.node.ingress;
  ingress::Settings to;
  const bool v6 = from.listen.address.find(':') != std::string::npos;
  to.listen =
      (v6 ? "[" + from.listen.address + "]" : from.listen.address) + ":" + std::to_string(port);
  if (from.tls)
    to.tls = client::TlsFiles{from.tls->certificate, from.tls->key, from.tls->client_ca};
  for (const auto& client : settings.clients) {
    auto hash = ingress::parse_hash(client.credential_sha256);
    if (!hash)
      return Error{ErrorCode::kInvalid, "client " + client.id.str() + ": " + hash.error().text};
    to.clients.push_back({client.id, hash.value(), client.accounts, 0});
  }
  to.shards = settings.node.shards;
  to.server_version = HOLDFAST_VERSION;
  to.durability = settings.node.journal.durability;
  to.credits = from.credits;
  to.sessions_max = from.sessions_max;
  to.request_deadline = from.request_deadline;
  to.answer_deadline = from.request_deadline + Duration::seconds(1);
  return to;
}

venues::SessionIdentity session_identity(const settings::VenueSettings& venue) {
  venues::SessionIdentity identity;
  identity.sender = venue.sender_comp_id;
  identity.target = venue.target_comp_id;
  identity.heartbeat_seconds = static_cast<uint32_t>(venue.heartbeat_interval.ms() / 1000);
  identity.dictionary = venue.dictionary;
  return identity;
}

venues::DropCopySetup drop_copy_setup(const settings::VenueSettings& venue) {
  const settings::DropCopySettings& copy = *venue.drop_copy;
  venues::SessionIdentity identity = session_identity(venue);
  identity.sender = copy.sender_comp_id;
  identity.target = copy.target_comp_id;
  venues::DropCopySetup setup;
  setup.sender = identity.sender;
  setup.target = identity.target;
  setup.endpoint = copy.host + ":" + std::to_string(copy.port);
  setup.make_session = venues::quickfix_drop_copies(std::move(identity));
  // It trades nothing: it needs a fence of its own, which nobody cuts.
  setup.make_transport = venues::tcp_transports({copy.host, copy.port}, venues::make_tcp_fence());
  return setup;
}

Result<venues::SessionRules> session_rules(const settings::VenueSettings& venue, WallTime now) {
  auto rules = venue.rules;
  if (venue.schedule) {
    const auto& schedule = *venue.schedule;
    if (!std::filesystem::exists("/usr/share/zoneinfo/" + schedule.time_zone))
      return Error{ErrorCode::kInvalid, "venue " + venue.entry.name.str() + ": no time zone '" +
                                            schedule.time_zone +
                                            "' in /usr/share/zoneinfo (package tzdata)"};
    setenv("TZ", schedule.time_zone.c_str(), 1);
    tzset();
    const std::time_t seconds = now.ns / 1'000'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    unsetenv("TZ");
    tzset();
    rules.schedule.always = false;
    rules.schedule.start = Duration::seconds(schedule.start);
    rules.schedule.end = Duration::seconds(schedule.end);
    rules.schedule.zone_offset = Duration::seconds(local.tm_gmtoff);
  }
  auto checked = venues::check(rules);
  if (!checked)
    return Error{ErrorCode::kInvalid,
                 "venue " + venue.entry.name.str() + ": " + checked.error().text};
  return rules;
}

}  // namespace holdfast::node
