// The life of one order as a pure state machine: one explicit table of (state, event), a few facts
// that the states alone do not hold (quantities, the pending request, whether the venue is known to
// have it), and one function. Cancel and replace races follow FIX 4.4 volume 4, appendix D. Illegal
// pairs are named outcomes: ignored and counted, or, where money moved, booked and flagged. It
// knows nothing of books, venues or time.
#pragma once

#include "messages/order.hpp"
#include "messages/order_event.hpp"

namespace holdfast::orders {

inline constexpr int kOrderStates = static_cast<int>(OrderState::kNotSent) + 1;

/// What became of an event.
enum class Disposition : uint8_t {
  kApplied,      // legal
  kUnchanged,    // legal and nothing new
  kUnsolicited,  // nobody asked for it, but the venue's word counts: applied and counted
  kBookedLate,   // money on an order that is done: booked, flagged, counted; the state stays
  kAnomaly,      // contradicts what is known: ignored and counted
  kRefused,      // a request that can't be done now: `refusal` tells why
  kDeferred,     // a cancel behind a pending replace: goes out when that is answered
};
std::string_view name_of(Disposition disposition);

/// A cancel or replace that the venue has not answered.
enum class Pending : uint8_t { kNone, kCancel, kReplace };

/// What the machine needs to know of an order. `leaves` is zero in terminal states.
struct OrderFacts {
  OrderState state = OrderState::kNew;
  Pending pending = Pending::kNone;
  bool acknowledged = false;     // the venue has shown that it has the order
  bool lost = false;             // the outcome at the venue is not known
  bool cancel_deferred = false;  // a cancel waits for the pending replace's answer
  Quantity quantity;             // OrderQty
  Quantity cumulative;           // CumQty
  Quantity leaves;               // LeavesQty
  friend bool operator==(const OrderFacts&, const OrderFacts&) = default;
};

/// The numbers that come with an event. `amount`: kFill LastQty; kReplace the new OrderQty;
/// kTradeCancel the quantity taken back; kTradeCorrect the new quantity, `previous` what it was.
/// `answers`: the report is the answer to the pending request (its ClOrdID is the request's).
struct EventFacts {
  Quantity amount;
  Quantity previous;
  bool answers = false;
};

/// An event's outcome: the facts after it, also when nothing changed.
struct Step {
  Disposition disposition = Disposition::kAnomaly;
  Reason refusal = Reason::kNone;
  OrderFacts after;
  bool overfill = false;        // the venue executed more than was left: booked, an alarm
  bool release_cancel = false;  // the deferred cancel must go out now
};

/// One event on one order. Total: every pair of state and event has an outcome.
Step step(const OrderFacts& facts, OrderEvent event, const EventFacts& numbers = {});

/// True where the table lets `event` change an order in `state`.
bool legal(OrderState state, OrderEvent event);

}  // namespace holdfast::orders
