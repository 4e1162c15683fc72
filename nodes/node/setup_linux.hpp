// From configuration to what rooms are made of: one function a room, each filling that room's own
// setup from the settings that were read. No actors, no files opened here.
#pragma once

#include <ctime>

#include "actors/ingress/settings.hpp"
#include "actors/venues/drop_copy/drop_copy_link.hpp"
#include "actors/venues/session_quickfix.hpp"
#include "nodes/settings/settings.hpp"

namespace holdfast::node {

/// Group ids of a node's order shards and venue gateways. Part of the journal's identity: never
/// change them.
inline constexpr GroupId shard_group(uint32_t shard) { return {1 + shard}; }
/// Paths in the actor tree; the console shows them and operators name them.
inline constexpr const char* kRootPath = "node";
std::string shard_path(uint32_t shard);
std::string manager_path(uint32_t shard);
std::string risk_path(uint32_t shard);
std::string routing_path(uint32_t shard);
std::string gateway_path(const VenueName& venue);

/// All groups that a node is a member of.
std::vector<GroupId> groups_of(const settings::Settings& settings);
/// Name of a group for people: "orders/0", "venue/XSIM".
std::string group_name(const settings::Settings& settings, GroupId group);

/// kInvalid when a credential's hash is malformed.
Result<ingress::Settings> ingress_settings(const settings::Settings& settings, uint16_t port);
venues::SessionIdentity session_identity(const settings::VenueSettings& venue);
/// `venue.drop_copy` must be there.
venues::DropCopySetup drop_copy_setup(const settings::VenueSettings& venue);
/// `now` (UTC) settles which offset the schedule's time zone has; kInvalid when the zone is
/// unknown.
Result<venues::SessionRules> session_rules(const settings::VenueSettings& venue, WallTime now);

}  // namespace holdfast::node
