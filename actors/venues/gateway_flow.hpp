// How requests and reports change the gateway's state: the parts of apply() that are about orders.
// Deterministic functions of the state and the event; called from gateway_apply.cpp alone.
#pragma once

#include "actors/venues/gateway.hpp"

namespace holdfast::venues {

/// Takes requests of a shard into the chain and the queue.
void take_requests(GatewayState& state, const event::RequestsTaken& taken);
/// A request, or a status request, went out under a number.
void record_sent(GatewayState& state, const event::MessageSent& sent, WallTime now);
/// Drops what is too old to be resent.
void sweep_sent(GatewayState& state, WallTime now);
/// A waiting request is refused: the shard hears why.
void refuse_request(GatewayState& state, const event::RequestRefused& refused, WallTime now);
/// The order that a report names, by its ClOrdID or the one before it; null: none of ours.
const VenueOrder* find_order(const GatewayState& state, const VenueReport& report);
/// What a message of the venue says about an order, mapped and passed on.
void take_report(GatewayState& state, const event::MessageTaken& taken, WallTime now);
/// What the drop copy says about an order; as a report that came by the session.
void take_copy(GatewayState& state, const event::DropCopyTaken& taken, WallTime now);
/// Requests that a resend left out, or that were not answered: unknown until the venue has told.
void doubt_sent(GatewayState& state, const std::vector<uint32_t>& numbers, DoubtCause cause,
                WallTime now);
/// Orders that the venue may have cancelled while we were away: unknown until it has told.
void doubt_away(GatewayState& state, const event::AwayTooLong& away, WallTime now);
/// All that was sent under the old numbering and not answered is unknown now.
void forget_numbers(GatewayState& state, WallTime now);
/// Puts a report into its shard's outbox.
void push_report(GatewayState& state, GroupId shard, VenueReport report);

}  // namespace holdfast::venues
