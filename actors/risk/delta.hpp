// What changes risk's state: the projection of an order shard's events. An order shard applies
// these as it applies its own events, and passes the same deltas to a risk actor that keeps a copy.
// Every delta is total: an unknown order or a number out of range is counted, never thrown, because
// a fact from a venue can't be refused.
#pragma once

#include <memory>
#include <variant>
#include <vector>

#include "actors/risk/decision.hpp"

namespace holdfast::risk {

/// An approved new order: exposure is taken, a message is counted, its fingerprint kept.
struct Reserved {
  OrderId order;
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  Price price;  // the decision's exposure_price
  Quantity quantity;
  WallTime time;  // the decision's
  friend bool operator==(const Reserved&, const Reserved&) = default;
};
/// An approved replace: until it is answered the worse of old and new counts. Counts a message.
struct ReplaceReserved {
  OrderId order;
  Price price;
  Quantity leaves;
  WallTime time;
  friend bool operator==(const ReplaceReserved&, const ReplaceReserved&) = default;
};
/// The venue confirmed a replace: these numbers hold now, the pending ones are gone.
struct ReplaceConfirmed {
  OrderId order;
  Price price;
  Quantity leaves;
  friend bool operator==(const ReplaceConfirmed&, const ReplaceConfirmed&) = default;
};
/// A replace was refused (by the venue, or on the way): the old numbers hold.
struct ReplaceReleased {
  OrderId order;
  friend bool operator==(const ReplaceReleased&, const ReplaceReleased&) = default;
};
/// What may still be filled changed without a fill (a correction, a status answer). Zero ends the
/// order's exposure unless a replace is pending.
struct LeavesChanged {
  OrderId order;
  Quantity leaves;
  friend bool operator==(const LeavesChanged&, const LeavesChanged&) = default;
};
/// An execution. The position moves in any case; `order` may be unknown or done already. `leaves`
/// is the order's after the fill. A later time than the symbol's last trade makes `price` the
/// reference.
struct Filled {
  OrderId order;
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  Quantity quantity;
  Price price;
  Quantity leaves;
  WallTime time;
  friend bool operator==(const Filled&, const Filled&) = default;
};
/// A trade was cancelled by the venue: the position moves back. `side` is the trade's. An order
/// that is open again is told by LeavesChanged.
struct Busted {
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  Quantity quantity;
  Price price;
  friend bool operator==(const Busted&, const Busted&) = default;
};
/// The order is done (filled, cancelled, rejected, expired, not sent): its exposure in flight ends.
struct Released {
  OrderId order;
  friend bool operator==(const Released&, const Released&) = default;
};
/// Messages that reserve nothing: refused orders, cancels.
struct MessageCounted {
  Account account;
  uint32_t count = 1;
  WallTime time;
  friend bool operator==(const MessageCounted&, const MessageCounted&) = default;
};
/// A validated set of limits replaces the one before.
struct LimitsLoaded {
  std::shared_ptr<const RiskLimits> limits;
  friend bool operator==(const LimitsLoaded& a, const LimitsLoaded& b) {
    return a.limits == b.limits || (a.limits && b.limits && *a.limits == *b.limits);
  }
};
struct RestrictedLoaded {
  std::shared_ptr<const RestrictedList> list;
  friend bool operator==(const RestrictedLoaded& a, const RestrictedLoaded& b) {
    return a.list == b.list || (a.list && b.list && *a.list == *b.list);
  }
};
enum class ReferenceSource : uint8_t { kLastTrade = 1, kPreviousClose };
struct ReferencePriceSet {
  Symbol symbol;
  ReferenceSource source = ReferenceSource::kPreviousClose;
  Price price;
  WallTime time;  // when that price was made
  friend bool operator==(const ReferencePriceSet&, const ReferencePriceSet&) = default;
};
/// A kill or, with KillMode::kNone, its end.
struct KillSet {
  KillSwitch kill;
  WallTime time;
  friend bool operator==(const KillSet&, const KillSet&) = default;
};
/// A position as it really is: at the start of the day, or corrected by an operator. Negative is
/// short; `cost` has the sign of the position.
struct PositionSet {
  Account account;
  Symbol symbol;
  Quantity position;
  Notional cost;
  friend bool operator==(const PositionSet&, const PositionSet&) = default;
};
/// An operator has reconciled the positions that risk could not keep (see RiskState::untracked).
struct TrackingRestored {
  friend bool operator==(const TrackingRestored&, const TrackingRestored&) = default;
};

using RiskDelta =
    std::variant<Reserved, ReplaceReserved, ReplaceConfirmed, ReplaceReleased, LeavesChanged,
                 Filled, Busted, Released, MessageCounted, LimitsLoaded, RestrictedLoaded,
                 ReferencePriceSet, KillSet, PositionSet, TrackingRestored>;

/// What a decision changes, the same for the shard and for a risk actor: an approval reserves, a
/// refusal counts a message. Whoever asks applies it before the next question. An approved order
/// that is refused downstream gets this delta and then Released (or ReplaceReleased).
RiskDelta consequence(const RiskOrder& order, const RiskDecision& decision);

}  // namespace holdfast::risk
