#include "supervision/runtime/loop_actor.hpp"

#include "supervision/runtime/tsan_edges.hpp"

namespace holdfast {

namespace {
// Messages one actor handles before the next of its loop has a turn.
constexpr std::size_t kMessagesPerResume = 256;
}  // namespace

LoopUnit::LoopUnit(caf::actor_system& system, EventLoop& loop)
    : caf::execution_unit(&system), loop_(&loop), queue_(loop.run_queue()) {}

std::shared_ptr<LoopUnit> LoopUnit::of(caf::actor_system& system, EventLoop& loop) {
  auto unit = std::dynamic_pointer_cast<LoopUnit>(
      loop.guest([&] { return std::make_shared<LoopUnit>(system, loop); }));
  CHECK(unit != nullptr);
  CHECK(&unit->system() == &system);
  return unit;
}

std::shared_ptr<LoopUnit> LoopUnit::of(const ActorConfig& config) {
  auto* unit = dynamic_cast<LoopUnit*>(config.host);
  CHECK(unit != nullptr);
  return unit->shared_from_this();
}

void LoopUnit::exec_later(caf::resumable* task) {
  // An ordinary actor woken from this loop must not run on it: it may block or be long.
  if (task->subtype() == caf::resumable::io_actor)
    queue_->push(static_cast<LoopActor*>(task));
  else
    system().scheduler().enqueue(task);
}

void LoopUnit::add(LoopActor* actor) {
  const std::lock_guard lock(mutex_);
  actors_.emplace(actor, actor->ctrl());
}

void LoopUnit::remove(LoopActor* actor) {
  const std::lock_guard lock(mutex_);
  actors_.erase(actor);
}

std::vector<caf::strong_actor_ptr> LoopUnit::living() {
  std::vector<caf::strong_actor_ptr> living;
  const std::lock_guard lock(mutex_);
  for (auto& [actor, weak] : actors_)
    if (auto strong = weak.lock()) living.push_back(std::move(strong));
  return living;
}

void LoopUnit::close(const std::function<void()>& drain) {
  for (auto& actor : living())
    caf::anon_send<caf::message_priority::high>(
        caf::actor_cast<ActorHandle>(actor),
        ExitMessage{caf::actor_addr{}, caf::exit_reason::kill});
  drain();
  // Whoever is left was created by a dying actor; it has no one to serve.
  for (auto& actor : living())
    static_cast<LoopActor*>(actor->get())->cleanup(caf::exit_reason::kill, this);
  drain();
  loop_ = nullptr;
}

LoopActor::LoopActor(ActorConfig& config)
    : caf::event_based_actor(config), unit_(LoopUnit::of(config)) {
  install_handlers(this);
  set_default_handler(
      [this](caf::scheduled_actor*, caf::message_view& view) -> caf::result<caf::message> {
        if (view.content().match_elements<ActorStatsQuery>()) return make_message(stats());
        return caf::sec::unexpected_message;
      });
}

LoopActor::~LoopActor() { tsan_acquire(this); }

EventLoop& LoopActor::loop() const {
  CHECK(unit_->loop() != nullptr);
  return *unit_->loop();
}

void LoopActor::enqueue(caf::mailbox_element_ptr element, caf::execution_unit*) {
  received_.fetch_add(1, std::memory_order_relaxed);
  tsan_release(this);
  caf::event_based_actor::enqueue(std::move(element), unit_.get());
}

void LoopActor::launch(caf::execution_unit*, bool lazy, bool hide) {
  unit_->add(this);
  caf::event_based_actor::launch(unit_.get(), lazy, hide);
}

bool LoopActor::run() {
  tsan_acquire(this);
  const auto result = resume(unit_.get(), kMessagesPerResume);
  tsan_release(this);
  switch (result) {
    case caf::resumable::resume_later:
      return true;
    default:
      // The push held a reference; this may be the last one.
      intrusive_ptr_release(ctrl());
      return false;
  }
}

void LoopActor::drop() { intrusive_ptr_release(ctrl()); }

bool LoopActor::cleanup(ActorError&& reason, caf::execution_unit* host) {
  unit_->remove(this);
  if (!fds_.empty() || !timers_.empty()) {
    auto forget = [unit = unit_, fds = std::exchange(fds_, {}),
                   timers = std::exchange(timers_, {})] {
      auto* loop = unit->loop();
      if (loop == nullptr) return;
      for (const int fd : fds) loop->remove_fd(fd);
      for (const uint64_t timer : timers) loop->cancel(TimerId{timer});
    };
    // The last handle of an actor may be let go on another thread.
    if (unit_->queue().inside())
      forget();
    else
      unit_->queue().push(new PostedFunction(std::move(forget)));
  }
  return caf::event_based_actor::cleanup(std::move(reason), host);
}

void LoopActor::guarded(const Callback& callback) {
  if (ended()) return;
  try {
    callback();
  } catch (...) {
    quit(error_of(std::current_exception()));
  }
  // Outside a resume nobody else looks whether the callback made the actor quit.
  if (!alive()) finalize();
}

TimerId LoopActor::at(MonoTime when, Callback callback) {
  CHECK(unit_->queue().inside());
  auto id = std::make_shared<TimerId>();
  *id = loop().at(when, [this, weak = caf::weak_actor_ptr(ctrl()), id, f = std::move(callback)] {
    const auto strong = weak.lock();
    if (!strong) return;
    timers_.erase(id->value);
    guarded(f);
  });
  timers_.insert(id->value);
  return *id;
}

void LoopActor::cancel(TimerId timer) {
  CHECK(unit_->queue().inside());
  if (timers_.erase(timer.value) > 0) loop().cancel(timer);
}

void LoopActor::defer(Callback callback) {
  CHECK(unit_->queue().inside());
  loop().defer([this, weak = caf::weak_actor_ptr(ctrl()), f = std::move(callback)] {
    const auto strong = weak.lock();
    if (strong) guarded(f);
  });
}

void LoopActor::watch(int fd, uint32_t events, EventLoop::FdCallback callback) {
  CHECK(unit_->queue().inside());
  loop().add_fd(
      fd, events,
      [this, weak = caf::weak_actor_ptr(ctrl()), f = std::move(callback)](uint32_t ready) {
        const auto strong = weak.lock();
        if (strong) guarded([&] { f(ready); });
      });
  fds_.push_back(fd);
}

void LoopActor::rewatch(int fd, uint32_t events) {
  CHECK(unit_->queue().inside());
  loop().modify_fd(fd, events);
}

void LoopActor::unwatch(int fd) {
  CHECK(unit_->queue().inside());
  loop().remove_fd(fd);
  std::erase(fds_, fd);
}

void LoopActor::post(Callback callback) {
  unit_->queue().push(
      new PostedFunction([this, weak = caf::weak_actor_ptr(ctrl()), f = std::move(callback)] {
        const auto strong = weak.lock();
        if (strong) guarded(f);
      }));
}

caf::invoke_message_result LoopActor::consume(caf::mailbox_element& element) {
  tsan_acquire(this);
  return caf::event_based_actor::consume(element);
}

ActorStats LoopActor::stats() {
  const uint64_t waiting = mailbox().size();
  return {waiting, received_.load(std::memory_order_relaxed) - waiting, leaves(), detail()};
}

}  // namespace holdfast
