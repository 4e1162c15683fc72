#include "supervision/tree/ref_registry_actor.hpp"

namespace holdfast {

ActorHandle RefRegistry::find(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = actors_.find(path);
  return found == actors_.end() ? ActorHandle{} : found->second;
}

void RefRegistry::set(const std::string& path, ActorHandle actor) {
  ActorHandle old;  // released outside the lock: its destructor may come back here
  const std::lock_guard lock(mutex_);
  old = std::exchange(actors_[path], std::move(actor));
}

void RefRegistry::erase(const std::string& path, const ActorAddress& actor) {
  ActorHandle old;
  const std::lock_guard lock(mutex_);
  const auto found = actors_.find(path);
  if (found == actors_.end() || found->second.address() != actor) return;
  old = std::move(found->second);
  actors_.erase(found);
}

}  // namespace holdfast
