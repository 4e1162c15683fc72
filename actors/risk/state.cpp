#include "actors/risk/state.hpp"

#include <algorithm>

namespace holdfast::risk {

namespace {
constexpr std::size_t kRecentOrdersAtStart = 4'096;

struct Worst {
  Wide quantity = 0, notional = 0;
};

/// What an order may still cost: the worse of what stands and what a pending replace would make it.
Worst worst_of(const OpenOrder& order) {
  Worst worst{order.leaves.units, wide_notional(order.price, order.leaves)};
  if (!order.pending) return worst;
  worst.quantity = std::max<Wide>(worst.quantity, order.pending_leaves.units);
  worst.notional =
      std::max(worst.notional, wide_notional(order.pending_price, order.pending_leaves));
  return worst;
}

/// whole × part / total without leaving 128 bits; 0 < part ≤ total < 2^63.
Wide share(Wide whole, Wide part, Wide total) {
  return whole / total * part + whole % total * part / total;
}

Quantity not_negative(Quantity q) { return q.units < 0 ? Quantity{} : q; }

uint64_t mix(uint64_t hash, uint64_t value) {
  hash = (hash ^ value) * 0x9E3779B97F4A7C15ull;
  return hash ^ hash >> 32;
}

uint32_t saturating_add(uint32_t a, uint64_t b) {
  return static_cast<uint32_t>(std::min<uint64_t>(a + b, UINT32_MAX));
}
}  // namespace

std::size_t FingerprintHash::operator()(const Fingerprint& f) const noexcept {
  uint64_t hash = static_cast<uint64_t>(f.account) << 32 | f.symbol;
  hash = mix(hash, static_cast<uint64_t>(f.side) << 8 | static_cast<uint64_t>(f.type));
  hash = mix(hash, static_cast<uint64_t>(f.price.units));
  return mix(hash, static_cast<uint64_t>(f.quantity.units));
}

// ---- rate ---------------------------------------------------------------------------------------

void RateWindow::resize(Duration window) {
  constexpr auto kParts = static_cast<int64_t>(kSlots) - 1;
  const int64_t slot_ns = std::max<int64_t>(1, (window.ns + kParts - 1) / kParts);
  if (slot_ns == slot_ns_) return;
  uint64_t counted = 0;
  for (uint32_t n : counts_) counted += n;
  const int64_t time_ns = head_ * slot_ns_;
  slot_ns_ = slot_ns;
  head_ = time_ns / slot_ns;
  counts_ = {};
  counts_[static_cast<std::size_t>(head_) % kSlots] = saturating_add(0, counted);
}

void RateWindow::count(WallTime now, uint32_t messages) {
  constexpr auto kCount = static_cast<int64_t>(kSlots);
  const int64_t slot = std::max<int64_t>(0, now.ns) / slot_ns_;
  if (slot <= head_ - kCount) return;  // older than the window
  if (slot > head_) {
    const int64_t stale = std::min(slot - head_, kCount);
    for (int64_t i = 0; i < stale; ++i) counts_[static_cast<std::size_t>(slot - i) % kSlots] = 0;
    head_ = slot;
  }
  uint32_t& counter = counts_[static_cast<std::size_t>(slot) % kSlots];
  counter = saturating_add(counter, messages);
}

uint64_t RateWindow::total(WallTime now) const {
  constexpr auto kCount = static_cast<int64_t>(kSlots);
  const int64_t oldest = std::max<int64_t>(0, now.ns) / slot_ns_ - kCount + 1;
  uint64_t total = 0;
  for (int64_t slot = std::max<int64_t>({oldest, head_ - kCount + 1, 0}); slot <= head_; ++slot)
    total += counts_[static_cast<std::size_t>(slot) % kSlots];
  return total;
}

// ---- rows ---------------------------------------------------------------------------------------

RiskState::RiskState()
    : limits_(std::make_shared<RiskLimits>()),
      restricted_(std::make_shared<RestrictedList>()),
      kill_modes_(limits::kKillSwitchesMax + 1),
      account_rows_(limits::kAccountsMax, 64),
      symbol_rows_(limits::kSymbolsMax, 64),
      exposure_rows_(limits::kExposuresMax, 256),
      book_rows_(limits::kExposuresMax, 256),
      open_(limits::kRiskOpenOrdersMax, 4'096),
      fingerprints_(limits::kFingerprintsMax, kRecentOrdersAtStart),
      recent_(kRecentOrdersAtStart) {}

Row RiskState::touch_account(const Account& account) {
  const Row next = static_cast<Row>(accounts_.size());
  const Row* row = account_rows_.insert(account, next);
  if (!row) return kNoRow;
  if (*row == next) {
    AccountRecord& record = accounts_.emplace_back();
    record.name = account;
    record.group = next;
    record.kill = kill_of(KillScope::kAccount, account.view());
  }
  return *row;
}

Row RiskState::touch_symbol(const Symbol& symbol) {
  const Row next = static_cast<Row>(symbols_.size());
  const Row* row = symbol_rows_.insert(symbol, next);
  if (!row) return kNoRow;
  if (*row == next) symbols_.emplace_back().name = symbol;
  return *row;
}

Row RiskState::touch_exposure(Row account, Row symbol) {
  if (account == kNoRow || symbol == kNoRow) return kNoRow;
  const Row next = static_cast<Row>(exposures_.size());
  const Row* row = exposure_rows_.insert(pair(account, symbol), next);
  if (!row) return kNoRow;
  if (*row == next) {
    Exposure exposure;
    exposure.account = account;
    exposure.symbol = symbol;
    exposure.book = touch_book(accounts_[account].group, symbol);
    exposures_.push_back(exposure);
  }
  return *row;
}

Row RiskState::touch_book(Row group, Row symbol) {
  const Row next = static_cast<Row>(books_.size());
  const Row* row = book_rows_.insert(pair(group, symbol), next);
  CHECK(row != nullptr);  // there are never more books than exposures
  if (*row == next) books_.emplace_back();
  return *row;
}

const OwnBook* RiskState::find_book(Row group, Row symbol) const {
  const Row* row = book_rows_.find(pair(group, symbol));
  return row ? &books_[*row] : nullptr;
}

// ---- orders -------------------------------------------------------------------------------------

void RiskState::change(OpenOrder& order, const OpenOrder& after) {
  Exposure& exposure = exposures_[order.exposure];
  AccountRecord& account = accounts_[exposure.account];
  const Worst was = worst_of(order), is = worst_of(after);
  account.used -= exposure.used();
  if (order.side == Side::kBuy) {
    exposure.open_buy_quantity += is.quantity - was.quantity;
    exposure.open_buy_notional += is.notional - was.notional;
  } else {
    exposure.open_sell_quantity += is.quantity - was.quantity;
    exposure.open_sell_notional += is.notional - was.notional;
  }
  account.used += exposure.used();
  if (!OwnBook::same_levels(order, after)) {
    books_[exposure.book].leave(order);
    books_[exposure.book].enter(after);
  }
  order = after;
}

void RiskState::apply(const Reserved& delta) {
  if (!delta.order || !delta.quantity.positive() || delta.price.units < 0 ||
      open_.find(delta.order)) {
    ill_formed_ += 1;
    return;
  }
  const Row account = touch_account(delta.account), symbol = touch_symbol(delta.symbol);
  const Row exposure = touch_exposure(account, symbol);
  OpenOrder order;
  order.exposure = exposure;
  order.side = delta.side;
  order.market = delta.type == OrderType::kMarket;
  OpenOrder* open = exposure == kNoRow ? nullptr : open_.insert(delta.order, order);
  if (!open) {
    untracked_ += 1;
    return;
  }
  order.price = delta.price;
  order.leaves = delta.quantity;
  change(*open, order);
  accounts_[account].rate.count(delta.time, 1);
  if (accounts_[account].limit(LimitKind::kDuplicateWindow) > 0)
    remember({account, symbol, delta.side, delta.type, order.market ? Price{} : delta.price,
              delta.quantity},
             delta.time);
}

void RiskState::apply(const ReplaceReserved& delta) {
  OpenOrder* open = open_.find(delta.order);
  if (!open) {
    unknown_orders_ += 1;
    return;
  }
  if (delta.leaves.units < 0 || delta.price.units < 0) {
    ill_formed_ += 1;
    return;
  }
  OpenOrder after = *open;
  after.pending = true;
  after.pending_price = delta.price;
  after.pending_leaves = delta.leaves;
  change(*open, after);
  accounts_[exposures_[open->exposure].account].rate.count(delta.time, 1);
}

namespace {
OpenOrder without_pending(OpenOrder order) {
  order.pending = false;
  order.pending_price = {};
  order.pending_leaves = {};
  return order;
}
bool done(const OpenOrder& order) { return !order.pending && !order.leaves.positive(); }
}  // namespace

void RiskState::apply(const ReplaceConfirmed& delta) {
  OpenOrder* open = open_.find(delta.order);
  if (!open) {
    unknown_orders_ += 1;
    return;
  }
  if (delta.price.units < 0) {
    ill_formed_ += 1;
    return;
  }
  OpenOrder after = without_pending(*open);
  after.price = delta.price;
  after.leaves = not_negative(delta.leaves);
  change(*open, after);
  if (done(after)) open_.erase(delta.order);
}

void RiskState::apply(const ReplaceReleased& delta) {
  OpenOrder* open = open_.find(delta.order);
  if (!open) {
    unknown_orders_ += 1;
    return;
  }
  const OpenOrder after = without_pending(*open);
  change(*open, after);
  if (done(after)) open_.erase(delta.order);
}

void RiskState::apply(const LeavesChanged& delta) {
  OpenOrder* open = open_.find(delta.order);
  if (!open) {
    unknown_orders_ += 1;
    return;
  }
  OpenOrder after = *open;
  after.leaves = not_negative(delta.leaves);
  change(*open, after);
  if (done(after)) open_.erase(delta.order);
}

void RiskState::apply(const Released& delta) {
  OpenOrder* open = open_.find(delta.order);
  if (!open) {
    unknown_orders_ += 1;
    return;
  }
  OpenOrder after = without_pending(*open);
  after.leaves = {};
  change(*open, after);
  open_.erase(delta.order);
}

// ---- trades -------------------------------------------------------------------------------------

void RiskState::trade(Exposure& exposure, Side side, Quantity quantity, Price price) {
  AccountRecord& account = accounts_[exposure.account];
  account.used -= exposure.used();
  const int64_t sign = side == Side::kBuy ? 1 : -1;
  const Wide held = exposure.position;
  if (held * sign >= 0) {
    exposure.cost += sign * wide_notional(price, quantity);
  } else {
    // The part that closes takes its share of the cost along, rounded down: what stays is never
    // understated.
    const Wide size = held < 0 ? -held : held;
    const Wide closing = std::min<Wide>(size, quantity.units);
    exposure.cost -= share(exposure.cost, closing, size);
    const auto opening = static_cast<int64_t>(quantity.units - closing);
    if (opening > 0) exposure.cost = sign * wide_notional(price, {opening});
  }
  if (__builtin_add_overflow(exposure.position, sign * quantity.units, &exposure.position)) {
    exposure.position = sign > 0 ? INT64_MAX : INT64_MIN;
    exposure.broken = true;
  }
  account.used += exposure.used();
}

void RiskState::apply(const Filled& delta) {
  if (!delta.quantity.positive() || delta.price.units < 0) {
    ill_formed_ += 1;
    return;
  }
  const Row symbol = touch_symbol(delta.symbol);
  const Row row = touch_exposure(touch_account(delta.account), symbol);
  if (row == kNoRow) {
    untracked_ += 1;
  } else {
    trade(exposures_[row], delta.side, delta.quantity, delta.price);
    set_reference(symbol, ReferenceSource::kLastTrade, delta.price, delta.time);
  }
  OpenOrder* open = open_.find(delta.order);
  if (!open) {
    unknown_orders_ += 1;
    return;
  }
  OpenOrder after = *open;
  after.leaves = not_negative(delta.leaves);
  // The pending total stays what it was, so a fill takes from its leaves too.
  if (after.pending)
    after.pending_leaves =
        Quantity{std::max<int64_t>(0, after.pending_leaves.units - delta.quantity.units)};
  change(*open, after);
  if (done(after)) open_.erase(delta.order);
}

void RiskState::apply(const Busted& delta) {
  if (!delta.quantity.positive() || delta.price.units < 0) {
    ill_formed_ += 1;
    return;
  }
  const Row row = touch_exposure(touch_account(delta.account), touch_symbol(delta.symbol));
  if (row == kNoRow)
    untracked_ += 1;
  else
    trade(exposures_[row], delta.side == Side::kBuy ? Side::kSell : Side::kBuy, delta.quantity,
          delta.price);
}

void RiskState::apply(const PositionSet& delta) {
  // The sign of the cost is that of the position; nothing held costs nothing.
  const bool fits = delta.position.units > 0   ? delta.cost.units >= 0
                    : delta.position.units < 0 ? delta.cost.units <= 0
                                               : delta.cost.units == 0;
  if (!fits || delta.position.units == INT64_MIN) {
    ill_formed_ += 1;
    return;
  }
  const Row row = touch_exposure(touch_account(delta.account), touch_symbol(delta.symbol));
  if (row == kNoRow) {
    untracked_ += 1;
    return;
  }
  Exposure& exposure = exposures_[row];
  accounts_[exposure.account].used -= exposure.used();
  exposure.position = delta.position.units;
  exposure.cost = delta.cost.units;
  exposure.broken = false;
  accounts_[exposure.account].used += exposure.used();
}

void RiskState::apply(const TrackingRestored&) { untracked_ = 0; }

// ---- messages, duplicates -----------------------------------------------------------------------

void RiskState::apply(const MessageCounted& delta) {
  // An account without a row has no limits, so nothing of it passes anyway; making rows here would
  // let refused messages fill the table.
  const Row account = find_account(delta.account);
  if (account != kNoRow) accounts_[account].rate.count(delta.time, delta.count);
}

bool RiskState::outlived(WallTime time, WallTime now) const {
  return static_cast<Wide>(now.ns) - time.ns > duplicate_window_ns_max_;
}

bool RiskState::room_for_fingerprint(WallTime now) const {
  if (recent_size_ < limits::kFingerprintsMax) return true;
  return outlived(recent_[recent_head_].time, now);
}

void RiskState::drop_recent() {
  const RecentOrder& oldest = recent_[recent_head_];
  const WallTime* last = fingerprints_.find(oldest.fingerprint);
  if (last && *last == oldest.time) fingerprints_.erase(oldest.fingerprint);
  recent_head_ = (recent_head_ + 1) % recent_.size();
  recent_size_ -= 1;
}

void RiskState::remember(const Fingerprint& fingerprint, WallTime time) {
  while (recent_size_ > 0 && outlived(recent_[recent_head_].time, time)) drop_recent();
  if (recent_size_ == limits::kFingerprintsMax) drop_recent();
  keep_recent(fingerprint, time);
}

void RiskState::keep_recent(const Fingerprint& fingerprint, WallTime time) {
  if (recent_size_ == recent_.size()) {
    std::rotate(recent_.begin(), recent_.begin() + static_cast<std::ptrdiff_t>(recent_head_),
                recent_.end());
    recent_head_ = 0;
    recent_.resize(std::min(recent_.size() * 2, limits::kFingerprintsMax));
  }
  recent_[(recent_head_ + recent_size_) % recent_.size()] = {fingerprint, time};
  recent_size_ += 1;
  WallTime* last = fingerprints_.insert(fingerprint, time);
  CHECK(last != nullptr);  // never more of them than recent orders
  *last = time;
}

void apply(RiskState& state, const RiskDelta& delta) {
  std::visit([&state](const auto& d) { state.apply(d); }, delta);
}

}  // namespace holdfast::risk
