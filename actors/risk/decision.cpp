#include "actors/risk/decision.hpp"

#include "actors/risk/delta.hpp"

namespace holdfast::risk {

RiskOrder of(OrderId order, const NewOrder& request) {
  return {.kind = RiskOrderKind::kNew,
          .order = order,
          .account = request.account,
          .symbol = request.symbol,
          .side = request.side,
          .type = request.type,
          .price = request.price,
          .quantity = request.quantity,
          .leaves = request.quantity,
          .algo = request.attribution.algo,
          .desk = request.attribution.desk};
}

RiskOrder of_replace(OrderId order, const NewOrder& original, Price price, Quantity quantity,
                     Quantity cumulative) {
  RiskOrder replace = of(order, original);
  replace.kind = RiskOrderKind::kReplace;
  replace.price = price;
  replace.quantity = quantity;
  // A difference out of range is refused as a leaves quantity that is not positive.
  if (__builtin_sub_overflow(quantity.units, cumulative.units, &replace.leaves.units))
    replace.leaves = {};
  return replace;
}

std::string_view name_of(Policy policy) {
  switch (policy) {
    case Policy::kKillSwitch:
      return "KillSwitch";
    case Policy::kAccountLimits:
      return "AccountLimits";
    case Policy::kRestrictedList:
      return "RestrictedList";
    case Policy::kOrderQuantity:
      return "OrderQuantity";
    case Policy::kOrderNotional:
      return "OrderNotional";
    case Policy::kPriceCollar:
      return "PriceCollar";
    case Policy::kBuyingPower:
      return "BuyingPower";
    case Policy::kPositionLimit:
      return "PositionLimit";
    case Policy::kDuplicateOrder:
      return "DuplicateOrder";
    case Policy::kMessageRate:
      return "MessageRate";
    case Policy::kSelfTrade:
      return "SelfTrade";
  }
  return "Invalid";
}

Reason reason_of(Policy policy) {
  constexpr Reason kReasons[kPolicies] = {
      Reason::kKilled,           Reason::kNoLimits,         Reason::kRestricted,
      Reason::kMaxOrderQuantity, Reason::kMaxOrderNotional, Reason::kPriceCollar,
      Reason::kBuyingPower,      Reason::kPositionLimit,    Reason::kDuplicateOrder,
      Reason::kMessageRate,      Reason::kSelfTrade,
  };
  return kReasons[static_cast<std::size_t>(policy)];
}

std::string_view name_of(PolicyResult result) {
  switch (result) {
    case PolicyResult::kSkipped:
      return "skipped";
    case PolicyResult::kPass:
      return "pass";
    case PolicyResult::kFail:
      return "fail";
  }
  return "Invalid";
}

namespace {
/// Text put together in place; what does not fit is cut.
class Words {
 public:
  Words& operator<<(std::string_view s) {
    const std::size_t n = std::min(s.size(), sizeof bytes_ - size_);
    std::memcpy(bytes_ + size_, s.data(), n);
    size_ += n;
    return *this;
  }
  Words& scaled(int64_t units) {
    char number[24];
    return *this << std::string_view(number, fixed_point::format_to(number, units));
  }
  Words& count(int64_t n) { return *this << std::to_string(n); }
  ReasonText text() const { return ReasonText(std::string_view(bytes_, size_)); }

 private:
  char bytes_[limits::kReasonTextBytes];
  std::size_t size_ = 0;
};

void explain_numbers(Words& words, const RiskDecision& decision, Policy policy) {
  const PolicyOutcome& outcome = decision.outcome(policy);
  switch (policy) {
    case Policy::kOrderQuantity:
    case Policy::kOrderNotional:
    case Policy::kBuyingPower:
    case Policy::kPositionLimit:
      words << ": ";
      words.scaled(outcome.observed) << " against ";
      words.scaled(outcome.limit);
      return;
    case Policy::kPriceCollar:
      if (decision.reason != Reason::kPriceCollar) return;
      words << ": ";
      words.scaled(outcome.observed) << " beyond ";
      words.scaled(outcome.limit) << ", reference ";
      words.scaled(decision.reference_price.units);
      return;
    case Policy::kDuplicateOrder:
      if (decision.reason != Reason::kDuplicateOrder) return;
      words << ": ";
      words.count(outcome.observed / 1'000'000) << " ms ago, window ";
      words.count(outcome.limit / 1'000'000) << " ms";
      return;
    case Policy::kMessageRate:
      words << ": ";
      words.count(outcome.observed) << " against ";
      words.count(outcome.limit);
      return;
    case Policy::kSelfTrade:
      // An own market order has no price to show.
      if (decision.reason != Reason::kSelfTrade || outcome.limit == INT64_MAX ||
          outcome.limit == INT64_MIN)
        return;
      words << " at ";
      words.scaled(outcome.limit);
      return;
    case Policy::kKillSwitch:
      if (decision.reason != Reason::kReduceOnly) return;
      words << ": ";
      words.scaled(outcome.observed) << " against ";
      words.scaled(outcome.limit) << " left to reduce";
      return;
    case Policy::kAccountLimits:
    case Policy::kRestrictedList:
      return;
  }
}
}  // namespace

ReasonText explain(const RiskDecision& decision) {
  Words words;
  if (decision.approved) {
    words << "approved";
    return words.text();
  }
  words << words_of(decision.reason);
  for (std::size_t i = 0; i < kPolicies; ++i)
    if (decision.outcomes[i].result == PolicyResult::kFail)
      explain_numbers(words, decision, static_cast<Policy>(i));
  return words.text();
}

RiskDelta consequence(const RiskOrder& order, const RiskDecision& decision) {
  if (!decision.approved || order.kind == RiskOrderKind::kMessage)
    return MessageCounted{order.account, 1, decision.time};
  if (order.kind == RiskOrderKind::kReplace)
    return ReplaceReserved{order.order, decision.exposure_price, order.leaves, decision.time};
  return Reserved{order.order, order.account,           order.symbol,   order.side,
                  order.type,  decision.exposure_price, order.quantity, decision.time};
}

}  // namespace holdfast::risk
