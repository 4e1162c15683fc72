#include "nodes/guard/guard_core.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "messages/check.hpp"

namespace holdfast {
namespace {

const NodeExit kKilled{NodeExit::Kind::kSignal, 9};
NodeExit code(int n) { return {NodeExit::Kind::kCode, n}; }

/// A guard with a node that starts when asked to.
class GuardRig {
 public:
  explicit GuardRig(GuardPolicy policy = policy_of()) : core(policy) {}

  static GuardPolicy policy_of() {
    return {.intensity = {5, Duration::seconds(60)},
            .backoff = {.first = Duration::milliseconds(20),
                        .longest = Duration::seconds(1),
                        .jitter_permille = 0,
                        .stable_after = Duration::milliseconds(500)},
            .stop_timeout = Duration::seconds(10)};
  }
  void start() { obey(core.start(false, now)); }
  void exit(NodeExit how) {
    up = false;
    obey(core.node_exited(how, now, 0));
  }
  void pass(Duration d) {
    const MonoTime until = now + d;
    while (const auto next = core.next_deadline()) {
      if (*next > until) break;
      now = std::max(now, *next);
      obey(core.tick(now));
    }
    now = until;
  }
  Result<> command(Result<GuardDecisions> decisions) {
    if (!decisions.ok()) return decisions.error();
    obey(std::move(decisions).value());
    return success();
  }
  void obey(const GuardDecisions& decisions) {
    for (const auto& decision : decisions) {
      ASSERT_FALSE(code_.has_value()) << "a decision after the last";
      switch (decision.kind) {
        case GuardDecision::Kind::kSpawn:
          ASSERT_FALSE(up) << "a second node";
          log += '+';
          if (refuse_spawn) {
            obey(core.spawn_failed("no such file", now, 0));
          } else {
            up = true;
            obey(core.node_started(now));
          }
          break;
        case GuardDecision::Kind::kKill:
          ASSERT_TRUE(up);
          log += '!';
          break;
        case GuardDecision::Kind::kTerminate:
          ASSERT_TRUE(up);
          log += '-';
          break;
        case GuardDecision::Kind::kReport:
          if (decision.alarm) alarms.push_back(decision.event);
          break;
        case GuardDecision::Kind::kExit:
          ASSERT_FALSE(up) << "the guard leaves its node alone";
          code_ = decision.code;
          break;
      }
    }
  }
  std::string seen() { return std::exchange(log, ""); }

