// Result, CHECK and FATAL: an error is never read as a value, a bug throws with its place, a broken
// fence ends the process.
#include "messages/result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace holdfast {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{ErrorCode::kInvalid, std::to_string(n) + " is odd"};
  return n / 2;
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_TRUE(half(4).ok());
  EXPECT_EQ(half(4).value(), 2);
  EXPECT_FALSE(half(3));
  EXPECT_EQ(half(3).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(half(3).error().text, "3 is odd");
  EXPECT_TRUE(success().ok());
}

TEST(Result, ReadingWhatIsNotThereIsABug) {
  EXPECT_THROW((void)half(3).value(), CheckFailed);
  EXPECT_THROW((void)half(4).error(), CheckFailed);
  const Result<int> error(ErrorCode::kFull, "full");
  EXPECT_THROW((void)error.value(), CheckFailed);
}

TEST(Result, GivesUpAValueThatCanOnlyMove) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  auto moved = std::move(result).value();
  EXPECT_EQ(*moved, 7);
}

TEST(Check, ThrowsTheConditionAndThePlaceInTheRepository) {
  EXPECT_NO_THROW(CHECK(1 + 1 == 2));
  try {
    CHECK(1 + 1 == 3);
    FAIL() << "a false CHECK went through";
  } catch (const CheckFailed& bug) {
    EXPECT_THAT(bug.what(), testing::StartsWith("tests/unit/messages/result_test.cpp:"));
    EXPECT_THAT(bug.what(), testing::HasSubstr("CHECK failed: 1 + 1 == 3"));
  }
}

TEST(Check, EvaluatesItsConditionOnce) {
  int calls = 0;
  CHECK(++calls > 0);
  EXPECT_EQ(calls, 1);
}

TEST(FatalDeathTest, EndsTheProcess) {
  FATAL_UNLESS(true);
  EXPECT_DEATH(FATAL_UNLESS(1 > 2), "FATAL: 1 > 2");
}

}  // namespace
}  // namespace holdfast
