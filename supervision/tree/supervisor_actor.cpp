#include "supervision/tree/supervisor_actor.hpp"

#include "supervision/tree/supervisor_shell_actor.hpp"

namespace holdfast {

namespace {

template <typename Base>
class Supervisor final : public Base {
 public:
  Supervisor(ActorConfig& config, SupervisorSetup setup)
      : Base(config),
        shell_(
            this, [this] { return this->stats(); }, std::move(setup)) {}

  const char* name() const override { return "supervisor"; }
  Behavior make_behavior() override { return shell_.behavior(); }
  void on_exit() override { shell_.ended(); }

 private:
  SupervisorShell shell_;
};

}  // namespace

ActorHandle spawn_supervisor(caf::actor_system& system, SupervisorSetup setup, EventLoop* loop) {
  if (loop != nullptr) return spawn_on<Supervisor<LoopActor>>(system, *loop, std::move(setup));
  return system.spawn<Supervisor<PoolActor>>(std::move(setup));
}

ChildDefinition supervisor_child(std::string id, SupervisorSetup setup, EventLoop* loop,
                                 RestartKind restart) {
  ChildDefinition child;
  child.spec = {.id = std::move(id),
                .restart = restart,
                .shutdown_timeout = kWaitForever,
                .type = ChildType::kSupervisor};
  child.make = [setup = std::move(setup), loop](const ChildContext& context) {
    SupervisorSetup own = setup;
    own.path = context.path;
    if (!own.registry) own.registry = context.registry;
    if (!own.on_event) own.on_event = context.on_event;
    if (!own.random) own.random = context.random;
    return spawn_supervisor(context.system, std::move(own), loop);
  };
  return child;
}

}  // namespace holdfast
