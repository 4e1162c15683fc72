#include "actors/agents/llm/recording.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::llm {
namespace {

TransportResult http(int status, const std::string& body) {
  TransportResult result;
  result.status = status;
  result.body = body;
  return result;
}

TEST(Recording, IsPlayedBackByteForByteInOrder) {
  const std::string strange("a\nb\0c\xff exchange \n", 17);
  TransportResult throttled = http(429, "");
  throttled.retry_after = Duration::seconds(2);
  TransportResult cut;
  cut.error = TransportError::kCut;
  const auto text = encode({"a", "question", throttled}) +
                    encode({"a", "question", http(200, strange)}) + encode({"b", "question", cut}) +
                    encode({"a", strange, http(200, "")});
  Replay replay;
  ASSERT_TRUE(replay.load(text).ok());
  EXPECT_EQ(replay.size(), 4u);
  const auto first = replay.next("a", "question");
  EXPECT_EQ(first.status, 429);
  EXPECT_EQ(first.retry_after, Duration::seconds(2));
  for (int i = 0; i < 3; ++i) {
    const auto later = replay.next("a", "question");
    EXPECT_EQ(later.status, 200);
    EXPECT_EQ(later.body, strange);
    EXPECT_FALSE(later.retry_after);
  }
  EXPECT_EQ(replay.next("b", "question").error, TransportError::kCut);
  EXPECT_EQ(replay.next("a", strange).status, 200);
}

TEST(Recording, WhatWasNotRecordedIsToldSo) {
  Replay replay;
  ASSERT_TRUE(replay.load(encode({"a", "question", http(200, "x")})).ok());
  EXPECT_EQ(replay.next("a", "question ").error, TransportError::kNotRecorded);
  EXPECT_EQ(replay.next("c", "question").error, TransportError::kNotRecorded);
}

TEST(Recording, DamageIsToldWithItsPlaceAndKeepsWhatWasBefore) {
  const auto one = encode({"a", "question", http(200, "x")});
  const auto two = encode({"a", "other", http(200, "y")});
  for (std::size_t cut = 1; cut < two.size(); ++cut) {
    Replay replay;
    const auto loaded = replay.load(one + two.substr(0, two.size() - cut));
    ASSERT_FALSE(loaded.ok());
    EXPECT_EQ(loaded.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(loaded.error().text, testing::HasSubstr(std::to_string(one.size())));
    EXPECT_EQ(replay.size(), 1u);
  }
  auto bent = one;
  bent[bent.find("question")] = 'Q';
  EXPECT_FALSE(Replay().load(bent).ok()) << "the hash tells";
}

}  // namespace
}  // namespace holdfast::llm
