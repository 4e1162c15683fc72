#include "actors/orders/shard/shard_queries.hpp"

#include <algorithm>

#include "actors/risk/view.hpp"

namespace holdfast::orders {

namespace {

// Orders looked at for one page: a page over millions of orders is cut here, and goes on after it.
constexpr uint32_t kScannedMax = 20'000;

bool matches(const ShardState& state, const OrderRecord& o, const OrdersQuery& q) {
  if (q.open_only && !o.listed) return false;
  if (q.state && o.facts.state != *q.state) return false;
  if (!q.account.empty() && !(state.book.account(o.account).name == q.account)) return false;
  if (!q.symbol.empty() && !(state.book.symbols().of(o.symbol) == q.symbol)) return false;
  return true;
}

OrderView view(const ShardState& state, Ref ref) {
  OrderView v = state.book.view(ref, state.venue_names);
  v.as_of = state.last.index;
  return v;
}

// Open orders of one account come from its list; everything else is a walk by number.
void list_open(const ShardState& state, const OrdersQuery& q, Ref after, uint32_t limit,
               OrdersPage& page) {
  const Ref owner = state.book.account_of(q.account);
  if (owner == 0) return;
  for (Ref ref = state.book.account(owner).open_first; ref != 0;
       ref = state.book.order(ref).open_next) {
    if (ref <= after || !matches(state, state.book.order(ref), q)) continue;
    if (page.orders.size() == limit) {
      page.more = true;
      return;
    }
    page.orders.push_back(view(state, ref));
    page.scanned = state.book.id_of(ref);
  }
}

void walk(const ShardState& state, const OrdersQuery& q, Ref after, uint32_t limit,
          OrdersPage& page) {
  const Ref end = static_cast<Ref>(state.book.orders());
  for (Ref ref = after + 1; ref <= end; ++ref) {
    if (page.orders.size() == limit || ref - after > kScannedMax) {
      page.more = true;
      return;
    }
    page.scanned = state.book.id_of(ref);
    if (matches(state, state.book.order(ref), q)) page.orders.push_back(view(state, ref));
  }
}

struct Answerer {
  const ShardState& state;
  WallTime now;

  AnswerEffect operator()(const ReadReports& q) const {
    auto page = std::make_shared<ReportsPage>();
    page->session = q.session;
    page->account = q.account;
    page->subscription = q.subscription;
    page->first_kept = page->next = ReportSeq{1};
    const Ref owner = state.book.account_of(q.account);
    page->caught_up = true;
    if (owner != 0) {
      const ReportStream& stream = state.book.account(owner).reports;
      page->first_kept = stream.first_kept();
      page->last = stream.last();
      ReportSeq at = std::max(q.from, stream.first_kept());
      for (; at <= stream.last() && page->reports.size() < q.max; ++at.value)
        page->reports.push_back(state.book.report(owner, at, state.venue_names));
      page->next = at;
      page->caught_up = at > stream.last();
    }
    return {0, page};
  }

  AnswerEffect operator()(const OrderQuery& q) const {
    OrderQueryReply reply;
    reply.ticket = q.ticket;
    const Ref ref = order_of(state.book.find(q.account, q.client_order_id));
    reply.found = ref != 0;
    reply.reason = ref != 0 ? Reason::kNone : Reason::kUnknownOrder;
    if (ref != 0) reply.view = view(state, ref);
    return {0, reply};
  }

  AnswerEffect operator()(const ShardRiskQuery& q) const {
    auto v = std::make_shared<ShardRiskView>(risk::view(state.risk, q, now));
    v->ticket = q.ticket;
    v->as_of = state.last.index;
    return {0, v};
  }

  AnswerEffect operator()(const OrdersQuery& q) const {
    auto page = std::make_shared<OrdersPage>();
    page->ticket = q.ticket;
    page->as_of = state.last.index;
    page->epoch = state.last.epoch;
    const uint32_t limit = std::clamp(q.limit, 1u, kOrdersPageMax);
    // An id of a lower shard means all of this one's orders come after it; of a higher one: none.
    const uint64_t shard = q.after.value >> 48;
    if (q.after && shard > state.book.shard()) return {0, page};
    const uint64_t number = q.after.value & 0xffff'ffff'ffffull;
    const Ref after = q.after && shard == state.book.shard()
                          ? static_cast<Ref>(std::min<uint64_t>(number, state.book.orders()))
                          : 0;
    if (!q.client_order_id.empty()) {
      by_client_id(q, after, *page);
    } else if (q.open_only && !q.account.empty()) {
      list_open(state, q, after, limit, *page);
    } else {
      walk(state, q, after, limit, *page);
    }
    return {0, page};
  }

