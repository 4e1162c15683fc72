// The ledger of orders whose outcome a gateway did not know: opened when doubt comes up, closed by
// what the venue told, and kept for operators. Part of the replicated state: it changes only where
// gateway events are applied. It settles nothing itself; that is gateway_flow's work.
#pragma once

#include <deque>
#include <map>
#include <vector>

#include "actors/venues/venue_order.hpp"
#include "messages/reconciliation_view.hpp"

namespace holdfast::venues {

class ReconciliationLedger {
 public:
  /// `order` is in doubt because of `wire`, from `now` on. One that is open stays as it is.
  void open(const VenueOrder& order, const WireOrderId& wire, DoubtCause cause, WallTime now);
  /// An OrderStatusRequest goes out for it. Nothing happens when it is not open.
  void asked(OrderId order);
  /// It is settled. Nothing happens when it is not open.
  void close(OrderId order, SettledBy by, OrderState venue_state, WallTime now);
  /// A drop copy told something new.
  void copy_used() { counters_.copies_used += 1; }

  const ReconciliationCounters& counters() const { return counters_; }
  const std::map<OrderId, Reconciliation>& pending() const { return open_; }
  const std::deque<Reconciliation>& settled() const { return settled_; }  // oldest first
  /// At most `most` rows: open ones by age, then settled ones, the newest first.
  std::vector<Reconciliation> rows(std::size_t most) const;

  /// For snapshots: as it was. CHECKs nothing: the codec has.
  void restore(ReconciliationCounters counters, std::vector<Reconciliation> all);
  friend bool operator==(const ReconciliationLedger&, const ReconciliationLedger&) = default;

 private:
  std::map<OrderId, Reconciliation> open_;
  std::deque<Reconciliation> settled_;  // at most kReconciliationsKept
  ReconciliationCounters counters_;
};

}  // namespace holdfast::venues
