// What a venue gateway tells of orders whose outcome it did not know: what brought them into doubt,
// how each was settled, and by what. The record is journaled with the gateway, so that a report
// after a failover tells of what the leader before it found as well. Plain structs inside one
// process; the operator API turns them into JSON.
#pragma once

#include <string>
#include <vector>

#include "messages/venue_exchange.hpp"

namespace holdfast {

/// Why an order's outcome was in doubt.
enum class DoubtCause : uint8_t {
  kGapFilled = 1,  // too old to go out again at a resend
  kUnanswered,     // the venue, logged on, did not answer in time
  kNumbersLost,    // sequence numbers were set anew over it
  kAway,           // we were gone for longer than the venue waits before it cancels
};
std::string_view name_of(DoubtCause cause);

/// What settled it.
enum class SettledBy : uint8_t {
  kOpen = 0,  // nothing yet
  kReport,    // a report on the session that came late
  kResend,    // a report that the venue sent again
  kStatus,    // the answer to an OrderStatusRequest
  kDropCopy,  // the drop copy
  kNotSent,   // the venue does not know it: it never got there
};
std::string_view name_of(SettledBy by);

/// One order that was, or is, in doubt.
struct Reconciliation {
  OrderId order;
  WireOrderId wire;  // the ClOrdID in doubt, the first of several
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  DoubtCause cause = DoubtCause::kGapFilled;
  WallTime since;
  uint32_t asked = 0;  // OrderStatusRequests that went out for it
  SettledBy by = SettledBy::kOpen;
  WallTime settled;                               // zero while it is open
  OrderState venue_state = OrderState::kUnknown;  // as the venue told it
  friend bool operator==(const Reconciliation&, const Reconciliation&) = default;
};

/// Counted over the gateway's life; open = doubted - the rest.
struct ReconciliationCounters {
  uint64_t doubted = 0;
  uint64_t by_report = 0, by_resend = 0, by_status = 0, by_drop_copy = 0, not_sent = 0;
  uint64_t asked = 0;        // OrderStatusRequests for them
  uint64_t copies_used = 0;  // drop copies that told something new
  friend bool operator==(const ReconciliationCounters&, const ReconciliationCounters&) = default;
};

/// The drop-copy session of a gateway, in this process's life.
struct DropCopyView {
  bool configured = false, connected = false;
  std::string sender, target, endpoint;
  uint64_t next_inbound = 0;
  uint64_t received = 0;  // copies of executions
  uint64_t matched = 0;   // of them, reported on the session too
  uint64_t held = 0;      // of them, waiting for the session's report
  uint64_t connects = 0;
  WallTime last_received;
  std::string last_error;
};

/// Asks a gateway actor for its ReconciliationView.
struct ReconciliationQuery {};

struct ReconciliationView {
  VenueName venue;
  GroupId group;
  VenueSessionState state = VenueSessionState::kDown;
  ReconciliationCounters counters;
  std::vector<Reconciliation> rows;  // open ones by age, then settled ones, the newest first
  DropCopyView drop_copy;
  Epoch epoch;
  Index as_of;
};

}  // namespace holdfast
