#include "actors/telemetry/publish/bus.hpp"

#include <algorithm>

namespace holdfast::telemetry {
namespace {

constexpr std::size_t kQueueStart = 256;  // samples that a queue has room for before it grows

std::size_t place_of(Domain domain) { return static_cast<std::size_t>(domain) - 1; }

bool narrows_to(const Subscription& wants, const Sample& sample) {
  return (!wants.metric || *wants.metric == sample.metric) &&
         (!wants.member || wants.member == sample.member) &&
         (!wants.group || wants.group == sample.group);
}

}  // namespace

Bus::Bus() = default;
Bus::~Bus() = default;

Result<SubscriberId> Bus::subscribe(const Subscription& subscription) {
  if (place_of(subscription.domain) >= kDomains)
    return Error{ErrorCode::kInvalid, "there is no such domain"};
  if (subscription.metric) {
    const auto* info = find_metric(static_cast<uint16_t>(*subscription.metric));
    if (!info || info->domain != subscription.domain)
      return Error{ErrorCode::kInvalid, "the metric is not one of the domain"};
  }
  if (subscription.capacity == 0 || subscription.capacity > limits::kSubscriberSamplesMax)
    return Error{ErrorCode::kInvalid,
                 "capacity: expected 1 to " + std::to_string(limits::kSubscriberSamplesMax)};
  if (queues_.size() >= limits::kSubscribersMax)
    return Error{ErrorCode::kFull,
                 "there are " + std::to_string(limits::kSubscribersMax) + " subscribers already"};
  if (subscription.agent && !rings_[place_of(subscription.domain)].add(*subscription.agent))
    return Error{ErrorCode::kConflict, std::string(to_text(subscription.domain)) + " agent " +
                                           std::to_string(*subscription.agent) +
                                           " is subscribed already"};
  const SubscriberId id{++last_};
  queues_[id].wants = subscription;
  return id;
}

void Bus::unsubscribe(SubscriberId subscriber) {
  const auto at = queues_.find(subscriber);
  if (at == queues_.end()) return;
  const auto& wants = at->second.wants;
  if (wants.agent) rings_[place_of(wants.domain)].remove(*wants.agent);
  queues_.erase(at);
}

bool Bus::offer(Queue& queue, const Sample& sample) {
  if (!narrows_to(queue.wants, sample)) return false;
  if (queue.count == queue.ring.size() && queue.ring.size() < queue.wants.capacity) {
    // What waits is put in order first, so that the new room is behind it.
    std::rotate(queue.ring.begin(), queue.ring.begin() + static_cast<std::ptrdiff_t>(queue.first),
                queue.ring.end());
    queue.first = 0;
    queue.ring.resize(std::min(std::max(kQueueStart, queue.ring.size() * 2), queue.wants.capacity));
  }
  if (queue.count == queue.ring.size()) {
    queue.first = (queue.first + 1) % queue.ring.size();
    --queue.count;
    ++queue.lost;
    ++stats_.lost;
  }
  queue.ring[(queue.first + queue.count) % queue.ring.size()] = sample;
  ++queue.count;
  ++stats_.delivered;
  return true;
}

void Bus::publish(std::span<const Sample> samples) {
  for (const Sample& sample : samples) {
    ++stats_.published;
    const Domain domain = domain_of(sample.metric);
    const auto owner = rings_[place_of(domain)].owner(ring_key(sample));
    bool heard = false;
    for (auto& [id, queue] : queues_) {
      if (queue.wants.domain != domain) continue;
      if (queue.wants.agent && queue.wants.agent != owner) continue;
      heard = offer(queue, sample) || heard;
    }
    if (!heard) ++stats_.unheard;
  }
}

bool Bus::take(SubscriberId subscriber, SampleBatch& batch, std::size_t most) {
  batch.samples.clear();
  batch.lost = 0;
  const auto at = queues_.find(subscriber);
  if (at == queues_.end()) return false;
  Queue& queue = at->second;
  if (queue.count == 0 && queue.lost == 0) return false;
  batch.domain = queue.wants.domain;
  batch.number = ++queue.number;
  batch.lost = std::exchange(queue.lost, 0);
  for (std::size_t left = std::min(most, queue.count); left > 0; --left) {
    batch.samples.push_back(queue.ring[queue.first]);
    queue.first = (queue.first + 1) % queue.ring.size();
    --queue.count;
  }
  return true;
}

std::size_t Bus::waiting(SubscriberId subscriber) const {
  const auto at = queues_.find(subscriber);
  return at == queues_.end() ? 0 : at->second.count;
}

}  // namespace holdfast::telemetry
