#include "nodes/node/telemetry/peer_meter.hpp"

#include <algorithm>

namespace holdfast::node {

using telemetry::Metric;

void PeerMeter::heard(MemberId from, const replication::PeerMessage& message, MonoTime now) {
  Peer& peer = peers_[from];
  if (const auto* ack = std::get_if<replication::peer::Ack>(&message); ack && ack->sent.ns > 0)
    peer.rtt.add(now - ack->sent);
  // Several groups beat over one link: what matters is that something comes within a beat. One that
  // comes half a beat late is in time.
  const Duration silence = peer.last.ns == 0 ? Duration{} : now - peer.last;
  if (peer.last.ns != 0 && silence.ns * 2 < beat_.ns) return;
  peer.last = now;
  ++peer.beats;
  const int64_t missed = (silence.ns - beat_.ns / 2) / beat_.ns;
  if (missed > 0) peer.missed += static_cast<uint64_t>(std::min(missed, kMissedMax));
}

void PeerMeter::add(MemberId member, const telemetry::Instance& name, telemetry::Readings& out) {
  Peer& peer = peers_[member];
  if (const auto took = peer.rtt.read(peer.seen); took.count > 0) {
    out.add(Metric::kPeerRtt, took.p50.us(), name);
    out.add(Metric::kPeerJitter, (took.p99 - took.p50).us(), name);
  }
  out.add_ratio(Metric::kPeerLoss, peer.missed, peer.missed + peer.beats, name);
  peer.missed = peer.beats = 0;
}

}  // namespace holdfast::node
