// What a member of replica groups measures of its peers.
#include "actors/telemetry/readings.hpp"
#include "nodes/node/cluster_actor.hpp"

namespace holdfast::node {

using telemetry::instance_of;
using telemetry::Metric;

void ClusterPart::measure(telemetry::Readings& out) {
  if (closed_ || !links_ || !self_) return;
  const Duration since = measured_.ns == 0 ? Duration{} : out.mono() - measured_;
  measured_ = out.mono();
  for (const auto& member : settings_.cluster->members) {
    if (member.id == self_->id) continue;
    const auto name = instance_of(member.name);
    meter_.add(member.id, name, out);
    const auto stats = links_->stats(member.id);
    uint64_t& before = ups_[member.id];
    const uint64_t ups = stats.ups - std::exchange(before, stats.ups);
    if (since.ns > 0)
      out.add(Metric::kPeerReconnects,
              static_cast<int64_t>(ups * 60'000'000'000u / static_cast<uint64_t>(since.ns)), name);
    out.add(Metric::kQueueSaturation,
            static_cast<int64_t>(std::min(stats.queued_bytes, limits::kStreamUnsentBytesMax) *
                                 1'000'000 / limits::kStreamUnsentBytesMax),
            instance_of("link " + member.name));
  }
  for (const auto& [group, shell] : shells_) {
    const auto& member = shell->member();
    if (!member.leads()) continue;
    uint64_t lag = 0;
    for (const auto& peer : member.peers())
      if (peer.in_sync && peer.acknowledged < member.last())
        lag = std::max(lag, member.last().value - peer.acknowledged.value);
    out.add(Metric::kReplicationLag, static_cast<int64_t>(lag), {}, group);
  }
}

}  // namespace holdfast::node
