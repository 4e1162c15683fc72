#include "actors/ingress/ingress_actor.hpp"

#include <utility>

namespace holdfast::ingress {

namespace {

/// The settings with the port that an earlier incarnation got from the system.
Settings with_port(Settings settings, uint16_t port) {
  auto address = client::parse_address(settings.listen);
  if (port == 0 || !address || address.value().unix_socket || address.value().port != 0)
    return settings;
  settings.listen.replace(settings.listen.rfind(':') + 1, std::string::npos, std::to_string(port));
  return settings;
}

}  // namespace

IngressActor::IngressActor(ActorConfig& config, IngressActorSetup setup)
    : LoopActor(config), setup_(std::move(setup)), shards_(setup_.settings.shards) {
  CHECK(setup_.find_shard != nullptr);
  CHECK(setup_.make_front != nullptr);
  CHECK(setup_.port != nullptr);
}

IngressActor::~IngressActor() = default;

Behavior IngressActor::make_behavior() {
  thread_ = std::this_thread::get_id();
  if (const auto valid = validate(setup_.settings); !valid) {
    quit(error_text(valid.error().text));
    return {};
  }
  set_down_handler([this](DownMessage& down) { shard_went_down(down.source); });
  // The clock only grows, so ids of this incarnation are above those of any before it.
  ingress_ = std::make_unique<Ingress>(with_port(setup_.settings, *setup_.port), links_,
                                       SessionId{static_cast<uint64_t>(now().ns)});
  for (uint32_t i = 0; i < shards_.size(); ++i) ingress_->shard_down(i);
  for (uint32_t i = 0; setup_.leader_of && i < shards_.size(); ++i)
    if (const auto leader = setup_.leader_of(i); !leader.empty()) ingress_->lead(i, false, leader);
  find_shards();
  listen();
  ask_again();
  return {
      [this](const OrderReplyBatch& replies) { ingress_->on_replies(*replies); },
      [this](const OrderQueryReply& view) { ingress_->on_view(view); },
      [this](const ReportsSubscribed& subscribed) { ingress_->on_subscribed(subscribed); },
      [this](const ReportsForSession& reports) { ingress_->on_reports(reports); },
      [this](IngressStatsQuery) { return stats_now(); },
      [this](StopIntake stop) {
        intake_stopped_ = stop.stopped;
        ingress_->stop_intake(stop.stopped);
      },
      [this](const LeadershipChanged& change) {
        if (change.shard < shards_.size())
          ingress_->lead(change.shard, change.leads_here, change.address);
      },
  };
}

void IngressActor::listen() {
  auto front = setup_.make_front(loop(), *ingress_, [this](const std::string& what) {
    post([this, what] { quit(error_text(what)); });
  });
  if (!front) return quit(error_text(front.error().text));
  front_ = std::move(front).value();
  *setup_.port = front_->port();
  if (setup_.on_listening) setup_.on_listening(front_->port());
}

bool IngressActor::cleanup(ActorError&& reason, caf::execution_unit* host) {
  // Sockets and promises belong to the loop's thread. A loop that is closed by another thread
  // without having stopped its actors is at the end of the process: then they are left to the
  // system.
  if (front_ && std::this_thread::get_id() != thread_) [[maybe_unused]]
    const auto* left = front_.release();
  front_.reset();
  // An actor's members live until its last handle goes, and shards hold handles of ingress: without
  // this the two would keep each other for ever.
  shards_.clear();
  return LoopActor::cleanup(std::move(reason), host);
}

// ---- shards

void IngressActor::find_shards() {
  bool missing = false;
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    Shard& shard = shards_[i];
    if (shard.handle) continue;
    auto found = setup_.find_shard(i);
    if (!found || found.address() == shard.last) {
      missing = true;
      continue;
    }
    shard.handle = std::move(found);
    monitor_exit(this, shard.handle);
    ingress_->shard_up(i);
  }
  if (missing) find_shards_later();
}

void IngressActor::find_shards_later() {
  if (std::exchange(finding_, true)) return;
  after(setup_.find_every, [this] {
    finding_ = false;
    find_shards();
  });
}

void IngressActor::ask_again() {
  after(setup_.ask_every, [this] {
    ingress_->ask_again();
    ask_again();
  });
}

void IngressActor::shard_went_down(const ActorAddress& address) {
  for (uint32_t i = 0; i < shards_.size(); ++i) {
    if (!shards_[i].handle || shards_[i].handle.address() != address) continue;
    shards_[i].handle = nullptr;
    shards_[i].last = address;
    ingress_->shard_down(i);
    find_shards_later();
  }
}

template <typename Message>
void IngressActor::tell(uint32_t shard, Message message) {
  if (shards_[shard].handle) send(shards_[shard].handle, std::move(message));
}

void IngressActor::Links::send(uint32_t shard, OrderRequestBatch batch) {
  actor_.tell(shard, std::move(batch));
}
void IngressActor::Links::send(uint32_t shard, const OrderQuery& query) {
  actor_.tell(shard, query);
}
void IngressActor::Links::send(uint32_t shard, const SubscribeReports& subscribe) {
  actor_.tell(shard, subscribe);
}
void IngressActor::Links::send(uint32_t shard, const UnsubscribeReports& unsubscribe) {
  actor_.tell(shard, unsubscribe);
}

// ---- turns and time

void IngressActor::Links::flush_at_turn_end() {
  actor_.defer([actor = &actor_] {
    actor->ingress_->flush();
    actor->arm_deadline();
  });
}

void IngressActor::arm_deadline() {
  const auto next = ingress_->next_deadline();
  if (deadline_armed_ || !next) return;
  deadline_armed_ = true;
  at(*next, [this] {
    deadline_armed_ = false;
    ingress_->expire(turn_time());
    arm_deadline();
  });
}

IngressStats IngressActor::stats_now() const {
  IngressStats stats;
  stats.sessions = ingress_->counters();
  if (front_) {
    stats.connections = front_->counters();
    stats.port = front_->port();
  }
  stats.shards = static_cast<uint32_t>(shards_.size());
  for (const auto& shard : shards_) stats.shards_up += shard.handle ? 1 : 0;
  stats.intake_stopped = intake_stopped_;
  return stats;
}

}  // namespace holdfast::ingress
