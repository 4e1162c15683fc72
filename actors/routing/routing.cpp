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

bool about_to_open(VenueSessionState state) {
  return state == VenueSessionState::kConnecting || state == VenueSessionState::kLogonSent ||
         state == VenueSessionState::kRecovering;
}
/// Neither takes orders nor says that it won't.
bool away(const VenueRecord& venue) {
  return !venue.heard || venue.state == VenueSessionState::kDown || about_to_open(venue.state);
}

/// Now, and how long is waited for a venue.
struct Moment {
  Duration grace;
  WallTime now;
  bool within(WallTime since) const { return grace.ns > 0 && now - since <= grace; }
};

/// Not open yet, but about to be: connecting or catching up; or its gateway changes its leader, or
/// has not been heard since this shard began, and that for no longer than the grace. An order sent
/// there waits in the shard's outbox and at the gateway, which refuses it when it gets too old.
bool coming_up(const VenueRecord& venue, const Moment& at) {
  if (!venue.heard) return at.grace.ns == 0 || at.within(venue.away_since);
  return about_to_open(venue.state) ||
         (venue.state == VenueSessionState::kDown && at.within(venue.away_since));
}

/// What may be in flight: more while orders wait for a venue, and while those are worked off.
uint64_t room_at(const VenueRecord& venue, const Moment& at) {
  const bool worked_off = venue.back_since.ns != 0 && at.within(venue.back_since);
  if (at.grace.ns == 0 || !(coming_up(venue, at) || worked_off)) return venue.entry.in_flight_max;
  return std::max<uint64_t>(venue.entry.in_flight_max, limits::kVenueParkedMax);
}

Reason refusal_of(const VenueRecord& venue, const Moment& at) {
  switch (coming_up(venue, at) ? VenueSessionState::kOpen : venue.state) {
    case VenueSessionState::kOpen:
      return venue.in_flight() < room_at(venue, at) ? Reason::kNone : Reason::kVenueInFlightLimit;
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

void RoutingState::set_grace(Duration grace, WallTime now) {
  CHECK(grace.ns >= 0);
  grace_ = grace;
  for (VenueRecord& venue : venues_)
    if (!venue.heard && venue.away_since.ns == 0) venue.away_since = now;
}

bool RoutingState::set_status(const VenueStatus& status, WallTime now) {
  for (VenueRecord& venue : venues_) {
    if (venue.entry.group != status.group) continue;
    const bool was_away = away(venue);
    venue.state = status.state;
    venue.heard = true;
    if (!was_away && away(venue)) venue.away_since = now;
    if (was_away && !away(venue)) venue.back_since = now;
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

RouteDecision choose(const RoutingState& state, const RouteRequest& request, WallTime now) {
  const RoutingState::Ranking* ranking = state.find(request.symbol);
  const Moment at{state.grace(), now};
  RouteDecision decision{.group = {}, .venue = {}, .reason = Reason::kNoVenue};
  if (!ranking) return decision;
  for (uint16_t row : takes(request) ? ranking->taker : ranking->maker) {
    const VenueRecord& venue = state.venues()[row];
    const Reason refusal = refusal_of(venue, at);
    if (refusal == Reason::kNone) {
      const bool waits = coming_up(venue, at);
      const RouteDecision here{venue.entry.group, venue.entry.name, Reason::kNone, waits};
      if (!waits) return here;
      if (!decision.group) decision = here;  // unless one that is open follows
      continue;
    }
    if (decision.group) continue;
    if (closeness(refusal) > closeness(decision.reason)) decision.reason = refusal;
  }
  return decision;
}

Reason refusal_of(const RoutingState& state, GroupId group, WallTime now) {
  const VenueRecord* venue = state.find(group);
  return venue ? refusal_of(*venue, {state.grace(), now}) : Reason::kNoVenue;
}

}  // namespace holdfast::routing
