// What a client hears about its orders: the reply to a request, and the stream of execution
// reports. Both are effects of committed events. A reply is best effort (ask again with the same
// client order id and hear the same outcome); the report stream of an account is numbered without
// gaps and can be resumed.
#pragma once

#include "messages/order.hpp"

namespace holdfast {

using ReasonText = Text<limits::kReasonTextBytes>;

/// Names the request that a reply answers: the ingress session and its own request number.
struct RequestTicket {
  SessionId session;
  uint64_t request = 0;
  friend bool operator==(const RequestTicket&, const RequestTicket&) = default;
};

/// The outcome of one request, released only when everything it depends on is committed.
struct OrderReply {
  RequestTicket ticket;
  bool accepted = false;
  bool duplicate = false;  // the same request was seen before; this is its outcome then or now
  Reason reason = Reason::kNone;
  ReasonText text;  // in words, with the numbers used where there are any
  OrderId order;
  OrderState state = OrderState::kNew;
  Durability durability = Durability::kMemory;
  uint32_t affected = 0;  // mass cancel: orders for which a cancel was routed
  friend bool operator==(const OrderReply&, const OrderReply&) = default;
};

/// ExecType (150), by FIX's own meaning; kUnknown and kNotSent are ours (outcome lost, proven not
/// sent).
enum class ExecType : uint8_t {
  kNew,
  kTrade,
  kCancelled,
  kReplaced,
  kRejected,
  kExpired,
  kCancelRejected,
  kPendingCancel,
  kPendingReplace,
  kUnknown,
  kNotSent,
  kTradeCancel,
  kTradeCorrect,
};
std::string_view name_of(ExecType type);

/// One execution report of an account's stream.
struct ExecutionReport {
  ReportSeq sequence;  // 1, 2, 3, … in the account's stream
  Account account;
  OrderId order;
  ClientOrderId client_order_id;  // of the request that this answers
  ClientOrderId original;         // of the order, when a cancel or replace is answered
  ExecType type = ExecType::kNew;
  OrderState state = OrderState::kNew;
  Symbol symbol;
  Side side = Side::kBuy;
  Price price;
  Quantity quantity;  // OrderQty now
  Quantity last_quantity;
  Price last_price;
  Quantity cumulative_quantity;
  Quantity leaves_quantity;
  ExecId exec_id;
  VenueName venue;
  Reason reason = Reason::kNone;
  ReasonText text;
  WallTime time;  // journaled
  TraceId trace;
  friend bool operator==(const ExecutionReport&, const ExecutionReport&) = default;
};

}  // namespace holdfast
