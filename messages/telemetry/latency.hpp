// A histogram of durations that one thread fills on the order path and another reads: adding is a
// load and a store of one counter, no lock, no allocation, no read-modify-write. Buckets are a
// quarter of a power of two wide, so a quantile is at most 25 % too high, never too low. It has no
// clock: who adds has read one anyway.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

#include "messages/time.hpp"

namespace holdfast::telemetry {

class LatencyRecorder {
 public:
  static constexpr std::size_t kBuckets = 4 * 40;  // up to 2^40 ns, 18 minutes

  /// One thread; where several add at the same moment a count may be lost, no more. Negative
  /// durations (a clock that stepped) count as none.
  void add(Duration took) {
    auto& bucket = counts_[bucket_of(took)];
    // Pairs with the reader's load in read(): a count alone, so no order is needed.
    bucket.store(bucket.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }

  /// What was added since the call before with the same `seen`.
  struct Seen {
    std::array<uint32_t, kBuckets> counts{};
  };
  struct Interval {
    uint64_t count = 0;
    Duration p50, p99, longest;  // upper ends of their buckets; zero when there is none
  };
  /// Any thread; one for each `seen`.
  Interval read(Seen& seen) const {
    std::array<uint32_t, kBuckets> grown;
    Interval out;
    for (std::size_t i = 0; i < kBuckets; ++i) {
      const uint32_t now = counts_[i].load(std::memory_order_relaxed);
      grown[i] = now - seen.counts[i];
      seen.counts[i] = now;
      out.count += grown[i];
    }
    uint64_t below = 0;
    for (std::size_t i = 0; i < kBuckets && below < out.count; ++i) {
      if (grown[i] == 0) continue;
      const uint64_t upto = below + grown[i];
      if (below * 2 < out.count && upto * 2 >= out.count) out.p50 = upper_end(i);
      if (below * 100 < out.count * 99 && upto * 100 >= out.count * 99) out.p99 = upper_end(i);
      out.longest = upper_end(i);
      below = upto;
    }
    return out;
  }

  static std::size_t bucket_of(Duration took) {
    if (took.ns < 4) return 0;
    const auto ns = static_cast<uint64_t>(took.ns);
    const auto power = static_cast<std::size_t>(std::bit_width(ns) - 1);
    const std::size_t bucket = power * 4 + (ns >> (power - 2) & 3) - 7;
    return bucket < kBuckets ? bucket : kBuckets - 1;
  }
  static Duration upper_end(std::size_t bucket) {
    if (bucket == 0) return {3};
    const std::size_t power = (bucket + 7) / 4, quarter = (bucket + 7) % 4;
    return {static_cast<int64_t>((uint64_t{4} + quarter + 1) << (power - 2)) - 1};
  }

 private:
  std::array<std::atomic<uint32_t>, kBuckets> counts_{};
};

}  // namespace holdfast::telemetry
