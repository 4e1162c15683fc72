#include <algorithm>

#include "actors/risk/state.hpp"

namespace holdfast::risk {

namespace {

/// One check in progress: what the policies look at, found once.
class Check {
 public:
  Check(const RiskState& state, const RiskOrder& order, WallTime now)
      : state_(state), order_(order), now_(now) {
    account_row_ = state.find_account(order.account);
    if (account_row_ != kNoRow) account_ = &state.account(account_row_);
    symbol_row_ = state.find_symbol(order.symbol);
    if (symbol_row_ != kNoRow) symbol_ = &state.symbol(symbol_row_);
    const Row exposure =
        account_ && symbol_ ? state.find_exposure(account_row_, symbol_row_) : kNoRow;
    if (exposure != kNoRow) exposure_ = &state.exposure(exposure);
    if (order.kind == RiskOrderKind::kReplace) open_ = state.find_open(order.order);
    price_ = order.price;
  }

  RiskDecision run() {
    decision_.time = now_;
    decision_.limits_version = state_.limits_version();
    using Step = Reason (Check::*)();
    constexpr Step kSteps[kPolicies] = {
        &Check::kill_switch, &Check::account_limits, &Check::restricted_list, &Check::quantity,
        &Check::notional,    &Check::collar,         &Check::buying_power,    &Check::position,
        &Check::duplicate,   &Check::rate,           &Check::self_trade,
    };
    for (std::size_t i = 0; i < kPolicies; ++i) {
      outcome_ = &decision_.outcomes[i];
      const Step step = kSteps[i];
      decision_.reason = (this->*step)();
      if (decision_.reason == Reason::kNone) continue;
      outcome_->result = PolicyResult::kFail;
      return decision_;
    }
    decision_.approved = true;
    decision_.exposure_price = price_;
    return decision_;
  }

 private:
  bool replace() const { return order_.kind == RiskOrderKind::kReplace; }
  bool buy() const { return order_.side == Side::kBuy; }
  bool market() const { return order_.type == OrderType::kMarket; }
  int64_t limit(LimitKind kind) const { return account_->limit(kind); }

  Reason hold(Wide observed, Wide limit, bool passes, Reason reason) {
    outcome_->observed = narrow(observed);
    outcome_->limit = narrow(limit);
    outcome_->result = PolicyResult::kPass;
    return passes ? Reason::kNone : reason;
  }

  /// A replace that neither asks for more nor reaches further: it only takes risk away.
  bool reduction() const {
    if (!replace() || !open_ || order_.leaves > open_->leaves) return false;
    return buy() ? order_.price <= open_->price : order_.price >= open_->price;
  }

  /// Open quantity and notional on the order's side if this is let through.
  Wide side_quantity() const {
    Wide total = !exposure_ ? 0
                 : buy()    ? exposure_->open_buy_quantity
                            : exposure_->open_sell_quantity;
    if (open_) total -= std::min(open_->leaves.units, order_.leaves.units);
    return total + order_.leaves.units;
  }
  Wide added_notional() const {
    const Wide after = wide_notional(price_, order_.leaves);
    if (!open_) return after;
    return std::max<Wide>(0, after - wide_notional(open_->price, open_->leaves));
  }

  Reason kill_switch() {
    if (state_.untracked() > 0) return Reason::kFull;
    const KillMode mode = state_.kill_mode(account_, order_.desk, order_.algo);
    if (mode == KillMode::kNone) return pass();
    if (mode == KillMode::kFull) return hold(order_.leaves.units, 0, false, Reason::kKilled);
    if (reduction()) return pass();
    // All that is open on this side and this order together may at most close the position.
    const Wide held = exposure_ ? exposure_->position : 0;
    const Wide closable = std::max<Wide>(0, buy() ? -held : held);
    const Wide others = side_quantity() - order_.leaves.units;
    const Wide left = std::max<Wide>(0, closable - others);
    return hold(order_.leaves.units, left, order_.leaves.units <= left, Reason::kReduceOnly);
  }

