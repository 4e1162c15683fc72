// What a leader sends to a peer that takes nothing, wakes up late or is far away: two members and a
// connection that keeps the order, moved by hand.
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <set>

#include "supervision/replication/protocol/member.hpp"

namespace holdfast::replication {
namespace {

constexpr Duration kStep = Duration::milliseconds(5);

Incarnation incarnation(uint32_t member) {
  Incarnation out{{member}, {}, {}};
  out.data_dir.bytes.fill(static_cast<uint8_t>(member));
  out.boot.bytes.fill(9);
  return out;
}

/// A member with a disk that has everything at once.
struct Side {
  std::unique_ptr<Member> member;
  std::vector<EntryRef> log;
  bool stopped = false;
  struct Message {
    MonoTime arrives;
    PeerMessage message;
  };
  std::deque<Message> inbox;
  std::size_t entry_bytes = 0, messages = 0;  // that were sent to it
  std::set<uint64_t> rounds;                  // that it asked
};

class MemberStream : public testing::Test {
 protected:
  MemberStream() {
    for (uint32_t id : {1, 2}) {
      MemberSettings settings;
      settings.cluster = "test";
      settings.group = {7};
      settings.self = incarnation(id);
      settings.members = {{{1}, Role::kSync}, {{2}, Role::kSync}};
      side(id).member = std::make_unique<Member>(settings, Persisted{});
      side(id).member->start(now_);
    }
    carry_out();
    run(Duration::milliseconds(50));
    EXPECT_TRUE(leader_.member->leads());
  }

  Side& side(uint32_t id) { return id == 1 ? leader_ : follower_; }

  /// Who is stopped hears of it when it wakes up.
  void link() {
    for (uint32_t id : {1, 2})
      if (!side(id).stopped) side(id).member->on_link_up(incarnation(3 - id), now_);
    carry_out();
  }
  void wake() {
    follower_.stopped = false;
    follower_.member->on_link_up(incarnation(1), now_);
    carry_out();
  }

  void append(std::size_t entries, std::size_t bytes) {
    for (std::size_t i = 0; i < entries; ++i) seal(bytes);
    carry_out();
  }

  void run(Duration time) {
    for (const MonoTime until = now_ + time; now_ < until; now_ = now_ + kStep) {
      for (uint32_t id : {1, 2}) {
        Side& here = side(id);
        if (here.stopped) continue;
        while (!here.inbox.empty() && here.inbox.front().arrives <= now_) {
          const PeerMessage message = std::move(here.inbox.front().message);
          here.inbox.pop_front();
          here.member->on_message({3 - id}, message, now_);
          carry_out();
        }
        here.member->tick(now_);
        carry_out();
      }
    }
  }

  bool level() const {
    return leader_.member->peers().front().streaming &&
           leader_.member->peers().front().acknowledged == leader_.member->last();
  }
  std::size_t log_bytes() const {
    std::size_t bytes = 0;
    for (const EntryRef& entry : leader_.log) bytes += entry.bytes->size();
    return bytes;
  }

  MonoTime now_{1'000'000'000'000};
  Duration delay_;
  Side leader_, follower_;
  std::optional<GroupRecord> record_;

 private:
  void seal(std::size_t bytes) {
    const Member& member = *leader_.member;
    leader_.log.push_back({{member.last().value + 1},
                           member.epoch(),
                           std::make_shared<const Bytes>(bytes, std::byte{1})});
    leader_.member->on_appended(leader_.log.back(), now_);
    leader_.member->on_persisted(leader_.log.back().index, leader_.log.back().epoch, now_);
  }

  void carry_out() {
    for (uint32_t id : {1, 2}) {
      Side& here = side(id);
      if (!here.member) continue;
      for (std::size_t i = 0; i < here.member->actions().size(); ++i) {
        const Action action = here.member->actions()[i];
        carry_out(id, here, action);
      }
      here.member->actions().clear();
    }
  }

