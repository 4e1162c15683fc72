// What operators see of risk: state against limits, and one set of limits against another. Plain
// values for consoles; nothing here decides.
#pragma once

#include <string>

#include "actors/risk/state.hpp"
#include "messages/risk_view.hpp"

namespace holdfast::risk {

/// The shard's risk at `now`; only the query's account, if it names one. The caller fills in
/// ticket, group and index.
ShardRiskView view(const RiskState& state, const ShardRiskQuery& query, WallTime now);

/// One difference: "account 'M1'", "order_quantity_max", "1000", "500". Empty `from`: it was not
/// set there; empty `to`: it is not any more.
struct LimitChange {
  std::string where, what, from, to;
  friend bool operator==(const LimitChange&, const LimitChange&) = default;
};
/// What changes from `before` to `after`, versions aside: firm, desks, accounts, by name. Empty:
/// the same limits.
std::vector<LimitChange> diff(const RiskLimits& before, const RiskLimits& after);
std::vector<LimitChange> diff(const RestrictedList& before, const RestrictedList& after);

/// `candidate` as the successor of `current`: validated, with the next version. kInvalid as
/// validate(); kConflict when nothing would change.
Result<RiskLimits> successor(const RiskLimits& current, RiskLimits candidate);
Result<RestrictedList> successor(const RestrictedList& current, RestrictedList candidate);

}  // namespace holdfast::risk
