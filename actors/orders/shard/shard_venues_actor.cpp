// The order manager and its venue groups: what is taken, what is delivered, and again what was not
// acknowledged.
#include "actors/orders/shard/shard_shell_actor.hpp"

namespace holdfast::orders {

namespace {
constexpr std::size_t kItemsPerMessage = 512;
}

ShardShell::Peer& ShardShell::peer(GroupId group) {
  const auto [it, fresh] = peers_.try_emplace(group.value);
  if (fresh) {
    it->second.group = group;
    it->second.progress = now();
  }
  return it->second;
}

void ShardShell::take(const VenueReportDelivery& delivery) {
  if (!delivery || !serving()) return;  // it comes again
  const Delivery<VenueReport>& d = *delivery;
  const VenueLink* link = state().link(d.from);
  if (d.to != setup_.group || !link)
    return event("foreign_delivery", "from group " + std::to_string(d.from.value) + " to group " +
                                         std::to_string(d.to.value));
  if (d.epoch < link->inbox.epoch) return;  // a leader that was superseded
  Peer& p = peer(d.from);
  if (d.acknowledged > link->outbox.acknowledged()) {
    host_->submit(TakeAcknowledgement{d.from, d.acknowledged});
    p.progress = now();
    pump(p);
  }
  if (d.items.empty()) return;
  using Verdict = replication::InboxCursor::Verdict;
  const auto judged = link->inbox.judge(d.epoch, d.first, d.items.size());
  // What is refused is submitted once all the same: the answer waits for what it says.
  const std::size_t first = judged.verdict == Verdict::kTake ? judged.skip : d.items.size() - 1;
  for (std::size_t i = first; i < d.items.size(); ++i) {
    const uint64_t input = fingerprint(d.from, {d.first.value + i});
    if (setup_.memory->poisonous(input)) {
      // The stream stops here until a person has looked: skipping a report could lose money.
      if (!setup_.memory->halt(d.from)) return;
      setup_.memory->refused += 1;
      return event("venue_stream_halted",
                   "item " + std::to_string(d.first.value + i) + " of group " +
                       std::to_string(d.from.value) + " made the shard fail twice",
                   true);
    }
    setup_.memory->begin(input);
    host_->submit(TakeReport{&d, i});
    setup_.memory->end();
  }
}

void ShardShell::take(const GroupLeads& leads) {
  if (!serving()) return;
  const VenueLink* link = state().link(leads.group);
  if (!link || leads.epoch < link->inbox.epoch) return;
  Peer& p = peer(leads.group);
  const ActorHandle from = asking();
  if (from && !(p.handle == from)) adopt(p, from);
  if (leads.cursor > link->outbox.last())
    return event("venue_is_ahead",
                 "group " + std::to_string(leads.group.value) + " has item " +
                     std::to_string(leads.cursor.value) + " of " +
                     std::to_string(link->outbox.last().value) +
                     ": this journal is older than the gateway's, orders to it are halted",
                 true);
  if (leads.cursor > link->outbox.acknowledged())
    host_->submit(TakeAcknowledgement{leads.group, leads.cursor});
  p.sent = std::min(p.sent, leads.cursor);
  p.progress = now();
  pump(p, true);
}

void ShardShell::take(const VenueStatus& status) {
  if (!venues_.set_status(status, wall())) return;
  if (!host_) return;
  refresh(venues_, state());
  const VenueLink* link = state().link(status.group);
  if (routing_ && link)
    send(routing_,
         routing::VenueHeard{{status.venue, status.group, status.state, link->unanswered}, wall()});
  arm_check();
}

/// Until another leads, the venue is down: its orders wait for it, for the grace.
void ShardShell::gateway_lost(GroupId group) {
  const routing::VenueRecord* venue = venues_.find(group);
  if (venue && venue->heard)
    take(VenueStatus{venue->entry.name, group, VenueSessionState::kDown, venue->reported});
}

void ShardShell::find_gateways() {
  bool missing = false;
  for (auto& [group, p] : peers_) {
    if (p.handle) continue;
    ActorHandle found = setup_.find_gateway(p.group);
    if (found && !(found.address() == p.last))
      adopt(p, std::move(found));
    else
      missing = true;
  }
  if (!missing || std::exchange(finding_gateways_, true)) return;
  after(setup_.look_up, [this] {
    finding_gateways_ = false;
    find_gateways();
  });
}

void ShardShell::adopt(Peer& p, ActorHandle gateway) {
  p.handle = std::move(gateway);
  monitor_exit(this, p.handle);
  // Nothing is known of what the last one took: everything unacknowledged goes again.
  if (const VenueLink* link = state().link(p.group)) p.sent = link->outbox.acknowledged();
  p.progress = now();
  lead_to(p);
  pump(p);
  arm_check();
}

void ShardShell::lead_to(Peer& p) {
  if (p.handle && host_->replica().committed().value != 0)
    send(p.handle, GroupLeads{setup_.group, host_->replica().epoch(), p.cursor});
}

void ShardShell::pump(Peer& p, bool acknowledge) {
  const VenueLink* link = state().link(p.group);
  if (!p.handle || !link) return;
  const OutboxSeq acknowledged = link->outbox.acknowledged();
  if (p.sent <= acknowledged) {
    p.sent = acknowledged;
    p.progress = now();
  }
  const OutboxSeq end{std::min(p.released.value, acknowledged.value + limits::kOutboxInFlightMax)};
  // A gateway journals what it is told: told alone, an order's cursor would cost it an entry.
  const bool many = p.cursor.value - p.told.value >= limits::kOutboxInFlightMax / 4;
  bool due = acknowledge || (p.acknowledge && many);
  while (p.sent < end || due) {
    auto d = std::make_shared<Delivery<VenueRequest>>();
    d->from = setup_.group;
    d->to = p.group;
    d->epoch = host_->replica().epoch();
    d->first = {p.sent.value + 1};
    d->acknowledged = p.cursor;
    d->sent = wall();
    while (p.sent < end && d->items.size() < kItemsPerMessage) {
      p.sent.value += 1;
      d->items.push_back(link->outbox.at(p.sent));
    }
    p.acknowledge = due = false;
    p.told = p.cursor;
    send(p.handle, VenueRequestDelivery(std::move(d)));
  }
}

/// Its gateway is there and has not said how its venue is; "down" may be our own word for one that
/// was lost.
bool ShardShell::awaits_word(const Peer& p) const {
  const routing::VenueRecord* venue = venues_.find(p.group);
  return p.handle && venue && (!venue->heard || venue->state == VenueSessionState::kDown);
}

void ShardShell::retransmit() {
  for (auto& [group, p] : peers_) {
    const VenueLink* link = state().link(p.group);
    if (!link || !p.handle || now() - p.progress < setup_.retransmit) continue;
    if (p.sent > link->outbox.acknowledged()) {
      p.sent = link->outbox.acknowledged();
      pump(p, true);
    } else if (awaits_word(p)) {
      lead_to(p);  // the answer tells how the venue is
    } else {
      continue;
    }
    p.progress = now();
  }
}

}  // namespace holdfast::orders
