#include "supervision/runtime/hot_loop_linux.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <utility>

#include "messages/check.hpp"

namespace holdfast {

namespace {

constexpr int kEventsPerWait = 64;
constexpr uint64_t kEventTag = ~0ull;
constexpr uint64_t kTimerTag = ~0ull - 1;

int checked(int result, const char* what) {
  if (result < 0) throw CheckFailed(std::string(what) + ": " + std::strerror(errno));
  return result;
}

uint64_t tag(int fd, uint32_t generation) {
  return (uint64_t{generation} << 32) | static_cast<uint32_t>(fd);
}

void consume(int fd) {
  uint64_t count = 0;
  // Nothing to read is fine: another wake-up has read it.
  [[maybe_unused]] const auto n = ::read(fd, &count, sizeof count);
}

}  // namespace

// Two lanes: `local_` belongs to the loop's thread and needs no lock; `foreign_` takes pushes of
// others.
class HotLoop::Queue final : public RunQueue {
 public:
  explicit Queue(int event_fd) : event_(event_fd) {}
  ~Queue() override { ::close(event_); }

  void push(Runnable* runnable) override {
    if (inside()) {
      if (closed_) return runnable->drop();
      local_.push_back(runnable);
      return;
    }
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      if (!refuse_) {
        foreign_.push_back(runnable);
        runnable = nullptr;
        wake = std::exchange(asleep_, false);
      }
    }
    if (runnable != nullptr) return runnable->drop();
    if (wake) ring();
  }

  bool inside() const override { return inside_ == this; }

  // Makes the calling thread the loop's for a scope; nests.
  class Inside {
   public:
    explicit Inside(Queue* queue) : outer_(std::exchange(inside_, queue)) {}
    ~Inside() { inside_ = outer_; }

   private:
    const Queue* outer_;
  };

  void ring() const {
    const uint64_t one = 1;
    // Full means that it is readable already.
    [[maybe_unused]] const auto n = ::write(event_, &one, sizeof one);
  }

  // Moves the foreign lane behind the local one. With nothing left anywhere, marks the loop asleep,
  // so that the next push from outside rings.
  void collect(bool going_to_sleep) {
    const std::lock_guard lock(mutex_);
    local_.insert(local_.end(), foreign_.begin(), foreign_.end());
    foreign_.clear();
    asleep_ = going_to_sleep && empty();
  }

  bool empty() const { return head_ == local_.size(); }
  Runnable* pop() {
    Runnable* runnable = local_[head_++];
    if (head_ == local_.size()) {
      local_.clear();
      head_ = 0;
    } else if (head_ >= 4096 && head_ * 2 >= local_.size()) {
      local_.erase(local_.begin(), local_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    return runnable;
  }

  void refuse() {
    const std::lock_guard lock(mutex_);
    refuse_ = true;
  }
  void close() { closed_ = true; }

 private:
  static thread_local const Queue* inside_;

  const int event_;
  std::vector<Runnable*> local_;
  std::size_t head_ = 0;
  bool closed_ = false;
  std::mutex mutex_;
  std::vector<Runnable*> foreign_;
  bool asleep_ = true;
  bool refuse_ = false;
};

thread_local const HotLoop::Queue* HotLoop::Queue::inside_ = nullptr;

HotLoop::HotLoop(HotLoopSettings settings) : settings_(std::move(settings)) {
  CHECK(settings_.heartbeat.ns > 0);
  CHECK(settings_.turn_budget > 0);
  epoll_ = checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  event_ = checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  timer_ = checked(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
  queue_ = std::make_shared<Queue>(event_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kEventTag;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event), "epoll_ctl");
  event.data.u64 = kTimerTag;
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, timer_, &event), "epoll_ctl");
  turn_time_ = now();
  arm_timer();
}

HotLoop::~HotLoop() {
  close();
  ::close(timer_);
  ::close(epoll_);
}

