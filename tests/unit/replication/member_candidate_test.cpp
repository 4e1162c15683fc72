// Who asks to lead when a leader is gone, and what a leader does with questions that come late: one
// member, told by hand what the others do.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "supervision/replication/protocol/member.hpp"

namespace holdfast::replication {
namespace {

Incarnation incarnation(uint32_t member) {
  Incarnation out{{member}, {}, {}};
  out.data_dir.bytes.fill(static_cast<uint8_t>(member));
  out.boot.bytes.fill(9);
  return out;
}

class MemberCandidate : public testing::Test {
 protected:
  /// The member `self` of three, all in sync by a record in which member 1 leads epoch 1; it has
  /// what `persisted` says.
  void start(uint32_t self, Persisted persisted = {}) {
    MemberSettings settings;
    settings.cluster = "test";
    settings.group = {7};
    settings.self = incarnation(self);
    settings.members = {{{1}, Role::kSync}, {{2}, Role::kSync}, {{3}, Role::kSync}};
    record_.cluster = settings.cluster;
    record_.group = settings.group;
    record_.version = 4;
    record_.epoch = {1};
    record_.format = kEntryFormat;
    record_.leader = incarnation(1);
    record_.members = settings.members;
    if (record_.in_sync.empty()) record_.in_sync = {incarnation(1), incarnation(2), incarnation(3)};
    member_ = std::make_unique<Member>(settings, std::move(persisted));
    member_->start(now_);
    member_->on_record(record_, now_);
  }
  void link(std::initializer_list<uint32_t> peers) {
    for (const uint32_t id : peers) member_->on_link_up(incarnation(id), now_);
  }
  void pass(Duration time) {
    now_ = now_ + time;
    member_->tick(now_);
  }
  bool asks() const { return member_->state() == MemberState::kCandidate; }

  /// What it wants done since this was asked last, of one kind.
  template <typename A>
  std::vector<A> wants() {
    std::vector<A> out;
    for (const Action& action : std::exchange(member_->actions(), {}))
      if (const auto* one = std::get_if<A>(&action)) out.push_back(*one);
    return out;
  }

  MonoTime now_{1'000'000'000'000};
  GroupRecord record_;
  std::unique_ptr<Member> member_;
};

TEST_F(MemberCandidate, ThePreferredOneAsksFirst) {
  start(3);
  link({1, 2});
  member_->on_link_down({1}, true, now_);
  EXPECT_FALSE(asks());
  pass(Duration::milliseconds(2));
  EXPECT_FALSE(asks());
  pass(Duration::milliseconds(2));
  EXPECT_TRUE(asks()) << "the preferred one does not ask";
}

TEST_F(MemberCandidate, NobodyWaitsForWhoIsGoneToo) {
  start(3);
  link({1, 2});
  member_->on_link_down({2}, true, now_);
  member_->on_link_down({1}, true, now_);
  EXPECT_TRUE(asks());
  const auto questions = wants<act::CompareAndSet>();
  ASSERT_EQ(questions.size(), 1u);
  // Who is gone is in sync by the record until its leader puts it out.
  EXPECT_EQ(questions[0].proposed.in_sync,
            (std::vector<Incarnation>{incarnation(2), incarnation(3)}));
}

TEST_F(MemberCandidate, WhoIsGoneLaterIsWaitedForNoLonger) {
  start(3);
  link({1, 2});
  member_->on_link_down({1}, true, now_);
  EXPECT_FALSE(asks());
  member_->on_link_down({2}, true, now_);
  EXPECT_TRUE(asks());
}

// A leader that sends a snapshot of 100 entries to a member that has none.
TEST_F(MemberCandidate, ALateQuestionDoesNotEndASnapshot) {
  Persisted persisted;
  persisted.epoch_seen = {1};
  persisted.last = persisted.committed = {100};
  persisted.history.reset({1}, {100});
  record_.in_sync = {incarnation(1)};
  start(1, std::move(persisted));
  auto questions = wants<act::CompareAndSet>();
  ASSERT_EQ(questions.size(), 1u);  // it led before it was started again
  member_->on_cas_won(questions[0].id, now_);
  ASSERT_TRUE(member_->leads());
  link({2});
  const Epoch epoch = member_->epoch();
  const auto ask = [&](uint64_t round) {
    member_->actions().clear();
    member_->on_message({2}, peer::Stand{epoch, incarnation(2), round, {}, {}, {}}, now_);
  };
  ask(5);
  ASSERT_EQ(wants<act::ReadLog>().size(), 1u);
  member_->on_log_gone({2}, now_);
  ASSERT_EQ(wants<act::ReadSnapshot>().size(), 1u);
  for (const uint64_t late : {4, 5}) {
    ask(late);
    EXPECT_TRUE(member_->actions().empty()) << "round " << late;
  }
  member_->on_snapshot_read({2}, {{}, 0, {{1}, {100}, {}}, {}, 10, 0, Bytes(4)}, now_);
  const auto sent = wants<act::Send>();
  ASSERT_EQ(sent.size(), 1u);
  ASSERT_TRUE(std::holds_alternative<peer::SnapshotPart>(sent[0].message));
  EXPECT_EQ(std::get<peer::SnapshotPart>(sent[0].message).round, 5u);
  ask(4);
  EXPECT_TRUE(member_->actions().empty());
  // The snapshot goes on where it was.
  member_->on_message({2}, peer::SnapshotAck{epoch, 5, 4}, now_);
  const auto reads = wants<act::ReadSnapshot>();
  ASSERT_EQ(reads.size(), 1u);
  EXPECT_EQ(reads[0].offset, 4u);
  // A new question does: what was sent is lost.
  ask(6);
  EXPECT_EQ(wants<act::ReadLog>().size(), 1u);
}

}  // namespace
}  // namespace holdfast::replication
