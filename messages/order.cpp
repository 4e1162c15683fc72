#include "messages/order.hpp"

#include "messages/execution.hpp"

namespace holdfast {

namespace {
struct ReasonText {
  Reason reason;
  std::string_view name, words;
};
constexpr ReasonText kReasons[] = {
    {Reason::kNone, "None", "no reason"},
    {Reason::kMalformed, "Malformed", "a field is missing or malformed"},
    {Reason::kUnknownSymbol, "UnknownSymbol", "the symbol is not configured"},
    {Reason::kUnknownAccount, "UnknownAccount", "the account is not configured"},
    {Reason::kNotPermitted, "NotPermitted", "this client may not act for the account"},
    {Reason::kBadPrice, "BadPrice",
     "the price is missing, not positive, out of range or off the tick"},
    {Reason::kBadQuantity, "BadQuantity",
     "the quantity is not positive, out of range or off the lot"},
    {Reason::kUnsupported, "Unsupported",
     "the order type and time in force are not supported together"},
    {Reason::kUnknownOrder, "UnknownOrder", "no such order"},
    {Reason::kTooLateToCancel, "TooLateToCancel", "the order is already done"},
    {Reason::kDuplicateClientOrderId, "DuplicateClientOrderId",
     "the client order id was used for a different request"},
    {Reason::kOutOfCredits, "OutOfCredits",
     "the session's credits are used up: wait for acknowledgements"},
    {Reason::kNotServing, "NotServing", "the shard is not serving now: try again"},
    {Reason::kDeadlineMissed, "DeadlineMissed", "the request waited past its deadline"},
    {Reason::kPendingRequest, "PendingRequest",
     "another cancel or replace of the order is pending"},
    {Reason::kOverflow, "Overflow", "price times quantity is out of range"},
    {Reason::kFull, "Full", "a bound of the system was reached: try again later"},
    {Reason::kOutcomeUnknown, "OutcomeUnknown",
     "the order's outcome at the venue is not known yet"},
    {Reason::kQuarantined, "Quarantined",
     "this request made the shard fail before: it is set aside for a person to look at"},
    {Reason::kMaxOrderQuantity, "MaxOrderQuantity", "order quantity above the limit"},
    {Reason::kMaxOrderNotional, "MaxOrderNotional", "order notional above the limit"},
    {Reason::kPriceCollar, "PriceCollar", "price too far from the reference price"},
    {Reason::kNoReferencePrice, "NoReferencePrice", "there is no reference price for the symbol"},
    {Reason::kStaleReferencePrice, "StaleReferencePrice", "the reference price is too old"},
    {Reason::kRestricted, "Restricted", "the symbol is on the restricted list"},
    {Reason::kBuyingPower, "BuyingPower",
     "open and filled notional above the account's buying power"},
    {Reason::kPositionLimit, "PositionLimit", "position with orders in flight above the limit"},
    {Reason::kDuplicateOrder, "DuplicateOrder",
     "the same order was sent moments ago under another id"},
    {Reason::kMessageRate, "MessageRate", "too many messages in the window"},
    {Reason::kSelfTrade, "SelfTrade", "would trade against an own open order"},
    {Reason::kKilled, "Killed", "trading is stopped by a kill switch"},
    {Reason::kReduceOnly, "ReduceOnly", "only orders that reduce the position are allowed"},
    {Reason::kRiskUnavailable, "RiskUnavailable", "risk did not answer in time"},
    {Reason::kNoLimits, "NoLimits", "no limits are configured for the account"},
    {Reason::kNoVenue, "NoVenue", "no venue trades the symbol"},
    {Reason::kVenueDown, "VenueDown", "no venue for the symbol is logged on"},
    {Reason::kVenueHalted, "VenueHalted", "the venue is halted"},
    {Reason::kVenueKilled, "VenueKilled", "the venue gateway is stopped by a kill switch"},
    {Reason::kVenueReject, "VenueReject", "rejected by the venue"},
    {Reason::kVenueCancelReject, "VenueCancelReject", "cancel or replace rejected by the venue"},
    {Reason::kVenueInFlightLimit, "VenueInFlightLimit", "too many orders in flight at the venue"},
    {Reason::kNotSentAtFailover, "NotSentAtFailover",
     "too old to resend after a failover; the venue never had it"},
    {Reason::kConservation, "Conservation",
     "orders out and orders in do not match: the venue's flow is halted"},
};
}  // namespace

std::string_view words_of(Reason reason) {
  for (const auto& r : kReasons)
    if (r.reason == reason) return r.words;
  return "an unknown reason";
}

std::string_view name_of(Reason reason) {
  for (const auto& r : kReasons)
    if (r.reason == reason) return r.name;
  return "Unknown";
}

std::string_view name_of(OrderState state) {
  switch (state) {
    case OrderState::kNew:
      return "New";
    case OrderState::kValidated:
      return "Validated";
    case OrderState::kRiskApproved:
      return "RiskApproved";
    case OrderState::kRouted:
      return "Routed";
    case OrderState::kAccepted:
      return "Accepted";
    case OrderState::kPartiallyFilled:
      return "PartiallyFilled";
    case OrderState::kPendingCancel:
      return "PendingCancel";
    case OrderState::kPendingReplace:
      return "PendingReplace";
    case OrderState::kUnknown:
      return "Unknown";
    case OrderState::kBlocked:
      return "Blocked";
    case OrderState::kRejected:
      return "Rejected";
    case OrderState::kFilled:
      return "Filled";
    case OrderState::kCancelled:
      return "Cancelled";
    case OrderState::kExpired:
      return "Expired";
    case OrderState::kNotSent:
      return "NotSent";
  }
  return "Invalid";
}

std::string_view name_of(Side side) { return side == Side::kBuy ? "Buy" : "Sell"; }
std::string_view name_of(OrderType type) { return type == OrderType::kMarket ? "Market" : "Limit"; }
std::string_view name_of(TimeInForce tif) {
  switch (tif) {
    case TimeInForce::kDay:
      return "Day";
    case TimeInForce::kGoodTillCancel:
      return "GoodTillCancel";
    case TimeInForce::kImmediateOrCancel:
      return "ImmediateOrCancel";
    case TimeInForce::kFillOrKill:
      return "FillOrKill";
  }
  return "Invalid";
}
std::string_view name_of(Durability durability) {
  return durability == Durability::kMemory ? "memory" : "fsynced";
}

std::string_view name_of(ExecType type) {
  switch (type) {
    case ExecType::kNew:
      return "New";
    case ExecType::kTrade:
      return "Trade";
    case ExecType::kCancelled:
      return "Cancelled";
    case ExecType::kReplaced:
      return "Replaced";
    case ExecType::kRejected:
      return "Rejected";
    case ExecType::kExpired:
      return "Expired";
    case ExecType::kCancelRejected:
      return "CancelRejected";
    case ExecType::kPendingCancel:
      return "PendingCancel";
    case ExecType::kPendingReplace:
      return "PendingReplace";
    case ExecType::kUnknown:
      return "Unknown";
    case ExecType::kNotSent:
      return "NotSent";
    case ExecType::kTradeCancel:
      return "TradeCancel";
    case ExecType::kTradeCorrect:
      return "TradeCorrect";
  }
  return "Invalid";
}

}  // namespace holdfast
