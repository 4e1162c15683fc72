// What a shard proposes: the checks before risk, the verdicts of risk and routing, or their
// refusal.
#include "actors/orders/shard/shard_queries.hpp"
#include "actors/risk/view.hpp"

namespace holdfast::orders {

namespace {

using Decision = replication::Decision<ShardCore>;

// Part of an outbox is kept for cancels, so that a flood of orders can't keep one from leaving.
constexpr std::size_t kOutboxForOrders = limits::kOutboxItemsMax / 8 * 7;
constexpr std::size_t kOutboxForReplaces = limits::kOutboxItemsMax / 16 * 15;
constexpr std::size_t kSweepsMax = 64;
constexpr uint16_t kRequestsPerOrderMax = UINT16_MAX - 64;  // the rest is for operators

// Where the verdicts come from: judged here and now, or attached.
struct Judges {
  const routing::RoutingState* venues = nullptr;  // uncut
  const JudgedRequest* judged = nullptr;          // cut
  bool cut() const { return judged != nullptr; }
  bool by_stage() const { return cut() && (judged->decision || judged->counted); }
};

bool multiple(int64_t units, int64_t step) { return step > 0 && units % step == 0; }

Reason check_price(const Instrument& instrument, OrderType type, Price price) {
  if (type == OrderType::kMarket) return price.zero() ? Reason::kNone : Reason::kBadPrice;
  if (!price.positive() || price > instrument.price_max) return Reason::kBadPrice;
  return multiple(price.units, instrument.tick.units) ? Reason::kNone : Reason::kBadPrice;
}

Reason check_quantity(const Instrument& instrument, Quantity quantity) {
  if (!quantity.positive() || quantity > instrument.quantity_max) return Reason::kBadQuantity;
  return multiple(quantity.units, instrument.lot.units) ? Reason::kNone : Reason::kBadQuantity;
}

// Well-formed, known symbol, price and quantity on their steps.
Reason validate(const ShardState& state, const NewOrder& o) {
  if (o.side != Side::kBuy && o.side != Side::kSell) return Reason::kMalformed;
  if (o.type != OrderType::kMarket && o.type != OrderType::kLimit) return Reason::kUnsupported;
  switch (o.time_in_force) {
    case TimeInForce::kDay:
    case TimeInForce::kGoodTillCancel:
    case TimeInForce::kImmediateOrCancel:
    case TimeInForce::kFillOrKill:
      break;
    default:
      return Reason::kUnsupported;
  }
  if (o.type == OrderType::kMarket && o.time_in_force == TimeInForce::kGoodTillCancel)
    return Reason::kUnsupported;
  const Instrument* instrument = state.instrument(o.symbol);
  if (!instrument) return Reason::kUnknownSymbol;
  if (const Reason r = check_price(*instrument, o.type, o.price); r != Reason::kNone) return r;
  if (const Reason r = check_quantity(*instrument, o.quantity); r != Reason::kNone) return r;
  if (!notional_of(o.price, o.quantity)) return Reason::kOverflow;
  return Reason::kNone;
}

bool same_request(const ShardState& state, Ref ref, const NewOrder& o) {
  const OrderRecord& r = state.book.order(ref);
  return state.book.symbols().of(r.symbol) == o.symbol && r.side == o.side && r.type == o.type &&
         r.time_in_force == o.time_in_force && r.received_price == o.price &&
         r.received_quantity == o.quantity &&
         state.book.attributions().of(r.attribution) == o.attribution;
}

OrderReply refuse(const RequestTicket& ticket, Reason reason) {
  OrderReply reply;
  reply.ticket = ticket;
  reply.reason = reason;
  reply.text = ReasonText(words_of(reason));
  reply.state = OrderState::kRejected;
  return reply;
}

void say(Decision& out, OrderReply reply) { out.replies.push_back(ReplyEffect{std::move(reply)}); }

// What is refused without a trace in the book: there is nowhere to keep it.
Reason unbookable(const ShardState& state, const Account& account, const ClientOrderId& id) {
  if (account.empty() || id.empty()) return Reason::kMalformed;
  if (state.book.account_of(account) == 0) {
    const risk::Row row = state.risk.find_account(account);
    if (row == risk::kNoRow) return Reason::kUnknownAccount;
    if (state.book.accounts() >= limits::kAccountsMax) return Reason::kFull;
  }
  if (!state.reference) return Reason::kNotServing;
  if (state.book.full()) return Reason::kFull;
  return Reason::kNone;
}

// ---- a new order

class NewOrderDecision {
 public:
  NewOrderDecision(const ShardState& state, const OrderRequest& request, const NewOrder& order,
                   const Judges& judges, WallTime now)
      : state_(state), request_(request), order_(order), judges_(judges), now_(now) {}

