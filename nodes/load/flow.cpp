#include "nodes/load/flow.hpp"

#include <charconv>
#include <string>

namespace holdfast::load {

namespace {

constexpr int64_t kLobsterPriceUnits = kScale / 10'000;
constexpr int64_t kTickUnits = kScale / 100;

/// One account makes on one side only: its own orders never meet, however far a replay drifts from
/// the market that it was recorded from.
Account maker(uint64_t n, Side side) {
  constexpr uint64_t kHalf = kMakerAccounts / 2;
  return Account("M" + std::to_string(n % kHalf + 1 + (side == Side::kBuy ? 0 : kHalf)));
}
Account maker(uint64_t n) { return Account("M" + std::to_string(n % kMakerAccounts + 1)); }
Account taker(uint64_t n) { return Account("T" + std::to_string(n % kTakerAccounts + 1)); }

template <typename T>
bool read_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_seconds(std::string_view text, Duration& out) {
  const auto point = text.find('.');
  int64_t seconds = 0, nanoseconds = 0;
  if (!read_number(text.substr(0, point), seconds) || seconds < 0 || seconds > 86'400) return false;
  if (point != std::string_view::npos) {
    std::string digits(text.substr(point + 1, 9));
    digits.resize(9, '0');
    if (!read_number(std::string_view(digits), nanoseconds) || nanoseconds < 0) return false;
  }
  out = Duration{seconds * 1'000'000'000 + nanoseconds};
  return true;
}

NewOrder order_of(const Account& account, ClientOrderId id, const Symbol& symbol, Side side,
                  Price price, int64_t shares, TimeInForce tif, std::string_view algo) {
  NewOrder order;
  order.account = account;
  order.client_order_id = id;
  order.symbol = symbol;
  order.side = side;
  order.type = OrderType::kLimit;
  order.time_in_force = tif;
  order.price = price;
  order.quantity = Quantity::whole(shares);
  order.attribution = {Label(algo), Label("load"), Label("load")};
  return order;
}

Side opposite(Side side) { return side == Side::kBuy ? Side::kSell : Side::kBuy; }

}  // namespace

std::vector<Account> flow_accounts() {
  std::vector<Account> accounts;
  for (uint32_t i = 0; i < kMakerAccounts; ++i) accounts.push_back(maker(i));
  for (uint32_t i = 0; i < kTakerAccounts; ++i) accounts.push_back(taker(i));
  return accounts;
}

Result<LobsterRow> parse_lobster(std::string_view line) {
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  std::array<std::string_view, 6> column;
  std::size_t n = 0;
  for (std::size_t at = 0; at <= line.size();) {
    const auto comma = std::min(line.find(',', at), line.size());
    if (n == column.size()) return Error{ErrorCode::kInvalid, "more than six columns"};
    column[n++] = line.substr(at, comma - at);
    at = comma + 1;
  }
  const auto invalid = [](const char* why) { return Error{ErrorCode::kInvalid, why}; };
  if (n != column.size()) return invalid("fewer than six columns");
  LobsterRow row;
  int64_t price = 0;
  if (!read_seconds(column[0], row.time)) return invalid("the time is not seconds after midnight");
  if (!read_number(column[1], row.type) || row.type < 1 || row.type > 7)
    return invalid("the type is not 1 to 7");
  if (!read_number(column[2], row.order)) return invalid("the order id is not a number");
  if (!read_number(column[3], row.size)) return invalid("the size is not a number");
  if (!read_number(column[4], price)) return invalid("the price is not a number");
  if (!read_number(column[5], row.direction) || (row.direction != 1 && row.direction != -1))
    return invalid("the direction is neither 1 nor -1");
  if (row.type <= 5) {  // a halt carries sentinels here
    if (row.size <= 0 || row.size > 1'000'000'000) return invalid("the size is out of range");
    if (price <= 0 || price > 100'000'000'000) return invalid("the price is out of range");
    row.price = Price::from_units(price * kLobsterPriceUnits);
  }
  return row;
}

std::optional<Action> LobsterFlow::next(std::string_view line) {
  counts_.rows += 1;
  auto parsed = parse_lobster(line);
  if (!parsed) {
    counts_.malformed += 1;
    return std::nullopt;
  }
  const LobsterRow& row = parsed.value();
  if (!first_) first_ = row.time;
  Action action;
  action.at = row.time < *first_ ? Duration{} : row.time - *first_;
  if (row.type == 5) counts_.skipped_hidden += 1;
  if (row.type == 6) counts_.crosses += 1;
  if (row.type == 7) counts_.halts += 1;
  if (row.type >= 5) return std::nullopt;
  const ClientOrderId original("L" + std::to_string(row.order));
  if (row.type == 1) {
    Resting resting;
    resting.side = row.direction == 1 ? Side::kBuy : Side::kSell;
    resting.account = maker(makers_++, resting.side);
    resting.total = row.size;
    if (!resting_.emplace(row.order, resting).second) {
      counts_.malformed += 1;  // the same order id submitted twice
      return std::nullopt;
    }
    action.order = order_of(resting.account, original, symbol_, resting.side, row.price, row.size,
                            TimeInForce::kDay, "maker");
    counts_.submits += 1;
    return action;
  }
  const auto it = resting_.find(row.order);
  if (it == resting_.end()) {
    counts_.orphans += 1;
    return std::nullopt;
  }
  Resting& resting = it->second;
  if (row.type == 4) {
    resting.executed += row.size;
    const Account account = taker(takers_);
    takers_ += 1;
    action.order = order_of(account, ClientOrderId("X" + std::to_string(takers_)), symbol_,
                            opposite(resting.side), row.price, row.size,
                            TimeInForce::kImmediateOrCancel, "taker");
    if (resting.executed >= resting.total) resting_.erase(it);
    counts_.takers += 1;
    return action;
  }
  const bool whole = row.type == 3 || resting.total - row.size <= resting.executed;
  const ClientOrderId request(original.str() +
                              (whole ? "-c" : "-r" + std::to_string(++resting.requests)));
  if (whole) {
    action.kind = Action::Kind::kCancel;
    action.cancel = {resting.account, request, original, {}};
    resting_.erase(it);
    counts_.cancels += 1;
    return action;
  }
  resting.total -= row.size;
  action.kind = Action::Kind::kReplace;
  action.replace = {
      resting.account, request, original, row.price, Quantity::whole(resting.total), {}};
  counts_.replaces += 1;
  return action;
}

// ---- synthetic ----------------------------------------------------------------------------------

SyntheticFlow::SyntheticFlow(Symbol symbol, uint64_t seed, Price start, Duration interval,
                             std::string ids)
    : ids_(std::move(ids)), symbol_(symbol), state_(seed), mid_(start), interval_(interval) {}

uint64_t SyntheticFlow::random() {  // splitmix64: the same flow from the same seed, everywhere
  uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

Action SyntheticFlow::submit_maker() {
  Live live;
  live.side = below(2) ? Side::kBuy : Side::kSell;
  live.account = maker(made_, live.side);
  live.id = ClientOrderId(ids_ + std::to_string(made_));
  live.shares = 100 * static_cast<int64_t>(1 + below(5));
  const auto away = static_cast<int64_t>(1 + below(20)) * kTickUnits;
  live.price = Price::from_units(live.side == Side::kBuy ? mid_.units - away : mid_.units + away);
  Action action;
  action.order = order_of(live.account, live.id, symbol_, live.side, live.price, live.shares,
                          TimeInForce::kDay, "maker");
  live_.push_back(live);
  counts_.submits += 1;
  return action;
}

Action SyntheticFlow::submit_taker() {
  const Side side = below(2) ? Side::kBuy : Side::kSell;
  const auto through = static_cast<int64_t>(below(25)) * kTickUnits;
  const Price price =
      Price::from_units(side == Side::kBuy ? mid_.units + through : mid_.units - through);
  Action action;
  action.order = order_of(
      taker(side == Side::kBuy ? 0 : 1), ClientOrderId(ids_ + std::to_string(made_)), symbol_, side,
      price, 100 * static_cast<int64_t>(1 + below(4)), TimeInForce::kImmediateOrCancel, "taker");
  counts_.takers += 1;
  return action;
}

Action SyntheticFlow::next() {
  counts_.rows += 1;
  const Duration at = interval_ * static_cast<int64_t>(made_);
  made_ += 1;
  if (below(16) == 0) {  // the mid drifts by a tick
    const int64_t step = below(2) ? kTickUnits : -kTickUnits;
    if (mid_.units + step > 100 * kTickUnits) mid_ = Price::from_units(mid_.units + step);
  }
  Action action;
  const uint64_t roll = below(100);
  if (live_.size() < 16 || roll < 50) {
    action = submit_maker();
  } else if (roll < 65) {
    action = submit_taker();
  } else {
    const std::size_t which = below(live_.size());
    Live& live = live_[which];
    const bool cancel = roll >= 75 || live.shares <= 100;
    const ClientOrderId request(live.id.str() +
                                (cancel ? "-c" : "-r" + std::to_string(++live.requests)));
    if (cancel) {
      action.kind = Action::Kind::kCancel;
      action.cancel = {live.account, request, live.id, {}};
      live_[which] = live_.back();
      live_.pop_back();
      counts_.cancels += 1;
    } else {
      live.shares -= 100;
      action.kind = Action::Kind::kReplace;
      action.replace = {
          live.account, request, live.id, live.price, Quantity::whole(live.shares), {}};
      counts_.replaces += 1;
    }
  }
  action.at = at;
  return action;
}

}  // namespace holdfast::load
