#include "actors/ingress/ingress.hpp"

#include <algorithm>
#include <utility>

namespace holdfast::ingress {

namespace {

OrderReply refuse(Reason reason, std::string_view text = {}) {
  OrderReply reply;
  reply.reason = reason;
  reply.state = OrderState::kRejected;
  reply.text = ReasonText(text.substr(0, ReasonText::kCapacity));
  return reply;
}

constexpr std::string_view kAskAgain =
    "outcome not known yet: ask again with the same client order id";

}  // namespace

Result<> validate(const Settings& settings) {
  const auto bad = [](std::string text) { return Error{ErrorCode::kInvalid, std::move(text)}; };
  if (settings.shards < 1 || settings.shards > limits::kShardsMax)
    return bad("ingress: shards is " + std::to_string(settings.shards) + "; expected 1 to " +
               std::to_string(limits::kShardsMax));
  if (settings.credits < 1 || settings.credits > limits::kSessionCreditsMax)
    return bad("ingress: credits is " + std::to_string(settings.credits) + "; expected 1 to " +
               std::to_string(limits::kSessionCreditsMax));
  if (settings.sessions_max < 1 || settings.sessions_max > limits::kSessionsMax)
    return bad("ingress: sessions_max is " + std::to_string(settings.sessions_max) +
               "; expected 1 to " + std::to_string(limits::kSessionsMax));
  if (settings.request_deadline.ns <= 0 || settings.answer_deadline < settings.request_deadline)
    return bad("ingress: the answer deadline must not be below the request deadline, and both > 0");
  std::unordered_set<ClientId> seen;
  for (const auto& client : settings.clients) {
    if (client.id.empty()) return bad("ingress: a client without id");
    if (!seen.insert(client.id).second) return bad("ingress: client " + client.id.str() + " twice");
    if (client.credits > limits::kSessionCreditsMax)
      return bad("ingress: client " + client.id.str() + " has more credits than " +
                 std::to_string(limits::kSessionCreditsMax));
  }
  return success();
}

Ingress::Ingress(const Settings& settings, ShardLink& shards, SessionId first_session)
    : settings_(settings),
      links_(shards),
      last_session_(first_session.value),
      shards_(settings.shards) {
  CHECK(validate(settings).ok());
}

Ingress::Session* Ingress::find(SessionId session) {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : &found->second;
}
const Ingress::Session* Ingress::find(SessionId session) const {
  return const_cast<Ingress*>(this)->find(session);
}
Ingress::Subscription* Ingress::find(SessionId session, const Account& account) {
  auto* s = find(session);
  if (s == nullptr) return nullptr;
  const auto found = s->subscriptions.find(account);
  return found == s->subscriptions.end() ? nullptr : &found->second;
}

// ---- sessions

Result<SessionId> Ingress::open(const ClientEntry& client, ClientLink& link) {
  if (sessions_.size() >= settings_.sessions_max)
    return Error{ErrorCode::kFull,
                 "all " + std::to_string(settings_.sessions_max) + " sessions are in use"};
  const SessionId id{++last_session_};
  Session& session = sessions_[id];
  session.client = &client;
  session.link = &link;
  session.credits = client.credits > 0 ? client.credits : settings_.credits;
  counters_.sessions_opened += 1;
  return id;
}

void Ingress::close(SessionId id) {
  auto* session = find(id);
  if (session == nullptr) return;
  for (const auto& [request, pending] : session->pending) shards_[pending.shard].in_flight -= 1;
  for (const auto& [account, subscription] : session->subscriptions)
    if (shards_[subscription.shard].up)
      links_.send(subscription.shard, UnsubscribeReports{id, account});
  sessions_.erase(id);
  drop_answered();
}

bool Ingress::permitted(const Session& session, const Account& account) const {
  const auto& accounts = session.client->accounts;
  return std::find(accounts.begin(), accounts.end(), account) != accounts.end();
}

// ---- requests

bool Ingress::has_credits(SessionId id, std::size_t count) const {
  const auto* session = find(id);
  return session != nullptr && session->pending.size() + count <= session->credits;
}

uint32_t Ingress::credits_left(SessionId id) const {
  const auto* session = find(id);
  if (session == nullptr) return 0;
  return static_cast<uint32_t>(session->credits - session->pending.size());
}

uint32_t Ingress::credits_left(const Session& session, const Shard& shard) const {
  const std::size_t own = session.credits - session.pending.size();
  const std::size_t room =
      settings_.shard_in_flight_max - std::min(settings_.shard_in_flight_max, shard.in_flight);
  return static_cast<uint32_t>(std::min(own, room));
}

std::optional<OrderReply> Ingress::refusal(const Session& session, const Account& account,
                                           const Shard& shard, bool adds_risk) {
  if (!permitted(session, account)) {
    counters_.refused_permission += 1;
    return refuse(Reason::kNotPermitted);
  }
  if ((intake_stopped_ && adds_risk) || !shard.serves()) {
    counters_.refused_not_serving += 1;
    return refuse(Reason::kNotServing);
  }
  if (session.pending.size() >= session.credits) {
    counters_.refused_credits += 1;
    return refuse(Reason::kOutOfCredits);
  }
  if (shard.in_flight >= settings_.shard_in_flight_max) {
    counters_.refused_credits += 1;
    return refuse(Reason::kOutOfCredits,
                  "the shard has all the requests it may hold: wait for acknowledgements");
  }
  return std::nullopt;
}

Admission Ingress::refuse_for_credits() {
  counters_.refused_credits += 1;
  return {0, refuse(Reason::kOutOfCredits)};
}

RequestTicket Ingress::start(SessionId id, Session& session, uint32_t shard, bool query,
                             MonoTime now) {
  const uint64_t request = ++session.last_request;
  session.pending.emplace(request, Pending{shard, query});
  shards_[shard].in_flight += 1;
  const RequestTicket ticket{id, request};
  due_.push_back({now + settings_.answer_deadline, ticket});
  return ticket;
}

Admission Ingress::admit(SessionId id, RequestBody body, MonoTime now) {
  auto* session = find(id);
  if (session == nullptr) return {0, refuse(Reason::kNotServing, "the session is closed")};
  const Account account = std::visit([](const auto& b) { return b.account; }, body);
  const uint32_t index = shard_of(account, settings_.shards);
  Shard& shard = shards_[index];
  const bool adds_risk =
      std::holds_alternative<NewOrder>(body) || std::holds_alternative<ReplaceOrder>(body);
  if (auto refused = refusal(*session, account, shard, adds_risk)) return {0, std::move(refused)};
  const auto ticket = start(id, *session, index, false, now);
  shard.batch.push_back(
      {ticket, session->client->id, now + settings_.request_deadline, std::move(body)});
  counters_.requests += 1;
  need_flush();
  return {ticket.request, std::nullopt};
}

Admission Ingress::query(SessionId id, const Account& account, const ClientOrderId& order,
                         MonoTime now) {
  auto* session = find(id);
  if (session == nullptr) return {0, refuse(Reason::kNotServing, "the session is closed")};
  const uint32_t index = shard_of(account, settings_.shards);
  if (auto refused = refusal(*session, account, shards_[index], false))
    return {0, std::move(refused)};
  // What this session has sent before must be there first.
  flush();
  const auto ticket = start(id, *session, index, true, now);
  counters_.queries += 1;
  links_.send(index, OrderQuery{ticket, session->client->id, account, order});
  return {ticket.request, std::nullopt};
}

std::optional<Ingress::Pending> Ingress::finish(Session& session, uint64_t request) {
  const auto found = session.pending.find(request);
  if (found == session.pending.end()) return std::nullopt;
  const Pending pending = found->second;
  session.pending.erase(found);
  shards_[pending.shard].in_flight -= 1;
  return pending;
}

void Ingress::on_replies(const std::vector<OrderReply>& replies) {
  for (const auto& reply : replies) {
    counters_.replies += 1;
    auto* session = find(reply.ticket.session);
    const auto pending = session == nullptr ? std::nullopt : finish(*session, reply.ticket.request);
    if (!pending) {
      counters_.replies_dropped += 1;
      continue;
    }
    session->link->on_reply(reply.ticket.request, reply,
                            credits_left(*session, shards_[pending->shard]));
  }
  drop_answered();
}

void Ingress::on_view(const OrderQueryReply& view) {
  auto* session = find(view.ticket.session);
  const auto pending = session == nullptr ? std::nullopt : finish(*session, view.ticket.request);
  if (!pending) {
    counters_.replies_dropped += 1;
    return;
  }
  session->link->on_view(view.ticket.request, view,
                         credits_left(*session, shards_[pending->shard]));
  drop_answered();
}

void Ingress::answer_not_serving(RequestTicket ticket, std::string_view text) {
  auto* session = find(ticket.session);
  if (session == nullptr) return;
  const auto pending = finish(*session, ticket.request);
  if (!pending) return;
  const uint32_t left = credits_left(*session, shards_[pending->shard]);
  if (pending->query) {
    OrderQueryReply view;
    view.ticket = ticket;
    view.reason = Reason::kNotServing;
    session->link->on_view(ticket.request, view, left);
  } else {
    session->link->on_reply(ticket.request, refuse(Reason::kNotServing, text), left);
  }
}

void Ingress::fail_pending(uint32_t shard) {
  // Requests collected and not sent yet never reached the shard.
  shards_[shard].batch.clear();
  std::vector<RequestTicket> lost;
  for (const auto& [id, session] : sessions_)
    for (const auto& [request, pending] : session.pending)
      if (pending.shard == shard) lost.push_back({id, request});
  std::sort(lost.begin(), lost.end(), [](const RequestTicket& a, const RequestTicket& b) {
    return std::pair(a.session, a.request) < std::pair(b.session, b.request);
  });
  for (const auto& ticket : lost) answer_not_serving(ticket, kAskAgain);
  drop_answered();
}

void Ingress::shard_down(uint32_t shard) {
  CHECK(shard < shards_.size());
  shards_[shard].up = false;
  fail_pending(shard);
}

void Ingress::shard_up(uint32_t shard) {
  CHECK(shard < shards_.size());
  fail_pending(shard);
  shards_[shard].up = true;
  for (auto& [id, session] : sessions_)
    for (auto& [account, subscription] : session.subscriptions)
      if (subscription.shard == shard && subscription.state != Subscription::State::kPaused)
        ask_shard(id, account, subscription);
}

void Ingress::lead(uint32_t index, bool here, const std::string& leader) {
  CHECK(index < shards_.size());
  Shard& shard = shards_[index];
  const bool led = std::exchange(shard.leads, here);
  shard.leader = here ? std::string() : leader;
  if (here) {
    if (!led && shard.up) shard_up(index);
    return;
  }
  if (!led) return;
  fail_pending(index);
  for (const auto& [id, session] : sessions_) {
    const auto& accounts = session.client->accounts;
    const bool concerned = std::any_of(accounts.begin(), accounts.end(), [&](const Account& a) {
      return shard_of(a, settings_.shards) == index;
    });
    const auto elsewhere = concerned ? led_elsewhere(*session.client) : std::nullopt;
    if (!elsewhere) continue;
    counters_.sessions_led_away += 1;
    session.link->on_not_leading(*elsewhere);
  }
}

std::optional<std::string> Ingress::led_elsewhere(const ClientEntry& client) const {
  std::string leader;
  for (const auto& account : client.accounts) {
    const Shard& shard = shards_[shard_of(account, settings_.shards)];
    if (shard.leads) return std::nullopt;
    if (leader.empty()) leader = shard.leader;
  }
  if (client.accounts.empty()) return std::nullopt;
  return leader;
}

// ---- time

void Ingress::drop_answered() {
  while (!due_.empty()) {
    const auto* session = find(due_.front().ticket.session);
    if (session != nullptr && session->pending.contains(due_.front().ticket.request)) return;
    due_.pop_front();
  }
}

void Ingress::expire(MonoTime now) {
  while (!due_.empty() && due_.front().when <= now) {
    const auto ticket = due_.front().ticket;
    due_.pop_front();
    const auto* session = find(ticket.session);
    if (session == nullptr || !session->pending.contains(ticket.request)) continue;
    counters_.answered_by_deadline += 1;
    answer_not_serving(ticket, kAskAgain);
  }
}

std::optional<MonoTime> Ingress::next_deadline() const {
  if (due_.empty()) return std::nullopt;
  return due_.front().when;
}

void Ingress::need_flush() {
  if (std::exchange(flush_asked_, true)) return;
  links_.flush_at_turn_end();
}

void Ingress::flush() {
  flush_asked_ = false;
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    if (shards_[i].batch.empty()) continue;
    links_.send(
        i, std::make_shared<const std::vector<OrderRequest>>(std::exchange(shards_[i].batch, {})));
  }
  for (const auto& [id, account] : std::exchange(dirty_, {})) {
    auto* session = find(id);
    auto* subscription = find(id, account);
    if (subscription == nullptr) continue;
    subscription->dirty = false;
    pump(id, account, *session, *subscription);
  }
}

Counters Ingress::counters() const {
  Counters c = counters_;
  c.sessions = sessions_.size();
  for (const auto& [id, session] : sessions_) {
    c.in_flight += session.pending.size();
    c.subscriptions += session.subscriptions.size();
    for (const auto& [account, subscription] : session.subscriptions)
      c.report_backlog += subscription.waiting;
  }
  return c;
}

}  // namespace holdfast::ingress
