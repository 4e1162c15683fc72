// Runs an evaluation: group after group of cases, each on a fresh cluster with order flow, a feed
// and an endpoint; a baseline; case after case; and what the audit says at the end. The loop is
// only watched, never helped.
#pragma once

#include <atomic>
#include <functional>

#include "nodes/drill/cluster_linux.hpp"
#include "nodes/drill/evaluate/report.hpp"

namespace holdfast::drill::evaluate {

struct EvaluateOptions {
  std::vector<Case> cases;
  std::size_t groups = 1;  // the cases are dealt to so many clusters, one after the other
  std::size_t part = 0;    // only this one of them, from 1; 0: all
  ClusterOptions cluster;  // `folder`: those of the groups are below it
  std::string config = "config";
  std::string advisor = "deterministic";
  std::string script;   // of the model, by a name of kScripts or as holdfast-model takes it
  uint32_t rate = 300;  // requests a second
  uint64_t seed = 1;
  Duration baseline = Duration::seconds(12);  // for each group, after its flow began
  Duration rest = Duration::seconds(2);       // quiet between two cases, at least
  Duration rest_max = Duration::seconds(60);  // … and how long it may take until it is
  Duration grace = Duration::seconds(4);      // after a fault's end in which it may be found
  Duration look_every = Duration::milliseconds(500);
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void(const std::string&)> progress;
};

/// A model's behaviour by name.
struct NamedScript {
  const char* name;
  const char* script;  // as holdfast-model takes it
  bool adversarial;    // it means harm, or can't be relied upon
};
inline constexpr NamedScript kScripts[] = {
    {"good", "good", false},
    {"random", "random", true},
    {"hostile",
     "wrong_action*3,injected*3,promote_all*3,wrong_schema*2,half*2,huge,injected*3,wrong_action*3,"
     "promote_all*3,forbidden,server_error,injected",
     true},
    {"late", "late", true},
    {"promote_all", "promote_all", true},
};

/// Everything that was started is ended when this returns. An error: it could not begin.
Result<Evaluation> run_evaluation(const EvaluateOptions& options);

}  // namespace holdfast::drill::evaluate
