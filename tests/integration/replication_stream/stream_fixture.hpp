// Nodes' ends of the stream on one loop, over loopback, and what each has heard.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervision/replication/stream/links_linux.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"

namespace holdfast::replication::tests {

/// Long enough for a machine that is busy with other things; reached only when a test fails.
constexpr Duration kPatience = Duration::seconds(20);

/// A port of loopback that nobody listens at, and that the system gives to nobody else for a while.
uint16_t free_port();

/// Turns the loop until `done`; false when that takes too long.
bool turn_until(HotLoop& loop, const std::function<bool()>& done);

/// What one end has heard, in order.
struct Heard {
  struct Message {
    MemberId from;
    GroupId group;
    PeerMessage message;
  };
  std::vector<MemberId> ups;
  std::vector<std::pair<MemberId, bool>> downs;
  std::deque<Message> messages;
  std::vector<std::pair<MemberId, DeliveryMessage>> deliveries;
  std::vector<std::string> lines, alarms;
  /// Whether any line holds `words`.
  bool said(const std::string& words) const;
  /// down() calls for `member` with `gone`.
  std::size_t down(MemberId member, bool gone) const;
};

/// One node's end.
struct End {
  Heard heard;
  std::unique_ptr<Links> links;
  uint16_t port = 0;
};

LinkSettings settings_of(uint32_t self, uint16_t port, std::vector<PeerAddress> peers);
/// Starts an end; the test fails when that fails.
std::unique_ptr<End> start_end(HotLoop& loop, LinkSettings settings);

Incarnation incarnation(uint32_t member, uint8_t life);
/// An Append with one entry of `bytes` bytes.
peer::Append append_of(uint64_t index, std::size_t bytes);

}  // namespace holdfast::replication::tests