  void decide(Decision& out) {
    if (known(out)) return;
    event_.order = order_;
    event_.ticket = request_.ticket;
    event_.by_stage = judges_.by_stage();
    event_.reason = judge();
    event_.routed = event_.reason == Reason::kNone;
    if (event_.decision && !event_.decision->approved)
      event_.text = risk::explain(*event_.decision);
    out.events.push_back(std::move(event_));
  }

  /// Answered from the book, or nowhere to be kept: says so, and nothing is decided.
  bool known(Decision& out) {
    if (const ClientRef found = state_.book.find(order_.account, order_.client_order_id)) {
      const bool same = found.order != 0 && same_request(state_, found.order, order_);
      say(out, same ? reply_of_order(state_, found.order, request_.ticket, true)
                    : refuse(request_.ticket, Reason::kDuplicateClientOrderId));
      return true;
    }
    const Reason reason = unbookable(state_, order_.account, order_.client_order_id);
    if (reason == Reason::kNone) return false;
    say(out, refuse(request_.ticket, reason));
    return true;
  }
  /// Why it gets no further than this; kNone: risk is asked.
  Reason before_risk() const {
    if (const Reason r = validate(state_, order_); r != Reason::kNone) return r;
    if (judges_.cut() && judges_.judged->refusal != Reason::kNone && !judges_.judged->decision)
      return judges_.judged->refusal;
    return Reason::kNone;
  }

 private:
  Reason judge() {
    if (const Reason r = before_risk(); r != Reason::kNone) {
      if (judges_.cut()) event_.decision = judges_.judged->decision;  // it was reserved: undo it
      return r;
    }
    const OrderId id = state_.book.id_of(static_cast<Ref>(state_.book.orders() + 1));
    event_.decision = judges_.cut()
                          ? judges_.judged->decision
                          : std::optional(risk::check(state_.risk, risk::of(id, order_), now_));
    if (!event_.decision) return Reason::kRiskUnavailable;
    if (!event_.decision->approved) return event_.decision->reason;
    if (judges_.cut() && judges_.judged->refusal != Reason::kNone) return judges_.judged->refusal;
    const routing::RouteDecision route = this->route(id);
    if (route.reason != Reason::kNone) return route.reason;
    for (std::size_t i = 0; i < state_.links.size(); ++i) {
      if (state_.links[i].group != route.group) continue;
      if (state_.links[i].outbox.size() >= kOutboxForOrders) return Reason::kFull;
      event_.venue = static_cast<uint16_t>(i + 1);
      return Reason::kNone;
    }
    return Reason::kNoVenue;
  }
  routing::RouteDecision route(OrderId id) const {
    if (judges_.cut())
      return judges_.judged->route.value_or(
          routing::RouteDecision{{}, {}, Reason::kRiskUnavailable});
    if (!judges_.venues) return {{}, {}, Reason::kNoVenue};
    return routing::choose(*judges_.venues, {id, order_.symbol, order_.type, order_.time_in_force},
                           now_);
  }

