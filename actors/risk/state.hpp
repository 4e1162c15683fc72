// Everything that risk knows, as one value: limits, restricted list, reference prices, kills,
// positions and what is in flight. It changes by apply() alone and is a projection of the shard's
// events, so a copy of it can be rebuilt anywhere. Sums are held in 128 bits and tables are
// bounded: what can't be counted exactly makes the checks refuse (fail closed), it never wraps and
// is never forgotten. Decides nothing: that is check().
#pragma once

#include <array>
#include <span>
#include <vector>

#include "actors/risk/delta.hpp"
#include "actors/risk/flat_map.hpp"

namespace holdfast::risk {

using Wide = __int128;  // sums of quantities and notionals, 1e-8

/// Position of one row in a table of RiskState.
using Row = uint32_t;
inline constexpr Row kNoRow = UINT32_MAX;

/// Messages of the last window, counted in slots of an eighth of it. Counts up to one slot too much
/// history, never too little.
class RateWindow {
 public:
  static constexpr std::size_t kSlots = 9;
  /// Sets the window's length; what was counted stays counted.
  void resize(Duration window);
  void count(WallTime now, uint32_t messages);
  /// Messages in the window that ends at `now`.
  uint64_t total(WallTime now) const;
  friend bool operator==(const RateWindow&, const RateWindow&) = default;

 private:
  friend struct RiskImageAccess;
  int64_t slot_ns_ = 125'000'000;
  int64_t head_ = 0;  // number of the newest slot
  std::array<uint32_t, kSlots> counts_{};
};

struct AccountRecord {
  Account name;
  bool configured = false;  // has limits now
  Label desk;
  std::array<int64_t, kLimitKinds> limits{};  // effective; indexed by LimitKind
  Row group = kNoRow;                         // self-trade group: the row of its first account
  KillMode kill = KillMode::kNone;            // the account's own or its desk's, the stricter
  RateWindow rate;
  Wide used = 0;  // buying power in use

  int64_t limit(LimitKind kind) const { return limits[static_cast<std::size_t>(kind)]; }
};

struct SymbolRecord {
  Symbol name;
  bool restricted = false;
  Price last_trade, previous_close;
  WallTime last_trade_time, previous_close_time;
};

/// One account in one symbol.
struct Exposure {
  Row account = kNoRow, symbol = kNoRow, book = kNoRow;
  bool broken = false;   // the position left 64 bits; PositionSet repairs it
  int64_t position = 0;  // 1e-8, negative is short
  Wide cost = 0;         // of the position at average price, same sign
  Wide open_buy_quantity = 0, open_sell_quantity = 0;
  Wide open_buy_notional = 0, open_sell_notional = 0;

  /// Buying power in use: the worse of all buys filled and all sells filled. Never negative.
  Wide used() const {
    const Wide up = cost + open_buy_notional, down = open_sell_notional - cost;
    return up > down ? up : down;
  }
};

/// An order with exposure in flight.
struct OpenOrder {
  Row exposure = kNoRow;
  Side side = Side::kBuy;
  bool market = false;
  bool pending = false;  // a replace is on its way: the worse of both counts
  Price price, pending_price;
  Quantity leaves, pending_leaves;
  friend bool operator==(const OpenOrder&, const OpenOrder&) = default;
};

/// price × quantity rounded up in magnitude, exact in 128 bits.
constexpr Wide wide_notional(Price price, Quantity quantity) {
  const Wide product = static_cast<Wide>(price.units) * quantity.units;
  const Wide scaled = product / kScale;
  return product % kScale == 0 ? scaled : scaled + (product > 0 ? 1 : -1);
}
/// The nearest 64-bit number, for showing.
constexpr int64_t narrow(Wide wide) {
  return wide > INT64_MAX ? INT64_MAX : wide < INT64_MIN ? INT64_MIN : static_cast<int64_t>(wide);
}

/// Own open prices in one symbol for one self-trade group, best last.
struct OwnBook {
  struct Level {
    int64_t price = 0;
    uint32_t orders = 0;
  };
  std::vector<Level> buys, sells;  // buys ascending, sells descending

  void enter(const OpenOrder& order);
  /// CHECKs that it had entered.
  void leave(const OpenOrder& order);
  /// Whether both stand at the same prices.
  static bool same_levels(const OpenOrder& a, const OpenOrder& b);
};

/// A recent order, for the duplicate check.
struct Fingerprint {
  Row account = kNoRow, symbol = kNoRow;
  Side side = Side::kBuy;
  OrderType type = OrderType::kLimit;
  Price price;
  Quantity quantity;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
};
struct FingerprintHash {
  std::size_t operator()(const Fingerprint& f) const noexcept;
};

struct KillRecord {
  KillSwitch kill;
  WallTime time;
  friend bool operator==(const KillRecord&, const KillRecord&) = default;
};

struct RiskImage;  // image.hpp: the state as sorted rows, for snapshots and comparison

class RiskState {
 public:
  RiskState();

  // ---- what check() and views read
  LimitsVersion limits_version() const { return limits_->version; }
  const RiskLimits& limits() const { return *limits_; }
  const RestrictedList& restricted() const { return *restricted_; }
  std::span<const KillRecord> kills() const { return kills_; }
  std::span<const AccountRecord> accounts() const { return accounts_; }
  std::span<const SymbolRecord> symbols() const { return symbols_; }
  std::span<const Exposure> exposures() const { return exposures_; }
  std::size_t open_orders() const { return open_.size(); }

