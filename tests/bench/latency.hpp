// Latencies of a run, kept whole, and what is said of them: percentiles by rank, in microseconds.
#pragma once

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
  /// The fields "p50_us", "p99_us", "p999_us" and "ops" of a JSON object, without braces.
  std::string json_fields(int64_t elapsed_ns) {
    char text[160];
    std::snprintf(text, sizeof text,
                  "\"orders\":%zu,\"ops\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f",
                  ns_.size(),
                  static_cast<double>(ns_.size()) * 1e9 / static_cast<double>(elapsed_ns),
                  percentile_us(500), percentile_us(990), percentile_us(999));
    return text;
  }

 private:
  std::vector<int64_t> ns_;
};

}  // namespace holdfast::bench
