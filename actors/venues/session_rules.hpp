// What a FIX session is configured to do: ages, time limits, schedule, and when to try to connect
// again. Plain values and pure functions of them; the gateway journals the rules that it runs
// under, so that replay decides as the leader did.
#pragma once

#include <string>

#include "messages/ids.hpp"
#include "messages/time.hpp"

namespace holdfast::venues {

/// When the session runs. A session day is one run of the window, named by a number; a change of
/// the number is the daily reset. `start` and `end` are times of day at `zone_offset` east of UTC;
/// equal ones mean around the clock with a reset at `start`; `end` before `start` runs over
/// midnight.
struct SessionSchedule {
  bool always = true;  // no window and no daily reset
  Duration start, end;
  Duration zone_offset;
  friend bool operator==(const SessionSchedule&, const SessionSchedule&) = default;
};

/// True when `t` lies in the window.
bool in_session(const SessionSchedule& schedule, WallTime t);
/// The session day of `t`; constant when the schedule is `always`.
int64_t session_day(const SessionSchedule& schedule, WallTime t);
/// The next time after `t` at which a window starts or ends; nothing when `always`.
WallTime next_boundary(const SessionSchedule& schedule, WallTime t);

/// The rules a gateway decides by. Journaled: a change is an event.
struct SessionRules {
  VenueName venue;
  /// A new order or a replace older than this (since its intake) is not resent: gap-filled,
  /// unknown.
  Duration resend_age = Duration::seconds(1);
  /// A new order or a replace that waited longer than this for an open session is refused.
  Duration wait_age = Duration::seconds(1);
  Duration logon_timeout = Duration::seconds(5);
  Duration barrier_timeout = Duration::seconds(5);
  Duration logout_timeout = Duration::seconds(2);
  /// A new order that the venue has not answered for so long, logged on, becomes unknown and is
  /// asked about. Zero: never.
  Duration answer_timeout = Duration::seconds(5);
  /// Between two status requests for the same unknown order.
  Duration status_interval = Duration::seconds(1);
  /// New flow opens this long after the barrier even if orders are still unknown (alarm: the view
  /// shows how many).
  Duration reconcile_timeout = Duration::seconds(5);
  /// The venue cancels orders of a session that stays away for longer (cancel on disconnect). After
  /// such an absence every open order is unknown until the venue has told. Zero: it does not.
  Duration cancel_on_disconnect;
  bool open_before_reconciled = false;  // new flow opens beside the settling of unknown orders
  bool accept_venue_reset = false;      // a Logon of the venue with ResetSeqNumFlag=Y is obeyed
  bool flag_resets = false;             // after a reset of ours the Logon carries ResetSeqNumFlag=Y
  uint32_t in_flight_max = 20'000;
  SessionSchedule schedule;
  friend bool operator==(const SessionRules&, const SessionRules&) = default;
};

/// kInvalid with a sentence when a value is out of range or two contradict each other.
Result<> check(const SessionRules& rules);

/// How long to wait before connect try number `tries` (0 is the first): at once, then every few
/// milliseconds, then backing off to 250 ms.
Duration connect_delay(uint32_t tries);

}  // namespace holdfast::venues
