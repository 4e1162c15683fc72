// How one venue's FIX session is reached and kept, as config/venues.toml tells it. What routing
// needs of a venue (fees, limits, priority) is in messages/instruments.hpp.
#pragma once

#include <optional>
#include <string>

#include "messages/instruments.hpp"

namespace holdfast::settings {

/// When a session is open: it logs on at `start` and its numbers start again at 1 after `end`.
/// Seconds since local midnight in `time_zone`. With days (0 = Sunday) the session spans the week
/// from (start_day, start) to (end_day, end); without them it is daily.
struct SessionSchedule {
  std::string time_zone;  // "America/New_York", as in /usr/share/zoneinfo
  uint32_t start = 0, end = 0;
  std::optional<uint32_t> start_day, end_day;
};

struct VenueSettings {
  VenueEntry entry;  // name, group, in-flight limit, priority, fees
  std::string host;
  uint16_t port = 0;
  std::string sender_comp_id, target_comp_id;
  std::string dictionary;  // path of the FIX data dictionary, from the configuration's folder
  Duration heartbeat_interval = Duration::seconds(30);
  Duration logon_timeout = Duration::seconds(10);
  Duration reconnect_interval = Duration::milliseconds(5);
  Duration resend_age_max = Duration::seconds(10);  // older orders are gap-filled, not sent again
  bool cancel_on_disconnect = false;  // the venue cancels our open orders when the line drops
  Duration cancel_on_disconnect_grace = Duration::seconds(0);  // how long it waits before it does
  std::optional<SessionSchedule> schedule;                     // none: the session never ends
};

}  // namespace holdfast::settings
