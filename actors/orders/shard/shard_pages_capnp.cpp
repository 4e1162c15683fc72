#include "actors/orders/shard/shard_pages_capnp.hpp"

namespace holdfast::orders {

namespace {

// More than the longest row takes: ten bytes a number, and its texts.
constexpr std::size_t kStepBytesMax = 64;
constexpr std::size_t kRowBytesMax = 1'024;

// What flags of an order, and of a report, stand for.
constexpr unsigned kAcknowledged = 1, kLost = 2, kCancelDeferred = 4, kAdmitted = 8, kFlagged = 16,
                   kHasText = 32, kFlagsEnd = 64;
constexpr unsigned kAnomaly = 0x80;  // beside a step's event

uint64_t bits(WallTime time) { return static_cast<uint64_t>(time.ns); }
WallTime time_of(uint64_t bits) { return {static_cast<int64_t>(bits)}; }
int64_t minus(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

void put_step(const StepRecord& s, const StepRecord& before, PageWriter& to) {
  to.difference(bits(s.time), bits(before.time));
  to.difference(s.index.value, before.index.value);
  to.money(s.quantity.units);
  to.money(s.price.units, before.price.units);
  to.number(s.request);
  to.number(raw(s.reason));
  to.byte(raw(s.event) | (s.anomaly ? kAnomaly : 0));
  to.byte(raw(s.from));
  to.byte(raw(s.to));
}
void take_step(PageReader& from, const StepRecord& before, StepRecord& s) {
  s.time = time_of(from.difference(bits(before.time)));
  s.index = {from.difference(before.index.value)};
  s.quantity.units = from.money();
  s.price.units = from.money(before.price.units);
  from.small(s.request, "step's request");
  from.enumerator(from.number(), s.reason, "step's reason");
  const unsigned event = from.byte();
  from.enumerator(event & ~kAnomaly, s.event, "event");
  s.anomaly = (event & kAnomaly) != 0;
  from.enumerator(from.byte(), s.from, "from");
  from.enumerator(from.byte(), s.to, "to");
}

}  // namespace

// ---- orders

void OrderPage::put(const OrderBookOfRecord& book, Ref order, PageWriter& to) {
  const OrderRecord& o = book.order(order);
  const ReasonText* text = book.text_of(order);
  to.room(kRowBytesMax + o.history_steps * kStepBytesMax);
  to.byte((o.facts.acknowledged ? kAcknowledged : 0u) | (o.facts.lost ? kLost : 0u) |
          (o.facts.cancel_deferred ? kCancelDeferred : 0u) | (o.admitted ? kAdmitted : 0u) |
          (o.flagged ? kFlagged : 0u) | (text ? kHasText : 0u));
  to.byte(raw(o.facts.state));
  to.byte(raw(o.facts.pending));
  to.byte(raw(o.side));
  to.byte(raw(o.type));
  to.byte(raw(o.time_in_force));
  to.number(raw(o.reason));
  for (const uint32_t n :
       {uint32_t{o.venue}, uint32_t{o.wire_last}, uint32_t{o.wire_confirmed},
        uint32_t{o.wire_pending}, uint32_t{o.history_dropped}, o.account, o.symbol, o.attribution,
        o.confirmed_request, o.pending_request, o.deferred_request})
    to.number(n);
  const OrderFacts& f = o.facts;
  to.money(f.quantity.units);
  to.money(f.leaves.units);
  to.money(f.cumulative.units, minus(f.quantity.units, f.leaves.units));
  to.money(o.price.units, before_.price.units);
  to.money(o.received_price.units, o.price.units);
  to.money(o.received_quantity.units, f.quantity.units);
  to.money(o.cumulative_notional.units);
  to.difference(o.trace.value, before_.trace.value);
  to.difference(bits(o.created), bits(before_.created));
  to.difference(bits(o.updated), bits(o.created));
  to.difference(o.created_index.value, before_.created_index.value);
  to.difference(o.limits.value, before_.limits.value);
  to.text(o.client_order_id, before_.client_order_id);
  to.text(o.venue_order_id, before_.venue_order_id);
  if (text) to.text(*text, {});
  to.number(o.history_steps);
  StepRecord before;
  before.time = o.created;
  before.index = o.created_index;
  before.price = o.price;
  book.each_step(o, [&](const StepRecord& s) {
    put_step(s, before, to);
    before.time = s.time;
    before.index = s.index;
  });
  before_ = o;
}

bool OrderPage::take(PageReader& from, OrderInPage& to) {
  OrderRecord& o = to.record;
  OrderFacts& f = o.facts;
  const unsigned flags = from.byte();
  if (flags >= kFlagsEnd) from.wrong().say("flags", "that this build does not know");
  f.acknowledged = (flags & kAcknowledged) != 0;
  f.lost = (flags & kLost) != 0;
  f.cancel_deferred = (flags & kCancelDeferred) != 0;
  o.admitted = (flags & kAdmitted) != 0;
  o.flagged = (flags & kFlagged) != 0;
  from.enumerator(from.byte(), f.state, "state");
  from.enumerator(from.byte(), f.pending, "pending");
  from.enumerator(from.byte(), o.side, "side");
  from.enumerator(from.byte(), o.type, "type");
  from.enumerator(from.byte(), o.time_in_force, "timeInForce");
  from.enumerator(from.number(), o.reason, "reason");
  for (uint16_t* n :
       {&o.venue, &o.wire_last, &o.wire_confirmed, &o.wire_pending, &o.history_dropped})
    from.small(*n, "number");
  for (Ref* n : {&o.account, &o.symbol, &o.attribution, &o.confirmed_request, &o.pending_request,
                 &o.deferred_request})
    from.small(*n, "reference");
  f.quantity.units = from.money();
  f.leaves.units = from.money();
  f.cumulative.units = from.money(minus(f.quantity.units, f.leaves.units));
  o.price.units = from.money(before_.price.units);
  o.received_price.units = from.money(o.price.units);
  o.received_quantity.units = from.money(f.quantity.units);
  o.cumulative_notional.units = from.money();
  o.trace = {from.difference(before_.trace.value)};
  o.created = time_of(from.difference(bits(before_.created)));
  o.updated = time_of(from.difference(bits(o.created)));
  o.created_index = {from.difference(before_.created_index.value)};
  o.limits = {from.difference(before_.limits.value)};
  from.text(o.client_order_id, before_.client_order_id, "clientOrderId");
  from.text(o.venue_order_id, before_.venue_order_id, "venueOrderId");
  to.text = {};
  if (flags & kHasText) from.text(to.text, {}, "text");
  from.small(to.steps, "steps");
  if (to.steps > OrderBookOfRecord::kStepsMax) from.wrong().say("steps", "too many");
  StepRecord before;
  before.time = o.created;
  before.index = o.created_index;
  before.price = o.price;
  for (unsigned i = 0; i < to.steps && !from.wrong().any(); ++i) {
    StepRecord& s = to.step[i];
    take_step(from, before, s);
    before.time = s.time;
    before.index = s.index;
  }
  before_ = o;
  return !from.wrong().any();
}

// ---- requests

void RequestPage::put(const RequestRecord& r, PageWriter& to) {
  to.room(kRowBytesMax);
  to.text(r.client_order_id, before_.client_order_id);
  to.text(r.original, before_.original);
  to.byte(raw(r.kind));
  to.byte(raw(r.outcome));
  to.number(raw(r.reason));
  for (const uint32_t n : {r.account, r.symbol, uint32_t{r.wire}, r.affected}) to.number(n);
  to.difference(r.order, before_.order);
  to.money(r.price.units, before_.price.units);
  to.money(r.quantity.units);
  to.difference(r.trace.value, before_.trace.value);
  before_ = r;
}

bool RequestPage::take(PageReader& from, RequestRecord& r) {
  from.text(r.client_order_id, before_.client_order_id, "clientOrderId");
  from.text(r.original, before_.original, "original");
  from.enumerator(from.byte(), r.kind, "kind");
  from.enumerator(from.byte(), r.outcome, "outcome");
  from.enumerator(from.number(), r.reason, "reason");
  from.small(r.account, "account");
  from.small(r.symbol, "symbol");
  from.small(r.wire, "wire");
  from.small(r.affected, "affected");
  r.order = static_cast<Ref>(from.difference(before_.order));
  r.price.units = from.money(before_.price.units);
  r.quantity.units = from.money();
  r.trace = {from.difference(before_.trace.value)};
  before_ = r;
  return !from.wrong().any();
}

// ---- executions

void ExecutionPage::put(const ExecutionRecord& e, PageWriter& to) {
  to.room(kRowBytesMax);
  to.fixed(e.key_high);
  to.fixed(e.key_low);
  to.difference(e.order, before_.order);
  to.money(e.quantity.units);
  to.money(e.price.units);
  before_ = e;
}

bool ExecutionPage::take(PageReader& from, ExecutionRecord& e) {
  e.key_high = from.fixed();
  e.key_low = from.fixed();
  e.order = static_cast<Ref>(from.difference(before_.order));
  e.quantity.units = from.money();
  e.price.units = from.money();
  before_ = e;
  return !from.wrong().any();
}

// ---- reports

void ReportPage::put(const ReportRecord& r, const ReasonText* text, PageWriter& to) {
  to.room(kRowBytesMax);
  to.byte(text ? kHasText : 0u);
  to.byte(raw(r.type));
  to.byte(raw(r.state));
  to.number(raw(r.reason));
  to.difference(r.order, before_.order);
  to.number(r.request);
  to.money(r.price.units, before_.price.units);
  to.money(r.quantity.units);
  to.money(r.last_quantity.units);
  to.money(r.last_price.units);
  to.money(r.leaves.units);
  to.money(r.cumulative.units, minus(r.quantity.units, r.leaves.units));
  to.difference(bits(r.time), bits(before_.time));
  to.text(r.exec_id, before_.exec_id);
  if (text) to.text(*text, {});
  before_ = r;
}

bool ReportPage::take(PageReader& from, ReportRecord& r, ReasonText& text) {
  const unsigned flags = from.byte();
  if ((flags & ~kHasText) != 0) from.wrong().say("flags", "that this build does not know");
  from.enumerator(from.byte(), r.type, "type");
  from.enumerator(from.byte(), r.state, "state");
  from.enumerator(from.number(), r.reason, "reason");
  r.order = static_cast<Ref>(from.difference(before_.order));
  from.small(r.request, "request");
  r.price.units = from.money(before_.price.units);
  r.quantity.units = from.money();
  r.last_quantity.units = from.money();
  r.last_price.units = from.money();
  r.leaves.units = from.money();
  r.cumulative.units = from.money(minus(r.quantity.units, r.leaves.units));
  r.time = time_of(from.difference(bits(before_.time)));
  from.text(r.exec_id, before_.exec_id, "execId");
  text = {};
  if (flags & kHasText) from.text(text, {}, "text");
  before_ = r;
  return !from.wrong().any();
}

}  // namespace holdfast::orders
