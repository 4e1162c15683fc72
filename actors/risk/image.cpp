#include "actors/risk/image.hpp"

#include <algorithm>
#include <tuple>

namespace holdfast::risk {

namespace {
Error corrupt(const std::string& what) { return {ErrorCode::kCorrupt, "risk state: " + what}; }

template <typename Rows, typename Key>
void sort_by(Rows& rows, Key key) {
  std::sort(rows.begin(), rows.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
}
}  // namespace

/// The one place that sees RiskState from inside, apart from itself.
struct RiskImageAccess {
  static RiskImage image(const RiskState& state) {
    RiskImage image;
    image.limits = *state.limits_;
    image.restricted = *state.restricted_;
    image.kills = state.kills_;
    for (const AccountRecord& record : state.accounts_)
      image.accounts.push_back(
          {record.name, record.rate.slot_ns_, record.rate.head_, record.rate.counts_});
    for (const SymbolRecord& record : state.symbols_)
      image.symbols.push_back({record.name, record.last_trade, record.previous_close,
                               record.last_trade_time, record.previous_close_time});
    for (const Exposure& exposure : state.exposures_)
      image.positions.push_back({state.accounts_[exposure.account].name,
                                 state.symbols_[exposure.symbol].name, exposure.position,
                                 exposure.cost, exposure.broken});
    state.open_.for_each([&](OrderId order, const OpenOrder& open) {
      const Exposure& exposure = state.exposures_[open.exposure];
      OpenOrderImage row{order, state.accounts_[exposure.account].name,
                         state.symbols_[exposure.symbol].name, open};
      row.state.exposure = kNoRow;
      image.orders.push_back(row);
    });
    for (std::size_t i = 0; i < state.recent_size_; ++i) {
      const auto& recent = state.recent_[(state.recent_head_ + i) % state.recent_.size()];
      const Fingerprint& f = recent.fingerprint;
      image.recent.push_back({state.accounts_[f.account].name, state.symbols_[f.symbol].name,
                              f.side, f.type, f.price, f.quantity, recent.time});
    }
    sort_by(image.accounts, [](const AccountImage& row) { return row.name; });
    sort_by(image.symbols, [](const SymbolImage& row) { return row.name; });
    sort_by(image.positions,
            [](const PositionImage& row) { return std::tie(row.account, row.symbol); });
    sort_by(image.orders, [](const OpenOrderImage& row) { return row.order; });
    image.untracked = state.untracked_;
    image.unknown_orders = state.unknown_orders_;
    image.ill_formed = state.ill_formed_;
    return image;
  }

  static Result<RiskState> restore(const RiskImage& image) {
    RiskState state;
    if (auto ok = restore_rules(state, image); !ok) return ok.error();
    if (auto ok = restore_rows(state, image); !ok) return ok.error();
    if (auto ok = restore_positions(state, image); !ok) return ok.error();
    if (auto ok = restore_orders(state, image); !ok) return ok.error();
    if (auto ok = restore_recent(state, image); !ok) return ok.error();
    state.untracked_ = image.untracked;
    state.unknown_orders_ = image.unknown_orders;
    state.ill_formed_ = image.ill_formed;
    return state;
  }

 private:
  static Result<> restore_rules(RiskState& state, const RiskImage& image) {
    if (image.limits != RiskLimits{}) {
      if (auto ok = validate(image.limits); !ok) return corrupt(ok.error().text);
    }
    if (auto ok = validate(image.restricted); !ok) return corrupt(ok.error().text);
    state.apply(LimitsLoaded{std::make_shared<RiskLimits>(image.limits)});
    state.apply(RestrictedLoaded{std::make_shared<RestrictedList>(image.restricted)});
    for (const KillRecord& record : image.kills) {
      if (record.kill.mode == KillMode::kNone) return corrupt("a kill that is none");
      state.apply(KillSet{record.kill, record.time});
    }
    if (state.kills_.size() != image.kills.size()) return corrupt("too many kills, or one doubled");
    return success();
  }

