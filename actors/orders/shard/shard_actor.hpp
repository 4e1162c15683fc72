// The order manager of one shard as an actor: ShardCore on its replica, cut at the hops to the risk
// and routing actors of its subtree. It turns messages into commands and committed effects into
// messages, and holds nothing that the journal does not: when it dies its supervisor makes it again
// and it rebuilds itself. What it may send to venues, clients and operators it gets from commits
// alone.
#pragma once

#include <functional>
#include <memory>

#include "actors/orders/shard/shard_memory.hpp"
#include "supervision/replication/journal/log.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::orders {

/// What an order shard's actor is made of. The same one serves for every restart.
struct ShardSetup {
  GroupId group;
  uint32_t shard = 0;
  /// The group's log, opened anew for each incarnation. Errors end the actor.
  std::function<Result<std::unique_ptr<replication::Log>>()> make_log;
  std::function<WallTime()> wall;
  /// The siblings and the gateways as they are now; null while there is none.
  std::function<ActorHandle()> find_risk, find_routing;
  std::function<ActorHandle(GroupId)> find_gateway;
  /// Loaded at every start; in force already: nothing happens. May be null.
  LoadReference reference;
  LoadRisk risk;
  std::shared_ptr<ShardMemory> memory = std::make_shared<ShardMemory>();
  /// One line for the log: a stable event name, words, and whether a person must look.
  std::function<void(std::string_view event, const std::string& text, bool alarm)> on_event;

  Duration patience = Duration::seconds(2);           // of a request that names no deadline
  Duration venue_grace = Duration::seconds(2);        // orders wait for a venue that went down
  Duration retransmit = Duration::milliseconds(200);  // to a gateway that makes no progress
  Duration look_up = Duration::milliseconds(2);       // for a sibling or gateway that is missing
  Duration check = Duration::milliseconds(5);         // of deadlines, while requests wait
};

/// Stops or resumes intake (shutdown, full disk): new orders and replaces hear kNotServing;
/// cancels, reports of venues and queries go on.
struct PauseOrders {
  bool paused = true;
};
/// Ends the quarantine of inputs and venue streams that made this shard fail. Answer:
/// ShardCommandDone.
struct ForgivePoison {
  uint64_t ticket = 0;
};

/// Takes from clients' ingress: OrderRequestBatch, OrderQuery, SubscribeReports, UnsubscribeReports
/// (answers: OrderReplyBatch, OrderQueryReply, ReportsSubscribed, ReportsForSession). From
/// gateways: VenueReportDelivery, GroupLeads, VenueStatus. From operators: SetKill,
/// CancelOpenOrders, LoadRisk,
/// LoadReference, SetReferencePrice, ForgivePoison (ShardCommandDone); OrdersQuery
/// (OrdersPageAnswer), OrderHistoryQuery (OrderHistoryAnswer), ShardQuery (ShardViewAnswer),
/// ShardRiskQuery (shared_ptr<const ShardRiskView>), LeafQuery (LeafPage).
ActorHandle spawn_shard(caf::actor_system& system, EventLoop& loop, const ShardSetup& setup);

}  // namespace holdfast::orders

HOLDFAST_LOCAL_MESSAGE(holdfast::orders::PauseOrders)
HOLDFAST_LOCAL_MESSAGE(holdfast::orders::ForgivePoison)
