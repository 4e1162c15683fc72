// EventLoop: what shells and transports need of the thread that they live on: readiness of
// descriptors, timers, work posted from other threads, and a hook at the end of a turn (group
// commit: batches form by turn). The interface knows neither epoll nor the actor library, so a
// transport can be tested on a fake. Everything but `post` and the run queue belongs to the loop's
// own thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "messages/time.hpp"

namespace holdfast {

/// Something that a loop runs, once for each time that it was pushed.
class Runnable {
 public:
  virtual ~Runnable() = default;
  /// Does a bounded piece of work. True: push me again, I have more. After false the object may be
  /// gone.
  virtual bool run() = 0;
  /// Called instead of `run` when the loop is closed: release what the push held.
  virtual void drop() = 0;
};

/// The loop's queue of Runnables, in order of arrival. Outlives the loop for those who hold it;
/// then every push is answered by `drop`.
class RunQueue {
 public:
  virtual ~RunQueue() = default;
  /// Any thread. Cheap and lock-free on the loop's own thread inside a turn, else a mutex and, if
  /// the loop sleeps, one wake-up.
  virtual void push(Runnable* runnable) = 0;
  /// True on the loop's thread inside a turn (or while the loop closes): only there may its
  /// callbacks, timers and descriptors be touched.
  virtual bool inside() const = 0;
};

/// A function as a Runnable that owns itself: `queue.push(new PostedFunction(f))`.
class PostedFunction final : public Runnable {
 public:
  explicit PostedFunction(std::function<void()> function) : function_(std::move(function)) {}
  bool run() override {
    const std::unique_ptr<PostedFunction> self(this);
    function_();
    return false;
  }
  void drop() override { delete this; }

 private:
  std::function<void()> function_;
};

/// The one subsystem that runs its tasks on a loop (the actor library's execution unit).
class LoopGuest {
 public:
  virtual ~LoopGuest() = default;
  /// The loop is closing: end all tasks. `drain` runs the queue until it is empty. Called once, on
  /// the thread that closes the loop.
  virtual void close(const std::function<void()>& drain) = 0;
};

/// Names a timer; zero is none.
struct TimerId {
  uint64_t value = 0;
  explicit operator bool() const { return value != 0; }
  friend bool operator==(TimerId, TimerId) = default;
};

/// A thread's event loop. One owner thread; see each function for what other threads may call.
class EventLoop {
 public:
  using Callback = std::function<void()>;
  /// Gets the ready events as a mask of EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP and so on.
  using FdCallback = std::function<void(uint32_t events)>;

  virtual ~EventLoop() = default;

  /// The monotonic clock, read now.
  virtual MonoTime now() const = 0;
  /// The monotonic clock as it was when this turn began; costs nothing.
  virtual MonoTime turn_time() const = 0;

  /// Watches `fd` for `events` (EPOLL* mask, level-triggered unless EPOLLET is in it). CHECKs that
  /// it is not watched yet and that the system takes it. The loop never closes it.
  virtual void add_fd(int fd, uint32_t events, FdCallback callback) = 0;
  /// Changes the mask. CHECKs that `fd` is watched.
  virtual void modify_fd(int fd, uint32_t events) = 0;
  /// Stops watching; must come before close(fd). No callback for it runs afterwards, not even for
  /// an event already fetched. Unknown descriptors are ignored.
  virtual void remove_fd(int fd) = 0;

  /// Runs `callback` once at `when` or as soon after as the loop gets there.
  virtual TimerId at(MonoTime when, Callback callback) = 0;
  /// Forgets a timer; one that has fired, or none, is ignored.
  virtual void cancel(TimerId timer) = 0;

  /// Runs `callback` at the end of this turn, when all actors of the loop have emptied their
  /// mailboxes.
  virtual void defer(Callback callback) = 0;
  /// As `defer`, but after everything else of the turn, what was deferred included: for output that
  /// must not delay what the turn still has to do.
  virtual void defer_last(Callback callback) { defer(std::move(callback)); }
  /// Any thread: runs `callback` on the loop's thread, in a later turn or later in this one.
  virtual void post(Callback callback) = 0;

  /// The loop's queue; hold it to push from any thread, also after the loop is gone.
  virtual std::shared_ptr<RunQueue> run_queue() = 0;
  /// Any thread: the guest, made by `make` at the first call.
  virtual std::shared_ptr<LoopGuest> guest(
      const std::function<std::shared_ptr<LoopGuest>()>& make) = 0;
};

}  // namespace holdfast
