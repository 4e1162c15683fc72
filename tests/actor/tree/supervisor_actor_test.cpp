// Supervisors on the shared workers, with the scheduler and the clock in the test's hands.
#include "supervision/tree/supervisor_actor.hpp"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "supervision/runtime/test_scheduler_actor.hpp"

struct Crash {
  std::string words;
};
struct Leave {};
struct Poison {};
HOLDFAST_LOCAL_MESSAGE(Crash)
HOLDFAST_LOCAL_MESSAGE(Leave)
HOLDFAST_LOCAL_MESSAGE(Poison)

namespace holdfast {
namespace {

/// What the workers of one test have in common.
struct Stage {
  std::map<std::string, ActorHandle> actors;  // by path, the latest
  std::string log;                            // "+a -a": made and gone
  std::map<std::string, int> fail_starts;     // so many more constructors throw
  std::map<std::string, bool> deaf;           // does not obey a stop
};

class Worker : public PoolActor {
 public:
  Worker(ActorConfig& config, Stage* stage, std::string name)
      : PoolActor(config), stage_(stage), name_(std::move(name)) {
    if (stage_->fail_starts[name_] > 0) {
      --stage_->fail_starts[name_];
      throw std::runtime_error("no disk");
    }
    if (stage_->deaf[name_]) set_exit_handler([](ExitMessage&) {});
    stage_->log += "+" + name_ + " ";
    alive_ = true;
  }
  ~Worker() override = default;
  void on_exit() override {
    if (alive_) stage_->log += "-" + name_ + " ";
  }
  std::string detail() const override { return "detail of " + name_; }
  uint64_t leaves() const override { return 3; }
  Behavior make_behavior() override {
    return {[](const Crash& crash) { throw std::runtime_error(crash.words); },
            [this](const Leave&) { quit(); },
            [this](const Poison&) { quit(error_poison("entry 17 kills it")); },
            [this](const LeafQuery& query) {
              LeafPage page{3, {}};
              for (uint64_t i = query.offset; i < 3 && page.rows.size() < query.limit; ++i) {
                TreeNode row;
                row.path = query.path + "/" + std::to_string(i);
                row.kind = "order";
                page.rows.push_back(row);
              }
              return page;
            }};
  }

 private:
  Stage* stage_;
  std::string name_;
  bool alive_ = false;
};

class SupervisorTest : public ::testing::Test {
 protected:
  ActorSystem system{{.deterministic = true}};
  TestScheduler scheduler{system};
  Stage stage;
  std::vector<SupervisorEvent> events;
  std::shared_ptr<RefRegistry> registry = std::make_shared<RefRegistry>();

