// KjGuest: Cap'n Proto's promises as a guest of the node's hot loop. One thread, one epoll, one
// queue: a socket that becomes readable, the call that it carries, the shard that decides it and
// the answer that goes out are work of one turn, and no thread is woken in between. (The other way
// round, the hot loop as a guest of the library's own, costs a second epoll_wait for every event.)
#pragma once

#include <kj/async.h>

#include <memory>
#include <vector>

#include "actors/ingress/client/poller.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::ingress {

/// Makes a thread's EventLoop able to run promises. Construct, use and destroy it on the loop's
/// thread; at most one a thread at a time. All promises must be gone before it is.
class KjGuest final : public client::Poller, private kj::EventPort {
 public:
  explicit KjGuest(EventLoop& loop);
  ~KjGuest() noexcept override;
  KjGuest(const KjGuest&) = delete;
  KjGuest& operator=(const KjGuest&) = delete;

  EventLoop& loop() { return loop_; }
  /// Runs what is ready now, and writes nothing any more. For shutting down; otherwise the loop
  /// does it.
  void wind_down();

  // -- client::Poller
  void watch(int fd, uint32_t events, Ready ready) override;
  void rewatch(int fd, uint32_t events) override;
  void unwatch(int fd) override;
  void flush_later(client::Flushable* what) override;
  void forget(client::Flushable* what) override;

 private:
  class Pump;
  // -- kj::EventPort: the hot loop does the waiting, so nobody calls the first two.
  bool wait() override;
  bool poll() override;
  void setRunnable(bool runnable) override;

  bool run_some();
  void flush_all();

  EventLoop& loop_;
  std::shared_ptr<Pump> pump_;
  std::vector<client::Flushable*> dirty_;
  std::shared_ptr<bool> alive_;
  bool flush_deferred_ = false;
  bool winding_down_ = false;
  kj::EventLoop promises_;
  kj::WaitScope scope_;
};

}  // namespace holdfast::ingress
