// RiskState in a snapshot.
#include <algorithm>
#include <bit>

#include "actors/risk/fields_capnp.hpp"
#include "actors/risk/risk_capnp.hpp"

namespace holdfast::risk {

namespace {
/// The position of a name in rows that are sorted by it.
template <typename Rows, typename Name>
uint32_t position_of(const Rows& rows, const Name& name) {
  const auto at = std::lower_bound(rows.begin(), rows.end(), name,
                                   [](const auto& row, const Name& n) { return row.name < n; });
  CHECK(at != rows.end() && at->name == name);
  return static_cast<uint32_t>(at - rows.begin());
}

template <typename List>
unsigned size_of(const List& list) {
  return static_cast<unsigned>(list.size());
}

void write_rows(const RiskImage& image, wire::State::Builder to) {
  auto kills = to.initKills(size_of(image.kills));
  for (unsigned i = 0; i < kills.size(); ++i) write(image.kills[i], kills[i]);
  auto accounts = to.initAccounts(size_of(image.accounts));
  for (unsigned i = 0; i < accounts.size(); ++i) {
    const AccountImage& row = image.accounts[i];
    accounts[i].setName(to_text(row.name));
    accounts[i].setSlotNs(row.slot_ns);
    accounts[i].setHead(row.head);
    auto counts = accounts[i].initCounts(size_of(row.counts));
    for (unsigned c = 0; c < counts.size(); ++c) counts.set(c, row.counts[c]);
  }
  auto symbols = to.initSymbols(size_of(image.symbols));
  for (unsigned i = 0; i < symbols.size(); ++i) {
    const SymbolImage& row = image.symbols[i];
    symbols[i].setName(to_text(row.name));
    symbols[i].setLastTrade(row.last_trade.units);
    symbols[i].setLastTradeTime(row.last_trade_time.ns);
    symbols[i].setPreviousClose(row.previous_close.units);
    symbols[i].setPreviousCloseTime(row.previous_close_time.ns);
  }
}

void write_orders(const RiskImage& image, wire::State::Builder to) {
  auto positions = to.initPositions(size_of(image.positions));
  for (unsigned i = 0; i < positions.size(); ++i) {
    const PositionImage& row = image.positions[i];
    positions[i].setAccount(position_of(image.accounts, row.account));
    positions[i].setSymbol(position_of(image.symbols, row.symbol));
    positions[i].setPosition(row.position);
    positions[i].setCostHigh(static_cast<int64_t>(row.cost >> 64));
    positions[i].setCostLow(static_cast<uint64_t>(row.cost));
    positions[i].setBroken(row.broken);
  }
  auto orders = to.initOrders(size_of(image.orders));
  for (unsigned i = 0; i < orders.size(); ++i) {
    const OpenOrderImage& row = image.orders[i];
    auto out = orders[i];
    out.setOrder(row.order.value);
    out.setAccount(position_of(image.accounts, row.account));
    out.setSymbol(position_of(image.symbols, row.symbol));
    out.setSide(static_cast<uint8_t>(row.state.side));
    out.setMarket(row.state.market);
    out.setPending(row.state.pending);
    out.setPrice(row.state.price.units);
    out.setLeaves(row.state.leaves.units);
    out.setPendingPrice(row.state.pending_price.units);
    out.setPendingLeaves(row.state.pending_leaves.units);
  }
  auto recent = to.initRecent(size_of(image.recent));
  for (unsigned i = 0; i < recent.size(); ++i) {
    const RecentOrderImage& row = image.recent[i];
    recent[i].setAccount(position_of(image.accounts, row.account));
    recent[i].setSymbol(position_of(image.symbols, row.symbol));
    recent[i].setSide(static_cast<uint8_t>(row.side));
    recent[i].setType(static_cast<uint8_t>(row.type));
    recent[i].setPrice(row.price.units);
    recent[i].setQuantity(row.quantity.units);
    recent[i].setTime(row.time.ns);
  }
}

class StateReader {
 public:
  explicit StateReader(wire::State::Reader from) : from_(from) {}

  Result<RiskState> read() {
    read_rules();
    if (fields_.ok()) read_rows();
    if (fields_.ok()) read_positions();
    if (fields_.ok()) read_orders();
    if (fields_.ok()) read_recent();
    image_.untracked = from_.getUntracked();
    image_.unknown_orders = from_.getUnknownOrders();
    image_.ill_formed = from_.getIllFormed();
    if (auto image = fields_.result(true); !image) return image.error();
    return restore(image_);
  }

