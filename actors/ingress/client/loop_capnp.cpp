#include "actors/ingress/client/loop_capnp.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace holdfast::client {

namespace {
constexpr uint64_t kEventTag = ~0ull;
constexpr int kEventsPerWait = 64;
constexpr unsigned kStepsPerRun = 4'096;
}  // namespace

Loop::Loop() : impl_(std::make_unique<Impl>()) {}
Loop::~Loop() = default;
void Loop::poll(Duration wait) { impl_->poll(wait); }
void Loop::run() { impl_->run(); }
void Loop::stop() { impl_->stop(); }
void Loop::post(std::function<void()> work) { impl_->post(std::move(work)); }
MonoTime Loop::now() const { return impl_->now(); }

Loop::Impl::Impl() : promises_(static_cast<kj::EventPort&>(*this)), scope_(promises_) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  event_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  CHECK(epoll_ >= 0);
  CHECK(event_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kEventTag;
  CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, event_, &event) == 0);
}

Loop::Impl::~Impl() noexcept {
  scope_.cancelAllDetached();
  promises_.run();
  ::close(event_);
  ::close(epoll_);
}

MonoTime Loop::Impl::now() const {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return {t.tv_sec * 1'000'000'000 + t.tv_nsec};
}

bool Loop::Impl::wait() { check_failed("nobody waits inside the loop", __FILE__, __LINE__); }

// ---- turns

void Loop::Impl::poll(Duration wait) {
  work(true);
  int timeout_ms = 0;
  if (wait.ns > 0 && !promises_.isRunnable()) {
    int64_t ns = wait.ns;
    if (!timers_.empty()) ns = std::clamp<int64_t>((timers_.begin()->first - now()).ns, 0, ns);
    timeout_ms = static_cast<int>(std::min<int64_t>((ns + 999'999) / 1'000'000, 60'000));
  }
  dispatch(timeout_ms);
  fire_timers();
  work(false);
}

void Loop::Impl::run() {
  while (!stopping_.load(std::memory_order_acquire)) poll(Duration::seconds(1));
}

void Loop::Impl::stop() {
  stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(event_, &one, sizeof one);
}

void Loop::Impl::post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(event_, &one, sizeof one);
}

void Loop::Impl::take_posted() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(mutex_);
    posted.swap(posted_);
  }
  for (const auto& work : posted) work();
}

// Until nothing is left: promises run, clients send what their callbacks have submitted, and what
// was written goes to the sockets, one write for each. Answers alone stay until the next poll is
// about to sleep: whoever was called here mostly submits before that, and then it is one write.
void Loop::Impl::work(bool about_to_sleep) {
  for (int round = 0; round < 64; ++round) {
    promises_.run(kStepsPerRun);
    for (const auto& step : std::exchange(later_, {})) step();
    for (std::size_t i = 0; i < senders_.size(); ++i) senders_[i]->flush();
    if (promises_.isRunnable() || !later_.empty()) continue;
    if (about_to_sleep) {
      dirty_.insert(dirty_.end(), patient_.begin(), patient_.end());
      patient_.clear();
    }
    while (!dirty_.empty()) {
      auto* what = dirty_.back();
      forget(what);
      what->flush();
    }
    if (!promises_.isRunnable() && later_.empty()) return;
  }
}

void Loop::Impl::dispatch(int timeout_ms) {
  epoll_event events[kEventsPerWait];
  const int n = ::epoll_wait(epoll_, events, kEventsPerWait, timeout_ms);
  for (int i = 0; i < n; ++i) {
    if (events[i].data.u64 == kEventTag) {
      uint64_t count = 0;
      [[maybe_unused]] const auto got = ::read(event_, &count, sizeof count);
      take_posted();
      continue;
    }
    const auto found = watched_.find(static_cast<int>(events[i].data.u64 & 0xffffffff));
    if (found == watched_.end() || found->second->generation != events[i].data.u64 >> 32) continue;
    const auto watched = found->second;
    watched->ready(events[i].events);
  }
}

void Loop::Impl::fire_timers() {
  if (timers_.empty()) return;
  const MonoTime at = now();
  while (!timers_.empty() && timers_.begin()->first <= at) {
    const auto callback = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    callback();
  }
}

Loop::Impl::Timer Loop::Impl::at(MonoTime when, std::function<void()> callback) {
  return timers_.emplace(when, std::move(callback));
}

void Loop::Impl::remove_sender(Flushable* sender) { std::erase(senders_, sender); }

// ---- descriptors

void Loop::Impl::watch(int fd, uint32_t events, Ready ready) {
  auto watched = std::make_shared<Watched>();
  watched->generation = ++generation_ & 0x7fffffff;
  watched->ready = std::move(ready);
  epoll_event event{};
  event.events = events;
  event.data.u64 = uint64_t{watched->generation} << 32 | static_cast<uint32_t>(fd);
  CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0);
  watched_[fd] = std::move(watched);
}

void Loop::Impl::rewatch(int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = uint64_t{watched_.at(fd)->generation} << 32 | static_cast<uint32_t>(fd);
  CHECK(::epoll_ctl(epoll_, EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::Impl::unwatch(int fd) {
  if (watched_.erase(fd) > 0) ::epoll_ctl(epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

}  // namespace holdfast::client
