#include "supervision/tree/supervisor_core.hpp"

#include <gtest/gtest.h>

#include "messages/limits.hpp"
#include "tests/unit/tree/supervisor_rig.hpp"

namespace holdfast {
namespace {

SupervisorSpec spec_of(Strategy strategy) {
  return {.strategy = strategy,
          .intensity = {.restarts = 3, .period = Duration::seconds(5)},
          .backoff = {.first = Duration::milliseconds(100),
                      .longest = Duration::seconds(1),
                      .jitter_permille = 0,
                      .stable_after = Duration::seconds(5)}};
}

std::vector<ChildSpec> three(RestartKind kind = RestartKind::kPermanent) {
  return {{.id = "a", .restart = kind}, {.id = "b", .restart = kind}, {.id = "c", .restart = kind}};
}

SupervisorRig started(Strategy strategy, std::vector<ChildSpec> children = three()) {
  SupervisorRig rig(spec_of(strategy), std::move(children));
  rig.start();
  rig.log();
  return rig;
}

TEST(SupervisorCore, StartsInOrderAndStopsInReverse) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), three());
  rig.start();
  EXPECT_EQ(rig.log(), "+a +b +c");
  rig.stop();
  EXPECT_EQ(rig.log(), "-c -b -a");
  EXPECT_TRUE(rig.finished);
  EXPECT_EQ(rig.result.kind, ExitKind::kShutdown);
}

TEST(SupervisorCore, StartsTheNextOnlyWhenTheOneBeforeIsUp) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), three());
  rig.answer_starts = false;
  rig.start();
  EXPECT_EQ(rig.log(), "+a");
  rig.started("a");
  EXPECT_EQ(rig.log(), "+b");
}

TEST(SupervisorCore, StopsTheNextOnlyWhenTheOneAfterIsDown) {
  auto rig = started(Strategy::kOneForOne);
  rig.answer_stops = false;
  rig.stop();
  EXPECT_EQ(rig.log(), "-c");
  rig.exit("c", ExitKind::kShutdown);
  EXPECT_EQ(rig.log(), "-b");
  EXPECT_FALSE(rig.finished);
}

TEST(SupervisorCore, FinishesAtOnceWithoutChildren) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), {});
  rig.start();
  EXPECT_FALSE(rig.finished);
  rig.stop();
  EXPECT_TRUE(rig.finished);
}

TEST(SupervisorCore, MayBeStoppedBeforeItStarted) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), three());
  rig.stop();
  EXPECT_EQ(rig.log(), "");
  EXPECT_TRUE(rig.finished);
}

TEST(SupervisorCore, OneForOneRestartsOnlyTheOneThatFailed) {
  auto rig = started(Strategy::kOneForOne);
  rig.exit("b");
  EXPECT_EQ(rig.log(), "+b");
}

TEST(SupervisorCore, OneForAllStopsTheOthersInReverseAndStartsAllInOrder) {
  auto rig = started(Strategy::kOneForAll);
  rig.exit("b");
  EXPECT_EQ(rig.log(), "-c -a +a +b +c");
}

TEST(SupervisorCore, RestForOneTakesThoseStartedAfterWithIt) {
  auto rig = started(Strategy::kRestForOne);
  rig.exit("b");
  EXPECT_EQ(rig.log(), "-c +b +c");
}

TEST(SupervisorCore, AGroupComesUpOnlyWhenAllOfItIsDown) {
  auto rig = started(Strategy::kOneForAll);
  rig.answer_stops = false;
  rig.exit("a");
  EXPECT_EQ(rig.log(), "-c");
  rig.exit("c", ExitKind::kShutdown);
  EXPECT_EQ(rig.log(), "-b");
  rig.exit("b", ExitKind::kError);
  EXPECT_EQ(rig.log(), "+a +b +c");
  EXPECT_EQ(rig.core.restarts(), 1u) << "what was asked to stop is no failure";
}

TEST(SupervisorCore, AGroupWaitsForTheBackoffOfTheOneThatFailed) {
  auto rig = started(Strategy::kOneForAll);
  rig.exit("b");
  rig.log();
  rig.exit("b");
  EXPECT_EQ(rig.log(), "-c -a +a");
  rig.pass(Duration::milliseconds(99));
  EXPECT_EQ(rig.log(), "");
  rig.pass(Duration::milliseconds(1));
  EXPECT_EQ(rig.log(), "+b +c");
}

