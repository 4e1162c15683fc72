// Three shells of one group on a fake arbiter and fake journals, messages carried by hand: the
// replica behind a shell leads, follows, is deposed and rebuilt, and nothing is released that the
// others do not hold.
#include <gtest/gtest.h>

#include "tests/unit/replication/group_shell_fixture.hpp"

namespace holdfast::replication::testing {
namespace {

TEST(GroupShell, OneLeadsAndTheOthersFollowLive) {
  Cluster cluster;
  Node* leader = cluster.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(leader->id, MemberId{1});
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  ASSERT_EQ(leader->released.size(), 2u);
  for (Node& node : cluster.nodes) EXPECT_EQ(node.host->state().sum, 10);
  EXPECT_TRUE(cluster.nodes[1].released.empty());
}

TEST(GroupShell, NothingIsReleasedThatAnInSyncMemberDoesNotHold) {
  Cluster cluster;
  Node* leader = cluster.leader();
  cluster.silent = {{1, 3}};
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(50));
  EXPECT_TRUE(leader->released.empty());
  cluster.run(Duration::milliseconds(300));  // member 3 is put out of the set
  EXPECT_EQ(leader->released.size(), 2u);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 2u);
}

EntryHeader header_at(const Node& node, Index index) {
  return decode_entry(*node.disk.entries.at(index.value).bytes).value().header;
}

TEST(GroupShell, TheLowestFormatIsWrittenUntilAllMembersKnowMore) {
  Cluster mixed{kEntryFormatLowest};
  Node* leader = mixed.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(mixed.arbiter.record->format, kEntryFormatLowest);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  mixed.run(Duration::milliseconds(30));
  for (const Node& node : mixed.nodes)
    EXPECT_EQ(header_at(node, node.shell->member().last()).format, kEntryFormatLowest);
  // The last member is upgraded: the leader says so by an entry, and all that follow are newer.
  mixed.kill(mixed.nodes[2]);
  mixed.nodes[2].format = kEntryFormat;
  mixed.boot(mixed.nodes[2]);
  mixed.run(Duration::milliseconds(500));
  leader = mixed.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(mixed.arbiter.record->format, kEntryFormat);
  const Index raised = leader->shell->member().last();
  leader->host->submit({LedgerCore::Command::kDeposit, 2, 5});
  mixed.run(Duration::milliseconds(30));
  for (const Node& node : mixed.nodes) {
    EXPECT_TRUE(header_at(node, raised).raises);
    EXPECT_EQ(header_at(node, raised).format, kEntryFormat);
    EXPECT_EQ(header_at(node, {raised.value - 1}).format, kEntryFormatLowest);
    EXPECT_EQ(header_at(node, {raised.value + 1}).format, kEntryFormat);
    EXPECT_FALSE(header_at(node, {raised.value + 1}).raises);
    EXPECT_EQ(node.host->state().sum, 15);
  }
  // A successor goes on with what the record says.
  mixed.kill(*leader);
  mixed.run(Duration::milliseconds(100));
  leader = mixed.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_EQ(header_at(*leader, leader->shell->member().last()).format, kEntryFormat);
}

TEST(GroupShell, ABuildThatDoesNotKnowTheFormatTakesNoPart) {
  Cluster cluster;
  ASSERT_EQ(cluster.arbiter.record->format, kEntryFormat);
  Node& node = cluster.nodes[2];
  cluster.kill(node);
  node.format = kEntryFormatLowest;
  cluster.boot(node);
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(node.shell->member().state(), MemberState::kFailed);
  EXPECT_GT(node.shell->member().counters().records_refused, 0u);
  Node* leader = cluster.leader();
  ASSERT_NE(leader, nullptr);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(300));
  EXPECT_FALSE(leader->released.empty());
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 2u);
}

