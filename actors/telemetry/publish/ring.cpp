#include "actors/telemetry/publish/ring.hpp"

#include <algorithm>

#include "messages/telemetry/limits.hpp"

namespace holdfast::telemetry {
namespace {

// The finaliser of SplitMix64: every bit of the input moves every bit of the output.
constexpr uint64_t mix(uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t ring_key(MemberId member, const Instance& instance) {
  uint64_t hash = 0xCBF29CE484222325ull;  // FNV-1a, then mixed: its low bits alone are weak
  for (const char c : instance.view())
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return mix(hash ^ mix(member.value));
}

uint64_t ring_key(const Sample& sample) {
  const Domain domain = domain_of(sample.metric);
  const bool apart = domain == Domain::kExecution || domain == Domain::kHttp;
  return ring_key(sample.member, apart ? sample.instance : Instance{});
}

bool Ring::add(uint32_t agent) {
  for (const auto& point : points_)
    if (point.second == agent) return false;
  for (uint64_t i = 0; i < limits::kRingPoints; ++i)
    points_.emplace_back(mix(mix(agent) + i), agent);
  std::sort(points_.begin(), points_.end());
  return true;
}

bool Ring::remove(uint32_t agent) {
  return std::erase_if(points_, [agent](const auto& point) { return point.second == agent; }) > 0;
}

std::optional<uint32_t> Ring::owner(uint64_t key) const {
  if (points_.empty()) return std::nullopt;
  const auto at = std::lower_bound(points_.begin(), points_.end(), std::pair{key, uint32_t{0}});
  return at == points_.end() ? points_.front().second : at->second;
}

std::size_t Ring::agents() const { return points_.size() / limits::kRingPoints; }

}  // namespace holdfast::telemetry
