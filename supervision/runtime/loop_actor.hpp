// LoopActor: the base of actors that live on one EventLoop's thread. Whoever sends, on whatever
// thread, the actor runs on its own loop: its messages, timers and descriptors never meet another
// thread, and a hop between two actors of one loop is a push to a vector. Include it through
// actor.hpp.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast {

class LoopActor;

/// The actor library's execution unit on one EventLoop. Lives as long as any actor of that loop.
class LoopUnit final : public caf::execution_unit,
                       public LoopGuest,
                       public std::enable_shared_from_this<LoopUnit> {
 public:
  LoopUnit(caf::actor_system& system, EventLoop& loop);

  /// The unit of `loop`, made at the first call. CHECKs that one loop serves one system.
  static std::shared_ptr<LoopUnit> of(caf::actor_system& system, EventLoop& loop);
  /// The unit behind a spawn's configuration; CHECKs that it came from `spawn_on` or from a
  /// LoopActor.
  static std::shared_ptr<LoopUnit> of(const ActorConfig& config);

  /// Runs LoopActors on the loop; hands any other actor to the pool.
  void exec_later(caf::resumable* task) override;
  void close(const std::function<void()>& drain) override;
  void add(LoopActor* actor);
  void remove(LoopActor* actor);
  /// The loop; null once it is closed. Only on the loop's thread.
  EventLoop* loop() const { return loop_; }
  RunQueue& queue() const { return *queue_; }

 private:
  std::vector<caf::strong_actor_ptr> living();

  EventLoop* loop_;
  std::shared_ptr<RunQueue> queue_;
  std::mutex mutex_;
  std::unordered_map<LoopActor*, caf::weak_actor_ptr> actors_;
};

/// An event-based actor pinned to a loop. Spawn it by `spawn_on`, or by `spawn` of another
/// LoopActor. An exception in any handler, timer, descriptor or deferred callback ends this actor
/// with kError and the exception's words, and nothing else.
class LoopActor : public caf::event_based_actor, private Runnable {
 public:
  using Callback = EventLoop::Callback;

  explicit LoopActor(ActorConfig& config);
  ~LoopActor() override;

  // From here to `stats`: only on the loop's thread, so from `make_behavior` on and not in a
  // constructor.

  /// The loop's clock, read now; and as it was at the start of the turn.
  MonoTime now() const { return loop().now(); }
  MonoTime turn_time() const { return loop().turn_time(); }

  /// Runs `callback` at `when`, unless cancelled or the actor has ended.
  TimerId at(MonoTime when, Callback callback);
  TimerId after(Duration delay, Callback callback) {
    return at(now() + delay, std::move(callback));
  }
  void cancel(TimerId timer);

  /// Runs `callback` at the end of this turn, after all mailboxes of the loop are empty.
  void defer(Callback callback);

  /// Watches a descriptor (see EventLoop::add_fd) until `unwatch` or the actor's end; never closes
  /// it.
  void watch(int fd, uint32_t events, EventLoop::FdCallback callback);
  void rewatch(int fd, uint32_t events);
  void unwatch(int fd);

  /// The loop. CHECKs that it is not closed.
  EventLoop& loop() const;

  /// What waits and what was handled.
  ActorStats stats();
  /// What the tree shows beside this actor; a few words on how it stands.
  virtual std::string detail() const { return {}; }
  /// How many rows this actor can show under itself (it then answers LeafQuery).
  virtual uint64_t leaves() const { return 0; }

  /// Any thread: runs `callback` on the loop as this actor, unless it has ended by then.
  void post(Callback callback);

  // -- the actor library's side
  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* from) override;
  using caf::event_based_actor::enqueue;
  caf::invoke_message_result consume(caf::mailbox_element& element) override;
  using caf::event_based_actor::consume;
  void launch(caf::execution_unit* from, bool lazy, bool hide) override;
  caf::resumable::subtype_t subtype() const override { return caf::resumable::io_actor; }
  bool cleanup(ActorError&& reason, caf::execution_unit* host) override;

 private:
  friend class LoopUnit;
  bool run() override;
  void drop() override;
  /// Runs `callback` as if it were a handler: its exception ends the actor.
  void guarded(const Callback& callback);
  bool ended() const { return getf(is_cleaned_up_flag); }

  std::shared_ptr<LoopUnit> unit_;
  // Senders on any thread add, stats() reads; no ordering is needed.
  std::atomic<uint64_t> received_{0};
  std::vector<int> fds_;
  std::unordered_set<uint64_t> timers_;
};

/// Spawns actor class A on `loop`. Any thread. Throws what A's constructor throws. `loop` must be
/// closed or destroyed before `system` is.
template <typename A, caf::spawn_options Options = caf::no_spawn_options, typename... Args>
auto spawn_on(caf::actor_system& system, EventLoop& loop, Args&&... args) {
  static_assert(std::is_base_of_v<LoopActor, A>);
  auto unit = LoopUnit::of(system, loop);
  ActorConfig config{unit.get()};
  return system.spawn_class<A, Options>(config, std::forward<Args>(args)...);
}

/// Spawns a LoopActor whose behavior `function(LoopActor*)` makes. Any thread.
template <typename F>
ActorHandle spawn_function_on(caf::actor_system& system, EventLoop& loop, F function) {
  auto unit = LoopUnit::of(system, loop);
  ActorConfig config{unit.get()};
  config.init_fun = ActorConfig::init_fun_type(
      [f = std::move(function)](caf::local_actor* self) mutable -> Behavior {
        return f(static_cast<LoopActor*>(self));
      });
  return system.spawn_class<LoopActor, caf::no_spawn_options>(config);
}

}  // namespace holdfast
