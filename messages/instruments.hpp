// Reference data: what may be traded, in which steps, and where. Filled from configuration by
// nodes/settings, checked by validate(), and handed to the rooms as plain values. Holds nothing
// that changes during the day: prices move in risk, session states in routing.
#pragma once

#include <vector>

#include "messages/order.hpp"

namespace holdfast {

/// What a venue takes for one side of a trade, in parts per million of the notional (100 = 1 basis
/// point). Negative is a rebate.
struct VenueFees {
  int32_t maker_ppm = 0;
  int32_t taker_ppm = 0;
  friend bool operator==(const VenueFees&, const VenueFees&) = default;
};

/// A venue as routing knows it. `priority` breaks ties between equal fees: lower goes first.
struct VenueEntry {
  VenueName name;
  GroupId group;                 // its gateway's group
  uint32_t in_flight_max = 256;  // orders sent and not yet answered
  uint32_t priority = 0;
  VenueFees fees;
  friend bool operator==(const VenueEntry&, const VenueEntry&) = default;
};

/// One tradable symbol. `tick` and `lot` are the steps of price and quantity.
struct Instrument {
  Symbol symbol;
  Price tick;
  Quantity lot;
  Price price_max;                // a limit price above is refused
  Quantity quantity_max;          // an order quantity above is refused
  Price previous_close;           // zero: none is known
  WallTime previous_close_time;   // when that price was made
  std::vector<VenueName> venues;  // at least one
  friend bool operator==(const Instrument&, const Instrument&) = default;
};

struct ReferenceData {
  std::vector<VenueEntry> venues;
  std::vector<Instrument> instruments;
  friend bool operator==(const ReferenceData&, const ReferenceData&) = default;
};

/// Checks ranges and relations: unique names and groups, positive steps, maxima on their step,
/// every venue of an instrument exists. The first violation comes back as kInvalid, in words that
/// name the entry.
Result<> validate(const ReferenceData& data);

}  // namespace holdfast
