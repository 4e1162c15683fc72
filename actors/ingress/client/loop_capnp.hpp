// The inside of client::Loop: promises, sockets and timers of one thread on one epoll.
#pragma once

#include <kj/async.h>

#include <atomic>
#include <map>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "actors/ingress/client/client_capnp.hpp"
#include "actors/ingress/client/poller.hpp"

namespace holdfast::client {

class Loop::Impl final : public Poller, private kj::EventPort {
 public:
  Impl();
  ~Impl() noexcept override;

  void poll(Duration wait);
  void run();
  void stop();
  void post(std::function<void()> work);
  MonoTime now() const;

  using Timer = std::multimap<MonoTime, std::function<void()>>::iterator;
  Timer at(MonoTime when, std::function<void()> callback);
  void cancel(Timer timer) { timers_.erase(timer); }
  /// Runs `step` later in this poll, or in the next one: outside of any promise's callback.
  void later(std::function<void()> step) { later_.push_back(std::move(step)); }
  /// Calls `sender` before every flush, until removed: it sends what has been submitted.
  void add_sender(Flushable* sender) { senders_.push_back(sender); }
  void remove_sender(Flushable* sender);

  // -- Poller
  void watch(int fd, uint32_t events, Ready ready) override;
  void rewatch(int fd, uint32_t events) override;
  void unwatch(int fd) override;
  void flush_later(Flushable* what) override { dirty_.push_back(what); }
  void flush_before_sleep(Flushable* what) override { patient_.push_back(what); }
  void forget(Flushable* what) override {
    std::erase(dirty_, what);
    std::erase(patient_, what);
  }

 private:
  struct Watched {
    uint32_t generation = 0;
    Ready ready;
  };
  // -- kj::EventPort: `poll` above does the waiting.
  bool wait() override;
  bool poll() override { return false; }

  void work(bool about_to_sleep);
  void dispatch(int timeout_ms);
  void fire_timers();
  void take_posted();

  int epoll_ = -1;
  int event_ = -1;
  std::unordered_map<int, std::shared_ptr<Watched>> watched_;
  uint32_t generation_ = 0;
  std::multimap<MonoTime, std::function<void()>> timers_;
  std::vector<std::function<void()>> later_;
  std::vector<Flushable*> senders_;
  std::vector<Flushable*> dirty_, patient_;  // to be flushed now, before sleeping
  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  // stop() on any thread pairs with run()'s check after each poll.
  std::atomic<bool> stopping_{false};
  kj::EventLoop promises_;
  kj::WaitScope scope_;
};

}  // namespace holdfast::client
