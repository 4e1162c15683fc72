// Incarnations and records for the arbiter's tests, the same in every process that takes part.
#pragma once

#include "supervision/replication/protocol/record.hpp"

namespace holdfast::tests {

inline constexpr const char* kCluster = "conformance";

/// Member `number`, always the same incarnation of it.
inline replication::Incarnation incarnation(uint32_t number, uint8_t boot = 1) {
  replication::Incarnation one{.member = MemberId{number}, .data_dir = {}, .boot = {}};
  one.data_dir.bytes[0] = static_cast<uint8_t>(number);
  one.boot.bytes[0] = static_cast<uint8_t>(number);
  one.boot.bytes[15] = boot;
  return one;
}

/// The first record of a group of three sync members, all in sync, that nobody has led.
inline replication::GroupRecord first_record(GroupId group) {
  replication::GroupRecord record;
  record.cluster = kCluster;
  record.group = group;
  record.version = 1;
  for (uint32_t m = 1; m <= 3; ++m) {
    record.members.push_back({MemberId{m}, replication::Role::kSync});
    record.in_sync.push_back(incarnation(m));
  }
  return record;
}

/// The next record, in which `leader` leads under the next epoch.
inline replication::GroupRecord led_by(replication::GroupRecord record,
                                       const replication::Incarnation& leader) {
  ++record.version;
  ++record.epoch.value;
  record.leader = leader;
  return record;
}

}  // namespace holdfast::tests
