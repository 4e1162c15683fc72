// What risk is asked and what it answers. A decision lists every policy with its result and the
// numbers it compared, so that the journal can show later why an order passed or not. Plain values:
// copied into messages and journal events, nothing allocated.
#pragma once

#include <array>
#include <span>

#include "messages/execution.hpp"
#include "messages/risk_limits.hpp"

namespace holdfast::risk {

enum class RiskOrderKind : uint8_t { kNew = 1, kReplace, kMessage };

/// An order, or a replace of an open one, to be judged. Cancels and requests that were refused
/// before risk are not judged: as kMessage they are counted in their place and never blocked.
struct RiskOrder {
  RiskOrderKind kind = RiskOrderKind::kNew;
  OrderId order;
  Account account;
  Symbol symbol;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  Price price;        // zero for market orders
  Quantity quantity;  // OrderQty, total
  Quantity leaves;    // what may still be filled if this passes: new = quantity, replace = quantity
                      // − what was filled
  Label algo, desk;
  friend bool operator==(const RiskOrder&, const RiskOrder&) = default;
};

/// The question about a new order.
RiskOrder of(OrderId order, const NewOrder& request);
/// The question about a replace of `original` to `price` and total `quantity`, `cumulative` of
/// which is filled already.
RiskOrder of_replace(OrderId order, const NewOrder& original, Price price, Quantity quantity,
                     Quantity cumulative);

/// The policies, in the order in which they are applied. Numbers are part of the journal's format.
enum class Policy : uint8_t {
  kKillSwitch,     // observed: order quantity; limit: what may still be traded (reduce-only), or 0
  kAccountLimits,  // account and its limits known; replace: the order is open. No numbers.
  kRestrictedList,
  kOrderQuantity,   // 1e-8
  kOrderNotional,   // 1e-8
  kPriceCollar,     // observed: price; limit: the bound it is held against
  kBuyingPower,     // 1e-8, whole account if this order were filled
  kPositionLimit,   // 1e-8, worst case on the order's side
  kDuplicateOrder,  // ns since the same order; limit: the window
  kMessageRate,     // messages in the window, this one included
  kSelfTrade,       // observed: price; limit: the best own price on the other side
};
inline constexpr std::size_t kPolicies = 11;
static_assert(kPolicies <= limits::kPoliciesPerDecision);
std::string_view name_of(Policy policy);
/// What the policy refuses with when its numbers don't fit.
Reason reason_of(Policy policy);

/// kSkipped: the policy does not apply to this order, or an earlier one failed.
enum class PolicyResult : uint8_t { kSkipped, kPass, kFail };
std::string_view name_of(PolicyResult result);

struct PolicyOutcome {
  PolicyResult result = PolicyResult::kSkipped;
  int64_t observed = 0, limit = 0;
  friend bool operator==(const PolicyOutcome&, const PolicyOutcome&) = default;
};

struct RiskDecision {
  bool approved = false;
  Reason reason = Reason::kNone;
  LimitsVersion limits_version;
  WallTime time;          // `now` of the check
  Price exposure_price;   // what the reservation counts a unit of quantity at: the limit price; for
                          // a market order the worst price that the collar allows
  Price reference_price;  // zero: none was needed or there is none
  std::array<PolicyOutcome, kPolicies> outcomes;  // indexed by Policy

  const PolicyOutcome& outcome(Policy policy) const {
    return outcomes[static_cast<std::size_t>(policy)];
  }
  friend bool operator==(const RiskDecision&, const RiskDecision&) = default;
};

/// Why, in words and with the numbers used: "order quantity 500 above the limit 100". Cut at the
/// text's bound. For an approval: "approved".
ReasonText explain(const RiskDecision& decision);

}  // namespace holdfast::risk
