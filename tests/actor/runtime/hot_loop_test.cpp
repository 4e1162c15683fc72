#include "supervision/runtime/hot_loop_linux.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>
#include <vector>

#include "messages/check.hpp"

namespace holdfast {
namespace {

struct SocketPair {
  SocketPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0); }
  ~SocketPair() {
    for (const int fd : fds) ::close(fd);
  }
  void poke() { EXPECT_EQ(::write(fds[1], "x", 1), 1); }
  int near() const { return fds[0]; }
  int fds[2];
};

bool readable(int fd, int timeout_ms) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, timeout_ms) == 1;
}

/// Turns until `done`; the test's own time limit ends a loop that never gets there.
template <typename F>
void turn_until(HotLoop& loop, F done) {
  while (!done()) {
    readable(loop.fd(), 100);
    loop.turn();
  }
}

TEST(HotLoop, FiresTimersByTimeThenByAge) {
  HotLoop loop;
  std::string fired;
  const MonoTime t = loop.now();
  loop.at(t + Duration::milliseconds(2), [&] { fired += 'c'; });
  loop.at(t + Duration::milliseconds(1), [&] { fired += 'a'; });
  loop.at(t + Duration::milliseconds(1), [&] { fired += 'b'; });
  turn_until(loop, [&] { return fired.size() == 3; });
  EXPECT_EQ(fired, "abc");
  EXPECT_GE((loop.now() - t).ns, Duration::milliseconds(2).ns);
}

TEST(HotLoop, NeverFiresACancelledTimer) {
  HotLoop loop;
  bool wrong = false;
  bool done = false;
  const MonoTime t = loop.now();
  const TimerId first = loop.at(t, [&] { wrong = true; });
  TimerId third;
  loop.at(t, [&] { loop.cancel(third); });
  third = loop.at(t, [&] { wrong = true; });
  loop.at(t + Duration::milliseconds(1), [&] { done = true; });
  loop.cancel(first);
  loop.cancel(first);
  loop.cancel(TimerId{});
  turn_until(loop, [&] { return done; });
  EXPECT_FALSE(wrong);
  EXPECT_EQ(loop.stats().timers_waiting, 0u);
}

