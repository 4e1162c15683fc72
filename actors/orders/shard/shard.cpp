#include "actors/orders/shard/shard.hpp"

#include "actors/orders/shard/shard_queries.hpp"

namespace holdfast::orders {

namespace {
// A sweep that waits for room in an outbox tries again after this.
constexpr Duration kSweepRetry = Duration::milliseconds(5);
}  // namespace

ShardState::ShardState() = default;

void ShardState::Fresh::clear() {
  reports.clear();
  deliveries.clear();
  risk.clear();
  anomalies.clear();
  swept.clear();
}

const Instrument* ShardState::instrument(const Symbol& symbol) const {
  const auto it = instruments.find(symbol);
  return it == instruments.end() ? nullptr : &reference->instruments[it->second];
}

VenueLink* ShardState::link(GroupId group) {
  for (VenueLink& l : links)
    if (l.group == group) return &l;
  return nullptr;
}
const VenueLink* ShardState::link(GroupId group) const {
  return const_cast<ShardState*>(this)->link(group);
}

void ShardState::adopt_reference() {
  instruments.clear();
  for (std::size_t i = 0; i < reference->instruments.size(); ++i)
    instruments.emplace(reference->instruments[i].symbol, i);
  for (const VenueEntry& entry : reference->venues) {
    VenueLink* known = link(entry.group);
    if (!known) {
      known = &links.emplace_back();
      known->group = entry.group;
    }
    known->name = entry.name;
    known->in_flight_max = entry.in_flight_max;
  }
  venue_names.clear();
  for (const VenueLink& l : links) venue_names.push_back(l.name);
}

void refresh(routing::RoutingState& venues, const ShardState& state) {
  for (const VenueLink& link : state.links)
    if (const routing::VenueRecord* venue = venues.find(link.group); venue && venue->heard)
      venues.set_status({link.name, link.group, venue->state, link.unanswered});
}

void ShardCore::effects(const State& state, const Event& event, const replication::Position&,
                        std::vector<Effect>& out) {
  const ShardState::Fresh& fresh = state.fresh;
  if (const auto* e = std::get_if<OrderAdmitted>(&event)) {
    const Ref ref = static_cast<Ref>(state.book.orders());
    out.push_back(ReplyEffect{reply_of_order(state, ref, e->ticket, false)});
  } else if (const auto* r = std::get_if<RequestAdmitted>(&event)) {
    const Ref ref = static_cast<Ref>(state.book.requests());
    OrderReply reply = reply_of_request(state, ref, r->ticket, false);
    if (!r->text.empty()) reply.text = r->text;
    out.push_back(ReplyEffect{reply});
  } else if (const auto* t = std::get_if<ReportTaken>(&event)) {
    out.push_back(AcknowledgeEffect{t->group, t->sequence});
  } else if (const auto* l = std::get_if<ReferenceLoaded>(&event)) {
    out.push_back(ReferenceEffect{l->data});
  }
  for (const RiskEffect& delta : fresh.risk) out.push_back(delta);
  for (const auto& [account, sequence] : fresh.reports)
    out.push_back(ReportEffect{state.book.report(account, sequence, state.venue_names)});
  for (const DeliverEffect& delivery : fresh.deliveries) out.push_back(delivery);
  for (const AnomalyEffect& anomaly : fresh.anomalies) out.push_back(anomaly);
  for (const Sweep& sweep : fresh.swept) {
    if (sweep.request != 0) {
      out.push_back(ReplyEffect{reply_of_request(state, sweep.request, sweep.ticket, false)});
      continue;
    }
    ShardCommandDone done;
    done.ticket = sweep.operator_ticket;
    done.ok = true;
    done.index = sweep.index;
    done.orders = sweep.orders;
    done.cancelled = sweep.cancelled;
    done.pending = sweep.pending;
    done.refused = sweep.refused;
    out.push_back(AnswerEffect{sweep.operator_ticket, done});
  }
}

void ShardCore::outstanding(const State& state, std::vector<Effect>& out) {
  for (const VenueLink& link : state.links) {
    out.push_back(ResyncEffect{link.group, link.inbox.cursor});
    for (uint64_t s = link.outbox.acknowledged().value + 1; s <= link.outbox.last().value; ++s)
      out.push_back(DeliverEffect{link.group, {s}});
  }
}

std::optional<WallTime> ShardCore::next_deadline(const State& state) {
  if (state.sweeps.empty()) return std::nullopt;
  const Sweep& sweep = state.sweeps.front();
  if (sweep.left.empty()) return state.last.time;
  const OrderRecord& next = state.book.order(sweep.left.front());
  const bool stuck = next.venue != 0 && state.links.at(next.venue - 1u).outbox.full();
  return stuck ? state.last.time + kSweepRetry : state.last.time;
}

}  // namespace holdfast::orders
