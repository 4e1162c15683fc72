#include "nodes/node/stop_actor.hpp"

#include <algorithm>

#include "messages/venue_view.hpp"
#include "nodes/node/process_linux.hpp"
#include "nodes/node/setup_linux.hpp"
#include "supervision/runtime/room_messages.hpp"

namespace holdfast::node {

ActorHandle stop_gateways(const settings::Settings& settings, const RefRegistry& registry,
                          caf::actor_system& system, EventLoop& loop, std::function<void()> done) {
  return spawn_function_on(system, loop, [&settings, &registry, done](LoopActor* self) -> Behavior {
    auto left = std::make_shared<std::size_t>(std::max<std::size_t>(1, settings.venues.size()));
    const auto one_done = [self, left, done] {
      if (--*left > 0) return;
      self->quit();
      done();
    };
    const Duration within = Duration{settings.node.shutdown.within.ns / 2};
    for (const auto& venue : settings.venues) {
      const auto gateway = registry.find(gateway_path(venue.entry.name));
      if (!gateway) {
        one_done();
        continue;
      }
      const auto name = venue.entry.name.str();
      request_within(self, gateway, {"venue stop", within}, VenueStop{Duration{within.ns * 3 / 4}})
          .then(
              [name, one_done](const VenueStopped& stopped) {
                say("venue " + name +
                    (stopped.logged_out ? " logged out" : " did not answer the Logout"));
                one_done();
              },
              [name, one_done](const ActorError& error) {
                say("venue " + name + " did not stop: " + describe(error));
                one_done();
              });
    }
    if (settings.venues.empty()) one_done();
    return {[](Unit) {}};
  });
}

}  // namespace holdfast::node
