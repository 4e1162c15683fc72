#include "supervision/orchestrator/healing/example.hpp"

namespace holdfast::orchestrator::healing {

Place example_of(advice::ActorClass actor, const World& world) {
  const auto first_group = [&](uint32_t from, uint32_t to) {
    Place place;
    for (const GroupPlace& group : world.topology.groups)
      if (group.group.value >= from && group.group.value < to && group.leader && !place.group) {
        place.group = group.group;
        place.member = group.leader;
      }
    return place;
  };
  switch (actor) {
    case advice::ActorClass::kOrderShard:
      return first_group(1, 1001);
    case advice::ActorClass::kVenueGateway:
      return first_group(1001, 2001);
    case advice::ActorClass::kOrchestrator:
      return first_group(2001, UINT32_MAX);
    case advice::ActorClass::kVenue:
    case advice::ActorClass::kEndpoint: {
      Place place = first_group(1, UINT32_MAX);
      place.group = {};
      // A venue's remedy names one that there is.
      if (actor == advice::ActorClass::kVenue && !world.venues.empty())
        place.instance = world.venues.begin()->second;
      else
        place.instance = "example";
      return place;
    }
    default: {
      Place place = first_group(1, UINT32_MAX);
      place.group = {};
      if (!place.member && !world.members.empty()) place.member = world.members.front().id;
      return place;
    }
  }
}

}  // namespace holdfast::orchestrator::healing
