#include "actors/telemetry/readings.hpp"

#include <algorithm>

namespace holdfast::telemetry {

void Readings::add_rate(Metric metric, uint64_t now, uint64_t& before, Duration since,
                        const Instance& instance, GroupId group) {
  const uint64_t from = std::exchange(before, now);
  if (since.ns <= 0 || now < from) return;
  const auto grown = static_cast<unsigned __int128>(now - from) * 1'000'000'000u;
  const auto rate = grown / static_cast<uint64_t>(since.ns);
  add(metric, static_cast<int64_t>(std::min<unsigned __int128>(rate, INT64_MAX)), instance, group);
}

void Readings::add_ratio(Metric metric, uint64_t hits, uint64_t trials, const Instance& instance,
                         GroupId group) {
  if (trials == 0) return;
  const auto ppm = static_cast<unsigned __int128>(std::min(hits, trials)) * 1'000'000u / trials;
  add(metric, static_cast<int64_t>(ppm), instance, group,
      static_cast<uint32_t>(std::min<uint64_t>(trials, UINT32_MAX)));
}

Instance instance_of(std::string_view name) {
  char text[Instance::kCapacity];
  const std::size_t size = std::min(name.size(), sizeof text);
  for (std::size_t i = 0; i < size; ++i)
    text[i] = name[i] >= 0x20 && name[i] <= 0x7e ? name[i] : '?';
  return Instance(std::string_view(text, size));
}

}  // namespace holdfast::telemetry
