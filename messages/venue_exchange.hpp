// What an order shard's group and a venue gateway's group send each other: items of an outbox, each
// with a sequence that the receiver journals as its cursor. Delivery is at-least-once and in order;
// the receiver refuses lower epochs, gaps and anything at or below its cursor. Volatile status
// (VenueStatus) is not journaled and only steers routing.
#pragma once

#include <memory>
#include <vector>

#include "messages/execution.hpp"

namespace holdfast {

enum class VenueRequestKind : uint8_t { kNew = 1, kCancel, kReplace, kStatus };

/// One request towards a venue. `wire` is the ClOrdID (11) it goes out under, `original`
/// OrigClOrdID (41).
struct VenueRequest {
  VenueRequestKind kind = VenueRequestKind::kNew;
  OrderId order;
  WireOrderId wire;
  WireOrderId original;           // cancel, replace
  VenueOrderId venue_order_id;    // when known
  ClientOrderId client_order_id;  // carried as SecondaryClOrdID (526), for the venue's own record
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  Price price;
  Quantity quantity;  // new OrderQty
  Attribution attribution;
  TraceId trace;
  WallTime intake;  // journaled time of the order's (or request's) intake: its age at a resend.
                    // At the gateway by the gateway's clock: two nodes' may be far apart
  friend bool operator==(const VenueRequest&, const VenueRequest&) = default;
};

enum class VenueReportKind : uint8_t {
  kAccepted = 1,  // ExecType New
  kRejected,      // by the venue, or by the gateway (reason tells)
  kFill,          // ExecType Trade
  kCancelled,
  kReplaced,
  kExpired,         // also done for day
  kCancelRejected,  // OrderCancelReject; `wire` is the request's
  kUnknown,         // the gateway can't tell (gap-filled at a failover); reconciliation follows
  kNotSent,         // proven never to have reached the venue
  kTradeCancel,
  kTradeCorrect,
  kStatus,  // answer to a status request: the fields as the venue sees the order now
};
std::string_view name_of(VenueReportKind kind);

/// One fact from a venue about one order.
struct VenueReport {
  VenueReportKind kind = VenueReportKind::kAccepted;
  OrderId order;         // zero when the gateway can't map it (then `wire` tells)
  WireOrderId wire;      // ClOrdID (11)
  WireOrderId original;  // OrigClOrdID (41)
  VenueOrderId venue_order_id;
  ExecId exec_id;
  ExecId exec_ref;          // ExecRefID (19), trade cancel and correct
  uint32_t trade_date = 0;  // yyyymmdd of TradeDate (75), else of TransactTime (60)
  Symbol symbol;
  Side side = Side::kBuy;
  OrderState venue_state = OrderState::kUnknown;  // OrdStatus (39) in our terms
  Price price;                                    // Price (44) after a replace
  Quantity quantity;                              // OrderQty (38) after a replace
  Quantity last_quantity;
  Price last_price;
  Quantity cumulative_quantity;
  Quantity leaves_quantity;
  Reason reason = Reason::kNone;
  ReasonText text;
  WallTime venue_time;  // TransactTime (60)
  bool possible_duplicate = false;
  bool drop_copy = false;
  friend bool operator==(const VenueReport&, const VenueReport&) = default;
};

/// Items of a sender group's outbox towards one receiver group, in order. `acknowledged` is the
/// sender's own cursor over the receiver's outbox (cumulative): everything up to it is journaled at
/// the sender. An empty `items` is a bare acknowledgement.
template <typename Item>
struct Delivery {
  GroupId from, to;
  Epoch epoch;      // of the sender's leadership
  OutboxSeq first;  // sequence of items[0]
  std::vector<Item> items;
  OutboxSeq acknowledged;
  WallTime sent;  // when it left, by the sender's clock; zero: not told
};
using VenueRequestDelivery = std::shared_ptr<const Delivery<VenueRequest>>;
using VenueReportDelivery = std::shared_ptr<const Delivery<VenueReport>>;

/// A group leads (again): its peers re-emit everything above `cursor` at once.
struct GroupLeads {
  GroupId group;
  Epoch epoch;
  OutboxSeq cursor;  // of the addressed peer's outbox
};

enum class VenueSessionState : uint8_t {
  kDown,
  kConnecting,
  kLogonSent,
  kRecovering,
  kOpen,
  kHalted,
  kKilled
};
std::string_view name_of(VenueSessionState state);

/// Volatile state of a venue session, for routing. Sent at every change and to every new shard.
struct VenueStatus {
  VenueName venue;
  GroupId group;
  VenueSessionState state = VenueSessionState::kDown;
  uint32_t in_flight = 0;
};

/// A kill (or its end) at a scope; empty texts mean "any". As a command it goes to every shard and
/// every gateway.
enum class KillScope : uint8_t { kFirm = 1, kDesk, kAccount, kAlgo };
enum class KillMode : uint8_t { kNone = 0, kReduceOnly = 1, kFull = 2 };
struct KillSwitch {
  KillScope scope = KillScope::kFirm;
  Text<limits::kNameBytes> name;  // the desk, account or algo; empty for the firm
  KillMode mode = KillMode::kFull;
  Label operator_name;
  ReasonText reason;
  friend bool operator==(const KillSwitch&, const KillSwitch&) = default;
};
std::string_view name_of(KillScope scope);
std::string_view name_of(KillMode mode);

}  // namespace holdfast
