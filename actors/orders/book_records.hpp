// What the book of record keeps for each order, request, execution and report: flat structs with
// names interned to numbers, so that a shard holds millions of orders and writes them out fast. A
// reference to a record is its number, from 1; zero is none. No behaviour here.
#pragma once

#include "actors/orders/order_state.hpp"
#include "actors/orders/report_stream.hpp"
#include "actors/orders/segmented.hpp"
#include "messages/execution.hpp"

namespace holdfast::orders {

/// One order. About 260 bytes.
struct OrderRecord {
  OrderFacts facts;
  Price price;  // now
  Price received_price;
  Quantity received_quantity;
  Notional cumulative_notional;  // sum of last price × last quantity
  TraceId trace;
  WallTime created, updated;
  Index created_index;
  LimitsVersion limits;  // in force at its admission
  Ref account = 0, symbol = 0, attribution = 0;
  Ref history_first = 0, history_last = 0;  // chunks
  Ref open_previous = 0, open_next = 0;     // neighbours in the account's list of open orders
  Ref confirmed_request = 0;                // the last replace that the venue confirmed
  Ref pending_request = 0;                  // what the venue has not answered
  Ref deferred_request = 0;                 // the cancel that waits behind it
  uint16_t venue = 0;                       // 1 + index in the reference data's venues
  uint16_t history_steps = 0, history_dropped = 0;
  uint16_t wire_last = 0;       // request numbers: the last that was given out,
  uint16_t wire_confirmed = 0;  // the one the venue knows the order by,
  uint16_t wire_pending = 0;    // and that of the pending request
  Reason reason = Reason::kNone;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  bool admitted = false;  // was handed to a venue group
  bool listed = false;    // is in its account's list of open orders
  bool flagged = false;   // has had an anomaly, a late fill or an overfill
  ClientOrderId client_order_id;
  VenueOrderId venue_order_id;
  friend bool operator==(const OrderRecord&, const OrderRecord&) = default;
};

enum class RequestKind : uint8_t { kCancel = 1, kReplace, kMassCancel };
enum class RequestOutcome : uint8_t {
  kRefused = 1,  // by us
  kDeferred,     // waits behind a pending replace
  kRouted,
  kConfirmed,
  kRejected,  // by the venue, or never reached it
};

/// One cancel, replace or mass cancel: kept so that the same request has the same outcome.
struct RequestRecord {
  ClientOrderId client_order_id;  // empty: an operator's or a mass cancel's own cancel of one order
  ClientOrderId original;         // as named by the client
  Ref account = 0, order = 0, symbol = 0;
  RequestKind kind = RequestKind::kCancel;
  RequestOutcome outcome = RequestOutcome::kRouted;
  Reason reason = Reason::kNone;
  uint16_t wire = 0;
  uint32_t affected = 0;  // mass cancel
  Price price;
  Quantity quantity;
  TraceId trace;
  friend bool operator==(const RequestRecord&, const RequestRecord&) = default;
};

/// One report by its (venue, trade date, ExecID, side), as a 128-bit hash, and what it booked.
struct ExecutionRecord {
  uint64_t key_high = 0, key_low = 0;
  Ref order = 0;
  Quantity quantity;
  Price price;
  friend bool operator==(const ExecutionRecord&, const ExecutionRecord&) = default;
};

/// One step of an order's history.
struct StepRecord {
  WallTime time;
  Index index;
  Quantity quantity;
  Price price;
  Ref request = 0;
  Reason reason = Reason::kNone;
  OrderEvent event = OrderEvent::kValidate;
  OrderState from = OrderState::kNew, to = OrderState::kNew;
  bool anomaly = false;
  friend bool operator==(const StepRecord&, const StepRecord&) = default;
};
/// Steps of one order, two at a time: most orders are accepted, then done.
struct StepChunk {
  StepRecord steps[2];
  Ref next = 0;
  friend bool operator==(const StepChunk&, const StepChunk&) = default;
};

/// What is kept for an account.
struct AccountRecord {
  Account name;
  Ref open_first = 0, open_last = 0;  // open orders by rising number
  uint32_t open = 0;
  ReportStream reports;
};

}  // namespace holdfast::orders