  Reason pass() {
    outcome_->result = PolicyResult::kPass;
    return Reason::kNone;
  }

  Reason account_limits() {
    if (!account_ || !account_->configured) return Reason::kNoLimits;
    if (exposure_ && exposure_->broken) return Reason::kOverflow;
    if (!order_.leaves.positive() || order_.quantity < order_.leaves) return Reason::kBadQuantity;
    if (!replace() && order_.quantity != order_.leaves) return Reason::kBadQuantity;
    if (market() ? !order_.price.zero() : !order_.price.positive()) return Reason::kBadPrice;
    if (replace()) {
      if (!open_) return Reason::kUnknownOrder;
      if (open_->pending) return Reason::kPendingRequest;
      if (open_->market || market()) return Reason::kUnsupported;
      const Exposure& own = state_.exposure(open_->exposure);
      if (own.account != account_row_ || own.symbol != symbol_row_ || open_->side != order_.side)
        return Reason::kUnknownOrder;
    } else {
      if (!state_.room_for_order()) return Reason::kFull;
      if (!exposure_ && !state_.room_for_exposure()) return Reason::kFull;
    }
    return pass();
  }

  Reason restricted_list() {
    if (!symbol_ || !symbol_->restricted) return pass();
    return reduction() ? Reason::kNone : Reason::kRestricted;
  }

  Reason quantity() {
    if (open_ && order_.leaves <= open_->leaves) return Reason::kNone;
    const int64_t most = limit(LimitKind::kOrderQuantityMax);
    return hold(order_.quantity.units, most, order_.quantity.units <= most,
                Reason::kMaxOrderQuantity);
  }

  /// A market order is priced at the worst that the collar allows, so the reference is needed
  /// first.
  Reason notional() {
    if (const Reason reason = find_reference(); reason != Reason::kNone) return reason;
    if (!open_ || added_notional() > 0) {
      const auto value = notional_of(price_, order_.quantity);
      if (!value) return Reason::kOverflow;
      const int64_t most = limit(LimitKind::kOrderNotionalMax);
      return hold(value->units, most, value->units <= most, Reason::kMaxOrderNotional);
    }
    return Reason::kNone;
  }

  /// Last trade while it is fresh, else the previous close while that is; a market order takes its
  /// price from it here. What is missing is told by collar(), in its turn.
  Reason find_reference() {
    if (!symbol_) return market() ? Reason::kNoReferencePrice : Reason::kNone;
    const auto fresh = [this](Price price, WallTime time, LimitKind age) {
      return price.positive() && static_cast<Wide>(now_.ns) - time.ns <= limit(age);
    };
    if (fresh(symbol_->last_trade, symbol_->last_trade_time, LimitKind::kLastTradeAgeMax))
      decision_.reference_price = symbol_->last_trade;
    else if (fresh(symbol_->previous_close, symbol_->previous_close_time,
                   LimitKind::kPreviousCloseAgeMax))
      decision_.reference_price = symbol_->previous_close;
    if (!market()) return Reason::kNone;
    if (decision_.reference_price.zero()) return missing_reference();
    if (!buy()) {
      price_ = decision_.reference_price;
      return Reason::kNone;
    }
    const Wide worst = bound(limit(LimitKind::kPriceCollar), true);
    if (worst > INT64_MAX) return Reason::kOverflow;
    price_ = Price{static_cast<int64_t>(worst)};
    return Reason::kNone;
  }

  Reason missing_reference() const {
    const bool stale =
        symbol_ && (symbol_->last_trade.positive() || symbol_->previous_close.positive());
    return stale ? Reason::kStaleReferencePrice : Reason::kNoReferencePrice;
  }

  Wide bound(int64_t basis_points, bool above) const {
    const Wide reference = decision_.reference_price.units;
    const Wide width = reference * basis_points / 10'000;
    return above ? reference + width : reference - width;
  }

