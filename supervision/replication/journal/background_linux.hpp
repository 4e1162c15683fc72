// Work that must not hold up a loop: rebuilding a replica, installing a snapshot. One piece at a
// time, in order, on a thread of lower priority that is there only while there is work (a thread
// that stayed would delay how soon others hear of a kill). What it does is for who asks.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace holdfast::replication {

class Background {
 public:
  using Work = std::function<void(const std::atomic<bool>& stop)>;
  using Done = std::function<void()>;

  /// `post` runs a function on the loop, from any thread.
  explicit Background(std::function<void(std::function<void()>)> post);
  /// Tells the work under way to stop and waits for it; what was not begun is dropped, and no
  /// `done` is posted any more.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  /// Does `work`, then posts `done`. On the loop's thread.
  void run(Work work, Done done);

 private:
  void work();

  const std::function<void(std::function<void()>)> post_;
  std::mutex mutex_;
  std::deque<std::pair<Work, Done>> queue_;
  bool running_ = false;           // the thread has not seen the queue empty
  std::atomic<bool> stop_{false};  // written by the destructor, read by the work
  std::thread thread_;
};

}  // namespace holdfast::replication