TEST(GroupShell, ASlowMemberHoldsBackWhatIsDecidedAndThatIsCounted) {
  Cluster cluster;
  Node* leader = cluster.leader();
  cluster.silent = {{3, 1}};  // it takes everything and its answers are slow
  uint64_t key = 0;
  while (leader->host->serving() && key < 10'000) {
    leader->host->submit({LedgerCore::Command::kDeposit, ++key, 1});
    cluster.settle();
  }
  EXPECT_TRUE(leader->host->full());
  const Member& member = leader->shell->member();
  EXPECT_EQ(member.last().value - member.committed().value, limits::kEntriesInFlightMax);
  EXPECT_GT(member.counters().window_full, 0u);
  EXPECT_TRUE(leader->released.empty());
  cluster.silent.clear();
  cluster.run(Duration::milliseconds(50));
  EXPECT_TRUE(leader->host->serving());
  EXPECT_EQ(leader->released.size(), 2 * key);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, AStandbyGoesOnAndOwesWhatWasOutstanding) {
  Cluster cluster;
  Node& old = *cluster.leader();
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  cluster.kill(old);
  cluster.run(Duration::milliseconds(50));
  Node* leader = cluster.leader();
  ASSERT_NE(leader, nullptr);
  EXPECT_NE(leader->id, old.id);
  ASSERT_EQ(leader->released.size(), 1u);  // the delivery that nobody acknowledged, again
  EXPECT_EQ(leader->released[0].kind, Effect::kDeliver);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 99});  // the client asks again
  leader->host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(30));
  EXPECT_EQ(leader->host->state().sum, 15);
  EXPECT_TRUE(leader->released[1].duplicate);
  // The dead one comes back, catches up and is in sync again.
  cluster.boot(old);
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(old.host->state().sum, 15);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, WhoIsSupersededDropsWhatItDecidedAlone) {
  Cluster cluster;
  Node& old = *cluster.leader();
  cluster.silent = {{1, 2}, {1, 3}, {2, 1}, {3, 1}};
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  // The others take over; the old one hears nothing of it until the network is mended.
  for (Node& node : cluster.nodes)
    if (node.id != old.id) node.shell->link_down(old.id, true);
  cluster.run(Duration::milliseconds(50));
  Node* leader = nullptr;
  for (Node& node : cluster.nodes)
    if (node.id != old.id && node.shell->member().leads()) leader = &node;
  ASSERT_NE(leader, nullptr);
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 77});
  cluster.run(Duration::milliseconds(20));
  EXPECT_TRUE(old.released.empty());
  cluster.silent.clear();
  for (Node& node : cluster.nodes)
    if (node.id != old.id) {
      node.shell->link_up(old.shell->incarnation());
      old.shell->link_up(node.shell->incarnation());
    }
  cluster.run(Duration::milliseconds(500));
  EXPECT_TRUE(old.cut);
  EXPECT_EQ(old.rebuilt, 1);
  EXPECT_TRUE(old.released.empty());
  EXPECT_EQ(old.host->state().deposits.at(1), 77);
  EXPECT_EQ(old.host->state().sum, leader->host->state().sum);
}

TEST(GroupShell, AReplicaThatDiedLeadsAgainUnderANewEpoch) {
  Cluster cluster;
  Node& node = *cluster.leader();
  node.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  const Epoch before = node.shell->member().epoch();
  cluster.spawn(node);  // what a supervisor does
  cluster.run(Duration::milliseconds(50));
  EXPECT_EQ(cluster.leader(), &node);
  EXPECT_GT(node.shell->member().epoch(), before);
  node.host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(30));
  EXPECT_EQ(cluster.nodes[2].host->state().sum, 15);
}

// It has not applied what its predecessor appended, and must not be told that it is committed.
TEST(GroupShell, AReplicaThatWaitsToLeadAgainHearsOfNoCommit) {
  Cluster cluster;
  Node& node = *cluster.leader();
  cluster.silent = {{1, 3}};
  node.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(20));
  EXPECT_TRUE(node.released.empty());
  cluster.arbiter.away = true;
  cluster.spawn(node);
  cluster.silent.clear();
  cluster.run(Duration::milliseconds(60));  // the entry is committed, and nobody leads anew yet
  EXPECT_EQ(node.rebuilt, 0);
  EXPECT_TRUE(node.released.empty());
  cluster.arbiter.back();
  cluster.run(Duration::milliseconds(60));
  EXPECT_EQ(node.rebuilt, 0);
  EXPECT_EQ(cluster.leader(), &node);
  EXPECT_EQ(node.host->state().sum, 10);
  EXPECT_EQ(node.released.size(), 1u);  // what was outstanding
}