  Reason collar() {
    if (reduction() && order_.price == open_->price) return Reason::kNone;
    if (decision_.reference_price.zero()) return missing_reference();
    const int64_t through = limit(LimitKind::kPriceCollar);
    if (market()) return hold(price_.units, bound(through, buy()), true, Reason::kPriceCollar);
    const int64_t configured = limit(LimitKind::kPassiveCollar);
    const int64_t away = configured > 0 ? configured : through;
    const Wide high = bound(buy() ? through : away, true);
    const Wide low = bound(buy() ? away : through, false);
    const Wide price = price_.units;
    if (price > high) return hold(price, high, false, Reason::kPriceCollar);
    if (price < low) return hold(price, low, false, Reason::kPriceCollar);
    return hold(price, buy() ? high : low, true, Reason::kPriceCollar);
  }

  Reason buying_power() {
    Exposure after = exposure_ ? *exposure_ : Exposure{};
    const Wide before = after.used();
    (buy() ? after.open_buy_notional : after.open_sell_notional) += added_notional();
    const Wide more = after.used() - before;
    const Wide used = account_->used + more;
    const int64_t most = limit(LimitKind::kBuyingPower);
    // What needs no more than before passes also over the limit: it may be the way back under it.
    return hold(used, most, more <= 0 || used <= most, Reason::kBuyingPower);
  }

  Reason position() {
    const Wide held = exposure_ ? exposure_->position : 0;
    const Wide worst = buy() ? held + side_quantity() : side_quantity() - held;
    const int64_t most = limit(LimitKind::kPositionMax);
    const bool grows = !open_ || order_.leaves > open_->leaves;
    return hold(worst, most, !grows || worst <= most, Reason::kPositionLimit);
  }

  Reason duplicate() {
    const int64_t window = limit(LimitKind::kDuplicateWindow);
    if (replace() || window == 0) return Reason::kNone;
    if (!state_.room_for_fingerprint(now_)) return Reason::kFull;
    const WallTime* last = state_.find_fingerprint(
        {account_row_, symbol_row_, order_.side, order_.type, order_.price, order_.quantity});
    if (!last) return hold(window, window, true, Reason::kDuplicateOrder);
    const Wide age = static_cast<Wide>(now_.ns) - last->ns;
    return hold(age, window, age >= window, Reason::kDuplicateOrder);
  }

  Reason rate() {
    const uint64_t messages = account_->rate.total(now_) + 1;
    const int64_t most = limit(LimitKind::kMessagesMax);
    return hold(messages, most, messages <= static_cast<uint64_t>(most), Reason::kMessageRate);
  }

  Reason self_trade() {
    if (reduction()) return Reason::kNone;
    const OwnBook* book = symbol_ ? state_.find_book(account_->group, symbol_row_) : nullptr;
    if (!book) return pass();
    const auto& own = buy() ? book->buys : book->sells;
    if (own.size() >= limits::kSelfTradeLevelsMax) return Reason::kFull;
    const auto& against = buy() ? book->sells : book->buys;
    if (against.empty()) return pass();
    const int64_t best = against.back().price;
    const bool crosses =
        market() || (buy() ? order_.price.units >= best : order_.price.units <= best);
    return hold(market() ? 0 : order_.price.units, best, !crosses, Reason::kSelfTrade);
  }

  const RiskState& state_;
  const RiskOrder& order_;
  WallTime now_;
  Row account_row_ = kNoRow, symbol_row_ = kNoRow;
  const AccountRecord* account_ = nullptr;
  const SymbolRecord* symbol_ = nullptr;
  const Exposure* exposure_ = nullptr;
  const OpenOrder* open_ = nullptr;  // replace: the order as it stands
  Price price_;                      // what a unit is counted at
  RiskDecision decision_;
  PolicyOutcome* outcome_ = nullptr;
};

}  // namespace

RiskDecision check(const RiskState& state, const RiskOrder& order, WallTime now) {
  if (order.kind == RiskOrderKind::kMessage) {
    RiskDecision counted;
    counted.approved = true;
    counted.limits_version = state.limits_version();
    counted.time = now;
    return counted;
  }
  return Check(state, order, now).run();
}

}  // namespace holdfast::risk
