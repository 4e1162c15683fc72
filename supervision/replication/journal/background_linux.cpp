#include "supervision/replication/journal/background_linux.hpp"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace holdfast::replication {

namespace {
/// Below the loops, above the snapshots: somebody waits for it.
constexpr int kNice = 5;
}  // namespace

Background::Background(std::function<void(std::function<void()>)> post) : post_(std::move(post)) {}

Background::~Background() {
  stop_.store(true, std::memory_order_relaxed);
  {
    const std::lock_guard hold(mutex_);
    queue_.clear();
  }
  if (thread_.joinable()) thread_.join();
}

void Background::run(Work work, Done done) {
  const std::lock_guard hold(mutex_);
  queue_.emplace_back(std::move(work), std::move(done));
  if (std::exchange(running_, true)) return;
  if (thread_.joinable()) thread_.join();  // has seen the queue empty: it is at its end
  thread_ = std::thread([this] { this->work(); });
}

void Background::work() {
  setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), kNice);
  std::unique_lock hold(mutex_);
  while (!queue_.empty()) {
    auto [work, done] = std::move(queue_.front());
    queue_.pop_front();
    hold.unlock();
    work(stop_);
    work = nullptr;
    if (!stop_.load(std::memory_order_relaxed)) post_(std::move(done));
    hold.lock();
  }
  running_ = false;
}

}  // namespace holdfast::replication