TEST(SupervisorCore, PermanentChildrenComeBackAfterEveryKindOfExit) {
  for (const auto kind :
       {ExitKind::kNormal, ExitKind::kShutdown, ExitKind::kKilled, ExitKind::kError}) {
    auto rig = started(Strategy::kOneForOne);
    rig.exit("b", kind);
    EXPECT_EQ(rig.log(), "+b") << to_string(kind);
  }
}

TEST(SupervisorCore, TransientChildrenComeBackOnlyAfterAFailure) {
  for (const auto kind : {ExitKind::kNormal, ExitKind::kShutdown}) {
    auto rig = started(Strategy::kOneForOne, three(RestartKind::kTransient));
    rig.exit("b", kind);
    EXPECT_EQ(rig.log(), "") << to_string(kind);
    EXPECT_EQ(rig.state("b"), ChildState::kDown);
  }
  for (const auto kind : {ExitKind::kKilled, ExitKind::kError}) {
    auto rig = started(Strategy::kOneForOne, three(RestartKind::kTransient));
    rig.exit("b", kind);
    EXPECT_EQ(rig.log(), "+b") << to_string(kind);
  }
}

TEST(SupervisorCore, TemporaryChildrenAreForgottenAfterEveryKindOfExit) {
  for (const auto kind :
       {ExitKind::kNormal, ExitKind::kShutdown, ExitKind::kKilled, ExitKind::kError}) {
    auto rig = started(Strategy::kOneForOne, three(RestartKind::kTemporary));
    rig.exit("b", kind);
    EXPECT_EQ(rig.log(), "");
    EXPECT_FALSE(rig.core.child("b").has_value());
    EXPECT_EQ(rig.core.restarts(), 0u);
  }
}

TEST(SupervisorCore, TemporarySiblingsAreNotBroughtBackByAGroup) {
  auto children = three();
  children[2].restart = RestartKind::kTemporary;
  auto rig = started(Strategy::kOneForAll, children);
  rig.exit("a");
  EXPECT_EQ(rig.log(), "-c -b +a +b");
  EXPECT_FALSE(rig.core.child("c").has_value());
}

TEST(SupervisorCore, TransientSiblingsThatHaveEndedAreBroughtBackByAGroup) {
  auto children = three();
  children[2].restart = RestartKind::kTransient;
  auto rig = started(Strategy::kOneForAll, children);
  rig.exit("c", ExitKind::kNormal);
  EXPECT_EQ(rig.log(), "");
  rig.exit("a");
  EXPECT_EQ(rig.log(), "-b +a +b +c");
}

TEST(SupervisorCore, BacksOffFromTheSecondFailureOn) {
  auto rig = started(Strategy::kOneForOne);
  rig.exit("b");
  EXPECT_EQ(rig.log(), "+b");
  rig.exit("b");
  EXPECT_EQ(rig.log(), "");
  rig.pass(Duration::milliseconds(100));
  EXPECT_EQ(rig.log(), "+b");
  rig.exit("b");
  rig.pass(Duration::milliseconds(199));
  EXPECT_EQ(rig.log(), "");
  rig.pass(Duration::milliseconds(1));
  EXPECT_EQ(rig.log(), "+b");
}

TEST(SupervisorCore, AFailedRestartIsQueuedAgainAndHoldsUpNobody) {
  auto rig = started(Strategy::kOneForOne);
  rig.answer_starts = false;
  rig.exit("b");
  EXPECT_EQ(rig.log(), "+b");
  rig.start_failed("b");
  EXPECT_EQ(rig.log(), "") << "not at once again";
  rig.exit("c");
  EXPECT_EQ(rig.log(), "+c");
  rig.started("c");
  rig.pass(Duration::milliseconds(100));
  EXPECT_EQ(rig.log(), "+b");
  EXPECT_EQ(rig.core.child("b")->restarts, 2u);
}

TEST(SupervisorCore, AFailedFirstStartHoldsUpThoseAfterIt) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), three());
  rig.answer_starts = false;
  rig.start();
  rig.started("a");
  rig.log();
  rig.start_failed("b");
  EXPECT_EQ(rig.log(), "+b") << "the first retry is immediate";
  rig.start_failed("b");
  EXPECT_EQ(rig.log(), "");
  rig.answer_starts = true;
  rig.pass(Duration::milliseconds(100));
  EXPECT_EQ(rig.log(), "+b +c");
}

