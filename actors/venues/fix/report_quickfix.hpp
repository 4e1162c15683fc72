// Between FIX messages and the words of messages/: requests are encoded field by field, reports are
// decoded, numbers as exact decimal text both ways. For `_quickfix` adapters and their tests only:
// it shows QuickFIX's types.
#pragma once

#include "actors/venues/gateway.hpp"
#include "actors/venues/quickfix.hpp"

namespace holdfast::venues {

/// NewOrderSingle, OrderCancelRequest, OrderCancelReplaceRequest or OrderStatusRequest for
/// `request`, naming `original` as OrigClOrdID (41). TransactTime (60) is the request's intake.
FIX::Message encode_request(const VenueRequest& request, const WireOrderId& original);
/// OrderStatusRequest (H) for an order under `wire`.
FIX::Message encode_status_request(const VenueOrder& order, const WireOrderId& wire);

/// What an ExecutionReport (8), OrderCancelReject (9), BusinessMessageReject (j) or Reject (3)
/// says; its number is left to the caller. No report when it says nothing we act on. Throws
/// QuickFIX's FieldNotFound or IncorrectDataFormat, which make QuickFIX answer with a reject.
command::Inbound decode_report(const FIX::Message& message);

}  // namespace holdfast::venues
