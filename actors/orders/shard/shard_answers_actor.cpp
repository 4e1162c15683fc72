// What the order manager sends to clients, operators and its stages: committed effects, collected
// by turn.
#include <algorithm>

#include "actors/orders/shard/shard_shell_actor.hpp"

namespace holdfast::orders {

// Runs inside the log's callback, where an exception would belong to nobody: it only collects.
void ShardShell::release(Effect effect) {
  released_.push_back(std::move(effect));
  if (std::exchange(flush_due_, true)) return;
  defer([this] { flush_out(); });
}

void ShardShell::flush_out() {
  flush_due_ = false;
  for (auto batch = std::exchange(released_, {}); Effect & committed : batch) {
    ShardEffect effect = std::move(committed).take();
    std::visit([this](auto& e) { out(e); }, effect);
  }
  send_risk();
  for (auto& [group, p] : peers_) pump(p);
  send_replies();
  send_reports();
  tick();
  kick();
  arm_check();
}

namespace {
/// As the console writes and reads it: SHARD-NUMBER.
std::string words_of(OrderId id) {
  return std::to_string(id.value >> 48) + "-" + std::to_string(id.value & 0xffff'ffff'ffff);
}
}  // namespace

// ---- effects

void ShardShell::out(ReplyEffect& e) {
  const auto to = sessions_.find(e.reply.ticket.session);
  if (to == sessions_.end()) return;  // the client asks again by its key
  e.reply.durability = host_->durability();
  reply(to->second, std::move(e.reply));
}

void ShardShell::out(ReportEffect& e) {
  const auto found = subscriptions_.find(e.report.account);
  if (found == subscriptions_.end()) return;
  for (Subscription& s : found->second)
    if (s.live) s.reports.push_back(e.report);
}

void ShardShell::out(DeliverEffect& e) {
  Peer& p = peer(e.to);
  p.released = std::max(p.released, e.sequence);
}

void ShardShell::out(AcknowledgeEffect& e) {
  Peer& p = peer(e.to);
  p.cursor = std::max(p.cursor, e.cursor);
  p.acknowledge = true;
}

void ShardShell::out(ResyncEffect& e) {
  Peer& p = peer(e.to);
  p.cursor = std::max(p.cursor, e.cursor);
  lead_to(p);
}

void ShardShell::out(RiskEffect& e) {
  if (e.number > rebuilt_at_) deltas_.push_back(std::move(e.delta));
}

void ShardShell::out(ReferenceEffect& e) {
  venues_.load(*e.data);
  venues_.set_grace(setup_.venue_grace, wall());
  rebuild_routing();
  for (const VenueLink& link : state().links) peer(link.group);
  // A gateway may have found this shard before: what it told of its venue meant nothing here yet.
  for (auto& [group, p] : peers_) lead_to(p);
  find_gateways();
}

void ShardShell::out(AnomalyEffect& e) {
  const bool alarm = e.disposition == Disposition::kAnomaly ||
                     e.disposition == Disposition::kBookedLate || e.overfill;
  std::string text(name_of(e.event));
  if (!e.amount.zero()) text += " of " + e.amount.str();
  text += e.order ? " on order " + words_of(e.order) + " (" + std::string(name_of(e.state)) + ")"
                  : " for '" + e.wire.str() + "', which is no order of ours";
  text += ": " +
          std::string(e.overfill ? "more than the order had left, booked" : name_of(e.disposition));
  event("order_anomaly", text, alarm);
}

void ShardShell::out(AnswerEffect& e) {
  if (auto* reports = std::get_if<std::shared_ptr<ReportsPage>>(&e.answer)) return page(**reports);
  const auto it = askers_.find(e.asker);
  if (it == askers_.end()) return;
  Asker asker = std::move(it->second);
  askers_.erase(it);
  std::visit([&](auto& content) { answer(asker, content); }, e.answer);
}

// ---- answers

void ShardShell::answer(Asker&, std::shared_ptr<ReportsPage>&) {}

void ShardShell::answer(Asker& asker, OrderQueryReply& reply) {
  asker.promise.deliver(std::move(reply));
}

void ShardShell::answer(Asker& asker, std::shared_ptr<OrdersPage>& page) {
  if (!asker.leaf) {
    page->group = setup_.group;
    asker.promise.deliver(OrdersPageAnswer(std::move(page)));
    return;
  }
  LeafPage leaves;
  leaves.total = state().book.orders();
  for (const OrderView& o : page->orders) {
    TreeNode row;
    row.path = std::to_string(o.order.value);
    row.kind = "order";
    row.state = name_of(o.state);
    row.detail = o.request.account.str() + " " + o.request.client_order_id.str() + " " +
                 std::string(name_of(o.request.side)) + " " + o.quantity.str() + " " +
                 o.request.symbol.str() + " at " + o.price.str() + ", filled " +
                 o.cumulative_quantity.str();
    leaves.rows.push_back(std::move(row));
  }
  asker.promise.deliver(std::move(leaves));
}

void ShardShell::answer(Asker& asker, std::shared_ptr<OrderHistory>& history) {
  history->group = setup_.group;
  if (history->found) add_checks(*history);
  asker.promise.deliver(OrderHistoryAnswer(std::move(history)));
}

void ShardShell::answer(Asker& asker, std::shared_ptr<ShardView>& view) {
  view->group = setup_.group;
  view->leading = host_->replica().leading();
  view->serving = serving() && !paused_;
  view->waiting = pipeline_.waiting();
  view->quarantined = setup_.memory->refused;
  asker.promise.deliver(ShardViewAnswer(std::move(view)));
}

void ShardShell::answer(Asker& asker, std::shared_ptr<ShardRiskView>& view) {
  view->group = setup_.group;
  asker.promise.deliver(std::shared_ptr<const ShardRiskView>(std::move(view)));
}

void ShardShell::answer(Asker& asker, ShardCommandDone& done) {
  done.ticket = asker.ticket;
  done.group = setup_.group;
  if (!done.index) done.index = host_->replica().committed();
  asker.promise.deliver(std::move(done));
}

// The numbers that risk used at the order's admission are in the journal, not in the state.
void ShardShell::add_checks(OrderHistory& history) const {
  if (history.steps.empty()) return;
  const Index admitted = history.steps.front().index;
  (void)log_->read(admitted, [&](Index, replication::ByteView bytes) -> Result<> {
    const Error enough{ErrorCode::kNotFound, "one entry is enough"};
    auto entry = replication::decode_entry(bytes);
    std::vector<ShardEvent> events;
    if (!entry || !codec_.decode_events(entry.value().body, events)) return enough;
    for (OrderStep& step : history.steps)
      if (step.index == admitted) step.epoch = entry.value().header.at.epoch;
    for (const ShardEvent& e : events) {
      const auto* admission = std::get_if<OrderAdmitted>(&e);
      if (!admission || !admission->decision ||
          !(admission->order.client_order_id == history.order.request.client_order_id) ||
          !(admission->order.account == history.order.request.account))
        continue;
      for (std::size_t i = 0; i < risk::kPolicies; ++i) {
        const risk::PolicyOutcome& outcome = admission->decision->outcomes[i];
        if (outcome.result == risk::PolicyResult::kSkipped) continue;
        history.checks.push_back({reason_of(static_cast<risk::Policy>(i)),
                                  outcome.result == risk::PolicyResult::kPass, outcome.observed,
                                  outcome.limit});
      }
    }
    return enough;
  });
}

// ---- questions and commands

template <typename Q>
ResponsePromise ShardShell::ask(const Q& query, Asker asker) {
  asker.promise = make_response_promise();
  ResponsePromise promise = asker.promise;
  if (!serving()) {
    if constexpr (std::is_same_v<Q, OrderQuery>) {
      OrderQueryReply reply;
      reply.ticket = query.ticket;
      reply.reason = Reason::kNotServing;
      promise.deliver(std::move(reply));
    } else {
      promise.deliver(error_text("the shard is not serving now: try again"));
    }
    return promise;
  }
  askers_.emplace(++last_asker_, std::move(asker));
  host_->submit(Ask{query, last_asker_});
  return promise;
}
template ResponsePromise ShardShell::ask(const OrderQuery&, Asker);
template ResponsePromise ShardShell::ask(const OrdersQuery&, Asker);
template ResponsePromise ShardShell::ask(const OrderHistoryQuery&, Asker);
template ResponsePromise ShardShell::ask(const ShardQuery&, Asker);
template ResponsePromise ShardShell::ask(const ShardRiskQuery&, Asker);

template <typename C>
ResponsePromise ShardShell::command(C command) {
  Asker asker;
  asker.promise = make_response_promise();
  asker.ticket = command.ticket;
  ResponsePromise promise = asker.promise;
  if (!serving()) {
    promise.deliver(error_text("the shard is not serving now: try again"));
    return promise;
  }
  askers_.emplace(++last_asker_, std::move(asker));
  command.ticket = last_asker_;
  // What was judged under the old rules is judged again under the new ones, which the stage gets at
  // once, not after their commit: no order slips through behind a kill. A large command has an
  // entry of its own.
  if (pipeline_.in_flight()) pipeline_.abandon();
  host_->flush();
  host_->submit(command);
  host_->flush();
  rebuild_risk();
  return promise;
}
template ResponsePromise ShardShell::command(SetKill);
template ResponsePromise ShardShell::command(CancelOpenOrders);
template ResponsePromise ShardShell::command(LoadRisk);
template ResponsePromise ShardShell::command(LoadReferenceData);
template ResponsePromise ShardShell::command(ChangeRisk);

void ShardShell::remember(SessionId session, const ActorHandle& ingress) {
  const auto [it, fresh] = sessions_.try_emplace(session, ingress);
  if (!fresh && it->second == ingress) return;
  it->second = ingress;
  if (std::find(watched_.begin(), watched_.end(), ingress.address()) == watched_.end()) {
    watched_.push_back(ingress.address());
    monitor_exit(this, ingress);
  }
  // Sessions end without a word; long before their table is large the oldest are long gone.
  if (sessions_.size() > limits::kSessionsMax * 64)
    std::erase_if(sessions_, [&](const auto& s) {
      return s.first.value + limits::kSessionsMax * 32 < session.value;
    });
}

void ShardShell::subscribe(const SubscribeReports& request) {
  if (!serving()) return;  // the client's subscription comes again when the shard is up
  unsubscribe(request.session, request.account);
  Subscription s;
  s.session = request.session;
  s.to = asking();
  s.id = ++last_asker_;
  remember(request.session, s.to);
  auto& list = subscriptions_[request.account];
  list.push_back(std::move(s));
  read_reports(list.back(), request.account, request.from);
}

void ShardShell::unsubscribe(SessionId session, const Account& account) {
  const auto found = subscriptions_.find(account);
  if (found == subscriptions_.end()) return;
  std::erase_if(found->second, [&](const Subscription& s) { return s.session == session; });
  if (found->second.empty()) subscriptions_.erase(found);
}

void ShardShell::read_reports(const Subscription& s, const Account& account, ReportSeq from) {
  ReadReports read;
  read.session = s.session;
  read.account = account;
  read.from = from;
  read.subscription = s.id;
  host_->submit(Ask{read, 0});
}

void ShardShell::page(const ReportsPage& page) {
  const auto found = subscriptions_.find(page.account);
  if (found == subscriptions_.end()) return;
  for (Subscription& s : found->second) {
    if (s.id != page.subscription) continue;
    if (!std::exchange(s.begun, true))
      send(s.to, ReportsSubscribed{s.session, page.account, page.first_kept, page.last});
    for (std::size_t at = 0; at < page.reports.size(); at += limits::kReportBatchMax) {
      const auto end = std::min(page.reports.size(), at + limits::kReportBatchMax);
      auto batch = std::make_shared<std::vector<ExecutionReport>>(
          page.reports.begin() + static_cast<std::ptrdiff_t>(at),
          page.reports.begin() + static_cast<std::ptrdiff_t>(end));
      send(s.to, ReportsForSession{s.session, page.account, std::move(batch)});
    }
    if (page.caught_up)
      s.live = true;
    else
      read_reports(s, page.account, page.next);
    return;
  }
}

// ---- by turn

void ShardShell::reply(const ActorHandle& to, OrderReply reply) {
  for (auto& [destination, batch] : replies_)
    if (destination == to) return batch.push_back(std::move(reply));
  replies_.emplace_back(to, std::vector<OrderReply>{}).second.push_back(std::move(reply));
}

void ShardShell::refuse(const ActorHandle& to, const OrderRequest& request, Reason reason) {
  if (!to) return;
  OrderReply refusal;
  refusal.ticket = request.ticket;
  refusal.reason = reason;
  refusal.text = ReasonText(words_of(reason));
  refusal.state = OrderState::kRejected;
  reply(to, std::move(refusal));
  if (std::exchange(flush_due_, true)) return;
  defer([this] { flush_out(); });
}

void ShardShell::send_replies() {
  for (auto& [to, batch] : replies_)
    if (!batch.empty())
      send(to, OrderReplyBatch(std::make_shared<std::vector<OrderReply>>(std::move(batch))));
  replies_.clear();
}

void ShardShell::send_reports() {
  for (auto& [account, list] : subscriptions_)
    for (Subscription& s : list) {
      if (s.reports.empty()) continue;
      for (std::size_t at = 0; at < s.reports.size(); at += limits::kReportBatchMax) {
        const auto end = std::min(s.reports.size(), at + limits::kReportBatchMax);
        auto batch = std::make_shared<std::vector<ExecutionReport>>(
            s.reports.begin() + static_cast<std::ptrdiff_t>(at),
            s.reports.begin() + static_cast<std::ptrdiff_t>(end));
        send(s.to, ReportsForSession{s.session, account, std::move(batch)});
      }
      s.reports.clear();
    }
}

void ShardShell::send_risk() {
  if (deltas_.empty()) return;
  auto deltas = std::make_shared<std::vector<risk::RiskDelta>>(std::exchange(deltas_, {}));
  if (risk_) send(risk_, risk::RiskCommitted{generation_, std::move(deltas)});
}

}  // namespace holdfast::orders
