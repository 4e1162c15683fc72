#include <gtest/gtest.h>

#include <random>

#include "supervision/replication/replica_host.hpp"
#include "tests/unit/replication/fake_log.hpp"
#include "tests/unit/replication/ledger_core.hpp"

namespace holdfast::replication::testing {
namespace {

using Effect = LedgerCore::Effect;
using Command = LedgerCore::Command;

// A host over a fake log, with turns driven by the test.
struct Rig {
  FakeLog log;
  LedgerCodec codec;
  WallTime clock{1000};
  std::vector<std::function<void()>> deferred;
  std::vector<Effect> out;
  std::function<void(const Effect&)> on_release;
  std::optional<Error> failure;
  std::unique_ptr<ReplicaHost<LedgerCore>> host;

  Rig() { make(); }
  void make() {
    host = std::make_unique<ReplicaHost<LedgerCore>>(
        GroupId{7}, log, codec,
        ReplicaHost<LedgerCore>::Hooks{
            [this] { return clock; },
            [this](std::function<void()> f) { deferred.push_back(std::move(f)); },
            [this](Committed<Effect>&& effect) {
              out.push_back(*effect);
              if (on_release) on_release(*effect);
            },
            [this](const Error& error) { failure = error; }});
  }
  void start() {
    ASSERT_TRUE(host->recover().ok());
    ASSERT_TRUE(host->lead_alone().ok());
  }
  void turn() {
    auto now = std::exchange(deferred, {});
    for (auto& f : now) f();
  }
  void deposit(uint64_t key, int64_t amount) { host->submit({Command::kDeposit, key, amount}); }
  void query(uint64_t key) { host->submit({Command::kQuery, key, 0}); }
};

TEST(OutputCommit, NothingLeavesBeforeItsEntryIsCommitted) {
  Rig rig;
  rig.start();
  rig.log.commit_all();
  rig.deposit(1, 10);
  rig.turn();
  EXPECT_TRUE(rig.out.empty());
  rig.log.commit_all();
  ASSERT_EQ(rig.out.size(), 2u);
  EXPECT_EQ(rig.out[0].kind, Effect::kReply);
  EXPECT_EQ(rig.out[1].kind, Effect::kDeliver);
}

TEST(OutputCommit, DuplicatesAndQueriesWaitForEverythingAppendedBefore) {
  Rig rig;
  rig.start();
  rig.log.commit_all();
  rig.deposit(1, 10);
  rig.turn();
  rig.deposit(1, 10);  // a duplicate: its answer tells of an uncommitted deposit
  rig.query(99);
  rig.turn();
  EXPECT_TRUE(rig.out.empty());
  rig.log.commit_all();
  ASSERT_EQ(rig.out.size(), 4u);
  EXPECT_TRUE(rig.out[2].duplicate);
  EXPECT_EQ(rig.out[3].value, 10);
}

TEST(OutputCommit, AQueryInTheTurnOfADepositWaitsForThatEntry) {
  Rig rig;
  rig.start();
  rig.log.commit_all();
  rig.deposit(1, 10);
  rig.query(99);  // the batch is still open
  rig.turn();
  EXPECT_TRUE(rig.out.empty());
  rig.log.commit_all();
  EXPECT_EQ(rig.out.size(), 3u);
}

TEST(OutputCommit, AQueryGoesOutAtOnceWhenNothingIsPending) {
  Rig rig;
  rig.start();
  rig.log.commit_all();
  rig.query(5);
  rig.turn();
  ASSERT_EQ(rig.out.size(), 1u);
}

TEST(OutputCommit, NeverCommittedNeverLeaves) {
  Rig rig;
  rig.start();
  for (uint64_t i = 1; i <= 100; ++i) {
    rig.deposit(i, 1);
    rig.deposit(i, 1);
    rig.query(i);
    rig.turn();
  }
  EXPECT_TRUE(rig.out.empty());
  EXPECT_EQ(rig.host->replica().held(), 400u);
}

TEST(OutputCommit, BurstsReleaseInOrderUpToTheCommittedIndexOnly) {
  Rig rig;
  rig.start();
  for (uint64_t i = 1; i <= 10; ++i) {
    rig.deposit(i, static_cast<int64_t>(i));
    rig.turn();
  }
  rig.log.commit(5);  // the epoch start is entry 1, so deposits 1 to 4
  ASSERT_EQ(rig.out.size(), 8u);
  EXPECT_EQ(rig.out.back().value, 4);
  rig.log.commit(5);
  EXPECT_EQ(rig.out.size(), 8u);
  rig.log.commit_all();
  EXPECT_EQ(rig.out.size(), 20u);
  for (std::size_t i = 0; i < rig.out.size(); ++i)
    EXPECT_EQ(rig.out[i].value, static_cast<int64_t>(i / 2 + 1));
}

TEST(OutputCommit, WhatAReleaseCausesComesAfterWhatWasReleasedWithIt) {
  Rig rig;
  rig.start();
  rig.log.commit_all();
  bool asked = false;
  rig.on_release = [&](const Effect&) {
    if (std::exchange(asked, true)) return;
    rig.query(77);
    rig.host->flush();
  };
  rig.deposit(1, 10);
  rig.turn();
  rig.log.commit_all();
  ASSERT_EQ(rig.out.size(), 3u);
  EXPECT_EQ(rig.out[2].key, 77u);
}

TEST(ReplicaHost, CommandsOfOneTurnAreOneEntry) {
  Rig rig;
  rig.start();
  for (uint64_t i = 1; i <= 50; ++i) rig.deposit(i, 1);
  rig.turn();
  EXPECT_EQ(rig.log.entries.size(), 2u);
}

TEST(ReplicaHost, ABatchIsBounded) {
  Rig rig;
  rig.start();
  for (uint64_t i = 1; i <= 2 * limits::kCommandsPerEntryMax; ++i) rig.deposit(i, 1);
  EXPECT_EQ(rig.log.entries.size(), 3u);
}

TEST(ReplicaHost, ReplayGivesTheSameState) {
  Rig rig;
  rig.start();
  std::mt19937_64 random(7);
  for (int i = 0; i < 500; ++i) {
    rig.clock.ns += static_cast<int64_t>(random() % 100) - 30;  // the wall clock may step back
    rig.deposit(random() % 300, static_cast<int64_t>(random() % 1000) + 1000);
    if (random() % 3 == 0) rig.turn();
  }
  rig.turn();
  rig.log.commit_all();
  Replica<LedgerCore> again(GroupId{7});
  ASSERT_TRUE(recover(again, rig.log, rig.codec).ok());
  EXPECT_EQ(again.state(), rig.host->state());
  EXPECT_EQ(again.appended(), rig.host->replica().appended());
}

TEST(ReplicaHost, ANewLeaderEmitsWhatIsOutstandingAfterItsEpochStartIsCommitted) {
  Rig rig;
  rig.start();
  rig.deposit(1, 10);
  rig.deposit(2, 20);
  rig.turn();
  rig.log.commit_all();
  rig.host->submit({Command::kAcknowledge, 1, 0});
  rig.turn();
  rig.log.commit_all();
  rig.out.clear();
  rig.make();
  rig.start();
  EXPECT_TRUE(rig.out.empty());
  rig.log.commit_all();
  ASSERT_EQ(rig.out.size(), 1u);
  EXPECT_EQ(rig.out[0].kind, Effect::kDeliver);
  EXPECT_EQ(rig.out[0].key, 2u);
  EXPECT_EQ(rig.host->replica().epoch(), Epoch{2});
}

// Who falls behind such a leader would take its word for what is committed, at its next start.
TEST(ReplicaHost, ANewLeaderCallsNothingOfItsTailCommitted) {
  Rig rig;
  rig.start();
  for (uint64_t key = 1; key <= 2; ++key) {
    rig.deposit(key, 10);
    rig.turn();
  }
  rig.log.commit_all();
  rig.log.known = {2};  // of three entries
  rig.make();
  ASSERT_TRUE(rig.host->recover().ok());
  ASSERT_TRUE(rig.host->join().ok());
  EXPECT_EQ(rig.host->state().sum, 20);
  const auto epoch_start = decode_entry(rig.log.entries.at(4));
  ASSERT_TRUE(epoch_start.ok());
  EXPECT_TRUE(epoch_start.value().header.epoch_start);
  EXPECT_EQ(epoch_start.value().header.committed, Index{2});
  EXPECT_EQ(rig.host->replica().uncommitted(), 2u);
  rig.log.commit_all();
  EXPECT_EQ(rig.host->replica().uncommitted(), 0u);
}

TEST(ReplicaHost, SnapshotAndTailGiveTheSameStateAsTheWholeJournal) {
  Rig rig;
  rig.start();
  for (uint64_t i = 1; i <= 20; ++i) {
    rig.deposit(i, static_cast<int64_t>(i));
    rig.turn();
  }
  rig.log.commit_all();
  auto snapshot = advance_snapshot(GroupId{7}, rig.log, rig.codec);
  ASSERT_TRUE(snapshot.ok());
  rig.log.snapshot = *snapshot.value();
  for (uint64_t i = 21; i <= 30; ++i) {
    rig.deposit(i, static_cast<int64_t>(i));
    rig.turn();
  }
  rig.log.entries.erase(rig.log.entries.begin(),
                        rig.log.entries.upper_bound(rig.log.snapshot->at.index.value));
  Replica<LedgerCore> again(GroupId{7});
  auto recovered = recover(again, rig.log, rig.codec);
  ASSERT_TRUE(recovered.ok()) << recovered.error().text;
  EXPECT_EQ(recovered.value().entries_replayed, 10u);
  EXPECT_EQ(again.state(), rig.host->state());
}

TEST(ReplicaHost, ADamagedByteAGapAndASwapAreFound) {
  Rig rig;
  rig.start();
  for (uint64_t i = 1; i <= 5; ++i) {
    rig.deposit(i, 1);
    rig.turn();
  }
  const auto good = rig.log.entries;
  const auto refused = [&] {
    Replica<LedgerCore> again(GroupId{7});
    auto recovered = recover(again, rig.log, rig.codec);
    return !recovered && recovered.error().code == ErrorCode::kCorrupt;
  };
  EXPECT_FALSE(refused());
  for (std::size_t at = 0; at < good.at(3).size(); ++at) {
    rig.log.entries = good;
    rig.log.entries[3][at] ^= std::byte{0x20};
    // A foreign format number is refused as kInvalid, everything else as damage.
    Replica<LedgerCore> again(GroupId{7});
    EXPECT_FALSE(recover(again, rig.log, rig.codec).ok()) << "byte " << at;
  }
  rig.log.entries = good;
  rig.log.entries.erase(3);
  EXPECT_TRUE(refused());
  rig.log.entries = good;
  std::swap(rig.log.entries[3], rig.log.entries[4]);
  EXPECT_TRUE(refused());
}

TEST(ReplicaHost, APoisonEntryIsNamedNotThrown) {
  Rig rig;
  rig.start();
  EXPECT_THROW(rig.deposit(1, 667), CheckFailed);
  EXPECT_THROW(rig.deposit(1, 666), CheckFailed);
  // An entry written by a build that had no such bug.
  Bytes body, entry;
  const LedgerCore::Event bad{LedgerCore::Event::kDeposited, 1, 667};
  rig.codec.encode_events({&bad, 1}, body);
  auto first = decode_entry(rig.log.entries[1]);
  EntryHeader header;
  header.group = GroupId{7};
  header.at = {Epoch{1}, Index{2}, WallTime{2000}};
  header.previous = first.value().hash;
  encode_entry(header, body, entry);
  rig.log.entries[2] = entry;
  Replica<LedgerCore> again(GroupId{7});
  auto recovered = recover(again, rig.log, rig.codec);
  ASSERT_FALSE(recovered.ok());
  EXPECT_NE(recovered.error().text.find("entry 2: poison entry"), std::string::npos);
}

TEST(ReplicaHost, AFailedLogStopsServingAndReleasesNothing) {
  Rig rig;
  rig.start();
  rig.log.commit_all();
  rig.deposit(1, 10);
  rig.turn();
  rig.log.fail({ErrorCode::kFull, "no space"});
  EXPECT_FALSE(rig.host->serving());
  ASSERT_TRUE(rig.failure.has_value());
  EXPECT_TRUE(rig.out.empty());
}

TEST(ReplicaHost, JournaledTimeNeverGoesBack) {
  Rig rig;
  rig.start();
  rig.clock = {5000};
  rig.deposit(1, 1);
  rig.turn();
  rig.clock = {3000};
  rig.deposit(2, 1);
  rig.turn();
  EXPECT_EQ(rig.host->state().last_time.ns, 5000);
}

TEST(InboxCursor, TakesEachItemOnceAndInOrder) {
  InboxCursor inbox{Epoch{3}, OutboxSeq{10}};
  using Verdict = InboxCursor::Verdict;
  EXPECT_EQ(inbox.judge(Epoch{2}, {11}, 1).verdict, Verdict::kStaleEpoch);
  EXPECT_EQ(inbox.judge(Epoch{3}, {12}, 1).verdict, Verdict::kGap);
  EXPECT_EQ(inbox.judge(Epoch{3}, {5}, 6).verdict, Verdict::kNothingNew);
  EXPECT_EQ(inbox.judge(Epoch{3}, {11}, 0).verdict, Verdict::kNothingNew);
  const auto overlap = inbox.judge(Epoch{4}, {9}, 5);
  EXPECT_EQ(overlap.verdict, Verdict::kTake);
  EXPECT_EQ(overlap.skip, 2u);
}

TEST(Outbox, PrunesOnlyWhatThePeerHasJournaled) {
  Outbox<int> outbox;
  EXPECT_EQ(outbox.push(1), OutboxSeq{1});
  EXPECT_EQ(outbox.push(2), OutboxSeq{2});
  outbox.acknowledge({1});
  EXPECT_EQ(outbox.size(), 1u);
  EXPECT_EQ(outbox.at({2}), 2);
  outbox.acknowledge({1});
  EXPECT_EQ(outbox.size(), 1u);
  EXPECT_THROW(outbox.acknowledge({3}), CheckFailed);
  EXPECT_THROW(outbox.at({1}), CheckFailed);
}

}  // namespace
}  // namespace holdfast::replication::testing