TEST(GroupShell, AHandOverLosesAndRefusesNothing) {
  Cluster cluster;
  Node& old = *cluster.leader();
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  ASSERT_TRUE(old.shell->hand_over({3}).ok());
  EXPECT_FALSE(old.host->serving());
  cluster.run(Duration::milliseconds(100));
  EXPECT_EQ(cluster.leader(), &cluster.nodes[2]);
  EXPECT_EQ(cluster.nodes[2].host->state().sum, 10);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, AHandOverTellsToWhomAndByWhen) {
  Cluster cluster;
  Node& old = *cluster.leader();
  EXPECT_FALSE(old.shell->member().hand_over_to().has_value());
  ASSERT_TRUE(old.shell->hand_over({3}).ok());
  EXPECT_EQ(old.shell->member().hand_over_to(), MemberId{3});
  EXPECT_GT(old.shell->member().hand_over_by().ns, 0);
  cluster.run(Duration::milliseconds(100));
  EXPECT_FALSE(old.shell->member().hand_over_to().has_value());
}

TEST(GroupShell, AFastCutTakesOverFromALeaderThatDoesNotAnswer) {
  Cluster cluster;
  Node& old = *cluster.leader();
  old.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  EXPECT_FALSE(old.shell->cut_over().ok()) << "it leads already";
  cluster.silent = {{1, 2}, {1, 3}, {2, 1}, {3, 1}};
  Node& next = cluster.nodes[2];
  ASSERT_TRUE(next.shell->cut_over().ok()) << "without waiting until the old one is suspected";
  cluster.run(Duration::milliseconds(50));
  EXPECT_TRUE(next.shell->member().leads());
  EXPECT_EQ(next.host->state().sum, 10);
  ASSERT_TRUE(cluster.arbiter.record.has_value());
  for (const Incarnation& i : cluster.arbiter.record->in_sync) EXPECT_NE(i.member, old.id);
  next.host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(300));
  EXPECT_FALSE(next.released.empty());
  // Who was cut off comes back as a standby.
  cluster.silent.clear();
  for (Node& node : cluster.nodes)
    if (node.id != old.id) {
      node.shell->link_up(old.shell->incarnation());
      old.shell->link_up(node.shell->incarnation());
    }
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(old.shell->member().state(), MemberState::kFollowing);
  EXPECT_EQ(old.host->state().sum, 15);
}

TEST(GroupShell, AReplicaThatThrowsEndsAloneAndTheMemberGoesOn) {
  Cluster cluster;
  Node& old = *cluster.leader();
  old.throws_when_deposed = true;
  ASSERT_TRUE(old.shell->hand_over({3}).ok());
  cluster.run(Duration::milliseconds(100));
  Node& leader = cluster.nodes[2];
  ASSERT_EQ(cluster.leader(), &leader);
  EXPECT_EQ(old.shell->member().state(), MemberState::kFollowing);
  EXPECT_EQ(old.rebuilt, 1);
  leader.host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(500));
  EXPECT_EQ(old.host->state().sum, 10);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

TEST(GroupShell, ACopyThatDiffersIsRebuilt) {
  Cluster cluster;
  Node& node = cluster.nodes[1];
  Node* leader = cluster.leader();
  leader->host->submit({LedgerCore::Command::kDeposit, 1, 10});
  cluster.run(Duration::milliseconds(30));
  // Memory gone bad: the same entries, another state.
  const_cast<LedgerCore::State&>(node.host->state()).sum += 1;
  leader->host->submit({LedgerCore::Command::kDeposit, 2, 5});
  cluster.run(Duration::milliseconds(800));
  EXPECT_GT(node.disk.directory, 100);  // another incarnation
  EXPECT_EQ(node.host->state().sum, 15);
  EXPECT_EQ(cluster.arbiter.record->in_sync.size(), 3u);
}

}  // namespace
}  // namespace holdfast::replication::testing