  void carry_out(uint32_t id, Side& here, const Action& action) {
    if (const auto* send = std::get_if<act::Send>(&action)) {
      Side& there = side(3 - id);
      there.messages += 1;
      if (const auto* append = std::get_if<peer::Append>(&send->message))
        for (const EntryRef& entry : append->entries) there.entry_bytes += entry.bytes->size();
      if (const auto* stand = std::get_if<peer::Stand>(&send->message))
        here.rounds.insert(stand->round);
      there.inbox.push_back({now_ + delay_, send->message});
    } else if (const auto* persist = std::get_if<act::Persist>(&action)) {
      here.log.insert(here.log.end(), persist->entries.begin(), persist->entries.end());
      here.member->on_persisted(here.log.back().index, here.log.back().epoch, now_);
    } else if (std::holds_alternative<act::ReadRecord>(action)) {
      here.member->on_record(record_, now_);
    } else if (const auto* cas = std::get_if<act::CompareAndSet>(&action)) {
      record_ = cas->proposed;
      here.member->on_cas_won(cas->id, now_);
    } else if (std::holds_alternative<act::Lead>(action)) {
      seal(1);
    } else if (const auto* read = std::get_if<act::ReadLog>(&action)) {
      std::vector<EntryRef> entries;
      std::size_t bytes = 0;
      for (std::size_t at = read->from.value - 1; at < here.log.size(); ++at) {
        bytes += here.log[at].bytes->size();
        if (bytes > read->bytes_max && !entries.empty()) break;
        entries.push_back(here.log[at]);
      }
      here.member->on_log_read(read->to, std::move(entries), now_);
    }
  }
};

// It finds a greeting for each beat that it missed in its socket. Each was once a question of its
// own, and each question was answered with the whole log.
TEST_F(MemberStream, WhoWakesUpIsSentTheLogOnce) {
  append(3'000, 1'000);
  follower_.stopped = true;
  link();
  run(Duration::seconds(2));
  EXPECT_GT(follower_.inbox.size(), 20u);
  EXPECT_EQ(follower_.entry_bytes, 0u);
  const auto before = follower_.rounds.size();
  wake();
  run(Duration::milliseconds(100));
  EXPECT_TRUE(level());
  EXPECT_LE(follower_.entry_bytes, log_bytes());
  EXPECT_LE(follower_.rounds.size(), before + 1);
}

TEST_F(MemberStream, WhatIsOnItsWayToWhoTakesNothingIsBounded) {
  link();
  run(Duration::milliseconds(100));
  ASSERT_TRUE(level());
  follower_.stopped = true;
  for (int i = 0; i < 200; ++i) {
    append(100, 2'000);
    run(kStep);
  }
  EXPECT_GT(log_bytes(), 30u << 20);
  EXPECT_LE(follower_.entry_bytes, 6u << 20);
  // Beats become rare: not ten thousand in a hundred seconds.
  const std::size_t before = follower_.messages;
  run(Duration::seconds(100));
  EXPECT_LT(follower_.messages - before, 600u);
  follower_.stopped = false;
  run(Duration::milliseconds(500));
  EXPECT_TRUE(level());
  EXPECT_LE(follower_.entry_bytes, log_bytes());
}

TEST_F(MemberStream, WhoAsksAgainIsSentOnePartUntilItTakesIt) {
  append(3'000, 1'000);
  link();
  run(Duration::milliseconds(50));
  ASSERT_TRUE(level());
  follower_.inbox.clear();
  follower_.stopped = true;
  follower_.entry_bytes = 0;
  const Epoch epoch = leader_.member->epoch();
  for (uint64_t round = 100; round < 200; ++round)
    leader_.inbox.push_back({now_, peer::Stand{epoch, incarnation(2), round, {}, {}, {}}});
  run(kStep);
  EXPECT_LE(follower_.entry_bytes, 7u << 20);
  const std::size_t questions = follower_.entry_bytes;
  run(Duration::seconds(2));
  EXPECT_EQ(follower_.entry_bytes, questions);
  // The same question again is no question.
  leader_.inbox.push_back({now_, peer::Stand{epoch, incarnation(2), 199, {}, {}, {}}});
  run(kStep);
  EXPECT_EQ(follower_.entry_bytes, questions);
}

// Entries that left before the answer come before it: no reason to ask again, for the answer to
// the former question is void then and the next one is as far.
TEST_F(MemberStream, FarMembersGetTheirAnswers) {
  delay_ = Duration::milliseconds(120);
  append(3'000, 1'000);
  link();
  run(Duration::seconds(1));
  ASSERT_TRUE(level());
  // Something is lost on the way, though the connection stays.
  follower_.inbox.clear();
  append(10, 1'000);
  follower_.inbox.clear();
  for (int i = 0; i < 400; ++i) {
    append(1, 1'000);
    run(kStep);
  }
  run(Duration::seconds(1));
  EXPECT_TRUE(level());
  EXPECT_LT(follower_.entry_bytes, 3 * log_bytes());
}

TEST_F(MemberStream, PartsFitIntoFrames) {
  delay_ = Duration::milliseconds(50);
  link();
  run(Duration::milliseconds(60));
  append(12, 1u << 20);  // while the first part is on its way
  std::size_t longest = 0;
  for (int i = 0; i < 200; ++i) {
    run(kStep);
    for (const auto& [arrives, message] : follower_.inbox)
      if (const auto* append = std::get_if<peer::Append>(&message)) {
        std::size_t bytes = 0;
        for (const EntryRef& entry : append->entries) bytes += entry.bytes->size();
        longest = std::max(longest, bytes);
      }
  }
  EXPECT_EQ(longest, 1u << 20);
  EXPECT_TRUE(level());
}

}  // namespace
}  // namespace holdfast::replication
