#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "supervision/runtime/actor.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"

struct Note {
  int number = 0;
  std::vector<std::string> texts;
};
struct Boom {
  std::string words;
};
struct MoveOnly {
  std::shared_ptr<const std::unique_ptr<int>> content;
};
struct Ball {
  uint64_t hops = 0;
};
HOLDFAST_LOCAL_MESSAGE(Note)
HOLDFAST_LOCAL_MESSAGE(Boom)
HOLDFAST_LOCAL_MESSAGE(MoveOnly)
HOLDFAST_LOCAL_MESSAGE(Ball)

namespace holdfast {
namespace {

/// Counts how many of it exist, so that a leaked actor shows.
struct Counted {
  static inline std::atomic<int> alive{0};
  Counted() { ++alive; }
  ~Counted() { --alive; }
};

/// Notes what it hears, throws on Boom.
class Worker : public LoopActor {
 public:
  explicit Worker(ActorConfig& config, std::vector<int>* seen = nullptr)
      : LoopActor(config), seen_(seen) {}
  Behavior make_behavior() override {
    return {[this](const Note& note) {
              thread = std::this_thread::get_id();
              if (seen_) seen_->push_back(note.number);
            },
            [](const Boom& boom) { throw std::runtime_error(boom.words); },
            [](int question) { return question + 1; }};
  }
  std::thread::id thread;

 private:
  Counted counted_;
  std::vector<int>* seen_;
};

/// Remembers the exits of those it watches.
class Watcher : public LoopActor {
 public:
  Watcher(ActorConfig& config, std::vector<ExitInfo>* exits) : LoopActor(config), exits_(exits) {
    set_down_handler([this](DownMessage& down) { exits_->push_back(explain_exit(down.reason)); });
  }
  Behavior make_behavior() override {
    return {[this](const ActorHandle& target) { monitor_exit(this, target); }};
  }

 private:
  std::vector<ExitInfo>* exits_;
};

class LoopActorTest : public ::testing::Test {
 protected:
  void SetUp() override { before_ = Counted::alive; }
  void TearDown() override {
    loop.close();
    watcher_ = nullptr;
    EXPECT_EQ(Counted::alive, before_) << "an actor outlived its loop";
  }
  ActorHandle watched_worker(std::vector<int>* seen = nullptr) {
    if (!watcher_) watcher_ = spawn_on<Watcher>(system.get(), loop, &exits);
    auto worker = spawn_on<Worker>(system.get(), loop, seen);
    anon_send(watcher_, worker);
    loop.turn();
    return worker;
  }

  ActorSystem system;
  HotLoop loop;
  std::vector<ExitInfo> exits;

