// What an order shard is asked (commands), what happens in it (events: its journal's content), and
// what it tells the world once that is committed (effects). One event carries a whole admission
// (validated, judged by risk, routed or refused), because the three stages share one journal.
#pragma once

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "actors/orders/book_records.hpp"
#include "actors/risk/delta.hpp"
#include "actors/routing/routing.hpp"
#include "messages/console_queries.hpp"
#include "messages/instruments.hpp"
#include "messages/order_entry.hpp"
#include "messages/risk_view.hpp"

namespace holdfast::orders {

// ---- events

/// A new order and everything that was decided about it. Routed, blocked by risk, or refused.
struct OrderAdmitted {
  NewOrder order;
  bool routed = false;
  uint16_t venue = 0;  // 1 + its link's index, when routed
  Reason reason = Reason::kNone;
  ReasonText text;
  std::optional<risk::RiskDecision> decision;  // none when refused before risk was asked
  // Not journaled: who asked, and whether the risk actor's copy has it already.
  RequestTicket ticket;
  bool by_stage = false;
  friend bool operator==(const OrderAdmitted&, const OrderAdmitted&) = default;
};

/// A cancel or replace and what was decided about it.
struct RequestAdmitted {
  RequestKind kind = RequestKind::kCancel;
  Account account;
  ClientOrderId client_order_id;
  ClientOrderId original;
  Ref order = 0;  // zero: unknown
  RequestOutcome outcome = RequestOutcome::kRouted;
  Reason reason = Reason::kNone;
  ReasonText text;
  Price price;
  Quantity quantity;
  TraceId trace;
  std::optional<risk::RiskDecision> decision;  // replaces that risk was asked about
  RequestTicket ticket;                        // not journaled
  bool by_stage = false;                       // not journaled
  friend bool operator==(const RequestAdmitted&, const RequestAdmitted&) = default;
};

/// One item of a venue group's outbox was taken: the cursor moves and the report counts, together.
struct ReportTaken {
  GroupId group;
  Epoch epoch;
  OutboxSeq sequence;
  VenueReport report;
  friend bool operator==(const ReportTaken&, const ReportTaken&) = default;
};

/// The venue group has journaled our items up to here: they are pruned.
struct OutboxAcknowledged {
  GroupId group;
  OutboxSeq upto;
  friend bool operator==(const OutboxAcknowledged&, const OutboxAcknowledged&) = default;
};

/// A mass cancel or a full kill begins: the open orders in its scope are listed, to be cancelled
/// step by step. Any other kill, or its end, only sets the switch.
struct SweepStarted {
  bool is_kill = false;
  bool cancel_only = false;  // as a kill, but the switch stays as it is
  KillSwitch kill;
  Account account;  // mass cancel
  ClientOrderId client_order_id;
  Symbol symbol;
  TraceId trace;
  RequestTicket ticket;          // not journaled
  uint64_t operator_ticket = 0;  // not journaled
  bool by_stage = false;         // not journaled
  friend bool operator==(const SweepStarted&, const SweepStarted&) = default;
};
/// The oldest sweep goes on, by at most `orders`.
struct SweepAdvanced {
  uint32_t orders = 0;
  friend bool operator==(const SweepAdvanced&, const SweepAdvanced&) = default;
};

/// What may be traded, and where. Venues are only ever added; an instrument that is gone refuses
/// new orders.
struct ReferenceLoaded {
  uint32_t shard = 0;
  uint64_t version = 0;
  std::shared_ptr<const ReferenceData> data;
  friend bool operator==(const ReferenceLoaded& a, const ReferenceLoaded& b) {
    return a.shard == b.shard && a.version == b.version &&
           (a.data == b.data || (a.data && b.data && *a.data == *b.data));
  }
};

/// Limits, restricted list, reference price or position: risk's own inputs.
struct RiskChanged {
  risk::RiskDelta delta;
  friend bool operator==(const RiskChanged&, const RiskChanged&) = default;
};

using ShardEvent = std::variant<OrderAdmitted, RequestAdmitted, ReportTaken, OutboxAcknowledged,
                                SweepStarted, SweepAdvanced, ReferenceLoaded, RiskChanged>;

// ---- commands

/// One request, judged here: the uncut shard. `venues` is volatile and only steers routing. Both
/// outlive the decision.
struct Submit {
  const OrderRequest* request = nullptr;
  const routing::RoutingState* venues = nullptr;
};

/// One request with the verdicts of the risk and routing actors: the shard cut at its hops.
struct JudgedRequest {
  OrderRequest request;
  Reason refusal = Reason::kNone;  // it waited past its deadline, or risk was away
  std::optional<risk::RiskDecision> decision;
  std::optional<routing::RouteDecision> route;
  bool counted = false;  // the risk actor has counted its message, without judging it
};
struct Admit {
  const JudgedRequest* judged = nullptr;  // outlives the decision
};

/// A venue group's delivery: reports and its acknowledgement of ours. One command takes one report
/// (the shell submits one for each of `delivery->items` from `item` on), so that every decision
/// sees what the one before it changed.
struct TakeReport {
  const Delivery<VenueReport>* delivery = nullptr;  // outlives the decision
  std::size_t item = 0;
};
/// A bare acknowledgement, or the one that came with a delivery.
struct TakeAcknowledgement {
  GroupId from;
  OutboxSeq upto;
};

struct LoadReferenceData {
  uint64_t ticket = 0;
  uint32_t shard = 0;
  uint64_t version = 0;
  std::shared_ptr<const ReferenceData> data;
};
/// RestrictedLoaded, ReferencePriceSet, PositionSet, TrackingRestored, or LimitsLoaded under a
/// version that the sender chose. (LoadRisk gives versions itself.)
struct ChangeRisk {
  uint64_t ticket = 0;
  risk::RiskDelta delta;
};
/// The next piece of unfinished work (sweeps), when next_deadline is reached.
struct Tick {};

/// Reports of an account from a sequence on, at most `max`: how a subscriber catches up.
struct ReadReports {
  SessionId session;
  Account account;
  ReportSeq from;
  uint32_t max = 4'096;
  uint64_t subscription = 0;  // the shell's own number, returned
};
using Query = std::variant<ReadReports, OrderQuery, OrdersQuery, OrderHistoryQuery, ShardQuery,
                           ShardRiskQuery>;
struct Ask {
  Query query;
  uint64_t asker = 0;  // the shell's own number of who asked, returned
};

using ShardCommand = std::variant<Submit, Admit, TakeReport, TakeAcknowledgement, LoadReferenceData,
                                  ChangeRisk, LoadRisk, SetKill, CancelOpenOrders, Tick, Ask>;

// ---- effects

struct ReplyEffect {
  OrderReply reply;  // its durability is filled in by the shell
};
struct ReportEffect {
  ExecutionReport report;
};
/// The item `sequence` of the outbox towards `to` may go out; it is read from the state.
struct DeliverEffect {
  GroupId to;
  OutboxSeq sequence;
};
/// Everything of `to`'s outbox up to `cursor` is journaled here.
struct AcknowledgeEffect {
  GroupId to;
  OutboxSeq cursor;
};
/// A delivery left out items, or this group begins to lead: the peer is told the cursor.
struct ResyncEffect {
  GroupId to;
  OutboxSeq cursor;
};
/// What the risk actor's copy must follow. `number` counts all deltas of this process, so that
/// those which a rebuilt copy holds already can be told.
struct RiskEffect {
  uint64_t number = 0;
  risk::RiskDelta delta;
};
/// Reference data is in force: the routing actor must follow.
struct ReferenceEffect {
  std::shared_ptr<const ReferenceData> data;
};
/// Something contradicts what is known, or money came late: for logs and counters.
struct AnomalyEffect {
  OrderId order;
  OrderEvent event = OrderEvent::kValidate;
  Disposition disposition = Disposition::kAnomaly;
  OrderState state = OrderState::kNew;
  bool overfill = false;  // more than the order had left
  WireOrderId wire;       // what the report named, where there is no order of ours
  Quantity amount;        // of a fill
};

/// Reports for a subscriber that catches up. `caught_up`: from here on it hears live reports.
struct ReportsPage {
  SessionId session;
  Account account;
  ReportSeq first_kept, last;  // of the stream, when the page was made
  ReportSeq next;              // where to go on
  bool caught_up = false;
  uint64_t subscription = 0;
  std::vector<ExecutionReport> reports;
};
struct AnswerEffect {
  uint64_t asker = 0;
  std::variant<std::shared_ptr<ReportsPage>, OrderQueryReply, std::shared_ptr<OrdersPage>,
               std::shared_ptr<OrderHistory>, std::shared_ptr<ShardView>,
               std::shared_ptr<ShardRiskView>, ShardCommandDone>
      answer;
};

using ShardEffect =
    std::variant<ReplyEffect, ReportEffect, DeliverEffect, AcknowledgeEffect, ResyncEffect,
                 RiskEffect, ReferenceEffect, AnomalyEffect, AnswerEffect>;

}  // namespace holdfast::orders
