// What ingress and an order shard say to each other. Batches travel as one message, since a hop is
// paid by the message; the shard answers with batches too. Ingress never sees orders' own headers.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "messages/execution.hpp"

namespace holdfast {

/// One request of an authenticated client. `deadline` (monotonic): if it has not been decided by
/// then it is refused with kDeadlineMissed; nothing is ever dropped silently.
struct OrderRequest {
  RequestTicket ticket;
  ClientId client;
  MonoTime deadline;
  std::variant<NewOrder, CancelOrder, ReplaceOrder, MassCancel> body;
};
using OrderRequestBatch = std::shared_ptr<const std::vector<OrderRequest>>;
using OrderReplyBatch = std::shared_ptr<const std::vector<OrderReply>>;
using ExecutionReportBatch = std::shared_ptr<const std::vector<ExecutionReport>>;

/// The account that a request is for: it selects the shard.
inline const Account& account_of(const OrderRequest& request) {
  return std::visit([](const auto& body) -> const Account& { return body.account; }, request.body);
}

/// The shard of an account: FNV-1a of its bytes modulo `shards`. Part of the journal's format:
/// never change it.
inline uint32_t shard_of(const Account& account, uint32_t shards) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (unsigned char c : account.view()) hash = (hash ^ c) * 0x100000001b3ull;
  return static_cast<uint32_t>(hash % shards);
}

/// Asks for an account's reports from sequence `from` on (1 = all that is kept), then live.
/// Reports come as ExecutionReportBatch with the same `session`; a batch never has a gap inside.
struct SubscribeReports {
  SessionId session;
  Account account;
  ReportSeq from;
};
struct UnsubscribeReports {
  SessionId session;
  Account account;
};
/// Answer to SubscribeReports: what is kept. If `first_kept` > `from`, the reports between are
/// gone: query orders.
struct ReportsSubscribed {
  SessionId session;
  Account account;
  ReportSeq first_kept, last;
};
/// Reports for one subscription.
struct ReportsForSession {
  SessionId session;
  Account account;
  ExecutionReportBatch reports;
};

/// One order as it stands, for queries (client and console).
struct OrderView {
  OrderId order;
  NewOrder request;  // as received
  OrderState state = OrderState::kNew;
  ClientOrderId client_order_id;  // current: that of the last confirmed replace, or the order's own
  Price price;                    // current
  Quantity quantity;              // current OrderQty
  Quantity cumulative_quantity, leaves_quantity;
  Notional cumulative_notional;  // sum of last price × last quantity
  VenueName venue;
  WireOrderId wire_order_id;  // ClOrdID confirmed at the venue
  VenueOrderId venue_order_id;
  Reason reason = Reason::kNone;
  ReasonText text;
  WallTime created, updated;
  Index as_of;  // journal index of the group that this view shows
};

/// Asks for one order by the client order id that it was submitted, or last replaced, under.
struct OrderQuery {
  RequestTicket ticket;
  ClientId client;
  Account account;
  ClientOrderId client_order_id;
};
/// Answer to OrderQuery. `view` means something only when `found`; `reason` says why nothing can be
/// said (kUnknownOrder: committed knowledge that there is none; kNotServing: ask again).
struct OrderQueryReply {
  RequestTicket ticket;
  bool found = false;
  Reason reason = Reason::kNone;
  OrderView view;
};

}  // namespace holdfast