  const ShardState& state_;
  const OrderRequest& request_;
  const NewOrder& order_;
  const Judges& judges_;
  WallTime now_;
  OrderAdmitted event_;
};

// ---- a cancel or replace

class ChangeDecision {
 public:
  ChangeDecision(const ShardState& state, const OrderRequest& request, const Judges& judges,
                 WallTime now)
      : state_(state), request_(request), judges_(judges), now_(now) {
    e_.ticket = request.ticket;
    if (const auto* cancel = std::get_if<CancelOrder>(&request.body)) {
      e_.kind = RequestKind::kCancel;
      fill(*cancel);
    } else {
      const auto& replace = std::get<ReplaceOrder>(request.body);
      e_.kind = RequestKind::kReplace;
      fill(replace);
      e_.price = replace.price;
      e_.quantity = replace.quantity;
    }
    find_order();
  }

  void decide(Decision& out) {
    if (known(out)) return;
    e_.by_stage = judges_.by_stage();
    e_.reason = judge();
    if (e_.reason == Reason::kFull) return say(out, refuse(request_.ticket, Reason::kFull));
    if (e_.reason != Reason::kNone) e_.outcome = RequestOutcome::kRefused;
    if (e_.decision && !e_.decision->approved) e_.text = risk::explain(*e_.decision);
    out.events.push_back(std::move(e_));
  }

  risk::RiskOrder question() const {
    const OrderRecord& order = state_.book.order(e_.order);
    return risk::of_replace(state_.book.id_of(e_.order), state_.book.view(e_.order, {}).request,
                            e_.price, e_.quantity, order.facts.cumulative);
  }

  bool known(Decision& out) {
    if (const ClientRef found = state_.book.find(e_.account, e_.client_order_id)) {
      const bool same = found.request != 0 && same_as(state_.book.request(found.request));
      say(out, same ? reply_of_request(state_, found.request, request_.ticket, true)
                    : refuse(request_.ticket, Reason::kDuplicateClientOrderId));
      return true;
    }
    const Reason reason = unbookable(state_, e_.account, e_.client_order_id);
    if (reason == Reason::kNone) return false;
    say(out, refuse(request_.ticket, reason));
    return true;
  }
  Reason before_risk() const {
    if (judges_.cut() && judges_.judged->refusal != Reason::kNone && !judges_.judged->decision)
      return judges_.judged->refusal;
    if (e_.order == 0) return Reason::kUnknownOrder;
    const OrderRecord& order = state_.book.order(e_.order);
    const bool cancel = e_.kind == RequestKind::kCancel;
    const Step s =
        step(order.facts, cancel ? OrderEvent::kRequestCancel : OrderEvent::kRequestReplace);
    if (s.disposition == Disposition::kRefused) return s.refusal;
    if (order.wire_last >= kRequestsPerOrderMax) return Reason::kFull;
    const VenueLink& link = state_.link_of(order);
    if (cancel) return link.outbox.full() ? Reason::kFull : Reason::kNone;
    if (order.type != OrderType::kLimit) return Reason::kUnsupported;
    const Instrument* instrument = state_.instrument(state_.book.symbols().of(order.symbol));
    if (!instrument) return Reason::kUnknownSymbol;
    if (const Reason r = check_price(*instrument, order.type, e_.price); r != Reason::kNone)
      return r;
    if (const Reason r = check_quantity(*instrument, e_.quantity); r != Reason::kNone) return r;
    if (!notional_of(e_.price, e_.quantity)) return Reason::kOverflow;
    return link.outbox.size() >= kOutboxForReplaces ? Reason::kFull : Reason::kNone;
  }

 private:
  bool same_as(const RequestRecord& r) const {
    return r.kind == e_.kind && r.original == e_.original && r.price == e_.price &&
           r.quantity == e_.quantity;
  }
  Reason judge() {
    if (const Reason r = before_risk(); r != Reason::kNone) {
      if (judges_.cut()) e_.decision = judges_.judged->decision;
      return r;
    }
    if (e_.kind == RequestKind::kCancel) return Reason::kNone;
    e_.decision = judges_.cut() ? judges_.judged->decision
                                : std::optional(risk::check(state_.risk, question(), now_));
    if (!e_.decision) return Reason::kRiskUnavailable;
    if (!e_.decision->approved) return e_.decision->reason;
    return judges_.cut() ? judges_.judged->refusal : Reason::kNone;
  }

