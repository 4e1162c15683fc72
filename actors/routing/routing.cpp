#include "actors/routing/routing.hpp"

#include <algorithm>
#include <tuple>

namespace holdfast::routing {

namespace {
bool takes(const RouteRequest& request) {
  return request.type == OrderType::kMarket ||
         request.time_in_force == TimeInForce::kImmediateOrCancel ||
         request.time_in_force == TimeInForce::kFillOrKill;
}

/// Not open yet, but about to be: connecting or catching up, or the gateway has not been heard
/// since this shard began. An order sent there waits at the gateway, which refuses it when it gets
/// too old.
bool coming_up(const VenueRecord& venue) {
  switch (venue.state) {
    case VenueSessionState::kConnecting:
    case VenueSessionState::kLogonSent:
    case VenueSessionState::kRecovering:
      return true;
    default:
      return !venue.heard;
  }
}

Reason refusal_of(const VenueRecord& venue) {
  switch (coming_up(venue) ? VenueSessionState::kOpen : venue.state) {
    case VenueSessionState::kOpen:
      return venue.in_flight() < venue.entry.in_flight_max ? Reason::kNone
                                                           : Reason::kVenueInFlightLimit;
    case VenueSessionState::kHalted:
      return Reason::kVenueHalted;
    case VenueSessionState::kKilled:
      return Reason::kVenueKilled;
    case VenueSessionState::kDown:
    case VenueSessionState::kConnecting:
    case VenueSessionState::kLogonSent:
    case VenueSessionState::kRecovering:
      return Reason::kVenueDown;
  }
  return Reason::kVenueDown;
}

/// How close to usable a venue with this refusal is: the more, the closer.
int closeness(Reason refusal) {
  switch (refusal) {
    case Reason::kVenueInFlightLimit:
      return 4;
    case Reason::kVenueHalted:
      return 3;
    case Reason::kVenueKilled:
      return 2;
    case Reason::kVenueDown:
      return 1;
    default:
      return 0;
  }
}
}  // namespace

RoutingState::RoutingState(const ReferenceData& data) { load(data); }

void RoutingState::load(const ReferenceData& data) {
  CHECK(data.venues.size() <= limits::kVenuesMax);
  std::vector<VenueRecord> venues;
  for (const VenueEntry& entry : data.venues) {
    VenueRecord& record = venues.emplace_back();
    if (const VenueRecord* old = find(entry.group)) record = *old;
    record.entry = entry;
  }
  std::sort(venues.begin(), venues.end(),
            [](const VenueRecord& a, const VenueRecord& b) { return a.entry.name < b.entry.name; });
  venues_ = std::move(venues);

  rankings_.clear();
  const auto rank = [this](std::vector<uint16_t>& rows, int32_t VenueFees::*fee) {
    std::sort(rows.begin(), rows.end(), [&](uint16_t a, uint16_t b) {
      const VenueEntry &x = venues_[a].entry, &y = venues_[b].entry;
      return std::tuple(x.fees.*fee, x.priority, a) < std::tuple(y.fees.*fee, y.priority, b);
    });
  };
  for (const Instrument& instrument : data.instruments) {
    Ranking& ranking = rankings_[instrument.symbol];
    for (uint16_t row = 0; row < venues_.size(); ++row)
      if (std::find(instrument.venues.begin(), instrument.venues.end(), venues_[row].entry.name) !=
          instrument.venues.end())
        ranking.maker.push_back(row);
    ranking.taker = ranking.maker;
    rank(ranking.maker, &VenueFees::maker_ppm);
    rank(ranking.taker, &VenueFees::taker_ppm);
  }
}

const VenueRecord* RoutingState::find(GroupId group) const {
  for (const VenueRecord& venue : venues_)
    if (venue.entry.group == group) return &venue;
  return nullptr;
}

const RoutingState::Ranking* RoutingState::find(const Symbol& symbol) const {
  const auto found = rankings_.find(symbol);
  return found == rankings_.end() ? nullptr : &found->second;
}

bool RoutingState::set_status(const VenueStatus& status) {
  for (VenueRecord& venue : venues_) {
    if (venue.entry.group != status.group) continue;
    venue.state = status.state;
    venue.heard = true;
    // What was routed since may not have reached the gateway when it counted. It holds the exact
    // limit itself; here the count only keeps orders from queueing behind a slow venue.
    venue.reported = status.in_flight;
    venue.routed = 0;
    return true;
  }
  return false;
}

void RoutingState::routed(GroupId group) {
  for (VenueRecord& venue : venues_)
    if (venue.entry.group == group && venue.routed < UINT32_MAX) venue.routed += 1;
}

RouteDecision choose(const RoutingState& state, const RouteRequest& request) {
  const RoutingState::Ranking* ranking = state.find(request.symbol);
  RouteDecision decision{.group = {}, .venue = {}, .reason = Reason::kNoVenue};
  if (!ranking) return decision;
  for (uint16_t row : takes(request) ? ranking->taker : ranking->maker) {
    const VenueRecord& venue = state.venues()[row];
    const Reason refusal = refusal_of(venue);
    if (refusal == Reason::kNone) {
      const RouteDecision here{venue.entry.group, venue.entry.name, Reason::kNone};
      if (!coming_up(venue)) return here;
      if (!decision.group) decision = here;  // unless one that is open follows
      continue;
    }
    if (decision.group) continue;
    if (closeness(refusal) > closeness(decision.reason)) decision.reason = refusal;
  }
  return decision;
}

Reason refusal_of(const RoutingState& state, GroupId group) {
  const VenueRecord* venue = state.find(group);
  return venue ? refusal_of(*venue) : Reason::kNoVenue;
}

}  // namespace holdfast::routing
