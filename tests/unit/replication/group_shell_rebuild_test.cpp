// How a replica comes back without holding up the loop: from the state that its predecessor left,
// on another thread, from a snapshot; and who leads meanwhile.
#include <gtest/gtest.h>

#include "tests/unit/replication/group_shell_fixture.hpp"

namespace holdfast::replication::testing {
namespace {

TEST(GroupShell, WhoHandsOverKeepsItsStateAndReplaysNothing) {
  Cluster cluster;
  Node& old = *cluster.leader();
  for (uint64_t i = 1; i <= 20; ++i) {
    old.host->submit({LedgerCore::Command::kDeposit, i, 10});
    cluster.settle();
  }
  ASSERT_TRUE(old.shell->hand_over({3}).ok());
  cluster.run(Duration::milliseconds(100));
  ASSERT_EQ(cluster.leader(), &cluster.nodes[2]);
  EXPECT_EQ(old.rebuilt, 1);
  EXPECT_EQ(old.host->replayed(), 0u);
  EXPECT_EQ(old.host->state().sum, 200);
  cluster.nodes[2].host->submit({LedgerCore::Command::kDeposit, 99, 5});
  cluster.run(Duration::milliseconds(30));
  EXPECT_EQ(old.host->state().sum, 205);
  // And back.
  ASSERT_TRUE(cluster.nodes[2].shell->hand_over({1}).ok());
  cluster.run(Duration::milliseconds(100));
  ASSERT_EQ(cluster.leader(), &old);
  old.host->submit({LedgerCore::Command::kDeposit, 20, 10});
  EXPECT_EQ(old.host->state().sum, 205) << "a duplicate";
}

TEST(GroupShell, WhoDecidedMoreThanWasCommittedKeepsNothing) {
  Cluster cluster;
  Node& old = *cluster.leader();
  cluster.silent = {{1, 2}, {1, 3}, {2, 1}, {3, 1}};
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  for (Node& node : cluster.nodes)
    if (node.id != old.id) node.shell->link_down(old.id, true);
  cluster.run(Duration::milliseconds(50));  // the others take over
  cluster.silent.clear();
  for (Node& node : cluster.nodes) cluster.connect(node);
  cluster.run(Duration::milliseconds(500));
  ASSERT_NE(cluster.leader(), &old);
  EXPECT_EQ(old.rebuilt, 1);
  EXPECT_EQ(old.host->state().sum, 0);
  EXPECT_GT(old.host->replayed(), 0u);
}

TEST(GroupShell, WhoIsStillRebuildingHoldsEverythingAndLetsOthersLead) {
  Cluster cluster;
  Node& second = cluster.nodes[1];
  for (uint64_t i = 1; i <= 5; ++i)
    cluster.leader()->host->submit({LedgerCore::Command::kDeposit, i, 1});
  cluster.run(Duration::milliseconds(30));
  cluster.kill(second);
  cluster.run(Duration::milliseconds(50));
  second.away = true;
  cluster.boot(second);
  cluster.run(Duration::milliseconds(300));
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u) << "it holds every entry";
  EXPECT_EQ(second.host->state().sum, 0) << "and has applied none";
  Node& first = *cluster.leader();
  ASSERT_EQ(first.id, MemberId{1});
  // A hand-over to it waits, and nobody is parked for that.
  ASSERT_TRUE(first.shell->hand_over({2}).ok());
  cluster.run(Duration::milliseconds(50));
  EXPECT_EQ(cluster.leader(), &first);
  EXPECT_TRUE(first.host->serving());
  first.host->submit({LedgerCore::Command::kDeposit, 6, 1});
  cluster.run(Duration::milliseconds(30));
  // It would be the next by its rank; the third leads, which can at once.
  cluster.kill(first);
  cluster.run(Duration::milliseconds(20));
  EXPECT_EQ(cluster.leader(), &cluster.nodes[2]);
  cluster.leader()->host->submit({LedgerCore::Command::kDeposit, 7, 1});
  cluster.run(Duration::milliseconds(20));
  cluster.work_elsewhere(second);
  cluster.run(Duration::milliseconds(20));
  EXPECT_EQ(second.host->state().sum, 7);
}

TEST(GroupShell, WhatIsCommittedWhileItIsRebuiltIsNotMissed) {
  Cluster cluster;
  Node& second = cluster.nodes[1];
  cluster.leader()->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  cluster.kill(second);
  cluster.run(Duration::milliseconds(50));
  second.away = true;
  cluster.boot(second);
  cluster.run(Duration::milliseconds(300));
  ASSERT_EQ(second.elsewhere.size(), 1u);
  second.elsewhere.front()();  // it has read all there is
  second.elsewhere.clear();
  cluster.leader()->host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(50));
  EXPECT_EQ(second.host->state().sum, 0);
  cluster.land(second);
  cluster.run(Duration::milliseconds(50));  // and nothing more comes
  EXPECT_EQ(second.host->state().sum, 15);
}

