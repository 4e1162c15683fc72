#include "actors/venues/session_rules.hpp"

#include <gtest/gtest.h>

namespace holdfast::venues {
namespace {

constexpr int64_t kHour = 3'600'000'000'000;
constexpr WallTime kMidnight{1'772'409'600'000'000'000};  // 2026-03-02 00:00 UTC
WallTime at(int64_t hours, int64_t minutes = 0) {
  return {kMidnight.ns + hours * kHour + minutes * kHour / 60};
}
SessionSchedule window(int64_t start, int64_t end, int64_t zone = 0) {
  return {false, {start * kHour}, {end * kHour}, {zone * kHour}};
}

TEST(SessionSchedule, AlwaysIsOneLongDay) {
  const SessionSchedule always;
  EXPECT_TRUE(in_session(always, at(3)));
  EXPECT_EQ(session_day(always, at(0)), session_day(always, at(24 * 400)));
}

TEST(SessionSchedule, AWindowByDay) {
  const auto day = window(8, 17);
  EXPECT_FALSE(in_session(day, at(7, 59)));
  EXPECT_TRUE(in_session(day, at(8)));
  EXPECT_TRUE(in_session(day, at(16, 59)));
  EXPECT_FALSE(in_session(day, at(17)));
  EXPECT_EQ(session_day(day, at(8)), session_day(day, at(16)));
  EXPECT_EQ(session_day(day, at(8)) + 1, session_day(day, at(32)));
}

TEST(SessionSchedule, AWindowOverMidnightIsOneDay) {
  const auto night = window(22, 6);
  EXPECT_TRUE(in_session(night, at(23)));
  EXPECT_TRUE(in_session(night, at(24 + 5)));
  EXPECT_FALSE(in_session(night, at(24 + 6)));
  EXPECT_EQ(session_day(night, at(23)), session_day(night, at(24 + 5)));
}

TEST(SessionSchedule, EqualTimesRunAroundTheClockWithADailyReset) {
  const auto clock = window(17, 17);
  EXPECT_TRUE(in_session(clock, at(3)));
  EXPECT_TRUE(in_session(clock, at(17)));
  EXPECT_NE(session_day(clock, at(16, 59)), session_day(clock, at(17)));
}

TEST(SessionSchedule, TimesAreOfTheVenuesZone) {
  const auto tokyo = window(9, 15, 9);  // UTC+9: 00:00 to 06:00 UTC
  EXPECT_TRUE(in_session(tokyo, at(0)));
  EXPECT_FALSE(in_session(tokyo, at(6)));
  const auto york = window(9, 16, -5);  // 14:00 to 21:00 UTC
  EXPECT_FALSE(in_session(york, at(13, 59)));
  EXPECT_TRUE(in_session(york, at(14)));
}

TEST(SessionSchedule, TheNextBoundaryIsWhereTheAnswerChanges) {
  for (const auto& schedule : {window(8, 17), window(22, 6), window(9, 15, 9), window(17, 17)})
    for (int64_t minute = 0; minute < 3 * 24 * 60; minute += 37) {
      const WallTime t = at(0, minute), next = next_boundary(schedule, t);
      EXPECT_GT(next.ns, t.ns);
      const WallTime before{next.ns - 1};
      EXPECT_EQ(in_session(schedule, t), in_session(schedule, before));
      EXPECT_TRUE(in_session(schedule, before) != in_session(schedule, next) ||
                  session_day(schedule, before) != session_day(schedule, next));
    }
}

TEST(SessionRules, ConnectsAtOnceThenEveryFewMillisecondsThenBacksOff) {
  EXPECT_EQ(connect_delay(0).ns, 0);
  EXPECT_EQ(connect_delay(1).ms(), 4);
  EXPECT_EQ(connect_delay(50).ms(), 4);
  for (uint32_t tries = 50; tries < 60; ++tries)
    EXPECT_LE(connect_delay(tries), connect_delay(tries + 1));
  EXPECT_EQ(connect_delay(60).ms(), 250);
  EXPECT_EQ(connect_delay(UINT32_MAX).ms(), 250);
}

TEST(SessionRules, SayWhatIsWrongWithThem) {
  SessionRules good;
  good.venue = "X";
  EXPECT_TRUE(check(good).ok());
  const auto wrong = [&](auto&& change) {
    SessionRules rules = good;
    change(rules);
    return !check(rules).ok();
  };
  EXPECT_TRUE(wrong([](auto& r) { r.venue = ""; }));
  EXPECT_TRUE(wrong([](auto& r) { r.resend_age = {-1}; }));
  EXPECT_TRUE(wrong([](auto& r) { r.wait_age = {0}; }));
  EXPECT_TRUE(wrong([](auto& r) { r.logon_timeout = {0}; }));
  EXPECT_TRUE(wrong([](auto& r) { r.status_interval = {0}; }));
  EXPECT_TRUE(wrong([](auto& r) { r.answer_timeout = r.resend_age - Duration{1}; }));
  EXPECT_FALSE(wrong([](auto& r) { r.answer_timeout = {0}; }));
  EXPECT_TRUE(wrong([](auto& r) { r.in_flight_max = 0; }));
  EXPECT_TRUE(wrong([](auto& r) { r.schedule.start = {25 * kHour}; }));
  EXPECT_TRUE(wrong([](auto& r) { r.schedule.zone_offset = {25 * kHour}; }));
}

}  // namespace
}  // namespace holdfast::venues
