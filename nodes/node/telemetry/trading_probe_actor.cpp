#include "nodes/node/telemetry/trading_probe_actor.hpp"

#include "actors/ingress/ingress_actor.hpp"
#include "nodes/node/process_linux.hpp"
#include "nodes/node/setup_linux.hpp"
#include "nodes/node/telemetry/telemetry_part_actor.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::node {

using telemetry::instance_of;
using telemetry::Metric;

namespace {
constexpr Duration kAnswerWithin = Duration::seconds(2);
constexpr Duration kTreeEvery = Duration::seconds(1);
}  // namespace

TradingProbeActor::TradingProbeActor(ActorConfig& config, TradingProbeSetup setup)
    : LoopActor(config), setup_(std::move(setup)), readings_(setup_.self) {}

Behavior TradingProbeActor::make_behavior() {
  due_ = tree_due_ = now() + setup_.interval;
  at(due_, [this] { tick(); });
  return {[](Unit) {}};
}

void TradingProbeActor::tick() {
  due_ = std::max(due_ + setup_.interval, now() + Duration{setup_.interval.ns / 2});
  at(due_, [this] { tick(); });
  const auto& settings = *setup_.settings;
  ask<ingress::IngressStats>(std::string(kRootPath) + "/ingress", ingress::IngressStatsQuery{},
                             &TradingProbeActor::ingress);
  for (uint32_t shard = 0; shard < settings.node.shards; ++shard)
    ask<ShardViewAnswer>(manager_path(shard), ShardQuery{}, &TradingProbeActor::shard);
  for (const auto& venue : settings.venues)
    ask<VenueSessionView>(gateway_path(venue.entry.name), VenueSessionQuery{},
                          &TradingProbeActor::venue);
  if (now() >= tree_due_) ask_tree();
}

template <typename Answer, typename Question>
void TradingProbeActor::ask(const std::string& path, Question question,
                            void (TradingProbeActor::*take)(const Answer&)) {
  bool& open = open_[path];
  if (open) return;  // it has not answered the last round
  const auto actor = setup_.registry->find(path);
  if (!actor) return;
  open = true;
  request_within(this, actor, {"trading probe", kAnswerWithin}, question)
      .then(
          [this, path, take](const Answer& answer) {
            open_[path] = false;
            readings_.begin(wall_now(), now());
            (this->*take)(answer);
            publish();
          },
          [this, path](const ActorError&) { open_[path] = false; });
}

void TradingProbeActor::ask_tree() {
  tree_due_ = now() + kTreeEvery;
  const auto root = setup_.root();
  if (tree_open_ || !root) return;
  tree_open_ = true;
  request_within(this, root, {"trading probe", kAnswerWithin}, TreeQuery{})
      .then(
          [this](const TreeNode& answer) {
            tree_open_ = false;
            readings_.begin(wall_now(), now());
            uint64_t restarts = 0;
            Duration since;
            tree(answer, restarts);
            if (const auto more = grown("restarts", restarts, since); more && since.ns > 0)
              readings_.add(
                  Metric::kProcessRestarts,
                  static_cast<int64_t>(*more * 60'000'000'000u / static_cast<uint64_t>(since.ns)));
            publish();
          },
          [this](const ActorError&) { tree_open_ = false; });
}

std::optional<uint64_t> TradingProbeActor::grown(const std::string& name, uint64_t value,
                                                 Duration& since) {
  Grown& before = before_[name];
  since = readings_.mono() - before.at;
  const bool known = before.known && value >= before.before;
  const uint64_t more = value - before.before;
  before = {value, readings_.mono(), true};
  if (!known) return std::nullopt;
  return more;
}

void TradingProbeActor::saturation(const std::string& queue, uint64_t depth, uint64_t limit,
                                   GroupId group) {
  if (limit == 0) return;
  const uint64_t ppm = std::min(depth, limit) * 1'000'000 / limit;
  readings_.add(Metric::kQueueSaturation, static_cast<int64_t>(ppm), instance_of(queue), group);
}

void TradingProbeActor::publish() {
  if (readings_.samples().empty()) return;
  if (const auto feed = setup_.registry->find(kTelemetryPath))
    send(feed, telemetry::PublishSamples{readings_.samples()});
}

// ---- what they say

void TradingProbeActor::ingress(const ingress::IngressStats& stats) {
  const auto& s = stats.sessions;
  const uint64_t refused =
      s.refused_credits + s.refused_permission + s.refused_not_serving + s.answered_by_deadline;
  Duration since;
  const auto requests = grown("ingress requests", s.requests, since);
  const auto rejected = grown("ingress refused", refused, since);
  if (requests && rejected) {
    uint64_t none = 0;
    readings_.add_rate(Metric::kOrderRate, *requests, none, since, instance_of("ingress"));
    readings_.add_ratio(Metric::kRejectRatio, *rejected, *requests + *rejected,
                        instance_of("ingress"));
  }
  saturation("ingress", s.in_flight,
             uint64_t{setup_.settings->node.ingress.credits} * std::max<uint64_t>(1, s.sessions),
             {});
}

void TradingProbeActor::shard(const ShardViewAnswer& view) {
  const ShardView& v = *view;
  setup_.trading->orders(v.group, static_cast<int64_t>(v.open), now());
  if (!v.leading) return;
  const std::string name = group_name(*setup_.settings, v.group);
  saturation(name + " intake", v.waiting, limits::kPipelineOrdersMax, v.group);
  uint64_t outbox = 0;
  for (const auto& link : v.links) outbox = std::max(outbox, link.outbox);
  saturation(name + " outbox", outbox, limits::kOutboxItemsMax, v.group);
  readings_.add(Metric::kUnknownOrders, static_cast<int64_t>(v.unknown), instance_of(name),
                v.group);
}

void TradingProbeActor::venue(const VenueSessionView& v) {
  setup_.trading->orders(v.group, static_cast<int64_t>(v.open_orders), now());
  setup_.trading->session(v.group, v.state == VenueSessionState::kOpen, now());
  const std::string name = group_name(*setup_.settings, v.group);
  saturation(name + " in flight", v.in_flight, v.in_flight_limit, v.group);
  saturation(name + " waiting", v.waiting, limits::kVenueParkedMax, v.group);
  saturation(name + " reports", v.reports_outstanding, limits::kOutboxItemsMax, v.group);
  readings_.add(Metric::kUnknownOrders, static_cast<int64_t>(v.unknown_orders), instance_of(name),
                v.group);
}

void TradingProbeActor::tree(const TreeNode& node, uint64_t& restarts) {
  restarts += node.restarts;
  if (node.children.empty())
    readings_.add(Metric::kMailboxDepth, static_cast<int64_t>(node.mailbox_depth),
                  instance_of(node.path));
  for (const auto& child : node.children) tree(child, restarts);
}

}  // namespace holdfast::node
