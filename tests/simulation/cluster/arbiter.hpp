// The arbiter of a simulated cluster: one record a group, changed by compare-and-set. Questions
// take time, answers get lost, what was asked may take effect after its asker has given up, and
// sometimes it can't be reached at all. SimArbiter is what one process has of it.
#pragma once

#include <set>

#include "supervision/replication/arbiter/arbiter.hpp"
#include "tests/simulation/cluster/simulation.hpp"

namespace holdfast::cluster_simulation {

using replication::Arbiter;
using replication::GroupRecord;

/// The store behind all of them.
class ArbiterStore {
 public:
  struct Hooks {
    /// A record was changed: processes that watch hear of it in a while.
    std::function<void(const GroupRecord&)> changed;
    /// Kills the process, if it is still that life of that node.
    std::function<void(uint32_t node, uint64_t life)> kill;
  };
  ArbiterStore(Simulation& simulation, Hooks hooks) : sim_(simulation), hooks_(std::move(hooks)) {}

  bool reachable(uint32_t node) const { return up_ && !cut_off_.contains(node); }
  void up(bool up) { up_ = up; }
  void cut_off(uint32_t node, bool cut) {
    cut ? void(cut_off_.insert(node)) : void(cut_off_.erase(node));
  }
  const GroupRecord* find(GroupId group) const;
  /// Questions that may still change something.
  int questions = 0;
  /// Empty: done. Else why not.
  std::string apply(const GroupRecord& proposed, uint64_t expected);
  void kill(uint32_t node, uint64_t life) { hooks_.kill(node, life); }

 private:
  Simulation& sim_;
  Hooks hooks_;
  bool up_ = true;
  std::set<uint32_t> cut_off_;
  std::map<uint32_t, GroupRecord> records_;
};

class SimArbiter final : public Arbiter {
 public:
  /// Runs a function in this process after a delay, if it still lives.
  using Later = std::function<void(Duration, std::function<void()>)>;
  SimArbiter(Simulation& simulation, ArbiterStore& store, uint32_t node, Later later)
      : sim_(simulation), store_(store), node_(node), later_(std::move(later)) {}

  void read(GroupId group, ReadCallback done) override;
  void compare_and_set(const GroupRecord& proposed, uint64_t expected,
                       std::optional<replication::Victim> victim, CasCallback done) override;
  using Arbiter::compare_and_set;
  void watch(GroupId group, WatchCallback changed) override;
  void unwatch(GroupId group) override { watches_.erase(group.value); }
  bool fences() const override { return sim_.settings().fences; }
  replication::ArbiterStats stats() const override { return {}; }
  /// A change, as this process hears of it.
  void tell(const GroupRecord& record);

 private:
  void answer_later(Duration delay, std::function<void()> answer) {
    later_(delay, std::move(answer));
  }
  Simulation& sim_;
  ArbiterStore& store_;
  const uint32_t node_;
  Later later_;
  std::map<uint32_t, WatchCallback> watches_;
};

}  // namespace holdfast::cluster_simulation
