#include "actors/venues/session_rules.hpp"

namespace holdfast::venues {

namespace {
constexpr int64_t kDay = 86'400'000'000'000;

int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0 ? 1 : 0); }

/// Nanoseconds since the last start of the window.
int64_t since_start(const SessionSchedule& schedule, WallTime t) {
  const int64_t shifted = t.ns + schedule.zone_offset.ns - schedule.start.ns;
  return shifted - floor_div(shifted, kDay) * kDay;
}
int64_t length(const SessionSchedule& schedule) {
  const int64_t span = schedule.end.ns - schedule.start.ns;
  return span > 0 ? span : span + kDay;
}
}  // namespace

bool in_session(const SessionSchedule& schedule, WallTime t) {
  return schedule.always || since_start(schedule, t) < length(schedule);
}

int64_t session_day(const SessionSchedule& schedule, WallTime t) {
  if (schedule.always) return 0;
  return floor_div(t.ns + schedule.zone_offset.ns - schedule.start.ns, kDay);
}

WallTime next_boundary(const SessionSchedule& schedule, WallTime t) {
  if (schedule.always) return {INT64_MAX};
  const int64_t since = since_start(schedule, t);
  const int64_t end = length(schedule);
  return {t.ns + (since < end && end < kDay ? end - since : kDay - since)};
}

Result<> check(const SessionRules& rules) {
  const auto bad = [](const char* why) { return Error{ErrorCode::kInvalid, why}; };
  if (rules.venue.empty()) return bad("a venue needs a name");
  if (rules.resend_age.ns < 0) return bad("resend_age must not be negative");
  if (rules.cancel_on_disconnect.ns < 0) return bad("cancel_on_disconnect must not be negative");
  if (rules.wait_age.ns <= 0) return bad("wait_age must be positive");
  if (rules.logon_timeout.ns <= 0 || rules.barrier_timeout.ns <= 0 || rules.logout_timeout.ns <= 0)
    return bad("logon_timeout, barrier_timeout and logout_timeout must be positive");
  if (rules.answer_timeout.ns < 0 ||
      (rules.answer_timeout.ns > 0 && rules.answer_timeout < rules.resend_age))
    return bad("answer_timeout must be at least resend_age, or zero");
  if (rules.status_interval.ns <= 0 || rules.reconcile_timeout.ns <= 0)
    return bad("status_interval and reconcile_timeout must be positive");
  if (rules.in_flight_max == 0 || rules.in_flight_max > limits::kOpenOrdersPerVenueMax)
    return bad("in_flight_max must be between 1 and 1048576");
  const auto time_of_day = [](Duration d) { return d.ns >= 0 && d.ns < kDay; };
  if (!time_of_day(rules.schedule.start) || !time_of_day(rules.schedule.end))
    return bad("schedule start and end must be times of day, 00:00:00 to 23:59:59");
  if (rules.schedule.zone_offset.ns < -kDay || rules.schedule.zone_offset.ns > kDay)
    return bad("the schedule's zone offset must be within a day of UTC");
  return success();
}

Duration connect_delay(uint32_t tries) {
  if (tries == 0) return {};
  if (tries <= 50) return Duration::milliseconds(4);
  const uint32_t doubled = tries - 50;
  return Duration::milliseconds(doubled >= 6 ? 250 : 4 << doubled);
}

}  // namespace holdfast::venues
