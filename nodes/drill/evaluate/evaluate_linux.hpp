// Runs an evaluation: a cluster of its own with order flow, a feed and an endpoint; a baseline;
// case after case; and what the audit says at the end. The loop is only watched, never helped.
#pragma once

#include <atomic>
#include <functional>

#include "nodes/drill/cluster_linux.hpp"
#include "nodes/drill/evaluate/report.hpp"

namespace holdfast::drill::evaluate {

struct EvaluateOptions {
  std::vector<Case> cases;
  ClusterOptions cluster;  // ways and faults are set as the cases need them
  std::string advisor = "deterministic";
  uint32_t rate = 300;  // requests a second
  uint64_t seed = 1;
  Duration baseline = Duration::seconds(30);
  Duration rest = Duration::seconds(3);       // quiet between two cases, at least
  Duration rest_max = Duration::seconds(60);  // … and how long it may take until it is
  Duration grace = Duration::seconds(5);      // after a fault's end in which it may be found
  Duration look_every = Duration::milliseconds(1'000);
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void(const std::string&)> progress;
};

/// Everything that was started is ended when this returns. An error: it could not begin.
Result<Evaluation> run_evaluation(const EvaluateOptions& options);

}  // namespace holdfast::drill::evaluate
