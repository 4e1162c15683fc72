// `holdfast drill`: lists scenarios, says what one would do, runs it and shows the proof.
#pragma once

#include <optional>
#include <string>

#include "nodes/console/commands_http.hpp"

namespace holdfast::console {

struct DrillCommand {
  std::string scenario, target;
  std::string arbiter;  // "": as the scenario's file says
  std::string fence = "on", duration, state, json_file, config = "config", from, to;
  uint32_t count = 0, rate = 0;  // 0: as the scenario's file says
  uint64_t seed = 1;
  bool dry_run = false, keep = false, required = false;
  // A cluster that runs already; "": one of its own. `flow`: the simulated exchange's record.
  std::string cluster, reason, flow;
  bool confirm = false;
};

int run_drill_list(const Console& console, const DrillCommand& command);
/// Progress on `console.err`, the proof on `console.out`.
int run_drill(const Console& console, const DrillCommand& command);

}  // namespace holdfast::console
