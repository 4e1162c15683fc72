// The report subscriptions of Ingress: a bounded backlog between the shard's stream and a client
// that takes reports at its own pace. A client that reads the past is fed in portions, by pausing
// the shard's stream; one that can't keep up with the present is cut off and resumes by sequence.
#include <algorithm>
#include <utility>

#include "actors/ingress/ingress.hpp"

namespace holdfast::ingress {

void Ingress::subscribe(SessionId id, const Account& account, ReportSeq from) {
  auto* session = find(id);
  if (session == nullptr) return;
  if (!permitted(*session, account)) {
    counters_.refused_permission += 1;
    session->link->on_subscribed(
        account, {Reason::kNotPermitted, std::string(words_of(Reason::kNotPermitted)), {}, {}});
    return;
  }
  if (session->subscriptions.contains(account))
    end(id, account, Reason::kPendingRequest, "replaced by a later subscription");
  Subscription& subscription = session->subscriptions[account];
  subscription.shard = shard_of(account, settings_.shards);
  subscription.asked_from = {std::max<uint64_t>(from.value, 1)};
  subscription.expected = subscription.asked_from;
  ask_shard(id, account, subscription);
}

void Ingress::ask_shard(SessionId id, const Account& account, Subscription& subscription) {
  subscription.state = Subscription::State::kAsked;
  subscription.overdue = false;
  // When the shard is down, shard_up asks.
  if (shards_[subscription.shard].serves())
    links_.send(subscription.shard, SubscribeReports{id, account, subscription.expected});
}

void Ingress::ask_again() {
  for (auto& [id, session] : sessions_)
    for (auto& [account, subscription] : session.subscriptions) {
      if (subscription.state != Subscription::State::kAsked) continue;
      if (subscription.overdue) ask_shard(id, account, subscription);
      subscription.overdue = true;
    }
}

void Ingress::unsubscribe(SessionId id, const Account& account) {
  auto* subscription = find(id, account);
  if (subscription == nullptr) return;
  if (shards_[subscription->shard].up)
    links_.send(subscription->shard, UnsubscribeReports{id, account});
  find(id)->subscriptions.erase(account);
}

void Ingress::end(SessionId id, const Account& account, Reason reason, const std::string& text) {
  auto* session = find(id);
  const ReportSeq last_sent = find(id, account)->last_sent;
  const bool answered = find(id, account)->answered;
  unsubscribe(id, account);
  if (answered)
    session->link->on_ended(account, reason, text, last_sent);
  else
    session->link->on_subscribed(account, {reason, text, {}, {}});
}

void Ingress::on_subscribed(const ReportsSubscribed& subscribed) {
  auto* subscription = find(subscribed.session, subscribed.account);
  if (subscription == nullptr || subscription->state != Subscription::State::kAsked) return;
  subscription->last_at_start = subscribed.last;
  if (!subscription->answered) {
    subscription->answered = true;
    subscription->expected = std::max(subscription->expected, subscribed.first_kept);
    find(subscribed.session)
        ->link->on_subscribed(subscribed.account,
                              {Reason::kNone, {}, subscribed.first_kept, subscribed.last});
  } else if (subscribed.first_kept > subscription->expected) {
    return end(subscribed.session, subscribed.account, Reason::kFull,
               "reports from " + std::to_string(subscription->expected.value) +
                   " on are no longer kept: subscribe again and query the orders concerned");
  }
  subscription->state = Subscription::State::kLive;
}

void Ingress::on_reports(const ReportsForSession& message) {
  auto* subscription = find(message.session, message.account);
  if (subscription == nullptr || subscription->state != Subscription::State::kLive) return;
  const auto& reports = *message.reports;
  // Sequences inside a batch have no gap, so the first one tells where to begin.
  if (reports.empty()) return;
  const uint64_t first = reports.front().sequence.value;
  const uint64_t last = reports.back().sequence.value;
  const uint64_t expected = subscription->expected.value;
  if (last < expected) return;
  // A hole: something was lost on the way. The shard has it, so ask again.
  if (first > expected) return ask_shard(message.session, message.account, *subscription);
  const std::size_t skip = expected - first;
  const std::size_t fresh = reports.size() - skip;
  if (subscription->waiting > 0 && subscription->waiting + fresh > settings_.report_backlog_max) {
    if (first <= subscription->last_at_start.value) {
      subscription->state = Subscription::State::kPaused;
      links_.send(subscription->shard, UnsubscribeReports{message.session, message.account});
      return;
    }
    counters_.subscribers_cut_off += 1;
    return end(message.session, message.account, Reason::kFull,
               "too slow: " + std::to_string(subscription->waiting) +
                   " reports wait; subscribe again from the last sequence seen plus one");
  }
  subscription->backlog.push_back({message.reports, skip});
  subscription->waiting += fresh;
  subscription->expected = {last + 1};
  if (!std::exchange(subscription->dirty, true)) {
    dirty_.emplace_back(message.session, message.account);
    need_flush();
  }
}

void Ingress::acknowledge(SessionId id, const Account& account) {
  auto* subscription = find(id, account);
  if (subscription == nullptr || subscription->callbacks == 0) return;
  subscription->callbacks -= 1;
  pump(id, account, *find(id), *subscription);
}

void Ingress::pump(SessionId id, const Account& account, Session& session,
                   Subscription& subscription) {
  while (subscription.waiting > 0 && subscription.callbacks < limits::kReportCallbacksInFlightMax) {
    scratch_.clear();
    std::vector<ExecutionReportBatch> held;  // what scratch_ points into
    while (!subscription.backlog.empty() && scratch_.size() < limits::kReportBatchMax) {
      auto& piece = subscription.backlog.front();
      const auto& reports = *piece.reports;
      while (piece.at < reports.size() && scratch_.size() < limits::kReportBatchMax)
        scratch_.push_back(&reports[piece.at++]);
      if (piece.at < reports.size()) break;
      held.push_back(std::move(piece.reports));
      subscription.backlog.pop_front();
    }
    subscription.waiting -= scratch_.size();
    subscription.callbacks += 1;
    subscription.last_sent = scratch_.back()->sequence;
    counters_.reports_sent += scratch_.size();
    session.link->on_reports(account, scratch_);
  }
  if (subscription.state == Subscription::State::kPaused &&
      subscription.waiting <= settings_.report_backlog_max / 2)
    ask_shard(id, account, subscription);
}

}  // namespace holdfast::ingress
