// The words between audit keepers, whom one asks for what it lacks, and a page's line.
#include "nodes/node/healing/audit_words.hpp"

#include <gtest/gtest.h>

#include "nodes/node/healing/audit_page.hpp"
#include "nodes/node/healing/catch_up.hpp"
#include "supervision/orchestrator/audit/notes.hpp"
#include "supervision/orchestrator/healing/notes.hpp"

namespace holdfast::node {
namespace {

audit::Record record(uint64_t number, std::size_t bytes = 0) {
  orchestrator::healing::Note note;
  note.number = number;
  note.at = {1'000 + static_cast<int64_t>(number)};
  note.text = "{\"event\":\"" + std::string(bytes, 'x') + "\"}";
  return audit::record_of(note, audit::Redactor({}));
}
GivenRecords given(uint64_t ask, uint64_t from, uint64_t next, uint64_t count) {
  GivenRecords out{ask, from, next, {}};
  for (uint64_t i = 0; i < count; ++i) out.records.push_back(record(next + i));
  return out;
}

TEST(AuditWords, AreReadBackWholeAndNothingElseIsRead) {
  const WantRecords want{7, 3, 900};
  const std::string wish = encode(want);
  ASSERT_TRUE(decode_want(wish));
  EXPECT_EQ(decode_want(wish).value(), want);
  const std::string none = encode(given(7, 3, 0, 0)), some = encode(given(7, 3, 5, 4));
  ASSERT_TRUE(decode_given(none));
  EXPECT_EQ(decode_given(none).value(), given(7, 3, 0, 0));
  ASSERT_TRUE(decode_given(some));
  EXPECT_EQ(decode_given(some).value(), given(7, 3, 5, 4));
  for (std::size_t i = 0; i < wish.size(); ++i) EXPECT_FALSE(decode_want(wish.substr(0, i))) << i;
  for (std::size_t i = 0; i < some.size(); ++i) EXPECT_FALSE(decode_given(some.substr(0, i))) << i;
  EXPECT_FALSE(decode_want(wish + "x"));
  EXPECT_FALSE(decode_given(some + "x"));
  EXPECT_FALSE(decode_given(wish));
  EXPECT_FALSE(decode_want(some));
  EXPECT_FALSE(decode_want(encode(WantRecords{1, 0, 3})));
  EXPECT_FALSE(decode_want(encode(WantRecords{1, 4, 3})));
  EXPECT_FALSE(decode_given(encode(given(1, 4, 3, 1))));  // before what was asked for
  EXPECT_FALSE(decode_given(encode(given(1, 4, 5, 0))));  // holds them, and gives none
}

TEST(AuditWords, WhateverIsDamagedIsAnErrorOrReadsAsItself) {
  const std::string some = encode(given(7, 3, 5, 4));
  for (std::size_t i = 0; i < some.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      auto damaged = some;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      const auto read = decode_given(damaged);
      EXPECT_TRUE(!read || encode(read.value()) == damaged) << i;
    }
  }
}

TEST(AuditWords, TheLargestAnswerIsRead) {
  GivenRecords large{1, 1, 1, {}};
  std::size_t bytes = 0;
  for (uint64_t n = 1; bytes < kGivenBytesMax; ++n) {
    large.records.push_back(record(n, audit::kPayloadBytesMax - 100));
    bytes += audit::encode(large.records.back()).size();
  }
  ASSERT_TRUE(decode_given(encode(large)));
  EXPECT_FALSE(decode_given(std::string(2u << 20, 'x')));
}

// ---- whom to ask

MonoTime at(int64_t ms) { return MonoTime{} + Duration::milliseconds(ms); }

TEST(CatchUp, AsksOneAfterTheOtherAndThenPauses) {
  CatchUp one({"a", "b"});
  EXPECT_FALSE(one.next(at(0)));
  one.missing(5, 9, at(0));
  const auto first = one.next(at(0));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->to, "a");
  EXPECT_EQ(first->want, (WantRecords{first->want.ask, 5, 9}));
  EXPECT_FALSE(one.next(at(999)));
  const auto second = one.next(at(1'000));  // a says nothing
  ASSERT_TRUE(second);
  EXPECT_EQ(second->to, "b");
  EXPECT_TRUE(one.take("b", given(second->want.ask, 5, 0, 0)));
  const auto third = one.next(at(1'001));
  ASSERT_TRUE(third);  // the last round began a second ago
  EXPECT_EQ(third->to, "a");
  EXPECT_TRUE(one.take("a", given(third->want.ask, 5, 0, 0)));
  EXPECT_TRUE(one.next(at(1'002)));
  EXPECT_FALSE(one.next(at(1'900)));
}

TEST(CatchUp, StaysWithWhoeverHasThem) {
  CatchUp one({"a", "b"});
  one.missing(1, 900, at(0));
  for (uint64_t from = 1; from < 900; from += 100) {
    one.missing(from, 900, at(10));
    const auto ask = one.next(at(10));
    ASSERT_TRUE(ask);
    EXPECT_EQ(ask->to, "a");
    EXPECT_EQ(ask->want.from, from);
    EXPECT_TRUE(one.take("a", given(ask->want.ask, from, from, 100)));
  }
  one.nothing_missing();
  EXPECT_FALSE(one.next(at(5'000)));
  EXPECT_EQ(one.lost_upto(at(1'000'000)), 0u);
}

TEST(CatchUp, TakesOneAnswerToEachQuestion) {
  CatchUp one({"a", "b"});
  one.missing(5, 9, at(0));
  const auto ask = one.next(at(0));
  ASSERT_TRUE(ask);
  EXPECT_FALSE(one.take("b", given(ask->want.ask, 5, 0, 0)));      // was not asked
  EXPECT_FALSE(one.take("a", given(ask->want.ask + 1, 5, 0, 0)));  // not this
  EXPECT_FALSE(one.take("a", given(ask->want.ask, 6, 0, 0)));
  EXPECT_TRUE(one.take("a", given(ask->want.ask, 5, 0, 0)));
  EXPECT_FALSE(one.take("a", given(ask->want.ask, 5, 0, 0)));
}

TEST(CatchUp, NothingIsLostBeforeAllWhoAnswerHaveSaidSoForAMinute) {
  CatchUp one({"a", "b", "c"});
  one.missing(5, 9, at(0));
  uint64_t b_holds = 7;
  bool answered = true;  // c is away
  std::optional<int64_t> lost_at;
  for (int64_t ms = 0; ms <= 70'000 && !lost_at; ms += 100) {
    const auto ask = one.next(at(ms));
    if (ask && ask->to == "a") answered &= one.take("a", given(ask->want.ask, 5, 0, 0));
    if (ask && ask->to == "b") answered &= one.take("b", given(ask->want.ask, 5, b_holds, 2));
    if (one.lost_upto(at(ms))) lost_at = ms;
  }
  EXPECT_EQ(lost_at, 60'000);
  EXPECT_EQ(one.lost_upto(at(60'000)), 6u);  // b has the others
  b_holds = 5;                               // and by now these too
  for (int64_t ms = 60'100; ms <= 65'000; ms += 100) {
    const auto ask = one.next(at(ms));
    if (ask && ask->to == "b") answered &= one.take("b", given(ask->want.ask, 5, b_holds, 2));
  }
  EXPECT_TRUE(answered);
  EXPECT_EQ(one.lost_upto(at(65'000)), 0u);
  one.missing(6, 9, at(65'000));  // another gap, another minute
  EXPECT_EQ(one.lost_upto(at(124'900)), 0u);
}

TEST(CatchUp, WithoutAnAnswerItWaitsLongerAndByItselfHardly) {
  CatchUp one({"a"});
  one.missing(5, 9, at(0));
  for (int64_t ms = 0; ms < 600'000; ms += 500) {
    (void)one.next(at(ms));
    ASSERT_EQ(one.lost_upto(at(ms)), 0u);
  }
  EXPECT_EQ(one.lost_upto(at(600'000)), 9u);
  CatchUp alone({});
  alone.missing(5, 9, at(0));
  EXPECT_FALSE(alone.next(at(0)));
  EXPECT_EQ(alone.lost_upto(at(4'999)), 0u);
  EXPECT_EQ(alone.lost_upto(at(5'000)), 9u);
}

TEST(AuditPage, IsALineForAHuman) {
  using namespace orchestrator::healing;
  auto note = note_of(State{}, Paged{7, 3, "a \"remedy\" failed:\n\\o/"}, {});
  ASSERT_TRUE(note && note->page);
  EXPECT_EQ(page_text(*note), "page: incident 7, remedy 3: a \"remedy\" failed:?\\o/");
  note->incident = note->remedy = 0;
  note->text = "{\"event\":\"other\"}";
  EXPECT_EQ(page_text(*note), "page: {\"event\":\"other\"}");
}

}  // namespace
}  // namespace holdfast::node
