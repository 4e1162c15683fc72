// Money as integers: what text is a number, what comes back, what overflows, which way a notional
// rounds.
#include "messages/fixed_point.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace holdfast {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

int64_t parsed(std::string_view text) {
  auto result = fixed_point::parse(text);
  if (!result) ADD_FAILURE() << result.error().text;
  return result ? result.value() : 0;
}

std::string refusal(std::string_view text) {
  auto result = fixed_point::parse(text);
  if (result.ok()) return "accepted as " + std::to_string(result.value());
  EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
  return result.error().text;
}

TEST(FixedPointParse, ReadsDecimalTextExactly) {
  EXPECT_EQ(parsed("0"), 0);
  EXPECT_EQ(parsed("1"), kScale);
  EXPECT_EQ(parsed("585.33"), 58'533'000'000);
  EXPECT_EQ(parsed("0.00000001"), 1);
  EXPECT_EQ(parsed("-0.00000001"), -1);
  EXPECT_EQ(parsed("-12.5"), -1'250'000'000);
  EXPECT_EQ(parsed("0.1"), 10'000'000);
}

TEST(FixedPointParse, TakesAnyNumberOfZerosThatChangeNothing) {
  EXPECT_EQ(parsed(std::string(1000, '0') + "7"), 7 * kScale);
  EXPECT_EQ(parsed("7." + std::string(1000, '0')), 7 * kScale);
  EXPECT_EQ(parsed("7.000000010000"), 7 * kScale + 1);
  EXPECT_EQ(parsed("-0"), 0);
}

TEST(FixedPointParse, TakesAPointWithoutDigitsOnOneSide) {
  EXPECT_EQ(parsed(".5"), kScale / 2);
  EXPECT_EQ(parsed("5."), 5 * kScale);
}

TEST(FixedPointParse, RefusesWhatIsNoDecimalNumberAndSaysWhy) {
  EXPECT_THAT(refusal(""), testing::HasSubstr("no digits"));
  EXPECT_THAT(refusal("-"), testing::HasSubstr("no digits"));
  EXPECT_THAT(refusal("."), testing::HasSubstr("no digits"));
  EXPECT_THAT(refusal("-."), testing::HasSubstr("no digits"));
  EXPECT_THAT(refusal("1.2.3"), testing::HasSubstr("two decimal points"));
  for (const char* text : {"+1", "1e5", " 1", "1 ", "--1", "1-", "0x10", "nan", "inf", "1,000"})
    EXPECT_THAT(refusal(text), testing::HasSubstr("only digits")) << text;
  EXPECT_THAT(refusal(std::string_view("1\0002", 3)), testing::HasSubstr("only digits"));
  EXPECT_THAT(refusal("\xff"), testing::HasSubstr("only digits"));
}

TEST(FixedPointParse, RefusesANinthDecimalThatCounts) {
  EXPECT_THAT(refusal("0.000000001"), testing::HasSubstr("more than 8 decimals"));
  EXPECT_THAT(refusal("1.123456789"), testing::HasSubstr("more than 8 decimals"));
}

TEST(FixedPointParse, RefusesOutOfRangeAndNeverWraps) {
  EXPECT_EQ(parsed("92233720368.54775807"), kMax);
  EXPECT_EQ(parsed("-92233720368.54775807"), -kMax);
  EXPECT_THAT(refusal("92233720368.54775808"), testing::HasSubstr("out of range"));
  EXPECT_THAT(refusal("-92233720368.54775808"), testing::HasSubstr("out of range"));
  EXPECT_THAT(refusal("92233720369"), testing::HasSubstr("out of range"));
  EXPECT_THAT(refusal("184467440737.09551616"), testing::HasSubstr("out of range"));  // 2^64
  EXPECT_THAT(refusal(std::string(10'000, '9')), testing::HasSubstr("out of range"));
}

TEST(FixedPointParse, QuotesAtMostFortyBytesOfTheInput) {
  EXPECT_LT(refusal(std::string(1 << 20, 'x')).size(), 150u);
}

TEST(FixedPointFormat, WritesTheShortestText) {
  EXPECT_EQ(fixed_point::format(0), "0");
  EXPECT_EQ(fixed_point::format(kScale), "1");
  EXPECT_EQ(fixed_point::format(-kScale / 2), "-0.5");
  EXPECT_EQ(fixed_point::format(1), "0.00000001");
  EXPECT_EQ(fixed_point::format(1'230'000'000), "12.3");
  EXPECT_EQ(fixed_point::format(100 * kScale), "100");
}

TEST(FixedPointFormat, HoldsTheExtremesInTwentyFourBytes) {
  char buffer[24];
  EXPECT_EQ(std::string(buffer, fixed_point::format_to(buffer, kMax)), "92233720368.54775807");
  EXPECT_EQ(std::string(buffer, fixed_point::format_to(buffer, kMin)), "-92233720368.54775808");
}

TEST(FixedPoint, TextOfEveryNumberReadsBackAsTheSameNumber) {
  std::mt19937_64 random(20120621);
  for (int i = 0; i < 100'000; ++i) {
    // Every magnitude is as likely as any other, and so are runs of trailing zeros.
    int64_t units = static_cast<int64_t>(random() >> (random() % 64));
    for (auto zeros = random() % 9; zeros > 0; --zeros) units = units / 10 * 10;
    if (units == kMin) continue;  // parse's range is symmetric
    if (random() % 2) units = -units;
    ASSERT_EQ(parsed(fixed_point::format(units)), units);
  }
}

TEST(FixedPoint, TypesParseAndPrintAlike) {
  auto price = Price::parse("585.33");
  ASSERT_TRUE(price);
  EXPECT_EQ(price.value().str(), "585.33");
  EXPECT_EQ(price.value(), Price::from_units(58'533'000'000));
  EXPECT_FALSE(Quantity::parse("many").ok());
  EXPECT_TRUE(Price::whole(1).positive());
  EXPECT_FALSE(Price{}.positive());
  EXPECT_TRUE(Price{}.zero());
  EXPECT_FALSE(Price::whole(-1).positive());
}

template <typename A, typename B>
concept Mix = requires(A a, B b) {
  a + b;
}
|| requires(A a, B b) { a < b; };

TEST(FixedPoint, PricesAndQuantitiesDoNotMix) {
  static_assert(Mix<Price, Price>);
  static_assert(!Mix<Price, Quantity>);
  static_assert(!Mix<Price, Notional>);
  static_assert(!std::is_convertible_v<Price, Quantity>);
  static_assert(!std::is_convertible_v<int64_t, Price>);
  static_assert(!std::is_convertible_v<double, Price>);
}

TEST(FixedPoint, ArithmeticThatOverflowsIsABug) {
  EXPECT_EQ(Price::whole(2) + Price::whole(3), Price::whole(5));
  EXPECT_EQ(Price::whole(2) - Price::whole(3), Price::whole(-1));
  EXPECT_THROW(Price::from_units(kMax) + Price::from_units(1), CheckFailed);
  EXPECT_THROW(Price::from_units(kMin) - Price::from_units(1), CheckFailed);
  EXPECT_THROW(Price::whole(kMax / kScale + 1), CheckFailed);
}

TEST(FixedPoint, CheckedAddGivesNothingOnOverflow) {
  EXPECT_EQ(checked_add(Price::whole(2), Price::whole(3)), Price::whole(5));
  EXPECT_EQ(checked_add(Price::from_units(kMax), Price::from_units(1)), std::nullopt);
  EXPECT_EQ(checked_add(Price::from_units(kMin), Price::from_units(-1)), std::nullopt);
  EXPECT_EQ(checked_add(Price::from_units(kMax - 1), Price::from_units(1)),
            Price::from_units(kMax));
}

TEST(Notional, IsTheExactProductWhereItFits) {
  EXPECT_EQ(notional_of(Price::whole(585), Quantity::whole(100)), Notional::whole(58'500));
  EXPECT_EQ(notional_of(Price::parse("585.33").value(), Quantity::whole(18)).value().str(),
            "10535.94");
  EXPECT_EQ(notional_of(Price::whole(-2), Quantity::whole(3)), Notional::whole(-6));
  EXPECT_EQ(notional_of(Price{}, Quantity::from_units(kMax)), Notional{});
}

TEST(Notional, RoundsAwayFromZeroSoThatNoExposureIsUnderstated) {
  const auto tiny = Price::from_units(1);
  EXPECT_EQ(notional_of(tiny, Quantity::from_units(1)), Notional::from_units(1));
  EXPECT_EQ(notional_of(tiny, Quantity::from_units(-1)), Notional::from_units(-1));
  EXPECT_EQ(notional_of(tiny, Quantity::from_units(kScale)), Notional::from_units(1));
  EXPECT_EQ(notional_of(tiny, Quantity::from_units(kScale + 1)), Notional::from_units(2));
  EXPECT_EQ(notional_of(Price::from_units(-1), Quantity::from_units(kScale + 1)),
            Notional::from_units(-2));
}

TEST(Notional, OverflowsToNothing) {
  EXPECT_EQ(notional_of(Price::from_units(kMax), Quantity::from_units(kMax)), std::nullopt);
  EXPECT_EQ(notional_of(Price::from_units(kMin), Quantity::from_units(kMin)), std::nullopt);
  EXPECT_EQ(notional_of(Price::from_units(kMin), Quantity::from_units(kMax)), std::nullopt);
  EXPECT_EQ(notional_of(Price::from_units(kMax), Quantity::whole(1)), Notional::from_units(kMax));
  EXPECT_EQ(notional_of(Price::from_units(kMax), Quantity::from_units(kScale + 1)), std::nullopt);
}

}  // namespace
}  // namespace holdfast
