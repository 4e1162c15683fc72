// Where sources put what they measure: a list of samples that keeps its memory, with the member and
// the time of the present interval filled in. A source is a function that is called once an
// interval on the loop that it was registered for; it adds what it has and never waits.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "messages/telemetry.hpp"

namespace holdfast::telemetry {

class Readings {
 public:
  explicit Readings(MemberId member = {}) : member_(member) {}

  /// Forgets the samples, not their memory. `wall` and `mono` are now.
  void begin(WallTime wall, MonoTime mono) {
    samples_.clear();
    wall_ = wall;
    mono_ = mono;
  }
  /// A sample of this node, now.
  void add(Metric metric, int64_t value, const Instance& instance = {}, GroupId group = {},
           uint32_t trials = 0) {
    Sample& sample = samples_.emplace_back();
    sample.metric = metric;
    sample.member = member_;
    sample.group = group;
    sample.instance = instance;
    sample.at = wall_;
    sample.value = value;
    sample.trials = trials;
  }
  /// What a counter grew by since `before`, per second; nothing where it went back or no time has
  /// passed. Moves `before` on.
  void add_rate(Metric metric, uint64_t now, uint64_t& before, Duration since,
                const Instance& instance = {}, GroupId group = {});
  /// `hits` of `trials` in parts per million; nothing where there were no trials.
  void add_ratio(Metric metric, uint64_t hits, uint64_t trials, const Instance& instance = {},
                 GroupId group = {});

  WallTime wall() const { return wall_; }
  MonoTime mono() const { return mono_; }
  MemberId member() const { return member_; }
  const std::vector<Sample>& samples() const { return samples_; }
  std::vector<Sample>& samples() { return samples_; }

 private:
  MemberId member_;
  WallTime wall_;
  MonoTime mono_;
  std::vector<Sample> samples_;
};

/// Adds this interval's readings. Called on one loop, in the order of registration; it must not
/// block, and allocates nothing once it has been called a few times.
using TelemetrySource = std::function<void(Readings&)>;

/// The printable ASCII of a name, cut to what an Instance holds: for names of disks, peers and
/// actors, which are ours to begin with.
Instance instance_of(std::string_view name);

}  // namespace holdfast::telemetry
