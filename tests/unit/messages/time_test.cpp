// Two clocks that do not mix, and spans in whole nanoseconds.
#include "messages/time.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace holdfast {
namespace {

template <typename A, typename B>
concept Mix = requires(A a, B b) {
  a - b;
}
|| requires(A a, B b) { a < b; };

TEST(Time, ClocksDoNotMix) {
  static_assert(Mix<MonoTime, MonoTime>);
  static_assert(!Mix<MonoTime, WallTime>);
  static_assert(!std::is_convertible_v<MonoTime, WallTime>);
  static_assert(!std::is_convertible_v<WallTime, MonoTime>);
}

TEST(Time, SpansConvertAndAdd) {
  EXPECT_EQ(Duration::seconds(2), Duration::milliseconds(2'000));
  EXPECT_EQ(Duration::milliseconds(3).us(), 3'000);
  EXPECT_EQ(Duration::microseconds(2'999).ms(), 2);
  EXPECT_EQ(Duration::milliseconds(10) * 3 - Duration::milliseconds(5), Duration::milliseconds(25));
  EXPECT_EQ((MonoTime{5} + Duration::nanoseconds(7)) - MonoTime{5}, Duration::nanoseconds(7));
  EXPECT_LT(WallTime{1}, WallTime{1} + Duration::nanoseconds(1));
}

}  // namespace
}  // namespace holdfast