TEST(SupervisorCore, ATemporaryChildThatCannotStartIsForgotten) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), three(RestartKind::kTemporary));
  rig.answer_starts = false;
  rig.start();
  rig.start_failed("a");
  EXPECT_FALSE(rig.core.child("a").has_value());
  EXPECT_EQ(rig.log(), "+a +b");
}

TEST(SupervisorCore, EscalatesWhenTheIntensityIsExceeded) {
  auto rig = started(Strategy::kOneForOne);
  for (int i = 0; i < 3; ++i) {
    rig.exit("b");
    rig.pass(Duration::seconds(1));
    EXPECT_TRUE(rig.running("b"));
  }
  rig.log();
  rig.exit("b");
  EXPECT_TRUE(rig.escalated);
  EXPECT_EQ(rig.log(), "-c -a");
  EXPECT_TRUE(rig.finished);
  EXPECT_EQ(rig.result.kind, ExitKind::kError);
  EXPECT_EQ(rig.result.text, "more than 3 restarts in 5000 ms, last: b (error: words)");
}

TEST(SupervisorCore, CountsTheRestartsOfAllChildrenTogether) {
  auto rig = started(Strategy::kOneForOne);
  rig.exit("a");
  rig.exit("b");
  rig.exit("c");
  EXPECT_FALSE(rig.escalated);
  rig.exit("a");
  EXPECT_TRUE(rig.escalated);
}

TEST(SupervisorCore, CountsOneRestartForAWholeGroup) {
  auto rig = started(Strategy::kOneForAll);
  for (int i = 0; i < 3; ++i) {
    rig.exit("a");
    rig.pass(Duration::seconds(1));
  }
  EXPECT_FALSE(rig.escalated);
  EXPECT_EQ(rig.core.restarts(), 3u);
}

TEST(SupervisorCore, GoesOnForEverWhenFailuresAreRare) {
  auto rig = started(Strategy::kOneForOne);
  for (int i = 0; i < 100; ++i) {
    rig.pass(Duration::seconds(6));
    rig.exit("b");
    EXPECT_TRUE(rig.running("b"));
  }
  EXPECT_FALSE(rig.escalated);
}

