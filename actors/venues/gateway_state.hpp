// Everything a venue gateway must still know after its death: the FIX session's numbers and what
// went out under them, requests that wait, orders by the ClOrdIDs they go by, what the order shards
// have taken and what they are owed. It changes only by events (gateway.hpp); sockets, clocks and
// QuickFIX are elsewhere and hold nothing that is not here.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "actors/venues/reconciliation.hpp"
#include "actors/venues/session_rules.hpp"
#include "actors/venues/venue_order.hpp"
#include "messages/venue_view.hpp"
#include "supervision/replication/outbox.hpp"

namespace holdfast::venues {

using FixBytes = std::shared_ptr<const std::string>;

/// What consumed an outbound number.
enum class SentKind : uint8_t { kAdmin = 1, kNew, kCancel, kReplace, kStatus };

/// A message out that a resend may need. Admin messages are not kept: a resend gap-fills them.
struct SentMessage {
  SentKind kind = SentKind::kNew;
  OrderId order;
  WireOrderId wire;
  FixBytes bytes;   // null once it is too old to go out again
  WallTime sent;    // journaled
  WallTime intake;  // of the request: its age at a resend
};

/// How far the session is. Of a connection that is gone with its process: a new leader starts at
/// kDown.
enum class SessionPhase : uint8_t {
  kDown,         // no connection
  kConnected,    // connected; Logon not sent yet
  kLogonSent,    // waiting for the venue's Logon
  kBarrier,      // logged on; the TestRequest is on its way there and back
  kReconciling,  // everything the venue had for us is in; unknown orders are being settled
  kOpen,         // new flow goes
  kLoggingOut,   // Logout sent
};
std::string_view name_of(SessionPhase phase);

/// What the session is wanted to do.
enum class Want : uint8_t {
  kUp,     // logged on whenever the schedule allows
  kRelog,  // out once, then kUp
  kStop,   // out until the next leadership: the node stops
  kOut,    // out until an operator says otherwise
};

struct GatewayCounters {
  uint64_t taken = 0;                  // requests from shards
  uint64_t sent = 0;                   // of them, encoded under a number
  uint64_t refused = 0;                // of them, refused here
  uint64_t reports = 0;                // from the venue, mapped to an order
  uint64_t unmapped = 0;               // from the venue, naming no order of ours
  uint64_t stale_epoch = 0, gaps = 0;  // deliveries refused
  uint64_t gap_filled = 0;             // requests that a resend left out for their age
  uint64_t not_sent = 0;               // proven never to have reached the venue
  uint64_t resets = 0;
  friend bool operator==(const GatewayCounters&, const GatewayCounters&) = default;
};

struct GatewayState {
  SessionRules rules;
  // ---- the FIX session
  uint32_t next_out = 1;
  uint32_t next_in = 1;
  WallTime created;         // of this numbering; zero before the first event
  bool flag_reset = false;  // the next Logon carries ResetSeqNumFlag=Y
  std::map<uint32_t, SentMessage> sent;
  uint32_t swept = 1;  // below this number, what is old was dropped
  SessionPhase phase = SessionPhase::kDown;
  WallTime phase_since;
  uint64_t link = 0;  // counts connections; bytes for an earlier one are never written to a later
  uint32_t logon_number = 0;  // of the last Logon of this leadership; 0 none
  WallTime logon_at;
  bool logon_again = false;  // its bytes went out on this connection after another
  bool logon_heard = false;  // the venue said something after that Logon: its number is used up
  bool barrier_sent = false;
  WallTime resend_decided;  // time of the last resend decision
  Want want = Want::kUp;
  std::string last_error;
  // ---- stops
  bool halted = false;
  Reason halt_code = Reason::kNone;
  Label halted_by;
  ReasonText halt_reason;
  std::vector<KillSwitch> kills;
  // ---- flow
  std::map<GroupId, replication::InboxCursor> inboxes;
  std::map<GroupId, replication::Outbox<VenueReport>> outboxes;
  std::deque<VenueRequest> waiting;
  uint32_t status_waiting = 0;  // of `waiting`, a shard's questions; follows from it
  std::unordered_map<OrderId, VenueOrder> orders;
  std::unordered_map<WireOrderId, OrderId> wires;
  std::deque<OrderId> done;  // oldest first; kept for late and repeated reports
  std::set<OrderId> unknown;
  /// Of `unknown`, in the order to ask about them: not asked yet first, then the longest ago; may
  /// hold some that are settled. No part of snapshots: it can be any order.
  std::deque<OrderId> to_ask;
  uint32_t in_flight = 0;  // wires in state kSent
  ReconciliationLedger reconciliation;
  // ---- gone too long for the venue; kept only where it cancels on disconnect
  WallTime heard;         // the venue's last message
  WallTime gone_since;    // when the last session that was logged on was last heard; 0: it is on
  bool away_due = false;  // open orders are still to be doubted
  // ---- the drop-copy session's numbers: `out` is reserved ahead, `in` may lag
  uint32_t copy_out = 1, copy_in = 1;
  GatewayCounters counters;

  /// What the last apply() pushed or changed, for effects(); no part of the replicated state.
  struct Turn {
    std::vector<std::pair<GroupId, OutboxSeq>> pushed;
    bool status = false;
  } turn;
  /// Bytes of the Logon `logon_number`, on the leader that made it.
  FixBytes logon_bytes;
};

/// The state as routing and operators name it.
VenueSessionState session_state(const GatewayState& state);
/// True when the session is logged on and its inbound side is complete.
inline bool past_barrier(const GatewayState& state) {
  return state.phase == SessionPhase::kReconciling || state.phase == SessionPhase::kOpen;
}
/// True while new orders and replaces may be encoded.
bool flow_open(const GatewayState& state);
/// Whether a kill stops this request here: full kills, by firm, desk, account or algo. Cancels and
/// status requests always pass.
bool killed(const GatewayState& state, const VenueRequest& request);
/// taken = sent + refused + waiting.
inline bool conserved(const GatewayState& state) {
  return state.counters.taken ==
         state.counters.sent + state.counters.refused + state.waiting.size();
}

}  // namespace holdfast::venues
