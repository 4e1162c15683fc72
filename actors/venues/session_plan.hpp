// What the adapter shall do next, and what a resend repeats: pure functions of the gateway's state.
// The adapter asks after every input and at every tick, does what it is told, and the outcome comes
// back as a command; so the order of things on the wire is decided here and nowhere else.
#pragma once

#include <optional>
#include <string>

#include "actors/venues/gateway_state.hpp"

namespace holdfast::venues {

enum class ActionKind : uint8_t {
  kNothing,
  kAdvance,      // submit command::Advance: something is due in the core itself
  kBuildLogon,   // make a Logon under the next number
  kReuseLogon,   // the last Logon was never heard: send the same bytes again
  kSendBarrier,  // TestRequest (1) with `text` as TestReqID
  kSendStatus,   // OrderStatusRequest (H) for `order`
  kSendRequest,  // encode waiting[index], naming `original` as OrigClOrdID
  kSendLogout,   // Logout (5) with `text`
  kCut,          // end the connection: `text` says why
};

struct Action {
  ActionKind kind = ActionKind::kNothing;
  std::size_t index = 0;
  OrderId order;
  WireOrderId original;
  std::string text;
};

/// The next thing to do at `now`; kNothing until an input or next_deadline().
Action next_action(const GatewayState& state, WallTime now);

/// True while a connection is wanted: by the operator and by the schedule.
bool connection_wanted(const GatewayState& state, WallTime now);

/// TestReqID of the barrier of this connection.
std::string barrier_id(const GatewayState& state);

/// True when a resend decided at `now` repeats this message, PossDup under its own number: young
/// new orders and replaces, and cancels always, unless they name what was left out.
bool resendable(const GatewayState& state, const SentMessage& message, WallTime now);

/// Why a waiting request is refused instead of sent at `now`, or kNone.
Reason refusal(const GatewayState& state, const VenueRequest& request, WallTime now);

/// What Advance does at `now`, one thing at a time; kNothing when nothing is due.
enum class Due : uint8_t {
  kNothing,
  kBreach,    // conservation is broken: halt
  kDayStart,  // a new session day: fresh numbers
  kAway,      // away for too long: open orders are doubted
  kOpen,      // settled, or waited long enough: new flow may go
  kRefuse,    // waiting[index] is refused
  kOverdue,   // unanswered(): the venue is asked about them
};
struct DueNow {
  Due due = Due::kNothing;
  std::size_t index = 0;
  Reason reason = Reason::kNone;
};
DueNow due_now(const GatewayState& state, WallTime now);

/// Numbers of at most `most` new orders that the venue, logged on, has left unanswered for
/// answer_timeout. Costs one look while nothing is that old; a gateway asks at every tick.
std::vector<uint32_t> unanswered(const GatewayState& state, WallTime now, std::size_t most);

/// When next_action() may change its mind by time alone.
std::optional<WallTime> plan_deadline(const GatewayState& state);

}  // namespace holdfast::venues
