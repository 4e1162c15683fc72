// Latencies of a run, kept whole, and what is said of them: percentiles by rank, in microseconds.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace holdfast::bench {

inline int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// CPU time, which a neighbour on the same core does not stretch.
inline int64_t cpu_ns(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}
inline int64_t thread_cpu_ns() { return cpu_ns(CLOCK_THREAD_CPUTIME_ID); }
inline int64_t process_cpu_ns() { return cpu_ns(CLOCK_PROCESS_CPUTIME_ID); }

class Latencies {
 public:
  void reserve(std::size_t n) { ns_.reserve(n); }
  void add(int64_t ns) { ns_.push_back(ns); }
  std::size_t size() const { return ns_.size(); }
  /// The smallest latency that at least `per_mille` of 1000 samples do not exceed, µs with a
  /// decimal.
  double percentile_us(int per_mille) {
    if (ns_.empty()) return 0;
    std::sort(ns_.begin(), ns_.end());
    const std::size_t rank = (ns_.size() * static_cast<std::size_t>(per_mille) + 999) / 1000;
    return static_cast<double>(ns_[std::max<std::size_t>(rank, 1) - 1]) / 1000.0;
  }
  /// The fields "orders", "ops", "p50_us", "p99_us", "p999_us" and "client_cpu_us" (an order) of a
  /// JSON object, without braces.
  std::string json_fields(int64_t elapsed_ns, int64_t cpu_ns) {
    const auto count = static_cast<double>(ns_.size());
    char text[200];
    std::snprintf(text, sizeof text,
                  "\"orders\":%zu,\"ops\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,"
                  "\"client_cpu_us\":%.1f",
                  ns_.size(), count * 1e9 / static_cast<double>(elapsed_ns), percentile_us(500),
                  percentile_us(990), percentile_us(999),
                  static_cast<double>(cpu_ns) / count / 1000.0);
    return text;
  }

 private:
  std::vector<int64_t> ns_;
};

}  // namespace holdfast::bench
