#include "actors/venues/gateway_flow.hpp"

#include <algorithm>

namespace holdfast::venues {

namespace {
/// Done orders that are looked at to forget one, at most.
constexpr std::size_t kForgetLooks = 64;

SentKind sent_kind(VenueRequestKind kind) {
  switch (kind) {
    case VenueRequestKind::kNew:
      return SentKind::kNew;
    case VenueRequestKind::kCancel:
      return SentKind::kCancel;
    case VenueRequestKind::kReplace:
      return SentKind::kReplace;
    case VenueRequestKind::kStatus:
      return SentKind::kStatus;
  }
  return SentKind::kAdmin;
}

VenueReport blank_report(const VenueOrder& order, const Wire& wire, VenueReportKind kind) {
  VenueReport report;
  report.kind = kind;
  report.order = order.id;
  report.wire = wire.id;
  report.original = wire.original;
  report.venue_order_id = order.venue_order_id;
  report.symbol = order.symbol;
  report.side = order.side;
  return report;
}

void give_reason(VenueReport& report, Reason reason) {
  report.reason = reason;
  report.text = ReasonText(words_of(reason).substr(0, limits::kReasonTextBytes));
}

/// Moves a wire to `next` and keeps the counts.
void move_wire(GatewayState& state, Wire& wire, WireState next) {
  if (wire.state == WireState::kSent) {
    CHECK(state.in_flight > 0);
    --state.in_flight;
  }
  wire.state = next;
  if (next == WireState::kSent) ++state.in_flight;
  // What is answered and past the age of resends is never needed again.
  if ((next == WireState::kConfirmed || next == WireState::kClosed) && wire.number != 0 &&
      wire.number < state.swept)
    state.sent.erase(wire.number);
}

/// From now on the order is unknown, until the venue has told.
void doubt(GatewayState& state, VenueOrder& order, const WireOrderId& wire, DoubtCause cause,
           WallTime now) {
  if (state.unknown.insert(order.id).second) state.to_ask.push_front(order.id);
  order.status_asked = false;
  state.reconciliation.open(order, wire, cause, now);
}

/// The order was asked about: others come first next time.
void asked(GatewayState& state, OrderId id) {
  state.reconciliation.asked(id);
  auto& queue = state.to_ask;
  while (!queue.empty() && !state.unknown.contains(queue.front())) queue.pop_front();
  if (queue.empty() || queue.front() != id) return;
  queue.pop_front();
  queue.push_back(id);
}

/// What told about an order, when, and how the order stands by it.
struct Word {
  SettledBy by = SettledBy::kReport;
  OrderState venue_state = OrderState::kUnknown;
  WallTime now;
};

void settle_unknown(GatewayState& state, VenueOrder& order, const Word& word) {
  if (order.any(WireState::kUnknown) || order.in_doubt) return;
  state.unknown.erase(order.id);
  order.status_asked = false;
  state.reconciliation.close(order.id, word.by, word.venue_state, word.now);
}

/// An order that can't change any more is kept for a while, then forgotten.
void finish(GatewayState& state, VenueOrder& order, const Word& word) {
  order.in_doubt = false;
  settle_unknown(state, order, word);
  if (order.done) return;
  order.done = true;
  state.done.push_back(order.id);
  // One that a cancel or replace still waits for is kept until that is refused.
  std::size_t looked_at = 0;
  while (state.done.size() > limits::kVenueDoneOrdersKept && looked_at++ < kForgetLooks) {
    const auto oldest = state.orders.find(state.done.front());
    state.done.pop_front();
    if (oldest == state.orders.end()) continue;
    if (oldest->second.any(WireState::kWaiting)) {
      state.done.push_back(oldest->first);
      continue;
    }
    for (Wire& wire : oldest->second.wires) {
      move_wire(state, wire, WireState::kClosed);
      state.wires.erase(wire.id);
    }
    state.unknown.erase(oldest->first);
    state.reconciliation.close(oldest->first, SettledBy::kReport, OrderState::kUnknown, word.now);
    state.orders.erase(oldest);
  }
}

VenueOrder* order_of(GatewayState& state, const WireOrderId& wire) {
  const auto id = state.wires.find(wire);
  if (id == state.wires.end()) return nullptr;
  const auto order = state.orders.find(id->second);
  return order == state.orders.end() ? nullptr : &order->second;
}

std::deque<VenueRequest>::iterator waiting_of(GatewayState& state, const WireOrderId& wire) {
  return std::find_if(state.waiting.begin(), state.waiting.end(),
                      [&](const VenueRequest& request) { return request.wire == wire; });
}

/// Gives up every request of the order that is in doubt: the venue never had it.
void not_sent(GatewayState& state, VenueOrder& order, WallTime now) {
  const Word word{SettledBy::kNotSent, OrderState::kNotSent, now};
  bool born = order.wires.empty() || order.wires.front().kind != VenueRequestKind::kNew;
  for (Wire& wire : order.wires) {
    const bool in_doubt = wire.state == WireState::kUnknown || wire.state == WireState::kSent;
    if (wire.kind == VenueRequestKind::kNew) {
      born = born || !in_doubt;
      if (in_doubt) {
        VenueReport report = blank_report(order, wire, VenueReportKind::kNotSent);
        report.venue_state = OrderState::kNotSent;
        give_reason(report, Reason::kNotSentAtFailover);
        move_wire(state, wire, WireState::kClosed);
        state.counters.not_sent += 1;
        push_report(state, order.shard, std::move(report));
      }
    } else if (in_doubt) {
      VenueReport report = blank_report(order, wire, VenueReportKind::kCancelRejected);
      give_reason(report, Reason::kNotSentAtFailover);
      move_wire(state, wire, WireState::kClosed);
      push_report(state, order.shard, std::move(report));
    }
  }
  settle_unknown(state, order, word);
  if (!born) finish(state, order, word);
}

/// The venue told how the order stands: what was in doubt is decided by it.
void settle(GatewayState& state, VenueOrder& order, const VenueReport& status, WallTime now) {
  const Word word{SettledBy::kStatus, status.venue_state, now};
  order.in_doubt = false;
  push_report(state, order.shard, status);
  for (Wire& wire : order.wires) {
    if (wire.state != WireState::kUnknown) continue;
    if (wire.kind == VenueRequestKind::kNew) {
      move_wire(state, wire, WireState::kConfirmed);
      continue;
    }
    const bool replaced = wire.kind == VenueRequestKind::kReplace && status.wire == wire.id;
    const bool cancelled =
        wire.kind == VenueRequestKind::kCancel && status.venue_state == OrderState::kCancelled;
    VenueReport report = status;
    report.kind = replaced    ? VenueReportKind::kReplaced
                  : cancelled ? VenueReportKind::kCancelled
                              : VenueReportKind::kCancelRejected;
    report.wire = wire.id;
    report.original = wire.original;
    if (!replaced && !cancelled) give_reason(report, Reason::kNotSentAtFailover);
    move_wire(state, wire, replaced ? WireState::kConfirmed : WireState::kClosed);
    push_report(state, order.shard, std::move(report));
  }
  settle_unknown(state, order, word);
  if (is_terminal(status.venue_state)) finish(state, order, word);
}

/// A fill, cancel or replace proves that the order is at the venue, whatever ClOrdID it names.
void confirm_first(GatewayState& state, VenueOrder& order) {
  if (order.wires.empty()) return;
  Wire& first = order.wires.front();
  if (first.kind == VenueRequestKind::kNew &&
      (first.state == WireState::kSent || first.state == WireState::kUnknown))
    move_wire(state, first, WireState::kConfirmed);
}

/// What a report says about the ClOrdID that it names.
void move_chain(GatewayState& state, VenueOrder& order, const VenueReport& report, WallTime now) {
  const Word word{report.drop_copy            ? SettledBy::kDropCopy
                  : report.possible_duplicate ? SettledBy::kResend
                                              : SettledBy::kReport,
                  report.venue_state, now};
  Wire* wire = order.find(report.wire);
  const bool request = wire != nullptr && wire->kind != VenueRequestKind::kNew;
  switch (report.kind) {
    case VenueReportKind::kAccepted:
    case VenueReportKind::kReplaced:
    case VenueReportKind::kFill:
      if (wire != nullptr && wire->kind != VenueRequestKind::kCancel &&
          wire->state != WireState::kClosed)
        move_wire(state, *wire, WireState::kConfirmed);
      confirm_first(state, order);
      order.in_doubt = false;
      if (report.kind == VenueReportKind::kFill && report.leaves_quantity.zero())
        finish(state, order, word);
      break;
    case VenueReportKind::kRejected:
    case VenueReportKind::kCancelled:
    case VenueReportKind::kExpired:
      if (request) {
        move_wire(state, *wire, WireState::kClosed);
      } else if (wire != nullptr && report.kind == VenueReportKind::kRejected) {
        move_wire(state, *wire, WireState::kClosed);
      }
      if (report.kind != VenueReportKind::kRejected) confirm_first(state, order);
      if (!(report.kind == VenueReportKind::kRejected && request)) finish(state, order, word);
      break;
    case VenueReportKind::kCancelRejected:
      if (request) move_wire(state, *wire, WireState::kClosed);
      break;
    case VenueReportKind::kUnknown:
    case VenueReportKind::kNotSent:
    case VenueReportKind::kTradeCancel:
    case VenueReportKind::kTradeCorrect:
    case VenueReportKind::kStatus:
      break;
  }
  settle_unknown(state, order, word);
}
}  // namespace

void push_report(GatewayState& state, GroupId shard, VenueReport report) {
  const OutboxSeq seq = state.outboxes[shard].push(std::move(report));
  state.turn.pushed.emplace_back(shard, seq);
}

void take_requests(GatewayState& state, const event::RequestsTaken& taken) {
  auto& inbox = state.inboxes[taken.from];
  inbox.epoch = taken.epoch;
  inbox.cursor = taken.cursor;
  state.outboxes[taken.from];
  if (taken.acknowledged) state.outboxes[taken.from].acknowledge(taken.acknowledged);
  std::vector<WireOrderId> dropped;
  for (const VenueRequest& request : taken.requests) {
    state.counters.taken += 1;
    if (request.kind == VenueRequestKind::kStatus) {
      state.waiting.push_back(request);
      state.status_waiting += 1;
      continue;
    }
    if (state.wires.contains(request.wire)) {  // decide() halts the flow over it
      state.counters.refused += 1;
      continue;
    }
    auto [it, fresh] = state.orders.try_emplace(request.order);
    VenueOrder& order = it->second;
    if (fresh) {
      order.id = request.order;
      order.shard = taken.from;
      order.account = request.account;
      order.symbol = request.symbol;
      order.side = request.side;
      order.venue_order_id = request.venue_order_id;
    }
    order.wires.push_back({request.wire, request.original, request.kind, WireState::kWaiting, 0});
    state.wires.emplace(request.wire, request.order);
    state.waiting.push_back(request);
    dropped.clear();
    trim(order, dropped);
    for (const WireOrderId& wire : dropped) state.wires.erase(wire);
  }
}

namespace {
/// The shard asked about the order as well: with what went out its question is sent. Most status
/// requests are our own, thousands after a failover, while thousands of orders wait.
void answer_question(GatewayState& state, OrderId order) {
  if (state.status_waiting == 0) return;
  const auto request =
      std::find_if(state.waiting.begin(), state.waiting.end(), [&](const VenueRequest& waiting) {
        return waiting.kind == VenueRequestKind::kStatus && waiting.order == order;
      });
  if (request == state.waiting.end()) return;
  state.waiting.erase(request);
  state.status_waiting -= 1;
  state.counters.sent += 1;
}
}  // namespace

void record_sent(GatewayState& state, const event::MessageSent& sent, WallTime now) {
  SentMessage message;
  message.kind = sent.kind;
  message.order = sent.order;
  message.wire = sent.wire;
  message.sent = now;
  if (sent.kind == SentKind::kStatus) {
    if (const auto order = state.orders.find(sent.order); order != state.orders.end()) {
      order->second.status_asked = true;
      order->second.status_due = now + state.rules.status_interval;
      asked(state, sent.order);
    }
    answer_question(state, sent.order);
    state.sent.emplace_hint(state.sent.end(), sent.number, std::move(message));
    return;
  }
  const auto request = waiting_of(state, sent.wire);
  CHECK(request != state.waiting.end());
  CHECK(sent_kind(request->kind) == sent.kind);
  message.bytes = sent.bytes;
  message.intake = request->intake;
  state.waiting.erase(request);
  state.counters.sent += 1;
  VenueOrder* order = order_of(state, sent.wire);
  CHECK(order != nullptr);
  Wire* wire = order->find(sent.wire);
  CHECK(wire != nullptr);
  wire->number = sent.number;
  wire->original = sent.original;
  move_wire(state, *wire, WireState::kSent);
  state.sent.emplace_hint(state.sent.end(), sent.number, std::move(message));
}

void sweep_sent(GatewayState& state, WallTime now) {
  for (auto it = state.sent.lower_bound(state.swept); it != state.sent.end();) {
    SentMessage& message = it->second;
    if (now - message.sent <= state.rules.resend_age) {
      state.swept = it->first;
      return;
    }
    const VenueOrder* order = order_of(state, message.wire);
    const Wire* wire = order == nullptr ? nullptr : order->find(message.wire);
    const bool open = wire != nullptr && wire->state == WireState::kSent;
    if (message.kind != SentKind::kCancel) message.bytes = nullptr;
    state.swept = it->first + 1;
    it = open ? std::next(it) : state.sent.erase(it);
  }
}

void refuse_request(GatewayState& state, const event::RequestRefused& refused, WallTime now) {
  const auto request = waiting_of(state, refused.wire);
  CHECK(request != state.waiting.end());
  const VenueRequestKind kind = request->kind;
  state.waiting.erase(request);
  state.counters.refused += 1;
  VenueOrder* order = order_of(state, refused.wire);
  if (order == nullptr) return;
  Wire* wire = order->find(refused.wire);
  CHECK(wire != nullptr);
  const bool order_refused = kind == VenueRequestKind::kNew;
  VenueReport report = blank_report(
      *order, *wire, order_refused ? VenueReportKind::kRejected : VenueReportKind::kCancelRejected);
  if (order_refused) report.venue_state = OrderState::kRejected;
  give_reason(report, refused.reason);
  move_wire(state, *wire, WireState::kClosed);
  push_report(state, order->shard, std::move(report));
  if (order_refused) finish(state, *order, {SettledBy::kReport, OrderState::kRejected, now});
}

namespace {
/// A report that names an order of ours: told to its shard, and what it says of the chain.
void take_named(GatewayState& state, VenueOrder& order, VenueReport report, WallTime now) {
  report.order = order.id;
  if (report.symbol.empty()) {
    report.symbol = order.symbol;
    report.side = order.side;
  }
  if (!report.venue_order_id.empty()) order.venue_order_id = report.venue_order_id;
  if (report.kind == VenueReportKind::kStatus) return settle(state, order, report, now);
  const GroupId shard = order.shard;
  push_report(state, shard, report);
  move_chain(state, order, report, now);
}
}  // namespace

const VenueOrder* find_order(const GatewayState& state, const VenueReport& report) {
  auto& mutable_state = const_cast<GatewayState&>(state);
  VenueOrder* order = order_of(mutable_state, report.wire);
  if (order == nullptr && !report.original.empty())
    order = order_of(mutable_state, report.original);
  return order;
}

void take_report(GatewayState& state, const event::MessageTaken& taken, WallTime now) {
  VenueReport report = *taken.report;
  const auto rejected = state.sent.find(taken.refers_to);
  if (taken.refers_to != 0 && rejected != state.sent.end()) {
    // A session or business reject names the message, not the order.
    if (rejected->second.kind == SentKind::kStatus && !taken.unknown_order) return;
    report.wire = rejected->second.wire;
    if (rejected->second.kind != SentKind::kNew && rejected->second.kind != SentKind::kStatus)
      report.kind = VenueReportKind::kCancelRejected;
  }
  auto* order = const_cast<VenueOrder*>(find_order(state, report));
  if (order == nullptr) {
    state.counters.unmapped += 1;
    if (!state.outboxes.empty()) push_report(state, state.outboxes.begin()->first, report);
    return;
  }
  state.counters.reports += 1;
  if (taken.unknown_order) return not_sent(state, *order, now);
  take_named(state, *order, std::move(report), now);
}

void take_copy(GatewayState& state, const event::DropCopyTaken& taken, WallTime now) {
  auto* order = const_cast<VenueOrder*>(find_order(state, taken.report));
  if (order == nullptr) return;  // forgotten since
  state.reconciliation.copy_used();
  VenueReport report = taken.report;
  report.drop_copy = true;
  take_named(state, *order, std::move(report), now);
}

void doubt_away(GatewayState& state, const event::AwayTooLong& away, WallTime now) {
  state.away_due = away.more;
  for (const OrderId id : away.orders) {
    VenueOrder& order = state.orders.at(id);
    order.in_doubt = true;
    const WireOrderId wire = order.status_wire();
    doubt(state, order, wire, DoubtCause::kAway, now);
    // Its shard hears of it while there is room; what the venue tells then follows in any case.
    const Wire* named = order.find(wire);
    if (named != nullptr && state.outboxes[order.shard].size() < limits::kOutboxItemsMax / 2)
      push_report(state, order.shard, blank_report(order, *named, VenueReportKind::kUnknown));
  }
}

void doubt_sent(GatewayState& state, const std::vector<uint32_t>& numbers, DoubtCause cause,
                WallTime now) {
  for (uint32_t number : numbers) {
    const auto message = state.sent.find(number);
    CHECK(message != state.sent.end());
    VenueOrder* order = order_of(state, message->second.wire);
    CHECK(order != nullptr);
    Wire* wire = order->find(message->second.wire);
    CHECK(wire != nullptr);
    state.sent.erase(message);
    move_wire(state, *wire, WireState::kUnknown);
    doubt(state, *order, wire->id, cause, now);
    if (wire->kind != VenueRequestKind::kNew) continue;
    VenueReport report = blank_report(*order, *wire, VenueReportKind::kUnknown);
    push_report(state, order->shard, std::move(report));
  }
}

void forget_numbers(GatewayState& state, WallTime now) {
  for (const auto& [number, message] : state.sent) {
    if (message.kind == SentKind::kStatus) continue;
    VenueOrder* order = order_of(state, message.wire);
    Wire* wire = order == nullptr ? nullptr : order->find(message.wire);
    if (wire == nullptr || wire->state != WireState::kSent) continue;
    move_wire(state, *wire, WireState::kUnknown);
    doubt(state, *order, wire->id, DoubtCause::kNumbersLost, now);
    if (wire->kind == VenueRequestKind::kNew)
      push_report(state, order->shard, blank_report(*order, *wire, VenueReportKind::kUnknown));
  }
  state.sent.clear();
  state.swept = 1;
  // Numbers of the old numbering name nothing any more.
  for (auto& [id, order] : state.orders)
    for (Wire& wire : order.wires) wire.number = 0;
}

}  // namespace holdfast::venues
