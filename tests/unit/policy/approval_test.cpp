// Whose word counts for what the policy lets happen only with one.
#include "supervision/orchestrator/policy/approval.hpp"

#include <gtest/gtest.h>

namespace holdfast::policy {
namespace {

WallTime at(int64_t seconds) { return {seconds * 1'000'000'000}; }
Request asked(uint8_t persons, Label proposer = {}) {
  return {proposer, at(100), persons, Duration::seconds(60)};
}
using Words = std::vector<Approval>;

TEST(Approval, WaitsUntilSomebodySaysYesAndLapses) {
  EXPECT_EQ(judge(asked(1), {}, at(100)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(asked(1), {}, at(159)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(asked(1), {}, at(160)), ApprovalState::kExpired);
  EXPECT_EQ(judge(asked(1), Words{{"ann", at(110)}}, at(111)), ApprovalState::kApproved);
}

TEST(Approval, AWordCountsOnlyForItsTime) {
  const Words words = {{"ann", at(110)}};
  EXPECT_EQ(judge(asked(1), words, at(169)), ApprovalState::kApproved);
  EXPECT_EQ(judge(asked(1), words, at(170)), ApprovalState::kExpired);
  // Given before it was asked, after the question lapsed, or later than now.
  EXPECT_EQ(judge(asked(1), Words{{"ann", at(99)}}, at(101)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(asked(1), Words{{"ann", at(160)}}, at(161)), ApprovalState::kExpired);
  EXPECT_EQ(judge(asked(1), Words{{"ann", at(120)}}, at(119)), ApprovalState::kWaiting);
}

TEST(Approval, TwoPersonsAreTwoDistinctPersons) {
  const auto two = asked(2);
  EXPECT_EQ(judge(two, Words{{"ann", at(110)}}, at(120)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(two, Words{{"ann", at(110)}, {"ann", at(111)}}, at(120)),
            ApprovalState::kWaiting);
  EXPECT_EQ(judge(two, Words{{"ann", at(110)}, {"Ann", at(111)}}, at(120)),
            ApprovalState::kWaiting);
  EXPECT_EQ(judge(two, Words{{"ann", at(110)}, {"bob", at(111)}}, at(120)),
            ApprovalState::kApproved);
  // Both words count at the same time or not at all.
  EXPECT_EQ(judge(two, Words{{"ann", at(101)}, {"bob", at(159)}}, at(162)),
            ApprovalState::kExpired);
}

TEST(Approval, TheProposerIsNoApprover) {
  const auto own = asked(1, "ann");
  EXPECT_EQ(judge(own, Words{{"ann", at(110)}}, at(120)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(own, Words{{"ANN", at(110)}}, at(120)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(own, Words{{"bob", at(110)}}, at(120)), ApprovalState::kApproved);
  EXPECT_EQ(judge(asked(2, "ann"), Words{{"ann", at(110)}, {"bob", at(110)}}, at(120)),
            ApprovalState::kWaiting);
}

TEST(Approval, NobodyIsNoApprover) {
  EXPECT_EQ(judge(asked(1), Words{{"", at(110)}}, at(120)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(asked(1), Words{{"", at(110), false}}, at(120)), ApprovalState::kWaiting);
}

TEST(Approval, ANoOfAnybodyEndsIt) {
  const Words words = {{"ann", at(110)}, {"bob", at(111), false}};
  EXPECT_EQ(judge(asked(1), words, at(110)), ApprovalState::kApproved);
  EXPECT_EQ(judge(asked(1), words, at(111)), ApprovalState::kRefused);
  EXPECT_EQ(judge(asked(1, "ann"), Words{{"ann", at(110), false}}, at(120)),
            ApprovalState::kRefused);
  EXPECT_EQ(judge(asked(1), Words{{"bob", at(99), false}}, at(120)), ApprovalState::kWaiting);
}

TEST(Approval, NoPersonsMeansOne) {
  EXPECT_EQ(judge(asked(0), {}, at(120)), ApprovalState::kWaiting);
  EXPECT_EQ(judge(asked(0), Words{{"ann", at(110)}}, at(120)), ApprovalState::kApproved);
}

TEST(Approval, SaysWhySomebodyMayNotAddTheirs) {
  const auto two = asked(2, "cat");
  const Words words = {{"ann", at(110)}};
  EXPECT_TRUE(may_approve(two, words, "bob", at(120)));
  const auto code = [&](Label person, int64_t seconds) {
    const auto answer = may_approve(two, words, person, at(seconds));
    return answer ? ErrorCode::kIo : answer.error().code;
  };
  EXPECT_EQ(code("Cat", 120), ErrorCode::kDenied);
  EXPECT_EQ(code("ANN", 120), ErrorCode::kDenied);
  EXPECT_EQ(code("", 120), ErrorCode::kDenied);
  EXPECT_EQ(code("bob", 200), ErrorCode::kConflict);
}

}  // namespace
}  // namespace holdfast::policy
