// What Links keeps for each peer, and how often it says a thing. For links_linux.cpp only.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "supervision/replication/stream/address_linux.hpp"
#include "supervision/replication/stream/connection_linux.hpp"
#include "supervision/replication/stream/links_linux.hpp"

namespace holdfast::replication {

/// Lets one of many like lines through each second, with the number of those held back.
class LineLimit {
 public:
  /// The line to say now, or nothing.
  std::string pass(const std::string& line, MonoTime now) {
    if (said_ && now - at_ < Duration::seconds(1)) {
      ++held_;
      return {};
    }
    said_ = true;
    at_ = now;
    const auto held = std::exchange(held_, 0);
    return held == 0 ? line : line + " (and " + std::to_string(held) + " like it before)";
  }

 private:
  bool said_ = false;
  MonoTime at_;
  uint64_t held_ = 0;
};

/// One peer: linked, or being looked for.
struct Peer {
  PeerAddress address;
  SocketAddress socket;
  bool dials = false;  // we do; else it does and we only probe

  std::shared_ptr<Connection> link;  // its hello was taken
  Hello hello;
  bool down_owed = false;  // the link ended inside a call: down() follows

  int connecting = -1;  // a socket that connects
  TimerId connect_limit;
  std::shared_ptr<Connection> greeting;  // dialled, waits for the peer's hello
  TimerId hello_limit;
  TimerId again;
  Duration wait;

  bool gone = false;
  MonoTime since;
  Traffic before;  // of ended links
  LinkStats counts;
  LineLimit ends, fails, refusals;
};

}  // namespace holdfast::replication
