// An arbiter and the loop that its answers are posted to, for tests: a call waits for its answer by
// running that loop on the calling thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "messages/check.hpp"
#include "supervision/replication/arbiter/arbiter.hpp"

namespace holdfast::tests {

/// What is posted, run by whoever waits.
class Loop {
 public:
  replication::Post post() {
    return [shared = shared_](std::function<void()> work) {
      const std::lock_guard hold(shared->mutex);
      shared->work.push_back(std::move(work));
      shared->there.notify_all();
    };
  }
  /// Runs what is posted until `done()`; false after a time that only a hang takes.
  bool run_until(const std::function<bool()>& done,
                 std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      std::function<void()> work;
      {
        std::unique_lock hold(shared_->mutex);
        if (!shared_->there.wait_until(hold, until, [&] { return !shared_->work.empty(); }))
          return false;
        work = std::move(shared_->work.front());
        shared_->work.pop_front();
      }
      work();
    }
    return true;
  }

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable there;
    std::deque<std::function<void()>> work;
  };
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

/// An arbiter with a loop of its own: one node, as the arbiter sees it.
class Client {
 public:
  using Open = std::function<Result<std::unique_ptr<replication::Arbiter>>(replication::Post)>;
  explicit Client(const Open& open) {
    auto opened = open(loop_.post());
    if (!opened.ok()) throw std::runtime_error("the arbiter does not open: " + opened.error().text);
    arbiter_ = std::move(opened).value();
  }

  replication::Arbiter& arbiter() { return *arbiter_; }
  replication::Arbiter* operator->() { return arbiter_.get(); }
  Loop& loop() { return loop_; }
  void close() { arbiter_ = nullptr; }

  Result<std::optional<replication::GroupRecord>> read(GroupId group) {
    std::optional<Result<std::optional<replication::GroupRecord>>> answer;
    arbiter_->read(group, [&](auto result) { answer = std::move(result); });
    CHECK(loop_.run_until([&] { return answer.has_value(); }));
    return *answer;
  }
  /// Reads until the arbiter answers.
  std::optional<replication::GroupRecord> read_at_last(GroupId group) {
    for (int i = 0; i < 400; ++i)
      if (auto answer = read(group); answer.ok()) return answer.value();
    throw std::runtime_error("the arbiter does not come back");
  }
  replication::CasResult cas(const replication::GroupRecord& proposed, uint64_t expected,
                             std::optional<replication::Victim> victim = std::nullopt) {
    std::optional<replication::CasResult> answer;
    arbiter_->compare_and_set(proposed, expected, std::move(victim),
                              [&](auto result) { answer = std::move(result); });
    CHECK(loop_.run_until([&] { return answer.has_value(); }));
    return *answer;
  }
  /// The usual change: on top of what is expected.
  replication::CasResult cas(const replication::GroupRecord& proposed) {
    return cas(proposed, proposed.version - 1);
  }

 private:
  Loop loop_;
  std::unique_ptr<replication::Arbiter> arbiter_;
};

}  // namespace holdfast::tests
