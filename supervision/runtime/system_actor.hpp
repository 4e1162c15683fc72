// ActorSystem: one actor system a process, built from settings. It opens no port: what crosses
// machines (supervision, telemetry, inspection) comes as a module of its own.
#pragma once

#include <cstddef>
#include <functional>

#include "supervision/runtime/actor.hpp"

namespace holdfast {

/// How to build the actor system.
struct ActorSystemSettings {
  /// Shared workers for pool actors, 1 or more. On few cores one or two behave best.
  std::size_t workers = 2;
  /// True: nothing runs by itself, and time is virtual; see TestScheduler.
  bool deterministic = false;
  /// Registers the id blocks of messages that leave the process: add_message_types<Block>().
  std::function<void(caf::actor_system_config&)> register_types = {};
};

/// Owns the system. Its destructor waits for all actors: end them, and close their loops, before.
class ActorSystem {
 public:
  explicit ActorSystem(const ActorSystemSettings& settings = {});
  caf::actor_system& get() { return system_; }
  operator caf::actor_system&() { return system_; }

  /// Spawns class A on the shared workers.
  template <typename A, caf::spawn_options Options = caf::no_spawn_options, typename... Args>
  auto spawn(Args&&... args) {
    return system_.spawn<A, Options>(std::forward<Args>(args)...);
  }

 private:
  caf::actor_system_config config_;
  caf::actor_system system_;
};

}  // namespace holdfast