 private:
  /// A list, unless it is longer than what it is for.
  template <typename List>
  List bounded(const char* name, List list, std::size_t max) {
    fields_.check(list.size() <= max, std::string(name) + ": " + std::to_string(list.size()) +
                                          " rows, at most " + std::to_string(max));
    return list;
  }
  template <typename Rows, typename Name>
  void name_at(const char* what, const Rows& rows, uint32_t at, Name& to) {
    fields_.check(at < rows.size(), std::string(what) + ": points outside of its list");
    if (fields_.ok()) to = rows[at].name;
  }
  template <typename From, typename To>
  void pair(From from, To& to) {
    name_at("account", image_.accounts, from.getAccount(), to.account);
    name_at("symbol", image_.symbols, from.getSymbol(), to.symbol);
  }

  void read_rules() {
    // Before the first limits are loaded there is version 0, which can't be loaded.
    if (from_.getLimits().getVersion() != 0) {
      auto limits = risk::read(from_.getLimits());
      if (!limits) return fields_.fail("limits: " + limits.error().text);
      image_.limits = std::move(limits).value();
    }
    auto restricted = risk::read(from_.getRestricted());
    if (!restricted) return fields_.fail("restricted list: " + restricted.error().text);
    image_.restricted = std::move(restricted).value();
    for (auto row : bounded("kills", from_.getKills(), limits::kKillSwitchesMax + 1)) {
      if (!fields_.ok()) return;
      auto kill = risk::read(row);
      if (!kill) return fields_.fail("kills: " + kill.error().text);
      image_.kills.push_back(kill.value());
    }
  }

  void read_rows() {
    for (auto row : bounded("accounts", from_.getAccounts(), limits::kAccountsMax)) {
      if (!fields_.ok()) return;
      AccountImage& account = image_.accounts.emplace_back();
      fields_.text("account", row.getName(), account.name);
      account.slot_ns = row.getSlotNs();
      account.head = row.getHead();
      const auto counts = row.getCounts();
      fields_.check(counts.size() == account.counts.size(), "counts: not one for each slot");
      for (unsigned i = 0; fields_.ok() && i < counts.size(); ++i) account.counts[i] = counts[i];
    }
    for (auto row : bounded("symbols", from_.getSymbols(), limits::kSymbolsMax)) {
      if (!fields_.ok()) return;
      SymbolImage& symbol = image_.symbols.emplace_back();
      fields_.text("symbol", row.getName(), symbol.name);
      symbol.last_trade = {row.getLastTrade()};
      symbol.last_trade_time = {row.getLastTradeTime()};
      symbol.previous_close = {row.getPreviousClose()};
      symbol.previous_close_time = {row.getPreviousCloseTime()};
    }
  }

  void read_positions() {
    for (auto row : bounded("positions", from_.getPositions(), limits::kExposuresMax)) {
      if (!fields_.ok()) return;
      PositionImage& position = image_.positions.emplace_back();
      pair(row, position);
      position.position = row.getPosition();
      position.cost = static_cast<Wide>(row.getCostHigh()) * (static_cast<Wide>(1) << 64) +
                      static_cast<Wide>(row.getCostLow());
      position.broken = row.getBroken();
    }
  }

  void read_orders() {
    for (auto row : bounded("orders", from_.getOrders(), limits::kRiskOpenOrdersMax)) {
      if (!fields_.ok()) return;
      OpenOrderImage& order = image_.orders.emplace_back();
      order.order = {row.getOrder()};
      pair(row, order);
      fields_.enumerator("side", row.getSide(), Side::kBuy, Side::kSell, order.state.side);
      order.state.market = row.getMarket();
      order.state.pending = row.getPending();
      order.state.price = {row.getPrice()};
      order.state.leaves = {row.getLeaves()};
      order.state.pending_price = {row.getPendingPrice()};
      order.state.pending_leaves = {row.getPendingLeaves()};
    }
  }

  void read_recent() {
    for (auto row : bounded("recent", from_.getRecent(), limits::kFingerprintsMax)) {
      if (!fields_.ok()) return;
      RecentOrderImage& recent = image_.recent.emplace_back();
      pair(row, recent);
      fields_.enumerator("side", row.getSide(), Side::kBuy, Side::kSell, recent.side);
      fields_.enumerator("type", row.getType(), OrderType::kMarket, OrderType::kLimit, recent.type);
      recent.price = {row.getPrice()};
      recent.quantity = {row.getQuantity()};
      recent.time = {row.getTime()};
    }
  }

  wire::State::Reader from_;
  Fields fields_;
  RiskImage image_;
};
}  // namespace

void write(const RiskImage& image, wire::State::Builder to) {
  write(image.limits, to.initLimits());
  write(image.restricted, to.initRestricted());
  write_rows(image, to);
  write_orders(image, to);
  to.setUntracked(image.untracked);
  to.setUnknownOrders(image.unknown_orders);
  to.setIllFormed(image.ill_formed);
}

void write(const RiskState& state, wire::State::Builder to) { write(image_of(state), to); }

Result<RiskState> read_state(wire::State::Reader from) {
  return total([&] { return StateReader(from).read(); });
}

}  // namespace holdfast::risk
