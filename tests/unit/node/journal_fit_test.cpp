// A journal is opened under the number of shards that it was made with, or not at all.
#include "nodes/node/journal_fit.hpp"

#include <gtest/gtest.h>

namespace holdfast::node {
namespace {

TEST(JournalFit, ANewJournalTakesAnyNumberOfShards) {
  EXPECT_TRUE(check_shards({}, {}, 7));
  EXPECT_TRUE(check_shards({}, {{1001}}, 7));
}

TEST(JournalFit, TheSameNumberFits) {
  EXPECT_TRUE(check_shards({}, {{1}, {2}, {1001}, {1002}}, 2));
}

TEST(JournalFit, AnotherNumberIsRefusedWithWhatToDo) {
  for (uint32_t shards : {1u, 3u}) {
    const auto fit = check_shards({}, {{1}, {2}, {1001}}, shards);
    ASSERT_FALSE(fit);
    EXPECT_EQ(fit.error().code, ErrorCode::kInvalid);
    EXPECT_NE(fit.error().text.find("Set it back to 2"), std::string::npos) << fit.error().text;
  }
}

// A lost disk is rebuilt group by group, and the process may be killed in between.
TEST(JournalFit, WhatTheJournalSaysOfItselfCountsMoreThanItsGroups) {
  EXPECT_TRUE(check_shards("2", {{1}}, 2));
  EXPECT_TRUE(check_shards("2", {}, 2));
  const auto fit = check_shards("2", {{1}}, 1);
  ASSERT_FALSE(fit);
  EXPECT_NE(fit.error().text.find("made with 2"), std::string::npos) << fit.error().text;
}

}  // namespace
}  // namespace holdfast::node
