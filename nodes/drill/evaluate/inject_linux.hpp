// Makes the faults of cases, and ends them: whatever was begun is over when `end` returns, however
// the case went. What has a rhythm or grows is driven by a thread of its own, so that looking at
// the cluster meanwhile does not change it.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "nodes/drill/cluster_linux.hpp"
#include "nodes/drill/evaluate/case.hpp"
#include "nodes/drill/evaluate/outside_linux.hpp"

namespace holdfast::drill::evaluate {

class Injector {
 public:
  /// What it works on; all outlive it. `feed` and `endpoint` may be null. `flow` starts a second
  /// client that sends so many requests a second.
  struct Scene {
    Cluster& cluster;
    FeedHandler* feed = nullptr;
    Endpoint* endpoint = nullptr;
    std::function<Result<Process>(int64_t rate)> flow;
  };
  explicit Injector(Scene scene) : scene_(std::move(scene)) {}
  ~Injector();

  /// Why this case can't be had here; "": it can.
  std::string why_not(const Case& one) const;
  /// Begins it; `leader` leads the first shard. Call `poll` often until `end`.
  Result<> begin(const Case& one, uint32_t leader);
  /// Whose findings of the case that was begun last are right; none: anybody's.
  std::vector<uint32_t> right_members() const;
  /// What takes commands and time: kills of actors. On the caller's thread.
  void poll();
  void end();

 private:
  void run(Duration lasts);
  /// What is wrong, at this share of its full size.
  void set(double size);
  /// What has a rhythm: on or off now.
  void beat(bool on);
  Result<> start_hogs();
  void stop_hogs();
  Node& target();
  Node& other();
  void tell_venue(const std::string& line);

  Scene scene_;
  std::optional<Case> case_;
  uint32_t member_ = 0, other_ = 0;
  std::vector<pid_t> hogs_;
  Process flow_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
  MonoTime next_kill_;
  int64_t kills_ = 0;
};

/// A way to the venue's control port: one line, its answer. "": it does not answer.
std::string ask_venue(const std::string& ports_file, const std::string& line);

}  // namespace holdfast::drill::evaluate
