// `holdfast evaluate`: the self-healing loop against known faults on a cluster of its own, and the
// table of what it found and mended.
#pragma once

#include <string>
#include <vector>

#include "nodes/console/policy_linux.hpp"

namespace holdfast::console {

struct EvaluateCommand {
  std::string config = "config", state, json_file;
  std::string advisor = "deterministic", script, part, beside;
  std::vector<std::string> only;  // names of cases, or words that they begin with; none: all
  bool list = false, quick = false, keep = false;
  std::size_t groups = 0;  // 0: as many as the cases want
  uint32_t rate = 300;
  uint64_t seed = 1;
};

/// Adds `evaluate`.
void add_evaluate_command(CLI::App& app, const AddCommand& add);

/// Progress on `console.err`, the table on `console.out`. Not clean: an aim was missed.
int run_evaluate(const Console& console, const EvaluateCommand& command);

}  // namespace holdfast::console
