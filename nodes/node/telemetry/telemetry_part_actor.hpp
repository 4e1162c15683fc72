// Telemetry on this node: a control-plane loop with a thread of its own, the telemetry actor on it,
// and what it reads: the kernel's files, the journal, the operator API, and by short functions on
// the hot loop what lives there. Whoever else works beside the order path (agents) lives on the
// same control loop. If all of it dies, trading does not notice.
#pragma once

#include <memory>
#include <thread>

#include "actors/telemetry/otlp/exporter_curl.hpp"
#include "actors/telemetry/telemetry_actor.hpp"
#include "messages/result.hpp"
#include "nodes/node/api/operator_backend.hpp"
#include "nodes/node/healing/trading_state.hpp"
#include "nodes/settings/settings.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

inline constexpr const char* kTelemetryPath = "node/telemetry";
inline constexpr const char* kTradingProbePath = "node/trading-probe";

class TelemetryPart {
 public:
  /// `settings` and `hot_loop` outlive it. `root` is the tree's, null while it is not there;
  /// `trading` is told what the probe sees.
  TelemetryPart(const settings::Settings& settings, HotLoop& hot_loop,
                std::shared_ptr<RefRegistry> registry, std::function<ActorHandle()> root,
                std::shared_ptr<TradingState> trading);
  ~TelemetryPart();
  TelemetryPart(const TelemetryPart&) = delete;
  TelemetryPart& operator=(const TelemetryPart&) = delete;

  /// Sources of the parts of the node; before the tree starts. Of the control loop (they read
  /// atomics), and of the hot loop.
  void add(telemetry::TelemetrySource source);
  void add_hot(telemetry::TelemetrySource source);

  /// The loop beside the order path; its thread runs from here on until close().
  EventLoop& control_loop() { return loop_; }
  /// Children of the tree's root; none where telemetry is off.
  std::vector<ChildDefinition> children();
  /// Stops the thread and ends all actors of the control loop. Before the actor system goes.
  void close();

 private:
  telemetry::TelemetrySetup setup() const;

  const settings::Settings& settings_;
  HotLoop& hot_loop_;
  const std::shared_ptr<RefRegistry> registry_;
  const std::function<ActorHandle()> root_;
  const std::shared_ptr<TradingState> trading_;
  MemberId self_;
  std::vector<telemetry::TelemetrySource> sources_, hot_sources_;
  std::unique_ptr<telemetry::OtlpExporter> exporter_;  // null: none is configured
  HotLoop loop_;
  std::thread thread_;
};

/// Asks the telemetry actor. Called in the actor that asks; `done` once, there.
void ask_telemetry(PoolActor& self, const RefRegistry& registry, Duration within,
                   const telemetry::TelemetryQuery& query,
                   const std::function<void(Result<telemetry::SharedView>)>& done);
/// Hands it samples from outside.
void hand_in_samples(PoolActor& self, const RefRegistry& registry, Duration within,
                     telemetry::OutsideSamples samples,
                     const std::function<void(Result<telemetry::OutsideTaken>)>& done);

}  // namespace holdfast::node
