// An order as integrators mean it: the vocabulary that ingress, orders, risk, routing and venues
// share. Names and codes are those of FIX 4.4 fields.
#pragma once

#include <cstdint>
#include <string_view>

#include "messages/fixed_point.hpp"
#include "messages/ids.hpp"
#include "messages/time.hpp"

namespace holdfast {

enum class Side : uint8_t { kBuy = 1, kSell = 2 };           // Side (54)
enum class OrderType : uint8_t { kMarket = 1, kLimit = 2 };  // OrdType (40)
enum class TimeInForce : uint8_t {
  kDay = 0,
  kGoodTillCancel = 1,
  kImmediateOrCancel = 3,
  kFillOrKill = 4
};  // (59)

/// Where an order stands. Terminal states are those from kBlocked on.
enum class OrderState : uint8_t {
  kNew,           // received, nothing decided
  kValidated,     // well-formed, known symbol, unique
  kRiskApproved,  // passed risk
  kRouted,        // handed to a venue group (committed); the venue has not answered
  kAccepted,      // acknowledged by the venue: OrdStatus New
  kPartiallyFilled,
  kPendingCancel,
  kPendingReplace,
  kUnknown,   // outcome not known: a timeout, an old resend; reconciliation will tell
  kBlocked,   // refused by risk
  kRejected,  // refused by us before risk, or by the venue
  kFilled,
  kCancelled,
  kExpired,
  kNotSent,  // proven never to have reached the venue
};
constexpr bool is_terminal(OrderState s) { return s >= OrderState::kBlocked; }

/// How safe an acknowledged fact is. memory: in the kernel of every in-sync member (survives kill
/// -9 of all, not power loss). fsynced: on the disk of every in-sync member.
enum class Durability : uint8_t { kMemory = 1, kFsynced = 2 };

/// Why a request was refused. The words are in `words_of`; both reach the client.
enum class Reason : uint16_t {
  kNone = 0,
  // intake
  kMalformed = 1,
  kUnknownSymbol,
  kUnknownAccount,
  kNotPermitted,
  kBadPrice,
  kBadQuantity,
  kUnsupported,
  kUnknownOrder,
  kTooLateToCancel,
  kDuplicateClientOrderId,
  kOutOfCredits,
  kNotServing,
  kDeadlineMissed,
  kPendingRequest,
  kOverflow,
  kFull,
  kOutcomeUnknown,
  kQuarantined,
  // risk
  kMaxOrderQuantity = 100,
  kMaxOrderNotional,
  kPriceCollar,
  kNoReferencePrice,
  kStaleReferencePrice,
  kRestricted,
  kBuyingPower,
  kPositionLimit,
  kDuplicateOrder,
  kMessageRate,
  kSelfTrade,
  kKilled,
  kReduceOnly,
  kRiskUnavailable,
  kNoLimits,
  // routing and venue
  kNoVenue = 200,
  kVenueDown,
  kVenueHalted,
  kVenueKilled,
  kVenueReject,
  kVenueCancelReject,
  kVenueInFlightLimit,
  kNotSentAtFailover,
  kConservation,
};
/// A sentence fragment for people: "order quantity above the account's limit". Never empty.
std::string_view words_of(Reason reason);
/// The enumerator without its k: "MaxOrderQuantity". What JSON, metrics and configuration spell.
std::string_view name_of(Reason reason);
std::string_view name_of(OrderState state);
std::string_view name_of(Side side);
std::string_view name_of(OrderType type);
std::string_view name_of(TimeInForce tif);
std::string_view name_of(Durability durability);

/// Who is behind an order; carried through to the journal and the venue.
struct Attribution {
  Label algo, trader, desk;
  friend bool operator==(const Attribution&, const Attribution&) = default;
};

/// A new order as it enters (NewOrderSingle). `price` is zero for market orders.
struct NewOrder {
  Account account;
  ClientOrderId client_order_id;
  Symbol symbol;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  TimeInForce time_in_force = TimeInForce::kDay;
  Price price;
  Quantity quantity;
  Attribution attribution;
  TraceId trace;
  friend bool operator==(const NewOrder&, const NewOrder&) = default;
};

/// OrderCancelRequest: `client_order_id` names the request, `original` the order (OrigClOrdID).
struct CancelOrder {
  Account account;
  ClientOrderId client_order_id;
  ClientOrderId original;
  TraceId trace;
  friend bool operator==(const CancelOrder&, const CancelOrder&) = default;
};

/// OrderCancelReplaceRequest: new total quantity and price of `original`.
struct ReplaceOrder {
  Account account;
  ClientOrderId client_order_id;
  ClientOrderId original;
  Price price;
  Quantity quantity;  // new OrderQty (total, fills included)
  TraceId trace;
  friend bool operator==(const ReplaceOrder&, const ReplaceOrder&) = default;
};

/// Cancels every open order of an account, or only those in `symbol` when it is not empty.
struct MassCancel {
  Account account;
  ClientOrderId client_order_id;
  Symbol symbol;
  TraceId trace;
  friend bool operator==(const MassCancel&, const MassCancel&) = default;
};

}  // namespace holdfast
