// Text<N>: what fits, what is refused, and that it compares and hashes by content alone.
#include "messages/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unordered_set>

#include "messages/ids.hpp"

namespace holdfast {
namespace {

TEST(Text, HoldsUpToItsCapacity) {
  EXPECT_TRUE(Text<4>().empty());
  EXPECT_EQ(Text<4>("AAPL").view(), "AAPL");
  EXPECT_EQ(Text<4>("AAPL").size(), 4u);
  EXPECT_EQ(Text<255>(std::string(255, 'x')).str(), std::string(255, 'x'));
  EXPECT_THROW(Text<4>("AAPLX"), CheckFailed);
}

TEST(Text, ParseRefusesWhatDoesNotFitAndSaysTheSizes) {
  EXPECT_EQ(Text<4>::parse("AAPL").value(), Text<4>("AAPL"));
  EXPECT_TRUE(Text<4>::parse("").value().empty());
  auto refused = Text<4>::parse("AAPLX");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
  EXPECT_THAT(refused.error().text, testing::HasSubstr("5 bytes, at most 4"));
}

TEST(Text, ParseTakesPrintableAsciiAndNoOtherByte) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = {'a', static_cast<char>(byte), 'b'};
    EXPECT_EQ(Text<8>::parse(text).ok(), byte >= 0x20 && byte <= 0x7e) << byte;
  }
  EXPECT_THROW(Text<8>("a\x01"), CheckFailed);  // FIX's delimiter
}

TEST(Text, ComparesByContentLikeStrings) {
  EXPECT_EQ(Text<8>("ab"), Text<8>("ab"));
  EXPECT_NE(Text<8>("ab"), Text<8>("abc"));
  EXPECT_LT(Text<8>("ab"), Text<8>("abc"));
  EXPECT_LT(Text<8>("Z"), Text<8>("a"));
  EXPECT_LT(Text<8>(), Text<8>("a"));
}

TEST(Text, AssigningAShorterTextLeavesNothingOfTheLonger) {
  Text<8> text("abcdefgh");
  text = "xy";
  EXPECT_EQ(text, Text<8>("xy"));
  EXPECT_EQ(std::hash<Text<8>>{}(text), std::hash<Text<8>>{}(Text<8>("xy")));
  EXPECT_EQ(text.view(), "xy");
}

TEST(Text, IsAValueThatNeedsNoHeap) {
  static_assert(std::is_trivially_copyable_v<Text<8>>);
  static_assert(sizeof(Text<8>) == 9);
}

TEST(Ids, AreDistinctTypesAndZeroIsNone) {
  static_assert(!std::is_convertible_v<Epoch, Index>);
  static_assert(!std::is_convertible_v<OrderId, uint64_t>);
  EXPECT_FALSE(OrderId{});
  EXPECT_TRUE(OrderId{1});
  EXPECT_LT(Index{1}, Index{2});
  EXPECT_EQ(std::unordered_set<OrderId>({OrderId{1}, OrderId{2}, OrderId{1}}).size(), 2u);
}

TEST(Ids, SequentialIdsSpreadOverTheHighBitsOfTheirHash) {
  std::unordered_set<std::size_t> buckets;
  for (uint64_t i = 1; i <= 256; ++i) buckets.insert(std::hash<OrderId>{}(OrderId{i}) >> 56);
  EXPECT_GT(buckets.size(), 128u);
}

}  // namespace
}  // namespace holdfast
