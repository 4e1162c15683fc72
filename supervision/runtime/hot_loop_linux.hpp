// HotLoop: EventLoop on epoll. An order's stages, its journal writes and its venue socket share
// this one thread, so nothing on the way of an order wakes another thread. It runs in one of two
// ways: `run()` on a thread of its own, or as a guest of another event loop, which watches `fd()`
// and calls `turn()`. It never blocks in a turn, and it opens no sockets of its own.
#pragma once

#include <atomic>
#include <mutex>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "supervision/runtime/event_loop.hpp"

namespace holdfast {

/// How a HotLoop runs.
struct HotLoopSettings {
  /// How long `run` polls before it blocks. Zero unless a core is set aside for the loop.
  Duration spin = {};
  /// The loop wakes at least this often, so that its progress shows that it lives.
  Duration heartbeat = Duration::milliseconds(200);
  /// Pieces of work in one turn before descriptors are looked at again.
  std::size_t turn_budget = 10'000;
  /// Hears of an exception that left a descriptor, timer, deferred or posted callback which belongs
  /// to no actor. The loop goes on. Default: one line on stderr.
  std::function<void(std::string_view what)> on_callback_error = {};
};

/// Counts since the start. Read on the loop's thread.
struct HotLoopStats {
  uint64_t turns = 0;
  uint64_t runs = 0;  // actor resumes and posted functions
  uint64_t fd_events = 0;
  uint64_t timers_fired = 0;
  uint64_t callback_errors = 0;
  uint64_t budget_exhausted = 0;  // turns that ended with work left
  Duration longest_turn = {};
  std::size_t timers_waiting = 0;
  std::size_t fds = 0;
};

/// The loop. Construct and destroy it anywhere; between, one thread calls `run` or `turn`.
class HotLoop final : public EventLoop {
 public:
  explicit HotLoop(HotLoopSettings settings = {});
  /// Closes the loop if that was not done. The actor system must still be there.
  ~HotLoop() override;
  HotLoop(const HotLoop&) = delete;
  HotLoop& operator=(const HotLoop&) = delete;

  /// Runs turns until `stop`.
  void run();
  /// Any thread: `run` returns after its present turn. Stays in force for a later `run`.
  void stop();

  /// Readable when anything is due: for a host loop that calls `turn`. Stays owned by this loop.
  int fd() const { return epoll_; }
  /// Handles all that is ready, without blocking, until the queue is empty or the budget is used
  /// up.
  void turn();
  /// Runs `function` inside the loop, as if called by a descriptor: what it sends is queued without
  /// a wake-up, and a turn follows. For the host's own callbacks.
  void enter(const Callback& function);

  /// Ends all actors of the loop (monitors hear kKilled), releases all callbacks, drops what is
  /// still queued. No turn may be under way. Afterwards pushes and posts are dropped. Idempotent.
  void close();

  /// Grows while the loop lives, at least once a heartbeat. Any thread.
  uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }
  /// Also writes the progress to `sink` (shared memory that a guard reads), which must outlive the
  /// loop.
  void progress_sink(std::atomic<uint64_t>* sink) { progress_sink_ = sink; }
  HotLoopStats stats() const;
  /// The longest turn since this was last asked. On the loop's thread.
  Duration take_longest_turn() { return std::exchange(longest_turn_, {}); }

  // -- EventLoop
  MonoTime now() const override;
  MonoTime turn_time() const override { return turn_time_; }
  void add_fd(int fd, uint32_t events, FdCallback callback) override;
  void modify_fd(int fd, uint32_t events) override;
  void remove_fd(int fd) override;
  TimerId at(MonoTime when, Callback callback) override;
  void cancel(TimerId timer) override;
  void defer(Callback callback) override;
  void defer_last(Callback callback) override;
  void post(Callback callback) override;
  std::shared_ptr<RunQueue> run_queue() override;
  std::shared_ptr<LoopGuest> guest(
      const std::function<std::shared_ptr<LoopGuest>()>& make) override;

 private:
  class Queue;
  struct Watched {
    uint32_t generation = 0;
    FdCallback callback;
  };
  struct Due {
    MonoTime when;
    uint64_t id;
    // Ties go to the older timer, so that order is deterministic.
    friend bool operator>(const Due& a, const Due& b) {
      return a.when != b.when ? a.when > b.when : a.id > b.id;
    }
  };

  void one_turn(int timeout_ms);
  void dispatch_fds(int timeout_ms);
  void fire_timers();
  void run_queued();
  void run_deferred();
  void run_last();
  void arm_timer();
  void compact_timers();
  void advance();
  template <typename F, typename... Args>
  void guarded(F& function, Args... args);

  HotLoopSettings settings_;
  int epoll_ = -1;
  int event_ = -1;
  int timer_ = -1;
  std::shared_ptr<Queue> queue_;
  std::shared_ptr<LoopGuest> guest_;
  std::mutex guest_mutex_;

  std::unordered_map<int, std::shared_ptr<Watched>> watched_;
  uint32_t generation_ = 0;
  using DueQueue = std::priority_queue<Due, std::vector<Due>, std::greater<>>;
  DueQueue due_;
  std::unordered_map<uint64_t, Callback> timers_;
  uint64_t last_timer_ = 0;
  MonoTime armed_ = {INT64_MAX};
  std::vector<Callback> deferred_, last_, running_;

  MonoTime turn_time_;
  std::size_t budget_ = 0;
  bool closed_ = false;
  HotLoopStats stats_;
  Duration longest_turn_;  // since it was taken
  // stop() on any thread pairs with run()'s check after each turn.
  std::atomic<bool> stopping_{false};
  // Written by the loop, read by whoever watches it; only its change matters.
  std::atomic<uint64_t> progress_{0};
  std::atomic<uint64_t>* progress_sink_ = nullptr;
};

}  // namespace holdfast
