// How an agent gets the readings of its domain: it asks the node's telemetry actor for them, and
// batches come as messages from then on until it unsubscribes or ends. A batch holds samples of one
// domain only; what could not be kept for a slow subscriber is counted in it, never sent late.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "messages/telemetry.hpp"
#include "messages/telemetry/limits.hpp"

namespace holdfast::telemetry {

/// Samples of one domain, in the order in which they were published.
struct SampleBatch {
  Domain domain = Domain::kCpu;
  uint64_t number = 0;  // of this subscriber's batches, from 1
  uint64_t lost = 0;    // samples dropped since the batch before: the subscriber was too slow
  std::vector<Sample> samples;
  friend bool operator==(const SampleBatch&, const SampleBatch&) = default;
};
/// Never null.
using SharedBatch = std::shared_ptr<const SampleBatch>;

/// What a subscriber wants: always of one domain, all of it or its part, narrowed or not.
struct Subscription {
  Domain domain = Domain::kCpu;
  /// Set: this agent shares the domain with the other agents that set it, and gets the part that
  /// consistent hashing of (member, instance) gives it. Unique in the domain. Empty: the whole
  /// domain, for consoles and exporters.
  std::optional<uint32_t> agent;
  // Narrowing; none or zero: all.
  std::optional<Metric> metric;
  MemberId member;
  GroupId group;
  /// Samples that may wait; beyond it the oldest are dropped and counted.
  std::size_t capacity = limits::kSubscriberSamplesDefault;
};

/// To the telemetry actor. The sender is the subscriber: it is answered with SubscribedSamples (or
/// an error that says why not), gets a SharedBatch per interval that had samples, and is forgotten
/// when it ends. A sender that subscribes to the same domain again replaces what it asked before.
struct SubscribeSamples {
  Subscription subscription;
};
struct SubscribedSamples {
  Domain domain = Domain::kCpu;
  Duration interval;  // between two readings of a series
};
/// To the telemetry actor: no more batches of this domain.
struct UnsubscribeSamples {
  Domain domain = Domain::kCpu;
};
/// To the telemetry actor, from whoever measures something itself: readings of this process, which
/// are trusted. `at` zero means now, `member` zero this node.
struct PublishSamples {
  std::vector<Sample> samples;
};

}  // namespace holdfast::telemetry
