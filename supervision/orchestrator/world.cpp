#include "supervision/orchestrator/world.hpp"

#include <algorithm>

#include "supervision/replication/core.hpp"

namespace holdfast::orchestrator {

const GroupPlace* World::find(GroupId group) const {
  for (const GroupPlace& place : topology.groups)
    if (place.group == group) return &place;
  return nullptr;
}

const MemberView* World::find(MemberId member) const {
  for (const MemberView& view : members)
    if (view.id == member) return &view;
  return nullptr;
}

const MemberView* World::find(std::string_view name) const {
  for (const MemberView& view : members)
    if (!name.empty() && view.name.view() == name) return &view;
  return nullptr;
}

uint64_t topology_digest(const World& world) {
  replication::Digest digest;
  std::vector<MemberId> members;
  for (const MemberView& view : world.members) members.push_back(view.id);
  std::sort(members.begin(), members.end());
  for (const MemberId member : members) digest.add(member.value);
  std::vector<const GroupPlace*> groups;
  for (const GroupPlace& place : world.topology.groups) groups.push_back(&place);
  std::sort(groups.begin(), groups.end(),
            [](const auto* a, const auto* b) { return a->group < b->group; });
  for (const GroupPlace* place : groups) {
    digest.add(uint64_t{place->group.value} << 32);
    auto in_sync = place->in_sync;
    std::sort(in_sync.begin(), in_sync.end());
    for (const MemberId member : in_sync) digest.add(member.value);
  }
  return digest.value() == 0 ? 1 : digest.value();
}

}  // namespace holdfast::orchestrator
