// What operators ask a venue gateway and what it answers: the session's state, its numbers and
// counters, and the commands that change them. Plain structs that travel inside one process; the
// operator API turns them into JSON. Queries show the state at once ("as of index"), commands are
// answered when they are committed.
#pragma once

#include <string>

#include "messages/venue_exchange.hpp"

namespace holdfast {

/// Asks a gateway actor for its VenueSessionView.
struct VenueSessionQuery {};

/// A gateway's session and flow as it stands.
struct VenueSessionView {
  VenueName venue;
  GroupId group;
  VenueSessionState state = VenueSessionState::kDown;
  WallTime since;                               // of this state
  std::string sender, target, endpoint;         // CompIDs, "127.0.0.1:9880"
  uint64_t next_outbound = 1;                   // MsgSeqNum of the next message out
  uint64_t next_inbound = 1;                    // MsgSeqNum expected next
  WallTime session_created;                     // last reset of both numbers
  uint32_t in_flight = 0, in_flight_limit = 0;  // sent and not answered
  uint64_t waiting = 0;                         // taken, not sent yet
  uint64_t open_orders = 0, unknown_orders = 0;
  // conservation: taken = sent + refused + waiting, always
  uint64_t requests_taken = 0, requests_sent = 0, requests_refused = 0;
  uint64_t messages_sent = 0, messages_received = 0;  // on the wire, in this process's life
  uint64_t connects = 0, connect_failures = 0;        // in this process's life
  uint64_t garbage = 0;              // bytes or messages that were not FIX, or malformed
  uint64_t unmapped_reports = 0;     // reports that name no order of ours
  uint64_t reports_outstanding = 0;  // not yet journaled by the shards
  WallTime last_sent, last_received;
  bool halted = false;
  Reason halt_code = Reason::kNone;  // kVenueHalted by an operator, kConservation by itself
  std::string halted_by, halt_reason;
  std::vector<KillSwitch> kills;  // in force
  std::string last_error;         // why the session last broke or was refused
  // A venue that refuses the logon (a second one, while it holds the first for alive) is asked
  // again.
  bool logon_refused = false;         // refused, retrying
  uint64_t logon_refusals = 0;        // since the session was last logged on
  uint64_t logon_refusals_total = 0;  // in this process's life
  WallTime logon_refused_since;
  WallTime next_try;  // of a connection; zero: none is due
  Epoch epoch;
  Index as_of;
};

enum class VenueCommandKind : uint8_t {
  kHalt = 1,       // no new orders and replaces; cancels still go
  kResume,         // ends a halt, a conservation halt too
  kReconnect,      // logs out, closes the connection and logs on again under the same numbers
  kLogout,         // logs out and stays out until kLogon
  kLogon,          // ends kLogout
  kSetOutbound,    // next outbound number = `number`; the session must be down
  kSetInbound,     // next expected inbound number = `number`; the session must be down
  kResetSequence,  // both numbers to 1 with the next Logon; the session must be down
};
std::string_view name_of(VenueCommandKind kind);

/// An operator's command to one gateway. Answered by VenueCommandAnswer.
struct VenueCommand {
  VenueCommandKind kind = VenueCommandKind::kHalt;
  uint64_t number = 0;
  Label operator_name;
  ReasonText reason;
  friend bool operator==(const VenueCommand&, const VenueCommand&) = default;
};

/// Sent when the command is committed, or refused (then `text` says why and what to do).
struct VenueCommandAnswer {
  bool accepted = false;
  std::string text;
  VenueSessionView view;
};

/// Answer to a KillSwitch (requested, not just sent): this gateway has committed it.
struct VenueKillApplied {
  GroupId group;
  VenueName venue;
  Index index;
};

/// Asks a gateway to stop for good: no new flow, flush, FIX Logout, then VenueStopped. Within
/// `within`, whatever the venue does.
struct VenueStop {
  Duration within = Duration::seconds(2);
};
struct VenueStopped {
  GroupId group;
  bool logged_out = false;  // the venue answered the Logout
};

}  // namespace holdfast
