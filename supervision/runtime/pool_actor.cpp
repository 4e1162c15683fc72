#include "supervision/runtime/pool_actor.hpp"

#include "supervision/runtime/tsan_edges.hpp"

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

PoolActor::~PoolActor() { tsan_acquire(this); }

caf::resumable::resume_result PoolActor::resume(caf::execution_unit* unit, std::size_t throughput) {
  tsan_acquire(this);
  const auto result = caf::event_based_actor::resume(unit, throughput);
  tsan_release(this);
  return result;
}

caf::invoke_message_result PoolActor::consume(caf::mailbox_element& element) {
  tsan_acquire(this);
  return caf::event_based_actor::consume(element);
}

ActorStats PoolActor::stats() {
  const uint64_t waiting = mailbox().size();
  return {waiting, received_.load(std::memory_order_relaxed) - waiting, leaves(), detail()};
}

void PoolActor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit* from) {
  received_.fetch_add(1, std::memory_order_relaxed);
  tsan_release(this);
  caf::event_based_actor::enqueue(std::move(element), from);
}

}  // namespace holdfast
