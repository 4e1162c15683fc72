// Asks order entry, order shards and gateways on this node, once an interval, what they count for
// operators anyway, and publishes what it grew by; now and then the actor tree for mailboxes and
// restarts. It lives on the control loop and asks by messages: a part that does not answer leaves a
// gap in its own series, and the next round begins all the same.
#pragma once

#include <map>

#include "actors/ingress/ingress_stats.hpp"
#include "actors/telemetry/readings.hpp"
#include "messages/console_queries.hpp"
#include "messages/venue_view.hpp"
#include "nodes/node/healing/trading_state.hpp"
#include "nodes/settings/settings.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/tree/ref_registry_actor.hpp"
#include "supervision/tree/tree_node.hpp"

namespace holdfast::node {

struct TradingProbeSetup {
  const settings::Settings* settings = nullptr;
  MemberId self;
  Duration interval;
  std::shared_ptr<RefRegistry> registry;
  std::function<ActorHandle()> root;  // of the tree; null while it is not there
  std::shared_ptr<TradingState> trading;
};

class TradingProbeActor final : public LoopActor {
 public:
  TradingProbeActor(ActorConfig& config, TradingProbeSetup setup);
  Behavior make_behavior() override;
  const char* name() const override { return "trading probe"; }

 private:
  struct Grown {
    uint64_t before = 0;
    MonoTime at;
    bool known = false;
  };

  void tick();
  template <typename Answer, typename Question>
  void ask(const std::string& path, Question question,
           void (TradingProbeActor::*take)(const Answer&));
  void ask_tree();
  void ingress(const ingress::IngressStats& stats);
  void shard(const ShardViewAnswer& view);
  void venue(const VenueSessionView& view);
  void tree(const TreeNode& node, uint64_t& restarts);
  /// What a counter grew by since it was last looked at; nothing the first time, or when it went
  /// back (the part was restarted).
  std::optional<uint64_t> grown(const std::string& name, uint64_t value, Duration& since);
  void saturation(const std::string& queue, uint64_t depth, uint64_t limit, GroupId group);
  void publish();

  TradingProbeSetup setup_;
  telemetry::Readings readings_;
  std::map<std::string, Grown> before_;
  std::map<std::string, bool> open_;  // paths that have not answered yet
  MonoTime due_, tree_due_;
  bool tree_open_ = false;
};

}  // namespace holdfast::node
