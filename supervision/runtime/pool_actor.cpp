#include "supervision/runtime/pool_actor.hpp"

namespace holdfast {

void install_handlers(caf::scheduled_actor* self) {
  self->set_exception_handler([](std::exception_ptr& exception) { return error_of(exception); });
  self->set_default_handler(
      [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> {
        return caf::sec::unexpected_message;
      });
}

PoolActor::PoolActor(ActorConfig& config) : caf::event_based_actor(config) {
  install_handlers(this);
  set_default_handler(
      [this](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
        if (view.content().match_elements<ActorStatsQuery>()) return make_message(stats());
        return caf::sec::unexpected_message;
      });
}

ActorStats PoolActor::stats() {
  const uint64_t waiting = mailbox().size();
  return {waiting, received_.load(std::memory_order_relaxed) - waiting};
}

void PoolActor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit* from) {
  received_.fetch_add(1, std::memory_order_relaxed);
  caf::event_based_actor::enqueue(std::move(element), from);
}

}  // namespace holdfast