  GuardCore core;
  MonoTime now = {1'000'000'000};
  bool up = false;
  bool refuse_spawn = false;
  std::string log;  // + spawn, ! kill, - terminate
  std::vector<std::string> alarms;
  std::optional<int> code_;
};

TEST(GuardCore, StartsTheNode) {
  GuardRig rig;
  rig.start();
  EXPECT_EQ(rig.seen(), "+");
  EXPECT_EQ(rig.core.state(), GuardState::kRunning);
}

TEST(GuardCore, AdoptsANodeInsteadOfStartingOne) {
  GuardRig rig;
  rig.up = true;
  rig.obey(rig.core.start(true, rig.now));
  EXPECT_EQ(rig.seen(), "");
  rig.exit({});
  EXPECT_EQ(rig.seen(), "+");
}

TEST(GuardCore, RestartsAKilledNodeAtOnceThenBacksOff) {
  GuardRig rig;
  rig.start();
  rig.exit(kKilled);
  EXPECT_EQ(rig.seen(), "++");
  rig.exit(kKilled);
  EXPECT_EQ(rig.seen(), "");
  rig.pass(Duration::milliseconds(20));
  EXPECT_EQ(rig.seen(), "+");
}

TEST(GuardCore, LeavesTheProcessorsToOthersBeforeARestartWhereTheyTakeOver) {
  GuardPolicy policy{.intensity = {100, Duration::seconds(60)},
                     .backoff = GuardRig::policy_of().backoff};
  policy.restart_after = Duration::milliseconds(60);
  GuardRig rig(policy);
  rig.start();
  EXPECT_EQ(rig.seen(), "+") << "the first start waits for nobody";
  for (int i = 0; i < 3; ++i) {
    rig.pass(Duration::milliseconds(700));
    rig.exit(kKilled);
    rig.pass(Duration::milliseconds(59));
    EXPECT_EQ(rig.seen(), "");
    rig.pass(Duration::milliseconds(1));
    EXPECT_EQ(rig.seen(), "+");
  }
}

TEST(GuardCore, RestartsAtOnceForEverWhenTheNodeRanStably) {
  GuardRig rig(
      {.intensity = {100, Duration::seconds(60)}, .backoff = GuardRig::policy_of().backoff});
  rig.start();
  for (int i = 0; i < 50; ++i) {
    rig.pass(Duration::milliseconds(700));
    rig.exit(kKilled);
    EXPECT_TRUE(rig.up);
  }
  EXPECT_TRUE(rig.alarms.empty());
  EXPECT_EQ(rig.core.restarts(), 50u);
}

TEST(GuardCore, RestartsAfterEveryKindOfFailure) {
  for (const auto how :
       {code(1), code(3), kKilled, NodeExit{NodeExit::Kind::kSignal, 11}, NodeExit{}}) {
    GuardRig rig;
    rig.start();
    rig.exit(how);
    EXPECT_EQ(rig.seen(), "++") << to_string(how);
  }
}

TEST(GuardCore, EndsWithANodeThatEndsCleanly) {
  GuardRig rig;
  rig.start();
  rig.exit(code(0));
  EXPECT_EQ(rig.code_, 0);
}

TEST(GuardCore, EndsWithANodeThatRefusesItsConfiguration) {
  GuardRig rig;
  rig.start();
  rig.exit(code(2));
  EXPECT_EQ(rig.code_, 2);
  EXPECT_EQ(rig.alarms, std::vector<std::string>{"guard_done"});
}

TEST(GuardCore, TriesOnSlowlyUnderAnAlarmWhenTheNodeDiesTooOften) {
  GuardRig rig;
  rig.start();
  for (int i = 0; i < 5; ++i) {
    rig.exit(kKilled);
    rig.pass(Duration::milliseconds(400));
  }
  EXPECT_TRUE(rig.alarms.empty());
  rig.exit(kKilled);
  EXPECT_EQ(rig.alarms, std::vector<std::string>{"node_restarts_too_often"});
  rig.pass(Duration::milliseconds(999));
  EXPECT_FALSE(rig.up);
  rig.pass(Duration::milliseconds(1));
  EXPECT_TRUE(rig.up);
}

TEST(GuardCore, QueuesASpawnThatFails) {
  GuardRig rig;
  rig.refuse_spawn = true;
  rig.start();
  EXPECT_EQ(rig.seen(), "++") << "once more at once, then later";
  rig.pass(Duration::milliseconds(19));
  EXPECT_EQ(rig.seen(), "");
  rig.refuse_spawn = false;
  rig.pass(Duration::milliseconds(1));
  EXPECT_TRUE(rig.up);
}

TEST(GuardCore, KillsAndRestartsANodeThatHangs) {
  GuardRig rig;
  rig.start();
  rig.obey(rig.core.hung("orders", rig.now));
  rig.obey(rig.core.hung("orders", rig.now));
  EXPECT_EQ(rig.seen(), "+!");
  rig.exit(kKilled);
  EXPECT_EQ(rig.seen(), "+");
  EXPECT_EQ(rig.core.hangs(), 1u);
}

TEST(GuardCore, FencesAndStartsAgain) {
  GuardRig rig;
  rig.start();
  ASSERT_TRUE(rig.command(rig.core.fence(false, "test", rig.now)).ok());
  EXPECT_EQ(rig.seen(), "+!");
  rig.exit(kKilled);
  EXPECT_EQ(rig.seen(), "+");
  EXPECT_EQ(rig.core.fences(), 1u);
}

TEST(GuardCore, HoldsAFencedNodeDownUntilItIsStarted) {
  GuardRig rig;
  rig.start();
  ASSERT_TRUE(rig.command(rig.core.fence(true, "test", rig.now)).ok());
  rig.exit(kKilled);
  rig.pass(Duration::seconds(100));
  EXPECT_EQ(rig.seen(), "+!");
  EXPECT_EQ(rig.core.state(), GuardState::kHeld);
  ASSERT_TRUE(rig.command(rig.core.resume(rig.now)).ok());
  EXPECT_EQ(rig.seen(), "+");
}

TEST(GuardCore, HoldsANodeThatWaitsForItsRestart) {
  GuardRig rig;
  rig.start();
  rig.exit(kKilled);
  rig.exit(kKilled);
  ASSERT_TRUE(rig.command(rig.core.fence(true, "test", rig.now)).ok());
  rig.pass(Duration::seconds(100));
  EXPECT_EQ(rig.seen(), "++");
  EXPECT_EQ(rig.core.state(), GuardState::kHeld);
}

TEST(GuardCore, AHoldAddedToAFenceUnderWayCounts) {
  GuardRig rig;
  rig.start();
  ASSERT_TRUE(rig.command(rig.core.fence(false, "a", rig.now)).ok());
  ASSERT_TRUE(rig.command(rig.core.fence(true, "b", rig.now)).ok());
  rig.exit(kKilled);
  EXPECT_EQ(rig.core.state(), GuardState::kHeld);
}

TEST(GuardCore, StartsAWaitingNodeAtOnceOnCommandAndNoOther) {
  GuardRig rig;
  rig.start();
  EXPECT_EQ(rig.core.resume(rig.now).error().code, ErrorCode::kConflict);
  rig.exit(kKilled);
  rig.exit(kKilled);
  EXPECT_FALSE(rig.up);
  ASSERT_TRUE(rig.command(rig.core.resume(rig.now)).ok());
  EXPECT_TRUE(rig.up);
}

TEST(GuardCore, StopsTheNodeThenItself) {
  GuardRig rig;
  rig.start();
  rig.obey(rig.core.stop(rig.now));
  rig.obey(rig.core.stop(rig.now));
  EXPECT_EQ(rig.seen(), "+-");
  rig.exit(code(0));
  EXPECT_EQ(rig.code_, 0);
}

TEST(GuardCore, KillsANodeThatDoesNotStopInTime) {
  GuardRig rig;
  rig.start();
  rig.obey(rig.core.stop(rig.now));
  rig.pass(Duration::milliseconds(9'999));
  EXPECT_EQ(rig.seen(), "+-");
  rig.pass(Duration::seconds(100));
  EXPECT_EQ(rig.seen(), "!");
  rig.exit(kKilled);
  EXPECT_EQ(rig.code_, 0);
}

TEST(GuardCore, StopsAtOnceWithoutANode) {
  GuardRig rig;
  rig.start();
  rig.exit(kKilled);
  rig.exit(kKilled);
  rig.obey(rig.core.stop(rig.now));
  EXPECT_EQ(rig.code_, 0);
  EXPECT_EQ(rig.core.fence(false, "", rig.now).error().code, ErrorCode::kConflict);
}

TEST(GuardCore, StopsAfterAFenceUnderWay) {
  GuardRig rig;
  rig.start();
  ASSERT_TRUE(rig.command(rig.core.fence(false, "", rig.now)).ok());
  rig.obey(rig.core.stop(rig.now));
  EXPECT_FALSE(rig.core.next_deadline().has_value());
  rig.exit(kKilled);
  EXPECT_EQ(rig.code_, 0);
  EXPECT_EQ(rig.seen(), "+!");
}

TEST(GuardCore, SaysHowTheNodeEnded) {
  EXPECT_EQ(to_string(code(1)), "code 1");
  EXPECT_EQ(to_string(kKilled), "signal 9 (Killed)");
  EXPECT_EQ(to_string(NodeExit{}), "ended (status unknown: it was adopted)");
}

TEST(GuardCore, HoldsItsRulesUnderRandomEvents) {
  int ended = 0;
  for (uint64_t seed = 1; seed <= 2'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    GuardRig rig;
    rig.start();
    for (int i = 0; i < 200 && !rig.code_ && !HasFailure(); ++i) {
      rig.refuse_spawn = random() % 5 == 0;
      switch (random() % 7) {
        case 0:
        case 1:
          if (rig.up) rig.exit(random() % 20 == 0 ? code(static_cast<int>(random() % 3)) : kKilled);
          break;
        case 2:
          rig.obey(rig.core.hung("loop", rig.now));
          break;
        case 3:
          (void)rig.command(rig.core.fence(random() % 2 == 0, "", rig.now)).ok();
          break;
        case 4:
          (void)rig.command(rig.core.resume(rig.now)).ok();
          break;
        case 5:
          if (random() % 30 == 0) rig.obey(rig.core.stop(rig.now));
          break;
        default:
          rig.pass(Duration::milliseconds(static_cast<int>(random() % 2'000)));
      }
      if (!rig.code_ && rig.core.state() == GuardState::kRunning) {
        EXPECT_TRUE(rig.up);
      }
    }
    if (!rig.code_) {
      rig.obey(rig.core.stop(rig.now));
      rig.pass(Duration::seconds(10));
      if (rig.up) rig.exit(kKilled);
    }
    EXPECT_TRUE(rig.code_.has_value());
    ended += rig.code_.has_value();
    if (HasFailure()) return;
  }
  EXPECT_EQ(ended, 2'000);
}

}  // namespace
}  // namespace holdfast
