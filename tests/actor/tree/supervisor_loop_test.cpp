// The same supervisor on a hot loop: its children share the loop's thread.
#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"

struct Bad {};
struct Good {
  int number = 0;
};
HOLDFAST_LOCAL_MESSAGE(Bad)
HOLDFAST_LOCAL_MESSAGE(Good)

namespace holdfast {
namespace {

class Stage : public LoopActor {
 public:
  Stage(ActorConfig& config, std::string* log, char name)
      : LoopActor(config), log_(log), name_(name) {
    *log_ += '+';
    *log_ += name_;
  }
  void on_exit() override {
    *log_ += '-';
    *log_ += name_;
  }
  Behavior make_behavior() override {
    return {[](const Bad&) { throw std::runtime_error("bad"); },
            [this](const Good&) { *log_ += name_; }};
  }

 private:
  std::string* log_;
  char name_;
};

class SupervisorOnLoop : public ::testing::Test {
 protected:
  ChildDefinition stage(char name) {
    return {{.id = std::string(1, name)}, [this, name](const ChildContext& context) {
              return spawn_on<Stage>(context.system, loop, &log, name);
            }};
  }
  ActorHandle run(Strategy strategy) {
    SupervisorSetup setup;
    setup.path = "node";
    setup.spec.strategy = strategy;
    setup.children = {stage('a'), stage('b')};
    setup.registry = registry;
    auto root = spawn_supervisor(system.get(), std::move(setup), &loop);
    loop.turn();
    return root;
  }

  // The actors of the loop write here until it closes.
  std::string log;
  std::shared_ptr<RefRegistry> registry = std::make_shared<RefRegistry>();
  ActorSystem system;
  HotLoop loop;
};

TEST_F(SupervisorOnLoop, RestartsWithinTheTurn) {
  auto root = run(Strategy::kOneForAll);
  EXPECT_EQ(log, "+a+b");
  anon_send(registry->find("node/a"), Bad{});
  loop.turn();
  EXPECT_EQ(log, "+a+b-a-b+a+b");
  anon_send(registry->find("node/b"), Good{});
  loop.turn();
  EXPECT_EQ(log, "+a+b-a-b+a+bb");
}

TEST_F(SupervisorOnLoop, BacksOffByTheClock) {
  auto root = run(Strategy::kOneForOne);
  anon_send(registry->find("node/a"), Bad{});
  loop.turn();
  anon_send(registry->find("node/a"), Bad{});
  loop.turn();
  EXPECT_EQ(log, "+a+b-a+a-a");
  while (!registry->find("node/a")) loop.turn();
  EXPECT_EQ(log, "+a+b-a+a-a+a");
}

TEST_F(SupervisorOnLoop, StopsInReverse) {
  auto root = run(Strategy::kOneForOne);
  send_shutdown(root);
  loop.turn();
  EXPECT_EQ(log, "+a+b-b-a");
}

TEST_F(SupervisorOnLoop, EndsWithItsLoop) {
  auto root = run(Strategy::kOneForOne);
  registry->find("node/a");
  loop.close();
  EXPECT_EQ(log.size(), 8u) << log;
  EXPECT_EQ(registry->find("node/a"), ActorHandle{});
}

TEST_F(SupervisorOnLoop, SupervisesALoopFromThePool) {
  SupervisorSetup inner;
  inner.children = {stage('a')};
  SupervisorSetup setup;
  setup.path = "node";
  setup.registry = registry;
  setup.children = {supervisor_child("hot", inner, &loop)};
  auto root = spawn_supervisor(system.get(), std::move(setup));
  while (log.empty()) loop.turn();
  anon_send(registry->find("node/hot/a"), Bad{});
  loop.turn();
  EXPECT_EQ(log, "+a-a+a");
  send_shutdown(root);
  ScopedActor self(system.get());
  self->monitor(root);
  bool down = false;
  while (!down) {
    loop.turn();
    self->receive([&](const DownMessage&) { down = true; },
                  caf::after(std::chrono::milliseconds(1)) >> [] {});
  }
  EXPECT_EQ(log, "+a-a+a-a");
}

}  // namespace
}  // namespace holdfast
