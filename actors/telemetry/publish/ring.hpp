// Consistent hashing: which of several agents gets a series. Each agent has many points on a ring
// of 64 bits; a key belongs to the next point at or after it, so an agent that comes or goes moves
// only its own share. The hash is fixed: every node of a cluster finds the same owner.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "messages/telemetry.hpp"

namespace holdfast::telemetry {

/// What is hashed of a sample: its member, and its instance where an agent judges every instance by
/// itself. What is judged together (a host's processors, ways and disks) must have one owner.
uint64_t ring_key(const Sample& sample);
/// Where the series of (member, instance) lies on a ring, the same on every host.
uint64_t ring_key(MemberId member, const Instance& instance);

class Ring {
 public:
  /// False: it is there already.
  bool add(uint32_t agent);
  /// False: it was not there.
  bool remove(uint32_t agent);
  /// Whose the key is; none while the ring is empty.
  std::optional<uint32_t> owner(uint64_t key) const;
  std::size_t agents() const;

 private:
  std::vector<std::pair<uint64_t, uint32_t>> points_;  // rising by place
};

}  // namespace holdfast::telemetry
