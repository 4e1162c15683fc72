#include "messages/instruments.hpp"

#include <set>

namespace holdfast {

namespace {
Result<> wrong(const std::string& where, const std::string& what) {
  return Error{ErrorCode::kInvalid, where + ": " + what};
}

Result<> validate_venue(const VenueEntry& venue) {
  const std::string where = "venue '" + venue.name.str() + "'";
  if (venue.name.empty()) return wrong("venue", "the name is empty");
  if (!venue.group) return wrong(where, "the gateway's group is missing");
  if (venue.in_flight_max == 0) return wrong(where, "in_flight_max must be at least 1");
  constexpr int32_t kPpm = 1'000'000;
  if (venue.fees.maker_ppm < -kPpm || venue.fees.maker_ppm > kPpm || venue.fees.taker_ppm < -kPpm ||
      venue.fees.taker_ppm > kPpm)
    return wrong(where, "fees are parts per million of the notional: -1000000 to 1000000");
  return success();
}

Result<> validate_instrument(const Instrument& instrument, const std::set<VenueName>& venues) {
  const std::string where = "instrument '" + instrument.symbol.str() + "'";
  if (instrument.symbol.empty()) return wrong("instrument", "the symbol is empty");
  if (!instrument.tick.positive()) return wrong(where, "tick must be positive");
  if (!instrument.lot.positive()) return wrong(where, "lot must be positive");
  if (instrument.price_max < instrument.tick || instrument.price_max.units % instrument.tick.units)
    return wrong(where, "price_max must be a positive multiple of the tick");
  if (instrument.quantity_max < instrument.lot ||
      instrument.quantity_max.units % instrument.lot.units)
    return wrong(where, "quantity_max must be a positive multiple of the lot");
  if (instrument.previous_close.units < 0 || instrument.previous_close > instrument.price_max)
    return wrong(where, "previous_close must lie between 0 (none) and price_max");
  if (instrument.previous_close.positive() && instrument.previous_close_time.ns <= 0)
    return wrong(where, "previous_close needs the time it was made");
  if (instrument.venues.empty()) return wrong(where, "at least one venue is needed");
  std::set<VenueName> listed;
  for (const VenueName& venue : instrument.venues) {
    if (!venues.contains(venue)) return wrong(where, "unknown venue '" + venue.str() + "'");
    if (!listed.insert(venue).second)
      return wrong(where, "venue '" + venue.str() + "' is listed twice");
  }
  return success();
}
}  // namespace

Result<> validate(const ReferenceData& data) {
  if (data.venues.size() > limits::kVenuesMax)
    return wrong("venues", std::to_string(data.venues.size()) + " are configured, at most " +
                               std::to_string(limits::kVenuesMax) + " are allowed");
  if (data.instruments.size() > limits::kSymbolsMax)
    return wrong("instruments", std::to_string(data.instruments.size()) +
                                    " are configured, at most " +
                                    std::to_string(limits::kSymbolsMax) + " are allowed");
  std::set<VenueName> names;
  std::set<GroupId> groups;
  for (const VenueEntry& venue : data.venues) {
    if (auto ok = validate_venue(venue); !ok) return ok;
    if (!names.insert(venue.name).second)
      return wrong("venue '" + venue.name.str() + "'", "is configured twice");
    if (!groups.insert(venue.group).second)
      return wrong("venue '" + venue.name.str() + "'",
                   "shares its group " + std::to_string(venue.group.value) + " with another venue");
  }
  std::set<Symbol> symbols;
  for (const Instrument& instrument : data.instruments) {
    if (auto ok = validate_instrument(instrument, names); !ok) return ok;
    if (!symbols.insert(instrument.symbol).second)
      return wrong("instrument '" + instrument.symbol.str() + "'", "is configured twice");
  }
  return success();
}

}  // namespace holdfast
