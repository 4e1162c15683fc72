// The inside of the world's nodes: what a disk holds and what a process is.
#pragma once

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "tests/simulation/protocol/world.hpp"

namespace holdfast::simulation {

using Bug = WorldSettings::Bug;
inline constexpr GroupId kGroup{1};
inline constexpr MonoTime kStart{1'000'000'000'000'000};  // no clock begins at zero

inline Uuid uuid(uint64_t value) {
  Uuid out;
  std::memcpy(out.bytes.data(), &value, sizeof value);
  out.bytes[15] = 1;
  return out;
}
inline uint64_t payload_of(const EntryRef& entry) {
  uint64_t value = 0;
  std::memcpy(&value, entry.bytes->data(), sizeof value);
  return value;
}
inline std::string text(const Incarnation& i) { return std::to_string(i.member.value); }

/// What survives the process: the journal as written, and what was written beside it.
struct World::Disk {
  std::vector<EntryRef> entries;  // the first has index `floor` + 1
  Index floor;                    // snapshot; its content is `digest` of everything up to there
  Epoch floor_epoch;
  std::vector<uint64_t> snapshot;  // payloads of entries 1 to floor
  Epoch epoch_seen;
  uint64_t directory = 1;
  Index last() const { return {floor.value + entries.size()}; }
  uint64_t payload(Index index) const {
    return index <= floor ? snapshot[index.value - 1]
                          : payload_of(entries[index.value - floor.value - 1]);
  }
};

struct World::Node {
  MemberId id;
  Role role = Role::kSync;
  Disk disk, earlier;
  std::unique_ptr<Member> member;
  uint64_t life = 0;
  bool alive = false;
  MonoTime stopped_until;
  Epoch leading;  // epoch that the application leads in; zero none
  Index applied;
  bool parked = false, carrying = false, leading_rebuilt = false;
  std::deque<EntryRef> unwritten;  // handed to the disk by this life
  uint64_t written = 0;
  /// The log as this process sees it: what is on the disk, and what it was given.
  Index log_last() const { return {disk.last().value + unwritten.size()}; }
  uint64_t log_payload(Index index) const {
    return index <= disk.last() ? disk.payload(index)
                                : payload_of(unwritten[index.value - disk.last().value - 1]);
  }
  EntryRef last_written;
  bool writing = false;
  bool slow_disk = false;
  std::map<uint32_t, MonoTime> arrival;  // in order, a connection each way
  std::vector<std::function<void(Member&)>> waiting;
};

}  // namespace holdfast::simulation
