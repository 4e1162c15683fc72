#include "supervision/orchestrator/advice/standing.hpp"

#include <algorithm>
#include <array>

namespace holdfast::orchestrator::advice {

namespace {
constexpr GroupId kFirstGateway{1001}, kFirstService{2001};

bool under(std::string_view path, std::string_view place) {
  return path.starts_with(place) && (path.size() == place.size() || path[place.size()] == '/');
}

constexpr Asked of(ActorClass actor, FailureKind kind) { return {actor, failure_code(kind)}; }
constexpr Asked of(ActorClass actor, FaultClass fault) { return {actor, failure_code(fault)}; }

using A = ActorClass;
using F = FaultClass;
using K = FailureKind;
// In the order in which they are asked: what stops trading first. Poison is no question: it stays
// down until a human lets it go.
constexpr std::array kQuestions = {
    of(A::kOrderShard, K::kGaveUp),
    of(A::kVenueGateway, K::kGaveUp),
    of(A::kOrderShard, K::kHung),
    of(A::kVenueGateway, K::kHung),
    of(A::kOrderShard, F::kCrashLoop),
    of(A::kVenueGateway, F::kCrashLoop),
    of(A::kOrderShard, F::kGrayFailure),
    of(A::kVenueGateway, F::kGrayFailure),
    of(A::kHost, F::kCpuSaturation),
    of(A::kHost, F::kNoisyNeighbour),
    of(A::kHost, F::kMemoryPressure),
    of(A::kHost, F::kLockContention),
    of(A::kHost, F::kClockStep),
    of(A::kHost, F::kCrashLoop),
    of(A::kHost, F::kGrayFailure),
    of(A::kStorage, F::kSlowDisk),
    of(A::kStorage, F::kFullDisk),
    of(A::kStorage, F::kStorageStall),
    of(A::kLink, F::kPacketDelay),
    of(A::kLink, F::kPacketLoss),
    of(A::kLink, F::kPartition),
    of(A::kLink, F::kReplicationLag),
    of(A::kLink, F::kFeedGap),
    of(A::kOrderShard, F::kReplicationLag),
    of(A::kOrderShard, F::kLatencyDrift),
    of(A::kOrderShard, F::kQueueSaturation),
    of(A::kHost, F::kLatencyDrift),
    of(A::kHost, F::kQueueSaturation),
    of(A::kVenue, F::kVenueSlow),
    of(A::kVenue, F::kRejectSpike),
    of(A::kVenue, F::kFillDrift),
    of(A::kVenue, F::kUnknownOrders),
    of(A::kVenueGateway, F::kUnknownOrders),
    of(A::kEndpoint, F::kHttpThrottled),
    of(A::kEndpoint, F::kHttpErrors),
    of(A::kEndpoint, F::kHttpSlow),
    of(A::kOrchestrator, K::kGaveUp),
    of(A::kAgent, K::kGaveUp),
    of(A::kOther, K::kGaveUp),
    of(A::kOther, K::kHung),
};
}  // namespace

std::string_view to_text(ActorClass kind) {
  switch (kind) {
    case ActorClass::kOther:
      return "other";
    case ActorClass::kOrderShard:
      return "order_shard";
    case ActorClass::kVenueGateway:
      return "venue_gateway";
    case ActorClass::kOrchestrator:
      return "orchestrator";
    case ActorClass::kHost:
      return "host";
    case ActorClass::kStorage:
      return "storage";
    case ActorClass::kLink:
      return "link";
    case ActorClass::kVenue:
      return "venue";
    case ActorClass::kEndpoint:
      return "endpoint";
    case ActorClass::kAgent:
      return "agent";
  }
  return "invalid";
}

ActorClass actor_class_of(const Failure& failure) {
  if (failure.group >= kFirstService || under(failure.path, "node/orchestrator"))
    return ActorClass::kOrchestrator;
  if (failure.group >= kFirstGateway) return ActorClass::kVenueGateway;
  if (failure.group) return ActorClass::kOrderShard;
  if (under(failure.path, "node/agents") || under(failure.path, "node/telemetry"))
    return ActorClass::kAgent;
  return ActorClass::kOther;
}

ActorClass actor_class_of(FaultClass fault, const Place& place) {
  const auto domain = domain_of(fault);
  switch (fault) {
    case F::kVenueSlow:
    case F::kRejectSpike:
    case F::kFillDrift:
      return ActorClass::kVenue;
    case F::kPacketDelay:
    case F::kPacketLoss:
    case F::kPartition:
    case F::kFeedGap:
      return ActorClass::kLink;
    default:
      break;
  }
  if (domain == telemetry::Domain::kIo) return ActorClass::kStorage;
  if (domain == telemetry::Domain::kHttp) return ActorClass::kEndpoint;
  if (place.group >= kFirstService) return ActorClass::kOrchestrator;
  if (place.group >= kFirstGateway) return ActorClass::kVenueGateway;
  if (place.group) return ActorClass::kOrderShard;
  if (fault == F::kUnknownOrders) return ActorClass::kVenue;
  return domain == telemetry::Domain::kNetwork ? ActorClass::kLink : ActorClass::kHost;
}

std::string_view failure_text(uint16_t code) {
  if (code >= 1 && code <= kFailureKinds) return orchestrator::to_text(static_cast<K>(code));
  return holdfast::to_text(static_cast<F>(code));
}

std::size_t KeyHash::operator()(const Key& key) const noexcept {
  uint64_t z = key.topology ^ (uint64_t{static_cast<uint8_t>(key.actor)} << 16 | key.failure);
  z = (z ^ (z >> 31)) * 0x9E3779B97F4A7C15ull;
  return static_cast<std::size_t>(z ^ (z >> 29));
}

std::string_view to_text(Miss miss) {
  switch (miss) {
    case Miss::kHit:
      return "hit";
    case Miss::kNone:
      return "none";
    case Miss::kExpired:
      return "expired";
    case Miss::kOpenOrders:
      return "open_orders";
    case Miss::kPhase:
      return "phase";
  }
  return "?";
}

const Entry* Table::find(const Key& key) const {
  const auto found = entries_.find(key);
  return found == entries_.end() ? nullptr : &found->second;
}

Found Table::look_up(const Key& key, GroupId group, const World& world, WallTime now) const {
  const Entry* entry = find(key);
  if (!entry) return {nullptr, Miss::kNone};
  if (now >= entry->expires || now < entry->made) return {nullptr, Miss::kExpired};
  if (entry->phase != policy::SessionPhase::kUnknown && entry->phase != world.phase)
    return {nullptr, Miss::kPhase};
  if (entry->open_orders_max > 0 && group) {
    const auto open = world.open_orders.find(group);
    if (open == world.open_orders.end() || open->second > entry->open_orders_max)
      return {nullptr, Miss::kOpenOrders};
  }
  return {entry, Miss::kHit};
}

void Table::put(Entry entry) {
  if (entries_.size() >= kEntriesMax && !entries_.contains(entry.key)) {
    auto first = entries_.begin();
    for (auto it = entries_.begin(); it != entries_.end(); ++it)
      if (std::pair(it->second.expires, it->first) < std::pair(first->second.expires, first->first))
        first = it;
    entries_.erase(first);
  }
  const Key key = entry.key;
  entries_.insert_or_assign(key, std::move(entry));
}

std::vector<const Entry*> Table::sorted() const {
  std::vector<const Entry*> all;
  for (const auto& [key, entry] : entries_) all.push_back(&entry);
  std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->key < b->key; });
  return all;
}

std::span<const Asked> questions() { return kQuestions; }

std::optional<Key> next_question(const Table& table, const std::map<Key, WallTime>& recent,
                                 uint64_t topology, WallTime now) {
  std::optional<Key> ageing;
  for (const Asked& asked : kQuestions) {
    const Key key{asked.actor, asked.failure, topology};
    const auto last = recent.find(key);
    if (last != recent.end() && now - last->second < kAskAgain) continue;
    const Entry* entry = table.find(key);
    if (!entry || now >= entry->expires) return key;
    if (!ageing && (entry->expires - now).ns < (entry->expires - entry->made).ns / 4) ageing = key;
  }
  return ageing;
}

}  // namespace holdfast::orchestrator::advice
