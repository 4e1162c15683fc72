// What a shard answers without changing: replies to requests, now or again, and the questions of
// consoles and subscribers. Everything here is released only by a commit of what it shows. Internal
// to the shard.
#pragma once

#include "actors/orders/shard/shard.hpp"

namespace holdfast::orders {

/// The outcome of a new order's request, as it was then, and the order's state as it is now.
OrderReply reply_of_order(const ShardState& state, Ref order, const RequestTicket& ticket,
                          bool duplicate);
/// The outcome of a cancel, replace or mass cancel.
OrderReply reply_of_request(const ShardState& state, Ref request, const RequestTicket& ticket,
                            bool duplicate);
/// Answers a query from the state at `now`.
AnswerEffect answer_query(const ShardState& state, const Ask& ask, WallTime now);

}  // namespace holdfast::orders
