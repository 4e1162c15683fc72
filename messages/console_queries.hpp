// What operators ask an order shard, and what it answers: pages of orders, one order's history,
// counts. Every answer names the journal index that it shows, and is released only when that index
// is committed, so no operator sees what a crash could take back. Asked by message; the answer goes
// to the asker with the same `ticket`.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "messages/instruments.hpp"
#include "messages/order_entry.hpp"
#include "messages/order_event.hpp"
#include "messages/venue_exchange.hpp"

namespace holdfast {

inline constexpr uint32_t kOrdersPageMax = 1'000;

/// Which orders; what is empty matches all, conditions are joined by "and". Answer: OrdersPage.
struct OrdersQuery {
  uint64_t ticket = 0;  // the asker's own number, returned
  Account account;
  Symbol symbol;
  ClientOrderId client_order_id;
  std::optional<OrderState> state;
  bool open_only = false;
  OrderId after;         // the last id of the page before
  uint32_t limit = 100;  // at most kOrdersPageMax
};
struct OrdersPage {
  uint64_t ticket = 0;
  GroupId group;
  Epoch epoch;
  Index as_of;
  std::vector<OrderView> orders;  // by rising id
  bool more = false;              // ask again with after = the last id, or `scanned`
  OrderId scanned;                // the last id looked at: where to go on when `orders` is short
};

/// One order, by its id, or when that is zero by account and client order id (of the order or of
/// any of its cancels and replaces). Answer: OrderHistory.
struct OrderHistoryQuery {
  uint64_t ticket = 0;
  OrderId order;
  Account account;
  ClientOrderId client_order_id;
};

/// One policy's verdict, with the numbers it compared.
struct PolicyCheck {
  Reason policy = Reason::kNone;  // what it would have refused with
  bool passed = true;
  int64_t value = 0;  // as the policy measures it, units of 1e-8 where it is money or quantity
  int64_t limit = 0;
  friend bool operator==(const PolicyCheck&, const PolicyCheck&) = default;
};

/// One step of an order: what happened, and what it changed.
struct OrderStep {
  Epoch epoch;  // zero where only the index is kept
  Index index;  // the journal entry
  WallTime time;
  OrderEvent event = OrderEvent::kValidate;
  OrderState from = OrderState::kNew, to = OrderState::kNew;
  Reason reason = Reason::kNone;
  bool anomaly = false;           // illegal or late: counted; money is booked all the same
  ClientOrderId client_order_id;  // of the cancel or replace behind it, if any
  Quantity last_quantity;         // fills; after a replace the new OrderQty
  Price last_price;               // fills; after a replace the new Price
};

struct OrderHistory {
  uint64_t ticket = 0;
  bool found = false;
  GroupId group;
  Index as_of;
  OrderView order;
  std::vector<OrderStep> steps;       // oldest first
  uint32_t steps_dropped = 0;         // beyond what is kept for one order
  std::vector<PolicyCheck> checks;    // of its admission, as journaled
  LimitsVersion limits;               // in force at its admission
  std::vector<WireOrderId> wire_ids;  // every ClOrdID it went out under, oldest first
};

/// Counts of one shard. Answer: ShardView.
struct ShardQuery {
  uint64_t ticket = 0;
};
/// What a shard owes to and has heard from one venue group.
struct VenueLinkView {
  VenueName venue;
  GroupId group;
  uint64_t outbox = 0;           // items the gateway has not journaled yet
  uint64_t in_flight = 0;        // requests the venue has not answered
  uint64_t in_flight_limit = 0;  // zero: none
  OutboxSeq sent, acknowledged;  // our items
  OutboxSeq taken;               // the gateway's items: our cursor
};
struct ShardView {
  uint64_t ticket = 0;
  GroupId group;
  Epoch epoch;
  Index as_of;
  bool leading = false, serving = false;
  uint64_t orders = 0, open = 0, unknown = 0;
  uint64_t anomalies = 0, late_fills = 0, duplicate_reports = 0;
  uint64_t waiting = 0;  // requests between intake and decision
  uint64_t refused_risk_unavailable = 0, refused_deadline = 0, refused_full = 0, quarantined = 0;
  uint64_t state_hash = 0;  // of the state at as_of; zero while it is not computed
  LimitsVersion limits;
  std::vector<VenueLinkView> links;
};

/// Outcome of an operator's command at one shard, after it is committed. For a kill: after a cancel
/// was routed for every open order in its scope. The venues' answers come as execution reports.
struct ShardCommandDone {
  uint64_t ticket = 0;
  GroupId group;
  bool ok = false;
  std::string text;        // why not, what to do
  Index index;             // where it was journaled
  uint64_t orders = 0;     // kill: open orders in scope
  uint64_t cancelled = 0;  // of those, cancels routed by this command
  uint64_t pending = 0;  // of those, already being cancelled (or will be, after a pending replace)
  uint64_t refused = 0;  // of those, for which no cancel could be routed (outbox full)
};

/// Instruments and venues as a command: replaces what may be traded from here on. Answer:
/// ShardCommandDone.
struct LoadReference {
  uint64_t ticket = 0;
  uint64_t version = 0;
  std::shared_ptr<const ReferenceData> data;
};

/// The price that collars are held against until the next trade. Answer: ShardCommandDone.
struct SetReferencePrice {
  uint64_t ticket = 0;
  Symbol symbol;
  Price price;
};

/// Routes a cancel for every open order (the node stops); no kill is set or ended. Answer:
/// ShardCommandDone, as for a kill.
struct CancelOpenOrders {
  uint64_t ticket = 0;
};

/// A kill switch as a command with a ticket. Answer: ShardCommandDone.
struct SetKill {
  uint64_t ticket = 0;
  KillSwitch kill;
};

using OrdersPageAnswer = std::shared_ptr<const OrdersPage>;
using OrderHistoryAnswer = std::shared_ptr<const OrderHistory>;
using ShardViewAnswer = std::shared_ptr<const ShardView>;

}  // namespace holdfast
