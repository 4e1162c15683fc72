// Reads the exchange's requests out of parsed FIX messages. What is missing or can't be read throws
// QuickFIX's own exceptions, which its session answers by BusinessMessageReject or Reject; what can
// be read but isn't offered here (a stop order, a GTD) is left to the order desk's judgement.
#pragma once

#include "actors/venues/quickfix.hpp"
#include "nodes/venue/reports.hpp"

namespace holdfast::exchange {

NewOrderRequest read_new_order(const FIX::Message& message, const Origin& origin);
CancelRequest read_cancel(const FIX::Message& message, const Origin& origin);
ReplaceRequest read_replace(const FIX::Message& message, const Origin& origin);
StatusRequest read_status(const FIX::Message& message, const Origin& origin);
MassStatusRequest read_mass_status(const FIX::Message& message, const Origin& origin);

}  // namespace holdfast::exchange
