// What a venue says, and what it does to an order, its pending request, its money and its account's
// report stream.
#include "actors/orders/shard/shard_apply.hpp"

namespace holdfast::orders {

namespace {

ExecType exec_type_of(OrderEvent event) {
  switch (event) {
    case OrderEvent::kReject:
      return ExecType::kRejected;
    case OrderEvent::kFill:
      return ExecType::kTrade;
    case OrderEvent::kCancel:
      return ExecType::kCancelled;
    case OrderEvent::kReplace:
      return ExecType::kReplaced;
    case OrderEvent::kExpire:
      return ExecType::kExpired;
    case OrderEvent::kCancelReject:
    case OrderEvent::kDropRequest:
      return ExecType::kCancelRejected;
    case OrderEvent::kLose:
      return ExecType::kUnknown;
    case OrderEvent::kProveNotSent:
      return ExecType::kNotSent;
    case OrderEvent::kTradeCancel:
      return ExecType::kTradeCancel;
    case OrderEvent::kTradeCorrect:
      return ExecType::kTradeCorrect;
    default:
      return ExecType::kNew;
  }
}

Reason default_reason(OrderEvent event) {
  switch (event) {
    case OrderEvent::kReject:
      return Reason::kVenueReject;
    case OrderEvent::kCancelReject:
      return Reason::kVenueCancelReject;
    case OrderEvent::kProveNotSent:
    case OrderEvent::kDropRequest:
      return Reason::kNotSentAtFailover;
    default:
      return Reason::kNone;
  }
}

// What a report about no order of ours would have been.
OrderEvent orphan_event(VenueReportKind kind) {
  switch (kind) {
    case VenueReportKind::kFill:
      return OrderEvent::kFill;
    case VenueReportKind::kRejected:
      return OrderEvent::kReject;
    case VenueReportKind::kCancelled:
      return OrderEvent::kCancel;
    case VenueReportKind::kReplaced:
      return OrderEvent::kReplace;
    case VenueReportKind::kExpired:
      return OrderEvent::kExpire;
    case VenueReportKind::kCancelRejected:
      return OrderEvent::kCancelReject;
    case VenueReportKind::kTradeCancel:
      return OrderEvent::kTradeCancel;
    case VenueReportKind::kTradeCorrect:
      return OrderEvent::kTradeCorrect;
    default:
      return OrderEvent::kAccept;
  }
}

// Money that can't be this order's: of another instrument or side, of nothing or less, or more than
// can be counted. It is not booked; a person must ask the venue.
bool absurd(const VenueReport& report, Quantity booked, Quantity was, const Symbol& symbol,
            Side side) {
  if (!report.symbol.empty() && (report.symbol != symbol || report.side != side)) return true;
  if (report.last_price.units < 0 || report.last_quantity.units < 0) return true;
  if (!checked_add(booked, report.last_quantity)) return true;
  return report.kind == VenueReportKind::kFill ? report.last_quantity.zero() : !was.positive();
}

bool changes(Disposition d) {
  return d == Disposition::kApplied || d == Disposition::kUnsolicited ||
         d == Disposition::kBookedLate;
}

}  // namespace

// The order that a report is about: as the gateway mapped it, else by our own ids.
Ref Applier::order_of(const VenueReport& report, uint16_t& number) const {
  const auto wire = parse_wire_id(report.wire);
  const auto original = parse_wire_id(report.original);
  number = wire ? wire->request : 0;
  if (report.order) return state_.book.ref_of(report.order);
  if (wire) return state_.book.ref_of(wire->order);
  if (original) return state_.book.ref_of(original->order);
  return 0;
}

// A status answer is news only where it says more than we know; fills that we miss come by resend
// or drop copy with their prices, so a status books no money.
void Applier::hear_status(const VenueReport& report, const OrderRecord& order, Heard& heard) const {
  switch (report.venue_state) {
    case OrderState::kAccepted:
    case OrderState::kPartiallyFilled:
    case OrderState::kPendingCancel:
    case OrderState::kPendingReplace:
      heard.event = OrderEvent::kShowOpen;
      return;
    case OrderState::kFilled:
      heard.event = OrderEvent::kShowOpen;
      heard.nothing = is_terminal(order.facts.state);
      return;
    case OrderState::kRejected:
    case OrderState::kBlocked:
      heard.event = OrderEvent::kReject;
      break;
    case OrderState::kCancelled:
      heard.event = OrderEvent::kCancel;
      break;
    case OrderState::kExpired:
      heard.event = OrderEvent::kExpire;
      break;
    case OrderState::kNotSent:
      heard.event = OrderEvent::kProveNotSent;
      break;
    default:
      heard.nothing = true;
      return;
  }
  heard.nothing = is_terminal(order.facts.state);
}

bool Applier::hear(const VenueReport& report, Heard& heard) const {
  heard.order = order_of(report, heard.number);
  if (heard.order == 0) return false;
  const OrderRecord& order = state_.book.order(heard.order);
  if (order.venue == 0) return false;  // never handed to a venue: not ours to judge by
  const bool names_pending = heard.number != 0 && heard.number == order.wire_pending &&
                             order.facts.pending != Pending::kNone;
  heard.numbers.answers = names_pending;
  heard.numbers.amount = report.last_quantity;
  switch (report.kind) {
    case VenueReportKind::kAccepted:
      heard.event = OrderEvent::kAccept;
      break;
    case VenueReportKind::kRejected:
      heard.event = names_pending ? OrderEvent::kCancelReject : OrderEvent::kReject;
      break;
    case VenueReportKind::kFill:
      heard.event = OrderEvent::kFill;
      break;
    case VenueReportKind::kCancelled:
      heard.event = OrderEvent::kCancel;
      break;
    case VenueReportKind::kReplaced:
      heard.event = OrderEvent::kReplace;
      heard.numbers.amount = report.quantity;
      if (!report.quantity.positive())
        heard.numbers.amount = names_pending ? state_.book.request(order.pending_request).quantity
                                             : order.facts.quantity;
      break;
    case VenueReportKind::kExpired:
      heard.event = OrderEvent::kExpire;
      break;
    case VenueReportKind::kCancelRejected:
      heard.event = OrderEvent::kCancelReject;
      // Without an id of ours it can only mean what is pending.
      heard.numbers.answers = names_pending || heard.number == 0;
      heard.contradicts = !heard.numbers.answers;
      break;
    case VenueReportKind::kUnknown:
      heard.event = OrderEvent::kLose;
      break;
    case VenueReportKind::kNotSent:
      heard.event = names_pending ? OrderEvent::kDropRequest : OrderEvent::kProveNotSent;
      break;
    case VenueReportKind::kTradeCancel:
    case VenueReportKind::kTradeCorrect: {
      heard.event = report.kind == VenueReportKind::kTradeCancel ? OrderEvent::kTradeCancel
                                                                 : OrderEvent::kTradeCorrect;
      heard.was_quantity = report.last_quantity;
      heard.was_price = report.last_price;
      const VenueName& venue = state_.venue_names[order.venue - 1u];
      const Ref booked = state_.book.find_execution(
          execution_key(venue, report.trade_date, report.exec_ref, order.side));
      if (booked != 0) {
        heard.was_quantity = state_.book.execution(booked).quantity;
        heard.was_price = state_.book.execution(booked).price;
      }
      if (report.kind == VenueReportKind::kTradeCancel) heard.numbers.amount = heard.was_quantity;
      heard.numbers.previous = heard.was_quantity;
      break;
    }
    case VenueReportKind::kStatus:
      hear_status(report, order, heard);
      break;
  }
  return true;
}

void Applier::operator()(const ReportTaken& e) {
  VenueLink* link = state_.link(e.group);
  CHECK(link != nullptr);
  link->inbox.epoch = e.epoch;
  link->inbox.cursor = e.sequence;
  Heard heard;
  if (!hear(e.report, heard)) {
    state_.counters.orphan_reports += 1;
    AnomalyEffect orphan;
    orphan.order = e.report.order;
    orphan.event = orphan_event(e.report.kind);
    orphan.wire = e.report.wire;
    orphan.amount = e.report.last_quantity;
    state_.fresh.anomalies.push_back(orphan);
    return;
  }
  const bool status = e.report.kind == VenueReportKind::kStatus;
  if (!e.report.exec_id.empty() && !status) {
    const Side side = state_.book.order(heard.order).side;
    const ExecutionKey key = execution_key(link->name, e.report.trade_date, e.report.exec_id, side);
    if (state_.book.find_execution(key) != 0) {
      state_.counters.duplicate_reports += 1;
      return;
    }
    state_.book.add_execution(
        {key.high, key.low, heard.order, e.report.last_quantity, e.report.last_price});
  }
  if (!heard.nothing) take(e.report, heard);
}

void Applier::take(const VenueReport& report, const Heard& heard) {
  const Ref ref = heard.order;
  OrderRecord& order = state_.book.order(ref);
  const OrderFacts before = order.facts;
  // It names a request that is not pending, or money that can't be.
  const bool trades = heard.event == OrderEvent::kFill || heard.event == OrderEvent::kTradeCancel ||
                      heard.event == OrderEvent::kTradeCorrect;
  const bool refused =
      heard.contradicts || (trades && absurd(report, before.cumulative, heard.was_quantity,
                                             state_.book.symbols().of(order.symbol), order.side));
  const Step s = refused ? Step{Disposition::kAnomaly, Reason::kNone, before}
                         : step(before, heard.event, heard.numbers);
  if (!changes(s.disposition) && s.after == before) {
    if (s.disposition == Disposition::kAnomaly) {
      anomaly(ref, heard.event, s, report.last_quantity);
      record(ref, heard.event, before.state, s, 0, report.reason, report.last_quantity,
             report.last_price);
    }
    return;
  }
  if (!report.venue_order_id.empty()) order.venue_order_id = report.venue_order_id;
  settle(ref, s.after);
  const Ref request = heard.numbers.answers ? order.pending_request : 0;
  if (changes(s.disposition)) book_money(ref, report, heard, s);
  follow_risk(ref, before, report, heard, s);
  const Reason reason =
      report.reason != Reason::kNone ? report.reason : default_reason(heard.event);
  const bool of_request =
      heard.event == OrderEvent::kCancelReject || heard.event == OrderEvent::kDropRequest;
  if (is_terminal(s.after.state) && !is_terminal(before.state) && !of_request) {
    order.reason = reason;
    if (!report.text.empty()) state_.book.set_text(ref, report.text);
  }
  const Ref answered = request != 0 ? request : of_request ? order.pending_request : 0;
  answer_request(ref, report, heard, s);
  record(ref, heard.event, before.state, s, answered, reason,
         heard.event == OrderEvent::kReplace ? s.after.quantity : report.last_quantity,
         heard.event == OrderEvent::kReplace ? order.price : report.last_price);
  tell(ref, report, heard, s, answered);
  if (s.release_cancel) release_deferred(ref);
}

// Executions, their corrections, and what the order is worth.
void Applier::book_money(Ref ref, const VenueReport& report, const Heard& heard, const Step& s) {
  OrderRecord& order = state_.book.order(ref);
  const auto add = [&](Price price, Quantity quantity, bool plus) {
    const auto amount = notional_of(price, quantity);
    if (!amount) return;
    int64_t sum = 0;
    const bool wraps =
        plus ? __builtin_add_overflow(order.cumulative_notional.units, amount->units, &sum)
             : __builtin_sub_overflow(order.cumulative_notional.units, amount->units, &sum);
    if (!wraps) order.cumulative_notional.units = sum;
  };
  if (heard.event == OrderEvent::kFill) add(report.last_price, report.last_quantity, true);
  if (heard.event == OrderEvent::kTradeCancel || heard.event == OrderEvent::kTradeCorrect)
    add(heard.was_price, heard.was_quantity, false);
  if (heard.event == OrderEvent::kTradeCorrect) add(report.last_price, report.last_quantity, true);
  if (heard.event == OrderEvent::kReplace) {
    if (report.price.positive())
      order.price = report.price;
    else if (heard.numbers.answers && order.pending_request != 0)
      order.price = state_.book.request(order.pending_request).price;
  }
  if (s.disposition != Disposition::kApplied || s.overfill)
    anomaly(ref, heard.event, s, report.last_quantity);
}

// The same facts for risk: position, exposure in flight, reference price.
void Applier::follow_risk(Ref ref, const OrderFacts& before, const VenueReport& report,
                          const Heard& heard, const Step& s) {
  if (s.disposition == Disposition::kAnomaly) return;
  const OrderRecord& order = state_.book.order(ref);
  const OrderId id = state_.book.id_of(ref);
  const Account& account = state_.book.account(order.account).name;
  const Symbol& symbol = state_.book.symbols().of(order.symbol);
  const OrderFacts& after = s.after;
  const bool was_replacing = before.pending == Pending::kReplace;
  const bool ended = is_terminal(after.state) && !is_terminal(before.state);
  const bool may_come_back = before.state == OrderState::kFilled || !is_terminal(before.state);
  switch (heard.event) {
    case OrderEvent::kFill:
      risk(risk::Filled{id, account, symbol, order.side, report.last_quantity, report.last_price,
                        after.leaves, at_.time},
           true);
      return;
    case OrderEvent::kTradeCancel:
    case OrderEvent::kTradeCorrect:
      if (heard.was_quantity.positive())
        risk(risk::Busted{account, symbol, order.side, heard.was_quantity, heard.was_price}, true);
      if (heard.event == OrderEvent::kTradeCorrect && report.last_quantity.positive())
        risk(risk::Filled{id, account, symbol, order.side, report.last_quantity, report.last_price,
                          after.leaves, at_.time},
             true);
      return;
    case OrderEvent::kReplace:
      risk(risk::ReplaceConfirmed{id, order.price, after.leaves}, true);
      return;
    case OrderEvent::kCancelReject:
    case OrderEvent::kDropRequest:
      if (was_replacing && after.pending == Pending::kNone && may_come_back)
        risk(risk::ReplaceReleased{id}, true);
      return;
    default:
      if (ended) risk(risk::Released{id}, true);
  }
}

// The pending request has its answer.
void Applier::answer_request(Ref ref, const VenueReport& report, const Heard& heard,
                             const Step& s) {
  OrderRecord& order = state_.book.order(ref);
  if (s.after.pending != Pending::kNone || order.pending_request == 0) return;
  RequestRecord& request = state_.book.request(order.pending_request);
  const bool confirmed = heard.event == OrderEvent::kCancel ||
                         heard.event == OrderEvent::kReplace || heard.event == OrderEvent::kExpire;
  request.outcome = confirmed ? RequestOutcome::kConfirmed : RequestOutcome::kRejected;
  if (!confirmed)
    request.reason = report.reason != Reason::kNone ? report.reason : default_reason(heard.event);
  if (heard.event == OrderEvent::kReplace) {
    order.wire_confirmed = request.wire;
    order.confirmed_request = order.pending_request;
  }
  order.pending_request = 0;
  order.wire_pending = 0;
}

void Applier::release_deferred(Ref ref) {
  OrderRecord& order = state_.book.order(ref);
  const Ref request = order.deferred_request;
  order.deferred_request = 0;
  if (request == 0) return;
  const bool room = !state_.link_of(order).outbox.full();
  if (!is_terminal(order.facts.state) && room && order.wire_last < UINT16_MAX) {
    send_request(ref, request);
    return;
  }
  RequestRecord& r = state_.book.request(request);
  r.outcome = RequestOutcome::kRejected;
  r.reason = is_terminal(order.facts.state) ? Reason::kTooLateToCancel : Reason::kFull;
  report(ref, ExecType::kCancelRejected, request, r.reason);
}

void Applier::tell(Ref ref, const VenueReport& report, const Heard& heard, const Step& s,
                   Ref request) {
  if (!changes(s.disposition)) return;
  const Reason reason =
      report.reason != Reason::kNone ? report.reason : default_reason(heard.event);
  const bool traded = heard.event == OrderEvent::kFill || heard.event == OrderEvent::kTradeCancel ||
                      heard.event == OrderEvent::kTradeCorrect;
  VenueReport told = report;
  if (!traded) told.last_quantity = {}, told.last_price = {};
  if (heard.event == OrderEvent::kShowOpen && s.after.state == OrderState::kUnknown) return;
  this->report(ref, exec_type_of(heard.event), request, reason, report.text, &told);
}

void Applier::anomaly(Ref ref, OrderEvent event, const Step& s, Quantity amount) {
  OrderRecord& order = state_.book.order(ref);
  switch (s.disposition) {
    case Disposition::kAnomaly:
      state_.counters.anomalies += 1;
      order.flagged = true;
      break;
    case Disposition::kBookedLate:
      state_.counters.late_fills += 1;
      order.flagged = true;
      break;
    case Disposition::kUnsolicited:
      state_.counters.unsolicited += 1;
      break;
    default:
      break;
  }
  if (s.overfill) {
    state_.counters.overfills += 1;
    order.flagged = true;
  }
  state_.fresh.anomalies.push_back(
      {state_.book.id_of(ref), event, s.disposition, s.after.state, s.overfill, {}, amount});
}

}  // namespace holdfast::orders
