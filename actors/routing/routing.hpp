// Which venue an order goes to: the cheapest of those that trade the symbol, are open and have room
// for one more order in flight; where none is open, one that is about to be (a failover, a
// reconnect). A venue that went down is held to be about to come back for a bounded grace: its
// orders wait for it, in the order in which they came, instead of being refused for a change of
// leader. Integer and deterministic: equal fees are decided by configured priority, then by name.
// Knows venues only by their volatile status, so nothing here is journaled: the order shard
// journals the choice. Does not split orders; reads no clock.
#pragma once

#include <span>
#include <unordered_map>
#include <vector>

#include "messages/instruments.hpp"
#include "messages/venue_exchange.hpp"

namespace holdfast::routing {

/// One order that is to be placed.
struct RouteRequest {
  OrderId order;
  Symbol symbol;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  friend bool operator==(const RouteRequest&, const RouteRequest&) = default;
};

/// Where to; `group` is zero when there is nowhere, and `reason` says why.
struct RouteDecision {
  GroupId group;
  VenueName venue;
  Reason reason = Reason::kNone;
  bool waits = false;  // until the venue is open (again)
  friend bool operator==(const RouteDecision&, const RouteDecision&) = default;
};

struct VenueRecord {
  VenueEntry entry;
  VenueSessionState state = VenueSessionState::kDown;
  bool heard = false;     // a status has come since this began
  uint32_t reported = 0;  // in flight by the gateway's last status
  uint32_t routed = 0;    // chosen since that status
  WallTime away_since;    // since when it neither takes orders nor says that it won't; 0: it does
  WallTime back_since;    // when that ended; 0: never away

  uint64_t in_flight() const { return static_cast<uint64_t>(reported) + routed; }
  friend bool operator==(const VenueRecord&, const VenueRecord&) = default;
};

/// Venues, what they trade, and how they stand now. A plain value, on one thread.
class RoutingState {
 public:
  RoutingState() = default;
  /// From validated reference data; every venue is down until its status comes.
  explicit RoutingState(const ReferenceData& data);

  /// Takes over new reference data; venues that stay keep their status.
  void load(const ReferenceData& data);
  /// Orders wait for a venue that went down, or was not heard yet, for so long. Zero, as it begins:
  /// one that says that it is down is refused at once, one never heard is waited for without end.
  /// Those not heard yet are away since `now`.
  void set_grace(Duration grace, WallTime now);
  Duration grace() const { return grace_; }
  /// A gateway's status, heard at `now`. False: no such venue is configured (a misconfigured peer;
  /// counted by the caller).
  bool set_status(const VenueStatus& status, WallTime now = {});
  /// One more order goes to the venue: counts until its next status.
  void routed(GroupId group);

  std::span<const VenueRecord> venues() const { return venues_; }
  const VenueRecord* find(GroupId group) const;

  /// Rows of venues() that trade a symbol, cheapest first for orders that rest (maker) or take.
  struct Ranking {
    std::vector<uint16_t> maker, taker;
    friend bool operator==(const Ranking&, const Ranking&) = default;
  };
  /// Nothing when no venue trades it.
  const Ranking* find(const Symbol& symbol) const;
  friend bool operator==(const RoutingState&, const RoutingState&) = default;

 private:
  Duration grace_;
  std::vector<VenueRecord> venues_;  // by name
  std::unordered_map<Symbol, Ranking> rankings_;
};

/// Chooses a venue. Pure: whoever takes the choice calls routed() before the next question. Market,
/// IOC and FOK orders are held to pay the taker fee, all others the maker fee. With no usable venue
/// the reason is that of the venue closest to being usable: at its in-flight limit, halted, killed,
/// down; kNoVenue when none trades the symbol. `now` is of the clock that set_status was told by.
RouteDecision choose(const RoutingState& state, const RouteRequest& request, WallTime now = {});

/// Why `group` takes no order now (a replace goes where its order is): kNone when it does.
Reason refusal_of(const RoutingState& state, GroupId group, WallTime now = {});

}  // namespace holdfast::routing