  template <typename Body>
  void fill(const Body& body) {
    e_.account = body.account;
    e_.client_order_id = body.client_order_id;
    e_.original = body.original;
    e_.trace = body.trace;
  }
  void find_order() {
    const ClientRef named = state_.book.find(e_.account, e_.original);
    e_.order = named.order;
    if (named.request != 0 && state_.book.request(named.request).kind == RequestKind::kReplace)
      e_.order = state_.book.request(named.request).order;
  }

  const ShardState& state_;
  const OrderRequest& request_;
  const Judges& judges_;
  WallTime now_;
  RequestAdmitted e_;
};

void decide_mass_cancel(const ShardState& state, const OrderRequest& request,
                        const MassCancel& body, const Judges& judges, Decision& out) {
  if (const ClientRef found = state.book.find(body.account, body.client_order_id)) {
    const bool same = found.request != 0 &&
                      state.book.request(found.request).kind == RequestKind::kMassCancel &&
                      state.book.request(found.request).symbol ==
                          (body.symbol.empty() ? 0 : state.book.symbols().find(body.symbol));
    return say(out, same ? reply_of_request(state, found.request, request.ticket, true)
                         : refuse(request.ticket, Reason::kDuplicateClientOrderId));
  }
  Reason reason = unbookable(state, body.account, body.client_order_id);
  if (reason == Reason::kNone && judges.cut()) reason = judges.judged->refusal;
  if (reason == Reason::kNone && !body.symbol.empty() && !state.instrument(body.symbol) &&
      state.book.symbols().find(body.symbol) == 0)
    reason = Reason::kUnknownSymbol;
  if (reason == Reason::kNone && state.sweeps.size() >= kSweepsMax) reason = Reason::kFull;
  if (reason != Reason::kNone) return say(out, refuse(request.ticket, reason));
  SweepStarted e;
  e.account = body.account;
  e.client_order_id = body.client_order_id;
  e.symbol = body.symbol;
  e.trace = body.trace;
  e.ticket = request.ticket;
  e.by_stage = judges.by_stage();
  out.events.push_back(std::move(e));
  if (state.sweeps.empty()) out.events.push_back(SweepAdvanced{ShardCore::kSweepStep});
}

void decide_request(const ShardState& state, const OrderRequest& request, const Judges& judges,
                    WallTime now, Decision& out) {
  if (const auto* order = std::get_if<NewOrder>(&request.body))
    return NewOrderDecision(state, request, *order, judges, now).decide(out);
  if (const auto* mass = std::get_if<MassCancel>(&request.body))
    return decide_mass_cancel(state, request, *mass, judges, out);
  ChangeDecision(state, request, judges, now).decide(out);
}

// ---- everything else

// An upper bound of what reference data takes in the journal.
std::size_t entry_bytes(const ReferenceData& data) {
  std::size_t names = 0;
  for (const Instrument& instrument : data.instruments) names += instrument.venues.size();
  return data.instruments.size() * 112 + names * 48 + data.venues.size() * 96;
}

struct Decider {
  const ShardState& state;
  WallTime now;
  Decision& out;

