// Carries out a drill: starts the cluster and the flow, disturbs it step by step, waits for the set
// to be whole in between, and hands back what was seen. What a scenario means is the planner's;
// what the numbers mean is the report's.
#pragma once

#include <atomic>
#include <functional>
#include <nlohmann/json.hpp>

#include "nodes/drill/steps_linux.hpp"
#include "supervision/drills/scenario.hpp"

namespace holdfast::drill {

struct DrillOptions {
  drills::Scenario scenario;
  uint64_t seed = 1;
  Duration duration;  // zero: by the scenario's count
  ClusterOptions cluster;
  // On a foreign cluster (`cluster.foreign`):
  std::string reason;       // for audit logs and proof
  std::string flow_record;  // the simulated exchange's record; "": no orders are sent
  const std::atomic<bool>* interrupted = nullptr;
  std::function<void(const std::string&)> progress;
};

struct Outcome {
  std::string skipped;                // why this machine or build does not permit it; "": it ran
  std::vector<std::string> findings;  // what went wrong beside the flow's verdict
  std::vector<Run> runs;
  std::vector<drills::Acknowledged> acknowledged;
  nlohmann::json flow;        // holdfast-load's reconciliation; null: there is none
  nlohmann::json journal;     // what every node's journal held at the end
  nlohmann::json state_hash;  // by group and node: of the state that it was in at the end
  nlohmann::json replayed = nlohmann::json::object();  // … and that its journal alone comes to
  std::map<std::string, uint64_t> counters;  // the members' at the end, of processes still alive
  std::map<std::string, uint64_t> venue;     // the exchange's record: facts by type
  std::map<std::string, uint64_t> memory;    // by node: RssAnon less AnonHugePages, bytes, largest
  bool interrupted = false;
  std::string by;                  // foreign: the operator, by the token
  WallTime begun;                  // foreign: when it was noted
  std::vector<std::string> notes;  // what could not be looked at, though nothing went wrong
};

/// What nodes keep in their audit logs about a drill; at most limits::kReasonTextBytes.
std::string note_of(const DrillOptions& options);
/// Whether the drill sends orders of its own.
bool has_flow(const DrillOptions& options);

/// With what the scenario's faults need of the cluster, less those faults of many that this cluster
/// can't have. To be called before run_drill().
DrillOptions complete(DrillOptions options);
/// Why it can't be run here; "": it can.
std::string why_skipped(const DrillOptions& options);

/// Runs it; everything that was started is ended when this returns. An error: it could not begin.
Result<Outcome> run_drill(const DrillOptions& options);

}  // namespace holdfast::drill
