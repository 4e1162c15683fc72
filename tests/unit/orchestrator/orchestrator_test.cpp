// The orchestrator's strategy, its core and its journal's bytes.
#include "supervision/orchestrator/orchestrator.hpp"

#include <gtest/gtest.h>

#include "supervision/orchestrator/orchestrator_capnp.hpp"
#include "supervision/replication/replica_host.hpp"
#include "tests/unit/replication/fake_log.hpp"

namespace holdfast::orchestrator {
namespace {

constexpr MemberId kA{1}, kB{2}, kC{3};
constexpr GroupId kOrders{1};

Failure failure_at(int64_t seconds, FailureKind kind = FailureKind::kGaveUp) {
  return {kind, kA, kOrders, {seconds * 1'000'000'000}, "node/orders/shard-0", "spent"};
}
Topology three_members() { return {{{kOrders, kA, {kA, kB, kC}}, {{2}, kB, {kB, kC}}}}; }
std::deque<Decision> decided(std::initializer_list<int64_t> seconds) {
  std::deque<Decision> out;
  for (const int64_t at : seconds) {
    Decision decision;
    decision.number = out.size() + 1;
    decision.failure = failure_at(at);
    out.push_back(decision);
  }
  return out;
}

TEST(Strategy, LeavesTheFirstFailureToTheTree) {
  const auto advice = by_restart_policy(failure_at(100), three_members(), {});
  EXPECT_EQ(advice.remedy, Remedy::kRestartHere);
  EXPECT_FALSE(advice.target);
}

TEST(Strategy, PromotesTheNextInSyncMemberWhenItFailsAgain) {
  const auto advice = by_restart_policy(failure_at(100), three_members(), decided({90}));
  EXPECT_EQ(advice.remedy, Remedy::kPromote);
  EXPECT_EQ(advice.target, kB);
}

TEST(Strategy, RestartsFromTheJournalWhereNobodyElseMayLead) {
  Topology alone = three_members();
  alone.groups[0].in_sync = {kA};
  EXPECT_EQ(by_restart_policy(failure_at(100), alone, decided({90})).remedy, Remedy::kRestartClean);
  // It does not lead: a promotion would change nothing.
  Topology elsewhere = three_members();
  elsewhere.groups[0].leader = kB;
  EXPECT_EQ(by_restart_policy(failure_at(100), elsewhere, decided({90})).remedy,
            Remedy::kRestartClean);
  EXPECT_EQ(by_restart_policy(failure_at(100), {}, decided({90})).remedy, Remedy::kRestartClean);
}

TEST(Strategy, LeavesAloneWhatFailsAgainAndAgain) {
  EXPECT_EQ(by_restart_policy(failure_at(100), three_members(), decided({70, 80, 90})).remedy,
            Remedy::kPromote);
  EXPECT_EQ(by_restart_policy(failure_at(100), three_members(), decided({60, 70, 80, 90})).remedy,
            Remedy::kHalt);
}

TEST(Strategy, ForgetsFailuresOfLongAgoAndOfOthers) {
  EXPECT_EQ(by_restart_policy(failure_at(100), three_members(), decided({39})).remedy,
            Remedy::kRestartHere);
  auto others = decided({90, 95});
  others[0].failure.member = kB;
  others[1].failure.path = "node/orders/shard-1";
  EXPECT_EQ(by_restart_policy(failure_at(100), three_members(), others).remedy,
            Remedy::kRestartHere);
}

TEST(Strategy, HaltsPoisonAndDrainsANodeWithAHungActor) {
  EXPECT_EQ(
      by_restart_policy(failure_at(100, FailureKind::kQuarantined), three_members(), {}).remedy,
      Remedy::kHalt);
  EXPECT_EQ(by_restart_policy(failure_at(100, FailureKind::kHung), three_members(), {}).remedy,
            Remedy::kDrain);
}

TEST(Strategy, LeavesADeadProcessToItsGuardUntilItDoesNotStayUp) {
  const auto of_guard = [](FailureKind kind, int64_t seconds) {
    Failure failure = failure_at(seconds, kind);
    failure.guard = static_cast<uint64_t>(seconds);
    return failure;
  };
  for (const auto kind : {FailureKind::kRootGaveUp, FailureKind::kProcessDied,
                          FailureKind::kProcessFenced, FailureKind::kProcessHung})
    EXPECT_EQ(by_restart_policy(of_guard(kind, 100), three_members(), {}).remedy,
              Remedy::kRestartHere);
  EXPECT_EQ(
      by_restart_policy(of_guard(FailureKind::kProcessUnstable, 100), three_members(), {}).remedy,
      Remedy::kDrain);
  auto roots = decided({90, 95});
  for (auto& decision : roots) decision.failure.kind = FailureKind::kRootGaveUp;
  EXPECT_EQ(
      by_restart_policy(of_guard(FailureKind::kRootGaveUp, 100), three_members(), roots).remedy,
      Remedy::kDrain);
  EXPECT_EQ(
      by_restart_policy(of_guard(FailureKind::kProcessDied, 100), three_members(), roots).remedy,
      Remedy::kRestartHere);  // a kill is no reason to leave it
}

using Host = replication::ReplicaHost<OrchestratorCore>;

struct Rig {
  replication::testing::FakeLog log;
  OrchestratorCodec codec;
  std::vector<Decision> told;
  std::unique_ptr<Host> host;
  Rig() {
    host = std::make_unique<Host>(kGroup, log, codec,
                                  Host::Hooks{[] { return WallTime{1'000}; },
                                              [](std::function<void()>) {},
                                              [this](replication::Committed<Effect>&& effect) {
                                                if (auto* one = std::get_if<Announced>(&*effect))
                                                  told.push_back(one->decision);
                                              },
                                              [](const Error&) {},
                                              {},
                                              {},
                                              {}});
    EXPECT_TRUE(host->lead_alone().ok());
    log.commit_all();
  }
  void submit(const Command& command) {
    host->submit(command);
    host->flush();
  }
};

TEST(Orchestrator, DecidesEachFailureOnceAndTellsItWhenItIsCommitted) {
  Rig rig;
  rig.submit(Escalate{failure_at(1), {Remedy::kPromote, kB, "why"}});
  EXPECT_TRUE(rig.told.empty());
  rig.log.commit_all();
  ASSERT_EQ(rig.told.size(), 1u);
  EXPECT_EQ(rig.told[0].number, 1u);
  EXPECT_EQ(rig.told[0].advice.target, kB);
  EXPECT_EQ(rig.told[0].outcome, Outcome::kOpen);
  const auto entries = rig.log.entries.size();
  rig.submit(Escalate{failure_at(1), {Remedy::kHalt, {}, "again"}});  // sent once more
  EXPECT_EQ(rig.log.entries.size(), entries);
  rig.submit(Escalate{failure_at(2), {Remedy::kHalt, {}, "another"}});
  EXPECT_EQ(rig.host->state().last, 2u);
}

TEST(Orchestrator, SettlesADecisionOnce) {
  Rig rig;
  rig.submit(Escalate{failure_at(1), {Remedy::kPromote, kB, "why"}});
  rig.submit(Settle{1, Outcome::kFailed, "not in sync"});
  rig.submit(Settle{1, Outcome::kDone, "late"});
  rig.submit(Settle{9, Outcome::kDone, "of nothing"});
  rig.submit(Settle{1, Outcome::kOpen, "never"});
  rig.log.commit_all();
  ASSERT_EQ(rig.told.size(), 2u);
  const Decision* decision = rig.host->state().find(1);
  ASSERT_NE(decision, nullptr);
  EXPECT_EQ(decision->outcome, Outcome::kFailed);
  EXPECT_EQ(decision->outcome_text, "not in sync");
}

TEST(Orchestrator, KnowsWhatAGuardToldByItsNumber) {
  Rig rig;
  rig.submit(Escalate{failure_at(50), {Remedy::kRestartHere, {}, "tree"}});
  Failure died = failure_at(3, FailureKind::kProcessDied);  // its clock is another
  died.guard = 7;
  rig.submit(Escalate{died, {Remedy::kRestartHere, {}, "guard"}});
  EXPECT_EQ(rig.host->state().last, 2u);
  rig.submit(Escalate{died, {Remedy::kRestartHere, {}, "again"}});
  died.at = {60'000'000'000};
  rig.submit(Escalate{died, {Remedy::kRestartHere, {}, "again"}});
  EXPECT_EQ(rig.host->state().last, 2u);
  died.guard = 8;
  rig.submit(Escalate{died, {Remedy::kRestartHere, {}, "the next"}});
  EXPECT_EQ(rig.host->state().last, 3u);
  // … and the tree's failures are not taken for known because of it.
  rig.submit(Escalate{failure_at(51), {Remedy::kRestartHere, {}, "tree"}});
  EXPECT_EQ(rig.host->state().last, 4u);
}

TEST(Orchestrator, OneDeadProcessIsNoCrashLoopForTheHealingLoop) {
  const auto finding = [](FailureKind kind, std::initializer_list<int64_t> before = {}) {
    auto history = decided(before);
    for (auto& past : history) past.failure.kind = kind;
    Decision decision;
    decision.number = 9;
    decision.failure = failure_at(100, kind);
    return healing::finding_of(decision, history);
  };
  EXPECT_FALSE(finding(FailureKind::kProcessDied));
  EXPECT_FALSE(finding(FailureKind::kProcessDied, {90, 95}));
  EXPECT_FALSE(finding(FailureKind::kProcessFenced, {90}));
  EXPECT_FALSE(finding(FailureKind::kRootGaveUp));
  EXPECT_TRUE(finding(FailureKind::kRootGaveUp, {90}));
  EXPECT_TRUE(finding(FailureKind::kProcessUnstable));
  ASSERT_TRUE(finding(FailureKind::kProcessHung));
  EXPECT_EQ(finding(FailureKind::kProcessHung)->fault, FaultClass::kGrayFailure);
}

TEST(Orchestrator, KeepsTheLastThousandAndStillKnowsWhatItHeard) {
  Rig rig;
  for (int64_t i = 1; i <= 1'200; ++i)
    rig.submit(Escalate{failure_at(i), {Remedy::kHalt, {}, "again"}});
  EXPECT_EQ(rig.host->state().decisions.size(), kDecisionsKept);
  EXPECT_EQ(rig.host->state().decisions.front().number, 201u);
  EXPECT_EQ(rig.host->state().find(200), nullptr);
  EXPECT_TRUE(rig.host->state().knows(failure_at(5)));
}

TEST(Orchestrator, ItsJournalAndItsSnapshotGiveTheSameState) {
  Rig rig;
  rig.submit(Escalate{failure_at(1), {Remedy::kPromote, kB, "why"}});
  Failure other = failure_at(1, FailureKind::kHung);
  other.member = kC;
  other.text = std::string(5'000, 'x');  // bounded
  rig.submit(Escalate{other, {Remedy::kDrain, {}, "hung"}});
  rig.submit(Settle{1, Outcome::kDone, "handed over"});
  Failure died = failure_at(2, FailureKind::kProcessDied);
  died.guard = 12;
  rig.submit(Escalate{died, {Remedy::kRestartHere, {}, "guard"}});
  rig.log.commit_all();
  replication::Replica<OrchestratorCore> replayed(kGroup);
  ASSERT_TRUE(replication::recover(replayed, rig.log, rig.codec).ok());
  EXPECT_EQ(replayed.state().decisions, rig.host->state().decisions);
  EXPECT_EQ(replayed.state().heard, rig.host->state().heard);
  EXPECT_EQ(replayed.state().guards, (std::map<MemberId, uint64_t>{{kA, 12}}));
  EXPECT_EQ(replayed.state().find(2)->failure.text.size(), kTextBytesMax);
  replication::Bytes bytes;
  rig.codec.encode_state(rig.host->state(), bytes);
  State restored;
  ASSERT_TRUE(rig.codec.decode_state(bytes, restored).ok());
  EXPECT_EQ(restored.decisions, replayed.state().decisions);
  EXPECT_EQ(restored.guards, replayed.state().guards);
  EXPECT_EQ(OrchestratorCore::digest(restored), OrchestratorCore::digest(replayed.state()));
}

TEST(Orchestrator, RefusesBytesThatAreNoJournalOfIts) {
  const OrchestratorCodec codec;
  std::vector<Event> events;
  State state;
  replication::Bytes good;
  const Event event = Decided{{1, {5}, failure_at(1), {Remedy::kHalt, {}, "why"}, {}, ""}};
  codec.encode_events({&event, 1}, good);
  EXPECT_FALSE(codec.decode_events(replication::ByteView(good).first(7), events).ok());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const auto value : {std::byte{0xff}, std::byte{0}}) {
      auto damaged = good;
      damaged[i] = value;
      events.clear();
      if (!codec.decode_events(damaged, events)) refused += 1;
      (void)codec.decode_state(damaged, state);
    }
  EXPECT_GT(refused, 0u);
}

}  // namespace
}  // namespace holdfast::orchestrator
