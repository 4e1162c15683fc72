// Who the agents of a node are: each registers under its name, is heard from, and keeps its open
// findings here, so that the one that takes its place goes on with them. Two actors of one name are
// told apart by a generation; only the latest counts. Which series an agent gets is the telemetry
// bus's business (consistent hashing over who is subscribed), restarts are the tree's.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "actors/agents/domains/domain_agent.hpp"

namespace holdfast::agents {

/// What an agent is told when it registers.
struct Welcome {
  uint64_t generation = 0;    // that it names itself by from now on
  uint64_t after = 0;         // its findings' numbers begin behind it
  std::vector<Finding> open;  // that one before it left
};

/// One agent as the registry knows it.
struct RegisteredAgent {
  AgentId id;
  uint64_t generation = 0;  // 1: the first
  bool alive = false;
  MonoTime heard;
  AgentCounts counts;
  uint64_t series = 0, lost_samples = 0;
  std::vector<Finding> open;
};

class Registry {
 public:
  /// Findings are numbered from `first` + 1 on.
  Registry(std::shared_ptr<const AgentSettings> settings, uint64_t first);

  /// An agent begins. `open` and `after` are its own where it was at work before, under a registry
  /// that has forgotten it.
  Welcome enter(AgentId id, std::span<const Finding> open, uint64_t after, MonoTime now);
  /// A heartbeat. False: it is not the agent of that name any more, or never was.
  bool heard(AgentId id, uint64_t generation, const AgentCounts& counts, uint64_t series,
             uint64_t lost_samples, MonoTime now);
  /// What it found; adds what is to be passed on to `out`. Nothing of an agent whose place was
  /// taken.
  void take(AgentId id, uint64_t generation, std::span<const Finding> found,
            std::vector<Finding>& out);
  /// Its actor has ended. Ignored when another has its place.
  void left(AgentId id, uint64_t generation, MonoTime now);

  struct Overdue {
    AgentId id;
    uint64_t generation = 0;
  };
  /// Who was silent too long; each is named once and counts as gone. They are to be killed, so that
  /// the tree makes new ones.
  std::vector<Overdue> overdue(MonoTime now);
  /// Ends the findings of agents that are gone and were not replaced for so long that nobody can
  /// say whether they are still true.
  void tick(MonoTime now, WallTime wall, std::vector<Finding>& out);

  std::vector<RegisteredAgent> agents() const;
  std::size_t alive() const;
  uint64_t refused() const { return refused_; }    // findings of those whose place was taken
  uint64_t replaced() const { return replaced_; }  // agents that took another's place

 private:
  struct Place {
    RegisteredAgent agent;
    uint64_t last = 0;  // number of a finding
    MonoTime gone;
  };
  bool is_present(const Place& place, uint64_t generation) const {
    return place.agent.alive && place.agent.generation == generation;
  }

  std::shared_ptr<const AgentSettings> settings_;
  uint64_t first_, refused_ = 0, replaced_ = 0;
  std::map<AgentId, Place> places_;
};

}  // namespace holdfast::agents