  static Result<> restore_rows(RiskState& state, const RiskImage& image) {
    for (const AccountImage& row : image.accounts) {
      if (row.slot_ns < 1 || row.head < 0 || row.head > INT64_MAX / row.slot_ns)
        return corrupt("rate window of account '" + row.name.str() + "'");
      const Row at = state.touch_account(row.name);
      if (at == kNoRow) return corrupt("too many accounts");
      RateWindow& rate = state.accounts_[at].rate;
      rate.slot_ns_ = row.slot_ns;
      rate.head_ = row.head;
      rate.counts_ = row.counts;
    }
    if (state.accounts_.size() != image.accounts.size())
      return corrupt("accounts doubled, or missing those that have limits");
    for (const SymbolImage& row : image.symbols) {
      const Row at = state.touch_symbol(row.name);
      if (at == kNoRow) return corrupt("too many symbols");
      SymbolRecord& record = state.symbols_[at];
      record.last_trade = row.last_trade;
      record.previous_close = row.previous_close;
      record.last_trade_time = row.last_trade_time;
      record.previous_close_time = row.previous_close_time;
    }
    if (state.symbols_.size() != image.symbols.size())
      return corrupt("symbols doubled, or missing restricted ones");
    return success();
  }

  /// The exposure of a pair whose account and symbol have rows; kNoRow when one has none.
  static Row find_pair(const RiskState& state, const Account& account, const Symbol& symbol) {
    const Row a = state.find_account(account), s = state.find_symbol(symbol);
    return a == kNoRow || s == kNoRow ? kNoRow : state.find_exposure(a, s);
  }

  static Result<> restore_positions(RiskState& state, const RiskImage& image) {
    for (const PositionImage& row : image.positions) {
      const std::string where =
          "position of '" + row.account.str() + "' in '" + row.symbol.str() + "'";
      const Row account = state.find_account(row.account), symbol = state.find_symbol(row.symbol);
      if (account == kNoRow || symbol == kNoRow)
        return corrupt(where + ": no such account or symbol");
      constexpr Wide kCostMax = static_cast<Wide>(1) << 120;
      const bool signs = row.position == 0 ? row.cost == 0
                                           : (row.position > 0) == (row.cost >= 0) || row.cost == 0;
      if (!signs || row.cost > kCostMax || row.cost < -kCostMax)
        return corrupt(where + ": cost does not fit");
      const Row at = state.touch_exposure(account, symbol);
      if (at == kNoRow) return corrupt("too many positions");
      Exposure& exposure = state.exposures_[at];
      exposure.position = row.position;
      exposure.cost = row.cost;
      exposure.broken = row.broken;
      state.accounts_[account].used += exposure.used();
    }
    if (state.exposures_.size() != image.positions.size()) return corrupt("a position is doubled");
    return success();
  }

  static Result<> restore_orders(RiskState& state, const RiskImage& image) {
    for (const OpenOrderImage& row : image.orders) {
      const std::string where = "open order " + std::to_string(row.order.value);
      OpenOrder order = row.state;
      order.exposure = find_pair(state, row.account, row.symbol);
      if (order.exposure == kNoRow) return corrupt(where + ": there is no such position");
      const bool pending_fits =
          order.pending || (order.pending_price.zero() && order.pending_leaves.zero());
      if (!row.order || order.price.units < 0 || order.leaves.units < 0 ||
          order.pending_price.units < 0 || order.pending_leaves.units < 0 || !pending_fits ||
          (!order.pending && order.leaves.zero()))
        return corrupt(where + ": numbers out of range");
      OpenOrder blank;
      blank.exposure = order.exposure;
      blank.side = order.side;
      blank.market = order.market;
      const std::size_t before = state.open_.size();
      OpenOrder* open = state.open_.insert(row.order, blank);
      if (!open || state.open_.size() == before) return corrupt(where + ": doubled, or too many");
      state.change(*open, order);
    }
    return success();
  }

  static Result<> restore_recent(RiskState& state, const RiskImage& image) {
    if (image.recent.size() > limits::kFingerprintsMax) return corrupt("too many recent orders");
    for (const RecentOrderImage& row : image.recent) {
      const Row account = state.find_account(row.account), symbol = state.find_symbol(row.symbol);
      if (account == kNoRow || symbol == kNoRow)
        return corrupt("a recent order of no account or symbol");
      state.keep_recent({account, symbol, row.side, row.type, row.price, row.quantity}, row.time);
    }
    return success();
  }
};

RiskImage image_of(const RiskState& state) { return RiskImageAccess::image(state); }
Result<RiskState> restore(const RiskImage& image) { return RiskImageAccess::restore(image); }

bool operator==(const RiskState& a, const RiskState& b) { return image_of(a) == image_of(b); }

}  // namespace holdfast::risk