TEST(GroupShell, WhatItHoldsAndLearnsToBeCommittedOnlyAfterItsStartIsNotMissed) {
  Cluster cluster;
  Node& second = cluster.nodes[1];
  cluster.leader()->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  cluster.kill(second);
  cluster.run(Duration::milliseconds(50));
  cluster.boot(second);
  cluster.run(Duration::milliseconds(300));  // and nothing more comes
  EXPECT_EQ(second.host->state().sum, 10);
  EXPECT_EQ(second.shell->state_hash().index, cluster.leader()->shell->state_hash().index);
}

TEST(GroupShell, WhoIsLeftAloneLeadsAsSoonAsItIsRebuilt) {
  Cluster cluster;
  Node& second = cluster.nodes[1];
  cluster.leader()->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  cluster.kill(second);
  cluster.run(Duration::milliseconds(50));
  second.away = true;
  cluster.boot(second);
  cluster.run(Duration::milliseconds(300));
  cluster.kill(cluster.nodes[0]);
  cluster.kill(cluster.nodes[2]);
  cluster.run(Duration::milliseconds(400));
  EXPECT_TRUE(second.shell->member().leads());
  EXPECT_TRUE(second.released.empty());
  cluster.work_elsewhere(second);
  cluster.run(Duration::milliseconds(50));
  EXPECT_EQ(second.host->state().sum, 10);
  EXPECT_FALSE(second.released.empty()) << "what is outstanding is owed by it";
}

TEST(GroupShell, AReplicaThatComesBackWhileTheArbiterIsAskedLeadsAfterThat) {
  Cluster cluster;
  Node& first = *cluster.leader();
  const Epoch before = first.shell->member().epoch();
  cluster.arbiter.away = true;
  cluster.kill(cluster.nodes[2]);  // that it leaves the set is asked for, and not answered
  cluster.run(Duration::milliseconds(20));
  cluster.spawn(first);  // its actor ended, and was made again
  cluster.run(Duration::milliseconds(50));
  EXPECT_FALSE(first.host->serving()) << "what its predecessor decided may be on its way";
  cluster.arbiter.back();
  cluster.run(Duration::milliseconds(100));
  EXPECT_GT(first.shell->member().epoch(), before);
  ASSERT_TRUE(first.host->serving());
  first.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  EXPECT_EQ(cluster.nodes[1].host->state().sum, 10);
}

TEST(GroupShell, WhoIsAheadOfAForcedLeadersSnapshotIsRebuiltFromIt) {
  Cluster cluster;
  auto& [first, second, third] = cluster.nodes;
  first.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  cluster.kill(third);
  cluster.run(Duration::milliseconds(50));
  for (uint64_t i = 2; i <= 9; ++i) {
    first.host->submit({LedgerCore::Command::kDeposit, i, 1});
    cluster.settle();
  }
  cluster.run(Duration::milliseconds(30));
  cluster.compact(second);  // it knows of nothing below that
  cluster.kill(first);
  cluster.kill(second);
  cluster.boot(third);
  cluster.run(Duration::milliseconds(100));
  ASSERT_TRUE(third.shell->force().ok());
  cluster.run(Duration::milliseconds(50));
  cluster.compact(third);
  cluster.boot(second);
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(second.host->state().sum, 10) << "what was lost by force is lost here too";
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 2u);
}

TEST(GroupShell, ASnapshotThatIsLostIsAskedForAgain) {
  Cluster cluster;
  Node& second = cluster.nodes[1];
  cluster.kill(second);
  cluster.run(Duration::milliseconds(50));
  Node& first = *cluster.leader();
  first.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  cluster.compact(first);
  second.disk = {{}, {}, {}, 77};
  int parts = 0;
  cluster.lost = [&](const PeerMessage& message) {
    return std::holds_alternative<peer::SnapshotPart>(message) && parts++ == 0;
  };
  cluster.boot(second);
  cluster.run(Duration::milliseconds(300));
  EXPECT_GE(parts, 2);
  EXPECT_EQ(second.host->state().sum, 10);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, ASnapshotIsInstalledBesideTheLoop) {
  Cluster cluster;
  Node& second = cluster.nodes[1];
  cluster.kill(second);
  cluster.run(Duration::milliseconds(50));
  Node& first = *cluster.leader();
  first.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  first.host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(30));
  // The leader keeps a snapshot and nothing below it.
  cluster.compact(first);
  second.away = true;
  second.disk = {{}, {}, {}, 77};
  cluster.boot(second);
  cluster.work_elsewhere(second);  // it rebuilds nothing from nothing
  cluster.run(Duration::milliseconds(100));
  ASSERT_EQ(second.elsewhere.size(), 1u) << "the snapshot came, and is being written";
  EXPECT_FALSE(second.disk.snapshot);
  first.host->submit({LedgerCore::Command::kDeposit, 3, 1});
  cluster.run(Duration::milliseconds(50));
  EXPECT_EQ(first.host->state().sum, 16) << "nobody waits for it";
  cluster.work_elsewhere(second);
  cluster.run(Duration::milliseconds(20));
  cluster.work_elsewhere(second);  // the replica, from the snapshot
  cluster.run(Duration::milliseconds(200));
  EXPECT_TRUE(second.disk.snapshot);
  EXPECT_EQ(second.host->state().sum, 16);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

}  // namespace
}  // namespace holdfast::replication::testing
