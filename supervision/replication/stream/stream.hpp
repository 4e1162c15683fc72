// What nodes say to each other over the one connection that each pair of them has: who they are,
// what the members of their groups have to say, and deliveries between groups whose leaders are on
// different nodes. Plain values; how they travel is codec_capnp.hpp's and links_linux.hpp's.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "messages/venue_exchange.hpp"
#include "supervision/replication/protocol/messages.hpp"

namespace holdfast::replication {

/// The stream's versions that this build speaks, with those of the neighbouring releases.
inline constexpr uint32_t kStreamProtocol = 1;
inline constexpr uint32_t kStreamProtocolOldest = 1;

/// A group that a node hosts, and as which life of its member.
struct HelloGroup {
  GroupId group;
  Incarnation incarnation;
  friend bool operator==(const HelloGroup&, const HelloGroup&) = default;
};

/// The first frame in each direction of a connection.
struct Hello {
  uint32_t protocol = kStreamProtocol;  // highest that the sender speaks
  uint32_t protocol_oldest = kStreamProtocolOldest;
  uint16_t entry_format = kEntryFormat;  // highest journal format that the sender reads and writes
  std::string cluster;                   // 1 to 32 of [A-Za-z0-9._-]
  MemberId member;
  int32_t pid = 0;
  uint64_t process_start = 0;  // field 22 of /proc/PID/stat: with the pid, one process of one boot
  std::string order_entry;     // host:port that clients connect to; may be empty
  std::vector<HelloGroup> groups;
  friend bool operator==(const Hello&, const Hello&) = default;
};

/// The incarnation that a hello names for `group`, or null. Valid as long as the hello.
const Incarnation* incarnation_of(const Hello& hello, GroupId group);

/// The highest version that both ends speak; kConflict says which versions each end has.
Result<uint32_t> common_protocol(const Hello& ours, const Hello& theirs);

/// A message of one group's leader to another's says itself whom it is for, or is wrapped.
struct GroupLeadsTo {
  GroupId to;
  GroupLeads leads;
};
struct VenueStatusTo {
  GroupId to;
  VenueStatus status;
};
/// Between leaders of groups. The shared deliveries are never null.
using DeliveryMessage =
    std::variant<VenueRequestDelivery, VenueReportDelivery, GroupLeadsTo, VenueStatusTo>;

/// The group that a delivery is for.
GroupId addressee(const DeliveryMessage& message);

}  // namespace holdfast::replication
