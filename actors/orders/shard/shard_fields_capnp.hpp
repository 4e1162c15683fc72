// Each struct of the journal as one list of fields, used for writing and for reading, so that the
// two can't part. Reading checks every number against its type's range and remembers the first that
// is wrong. Internal to the shard's codec.
#pragma once

#include <capnp/message.h>

#include <cstring>
#include <string>

#include "actors/orders/shard/shard_events.hpp"
#include "messages/schema/orders_journal.capnp.h"

namespace holdfast::orders {

// ---- what a field holds, as a number

template <typename T>
requires(std::is_integral_v<T>) constexpr T raw(T value) { return value; }
template <typename T>
requires(std::is_enum_v<T>) constexpr auto raw(T value) {
  return static_cast<std::underlying_type_t<T>>(value);
}
template <typename Tag>
constexpr int64_t raw(FixedPoint<Tag> value) {
  return value.units;
}
template <typename Tag, typename T>
constexpr T raw(Id<Tag, T> id) {
  return id.value;
}
constexpr int64_t raw(WallTime time) { return time.ns; }

template <typename E>
constexpr bool known(unsigned value, E first, E last) {
  return value >= static_cast<unsigned>(first) && value <= static_cast<unsigned>(last);
}
inline bool known_value(unsigned v, Side) { return known(v, Side::kBuy, Side::kSell); }
inline bool known_value(unsigned v, OrderType) {
  return known(v, OrderType::kMarket, OrderType::kLimit);
}
inline bool known_value(unsigned v, TimeInForce) { return v <= 4 && v != 2; }
inline bool known_value(unsigned v, OrderState) {
  return known(v, OrderState::kNew, OrderState::kNotSent);
}
inline bool known_value(unsigned v, Pending) { return known(v, Pending::kNone, Pending::kReplace); }
inline bool known_value(unsigned v, Reason) { return name_of(static_cast<Reason>(v)) != "Unknown"; }
inline bool known_value(unsigned v, RequestKind) {
  return known(v, RequestKind::kCancel, RequestKind::kMassCancel);
}
inline bool known_value(unsigned v, RequestOutcome) {
  return known(v, RequestOutcome::kRefused, RequestOutcome::kRejected);
}
inline bool known_value(unsigned v, VenueReportKind) {
  return known(v, VenueReportKind::kAccepted, VenueReportKind::kStatus);
}
inline bool known_value(unsigned v, VenueRequestKind) {
  return known(v, VenueRequestKind::kNew, VenueRequestKind::kStatus);
}
inline bool known_value(unsigned v, ExecType) {
  return known(v, ExecType::kNew, ExecType::kTradeCorrect);
}
inline bool known_value(unsigned v, OrderEvent) {
  return known(v, OrderEvent::kValidate, OrderEvent::kShowOpen);
}
inline bool known_value(unsigned v, KillScope) {
  return known(v, KillScope::kFirm, KillScope::kAlgo);
}
inline bool known_value(unsigned v, KillMode) { return known(v, KillMode::kNone, KillMode::kFull); }

/// The first thing that was wrong.
class Wrong {
 public:
  void say(const char* field, const std::string& why) {
    if (text_.empty()) text_ = std::string(field) + ": " + why;
  }
  bool any() const { return !text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

template <typename T>
requires(std::is_integral_v<T>) void take(T from, T& to, const char*, Wrong&) { to = from; }
template <typename E>
requires(std::is_enum_v<E>) void take(std::underlying_type_t<E> from, E& to, const char* field,
                                      Wrong& wrong) {
  if (known_value(from, E{}))
    to = static_cast<E>(from);
  else
    wrong.say(field, "no value " + std::to_string(from) + " is known");
}
template <typename Tag>
void take(int64_t from, FixedPoint<Tag>& to, const char*, Wrong&) {
  to.units = from;
}
template <typename Tag, typename T>
void take(T from, Id<Tag, T>& to, const char*, Wrong&) {
  to.value = from;
}
inline void take(int64_t from, WallTime& to, const char*, Wrong&) { to.ns = from; }
template <std::size_t N>
void take(capnp::Text::Reader from, Text<N>& to, const char* field, Wrong& wrong) {
  auto text = Text<N>::parse({from.begin(), from.size()});
  if (text)
    to = text.value();
  else
    wrong.say(field, text.error().text);
}

// Empty texts are left out: the default is empty, and most orders have some.
template <std::size_t N, typename Init>
void put_text(const Text<N>& text, Init init) {
  if (text.empty()) return;
  auto to = init(static_cast<unsigned>(text.size()));
  std::memcpy(to.begin(), text.view().data(), text.size());
}

// ---- the fields of each struct: N(wire name, member) a number, T(wire name, member) a text

// clang-format off
#define HOLDFAST_FIELDS_NEW_ORDER(N, T)                                                           \
  T(Account, account) T(ClientOrderId, client_order_id) T(Symbol, symbol) N(Side, side)          \
  N(Type, type) N(TimeInForce, time_in_force) N(Price, price) N(Quantity, quantity)              \
  T(Algo, attribution.algo) T(Trader, attribution.trader) T(Desk, attribution.desk) N(Trace, trace)

#define HOLDFAST_FIELDS_REQUEST_ADMITTED(N, T)                                                    \
  N(Kind, kind) T(Account, account) T(ClientOrderId, client_order_id) T(Original, original)      \
  N(Order, order) N(Outcome, outcome) N(Reason, reason) T(Text, text) N(Price, price)            \
  N(Quantity, quantity) N(Trace, trace)

#define HOLDFAST_FIELDS_VENUE_REPORT(N, T)                                                        \
  N(Kind, kind) N(Order, order) T(Wire, wire) T(Original, original)                              \
  T(VenueOrderId, venue_order_id) T(ExecId, exec_id) T(ExecRef, exec_ref)                        \
  N(TradeDate, trade_date) T(Symbol, symbol) N(Side, side) N(VenueState, venue_state)            \
  N(Price, price) N(Quantity, quantity) N(LastQuantity, last_quantity) N(LastPrice, last_price)  \
  N(CumulativeQuantity, cumulative_quantity) N(LeavesQuantity, leaves_quantity)                  \
  N(Reason, reason) T(Text, text) N(VenueTime, venue_time)                                       \
  N(PossibleDuplicate, possible_duplicate) N(DropCopy, drop_copy)

#define HOLDFAST_FIELDS_KILL(N, T)                                                                \
  N(Scope, scope) T(Name, name) N(Mode, mode) T(OperatorName, operator_name) T(Reason, reason)

#define HOLDFAST_FIELDS_SWEEP_STARTED(N, T)                                                       \
  N(IsKill, is_kill) N(CancelOnly, cancel_only) T(Account, account)                             \
  T(ClientOrderId, client_order_id) T(Symbol, symbol)     \
  N(Trace, trace)

#define HOLDFAST_FIELDS_VENUE(N, T)                                                               \
  T(Name, name) N(Group, group) N(InFlightMax, in_flight_max) N(Priority, priority)              \
  N(MakerPpm, fees.maker_ppm) N(TakerPpm, fees.taker_ppm)

#define HOLDFAST_FIELDS_INSTRUMENT(N, T)                                                          \
  T(Symbol, symbol) N(Tick, tick) N(Lot, lot) N(PriceMax, price_max)                             \
  N(QuantityMax, quantity_max) N(PreviousClose, previous_close)                                  \
  N(PreviousCloseTime, previous_close_time)

#define HOLDFAST_FIELDS_ORDER_ROW(N, T)                                                           \
  N(State, facts.state) N(Pending, facts.pending) N(Acknowledged, facts.acknowledged)            \
  N(Lost, facts.lost) N(CancelDeferred, facts.cancel_deferred) N(Admitted, admitted)             \
  N(Flagged, flagged) N(Side, side) N(Type, type) N(TimeInForce, time_in_force)                  \
  N(Reason, reason) N(Venue, venue) N(WireLast, wire_last) N(WireConfirmed, wire_confirmed)      \
  N(WirePending, wire_pending) N(HistoryDropped, history_dropped) N(Account, account)            \
  N(Symbol, symbol) N(Attribution, attribution) N(ConfirmedRequest, confirmed_request)           \
  N(PendingRequest, pending_request) N(DeferredRequest, deferred_request)                        \
  N(Quantity, facts.quantity) N(Cumulative, facts.cumulative) N(Leaves, facts.leaves)            \
  N(Price, price) N(ReceivedPrice, received_price) N(ReceivedQuantity, received_quantity)        \
  N(CumulativeNotional, cumulative_notional) N(Trace, trace) N(Created, created)                 \
  N(Updated, updated) N(CreatedIndex, created_index) N(Limits, limits)                           \
  T(ClientOrderId, client_order_id) T(VenueOrderId, venue_order_id)

#define HOLDFAST_FIELDS_STEP_ROW(N, T)                                                            \
  N(Time, time) N(Index, index) N(Quantity, quantity) N(Price, price) N(Request, request)        \
  N(Reason, reason) N(Event, event) N(From, from) N(To, to) N(Anomaly, anomaly)

#define HOLDFAST_FIELDS_REQUEST_ROW(N, T)                                                         \
  T(ClientOrderId, client_order_id) T(Original, original) N(Account, account) N(Order, order)    \
  N(Symbol, symbol) N(Kind, kind) N(Outcome, outcome) N(Reason, reason) N(Wire, wire)            \
  N(Affected, affected) N(Price, price) N(Quantity, quantity) N(Trace, trace)

#define HOLDFAST_FIELDS_EXECUTION_ROW(N, T)                                                       \
  N(KeyHigh, key_high) N(KeyLow, key_low) N(Order, order) N(Quantity, quantity) N(Price, price)

#define HOLDFAST_FIELDS_REPORT_ROW(N, T)                                                          \
  N(Order, order) N(Request, request) N(Type, type) N(State, state) N(Reason, reason)            \
  N(Price, price) N(Quantity, quantity) N(LastQuantity, last_quantity) N(LastPrice, last_price)  \
  N(Cumulative, cumulative) N(Leaves, leaves) N(Time, time) T(ExecId, exec_id)

#define HOLDFAST_FIELDS_VENUE_REQUEST(N, T)                                                       \
  N(Kind, kind) N(Order, order) T(Wire, wire) T(Original, original)                              \
  T(VenueOrderId, venue_order_id) T(ClientOrderId, client_order_id) T(Account, account)          \
  T(Symbol, symbol) N(Side, side) N(Type, type) N(TimeInForce, time_in_force) N(Price, price)    \
  N(Quantity, quantity) T(Algo, attribution.algo) T(Trader, attribution.trader)                  \
  T(Desk, attribution.desk) N(Trace, trace) N(Intake, intake)

#define HOLDFAST_FIELDS_SWEEP(N, T)                                                               \
  N(IsKill, is_kill) N(Request, request) T(Account, account) N(Orders, orders)                   \
  N(Cancelled, cancelled) N(Pending, pending) N(Refused, refused) N(Index, index)
// clang-format on

#define HOLDFAST_PUT_NUMBER(name, member) to.set##name(raw(from.member));
#define HOLDFAST_PUT_TEXT(name, member) \
  put_text(from.member, [&](unsigned n) { return to.init##name(n); });
#define HOLDFAST_TAKE_NUMBER(name, member) take(from.get##name(), to.member, #name, wrong);
#define HOLDFAST_TAKE_TEXT(name, member) take(from.get##name(), to.member, #name, wrong);

/// Defines write(value, builder) and read(reader, value, wrong) for one struct.
#define HOLDFAST_STRUCT(Type, Wire, FIELDS)                           \
  inline void write(const Type& from, wire::Wire::Builder to) {       \
    FIELDS(HOLDFAST_PUT_NUMBER, HOLDFAST_PUT_TEXT)                    \
  }                                                                   \
  inline void read(wire::Wire::Reader from, Type& to, Wrong& wrong) { \
    FIELDS(HOLDFAST_TAKE_NUMBER, HOLDFAST_TAKE_TEXT)                  \
  }

HOLDFAST_STRUCT(NewOrder, NewOrder, HOLDFAST_FIELDS_NEW_ORDER)
HOLDFAST_STRUCT(RequestAdmitted, RequestAdmitted, HOLDFAST_FIELDS_REQUEST_ADMITTED)
HOLDFAST_STRUCT(VenueReport, VenueReport, HOLDFAST_FIELDS_VENUE_REPORT)
HOLDFAST_STRUCT(KillSwitch, KillSwitch, HOLDFAST_FIELDS_KILL)
HOLDFAST_STRUCT(SweepStarted, SweepStarted, HOLDFAST_FIELDS_SWEEP_STARTED)
HOLDFAST_STRUCT(VenueEntry, Venue, HOLDFAST_FIELDS_VENUE)
HOLDFAST_STRUCT(Instrument, Instrument, HOLDFAST_FIELDS_INSTRUMENT)
HOLDFAST_STRUCT(OrderRecord, OrderRow, HOLDFAST_FIELDS_ORDER_ROW)
HOLDFAST_STRUCT(StepRecord, StepRow, HOLDFAST_FIELDS_STEP_ROW)
HOLDFAST_STRUCT(RequestRecord, RequestRow, HOLDFAST_FIELDS_REQUEST_ROW)
HOLDFAST_STRUCT(ExecutionRecord, ExecutionRow, HOLDFAST_FIELDS_EXECUTION_ROW)
HOLDFAST_STRUCT(ReportRecord, ReportRow, HOLDFAST_FIELDS_REPORT_ROW)
HOLDFAST_STRUCT(VenueRequest, VenueRequest, HOLDFAST_FIELDS_VENUE_REQUEST)

}  // namespace holdfast::orders
