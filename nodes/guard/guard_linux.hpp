// The guard: carries out what GuardCore decides about one node, on one thread and one loop, without
// the actor library: it must outlive whatever can go wrong in there.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "nodes/guard/control_linux.hpp"
#include "nodes/guard/guard_core.hpp"
#include "nodes/guard/hang_detector.hpp"
#include "nodes/guard/node_log_linux.hpp"
#include "nodes/guard/node_process_linux.hpp"
#include "supervision/runtime/guard_events_linux.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"

namespace holdfast {

/// How to guard.
struct GuardSettings {
  std::string node_binary;
  std::string config;
  std::vector<std::string> node_arguments = {};    // after --config FILE
  std::vector<std::string> node_environment = {};  // NAME=VALUE, for the node alone
  std::string state_dir;
  GuardPolicy policy = {};
  Duration hang_timeout = Duration::seconds(5);  // zero: hangs are not looked for
  bool foreground_logs = false;
  uint64_t log_bytes_max = 16u << 20;
};

/// One guard, for one state directory.
class Guard {
 public:
  /// Takes the state directory (made if missing, mode 0700) and opens what is in it. kConflict:
  /// another guard has it.
  static Result<std::unique_ptr<Guard>> open(GuardSettings settings);
  ~Guard();

  /// Guards until the node is done or SIGTERM or SIGINT comes; returns the exit code. SIGTERM and
  /// SIGINT must be blocked in this thread (block_signals).
  int run();
  /// Blocks the signals that `run` handles itself.
  static void block_signals();

 private:
  Guard(GuardSettings settings, int lock, std::optional<NodeLog> log);
  Result<> open_control(std::string token);
  void obey(GuardDecisions decisions);
  void spawn();
  void watch_node();
  void node_ended();
  void record_end(const NodeExit& exit);
  void record(const std::string& event, const std::string& text);
  void sample();
  void arm();
  void command(const nlohmann::json& request, ControlServer::Answer answer);
  nlohmann::json status();
  void log(const std::string& event, const std::string& text, bool alarm);
  std::string in_state_dir(const char* name) const { return settings_.state_dir + "/" + name; }

  GuardSettings settings_;
  int lock_;
  std::optional<NodeLog> log_;
  HotLoop loop_;
  GuardCore core_;
  HangDetector hangs_;
  NodeProcess node_;
  GuardEvents events_;      // for the node's next life to tell
  bool explained_ = false;  // why this node ends is told already
  std::unique_ptr<ControlServer> control_;
  std::vector<ControlServer::Answer> waiting_for_death_;
  std::vector<ControlServer::Answer> waiting_for_end_;
  ProcessId last_node_;
  MonoTime node_since_ = {};
  MonoTime killed_at_ = {};
  TimerId timer_ = {};
  std::vector<std::string> loops_;
  std::string progress_ = "absent";
  std::mt19937_64 random_;
  std::optional<int> code_;
};

}  // namespace holdfast
