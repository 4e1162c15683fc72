#include "actors/orders/shard/shard_apply.hpp"

namespace holdfast::orders {

namespace {

using replication::Position;

constexpr bool takes_number(uint16_t last) { return last < UINT16_MAX; }

}  // namespace

void Applier::risk(risk::RiskDelta delta, bool for_stage) {
  risk::apply(state_.risk, delta);
  state_.risk_deltas += 1;
  if (for_stage) state_.fresh.risk.push_back({state_.risk_deltas, std::move(delta)});
}

void Applier::count_message(const Account& account, bool for_stage) {
  risk(risk::MessageCounted{account, 1, at_.time}, for_stage);
}

void Applier::push(Ref ref, VenueRequestKind kind, uint16_t number, Price price,
                   Quantity quantity) {
  const OrderRecord& order = state_.book.order(ref);
  VenueLink& link = state_.link_of(order);
  VenueRequest item;
  item.kind = kind;
  item.order = state_.book.id_of(ref);
  item.wire = wire_id(item.order, number);
  if (kind != VenueRequestKind::kNew) item.original = wire_id(item.order, order.wire_confirmed);
  item.venue_order_id = order.venue_order_id;
  item.client_order_id = order.client_order_id;
  item.account = state_.book.account(order.account).name;
  item.symbol = state_.book.symbols().of(order.symbol);
  item.side = order.side;
  item.type = order.type;
  item.time_in_force = order.time_in_force;
  item.price = price;
  item.quantity = quantity;
  item.attribution = state_.book.attributions().of(order.attribution);
  item.trace = order.trace;
  item.intake = at_.time;
  const OutboxSeq sequence = link.outbox.push(std::move(item));
  state_.fresh.deliveries.push_back({link.group, sequence});
}

void Applier::report(Ref ref, ExecType type, Ref request, Reason reason, const ReasonText& text,
                     const VenueReport* venue) {
  const OrderRecord& order = state_.book.order(ref);
  ReportRecord r;
  r.order = ref;
  r.request = request;
  r.type = type;
  r.state = order.facts.state;
  r.reason = reason;
  r.price = order.price;
  r.quantity = order.facts.quantity;
  r.cumulative = order.facts.cumulative;
  r.leaves = order.facts.leaves;
  r.time = at_.time;
  if (venue) {
    r.last_quantity = venue->last_quantity;
    r.last_price = venue->last_price;
    r.exec_id = venue->exec_id;
  }
  const ReportSeq sequence = state_.book.add_report(order.account, r, text);
  state_.fresh.reports.emplace_back(order.account, sequence);
}

void Applier::settle(Ref ref, const OrderFacts& after) {
  OrderRecord& order = state_.book.order(ref);
  const auto waits = [&](const OrderFacts& f) {
    return f.state >= OrderState::kRouted && !f.acknowledged && !is_terminal(f.state) ? 1u : 0u;
  };
  if (order.venue != 0) {
    VenueLink& link = state_.link_of(order);
    link.unanswered = link.unanswered + waits(after) - waits(order.facts);
  }
  state_.unknown += after.state == OrderState::kUnknown ? 1 : 0;
  state_.unknown -= order.facts.state == OrderState::kUnknown ? 1 : 0;
  order.facts = after;
  order.updated = at_.time;
  state_.book.relist(ref);
}

void Applier::record(Ref ref, OrderEvent event, OrderState from, const Step& step, Ref request,
                     Reason reason, Quantity quantity, Price price) {
  StepRecord s;
  s.time = at_.time;
  s.index = at_.index;
  s.quantity = quantity;
  s.price = price;
  s.request = request;
  s.reason = reason;
  s.event = event;
  s.from = from;
  s.to = step.after.state;
  s.anomaly = step.disposition == Disposition::kAnomaly || step.overfill ||
              step.disposition == Disposition::kBookedLate;
  state_.book.add_step(ref, s);
}

// ---- admissions

void Applier::operator()(const OrderAdmitted& e) {
  OrderBookOfRecord& book = state_.book;
  OrderRecord o;
  o.account = book.intern_account(e.order.account);
  o.symbol = book.symbols().intern(e.order.symbol);
  o.attribution = book.attributions().intern(e.order.attribution);
  o.client_order_id = e.order.client_order_id;
  o.side = e.order.side;
  o.type = e.order.type;
  o.time_in_force = e.order.time_in_force;
  o.price = o.received_price = e.order.price;
  o.received_quantity = o.facts.quantity = e.order.quantity;
  o.trace = e.order.trace;
  o.created = o.updated = at_.time;
  o.created_index = at_.index;
  o.reason = e.reason;
  o.limits = e.decision ? e.decision->limits_version : state_.risk.limits_version();
  o.venue = e.venue;
  const Step outcome = admission(o.facts, e);
  if (e.routed) {
    o.admitted = true;
    o.wire_last = o.wire_confirmed = 1;
  }
  const OrderFacts after = outcome.after;
  const Ref ref = book.add_order(o);
  settle(ref, after);
  if (!e.text.empty()) book.set_text(ref, e.text);

  const OrderId id = book.id_of(ref);
  if (e.decision) {
    risk(risk::consequence(risk::of(id, e.order), *e.decision), !e.by_stage);
    if (e.decision->approved && !e.routed) risk(risk::Released{id}, true);
  } else {
    count_message(e.order.account, !e.by_stage);
  }
  if (e.routed) {
    push(ref, VenueRequestKind::kNew, 1, o.price, o.facts.quantity);
    state_.counters.admitted += 1;
  } else {
    record(ref, after.state == OrderState::kBlocked ? OrderEvent::kBlock : OrderEvent::kRefuse,
           e.decision && !e.decision->approved ? OrderState::kValidated
           : e.decision                        ? OrderState::kRiskApproved
                                               : OrderState::kNew,
           outcome, 0, e.reason, o.received_quantity, o.received_price);
    report(ref, ExecType::kRejected, 0, e.reason, e.text);
    count_refusal(e.reason);
  }
}

Step Applier::admission(const OrderFacts& fresh, const OrderAdmitted& e) {
  const auto go = [](const Step& s, OrderEvent event) {
    const Step next = step(s.after, event);
    CHECK(next.disposition == Disposition::kApplied);
    return next;
  };
  Step s{Disposition::kApplied, Reason::kNone, fresh};
  if (!e.decision) return go(s, OrderEvent::kRefuse);
  s = go(s, OrderEvent::kValidate);
  if (!e.decision->approved) return go(s, OrderEvent::kBlock);
  s = go(s, OrderEvent::kApprove);
  return go(s, e.routed ? OrderEvent::kRoute : OrderEvent::kRefuse);
}

void Applier::count_refusal(Reason reason) {
  state_.counters.refused += 1;
  if (reason == Reason::kRiskUnavailable) state_.counters.refused_risk_unavailable += 1;
  if (reason == Reason::kDeadlineMissed) state_.counters.refused_deadline += 1;
}

void Applier::operator()(const RequestAdmitted& e) {
  OrderBookOfRecord& book = state_.book;
  RequestRecord r;
  r.client_order_id = e.client_order_id;
  r.original = e.original;
  r.account = book.intern_account(e.account);
  r.order = e.order;
  r.kind = e.kind;
  r.outcome = e.outcome;
  r.reason = e.reason;
  r.price = e.price;
  r.quantity = e.quantity;
  r.trace = e.trace;
  const Ref request = book.add_request(r);

  const OrderId id = e.order != 0 ? book.id_of(e.order) : OrderId{};
  if (e.decision) {
    const OrderRecord& o = book.order(e.order);
    const auto question = risk::of_replace(id, book.view(e.order, {}).request, e.price, e.quantity,
                                           o.facts.cumulative);
    risk(risk::consequence(question, *e.decision), !e.by_stage);
    if (e.decision->approved && e.outcome == RequestOutcome::kRefused)
      risk(risk::ReplaceReleased{id}, true);
  } else {
    count_message(e.account, !e.by_stage);
  }
  if (e.outcome == RequestOutcome::kRefused) {
    count_refusal(e.reason);
    if (e.order != 0) report(e.order, ExecType::kCancelRejected, request, e.reason, e.text);
    return;
  }
  send_request(e.order, request);
}

void Applier::send_request(Ref ref, Ref request) {
  OrderRecord& o = state_.book.order(ref);
  RequestRecord& r = state_.book.request(request);
  const bool cancel = r.kind == RequestKind::kCancel;
  const OrderEvent event = cancel ? OrderEvent::kRequestCancel : OrderEvent::kRequestReplace;
  const OrderState from = o.facts.state;
  const Step s = step(o.facts, event);
  settle(ref, s.after);
  record(ref, event, from, s, request, Reason::kNone, r.quantity, r.price);
  if (s.disposition == Disposition::kDeferred) {
    r.outcome = RequestOutcome::kDeferred;
    o.deferred_request = request;
    return;
  }
  CHECK(s.disposition == Disposition::kApplied);
  CHECK(takes_number(o.wire_last));
  r.outcome = RequestOutcome::kRouted;
  r.wire = o.wire_pending = ++o.wire_last;
  o.pending_request = request;
  push(ref, cancel ? VenueRequestKind::kCancel : VenueRequestKind::kReplace, r.wire,
       cancel ? o.price : r.price, cancel ? o.facts.quantity : r.quantity);
  report(ref, cancel ? ExecType::kPendingCancel : ExecType::kPendingReplace, request);
}

// ---- sweeps

void Applier::operator()(const SweepStarted& e) {
  Sweep sweep;
  sweep.is_kill = e.is_kill;
  sweep.kill = e.kill;
  sweep.account = e.account;
  sweep.index = at_.index;
  sweep.ticket = e.ticket;
  sweep.operator_ticket = e.operator_ticket;
  OrderBookOfRecord& book = state_.book;
  if (e.is_kill) {
    if (!e.cancel_only) risk(risk::KillSet{e.kill, at_.time}, true);
    if (e.kill.mode == KillMode::kFull) list_killed(sweep);
  } else {
    RequestRecord r;
    r.client_order_id = e.client_order_id;
    r.account = book.intern_account(e.account);
    r.symbol = e.symbol.empty() ? 0 : book.symbols().intern(e.symbol);
    r.kind = RequestKind::kMassCancel;
    r.trace = e.trace;
    sweep.request = book.add_request(r);
    count_message(e.account, !e.by_stage);
    for (Ref ref = book.account(r.account).open_first; ref != 0; ref = book.order(ref).open_next)
      if (r.symbol == 0 || book.order(ref).symbol == r.symbol) sweep.left.push_back(ref);
  }
  sweep.orders = sweep.left.size();
  state_.sweeps.push_back(std::move(sweep));
}

void Applier::list_killed(Sweep& sweep) {
  const OrderBookOfRecord& book = state_.book;
  const std::string_view name = sweep.kill.name.view();
  for (Ref account = 1; account <= book.accounts(); ++account) {
    const AccountRecord& owner = book.account(account);
    if (sweep.kill.scope == KillScope::kAccount && owner.name.view() != name) continue;
    const risk::Row row = state_.risk.find_account(owner.name);
    const bool of_desk = row != risk::kNoRow && state_.risk.account(row).desk.view() == name;
    for (Ref ref = owner.open_first; ref != 0; ref = book.order(ref).open_next) {
      const Attribution& by = book.attributions().of(book.order(ref).attribution);
      const bool hit =
          sweep.kill.scope == KillScope::kFirm || sweep.kill.scope == KillScope::kAccount ||
          (sweep.kill.scope == KillScope::kDesk && (of_desk || by.desk.view() == name)) ||
          (sweep.kill.scope == KillScope::kAlgo && by.algo.view() == name);
      if (hit) sweep.left.push_back(ref);
    }
  }
}

void Applier::operator()(const SweepAdvanced& e) {
  if (state_.sweeps.empty()) return;
  Sweep& sweep = state_.sweeps.front();
  for (uint32_t n = 0; n < e.orders && !sweep.left.empty(); ++n) {
    const Ref ref = sweep.left.front();
    if (!cancel_one(sweep, ref)) return;  // the outbox is full: goes on later
    sweep.left.pop_front();
  }
  if (!sweep.left.empty()) return;
  if (sweep.request != 0)
    state_.book.request(sweep.request).affected =
        static_cast<uint32_t>(sweep.cancelled + sweep.pending);
  state_.fresh.swept.push_back(std::move(sweep));
  state_.sweeps.pop_front();
}

bool Applier::cancel_one(Sweep& sweep, Ref ref) {
  const OrderRecord& o = state_.book.order(ref);
  const Step s = step(o.facts, OrderEvent::kRequestCancel);
  if (s.disposition == Disposition::kRefused) {
    if (s.refusal == Reason::kPendingRequest) sweep.pending += 1;
    return true;  // done meanwhile, or a cancel is on its way
  }
  if (!takes_number(o.wire_last)) {
    sweep.refused += 1;
    return true;
  }
  const bool deferred = s.disposition == Disposition::kDeferred;
  if (!deferred && state_.link_of(o).outbox.full()) return false;
  (deferred ? sweep.pending : sweep.cancelled) += 1;
  RequestRecord r;
  r.account = o.account;
  r.order = ref;
  r.kind = RequestKind::kCancel;
  r.reason = sweep.is_kill ? Reason::kKilled : Reason::kNone;
  r.trace = o.trace;
  send_request(ref, state_.book.add_request(r));
  return true;
}

// ---- the rest

void Applier::operator()(const OutboxAcknowledged& e) {
  VenueLink* link = state_.link(e.group);
  CHECK(link != nullptr);
  link->outbox.acknowledge(e.upto);
}

void Applier::operator()(const ReferenceLoaded& e) {
  CHECK(e.data != nullptr);
  if (state_.book.orders() == 0) state_.book.name_shard(e.shard);
  CHECK(state_.book.shard() == e.shard);
  state_.reference = e.data;
  state_.reference_version = e.version;
  state_.adopt_reference();
  for (const Instrument& i : e.data->instruments)
    if (i.previous_close.positive())
      risk(risk::ReferencePriceSet{i.symbol, risk::ReferenceSource::kPreviousClose,
                                   i.previous_close, i.previous_close_time},
           true);
}

void Applier::operator()(const RiskChanged& e) { risk(e.delta, true); }

void ShardCore::apply(State& state, const Event& event, const Position& at) {
  state.fresh.clear();
  Applier applier(state, at);
  std::visit(applier, event);
  state.last = at;
}

uint64_t ShardCore::digest(const ShardState& state) {
  replication::Digest digest;
  for (const uint64_t number :
       {uint64_t{state.book.orders()}, uint64_t{state.book.open()}, state.counters.admitted,
        state.counters.refused, state.counters.anomalies, state.counters.duplicate_reports,
        state.unknown, state.reference_version, uint64_t{state.sweeps.size()}})
    digest.add(number);
  for (const VenueLink& link : state.links) {
    digest.add(link.outbox.last().value);
    digest.add(link.outbox.acknowledged().value);
    digest.add(link.inbox.cursor.value);
  }
  return digest.value();
}

}  // namespace holdfast::orders