TEST(HotLoop, KeepsFewDeadTimersWhenManyAreCancelled) {
  HotLoop loop;
  bool fired = false;
  const MonoTime far = loop.now() + Duration::seconds(3'600);
  for (int i = 0; i < 10'000; ++i) loop.cancel(loop.at(far, [&] { fired = true; }));
  EXPECT_EQ(loop.stats().timers_waiting, 0u);
  loop.turn();
  EXPECT_FALSE(fired);
}

TEST(HotLoop, CallsBackAReadyDescriptor) {
  HotLoop loop;
  SocketPair pair;
  uint32_t got = 0;
  loop.add_fd(pair.near(), EPOLLIN, [&](uint32_t events) { got = events; });
  loop.turn();
  EXPECT_EQ(got, 0u);
  pair.poke();
  loop.turn();
  EXPECT_EQ(got, EPOLLIN);
  loop.modify_fd(pair.near(), EPOLLOUT);
  loop.turn();
  EXPECT_EQ(got, EPOLLOUT);
  loop.remove_fd(pair.near());
  got = 0;
  loop.turn();
  EXPECT_EQ(got, 0u);
}

TEST(HotLoop, DropsAnEventOfADescriptorRemovedInTheSameTurn) {
  HotLoop loop;
  SocketPair a;
  SocketPair b;
  int calls = 0;
  // Both are ready; whichever runs first removes the other, and even takes its place.
  auto other = [&](int mine) { return mine == a.near() ? b.near() : a.near(); };
  for (const int fd : {a.near(), b.near()})
    loop.add_fd(fd, EPOLLIN, [&, fd](uint32_t) {
      ++calls;
      loop.remove_fd(other(fd));
      loop.add_fd(other(fd), EPOLLOUT, [&](uint32_t) {});
    });
  a.poke();
  b.poke();
  loop.turn();
  EXPECT_EQ(calls, 1);
}

TEST(HotLoop, MayRemoveItsOwnDescriptorInTheCallback) {
  HotLoop loop;
  SocketPair pair;
  int calls = 0;
  auto token = std::make_shared<int>(7);
  loop.add_fd(pair.near(), EPOLLIN, [&, token](uint32_t) {
    loop.remove_fd(pair.near());
    calls += *token == 7;
  });
  pair.poke();
  loop.turn();
  loop.turn();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(token.use_count(), 1);
}

TEST(HotLoop, RefusesADescriptorTwice) {
  HotLoop loop;
  SocketPair pair;
  loop.add_fd(pair.near(), EPOLLIN, [](uint32_t) {});
  EXPECT_THROW(loop.add_fd(pair.near(), EPOLLIN, [](uint32_t) {}), CheckFailed);
  EXPECT_THROW(loop.modify_fd(pair.fds[1], EPOLLIN), CheckFailed);
  EXPECT_THROW(loop.add_fd(-1, EPOLLIN, [](uint32_t) {}), CheckFailed);
}

TEST(HotLoop, RunsDeferredAfterAllThatIsQueued) {
  HotLoop loop;
  std::string order;
  loop.post([&] {
    order += '1';
    loop.defer([&] {
      order += 'd';
      loop.post([&] { order += '4'; });
    });
    loop.post([&] {
      order += '2';
      loop.post([&] { order += '3'; });
    });
  });
  loop.turn();
  EXPECT_EQ(order, "123d4");
}

TEST(HotLoop, StaysReadableUntilWorkBeyondTheBudgetIsDone) {
  HotLoop loop({.turn_budget = 10});
  int ran = 0;
  for (int i = 0; i < 25; ++i) loop.post([&] { ++ran; });
  loop.turn();
  EXPECT_EQ(ran, 10);
  EXPECT_TRUE(readable(loop.fd(), 0));
  loop.turn();
  loop.turn();
  EXPECT_EQ(ran, 25);
  loop.turn();
  EXPECT_EQ(loop.stats().budget_exhausted, 2u);
}

TEST(HotLoop, IsReadableForItsHostWhenSomethingIsDue) {
  HotLoop loop({.heartbeat = Duration::seconds(3'600)});
  loop.turn();
  EXPECT_FALSE(readable(loop.fd(), 0));

  bool posted = false;
  std::thread([&] { loop.post([&] { posted = true; }); }).join();
  EXPECT_TRUE(readable(loop.fd(), 0));
  loop.turn();
  EXPECT_TRUE(posted);
  EXPECT_FALSE(readable(loop.fd(), 0));

  loop.at(loop.now() + Duration::milliseconds(1), [] {});
  EXPECT_TRUE(readable(loop.fd(), 60'000));
  loop.turn();
  EXPECT_EQ(loop.stats().timers_fired, 1u);
  EXPECT_FALSE(readable(loop.fd(), 0));

  loop.defer([] {});
  EXPECT_TRUE(readable(loop.fd(), 0));
  loop.turn();
  EXPECT_FALSE(readable(loop.fd(), 0));
}

TEST(HotLoop, EntersForItsHostAndFinishesTheTurn) {
  HotLoop loop;
  loop.turn();
  std::string order;
  loop.enter([&] {
    loop.post([&] { order += 'b'; });
    order += 'a';
  });
  EXPECT_EQ(order, "ab");
  EXPECT_FALSE(readable(loop.fd(), 0));
}

TEST(HotLoop, SurvivesAndCountsCallbacksThatThrow) {
  std::vector<std::string> heard;
  HotLoop loop({.on_callback_error = [&](std::string_view what) { heard.emplace_back(what); }});
  SocketPair pair;
  loop.add_fd(pair.near(), EPOLLIN, [&](uint32_t) {
    loop.remove_fd(pair.near());
    throw std::runtime_error("fd");
  });
  pair.poke();
  loop.at(loop.now(), [] { throw std::runtime_error("timer"); });
  loop.post([] { throw std::runtime_error("post"); });
  loop.defer([] { throw 7; });
  bool last = false;
  loop.post([&] { last = true; });
  loop.turn();
  EXPECT_TRUE(last);
  EXPECT_EQ(heard, (std::vector<std::string>{"fd", "timer", "post",
                                             "an exception that is no std::exception"}));
  EXPECT_EQ(loop.stats().callback_errors, 4u);
}

TEST(HotLoop, RunsUntilStoppedFromAnotherThread) {
  for (const auto spin : {Duration{}, Duration::microseconds(50)}) {
    HotLoop loop({.spin = spin});
    std::thread runner([&] { loop.run(); });
    std::atomic<int> ran{0};
    for (int i = 0; i < 1'000; ++i) loop.post([&] { ++ran; });
    loop.post([&] { loop.stop(); });
    runner.join();
    EXPECT_EQ(ran, 1'000);
  }
}

TEST(HotLoop, ShowsProgressWhileItIdles) {
  HotLoop loop({.heartbeat = Duration::milliseconds(1)});
  std::atomic<uint64_t> sink{0};
  loop.progress_sink(&sink);
  std::thread runner([&] { loop.run(); });
  while (sink.load() < 5) std::this_thread::yield();
  loop.stop();
  runner.join();
  EXPECT_EQ(loop.progress(), sink.load());
}

TEST(HotLoop, DropsWhatIsQueuedWhenItCloses) {
  auto token = std::make_shared<int>(0);
  HotLoop loop;
  SocketPair pair;
  const auto queue = loop.run_queue();
  loop.at(loop.now() + Duration::seconds(100), [token] {});
  loop.add_fd(pair.near(), EPOLLIN, [token](uint32_t) {});
  loop.defer([token] {});
  loop.close();
  loop.close();
  queue->push(new PostedFunction([token] { ++*token; }));
  loop.post([token] { ++*token; });
  EXPECT_EQ(token.use_count(), 1);
  EXPECT_EQ(*token, 0);
}

TEST(HotLoop, LetsItsQueueOutliveIt) {
  std::shared_ptr<RunQueue> queue;
  {
    HotLoop loop;
    queue = loop.run_queue();
  }
  auto token = std::make_shared<int>(0);
  queue->push(new PostedFunction([token] { ++*token; }));
  EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace holdfast
