// The bus: topic-tagged, partitioned publish-subscribe of samples inside one node. A topic is
// (domain, metric, member, group); a subscriber names one domain and gets nothing else, an agent
// only the part of it that consistent hashing gives it. What waits for a subscriber is bounded: the
// oldest goes, counted. Single-threaded and pure; whoever owns it delivers what `take` hands out.
// It judges no sample: see intake.hpp for those from outside.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <span>

#include "actors/telemetry/publish/ring.hpp"
#include "messages/result.hpp"
#include "messages/telemetry/feed.hpp"

namespace holdfast::telemetry {

/// Names a subscriber of one bus; zero is none.
struct SubscriberId {
  uint32_t value = 0;
  explicit operator bool() const { return value != 0; }
  friend auto operator<=>(SubscriberId, SubscriberId) = default;
};

/// Counts since the start.
struct BusStats {
  uint64_t published = 0;  // samples handed to publish()
  uint64_t delivered = 0;  // put into a subscriber's queue, once for each
  uint64_t unheard = 0;    // published while nobody wanted them
  uint64_t lost = 0;       // dropped from queues that were full
};

class Bus {
 public:
  Bus();
  ~Bus();

  /// kInvalid: a domain, metric or capacity that there can't be; kConflict: this agent is
  /// subscribed to the domain already; kFull: too many subscribers.
  Result<SubscriberId> subscribe(const Subscription& subscription);
  /// Its part of the domain goes to the other agents from now on; what waits for it is dropped.
  /// Unknown ids are ignored.
  void unsubscribe(SubscriberId subscriber);

  /// Copies each sample into the queue of everyone who wants it. No allocation once the queues have
  /// been full.
  void publish(std::span<const Sample> samples);

  /// Moves up to `most` samples, oldest first, into `batch` (whose memory is reused), with what was
  /// lost since the last take. False: there is nothing to tell, and `batch` is empty.
  bool take(SubscriberId subscriber, SampleBatch& batch,
            std::size_t most = limits::kSampleBatchMax);
  /// Samples that wait for it.
  std::size_t waiting(SubscriberId subscriber) const;

  std::size_t subscribers() const { return queues_.size(); }
  const BusStats& stats() const { return stats_; }

 private:
  struct Queue {
    Subscription wants;
    std::vector<Sample> ring;  // grows to wants.capacity, then is reused
    std::size_t first = 0, count = 0;
    uint64_t lost = 0, number = 0;
  };
  bool offer(Queue& queue, const Sample& sample);

  uint32_t last_ = 0;
  std::map<SubscriberId, Queue> queues_;
  std::array<Ring, kDomains> rings_;
  BusStats stats_;
};

}  // namespace holdfast::telemetry