  Row find_account(const Account& account) const { return row(account_rows_.find(account)); }
  Row find_symbol(const Symbol& symbol) const { return row(symbol_rows_.find(symbol)); }
  Row find_exposure(Row account, Row symbol) const {
    return row(exposure_rows_.find(pair(account, symbol)));
  }
  const AccountRecord& account(Row row) const { return accounts_[row]; }
  const SymbolRecord& symbol(Row row) const { return symbols_[row]; }
  const Exposure& exposure(Row row) const { return exposures_[row]; }
  const OpenOrder* find_open(OrderId order) const { return open_.find(order); }
  /// The strictest kill that concerns an order with these attributes.
  KillMode kill_mode(const AccountRecord* account, const Label& desk, const Label& algo) const;
  /// Own prices of `group` in `symbol`; nothing when it never had any.
  const OwnBook* find_book(Row group, Row symbol) const;
  /// When the same order was last reserved; nothing when not within memory.
  const WallTime* find_fingerprint(const Fingerprint& fingerprint) const {
    return fingerprints_.find(fingerprint);
  }

  // ---- room that an order needs; false: check() refuses with kFull
  bool room_for_order() const { return !open_.full(); }
  bool room_for_exposure() const { return !exposure_rows_.full(); }
  bool room_for_fingerprint(WallTime now) const;

  /// Facts that did not fit a table. Not zero: every order is refused until TrackingRestored.
  uint64_t untracked() const { return untracked_; }
  /// Deltas that named no open order, or had numbers out of range.
  uint64_t unknown_orders() const { return unknown_orders_; }
  uint64_t ill_formed() const { return ill_formed_; }

  // ---- what changes it; use the free apply() below
  void apply(const Reserved& delta);
  void apply(const ReplaceReserved& delta);
  void apply(const ReplaceConfirmed& delta);
  void apply(const ReplaceReleased& delta);
  void apply(const LeavesChanged& delta);
  void apply(const Filled& delta);
  void apply(const Busted& delta);
  void apply(const Released& delta);
  void apply(const MessageCounted& delta);
  void apply(const LimitsLoaded& delta);
  void apply(const RestrictedLoaded& delta);
  void apply(const ReferencePriceSet& delta);
  void apply(const KillSet& delta);
  void apply(const PositionSet& delta);
  void apply(const TrackingRestored& delta);

  /// Same content; order of tables and spare room do not matter.
  friend bool operator==(const RiskState& a, const RiskState& b);

 private:
  friend struct RiskImageAccess;
  struct RecentOrder {
    Fingerprint fingerprint;
    WallTime time;
  };
  struct KillKey {
    KillScope scope = KillScope::kFirm;
    Text<limits::kNameBytes> name;
    friend bool operator==(const KillKey&, const KillKey&) = default;
  };
  struct KillKeyHash {
    std::size_t operator()(const KillKey& key) const noexcept {
      return std::hash<Text<limits::kNameBytes>>{}(key.name) ^ static_cast<std::size_t>(key.scope);
    }
  };

  static Row row(const Row* found) { return found ? *found : kNoRow; }
  static uint64_t pair(Row a, Row b) { return static_cast<uint64_t>(a) << 32 | b; }
  KillMode kill_of(KillScope scope, std::string_view name) const;
  Row touch_account(const Account& account);
  Row touch_symbol(const Symbol& symbol);
  Row touch_exposure(Row account, Row symbol);
  Row touch_book(Row group, Row symbol);
  void change(OpenOrder& order, const OpenOrder& after);
  void remember(const Fingerprint& fingerprint, WallTime time);
  void keep_recent(const Fingerprint& fingerprint, WallTime time);
  void drop_recent();
  bool outlived(WallTime time, WallTime now) const;
  void trade(Exposure& exposure, Side side, Quantity quantity, Price price);
  void set_reference(Row symbol, ReferenceSource source, Price price, WallTime time);
  void refresh_kills();
  void rebuild_books();

  std::shared_ptr<const RiskLimits> limits_;
  std::shared_ptr<const RestrictedList> restricted_;
  std::vector<KillRecord> kills_;  // sorted by (scope, name)
  FlatMap<KillKey, KillMode, KillKeyHash> kill_modes_;
  KillMode firm_kill_ = KillMode::kNone;

  std::vector<AccountRecord> accounts_;
  std::vector<SymbolRecord> symbols_;
  std::vector<Exposure> exposures_;
  std::vector<OwnBook> books_;
  FlatMap<Account, Row> account_rows_;
  FlatMap<Symbol, Row> symbol_rows_;
  FlatMap<uint64_t, Row> exposure_rows_, book_rows_;
  FlatMap<OrderId, OpenOrder> open_;

  FlatMap<Fingerprint, WallTime, FingerprintHash> fingerprints_;
  std::vector<RecentOrder> recent_;  // ring of what fingerprints_ holds, oldest at recent_head_
  std::size_t recent_head_ = 0, recent_size_ = 0;
  int64_t duplicate_window_ns_max_ = 0;  // of all accounts

  uint64_t untracked_ = 0, unknown_orders_ = 0, ill_formed_ = 0;
};

/// The only thing that changes a RiskState. Total; the same on every member and at replay.
/// Call it qualified: the variant would let std::apply compete.
void apply(RiskState& state, const RiskDelta& delta);

/// Judges one order at `now` (journaled wall time). Pure; the policies run in the order of Policy
/// and stop at the first that fails. Whoever asks applies consequence(order, decision) before the
/// next question.
RiskDecision check(const RiskState& state, const RiskOrder& order, WallTime now);

}  // namespace holdfast::risk
