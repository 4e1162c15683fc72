#include "messages/order_event.hpp"

namespace holdfast {

std::string_view name_of(OrderEvent event) {
  switch (event) {
    case OrderEvent::kValidate:
      return "Validated";
    case OrderEvent::kRefuse:
      return "Refused";
    case OrderEvent::kApprove:
      return "RiskApproved";
    case OrderEvent::kBlock:
      return "RiskBlocked";
    case OrderEvent::kRoute:
      return "Routed";
    case OrderEvent::kAccept:
      return "VenueAccepted";
    case OrderEvent::kReject:
      return "VenueRejected";
    case OrderEvent::kFill:
      return "Filled";
    case OrderEvent::kCancel:
      return "Cancelled";
    case OrderEvent::kReplace:
      return "Replaced";
    case OrderEvent::kExpire:
      return "Expired";
    case OrderEvent::kCancelReject:
      return "CancelRejected";
    case OrderEvent::kRequestCancel:
      return "CancelRequested";
    case OrderEvent::kRequestReplace:
      return "ReplaceRequested";
    case OrderEvent::kLose:
      return "OutcomeUnknown";
    case OrderEvent::kProveNotSent:
      return "NotSent";
    case OrderEvent::kDropRequest:
      return "RequestNotSent";
    case OrderEvent::kTradeCancel:
      return "TradeCancelled";
    case OrderEvent::kTradeCorrect:
      return "TradeCorrected";
    case OrderEvent::kShowOpen:
      return "StatusOpen";
  }
  return "Invalid";
}

}  // namespace holdfast
