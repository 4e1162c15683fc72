// One order as the gateway knows it: the chain of ClOrdIDs it went by on the wire, and which of
// them the venue confirmed. It exists so that a resend, a gap-fill or a cancel names what the venue
// knows. It is not the order's book of record: that is the order shard's.
#pragma once

#include <vector>

#include "messages/venue_exchange.hpp"

namespace holdfast::venues {

/// Where one request (one ClOrdID) stands.
enum class WireState : uint8_t {
  kWaiting,    // taken, not sent
  kSent,       // has an outbound number; the venue has not answered
  kConfirmed,  // the venue knows the order under this ClOrdID (accepted, replaced)
  kUnknown,    // gap-filled, or its number was lost with a reset: to be settled
  kClosed,     // answered or given up: names nothing at the venue
};

/// One request of an order's chain.
struct Wire {
  WireOrderId id;
  WireOrderId original;  // as sent
  VenueRequestKind kind = VenueRequestKind::kNew;
  WireState state = WireState::kWaiting;
  uint32_t number = 0;  // MsgSeqNum it went out under; 0 before
  friend bool operator==(const Wire&, const Wire&) = default;
};

struct VenueOrder {
  OrderId id;
  GroupId shard;
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  VenueOrderId venue_order_id;
  std::vector<Wire> wires;  // oldest first
  bool done = false;
  bool in_doubt = false;      // as a whole: whether the venue still has it
  bool status_asked = false;  // in this connection
  WallTime status_due;        // ask (again) from here on
  friend bool operator==(const VenueOrder&, const VenueOrder&) = default;

  Wire* find(const WireOrderId& wire);
  const Wire* find(const WireOrderId& wire) const;
  /// The last ClOrdID that the venue confirmed; null when it confirmed none.
  const Wire* confirmed() const;
  /// True when any request is in this state.
  bool any(WireState state) const;
  /// What to name as OrigClOrdID for a request that names `wanted`: that, unless it never came to
  /// be at the venue; then the last one confirmed (the chain rewinds), else the order's first.
  WireOrderId original_for(const WireOrderId& wanted) const;
  /// What a status request names: the last confirmed, else the first.
  WireOrderId status_wire() const;
};

/// ClOrdIDs that an order keeps; older ones that name nothing any more are dropped.
inline constexpr std::size_t kWiresKept = 12;

/// Drops the oldest closed or superseded wires above kWiresKept; appends what was dropped.
void trim(VenueOrder& order, std::vector<WireOrderId>& dropped);

}  // namespace holdfast::venues
