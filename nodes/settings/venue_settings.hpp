// How one venue's FIX session is reached and kept, as config/venues.toml tells it. What routing
// needs of a venue (fees, limits, priority) is in messages/instruments.hpp.
#pragma once

#include <optional>
#include <string>

#include "actors/venues/session_rules.hpp"
#include "messages/instruments.hpp"

namespace holdfast::settings {

/// When a session is open: it logs on at `start` and its numbers start again at 1 with the next
/// one. Seconds since local midnight in `time_zone`; `end` before `start` runs over midnight.
struct ScheduleSettings {
  std::string time_zone;  // "America/New_York", as in /usr/share/zoneinfo
  uint32_t start = 0, end = 0;
};

/// The venue's drop copy: a session of its own, to the same host unless told otherwise.
struct DropCopySettings {
  std::string host;
  uint16_t port = 0;
  std::string sender_comp_id, target_comp_id;
};

struct VenueSettings {
  VenueEntry entry;  // name, group, in-flight limit, priority, fees
  std::string host;
  uint16_t port = 0;
  std::string sender_comp_id, target_comp_id;
  std::string dictionary;  // path of the FIX data dictionary, from the configuration's folder
  Duration heartbeat_interval = Duration::seconds(30);
  venues::SessionRules rules;  // all of it but the schedule, whose offset depends on the day
  std::optional<DropCopySettings> drop_copy;
  std::optional<ScheduleSettings> schedule;  // none: the session never ends
};

}  // namespace holdfast::settings