TEST(SupervisorCore, KillsWhatDoesNotStopInTime) {
  auto children = three();
  children[1].shutdown_timeout = Duration::seconds(2);
  auto rig = started(Strategy::kOneForOne, children);
  rig.answer_stops = false;
  rig.stop();
  rig.exit("c", ExitKind::kShutdown);
  EXPECT_EQ(rig.log(), "-c -b");
  rig.pass(Duration::milliseconds(1'999));
  EXPECT_EQ(rig.log(), "");
  rig.pass(Duration::milliseconds(1));
  EXPECT_EQ(rig.log(), "!b -a");
  EXPECT_TRUE(rig.reported("child_killed"));
}

TEST(SupervisorCore, KillsAtOnceWithATimeoutOfZero) {
  auto children = three();
  children[2].shutdown_timeout = {};
  auto rig = started(Strategy::kOneForOne, children);
  rig.stop();
  EXPECT_EQ(rig.log(), "!c -b -a");
}

TEST(SupervisorCore, WaitsForEverWhereToldTo) {
  auto children = three();
  children[2].shutdown_timeout = kWaitForever;
  auto rig = started(Strategy::kOneForOne, children);
  rig.answer_stops = false;
  rig.stop();
  EXPECT_FALSE(rig.core.next_deadline().has_value());
}

TEST(SupervisorCore, ReportsAHungChildAndStopsTheOthersWithoutIt) {
  auto rig = started(Strategy::kOneForOne);
  rig.answer_stops = false;
  rig.answer_kills = false;
  rig.stop();
  rig.answer_stops = true;
  rig.pass(Duration::seconds(60));
  EXPECT_EQ(rig.log(), "-c !c -b -a");
  EXPECT_EQ(rig.alarms, std::vector<std::string>{"child_hung c"});
  EXPECT_FALSE(rig.finished);
  rig.exit("c", ExitKind::kKilled);
  EXPECT_TRUE(rig.finished);
}

TEST(SupervisorCore, PoisonStaysDownAndTheOthersGoOn) {
  for (const auto strategy : {Strategy::kOneForOne, Strategy::kOneForAll, Strategy::kRestForOne}) {
    auto rig = started(strategy);
    rig.exit("b", ExitKind::kPoison);
    rig.pass(Duration::seconds(100));
    EXPECT_EQ(rig.log(), "");
    EXPECT_EQ(rig.state("b"), ChildState::kQuarantined);
    EXPECT_TRUE(rig.running("a") && rig.running("c"));
    EXPECT_EQ(rig.alarms, std::vector<std::string>{"child_quarantined b"});
  }
}

TEST(SupervisorCore, AGroupRestartLeavesPoisonDown) {
  auto rig = started(Strategy::kOneForAll);
  rig.exit("b", ExitKind::kPoison);
  rig.exit("a");
  EXPECT_EQ(rig.log(), "-c +a +c");
}

TEST(SupervisorCore, AnOperatorReleasesPoison) {
  auto rig = started(Strategy::kOneForOne);
  rig.exit("b", ExitKind::kPoison);
  EXPECT_EQ(rig.command(rig.core.restart_child("b", rig.now)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(rig.command(rig.core.stop_child("b", rig.now)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(rig.command(rig.core.release_child("a", rig.now)).error().code, ErrorCode::kConflict);
  ASSERT_TRUE(rig.command(rig.core.release_child("b", rig.now)).ok());
  EXPECT_EQ(rig.log(), "+b");
}

TEST(SupervisorCore, AnOperatorQuarantinesAChild) {
  auto rig = started(Strategy::kOneForOne);
  ASSERT_TRUE(rig.command(rig.core.quarantine_child("b", "looks odd", rig.now)).ok());
  EXPECT_EQ(rig.log(), "-b");
  EXPECT_EQ(rig.state("b"), ChildState::kQuarantined);
}

TEST(SupervisorCore, AnOperatorsRestartIsNoFailure) {
  auto rig = started(Strategy::kOneForOne);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(rig.command(rig.core.restart_child("b", rig.now)).ok());
  EXPECT_FALSE(rig.escalated);
  EXPECT_EQ(rig.core.restarts(), 0u);
  EXPECT_TRUE(rig.running("b"));
}

TEST(SupervisorCore, AnOperatorsKillIsAFailure) {
  auto rig = started(Strategy::kOneForOne);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(rig.command(rig.core.kill_child("b", rig.now)).ok());
    EXPECT_FALSE(rig.escalated);
    rig.pass(Duration::milliseconds(500));
    EXPECT_TRUE(rig.running("b"));
  }
  EXPECT_EQ(rig.log(), "!b +b !b +b !b +b");
  ASSERT_TRUE(rig.command(rig.core.kill_child("b", rig.now)).ok());
  EXPECT_TRUE(rig.escalated);
  EXPECT_EQ(rig.escalated_for, "b");
}

TEST(SupervisorCore, WhatIsKilledAlreadyIsNotKilledAgainButStopped) {
  auto rig = started(Strategy::kOneForOne);
  rig.answer_kills = false;
  ASSERT_TRUE(rig.command(rig.core.kill_child("b", rig.now)).ok());
  EXPECT_EQ(rig.command(rig.core.kill_child("b", rig.now)).error().code, ErrorCode::kConflict);
  rig.pass(Duration::seconds(3));
  EXPECT_TRUE(rig.reported("child_hung"));
  ASSERT_TRUE(rig.command(rig.core.stop_child("b", rig.now)).ok());
  EXPECT_EQ(rig.log(), "!b");  // nothing more can be done to it
  rig.exit("b", ExitKind::kKilled);
  EXPECT_EQ(rig.state("b"), ChildState::kDown);
  EXPECT_EQ(rig.command(rig.core.kill_child("b", rig.now)).error().code, ErrorCode::kConflict);
  EXPECT_EQ(rig.core.restarts(), 0u);
}

TEST(SupervisorCore, AnOperatorsRestartCutsABackoffShort) {
  auto rig = started(Strategy::kOneForOne);
  rig.exit("b");
  rig.exit("b");
  EXPECT_FALSE(rig.running("b"));
  ASSERT_TRUE(rig.command(rig.core.restart_child("b", rig.now)).ok());
  EXPECT_TRUE(rig.running("b"));
}

TEST(SupervisorCore, WhatAnOperatorStoppedStaysDown) {
  auto rig = started(Strategy::kOneForAll);
  ASSERT_TRUE(rig.command(rig.core.stop_child("b", rig.now)).ok());
  EXPECT_EQ(rig.log(), "-b");
  rig.exit("a");
  EXPECT_EQ(rig.log(), "-c +a +c");
  ASSERT_TRUE(rig.command(rig.core.restart_child("b", rig.now)).ok());
  EXPECT_EQ(rig.log(), "+b");
}

TEST(SupervisorCore, AnOperatorsStopOutlivesAGroupRestart) {
  auto rig = started(Strategy::kOneForAll);
  rig.answer_stops = false;
  ASSERT_TRUE(rig.command(rig.core.stop_child("c", rig.now)).ok());
  ASSERT_TRUE(rig.command(rig.core.stop_child("b", rig.now)).ok());
  rig.answer_stops = true;
  rig.exit("a");
  rig.exit("c", ExitKind::kShutdown);
  EXPECT_EQ(rig.state("b"), ChildState::kDown);
  EXPECT_EQ(rig.state("c"), ChildState::kDown);
  EXPECT_TRUE(rig.running("a"));
}

TEST(SupervisorCore, NamesTheChildThatDoesNotExist) {
  auto rig = started(Strategy::kOneForOne);
  const auto result = rig.core.restart_child("zz", rig.now);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(result.error().text, "no child 'zz' here");
}

TEST(SupervisorCore, AddsAndRemovesChildrenAtRunTime) {
  SupervisorRig rig(spec_of(Strategy::kSimpleOneForOne), {});
  rig.start();
  for (const auto* id : {"x", "y", "z"})
    ASSERT_TRUE(rig.command(rig.core.add_child({.id = id}, rig.now)).ok());
  EXPECT_EQ(rig.log(), "+x +y +z");
  EXPECT_EQ(rig.command(rig.core.add_child({.id = "y"}, rig.now)).error().code,
            ErrorCode::kConflict);
  EXPECT_EQ(rig.command(rig.core.add_child({.id = ""}, rig.now)).error().code, ErrorCode::kInvalid);
  ASSERT_TRUE(rig.command(rig.core.remove_child("y", rig.now)).ok());
  EXPECT_EQ(rig.log(), "-y");
  EXPECT_FALSE(rig.core.child("y").has_value());
  rig.exit("x");
  EXPECT_EQ(rig.log(), "+x");
}

TEST(SupervisorCore, SimpleOneForOneStopsAllAtOnce) {
  SupervisorRig rig(spec_of(Strategy::kSimpleOneForOne), three());
  rig.start();
  rig.log();
  rig.answer_stops = false;
  rig.stop();
  EXPECT_EQ(rig.log(), "-c -b -a");
  EXPECT_FALSE(rig.finished);
}

TEST(SupervisorCore, SimpleOneForOneForgetsWhoIsDone) {
  SupervisorRig rig(spec_of(Strategy::kSimpleOneForOne), three(RestartKind::kTransient));
  rig.start();
  rig.exit("b", ExitKind::kNormal);
  EXPECT_FALSE(rig.core.child("b").has_value());
}

TEST(SupervisorCore, RefusesMoreChildrenThanTheLimit) {
  SupervisorRig rig(spec_of(Strategy::kSimpleOneForOne), {});
  rig.start();
  for (std::size_t i = 0; i < limits::kChildrenMax; ++i)
    ASSERT_TRUE(rig.command(rig.core.add_child({.id = std::to_string(i)}, rig.now)).ok());
  const auto result = rig.core.add_child({.id = "more"}, rig.now);
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, ErrorCode::kFull);
}

TEST(SupervisorCore, EndsWithAnySignificantChild) {
  auto spec = spec_of(Strategy::kOneForOne);
  spec.auto_shutdown = AutoShutdown::kAnySignificant;
  auto children = three(RestartKind::kTransient);
  children[1].significant = true;
  SupervisorRig rig(spec, children);
  rig.start();
  rig.exit("a", ExitKind::kNormal);
  EXPECT_FALSE(rig.core.stopping());
  rig.exit("b", ExitKind::kError);
  EXPECT_FALSE(rig.core.stopping()) << "it is restarted, so it has not ended";
  rig.log();
  rig.exit("b", ExitKind::kNormal);
  EXPECT_EQ(rig.log(), "-c");
  EXPECT_TRUE(rig.finished);
  EXPECT_EQ(rig.result.kind, ExitKind::kShutdown);
}

TEST(SupervisorCore, EndsWithTheLastSignificantChild) {
  auto spec = spec_of(Strategy::kOneForOne);
  spec.auto_shutdown = AutoShutdown::kAllSignificant;
  auto children = three(RestartKind::kTemporary);
  children[0].significant = children[1].significant = true;
  SupervisorRig rig(spec, children);
  rig.start();
  rig.exit("b", ExitKind::kError);
  EXPECT_FALSE(rig.core.stopping());
  rig.exit("a", ExitKind::kNormal);
  EXPECT_TRUE(rig.finished);
}

TEST(SupervisorCore, AnOperatorsStopOfASignificantChildEndsNothing) {
  auto spec = spec_of(Strategy::kOneForOne);
  spec.auto_shutdown = AutoShutdown::kAnySignificant;
  auto children = three(RestartKind::kTransient);
  children[1].significant = true;
  SupervisorRig rig(spec, children);
  rig.start();
  ASSERT_TRUE(rig.command(rig.core.stop_child("b", rig.now)).ok());
  EXPECT_FALSE(rig.core.stopping());
}

TEST(SupervisorCore, RefusesCommandsWhileItStops) {
  auto rig = started(Strategy::kOneForOne);
  rig.answer_stops = false;
  rig.stop();
  for (const auto command : {&SupervisorCore::restart_child, &SupervisorCore::stop_child,
                             &SupervisorCore::remove_child, &SupervisorCore::release_child})
    EXPECT_EQ((rig.core.*command)("a", rig.now).error().code, ErrorCode::kConflict);
  EXPECT_EQ(rig.core.add_child({.id = "d"}, rig.now).error().code, ErrorCode::kConflict);
}

TEST(SupervisorCore, AStopDuringABackoffStartsNothingMore) {
  auto rig = started(Strategy::kOneForOne);
  rig.exit("b");
  rig.exit("b");
  rig.log();
  rig.stop();
  rig.pass(Duration::seconds(10));
  EXPECT_EQ(rig.log(), "-c -a");
  EXPECT_TRUE(rig.finished);
}

TEST(SupervisorCore, AStopDuringAStartWaitsForItsAnswer) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), three());
  rig.answer_starts = false;
  rig.start();
  rig.stop();
  EXPECT_FALSE(rig.finished);
  rig.started("a");
  EXPECT_EQ(rig.log(), "+a -a");
  EXPECT_TRUE(rig.finished);
}

TEST(SupervisorCore, AStopDuringAStartThatFailsFinishes) {
  SupervisorRig rig(spec_of(Strategy::kOneForOne), three());
  rig.answer_starts = false;
  rig.start();
  rig.stop();
  rig.start_failed("a");
  EXPECT_TRUE(rig.finished);
}

TEST(SupervisorCore, AskingTwiceToStopChangesNothing) {
  auto rig = started(Strategy::kOneForOne);
  rig.answer_stops = false;
  rig.stop();
  rig.stop();
  EXPECT_EQ(rig.log(), "-c");
}

TEST(SupervisorCore, RefusesAnswersThatMakeNoSense) {
  auto rig = started(Strategy::kOneForOne);
  EXPECT_THROW((void)rig.core.started("a", rig.now), CheckFailed);
  EXPECT_THROW((void)rig.core.start_failed("a", "", rig.now, 0), CheckFailed);
  EXPECT_THROW((void)rig.core.exited("zz", {}, rig.now, 0), CheckFailed);
  EXPECT_THROW((void)rig.core.start(rig.now), CheckFailed);
  EXPECT_THROW((void)rig.core.tick({}), CheckFailed);
}

TEST(SupervisorCore, RefusesAnInvalidSpec) {
  EXPECT_THROW(SupervisorCore({}, {{.id = "a"}, {.id = "a"}}), CheckFailed);
  EXPECT_THROW(SupervisorCore({}, {{.id = "no good"}}), CheckFailed);
}

}  // namespace
}  // namespace holdfast