  void operator()(const Submit& c) const {
    CHECK(c.request != nullptr);
    decide_request(state, *c.request, {c.venues, nullptr}, now, out);
  }
  void operator()(const Admit& c) const {
    CHECK(c.judged != nullptr);
    decide_request(state, c.judged->request, {nullptr, c.judged}, now, out);
  }
  void operator()(const TakeReport& c) const {
    CHECK(c.delivery != nullptr && c.item < c.delivery->items.size());
    const VenueLink* link = state.link(c.delivery->from);
    if (!link) return;
    const OutboxSeq sequence{c.delivery->first.value + c.item};
    const auto judged = link->inbox.judge(c.delivery->epoch, sequence, 1);
    using Verdict = replication::InboxCursor::Verdict;
    switch (judged.verdict) {
      case Verdict::kTake:
        out.events.push_back(
            ReportTaken{c.delivery->from, c.delivery->epoch, sequence, c.delivery->items[c.item]});
        return;
      case Verdict::kNothingNew:
        out.replies.push_back(AcknowledgeEffect{link->group, link->inbox.cursor});
        return;
      case Verdict::kGap:
        out.replies.push_back(ResyncEffect{link->group, link->inbox.cursor});
        return;
      case Verdict::kStaleEpoch:
        return;  // a leader that was superseded: whoever follows it is told by GroupLeads
    }
  }
  void operator()(const TakeAcknowledgement& c) const {
    const VenueLink* link = state.link(c.from);
    if (link && c.upto > link->outbox.acknowledged() && c.upto <= link->outbox.last())
      out.events.push_back(OutboxAcknowledged{c.from, c.upto});
  }
  void operator()(const LoadReferenceData& c) const {
    ShardCommandDone done;
    done.ticket = c.ticket;
    if (!c.data)
      done.text = "no reference data";
    else if (entry_bytes(*c.data) > limits::kEntryBytesMax / 2)
      done.text = "too much for one journal entry: fewer instruments, or fewer venues for each";
    else if (const auto valid = validate(*c.data); !valid)
      done.text = valid.error().text.substr(0, limits::kReasonTextBytes);
    else if (state.reference && c.shard != state.book.shard())
      done.text = "this journal is of another shard: the number of shards can't be changed";
    else if (state.reference && *state.reference == *c.data)
      done.ok = true;  // in force already
    else {
      out.events.push_back(ReferenceLoaded{c.shard, c.version, c.data});
      done.ok = true;
    }
    answer(done);
  }
  void operator()(const ChangeRisk& c) const {
    ShardCommandDone done;
    done.ticket = c.ticket;
    done.text = refuse_change(c.delta);
    done.ok = done.text.empty();
    if (done.ok && !in_force(c.delta)) out.events.push_back(RiskChanged{c.delta});
    answer(done);
  }
  void operator()(const LoadRisk& c) const {
    ShardCommandDone done;
    done.ticket = c.ticket;
    std::vector<risk::RiskDelta> changes;
    // What changes nothing is in force already, and that is fine.
    if (c.limits) {
      auto next = risk::successor(state.risk.limits(), *c.limits);
      if (next)
        changes.push_back(
            risk::LimitsLoaded{std::make_shared<RiskLimits>(std::move(next).value())});
      else if (next.error().code != ErrorCode::kConflict)
        done.text = next.error().text;
    }
    if (c.restricted) {
      auto next = risk::successor(state.risk.restricted(), *c.restricted);
      if (next)
        changes.push_back(
            risk::RestrictedLoaded{std::make_shared<RestrictedList>(std::move(next).value())});
      else if (next.error().code != ErrorCode::kConflict)
        done.text = next.error().text;
    }
    done.ok = done.text.empty();
    if (done.ok)
      for (risk::RiskDelta& change : changes) out.events.push_back(RiskChanged{std::move(change)});
    answer(done);
  }
  void operator()(const SetKill& c) const {
    ShardCommandDone done;
    done.ticket = c.ticket;
    if (state.sweeps.size() >= kSweepsMax)
      done.text = "too many kills and mass cancels are under way: try again";
    else if ((c.kill.scope == KillScope::kFirm) != c.kill.name.empty())
      done.text = "a kill of the firm has no name; one of a desk, account or algo needs it";
    else if (c.kill.mode != KillMode::kNone &&
             state.risk.kills().size() >= limits::kKillSwitchesMax)
      done.text = "too many kills are in force: end some, or kill the firm";
    if (!done.text.empty()) return answer(done);
    SweepStarted e;
    e.is_kill = true;
    e.kill = c.kill;
    e.operator_ticket = c.ticket;
    out.events.push_back(std::move(e));
    if (state.sweeps.empty()) out.events.push_back(SweepAdvanced{ShardCore::kSweepStep});
  }
  void operator()(const CancelOpenOrders& c) const {
    if (state.sweeps.size() >= kSweepsMax) {
      ShardCommandDone done;
      done.ticket = c.ticket;
      done.text = "too many kills and mass cancels are under way: try again";
      return answer(done);
    }
    SweepStarted e;
    e.is_kill = e.cancel_only = true;
    e.operator_ticket = c.ticket;
    out.events.push_back(std::move(e));
    if (state.sweeps.empty()) out.events.push_back(SweepAdvanced{ShardCore::kSweepStep});
  }
  void operator()(const Tick&) const {
    if (!state.sweeps.empty()) out.events.push_back(SweepAdvanced{ShardCore::kSweepStep});
  }
  void operator()(const Ask& c) const { out.replies.push_back(answer_query(state, c, now)); }

