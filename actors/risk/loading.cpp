// What operators and configuration change in RiskState: limits, restricted list, prices, kills.
#include <algorithm>
#include <map>
#include <tuple>

#include "actors/risk/state.hpp"

namespace holdfast::risk {

namespace {
/// Account, else desk, else firm; false when a required limit is set nowhere.
bool resolve(const RiskLimits& limits, const LimitSet* desk, const AccountLimits& account,
             std::array<int64_t, kLimitKinds>& out) {
  for (const LimitSpec& spec : limit_specs()) {
    auto value = account.limits.get(spec.kind);
    if (!value && desk) value = desk->get(spec.kind);
    if (!value) value = limits.firm.get(spec.kind);
    if (!value && spec.required) return false;
    if (value && (*value < spec.min || *value > spec.max)) return false;
    out[static_cast<std::size_t>(spec.kind)] = value.value_or(0);
  }
  return true;
}
}  // namespace

void RiskState::apply(const LimitsLoaded& delta) {
  if (!delta.limits) {
    ill_formed_ += 1;
    return;
  }
  limits_ = delta.limits;
  for (AccountRecord& record : accounts_) {
    record.configured = false;
    record.desk = {};
    record.limits = {};
  }
  std::map<Label, const LimitSet*> desks;
  for (const DeskLimits& desk : limits_->desks) desks.emplace(desk.desk, &desk.limits);
  std::map<Label, Row> groups;
  for (Row row = 0; row < accounts_.size(); ++row) accounts_[row].group = row;
  for (const AccountLimits& account : limits_->accounts) {
    const Row row = touch_account(account.account);
    if (row == kNoRow) continue;  // stays unknown: every order of it is refused
    AccountRecord& record = accounts_[row];
    const auto desk = desks.find(account.desk);
    record.desk = account.desk;
    record.configured =
        resolve(*limits_, desk == desks.end() ? nullptr : desk->second, account, record.limits);
    if (!record.configured) continue;
    record.rate.resize({record.limit(LimitKind::kMessageWindow)});
    if (!account.self_trade_group.empty())
      record.group = groups.emplace(account.self_trade_group, row).first->second;
  }
  duplicate_window_ns_max_ = 0;
  for (const AccountRecord& record : accounts_)
    duplicate_window_ns_max_ =
        std::max(duplicate_window_ns_max_, record.limit(LimitKind::kDuplicateWindow));
  refresh_kills();
  rebuild_books();
}

void RiskState::rebuild_books() {
  books_.clear();
  book_rows_ = FlatMap<uint64_t, Row>(limits::kExposuresMax, exposures_.size() + 16);
  for (Exposure& exposure : exposures_)
    exposure.book = touch_book(accounts_[exposure.account].group, exposure.symbol);
  open_.for_each([this](OrderId, const OpenOrder& order) {
    books_[exposures_[order.exposure].book].enter(order);
  });
}

void RiskState::apply(const RestrictedLoaded& delta) {
  if (!delta.list) {
    ill_formed_ += 1;
    return;
  }
  restricted_ = delta.list;
  for (SymbolRecord& record : symbols_) record.restricted = false;
  for (const RestrictedSymbol& entry : restricted_->symbols) {
    // A symbol that finds no room never gets a reference price either, so it can't be traded.
    const Row row = touch_symbol(entry.symbol);
    if (row != kNoRow) symbols_[row].restricted = true;
  }
}

void RiskState::set_reference(Row symbol, ReferenceSource source, Price price, WallTime time) {
  SymbolRecord& record = symbols_[symbol];
  if (source == ReferenceSource::kPreviousClose) {
    record.previous_close = price;
    record.previous_close_time = time;
  } else if (price.positive() && time >= record.last_trade_time) {
    record.last_trade = price;
    record.last_trade_time = time;
  }
}

void RiskState::apply(const ReferencePriceSet& delta) {
  const Row symbol = delta.price.units < 0 ? kNoRow : touch_symbol(delta.symbol);
  if (symbol == kNoRow)
    ill_formed_ += 1;
  else
    set_reference(symbol, delta.source, delta.price, delta.time);
}

// ---- kills --------------------------------------------------------------------------------------

KillMode RiskState::kill_of(KillScope scope, std::string_view name) const {
  const KillMode* mode = kill_modes_.find({scope, Text<limits::kNameBytes>(name)});
  return mode ? *mode : KillMode::kNone;
}

KillMode RiskState::kill_mode(const AccountRecord* account, const Label& desk,
                              const Label& algo) const {
  KillMode mode = firm_kill_;
  if (account) mode = std::max(mode, account->kill);
  if (kill_modes_.size() == 0) return mode;
  if (!desk.empty()) mode = std::max(mode, kill_of(KillScope::kDesk, desk.view()));
  if (!algo.empty()) mode = std::max(mode, kill_of(KillScope::kAlgo, algo.view()));
  return mode;
}

void RiskState::apply(const KillSet& delta) {
  const KillSwitch& kill = delta.kill;
  const auto at =
      std::lower_bound(kills_.begin(), kills_.end(), kill, [](const KillRecord& a, const auto& b) {
        return std::tie(a.kill.scope, a.kill.name) < std::tie(b.scope, b.name);
      });
  const bool present =
      at != kills_.end() && at->kill.scope == kill.scope && at->kill.name == kill.name;
  if (kill.mode == KillMode::kNone) {
    if (present) kills_.erase(at);
  } else if (present) {
    *at = {kill, delta.time};
  } else if (kills_.size() < limits::kKillSwitchesMax || kill.scope == KillScope::kFirm) {
    kills_.insert(at, {kill, delta.time});
  } else {
    untracked_ += 1;  // a kill that can't be held stops everything
  }
  refresh_kills();
}

void RiskState::refresh_kills() {
  kill_modes_ = FlatMap<KillKey, KillMode, KillKeyHash>(limits::kKillSwitchesMax + 1);
  firm_kill_ = KillMode::kNone;
  for (const KillRecord& record : kills_) {
    if (record.kill.scope == KillScope::kFirm) firm_kill_ = std::max(firm_kill_, record.kill.mode);
    CHECK(kill_modes_.insert({record.kill.scope, record.kill.name}, record.kill.mode) != nullptr);
  }
  for (AccountRecord& record : accounts_) {
    record.kill = kill_of(KillScope::kAccount, record.name.view());
    if (!record.desk.empty())
      record.kill = std::max(record.kill, kill_of(KillScope::kDesk, record.desk.view()));
  }
}

}  // namespace holdfast::risk