MonoTime HotLoop::now() const {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return {t.tv_sec * 1'000'000'000 + t.tv_nsec};
}

template <typename F, typename... Args>
void HotLoop::guarded(F& function, Args... args) {
  std::string what;
  try {
    function(args...);
    return;
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
    what = "an exception that is no std::exception";
  }
  ++stats_.callback_errors;
  if (settings_.on_callback_error)
    settings_.on_callback_error(what);
  else
    std::fprintf(stderr, "hot loop: a callback threw: %s\n", what.c_str());
}

void HotLoop::run() {
  MonoTime busy = now();
  while (!stopping_.load(std::memory_order_acquire)) {
    const uint64_t before = stats_.runs + stats_.fd_events + stats_.timers_fired;
    const bool spinning = settings_.spin.ns > 0 && now() - busy < settings_.spin;
    one_turn(spinning ? 0 : -1);
    if (stats_.runs + stats_.fd_events + stats_.timers_fired != before) busy = now();
  }
}

void HotLoop::stop() {
  stopping_.store(true, std::memory_order_release);
  queue_->ring();
}

void HotLoop::turn() { one_turn(0); }

void HotLoop::enter(const Callback& function) {
  {
    const Queue::Inside inside(queue_.get());
    turn_time_ = now();
    guarded(function);
  }
  one_turn(0);
}

void HotLoop::one_turn(int timeout_ms) {
  CHECK(!closed_);
  CHECK(!queue_->inside());
  const Queue::Inside inside(queue_.get());
  dispatch_fds(timeout_ms);
  budget_ = settings_.turn_budget;
  fire_timers();
  queue_->collect(false);
  do {
    run_queued();
    run_deferred();
    if (queue_->empty()) queue_->collect(deferred_.empty());
    if (budget_ == 0 || (queue_->empty() && deferred_.empty())) run_last();
  } while (budget_ > 0 && !(queue_->empty() && deferred_.empty() && last_.empty()));
  if (!queue_->empty() || !deferred_.empty() || !last_.empty()) {
    ++stats_.budget_exhausted;
    queue_->ring();
  }
  arm_timer();
  ++stats_.turns;
  advance();
  const Duration took = now() - turn_time_;
  stats_.longest_turn = std::max(stats_.longest_turn, took);
  longest_turn_ = std::max(longest_turn_, took);
}

void HotLoop::dispatch_fds(int timeout_ms) {
  epoll_event events[kEventsPerWait];
  const int n = ::epoll_wait(epoll_, events, kEventsPerWait, timeout_ms);
  CHECK(n >= 0 || errno == EINTR);
  turn_time_ = now();
  for (int i = 0; i < n; ++i) {
    if (events[i].data.u64 == kEventTag) {
      consume(event_);
    } else if (events[i].data.u64 == kTimerTag) {
      consume(timer_);
      armed_ = {INT64_MAX};
    } else {
      const auto found = watched_.find(static_cast<int>(events[i].data.u64 & 0xffffffff));
      // Gone or another one since: an earlier callback of this turn removed it.
      if (found == watched_.end() || found->second->generation != events[i].data.u64 >> 32)
        continue;
      const auto watched = found->second;
      ++stats_.fd_events;
      guarded(watched->callback, events[i].events);
    }
  }
}

void HotLoop::fire_timers() {
  while (!due_.empty() && due_.top().when <= turn_time_) {
    const uint64_t id = due_.top().id;
    due_.pop();
    auto node = timers_.extract(id);
    if (node.empty()) continue;
    ++stats_.timers_fired;
    guarded(node.mapped());
  }
}

void HotLoop::run_queued() {
  while (budget_ > 0 && !queue_->empty()) {
    --budget_;
    if ((++stats_.runs & 0xff) == 0) advance();
    Runnable* runnable = queue_->pop();
    bool again = false;
    auto run = [&] { again = runnable->run(); };
    guarded(run);
    if (again) queue_->push(runnable);
  }
}

void HotLoop::run_deferred() {
  if (budget_ == 0 || !queue_->empty()) return;
  deferred_.swap(running_);  // two vectors in turns: their memory stays
  for (auto& callback : running_) {
    if (budget_ > 0) --budget_;
    guarded(callback);
  }
  running_.clear();
}

void HotLoop::run_last() {
  last_.swap(running_);
  for (auto& callback : running_) guarded(callback);
  running_.clear();
}

void HotLoop::arm_timer() {
  while (!due_.empty() && !timers_.contains(due_.top().id)) due_.pop();
  MonoTime next = turn_time_ + settings_.heartbeat;
  if (!due_.empty()) next = std::min(next, due_.top().when);
  // An alarm that comes too early does no harm; setting it costs a system call.
  if (armed_ <= next && armed_ > turn_time_) return;
  armed_ = next;
  itimerspec spec{};
  const int64_t ns = std::max<int64_t>(next.ns, 1);
  spec.it_value.tv_sec = ns / 1'000'000'000;
  spec.it_value.tv_nsec = ns % 1'000'000'000;
  checked(::timerfd_settime(timer_, TFD_TIMER_ABSTIME, &spec, nullptr), "timerfd_settime");
}

void HotLoop::compact_timers() {
  std::vector<Due> kept;
  kept.reserve(timers_.size());
  for (; !due_.empty(); due_.pop())
    if (timers_.contains(due_.top().id)) kept.push_back(due_.top());
  due_ = DueQueue(std::greater<>{}, std::move(kept));
}

void HotLoop::advance() {
  const uint64_t value = progress_.load(std::memory_order_relaxed) + 1;
  progress_.store(value, std::memory_order_relaxed);
  if (progress_sink_ != nullptr) progress_sink_->store(value, std::memory_order_relaxed);
}

void HotLoop::close() {
  if (closed_) return;
  CHECK(!queue_->inside());
  const Queue::Inside inside(queue_.get());
  auto drain = [this] {
    // Bounded: an actor that spawns others as it dies would go on for ever.
    for (int round = 0; round < 1'000; ++round) {
      queue_->collect(false);
      if (queue_->empty()) return;
      budget_ = settings_.turn_budget;
      run_queued();
    }
  };
  std::shared_ptr<LoopGuest> guest;
  {
    const std::lock_guard lock(guest_mutex_);
    closed_ = true;
    guest = std::exchange(guest_, nullptr);
  }
  deferred_.clear();
  last_.clear();
  if (guest) guest->close(drain);
  // Callbacks may hold actors, and those push as they go.
  timers_.clear();
  deferred_.clear();
  last_.clear();
  for (auto& [fd, watched] : std::exchange(watched_, {}))
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
  queue_->refuse();
  queue_->collect(false);
  queue_->close();
  while (!queue_->empty()) queue_->pop()->drop();
}

HotLoopStats HotLoop::stats() const {
  auto stats = stats_;
  stats.timers_waiting = timers_.size();
  stats.fds = watched_.size();
  return stats;
}

void HotLoop::add_fd(int fd, uint32_t events, FdCallback callback) {
  if (closed_) return;
  CHECK(!watched_.contains(fd));
  auto watched = std::make_shared<Watched>();
  // 31 bits: the tags of the loop's own descriptors have the top bit set.
  watched->generation = ++generation_ & 0x7fffffff;
  watched->callback = std::move(callback);
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag(fd, watched->generation);
  checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl add");
  watched_.emplace(fd, std::move(watched));
}

void HotLoop::modify_fd(int fd, uint32_t events) {
  if (closed_) return;
  const auto found = watched_.find(fd);
  CHECK(found != watched_.end());
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag(fd, found->second->generation);
  checked(::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event), "epoll_ctl mod");
}