  AnswerEffect operator()(const OrderHistoryQuery& q) const {
    auto history = std::make_shared<OrderHistory>();
    history->ticket = q.ticket;
    history->as_of = state.last.index;
    Ref ref = 0;
    if (q.order)
      ref = state.book.ref_of(q.order);
    else
      ref = order_of(state.book.find(q.account, q.client_order_id));
    if (ref == 0) return {0, history};
    history->found = true;
    history->order = view(state, ref);
    state.book.steps(ref, history->steps);
    const OrderRecord& o = state.book.order(ref);
    history->steps_dropped = o.history_dropped;
    history->limits = o.limits;
    for (uint16_t n = 1; n <= o.wire_last && n <= 256; ++n)
      history->wire_ids.push_back(wire_id(state.book.id_of(ref), n));
    return {0, history};
  }

  AnswerEffect operator()(const ShardQuery& q) const {
    auto v = std::make_shared<ShardView>();
    v->ticket = q.ticket;
    v->as_of = state.last.index;
    v->epoch = state.last.epoch;
    v->state_hash = ShardCore::digest(state);
    v->orders = state.book.orders();
    v->open = state.book.open();
    v->unknown = state.unknown;
    v->anomalies = state.counters.anomalies + state.counters.orphan_reports;
    v->late_fills = state.counters.late_fills + state.counters.overfills;
    v->duplicate_reports = state.counters.duplicate_reports;
    v->refused_risk_unavailable = state.counters.refused_risk_unavailable;
    v->refused_deadline = state.counters.refused_deadline;
    v->limits = state.risk.limits_version();
    for (const VenueLink& link : state.links)
      v->links.push_back({link.name, link.group, link.outbox.size(), link.unanswered,
                          link.in_flight_max, link.outbox.last(), link.outbox.acknowledged(),
                          link.inbox.cursor});
    return {0, v};
  }

  Ref order_of(ClientRef named) const {
    if (named.order != 0 || named.request == 0) return named.order;
    return state.book.request(named.request).order;
  }
  void by_client_id(const OrdersQuery& q, Ref after, OrdersPage& page) const {
    for (Ref account = 1; account <= state.book.accounts(); ++account) {
      const Account& name = state.book.account(account).name;
      if (!q.account.empty() && !(name == q.account)) continue;
      const Ref ref = order_of(state.book.find(name, q.client_order_id));
      if (ref > after && matches(state, state.book.order(ref), q))
        page.orders.push_back(view(state, ref));
    }
    std::sort(page.orders.begin(), page.orders.end(),
              [](const OrderView& a, const OrderView& b) { return a.order < b.order; });
  }
};

ReasonText words(const ReasonText* own, Reason reason) {
  if (own) return *own;
  return reason == Reason::kNone ? ReasonText() : ReasonText(words_of(reason));
}

}  // namespace

OrderReply reply_of_order(const ShardState& state, Ref ref, const RequestTicket& ticket,
                          bool duplicate) {
  const OrderRecord& o = state.book.order(ref);
  OrderReply reply;
  reply.ticket = ticket;
  reply.accepted = o.admitted;
  reply.duplicate = duplicate;
  reply.reason = o.reason;
  reply.text = words(state.book.text_of(ref), o.reason);
  reply.order = state.book.id_of(ref);
  reply.state = o.facts.state;
  return reply;
}

OrderReply reply_of_request(const ShardState& state, Ref ref, const RequestTicket& ticket,
                            bool duplicate) {
  const RequestRecord& r = state.book.request(ref);
  OrderReply reply;
  reply.ticket = ticket;
  reply.accepted = r.outcome != RequestOutcome::kRefused;
  reply.duplicate = duplicate;
  reply.reason = r.reason;
  reply.text = words(nullptr, r.reason);
  reply.affected = r.affected;
  if (r.order != 0) {
    reply.order = state.book.id_of(r.order);
    reply.state = state.book.order(r.order).facts.state;
  }
  return reply;
}

AnswerEffect answer_query(const ShardState& state, const Ask& ask, WallTime now) {
  AnswerEffect answer = std::visit(Answerer{state, now}, ask.query);
  answer.asker = ask.asker;
  return answer;
}

}  // namespace holdfast::orders
