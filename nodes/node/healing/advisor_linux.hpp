// What the healing loop asks on this node, made from the configuration: the advisor (a model behind
// its gateway, or the deterministic one), and the store of precedents in the state folder. Neither
// is ever a reason not to start: what can't be had is said with an alarm, and done without.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "actors/agents/fleet/known_cases.hpp"
#include "actors/agents/llm/gateway_curl.hpp"
#include "actors/agents/precedents/precedent.hpp"
#include "nodes/settings/settings.hpp"

namespace holdfast::node {

using SayLine = std::function<void(const std::string& line, bool alarm)>;

struct AdviceMeans {
  std::shared_ptr<Advisor> advisor;                    // never null
  std::shared_ptr<precedents::Precedents> precedents;  // null: the store can't be used
  /// What the agents look findings up in (`FleetSetup::precedents`); empty without a store.
  agents::FindPrecedents look_up() const { return agents::look_up(precedents); }
};

/// Opens all of it, below settings.node.state_directory: "precedents", and the gateway's recording,
/// traces and spending where their names are relative. Blocks on the disk: call it while starting.
/// `trace` takes the gateway's spans on its thread. The last owner to let go waits for the threads
/// behind it, and must not be one of them: keep what is returned until the actor system has ended.
AdviceMeans make_advice_means(const settings::Settings& settings, llm::GatewayClocks clocks,
                              const SayLine& say, llm::TraceSink trace = {});

/// The advisor alone.
std::shared_ptr<Advisor> make_node_advisor(llm::GatewaySettings settings,
                                           const std::string& state_directory,
                                           llm::GatewayClocks clocks, const SayLine& say,
                                           llm::TraceSink trace = {});

/// A store whose `learn` returns at once and is done on a thread of its own, in order, since it
/// waits for the disk and disks are what incidents are about. At most 256 wait, then it answers
/// kFull; what fails later is said with an alarm. The last ones are written before it goes.
std::shared_ptr<precedents::Precedents> learning_apart(
    std::shared_ptr<precedents::Precedents> store, SayLine say);

}  // namespace holdfast::node