  // The answer waits for the event before it, if there is one, and for all before that.
  void answer(const ShardCommandDone& done) const {
    out.replies.push_back(AnswerEffect{done.ticket, done});
  }
  std::string refuse_change(const risk::RiskDelta& delta) const {
    if (const auto* limits = std::get_if<risk::LimitsLoaded>(&delta)) {
      if (!limits->limits) return "no limits";
      if (const auto valid = validate(*limits->limits); !valid) return valid.error().text;
      if (limits->limits->version < state.risk.limits_version())
        return "version " + std::to_string(limits->limits->version.value) +
               " is older than the one in force, " +
               std::to_string(state.risk.limits_version().value);
      if (limits->limits->version == state.risk.limits_version() &&
          !(*limits->limits == state.risk.limits()))
        return "other limits of the same version are in force: raise the version";
      return {};
    }
    if (const auto* restricted = std::get_if<risk::RestrictedLoaded>(&delta)) {
      if (!restricted->list) return "no restricted list";
      if (const auto valid = validate(*restricted->list); !valid) return valid.error().text;
      return {};
    }
    if (const auto* price = std::get_if<risk::ReferencePriceSet>(&delta)) {
      if (!state.instrument(price->symbol)) return "the symbol is not configured";
      return price->price.positive() ? "" : "a reference price must be positive";
    }
    if (std::get_if<risk::PositionSet>(&delta) || std::get_if<risk::TrackingRestored>(&delta))
      return {};
    return "this is not for an operator to change";
  }
  bool in_force(const risk::RiskDelta& delta) const {
    if (const auto* limits = std::get_if<risk::LimitsLoaded>(&delta))
      return *limits->limits == state.risk.limits();
    if (const auto* restricted = std::get_if<risk::RestrictedLoaded>(&delta))
      return *restricted->list == state.risk.restricted();
    return false;
  }
};

}  // namespace

void ShardCore::decide(const State& state, const Command& command, WallTime now,
                       replication::Decision<ShardCore>& decision) {
  std::visit(Decider{state, now, decision}, command);
}

Triage ShardCore::triage(const State& state, const OrderRequest& request, uint32_t new_orders) {
  Triage triage;
  const Judges judges;
  Decision ignored;
  triage.order.kind = risk::RiskOrderKind::kMessage;
  triage.order.account = account_of(request);
  if (const auto* order = std::get_if<NewOrder>(&request.body)) {
    NewOrderDecision decision(state, request, *order, judges, {});
    triage.books = !decision.known(ignored);
    if (!triage.books || decision.before_risk() != Reason::kNone) return triage;
    const OrderId id = state.book.id_of(static_cast<Ref>(state.book.orders() + new_orders + 1));
    triage.ask_routing = true;
    triage.order = risk::of(id, *order);
    triage.route = {id, order->symbol, order->type, order->time_in_force};
  } else if (const auto* mass = std::get_if<MassCancel>(&request.body)) {
    decide_mass_cancel(state, request, *mass, judges, ignored);
    triage.books = !ignored.events.empty();
  } else {
    ChangeDecision change(state, request, judges, {});
    const Reason reason = change.known(ignored) ? Reason::kFull : change.before_risk();
    triage.books = reason != Reason::kFull;
    if (std::holds_alternative<ReplaceOrder>(request.body) && reason == Reason::kNone)
      triage.order = change.question();
  }
  return triage;
}

}  // namespace holdfast::orders