  void TearDown() override {
    for (auto& root : roots_) send_kill(root);
    roots_.clear();
    stage.actors.clear();
    registry.reset();
    scheduler.advance(Duration::seconds(1'000));
  }

  ChildDefinition worker(std::string name, RestartKind kind = RestartKind::kPermanent) {
    return {{.id = name, .restart = kind}, factory()};
  }
  ChildFactory factory() {
    return [this](const ChildContext& context) {
      const std::string name = context.path.substr(context.path.rfind('/') + 1);
      auto actor = context.system.spawn<Worker>(&stage, name);
      stage.actors[context.path] = actor;
      return actor;
    };
  }
  SupervisorSetup setup(std::vector<ChildDefinition> children,
                        Strategy strategy = Strategy::kOneForOne) {
    SupervisorSetup setup;
    setup.path = "node";
    setup.spec.strategy = strategy;
    setup.spec.intensity = {3, Duration::seconds(5)};
    setup.spec.backoff.jitter_permille = 0;
    setup.children = std::move(children);
    setup.on_event = [this](const SupervisorEvent& event) { events.push_back(event); };
    setup.registry = registry;
    return setup;
  }
  ActorHandle run(SupervisorSetup setup) {
    roots_.push_back(spawn_supervisor(system.get(), std::move(setup)));
    scheduler.settle();
    return roots_.back();
  }
  template <typename M>
  void tell(const std::string& path, M message) {
    anon_send(stage.actors.at(path), std::move(message));
    scheduler.settle();
  }
  std::string log() {
    auto text = std::exchange(stage.log, "");
    if (!text.empty()) text.pop_back();
    return text;
  }
  /// Sends `question` and lets time pass for the answer.
  template <typename Answer, typename Question>
  std::optional<Answer> ask(const ActorHandle& target, Question question,
                            std::string* error = nullptr) {
    std::optional<Answer> answer;
    auto asker = system.get().spawn([&](EventBasedActor* self) {
      request_within(self, target, {"question", Duration::seconds(60)}, std::move(question))
          .then([&](Answer& a) { answer = std::move(a); },
                [&](ActorError& e) {
                  if (error != nullptr) *error = describe(e);
                });
    });
    scheduler.advance(Duration::seconds(1));
    return answer;
  }
  bool happened(const std::string& path, const std::string& event) {
    for (const auto& e : events)
      if (e.path == path && e.event == event) return true;
    return false;
  }
  ExitInfo exit_of(const ActorHandle& target) {
    std::optional<ExitInfo> exit;
    auto watcher = system.get().spawn([&](EventBasedActor* self) {
      self->set_down_handler([&, self](DownMessage& down) {
        exit = explain_exit(down.reason);
        self->quit();
      });
      monitor_exit(self, target);
      return Behavior{[](const Leave&) {}};
    });
    scheduler.settle();
    return exit.value_or(ExitInfo{ExitKind::kNormal, "still there"});
  }

  std::vector<ActorHandle> roots_;
};

TEST_F(SupervisorTest, StartsChildrenInOrderAndStopsThemInReverse) {
  auto root = run(setup({worker("a"), worker("b"), worker("c")}));
  EXPECT_EQ(log(), "+a +b +c");
  send_shutdown(root);
  EXPECT_EQ(exit_of(root).kind, ExitKind::kShutdown);
  EXPECT_EQ(log(), "-c -b -a");
}

TEST_F(SupervisorTest, RestartsAChildThatThrew) {
  run(setup({worker("a"), worker("b")}));
  const auto before = stage.actors["node/a"];
  log();
  tell("node/a", Crash{"bad sum"});
  EXPECT_EQ(log(), "-a +a");
  EXPECT_NE(stage.actors["node/a"], before);
  EXPECT_EQ(registry->find("node/a"), stage.actors["node/a"]);
}

TEST_F(SupervisorTest, FollowsItsStrategy) {
  run(setup({worker("a"), worker("b"), worker("c")}, Strategy::kRestForOne));
  log();
  tell("node/b", Crash{"x"});
  EXPECT_EQ(log(), "-b -c +b +c");
}

TEST_F(SupervisorTest, QueuesAStartThatThrew) {
  stage.fail_starts["b"] = 2;
  run(setup({worker("a"), worker("b"), worker("c")}));
  EXPECT_EQ(log(), "+a");
  EXPECT_TRUE(happened("node/b", "child_start_failed"));
  scheduler.advance(Duration::milliseconds(20));
  EXPECT_EQ(log(), "+b +c");
}

TEST_F(SupervisorTest, CountsAFactoryThatMakesNothingAsAFailedStart) {
  auto s = setup({{{.id = "a"}, [](const ChildContext&) { return ActorHandle{}; }}});
  auto root = run(std::move(s));
  EXPECT_TRUE(happened("node/a", "child_start_failed"));
  scheduler.advance(Duration::seconds(10));
  EXPECT_EQ(exit_of(root).kind, ExitKind::kError);
}

TEST_F(SupervisorTest, EndsAtOnceWhereNoRestartIsAllowedAndTheFirstStartFails) {
  stage.fail_starts["a"] = 1;
  auto s = setup({worker("a")});
  s.spec.intensity.restarts = 0;
  auto root = run(std::move(s));
  EXPECT_EQ(exit_of(root).kind, ExitKind::kError);
}

TEST_F(SupervisorTest, EscalatesToItsParentWhichRestartsIt) {
  auto inner = setup({worker("x"), worker("y")});
  run(setup({worker("a"), supervisor_child("orders", inner)}));
  EXPECT_EQ(log(), "+a +x +y");
  for (int i = 0; i < 3; ++i) {
    tell("node/orders/x", Crash{"again"});
    scheduler.advance(Duration::milliseconds(500));
  }
  EXPECT_EQ(log(), "-x +x -x +x -x +x");
  tell("node/orders/x", Crash{"again"});
  EXPECT_EQ(log(), "-x -y +x +y");
  EXPECT_TRUE(happened("node/orders", "supervisor_escalated"));
  for (const auto& event : events)
    if (event.event == "supervisor_escalated" && event.path == "node/orders") {
      EXPECT_TRUE(event.cause.starts_with("node/orders/")) << event.cause;
    }
  EXPECT_TRUE(happened("node/orders", "child_restarting"));
}

TEST_F(SupervisorTest, KillsAChildThatDoesNotStop) {
  stage.deaf["b"] = true;
  auto root = run(setup({worker("a"), worker("b")}));
  log();
  send_shutdown(root);
  scheduler.advance(Duration::milliseconds(4'999));
  EXPECT_EQ(log(), "");
  scheduler.advance(Duration::milliseconds(1));
  EXPECT_EQ(log(), "-b -a");
  EXPECT_EQ(exit_of(root).kind, ExitKind::kShutdown);
}

TEST_F(SupervisorTest, KeepsPoisonDownUntilItIsReleased) {
  auto root = run(setup({worker("a"), worker("b")}));
  log();
  tell("node/b", Poison{});
  scheduler.advance(Duration::seconds(100));
  EXPECT_EQ(log(), "-b");
  const auto tree = ask<TreeNode>(root, TreeQuery{});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->children[1].state, "quarantined");
  EXPECT_EQ(tree->children[1].last_exit, "poison: entry 17 kills it");
  const auto reply =
      ask<TreeReply>(root, TreeCommand{TreeAction::kRelease, "node/b", "eve", "fixed"});
  EXPECT_TRUE(reply && reply->ok) << (reply ? reply->text : "no answer");
  EXPECT_EQ(log(), "+b");
}

TEST_F(SupervisorTest, TakesItsChildrenWithItWhenItIsKilled) {
  auto inner = setup({worker("x")});
  auto root = run(setup({worker("a"), supervisor_child("orders", inner)}));
  log();
  send_kill(root);
  scheduler.settle();
  const auto gone = log();
  EXPECT_NE(gone.find("-a"), std::string::npos) << gone;
  EXPECT_NE(gone.find("-x"), std::string::npos) << gone;
  EXPECT_EQ(registry->find("node/a"), ActorHandle{});
}

TEST_F(SupervisorTest, ShowsItsTree) {
  auto inner = setup({worker("x"), worker("y")}, Strategy::kOneForAll);
  auto root = run(setup({worker("a"), supervisor_child("orders", inner)}));
  tell("node/orders/x", Crash{"boom"});
  const auto tree = ask<TreeNode>(root, TreeQuery{});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->path, "node");
  EXPECT_EQ(tree->kind, "supervisor");
  ASSERT_EQ(tree->children.size(), 2u);
  EXPECT_EQ(tree->children[0].path, "node/a");
  EXPECT_EQ(tree->children[0].state, "running");
  EXPECT_EQ(tree->children[0].detail, "detail of a");
  EXPECT_EQ(tree->children[0].leaves, 3u);
  EXPECT_EQ(tree->children[0].messages_handled, 1u);
  const auto& orders = tree->children[1];
  EXPECT_EQ(orders.kind, "supervisor");
  EXPECT_EQ(orders.restarts, 0u);
  EXPECT_EQ(orders.detail, "one_for_all; inner restarts 1");
  ASSERT_EQ(orders.children.size(), 2u);
  EXPECT_EQ(orders.children[0].path, "node/orders/x");
  EXPECT_EQ(orders.children[0].restarts, 1u);
  EXPECT_EQ(orders.children[0].last_exit, "error: boom");
}

TEST_F(SupervisorTest, ShowsAChildThatDoesNotAnswer) {
  auto s = setup({worker("a")});
  s.children.push_back({{.id = "mute"}, [](const ChildContext& context) {
                          return context.system.spawn([](EventBasedActor* self) {
                            self->set_default_handler(caf::skip);
                            return Behavior{[](const Leave&) {}};
                          });
                        }});
  auto root = run(std::move(s));
  const auto tree = ask<TreeNode>(root, TreeQuery{Duration::milliseconds(100)});
  ASSERT_TRUE(tree);
  EXPECT_EQ(tree->children[0].state, "running");
  EXPECT_EQ(tree->children[1].state, "not answering");
}

TEST_F(SupervisorTest, ShowsLeavesByPage) {
  auto inner = setup({worker("x")});
  auto root = run(setup({supervisor_child("orders", inner)}));
  const auto page = ask<LeafPage>(root, LeafQuery{"node/orders/x", 1, 1});
  ASSERT_TRUE(page);
  EXPECT_EQ(page->total, 3u);
  ASSERT_EQ(page->rows.size(), 1u);
  EXPECT_EQ(page->rows[0].path, "node/orders/x/1");
  std::string error;
  EXPECT_FALSE(ask<LeafPage>(root, LeafQuery{"node/nobody/x"}, &error));
  EXPECT_EQ(error, "nothing runs at 'node/nobody/x' (seen from node)");
}

TEST_F(SupervisorTest, ObeysOperatorsAtAnyDepth) {
  auto inner = setup({worker("x"), worker("y")});
  auto root = run(setup({supervisor_child("orders", inner)}));
  log();
  auto command = [&](TreeAction action, const std::string& path) {
    const auto reply = ask<TreeReply>(root, TreeCommand{action, path, "eve", "test"});
    return reply ? *reply : TreeReply{false, "no answer"};
  };
  EXPECT_TRUE(command(TreeAction::kRestart, "node/orders/x").ok);
  EXPECT_EQ(log(), "-x +x");
  EXPECT_TRUE(command(TreeAction::kStop, "node/orders/y").ok);
  EXPECT_EQ(log(), "-y");
  EXPECT_TRUE(command(TreeAction::kRestart, "node/orders").ok);
  EXPECT_EQ(log(), "-x +x +y");
  EXPECT_TRUE(command(TreeAction::kQuarantine, "node/orders/x").ok);
  EXPECT_EQ(log(), "-x");
  EXPECT_TRUE(happened("node/orders/x", "operator_quarantine"));
  EXPECT_TRUE(command(TreeAction::kRestart, "node/orders/y").ok);
  log();
  EXPECT_TRUE(command(TreeAction::kKill, "node/orders/y").ok);
  EXPECT_TRUE(happened("node/orders/y", "child_restarting"));
  EXPECT_FALSE(command(TreeAction::kKill, "node/orders/x").ok);  // it is down

  EXPECT_EQ(command(TreeAction::kStop, "node/orders/zz").text, "no child 'zz' here");
  EXPECT_EQ(command(TreeAction::kStop, "node/zz/y").text,
            "nothing runs at 'node/zz', on the way to 'node/zz/y'");
  EXPECT_EQ(command(TreeAction::kStop, "elsewhere").text, "'elsewhere' is not below node");
  EXPECT_EQ(command(TreeAction::kStop, "node").text, "'node' is not below node");
  EXPECT_FALSE(command(TreeAction::kRelease, "node/orders/y").ok);
}

TEST_F(SupervisorTest, AddsChildrenAtRunTime) {
  auto s = setup({}, Strategy::kSimpleOneForOne);
  s.make = factory();
  auto root = run(std::move(s));
  const auto added = ask<ActorHandle>(root, AddChild{{.id = "session-1"}});
  ASSERT_TRUE(added);
  EXPECT_EQ(*added, stage.actors["node/session-1"]);
  std::string error;
  EXPECT_FALSE(ask<ActorHandle>(root, AddChild{{.id = "session-1"}}, &error));
  EXPECT_EQ(error, "there is a child 'session-1' already (running)");
  tell("node/session-1", Crash{"x"});
  EXPECT_EQ(log(), "+session-1 -session-1 +session-1");
}

TEST_F(SupervisorTest, RefusesToAddWithoutAFactory) {
  auto root = run(setup({}));
  std::string error;
  EXPECT_FALSE(ask<ActorHandle>(root, AddChild{{.id = "a"}}, &error));
  EXPECT_EQ(error, "node has no factory for children at run time");
}

TEST_F(SupervisorTest, RefusesATreeThatIsTooDeep) {
  auto s = setup({});
  s.path = "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17";
  EXPECT_THROW(spawn_supervisor(system.get(), s), CheckFailed);
}

TEST(RefRegistry, KeepsTheLaterActorWhenTheEarlierIsErased) {
  ActorSystem system({.deterministic = true});
  TestScheduler scheduler(system);
  auto make = [&] {
    return system.get().spawn([](EventBasedActor*) { return Behavior{[](const Leave&) {}}; });
  };
  RefRegistry registry;
  auto first = make();
  auto second = make();
  registry.set("p", first);
  registry.set("p", second);
  registry.erase("p", first.address());
  EXPECT_EQ(registry.find("p"), second);
  registry.erase("p", second.address());
  EXPECT_EQ(registry.find("p"), ActorHandle{});
  EXPECT_EQ(registry.find("q"), ActorHandle{});
  send_kill(first);
  send_kill(second);
  scheduler.settle();
}

}  // namespace
}  // namespace holdfast
