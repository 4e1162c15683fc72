// RefRegistry: the present actor at a path of the tree. A restarted actor is another actor at the
// same path, so whoever talks to a sibling looks it up here, and again when it goes down. It is the
// one piece of state that supervisors share, hence the mutex; nothing is looked up for each order.
#pragma once

#include <mutex>
#include <string>
#include <unordered_map>

#include "supervision/runtime/actor.hpp"

namespace holdfast {

/// Paths to actors. Any thread.
class RefRegistry {
 public:
  /// The actor at `path` now, or null if there is none, or it is down.
  ActorHandle find(const std::string& path) const;
  /// Puts `actor` at `path`; supervisors do this when a child has started.
  void set(const std::string& path, ActorHandle actor);
  /// Takes `actor` away from `path`, unless a later one is there by now.
  void erase(const std::string& path, const ActorAddress& actor);

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, ActorHandle> actors_;
};

}  // namespace holdfast
