// The executor of remedies' steps against a tree, a gateway and hand-overs that the test plays.
#include "nodes/node/remedies/remedy_executor_actor.hpp"

#include <gtest/gtest.h>

#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/room_messages.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "tests/enumerators.hpp"

namespace holdfast::node {
namespace {

using orchestrator::healing::ExecuteStep;
using orchestrator::healing::StepResult;
using orchestrator::remediation::Ledger;
using orchestrator::remediation::StepId;
using orchestrator::remediation::StepOutcome;

constexpr WallTime at(int64_t ms) { return {1'000'000'000'000'000 + ms * 1'000'000}; }
constexpr GroupId kOrders{1};
constexpr MemberId kSelf{1}, kOther{2};

class Executor : public ::testing::Test {
 protected:
  Executor() : ledger(std::make_shared<Ledger>(at(0))) {
    root = spawn_function_on(system.get(), loop, [this](LoopActor*) -> Behavior {
      return {[this](const TreeCommand& command) {
        restarted.push_back(command.path);
        return TreeReply{tree_takes, tree_takes ? "restarting" : "no such child"};
      }};
    });
    gateway = spawn_function_on(system.get(), loop, [this](LoopActor*) -> Behavior {
      return {[this](const VenueCommand& command) {
        commanded.push_back(command.kind);
        VenueCommandAnswer answer;
        answer.accepted = true;
        answer.text = "taken";
        return answer;
      }};
    });
    start();
  }
  ~Executor() override {
    loop.close();
    actor = root = gateway = nullptr;
  }

  void start() {
    RemedyExecutorSetup setup;
    setup.self = kSelf;
    setup.wall = [this] { return wall; };
    setup.ledger = ledger;
    setup.known = [this](const ExecuteStep&) { return known; };
    setup.answer = [this](const StepResult& result) { results.push_back(result); };
    setup.say = [this](const std::string& line, bool alarm) {
      if (alarm) alarms.push_back(line);
    };
    setup.root = [this] { return root; };
    setup.path_of = [](GroupId group) { return group == kOrders ? "node/orders/shard-0" : ""; };
    setup.gateway = [this](const std::string& venue) {
      return venue == "XSIM" ? gateway : ActorHandle();
    };
    setup.hand_over =
        HandOverMeans{"a",
                      [this] {
                        operator_api::ReplicaGroupView view;
                        view.group = kOrders;
                        view.leader = leader;
                        return operator_api::ReplicaGroupsView{"a", {view}};
                      },
                      [this](GroupId, const std::string& to) -> Result<> {
                        asked += 1;
                        if (!hand_over_works) return Error{ErrorCode::kConflict, "it is not level"};
                        leader = to;
                        return success();
                      },
                      [](MemberId member) { return std::string(member == kSelf ? "a" : "b"); },
                      [](GroupId) { return std::string("orders/0"); }};
    setup.topology = [] { return orchestrator::Topology{{{kOrders, kSelf, {kSelf, kOther}}}}; };
    setup.take_over = [this](GroupId) -> Result<> {
      leader = "a";
      return success();
    };
    actor = caf::actor_cast<ActorHandle>(
        spawn_on<RemedyExecutorActor>(system.get(), loop, std::move(setup)));
  }

  ExecuteStep step(ActionKind kind) {
    next += 1;
    ExecuteStep step;
    step.id = {next, next, 0, 1, false};
    step.workflow = "move";
    step.action.kind = kind;
    step.action.target.member = kSelf;
    step.action.target.group = kOrders;
    step.action.to = kOther;
    step.not_after = wall + Duration::milliseconds(200);
    return step;
  }
  /// Sends it and waits for the answer.
  StepResult run(const ExecuteStep& step) {
    const auto before = results.size();
    anon_send(actor, StepOrder{step, {1}});
    const MonoTime until = loop.now() + Duration::seconds(20);
    while (results.size() == before && loop.now() < until) loop.turn();
    EXPECT_EQ(results.size(), before + 1);
    if (results.size() == before) return {};
    EXPECT_EQ(results.back().id, step.id);
    EXPECT_FALSE(results.back().text.empty());
    return results.back();
  }
  StepOutcome outcome(const ExecuteStep& step) { return run(step).outcome; }

  ActorSystem system;
  HotLoop loop;
  std::shared_ptr<Ledger> ledger;
  ActorHandle actor, root, gateway;
  WallTime wall = at(10'000);
  KnownStep known{at(9'990), {}, false};
  std::vector<StepResult> results;
  std::vector<std::string> restarted, alarms;
  std::vector<VenueCommandKind> commanded;
  bool tree_takes = true, hand_over_works = true;
  std::string leader = "a";
  int asked = 0;
  uint64_t next = 0;
};

TEST_F(Executor, RestartsByTheTreeOnceHoweverOftenItIsTold) {
  const auto order = step(ActionKind::kRestartClean);
  EXPECT_EQ(outcome(order), StepOutcome::kDone);
  EXPECT_EQ(outcome(order), StepOutcome::kDone);
  EXPECT_EQ(restarted, std::vector<std::string>{"node/orders/shard-0"});
  auto named = step(ActionKind::kRestartActor);
  named.action.target.instance = telemetry::Instance("node/venues/XSIM");
  EXPECT_EQ(outcome(named), StepOutcome::kDone);
  EXPECT_EQ(restarted.back(), "node/venues/XSIM");
}

TEST_F(Executor, SaysWhyTheTreeWouldNot) {
  tree_takes = false;
  const auto refused = run(step(ActionKind::kRestartActor));
  EXPECT_EQ(refused.outcome, StepOutcome::kFailed);
  EXPECT_EQ(refused.text, "no such child");
}

TEST_F(Executor, WhatTheTreeDoesNotAnswerMayHaveBeenDone) {
  send_shutdown(root);
  const MonoTime until = loop.now() + Duration::seconds(5);
  bool gone = false;
  while (!gone && loop.now() < until) {
    loop.turn();
    gone = outcome(step(ActionKind::kRestartActor)) == StepOutcome::kLost;
  }
  EXPECT_TRUE(gone);
}

TEST_F(Executor, MigratesPromotesAndDrainsByHandOvers) {
  for (const auto kind : {ActionKind::kMigrate, ActionKind::kPromote, ActionKind::kDrain}) {
    leader = "a";
    EXPECT_EQ(outcome(step(kind)), StepOutcome::kDone) << to_text(kind);
    EXPECT_EQ(leader, "b");
  }
  EXPECT_EQ(asked, 3);
}

TEST_F(Executor, AHandOverThatNeverBeganIsFailed) {
  hand_over_works = false;
  const auto refused = run(step(ActionKind::kMigrate));
  EXPECT_EQ(refused.outcome, StepOutcome::kFailed);
  EXPECT_NE(refused.text.find("it is not level"), std::string::npos) << refused.text;
}

TEST_F(Executor, TakesBackWhatWasHandedOver) {
  const auto there = step(ActionKind::kMigrate);
  EXPECT_EQ(outcome(there), StepOutcome::kDone);
  auto back = there;
  back.id.undo = true;
  back.voids = there.id;
  back.action.target.member = kOther;
  back.action.to = kSelf;
  known.voided_intended = known.intended;
  EXPECT_EQ(outcome(back), StepOutcome::kDone);
  EXPECT_EQ(leader, "a");
}

TEST_F(Executor, AnUndoThatComesFirstKeepsTheStepFromBeingDone) {
  const auto there = step(ActionKind::kMigrate);
  auto back = there;
  back.id.undo = true;
  back.voids = there.id;
  known.voided_intended = known.intended;
  EXPECT_EQ(outcome(back), StepOutcome::kVoid);
  EXPECT_EQ(outcome(there), StepOutcome::kVoid);
  EXPECT_EQ(asked, 0);
}

TEST_F(Executor, HaltsAndResumesAVenueByItsGateway) {
  auto halt = step(ActionKind::kHaltVenue), resume = step(ActionKind::kResumeVenue);
  halt.action.target.instance = resume.action.target.instance = telemetry::Instance("XSIM");
  EXPECT_EQ(outcome(halt), StepOutcome::kDone);
  EXPECT_EQ(outcome(resume), StepOutcome::kDone);
  EXPECT_EQ(commanded,
            (std::vector<VenueCommandKind>{VenueCommandKind::kHalt, VenueCommandKind::kResume}));
  halt = step(ActionKind::kHaltVenue);
  halt.action.target.instance = telemetry::Instance("NONE");
  EXPECT_EQ(outcome(halt), StepOutcome::kFailed);
}

TEST_F(Executor, APageIsAnAlarm) {
  EXPECT_EQ(outcome(step(ActionKind::kPage)), StepOutcome::kDone);
  EXPECT_EQ(alarms.size(), 1u);
}

TEST_F(Executor, NoKindOfActionStaysWithoutAnAnswer) {
  for (const auto& [kind, name] : tests::enumerators<ActionKind>()) {
    const auto result = run(step(kind));
    EXPECT_NE(result.outcome, StepOutcome::kVoid) << name;
  }
  EXPECT_EQ(outcome(step(ActionKind::kThrottle)), StepOutcome::kFailed);
}

TEST_F(Executor, DoesNothingWhileTheKillSwitchIsOn) {
  known.killed = true;
  EXPECT_EQ(outcome(step(ActionKind::kMigrate)), StepOutcome::kVoid);
  EXPECT_EQ(asked, 0);
}

TEST_F(Executor, ItsMemoryOutlivesIt) {
  const auto order = step(ActionKind::kRestartActor);
  EXPECT_EQ(outcome(order), StepOutcome::kDone);
  send_shutdown(actor);
  start();
  EXPECT_EQ(outcome(order), StepOutcome::kDone);
  EXPECT_EQ(restarted.size(), 1u);
}

}  // namespace
}  // namespace holdfast::node
