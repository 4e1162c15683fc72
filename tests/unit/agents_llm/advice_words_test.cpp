#include <gtest/gtest.h>

#include <set>

#include "messages/advice/advice.hpp"
#include "supervision/orchestrator/advice/standing.hpp"
#include "tests/enumerators.hpp"

namespace holdfast {
namespace {

// Each has a name of its own, and as many codes as the constant says.
template <typename Enum>
void expect_names(std::size_t count) {
  std::set<std::string_view> names;
  for (const auto& each : tests::enumerators<Enum>()) {
    EXPECT_NE(to_text(each.value), "invalid") << each.name;
    EXPECT_TRUE(names.insert(to_text(each.value)).second) << each.name;
  }
  EXPECT_EQ(names.size(), count);
  EXPECT_EQ(to_text(static_cast<Enum>(250)), "invalid");
}

TEST(AdviceWords, HaveNames) {
  expect_names<ActorClass>(kActorClasses);
  expect_names<FailureClass>(kFailureClasses + 1u);
  expect_names<AdviceFact>(kAdviceFacts);
  expect_names<AdviceKind>(2);
  expect_names<AdviceOutcome>(kAdviceOutcomes);
  expect_names<ReplyProblem>(kReplyProblems + 1u);
}

// A name in both means the same code in both.
template <typename Ours, typename Theirs>
void expect_same_codes() {
  std::size_t shared = 0;
  for (const auto& ours : tests::enumerators<Ours>())
    for (const auto& theirs : tests::enumerators<Theirs>()) {
      const bool code = static_cast<int>(ours.value) == static_cast<int>(theirs.value);
      EXPECT_EQ(ours.name == theirs.name, code) << ours.name << " " << theirs.name;
      shared += code;
    }
  EXPECT_GE(shared, 8u);
}

// A question in advance is made of a key of the orchestrator's table by its codes.
TEST(AdviceWords, AreThoseOfTheOrchestratorsTable) {
  expect_same_codes<ActorClass, orchestrator::advice::ActorClass>();
  expect_same_codes<FailureClass, orchestrator::FailureKind>();
}

}  // namespace
}  // namespace holdfast