 private:
  ActorHandle watcher_;
  int before_ = 0;
};

TEST_F(LoopActorTest, HandlesMessagesInOrder) {
  std::vector<int> seen;
  const auto actor = spawn_on<Worker>(system.get(), loop, &seen);
  for (int i = 0; i < 1'000; ++i) anon_send(actor, Note{i, {"text"}});
  loop.turn();
  ASSERT_EQ(seen.size(), 1'000u);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(seen[i], i);
}

TEST_F(LoopActorTest, InterleavesActorsInTheSameOrderEveryTime) {
  auto once = [] {
    ActorSystem system;
    HotLoop loop;
    std::vector<int> order;
    std::vector<ActorHandle> ring(3);
    for (int i = 0; i < 3; ++i)
      ring[i] = spawn_function_on(system, loop, [&order, &ring, i](LoopActor* self) {
        return Behavior{[&order, &ring, i, self](const Ball& ball) {
          order.push_back(i);
          if (ball.hops > 0) {
            self->send(ring[(i + 1) % 3], Ball{ball.hops - 1});
            if (ball.hops % 4 == 0) self->send(ring[(i + 2) % 3], Ball{ball.hops / 2});
          }
        }};
      });
    anon_send(ring[0], Ball{20});
    anon_send(ring[1], Ball{9});
    loop.turn();
    loop.close();
    return order;
  };
  const auto first = once();
  EXPECT_GT(first.size(), 30u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(once(), first);
}

TEST_F(LoopActorTest, RunsOnItsLoopWhoeverSends) {
  std::vector<int> seen;
  const auto actor = spawn_on<Worker>(system.get(), loop, &seen);
  std::thread runner([&] { loop.run(); });
  std::vector<std::thread> senders;
  for (int s = 0; s < 4; ++s)
    senders.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) anon_send(actor, Note{i, {}});
    });
  for (auto& sender : senders) sender.join();
  ScopedActor asker(system.get());
  int answer = 0;
  asker->request(actor, caf::infinite, 1).receive([&](int a) { answer = a; }, [](ActorError&) {});
  EXPECT_EQ(answer, 2);
  loop.stop();
  const auto loop_thread = runner.get_id();
  runner.join();
  EXPECT_EQ(seen.size(), 8'000u);
  EXPECT_EQ(static_cast<Worker*>(caf::actor_cast<caf::abstract_actor*>(actor))->thread,
            loop_thread);
}

TEST_F(LoopActorTest, CarriesStructsWithVectorsAndSharedMoveOnlyContent) {
  std::string text;
  int content = 0;
  auto actor = spawn_function_on(system, loop, [&](LoopActor*) {
    return Behavior{[&](const Note& note) { text = note.texts.at(1); },
                    [&](const MoveOnly& m) { content = **m.content; }};
  });
  anon_send(actor, Note{1, {"a", "b"}});
  anon_send(actor,
            MoveOnly{std::make_shared<const std::unique_ptr<int>>(std::make_unique<int>(7))});
  loop.turn();
  EXPECT_EQ(text, "b");
  EXPECT_EQ(content, 7);
}

TEST_F(LoopActorTest, EndsWithTheWordsOfWhatAHandlerThrew) {
  const auto worker = watched_worker();
  std::vector<int> seen;
  const auto other = spawn_on<Worker>(system.get(), loop, &seen);
  anon_send(worker, Boom{"it broke"});
  anon_send(other, Note{5, {}});
  loop.turn();
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0].kind, ExitKind::kError);
  EXPECT_EQ(exits[0].text, "it broke");
  EXPECT_EQ(seen, std::vector<int>{5});
}

TEST_F(LoopActorTest, EndsWhenATimerADescriptorOrADeferredCallbackThrows) {
  const int fd = ::eventfd(1, EFD_NONBLOCK);
  auto watcher = spawn_on<Watcher>(system.get(), loop, &exits);
  using Arm = std::function<void(LoopActor*)>;
  const std::vector<Arm> arms = {
      [](LoopActor* self) { self->after(Duration{}, [] { throw std::runtime_error("timer"); }); },
      [fd](LoopActor* self) {
        self->watch(fd, EPOLLIN, [](uint32_t) { throw std::runtime_error("descriptor"); });
      },
      [](LoopActor* self) { self->defer([] { throw std::runtime_error("deferred"); }); },
      [](LoopActor* self) { self->post([] { throw std::runtime_error("posted"); }); },
      [](LoopActor*) { throw std::runtime_error("start"); },
  };
  std::vector<std::string> words;
  for (const auto& arm : arms) {
    auto actor = spawn_function_on(system, loop, [arm](LoopActor* self) {
      arm(self);
      return Behavior{[](const Note&) {}};
    });
    anon_send(watcher, actor);
    exits.clear();
    while (exits.empty()) loop.turn();
    EXPECT_EQ(exits.at(0).kind, ExitKind::kError);
    words.push_back(exits.at(0).text);
  }
  EXPECT_EQ(words,
            (std::vector<std::string>{"timer", "descriptor", "deferred", "posted", "start"}));
  EXPECT_EQ(loop.stats().callback_errors, 0u);
  EXPECT_EQ(loop.stats().fds, 0u);
  ::close(fd);
}

TEST_F(LoopActorTest, LetsAThrowingConstructorEscapeTheSpawn) {
  struct Thrower : LoopActor {
    explicit Thrower(ActorConfig& config) : LoopActor(config) { throw std::runtime_error("no"); }
  };
  EXPECT_THROW(spawn_on<Thrower>(system.get(), loop), std::runtime_error);
  loop.turn();
}

TEST_F(LoopActorTest, TellsShutdownKillAndNormalExitApart) {
  const auto a = watched_worker();
  send_shutdown(a);
  loop.turn();
  const auto b = watched_worker();
  send_kill(b);
  loop.turn();
  auto watcher = spawn_on<Watcher>(system.get(), loop, &exits);
  auto c = spawn_function_on(system, loop, [](LoopActor* self) {
    return Behavior{[self](const Note&) { self->quit(); }};
  });
  anon_send(watcher, c);
  anon_send(c, Note{});
  loop.turn();
  ASSERT_EQ(exits.size(), 3u);
  EXPECT_EQ(exits[0].kind, ExitKind::kShutdown);
  EXPECT_EQ(exits[1].kind, ExitKind::kKilled);
  EXPECT_EQ(exits[2].kind, ExitKind::kNormal);
}

TEST_F(LoopActorTest, QuitsFromATimerToo) {
  auto watcher = spawn_on<Watcher>(system.get(), loop, &exits);
  auto actor = spawn_function_on(system, loop, [](LoopActor* self) {
    self->after(Duration{}, [self] { self->quit(); });
    return Behavior{[](const Note&) {}};
  });
  anon_send(watcher, actor);
  while (exits.empty()) loop.turn();
  EXPECT_EQ(exits[0].kind, ExitKind::kNormal);
}

TEST_F(LoopActorTest, TakesItsTimersAndDescriptorsWithIt) {
  const int fd = ::eventfd(1, EFD_NONBLOCK);
  bool wrong = false;
  auto actor = spawn_function_on(system, loop, [&, fd](LoopActor* self) {
    self->after(Duration::milliseconds(1), [&] { wrong = true; });
    const auto cancelled = self->after(Duration::milliseconds(1), [&] { wrong = true; });
    self->cancel(cancelled);
    self->watch(fd, EPOLLOUT, [](uint32_t) {});
    return Behavior{[self](const Note&) { self->quit(); }};
  });
  loop.turn();
  EXPECT_EQ(loop.stats().fds, 1u);
  EXPECT_EQ(loop.stats().timers_waiting, 1u);
  anon_send(actor, Note{});
  loop.turn();
  EXPECT_EQ(loop.stats().fds, 0u);
  EXPECT_EQ(loop.stats().timers_waiting, 0u);
  EXPECT_FALSE(wrong);
  ::close(fd);
}

TEST_F(LoopActorTest, TakesItsTimersWithItWhenTheLastHandleGoesElsewhere) {
  auto actor = spawn_function_on(system, loop, [](LoopActor* self) {
    self->after(Duration::seconds(3'600), [] {});
    return Behavior{[](const Note&) {}};
  });
  loop.turn();
  EXPECT_EQ(loop.stats().timers_waiting, 1u);
  std::thread([gone = std::move(actor)]() mutable { gone = nullptr; }).join();
  actor = nullptr;
  loop.turn();
  EXPECT_EQ(loop.stats().timers_waiting, 0u);
}

TEST_F(LoopActorTest, DefersUntilAllMailboxesAreEmpty) {
  std::vector<int> seen;
  std::vector<std::size_t> batches;
  auto journal = spawn_function_on(system, loop, [&](LoopActor* self) {
    return Behavior{[&, self](const Note& note) {
      if (seen.empty()) self->defer([&] { batches.push_back(seen.size()); });
      seen.push_back(note.number);
    }};
  });
  auto stage = spawn_function_on(system, loop, [&, journal](LoopActor* self) {
    return Behavior{[=](const Note& note) { self->send(journal, note); }};
  });
  for (int i = 0; i < 50; ++i) anon_send(stage, Note{i, {}});
  loop.turn();
  EXPECT_EQ(batches, std::vector<std::size_t>{50});
}

TEST_F(LoopActorTest, LeavesPoolActorsToThePool) {
  std::promise<std::thread::id> where;
  auto pooled = system.get().spawn([&](EventBasedActor*) {
    return Behavior{[&](const Note&) { where.set_value(std::this_thread::get_id()); }};
  });
  auto actor = spawn_function_on(system, loop, [=](LoopActor* self) {
    return Behavior{[=](const Note& note) { self->send(pooled, note); }};
  });
  anon_send(actor, Note{});
  loop.turn();
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

TEST_F(LoopActorTest, SpawnsLoopActorsOnItsOwnLoop) {
  std::vector<int> seen;
  auto parent = spawn_function_on(system, loop, [&](LoopActor* self) {
    return Behavior{[&, self](const Note& note) { self->send(self->spawn<Worker>(&seen), note); }};
  });
  anon_send(parent, Note{3, {}});
  loop.turn();
  EXPECT_EQ(seen, std::vector<int>{3});
}

TEST_F(LoopActorTest, CountsWhatItHandled) {
  const auto worker = spawn_on<Worker>(system.get(), loop, nullptr);
  for (int i = 0; i < 5; ++i) anon_send(worker, Note{});
  std::optional<ActorStats> stats;
  auto asker = spawn_function_on(system, loop, [&](LoopActor* self) {
    request_within(self, worker, {"stats", Duration::seconds(60)}, ActorStatsQuery{})
        .then([&](const ActorStats& s) { stats = s; }, [](ActorError&) {});
    return Behavior{[](const Note&) {}};
  });
  loop.turn();
  ASSERT_TRUE(stats);
  EXPECT_EQ(stats->messages_handled, 6u);
  EXPECT_EQ(stats->mailbox_depth, 0u);
}

TEST_F(LoopActorTest, AnswersAnUnknownRequestWithAnError) {
  const auto worker = spawn_on<Worker>(system.get(), loop, nullptr);
  std::string error;
  auto asker = spawn_function_on(system, loop, [&](LoopActor* self) {
    request_within(self, worker, {"odd", Duration::seconds(60)}, std::string("what?"))
        .then([](int) {}, [&](ActorError& e) { error = describe(e); });
    return Behavior{[](const Note&) {}};
  });
  loop.turn();
  EXPECT_NE(error.find("unexpected_message"), std::string::npos) << error;
}

TEST_F(LoopActorTest, EndsARequestAtItsDeadline) {
  auto mute = spawn_function_on(system, loop, [](LoopActor* self) {
    return Behavior{[self](int) { return self->make_response_promise(); }};
  });
  std::string error;
  auto asker = spawn_function_on(system, loop, [&](LoopActor* self) {
    const Deadline deadline{"risk decision", Duration::milliseconds(1)};
    request_within(self, mute, deadline, 1)
        .then([](int) {}, [&, deadline](ActorError& e) { error = deadline_text(deadline, e); });
    return Behavior{[](const Note&) {}};
  });
  while (error.empty()) loop.turn();
  EXPECT_EQ(error, "risk decision: no answer within 1 ms");
}

TEST_F(LoopActorTest, ReleasesActorsThatStillHaveMailWhenTheLoopCloses) {
  std::vector<int> seen;
  std::vector<ActorHandle> workers;
  for (int i = 0; i < 10; ++i) workers.push_back(spawn_on<Worker>(system.get(), loop, &seen));
  for (int i = 0; i < 1'000; ++i) anon_send(workers[i % 10], Note{i, {}});
  loop.close();
  for (auto& worker : workers) anon_send(worker, Note{});
  workers.clear();
  // TearDown checks that none is left.
}

TEST_F(LoopActorTest, MayUseItsLoopAsItEndsWithIt) {
  class Tidy : public LoopActor {
   public:
    Tidy(ActorConfig& config, bool* done) : LoopActor(config), done_(done) {}
    void on_exit() override {
      after(Duration::seconds(1), [] {});
      defer([] {});
      watch(0, EPOLLIN, [](uint32_t) {});
      rewatch(0, EPOLLOUT);
      unwatch(0);
      *done_ = true;
    }
    Behavior make_behavior() override {
      return {[](const Note&) {}};
    }

   private:
    bool* done_;
  };
  bool done = false;
  auto actor = spawn_on<Tidy>(system.get(), loop, &done);
  loop.turn();
  loop.close();
  EXPECT_TRUE(done);
}

TEST_F(LoopActorTest, AnswersWhoWaitsForAnActorOfAClosedLoop) {
  const auto worker = spawn_on<Worker>(system.get(), loop, nullptr);
  ScopedActor asker(system.get());
  loop.close();
  bool failed = false;
  asker->request(worker, caf::infinite, 1).receive([](int) {}, [&](ActorError&) { failed = true; });
  EXPECT_TRUE(failed);
}

TEST_F(LoopActorTest, MayCloseWhileOthersStillSend) {
  std::atomic<int> handled{0};
  auto worker = spawn_function_on(
      system, loop, [&](LoopActor*) { return Behavior{[&](const Note&) { ++handled; }}; });
  std::atomic<bool> closed{false};
  std::thread sender([&] {
    // A mailbox has no bound of its own: wait for the actor while it lives, then send some more.
    int sent = 0;
    while (!closed) {
      if (sent - handled < 100) {
        anon_send(worker, Note{});
        ++sent;
      } else {
        std::this_thread::yield();
      }
    }
    for (int i = 0; i < 100; ++i) anon_send(worker, Note{});
  });
  std::thread runner([&] { loop.run(); });
  while (handled < 1'000) std::this_thread::yield();
  loop.stop();
  runner.join();
  loop.close();
  closed = true;
  sender.join();
  const int at_close = handled;
  anon_send(worker, Note{});
  EXPECT_EQ(handled, at_close);
}

TEST_F(LoopActorTest, PassesBetweenTwoLoops) {
  HotLoop second;
  std::atomic<uint64_t> left{1};
  auto make = [&](HotLoop& on) {
    return spawn_function_on(system, on, [&](LoopActor* self) {
      return Behavior{[&, self](const Ball& ball, const ActorHandle& other) {
        left = ball.hops;
        if (ball.hops > 0) self->send(other, Ball{ball.hops - 1}, ActorHandle{self});
      }};
    });
  };
  auto a = make(loop);
  auto b = make(second);
  std::thread first_runner([&] { loop.run(); });
  std::thread second_runner([&] { second.run(); });
  anon_send(a, Ball{2'000}, b);
  while (left > 0) std::this_thread::yield();
  loop.stop();
  second.stop();
  first_runner.join();
  second_runner.join();
}

TEST_F(LoopActorTest, HopsBetweenActorsOfOneLoop) {
  constexpr uint64_t kHops = 400'000;
  uint64_t left = 1;
  auto behavior = [&](LoopActor* self) {
    return Behavior{[&, self](const Ball& ball, const ActorHandle& other) {
      left = ball.hops;
      if (ball.hops > 0) self->send(other, Ball{ball.hops - 1}, ActorHandle{self});
    }};
  };
  auto a = spawn_function_on(system, loop, behavior);
  auto b = spawn_function_on(system, loop, behavior);
  anon_send(a, Ball{kHops}, b);
  const MonoTime start = loop.now();
  while (left > 0) loop.turn();
  const Duration took = loop.now() - start;
  std::printf("[ measured ] one hop on one loop: %lld ns\n",
              static_cast<long long>(took.ns / static_cast<int64_t>(kHops)));
  EXPECT_GE(loop.stats().runs, kHops);
}

TEST(PoolActor, AnswersStatsAndEndsWithWords) {
  class Pooled : public PoolActor {
   public:
    explicit Pooled(ActorConfig& config) : PoolActor(config) {}
    Behavior make_behavior() override {
      return {[](const Boom& boom) { throw std::runtime_error(boom.words); }, [](const Note&) {}};
    }
  };
  ActorSystem system;
  auto pooled = system.spawn<Pooled>();
  ScopedActor self(system.get());
  self->monitor(pooled);
  self->send(pooled, Note{});
  ActorStats stats;
  self->request(pooled, caf::infinite, ActorStatsQuery{})
      .receive([&](const ActorStats& s) { stats = s; }, [](ActorError&) {});
  EXPECT_EQ(stats.messages_handled, 2u);
  self->send(pooled, Boom{"pool"});
  ExitInfo exit;
  self->receive([&](const DownMessage& down) { exit = explain_exit(down.reason); });
  EXPECT_EQ(exit.kind, ExitKind::kError);
  EXPECT_EQ(exit.text, "pool");
}

}  // namespace
}  // namespace holdfast
