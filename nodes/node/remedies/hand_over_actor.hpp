// Planned hand-overs of groups as one piece of work: asked for until others lead, or time is up.
// Whoever decides that groups are to move uses it: the orchestrator's decisions, and the steps of
// remedies. What it does to the cluster comes in as functions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "nodes/node/api/views.hpp"
#include "supervision/orchestrator/strategy.hpp"
#include "supervision/runtime/actor.hpp"

namespace holdfast::node {

/// What moving needs of this node, on the loop.
struct HandOverMeans {
  std::string self;  // this member's name
  std::function<operator_api::ReplicaGroupsView()> views;
  std::function<Result<>(GroupId, const std::string& to)> hand_over;
  std::function<std::string(MemberId)> member_name;
  std::function<std::string(GroupId)> group_name;
};

/// A group that another member is to lead.
struct Move {
  GroupId group;
  MemberId to;
  std::string refused;  // why it was not begun, last
  std::string leads;    // who does now, once it is another
  bool begun = false;   // a hand-over was under way
};

enum class MoveEnd : uint8_t {
  kDone = 1,  // others lead all of them
  kRefused,   // nothing has moved, and nothing is under way
  kOpen,      // some moved, or may do so yet
};

/// Everything that `member` leads, each to its first other member in sync.
std::vector<Move> moves_of_drain(const orchestrator::Topology& topology, MemberId member);

/// Hands over what this node leads of them until others do, at most for `within`, then answers once
/// with words for operators. The actors of a group that is to move may be on their way up again:
/// what is refused now is asked for again. What another member leads already has moved.
void move_groups(LoopActor& self, HandOverMeans means, std::vector<Move> moves, Duration within,
                 std::function<void(MoveEnd, std::string)> done);

}  // namespace holdfast::node
