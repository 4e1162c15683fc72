// One number that is equal on members with equal state: every fact in a fixed order.
#include "actors/orders/shard/shard.hpp"
#include "actors/risk/image.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace holdfast::orders {

namespace {

class Digest {
 public:
  Digest() { XXH3_64bits_reset(&state_); }
  template <typename T>
  requires(std::is_integral_v<T> || std::is_enum_v<T>) Digest& operator<<(T value) {
    const auto wide = static_cast<uint64_t>(value);
    XXH3_64bits_update(&state_, &wide, sizeof wide);
    return *this;
  }
  template <typename Tag>
  Digest& operator<<(FixedPoint<Tag> value) {
    return *this << value.units;
  }
  template <typename Tag, typename T>
  Digest& operator<<(Id<Tag, T> id) {
    return *this << id.value;
  }
  Digest& operator<<(WallTime time) { return *this << time.ns; }
  template <std::size_t N>
  Digest& operator<<(const Text<N>& text) {
    *this << text.size();
    XXH3_64bits_update(&state_, text.view().data(), text.size());
    return *this;
  }
  Digest& operator<<(risk::Wide wide) {
    return *this << static_cast<uint64_t>(wide) << static_cast<uint64_t>(wide >> 64);
  }
  uint64_t value() const { return XXH3_64bits_digest(&state_); }

 private:
  XXH3_state_t state_;
};

void add(Digest& d, const OrderRecord& o) {
  d << o.facts.state << o.facts.pending << o.facts.acknowledged << o.facts.lost
    << o.facts.cancel_deferred << o.facts.quantity << o.facts.cumulative << o.facts.leaves;
  d << o.price << o.received_price << o.received_quantity << o.cumulative_notional << o.trace
    << o.created << o.updated << o.created_index << o.limits << o.account << o.symbol
    << o.attribution << o.confirmed_request << o.pending_request << o.deferred_request << o.venue
    << o.history_steps << o.history_dropped << o.wire_last << o.wire_confirmed << o.wire_pending
    << o.reason << o.side << o.type << o.time_in_force << o.admitted << o.listed << o.flagged
    << o.open_previous << o.open_next << o.client_order_id << o.venue_order_id;
}

void add(Digest& d, const StepRecord& s) {
  d << s.time << s.index << s.quantity << s.price << s.request << s.reason << s.event << s.from
    << s.to << s.anomaly;
}

void add(Digest& d, const RequestRecord& r) {
  d << r.client_order_id << r.original << r.account << r.order << r.symbol << r.kind << r.outcome
    << r.reason << r.wire << r.affected << r.price << r.quantity << r.trace;
}

void add(Digest& d, const ReportStream& stream) {
  d << stream.first_kept() << stream.last();
  for (ReportSeq at = stream.first_kept(); at <= stream.last(); ++at.value) {
    const ReportRecord r = stream.at(at);
    d << r.order << r.request << r.type << r.state << r.reason << r.price << r.quantity
      << r.last_quantity << r.last_price << r.cumulative << r.leaves << r.time << r.exec_id;
  }
  for (const auto& [seq, text] : stream.texts()) d << seq << text;
}

void add(Digest& d, const OrderBookOfRecord& book) {
  d << book.shard() << book.orders() << book.requests() << book.executions() << book.accounts();
  for (Ref i = 1; i <= book.orders(); ++i) {
    add(d, book.order(i));
    book.each_step(book.order(i), [&](const StepRecord& s) { add(d, s); });
    if (const ReasonText* text = book.text_of(i)) d << *text;
  }
  for (Ref i = 1; i <= book.requests(); ++i) add(d, book.request(i));
  for (Ref i = 1; i <= book.executions(); ++i) {
    const ExecutionRecord& e = book.execution(i);
    d << e.key_high << e.key_low << e.order << e.quantity << e.price;
  }
  for (Ref i = 1; i <= book.accounts(); ++i) {
    const AccountRecord& a = book.account(i);
    d << a.name << a.open_first << a.open_last << a.open;
    add(d, a.reports);
  }
  for (Ref i = 1; i <= book.symbols().size(); ++i) d << book.symbols().of(i);
  for (Ref i = 1; i <= book.attributions().size(); ++i) {
    const Attribution& by = book.attributions().of(i);
    d << by.algo << by.trader << by.desk;
  }
}

void add(Digest& d, const VenueLink& link) {
  d << link.name << link.group << link.in_flight_max << link.unanswered << link.inbox.epoch
    << link.inbox.cursor << link.outbox.acknowledged() << link.outbox.last();
  for (uint64_t s = link.outbox.acknowledged().value + 1; s <= link.outbox.last().value; ++s) {
    const VenueRequest& r = link.outbox.at({s});
    d << r.kind << r.order << r.wire << r.original << r.venue_order_id << r.price << r.quantity
      << r.intake;
  }
}

void add(Digest& d, const risk::RiskState& state) {
  const risk::RiskImage image = risk::image_of(state);
  d << image.limits.version << image.restricted.version << image.untracked << image.unknown_orders
    << image.ill_formed;
  for (const auto& k : image.kills) d << k.kill.scope << k.kill.name << k.kill.mode << k.time;
  for (const auto& a : image.accounts) {
    d << a.name << a.slot_ns << a.head;
    for (const uint32_t n : a.counts) d << n;
  }
  for (const auto& s : image.symbols)
    d << s.name << s.last_trade << s.previous_close << s.last_trade_time << s.previous_close_time;
  for (const auto& p : image.positions)
    d << p.account << p.symbol << p.position << p.cost << p.broken;
  for (const auto& o : image.orders)
    d << o.order << o.state.side << o.state.market << o.state.pending << o.state.price
      << o.state.pending_price << o.state.leaves << o.state.pending_leaves;
  for (const auto& r : image.recent) d << r.account << r.symbol << r.price << r.quantity << r.time;
}

}  // namespace

uint64_t state_hash(const ShardState& state) {
  Digest d;
  add(d, state.book);
  add(d, state.risk);
  for (const VenueLink& link : state.links) add(d, link);
  for (const Sweep& sweep : state.sweeps) {
    d << sweep.is_kill << sweep.request << sweep.account << sweep.left.size() << sweep.orders
      << sweep.cancelled << sweep.pending << sweep.refused << sweep.index;
    for (const Ref ref : sweep.left) d << ref;
  }
  const ShardCounters& c = state.counters;
  d << c.admitted << c.refused << c.anomalies << c.late_fills << c.overfills << c.unsolicited
    << c.duplicate_reports << c.orphan_reports << c.refused_risk_unavailable << c.refused_deadline;
  d << state.unknown << state.reference_version << state.last.epoch << state.last.index
    << state.last.time;
  return d.value();
}

}  // namespace holdfast::orders
