#include "actors/venues/reconciliation.hpp"

#include <algorithm>

namespace holdfast::venues {

void ReconciliationLedger::open(const VenueOrder& order, const WireOrderId& wire, DoubtCause cause,
                                WallTime now) {
  const auto [it, fresh] = open_.try_emplace(order.id);
  if (!fresh) return;
  counters_.doubted += 1;
  Reconciliation& row = it->second;
  row.order = order.id;
  row.wire = wire;
  row.account = order.account;
  row.symbol = order.symbol;
  row.side = order.side;
  row.cause = cause;
  row.since = now;
}

void ReconciliationLedger::asked(OrderId order) {
  const auto found = open_.find(order);
  if (found == open_.end()) return;
  found->second.asked += 1;
  counters_.asked += 1;
}

void ReconciliationLedger::close(OrderId order, SettledBy by, OrderState venue_state,
                                 WallTime now) {
  const auto found = open_.find(order);
  if (found == open_.end()) return;
  Reconciliation row = found->second;
  open_.erase(found);
  row.by = by;
  row.venue_state = venue_state;
  row.settled = now;
  switch (by) {
    case SettledBy::kOpen:
      break;
    case SettledBy::kReport:
      counters_.by_report += 1;
      break;
    case SettledBy::kResend:
      counters_.by_resend += 1;
      break;
    case SettledBy::kStatus:
      counters_.by_status += 1;
      break;
    case SettledBy::kDropCopy:
      counters_.by_drop_copy += 1;
      break;
    case SettledBy::kNotSent:
      counters_.not_sent += 1;
      break;
  }
  settled_.push_back(row);
  while (settled_.size() > limits::kReconciliationsKept) settled_.pop_front();
}

std::vector<Reconciliation> ReconciliationLedger::rows(std::size_t most) const {
  std::vector<Reconciliation> rows;
  rows.reserve(open_.size() + settled_.size());
  for (const auto& [id, row] : open_) rows.push_back(row);
  std::stable_sort(rows.begin(), rows.end(), [](const Reconciliation& a, const Reconciliation& b) {
    return a.since < b.since;
  });
  rows.insert(rows.end(), settled_.rbegin(), settled_.rend());
  if (rows.size() > most) rows.resize(most);
  return rows;
}

void ReconciliationLedger::restore(ReconciliationCounters counters,
                                   std::vector<Reconciliation> all) {
  counters_ = counters;
  for (Reconciliation& row : all) {
    if (row.by == SettledBy::kOpen)
      open_.emplace(row.order, row);
    else
      settled_.push_back(row);
  }
}

}  // namespace holdfast::venues
