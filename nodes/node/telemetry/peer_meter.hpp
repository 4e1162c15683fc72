// What the frames that come from other nodes tell of the way there and back: round trips (an Ack
// carries the time at which what it acknowledges left here), their spread, and beats that stayed
// away while others came. Pure; fed with every message of the stream on the loop that takes them.
#pragma once

#include <map>

#include "actors/telemetry/readings.hpp"
#include "messages/telemetry/latency.hpp"
#include "supervision/replication/protocol/messages.hpp"

namespace holdfast::node {

class PeerMeter {
 public:
  /// `beat`: between two beats of a leader.
  explicit PeerMeter(Duration beat) : beat_(beat) {}

  /// A message of `from` came at `now`. Bounded by the members that there are.
  void heard(MemberId from, const replication::PeerMessage& message, MonoTime now);
  /// A link began or ended: the silence around it counts for nothing.
  void relinked(MemberId member) { peers_[member].last = {}; }
  /// Adds the interval's readings of one peer, by its name.
  void add(MemberId member, const telemetry::Instance& name, telemetry::Readings& out);

  /// A silence counts at most so many beats: longer ones are what suspicion is for.
  static constexpr int64_t kMissedMax = 100;

 private:
  struct Peer {
    telemetry::LatencyRecorder rtt;
    telemetry::LatencyRecorder::Seen seen;
    MonoTime last;
    uint64_t beats = 0, missed = 0;  // in this interval
  };
  const Duration beat_;
  std::map<MemberId, Peer> peers_;
};

}  // namespace holdfast::node
