// The sessions' memory: what a resend finds, and what it no longer does.
#include "nodes/venue/session_store_quickfix.hpp"

#include <gtest/gtest.h>

namespace holdfast::exchange {
namespace {

std::vector<std::string> stored(const MemorySessionStore& store, int begin, int end) {
  std::vector<std::string> messages;
  store.get(begin, end, messages);
  return messages;
}

TEST(MemorySessionStore, GivesWhatLiesInTheRange) {
  MemorySessionStore store;
  for (const int n : {1, 2, 4, 5}) store.set(n, std::to_string(n));
  EXPECT_EQ(stored(store, 2, 4), (std::vector<std::string>{"2", "4"}));
  EXPECT_EQ(stored(store, -5, 1), std::vector<std::string>{"1"});
  EXPECT_TRUE(stored(store, 6, 9).empty());
  EXPECT_TRUE(stored(store, 4, 2).empty());
}

TEST(MemorySessionStore, BeyondItsBoundTheOldestGo) {
  MemorySessionStore store(3);
  for (int n = 1; n <= 5; ++n) store.set(n, std::to_string(n));
  EXPECT_EQ(stored(store, 1, 5), (std::vector<std::string>{"3", "4", "5"}));
}

TEST(MemorySessionStore, NumberWrittenAgainReplacesWhatFollowed) {
  MemorySessionStore store;
  for (int n = 1; n <= 4; ++n) store.set(n, "old");
  store.set(3, "new");
  EXPECT_EQ(stored(store, 1, 9), (std::vector<std::string>{"old", "old", "new"}));
}

TEST(MemorySessionStore, ResetForgetsEverything) {
  MemorySessionStore store;
  store.set(1, "x");
  store.setNextSenderMsgSeqNum(7);
  store.incrNextTargetMsgSeqNum();
  store.reset();
  EXPECT_EQ(store.getNextSenderMsgSeqNum(), 1);
  EXPECT_EQ(store.getNextTargetMsgSeqNum(), 1);
  EXPECT_TRUE(stored(store, 1, 9).empty());
}

}  // namespace
}  // namespace holdfast::exchange
