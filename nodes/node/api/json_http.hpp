// The operator API's structs as JSON. The field names are the API's contract (README.md): they are
// added to, never renamed. Money and quantities are decimal text, times ISO 8601 in UTC with
// nanoseconds, order ids "SHARD-NUMBER"; what is not there is null.
#pragma once

#include <nlohmann/json.hpp>

#include "nodes/node/api/operator_backend.hpp"

namespace holdfast::operator_api {

using Json = nlohmann::ordered_json;

/// "2026-11-20T18:41:33.123456789Z", or null for zero.
Json time_json(WallTime time);

/// "orders/0" for the group of shard 0.
std::string shard_name(GroupId group);

Json to_json(const AsOf& as_of);
Json to_json(const HealthView& view);
Json to_json(const TreeNodeView& view);
Json to_json(const OrderView& view);
Json to_json(const OrderPage& page);
Json to_json(const OrderHistory& history);
Json to_json(const KillSwitch& kill);
Json to_json(const RiskView& view);
Json to_json(const FanOutView& view);
Json to_json(const ReloadView& view);
Json to_json(const VenueSessionView& view);
Json to_json(const VenuesView& view);
Json to_json(const VenueCommandAnswer& answer);
Json to_json(const ReconciliationAnswer& answer);
Json to_json(const JournalView& view);
Json to_json(const ReplicaGroupsView& view);
Json to_json(const OrchestratorView& view);
Json to_json(const HandOverView& view);
Json to_json(const BackupView& view);
Json to_json(const RestartView& view);

}  // namespace holdfast::operator_api