void HotLoop::remove_fd(int fd) {
  if (watched_.erase(fd) > 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

TimerId HotLoop::at(MonoTime when, Callback callback) {
  if (closed_) return {};
  const TimerId id{++last_timer_};
  timers_.emplace(id.value, std::move(callback));
  due_.push({when, id.value});
  // Inside a turn the alarm is set once at the end; before the first turn it must be set here.
  if (!queue_->inside()) arm_timer();
  return id;
}

void HotLoop::cancel(TimerId timer) {
  timers_.erase(timer.value);
  if (due_.size() > 64 && due_.size() > timers_.size() * 2) compact_timers();
}

void HotLoop::defer(Callback callback) {
  if (closed_) return;
  deferred_.push_back(std::move(callback));
  if (!queue_->inside()) queue_->ring();
}

void HotLoop::defer_last(Callback callback) {
  if (closed_) return;
  last_.push_back(std::move(callback));
  if (!queue_->inside()) queue_->ring();
}

void HotLoop::post(Callback callback) { queue_->push(new PostedFunction(std::move(callback))); }

std::shared_ptr<RunQueue> HotLoop::run_queue() { return queue_; }

std::shared_ptr<LoopGuest> HotLoop::guest(const std::function<std::shared_ptr<LoopGuest>()>& make) {
  const std::lock_guard lock(guest_mutex_);
  CHECK(!closed_);
  if (!guest_) guest_ = make();
  return guest_;
}

}  // namespace holdfast
