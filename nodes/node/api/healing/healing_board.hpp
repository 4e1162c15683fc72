// How the self-healing loop stands, as the operator API is told it: a view of the orchestrator's
// state as this node has it, with the names that people know members and groups by. It holds what
// is there; what to make of it in words is healing_words.hpp's.
#pragma once

#include <map>
#include <string>

#include "supervision/orchestrator/healing_messages.hpp"

namespace holdfast::operator_api {

/// The names of members and groups, as configuration gives them.
struct PlaceNames {
  std::map<uint32_t, std::string> members, groups;

  /// "" for none; "member 9" for one that has no name here.
  std::string of(MemberId member) const {
    return !member ? "" : name_in(members, member.value, "member ");
  }
  std::string of(GroupId group) const {
    return !group ? "" : name_in(groups, group.value, "group ");
  }

 private:
  static std::string name_in(const std::map<uint32_t, std::string>& names, uint32_t number,
                             const char* unknown) {
    const auto found = names.find(number);
    return found == names.end() ? unknown + std::to_string(number) : found->second;
  }
};

struct HealingBoard {
  orchestrator::HealingViewAnswer view;  // never null
  std::string member, leader;            // "": a node by itself; nobody leads, as far as is known
  WallTime now;                          // on the node that answered
  PlaceNames names;
};

}  // namespace holdfast::operator_api
