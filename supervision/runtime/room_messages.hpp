// Declares the structs that rooms exchange as messages between actors of one process. They stand
// here once, since a message type may be declared only once and several rooms send each of them.
#pragma once

#include "messages/console_queries.hpp"
#include "messages/order_entry.hpp"
#include "messages/reconciliation_view.hpp"
#include "messages/risk_view.hpp"
#include "messages/venue_exchange.hpp"
#include "messages/venue_view.hpp"
#include "supervision/runtime/actor.hpp"

HOLDFAST_LOCAL_MESSAGE(holdfast::OrderRequestBatch)
HOLDFAST_LOCAL_MESSAGE(holdfast::OrderReplyBatch)
HOLDFAST_LOCAL_MESSAGE(holdfast::OrderQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::OrderQueryReply)
HOLDFAST_LOCAL_MESSAGE(holdfast::SubscribeReports)
HOLDFAST_LOCAL_MESSAGE(holdfast::UnsubscribeReports)
HOLDFAST_LOCAL_MESSAGE(holdfast::ReportsSubscribed)
HOLDFAST_LOCAL_MESSAGE(holdfast::ReportsForSession)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueRequestDelivery)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueReportDelivery)
HOLDFAST_LOCAL_MESSAGE(holdfast::GroupLeads)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueStatus)
HOLDFAST_LOCAL_MESSAGE(holdfast::KillSwitch)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueSessionQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueSessionView)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueCommand)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueCommandAnswer)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueKillApplied)
HOLDFAST_LOCAL_MESSAGE(holdfast::ReconciliationQuery)
HOLDFAST_LOCAL_MESSAGE(std::shared_ptr<const holdfast::ReconciliationView>)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueStop)
HOLDFAST_LOCAL_MESSAGE(holdfast::VenueStopped)

// Operators and an order shard. Large answers travel as shared pointers.
HOLDFAST_LOCAL_MESSAGE(holdfast::OrdersQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::OrdersPageAnswer)
HOLDFAST_LOCAL_MESSAGE(holdfast::OrderHistoryQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::OrderHistoryAnswer)
HOLDFAST_LOCAL_MESSAGE(holdfast::ShardQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::ShardViewAnswer)
HOLDFAST_LOCAL_MESSAGE(holdfast::ShardRiskQuery)
HOLDFAST_LOCAL_MESSAGE(std::shared_ptr<const holdfast::ShardRiskView>)
HOLDFAST_LOCAL_MESSAGE(holdfast::SetKill)
HOLDFAST_LOCAL_MESSAGE(holdfast::CancelOpenOrders)
HOLDFAST_LOCAL_MESSAGE(holdfast::LoadRisk)
HOLDFAST_LOCAL_MESSAGE(holdfast::LoadReference)
HOLDFAST_LOCAL_MESSAGE(holdfast::SetReferencePrice)
HOLDFAST_LOCAL_MESSAGE(holdfast::ShardCommandDone)
