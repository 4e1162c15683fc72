// What can happen to an order, in one enumeration: the columns of the order's state machine and the
// causes that its history shows. Kept beside the states so that consoles and journals spell them
// alike.
#pragma once

#include <cstdint>
#include <string_view>

namespace holdfast {

enum class OrderEvent : uint8_t {
  kValidate,        // well-formed, known symbol, unique
  kRefuse,          // rejected by us before or after risk (no venue, deadline, …)
  kApprove,         // risk approved
  kBlock,           // risk refused
  kRoute,           // handed to a venue group
  kAccept,          // venue: New
  kReject,          // venue: Rejected
  kFill,            // venue: Trade
  kCancel,          // venue: Canceled, asked for or not
  kReplace,         // venue: Replaced
  kExpire,          // venue: Expired, done for day
  kCancelReject,    // venue: OrderCancelReject
  kRequestCancel,   // we ask for a cancel
  kRequestReplace,  // we ask for a replace
  kLose,            // the outcome at the venue is not known
  kProveNotSent,    // proven never to have reached the venue
  kDropRequest,     // the pending cancel or replace was proven not to have reached the venue
  kTradeCancel,     // venue: a trade is taken back
  kTradeCorrect,    // venue: a trade is changed
  kShowOpen,        // venue, asked for the status: the order is working
};
inline constexpr int kOrderEvents = static_cast<int>(OrderEvent::kShowOpen) + 1;
/// The event as an operator reads it: "Validated", "RiskApproved", "Filled". Never empty.
std::string_view name_of(OrderEvent event);

}  // namespace holdfast
