// Decisions, limits and deltas. Snapshots are in state_capnp.cpp.
#include "actors/risk/risk_capnp.hpp"

#include <capnp/serialize.h>

#include <bit>
#include <cstring>

#include "actors/risk/fields_capnp.hpp"

namespace holdfast::risk {

// ---- decisions ----------------------------------------------------------------------------------

void write(const RiskDecision& decision, wire::Decision::Builder to) {
  to.setApproved(decision.approved);
  to.setReason(static_cast<uint16_t>(decision.reason));
  to.setLimitsVersion(decision.limits_version.value);
  to.setTime(decision.time.ns);
  to.setExposurePrice(decision.exposure_price.units);
  to.setReferencePrice(decision.reference_price.units);
  uint32_t results = 0, used = 0;
  for (std::size_t i = 0; i < kPolicies; ++i) {
    const PolicyResult result = decision.outcomes[i].result;
    results |= static_cast<uint32_t>(result) << (2 * i);
    used += result != PolicyResult::kSkipped;
  }
  to.setResults(results);
  auto numbers = to.initNumbers(2 * used);
  uint32_t n = 0;
  for (const PolicyOutcome& outcome : decision.outcomes) {
    if (outcome.result == PolicyResult::kSkipped) continue;
    numbers.set(n++, outcome.observed);
    numbers.set(n++, outcome.limit);
  }
}

Result<RiskDecision> read(wire::Decision::Reader from) {
  return total([&]() -> Result<RiskDecision> {
    Fields fields;
    RiskDecision decision;
    decision.approved = from.getApproved();
    decision.reason = static_cast<Reason>(from.getReason());
    fields.check(decision.reason == Reason::kNone || name_of(decision.reason) != "Unknown",
                 "reason: no value " + std::to_string(from.getReason()) + " is known");
    fields.check(decision.approved == (decision.reason == Reason::kNone),
                 "reason: an approval has none, a refusal has one");
    decision.limits_version = {from.getLimitsVersion()};
    decision.time = {from.getTime()};
    decision.exposure_price = {from.getExposurePrice()};
    decision.reference_price = {from.getReferencePrice()};
    const uint32_t results = from.getResults();
    const auto numbers = from.getNumbers();
    fields.check(results >> (2 * kPolicies) == 0, "results: more policies than are known");
    uint32_t n = 0;
    for (std::size_t i = 0; i < kPolicies; ++i) {
      PolicyOutcome& outcome = decision.outcomes[i];
      fields.enumerator("results", results >> (2 * i) & 3, PolicyResult::kSkipped,
                        PolicyResult::kFail, outcome.result);
      if (!fields.ok() || outcome.result == PolicyResult::kSkipped) continue;
      fields.check(n + 2 <= numbers.size(), "numbers: too few for the results");
      if (!fields.ok()) break;
      outcome.observed = numbers[n++];
      outcome.limit = numbers[n++];
    }
    fields.check(n == numbers.size(), "numbers: not as many as the results need");
    return fields.result(decision);
  });
}

// ---- limits -------------------------------------------------------------------------------------

namespace {
template <typename InitList>
void write_values(const LimitSet& limits, InitList&& init) {
  unsigned count = 0;
  for (const LimitSpec& spec : limit_specs()) count += limits.get(spec.kind).has_value();
  auto list = init(count);
  unsigned i = 0;
  for (const LimitSpec& spec : limit_specs()) {
    const auto value = limits.get(spec.kind);
    if (!value) continue;
    list[i].setKind(static_cast<uint8_t>(spec.kind));
    list[i++].setValue(*value);
  }
}

void read_values(Fields& fields, capnp::List<wire::LimitValue>::Reader from, LimitSet& to) {
  fields.check(from.size() <= kLimitKinds, "limits: more than there are kinds");
  for (unsigned i = 0; fields.ok() && i < from.size(); ++i) {
    LimitKind kind{};
    fields.enumerator("limit kind", from[i].getKind(), LimitKind{},
                      static_cast<LimitKind>(kLimitKinds - 1), kind);
    if (fields.ok()) fields.check(!to.get(kind), "limits: a kind is doubled");
    if (fields.ok()) to.set(kind, from[i].getValue());
  }
}
}  // namespace

void write(const RiskLimits& limits, wire::RiskLimits::Builder to) {
  to.setVersion(limits.version.value);
  write_values(limits.firm, [&](unsigned n) { return to.initFirm(n); });
  auto desks = to.initDesks(static_cast<unsigned>(limits.desks.size()));
  for (unsigned i = 0; i < desks.size(); ++i) {
    desks[i].setDesk(to_text(limits.desks[i].desk));
    write_values(limits.desks[i].limits, [&](unsigned n) { return desks[i].initLimits(n); });
  }
  auto accounts = to.initAccounts(static_cast<unsigned>(limits.accounts.size()));
  for (unsigned i = 0; i < accounts.size(); ++i) {
    const AccountLimits& account = limits.accounts[i];
    accounts[i].setAccount(to_text(account.account));
    accounts[i].setDesk(to_text(account.desk));
    accounts[i].setSelfTradeGroup(to_text(account.self_trade_group));
    write_values(account.limits, [&](unsigned n) { return accounts[i].initLimits(n); });
  }
}

Result<RiskLimits> read(wire::RiskLimits::Reader from) {
  return total([&]() -> Result<RiskLimits> {
    Fields fields;
    RiskLimits limits;
    limits.version = {from.getVersion()};
    read_values(fields, from.getFirm(), limits.firm);
    const auto desks = from.getDesks();
    fields.check(desks.size() <= limits::kDesksMax, "desks: too many");
    for (unsigned i = 0; fields.ok() && i < desks.size(); ++i) {
      DeskLimits& desk = limits.desks.emplace_back();
      fields.text("desk", desks[i].getDesk(), desk.desk);
      read_values(fields, desks[i].getLimits(), desk.limits);
    }
    const auto accounts = from.getAccounts();
    fields.check(accounts.size() <= limits::kAccountsMax, "accounts: too many");
    for (unsigned i = 0; fields.ok() && i < accounts.size(); ++i) {
      AccountLimits& account = limits.accounts.emplace_back();
      fields.text("account", accounts[i].getAccount(), account.account);
      fields.text("desk", accounts[i].getDesk(), account.desk);
      fields.text("selfTradeGroup", accounts[i].getSelfTradeGroup(), account.self_trade_group);
      read_values(fields, accounts[i].getLimits(), account.limits);
    }
    if (fields.ok()) fields.take(validate(limits));
    return fields.result(std::move(limits));
  });
}

void write(const RestrictedList& list, wire::RestrictedList::Builder to) {
  to.setVersion(list.version);
  auto symbols = to.initSymbols(static_cast<unsigned>(list.symbols.size()));
  for (unsigned i = 0; i < symbols.size(); ++i) {
    symbols[i].setSymbol(to_text(list.symbols[i].symbol));
    symbols[i].setNote(to_text(list.symbols[i].note));
  }
}

Result<RestrictedList> read(wire::RestrictedList::Reader from) {
  return total([&]() -> Result<RestrictedList> {
    Fields fields;
    RestrictedList list;
    list.version = from.getVersion();
    const auto symbols = from.getSymbols();
    fields.check(symbols.size() <= limits::kSymbolsMax, "restricted symbols: too many");
    for (unsigned i = 0; fields.ok() && i < symbols.size(); ++i) {
      RestrictedSymbol& entry = list.symbols.emplace_back();
      fields.text("symbol", symbols[i].getSymbol(), entry.symbol);
      fields.text("note", symbols[i].getNote(), entry.note);
    }
    if (fields.ok()) fields.take(validate(list));
    return fields.result(std::move(list));
  });
}

// ---- deltas -------------------------------------------------------------------------------------

namespace {
void write_one(const Reserved& delta, wire::Delta::Builder to) {
  auto out = to.initReserved();
  out.setOrder(delta.order.value);
  out.setAccount(to_text(delta.account));
  out.setSymbol(to_text(delta.symbol));
  out.setSide(static_cast<uint8_t>(delta.side));
  out.setType(static_cast<uint8_t>(delta.type));
  out.setPrice(delta.price.units);
  out.setQuantity(delta.quantity.units);
  out.setTime(delta.time.ns);
}
void write_numbers(wire::OrderNumbers::Builder out, OrderId order, Price price, Quantity leaves,
                   WallTime time) {
  out.setOrder(order.value);
  out.setPrice(price.units);
  out.setLeaves(leaves.units);
  out.setTime(time.ns);
}
void write_one(const ReplaceReserved& delta, wire::Delta::Builder to) {
  write_numbers(to.initReplaceReserved(), delta.order, delta.price, delta.leaves, delta.time);
}
void write_one(const ReplaceConfirmed& delta, wire::Delta::Builder to) {
  write_numbers(to.initReplaceConfirmed(), delta.order, delta.price, delta.leaves, {});
}
void write_one(const ReplaceReleased& delta, wire::Delta::Builder to) {
  to.setReplaceReleased(delta.order.value);
}
void write_one(const LeavesChanged& delta, wire::Delta::Builder to) {
  write_numbers(to.initLeavesChanged(), delta.order, {}, delta.leaves, {});
}
void write_trade(wire::Filled::Builder out, const Account& account, const Symbol& symbol, Side side,
                 Quantity quantity, Price price) {
  out.setAccount(to_text(account));
  out.setSymbol(to_text(symbol));
  out.setSide(static_cast<uint8_t>(side));
  out.setQuantity(quantity.units);
  out.setPrice(price.units);
}
void write_one(const Filled& delta, wire::Delta::Builder to) {
  auto out = to.initFilled();
  write_trade(out, delta.account, delta.symbol, delta.side, delta.quantity, delta.price);
  out.setOrder(delta.order.value);
  out.setLeaves(delta.leaves.units);
  out.setTime(delta.time.ns);
}
void write_one(const Busted& delta, wire::Delta::Builder to) {
  write_trade(to.initBusted(), delta.account, delta.symbol, delta.side, delta.quantity,
              delta.price);
}
void write_one(const Released& delta, wire::Delta::Builder to) {
  to.setReleased(delta.order.value);
}
void write_one(const MessageCounted& delta, wire::Delta::Builder to) {
  auto out = to.initMessageCounted();
  out.setAccount(to_text(delta.account));
  out.setCount(delta.count);
  out.setTime(delta.time.ns);
}
void write_one(const LimitsLoaded& delta, wire::Delta::Builder to) {
  CHECK(delta.limits != nullptr);
  write(*delta.limits, to.initLimitsLoaded());
}
void write_one(const RestrictedLoaded& delta, wire::Delta::Builder to) {
  CHECK(delta.list != nullptr);
  write(*delta.list, to.initRestrictedLoaded());
}
void write_one(const ReferencePriceSet& delta, wire::Delta::Builder to) {
  auto out = to.initReferencePriceSet();
  out.setSymbol(to_text(delta.symbol));
  out.setSource(static_cast<uint8_t>(delta.source));
  out.setPrice(delta.price.units);
  out.setTime(delta.time.ns);
}
void write_one(const KillSet& delta, wire::Delta::Builder to) {
  write(KillRecord{delta.kill, delta.time}, to.initKillSet());
}
void write_one(const PositionSet& delta, wire::Delta::Builder to) {
  auto out = to.initPositionSet();
  out.setAccount(to_text(delta.account));
  out.setSymbol(to_text(delta.symbol));
  out.setPosition(delta.position.units);
  out.setCost(delta.cost.units);
}
void write_one(const TrackingRestored&, wire::Delta::Builder to) { to.setTrackingRestored(); }

void read_one(Fields& fields, wire::Reserved::Reader from, Reserved& to) {
  to.order = {from.getOrder()};
  fields.text("account", from.getAccount(), to.account);
  fields.text("symbol", from.getSymbol(), to.symbol);
  fields.enumerator("side", from.getSide(), Side::kBuy, Side::kSell, to.side);
  fields.enumerator("type", from.getType(), OrderType::kMarket, OrderType::kLimit, to.type);
  to.price = {from.getPrice()};
  to.quantity = {from.getQuantity()};
  to.time = {from.getTime()};
}
template <typename Trade>
void read_trade(Fields& fields, wire::Filled::Reader from, Trade& to) {
  fields.text("account", from.getAccount(), to.account);
  fields.text("symbol", from.getSymbol(), to.symbol);
  fields.enumerator("side", from.getSide(), Side::kBuy, Side::kSell, to.side);
  to.quantity = {from.getQuantity()};
  to.price = {from.getPrice()};
}
void read_one(Fields& fields, wire::Filled::Reader from, Filled& to) {
  read_trade(fields, from, to);
  to.order = {from.getOrder()};
  to.leaves = {from.getLeaves()};
  to.time = {from.getTime()};
}
void read_one(Fields& fields, wire::Filled::Reader from, Busted& to) {
  read_trade(fields, from, to);
}
void read_one(Fields& fields, wire::MessageCounted::Reader from, MessageCounted& to) {
  fields.text("account", from.getAccount(), to.account);
  to.count = from.getCount();
  to.time = {from.getTime()};
}
void read_one(Fields& fields, wire::ReferencePriceSet::Reader from, ReferencePriceSet& to) {
  fields.text("symbol", from.getSymbol(), to.symbol);
  fields.enumerator("source", from.getSource(), ReferenceSource::kLastTrade,
                    ReferenceSource::kPreviousClose, to.source);
  to.price = {from.getPrice()};
  to.time = {from.getTime()};
}
void read_one(Fields& fields, wire::PositionSet::Reader from, PositionSet& to) {
  fields.text("account", from.getAccount(), to.account);
  fields.text("symbol", from.getSymbol(), to.symbol);
  to.position = {from.getPosition()};
  to.cost = {from.getCost()};
}

template <typename D, typename From>
Result<RiskDelta> read_as(From from) {
  Fields fields;
  D delta;
  read_one(fields, from, delta);
  return fields.result(RiskDelta{std::move(delta)});
}

Result<RiskDelta> read_kill(wire::Kill::Reader from) {
  auto record = read(from);
  if (!record) return record.error();
  return RiskDelta{KillSet{record.value().kill, record.value().time}};
}

template <typename D, typename From>
Result<RiskDelta> read_loaded(From from) {
  auto value = read(from);
  if (!value) return value.error();
  using T = std::decay_t<decltype(value.value())>;
  return RiskDelta{D{std::make_shared<const T>(std::move(value).value())}};
}

OrderId order_of(wire::OrderNumbers::Reader from) { return {from.getOrder()}; }

Result<RiskDelta> read_union(wire::Delta::Reader from) {
  switch (from.which()) {
    case wire::Delta::RESERVED:
      return read_as<Reserved>(from.getReserved());
    case wire::Delta::REPLACE_RESERVED: {
      const auto in = from.getReplaceReserved();
      return RiskDelta{
          ReplaceReserved{order_of(in), {in.getPrice()}, {in.getLeaves()}, {in.getTime()}}};
    }
    case wire::Delta::REPLACE_CONFIRMED: {
      const auto in = from.getReplaceConfirmed();
      return RiskDelta{ReplaceConfirmed{order_of(in), {in.getPrice()}, {in.getLeaves()}}};
    }
    case wire::Delta::REPLACE_RELEASED:
      return RiskDelta{ReplaceReleased{{from.getReplaceReleased()}}};
    case wire::Delta::LEAVES_CHANGED: {
      const auto in = from.getLeavesChanged();
      return RiskDelta{LeavesChanged{order_of(in), {in.getLeaves()}}};
    }
    case wire::Delta::FILLED:
      return read_as<Filled>(from.getFilled());
    case wire::Delta::BUSTED:
      return read_as<Busted>(from.getBusted());
    case wire::Delta::RELEASED:
      return RiskDelta{Released{{from.getReleased()}}};
    case wire::Delta::MESSAGE_COUNTED:
      return read_as<MessageCounted>(from.getMessageCounted());
    case wire::Delta::LIMITS_LOADED:
      return read_loaded<LimitsLoaded>(from.getLimitsLoaded());
    case wire::Delta::RESTRICTED_LOADED:
      return read_loaded<RestrictedLoaded>(from.getRestrictedLoaded());
    case wire::Delta::REFERENCE_PRICE_SET:
      return read_as<ReferencePriceSet>(from.getReferencePriceSet());
    case wire::Delta::KILL_SET:
      return read_kill(from.getKillSet());
    case wire::Delta::POSITION_SET:
      return read_as<PositionSet>(from.getPositionSet());
    case wire::Delta::TRACKING_RESTORED:
      return RiskDelta{TrackingRestored{}};
  }
  return Error{ErrorCode::kInvalid, "delta: a kind that this program does not know"};
}
}  // namespace

void write(const KillRecord& record, wire::Kill::Builder to) {
  to.setScope(static_cast<uint8_t>(record.kill.scope));
  to.setMode(static_cast<uint8_t>(record.kill.mode));
  to.setName(to_text(record.kill.name));
  to.setOperatorName(to_text(record.kill.operator_name));
  to.setReason(to_text(record.kill.reason));
  to.setTime(record.time.ns);
}

Result<KillRecord> read(wire::Kill::Reader from) {
  return total([&]() -> Result<KillRecord> {
    Fields fields;
    KillRecord record;
    fields.enumerator("kill scope", from.getScope(), KillScope::kFirm, KillScope::kAlgo,
                      record.kill.scope);
    fields.enumerator("kill mode", from.getMode(), KillMode::kNone, KillMode::kFull,
                      record.kill.mode);
    fields.text("kill name", from.getName(), record.kill.name);
    fields.text("operator", from.getOperatorName(), record.kill.operator_name);
    fields.text("kill reason", from.getReason(), record.kill.reason);
    record.time = {from.getTime()};
    return fields.result(record);
  });
}

void write(const RiskDelta& delta, wire::Delta::Builder to) {
  std::visit([&](const auto& d) { write_one(d, to); }, delta);
}

Result<RiskDelta> read(wire::Delta::Reader from) {
  return total([&] { return read_union(from); });
}

// ---- whole messages -----------------------------------------------------------------------------

namespace {
template <typename Wire, typename Value>
std::vector<std::byte> to_bytes(const Value& value) {
  capnp::MallocMessageBuilder message;
  write(value, message.initRoot<Wire>());
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  std::vector<std::byte> out(bytes.size());
  std::memcpy(out.data(), bytes.begin(), bytes.size());
  return out;
}

/// Whoever reads the journal has checked its size; what is left to bound here is amplification.
capnp::ReaderOptions options_for(std::size_t words) {
  capnp::ReaderOptions options;
  options.traversalLimitInWords = std::max<uint64_t>(1'024, 4 * words);
  options.nestingLimit = limits::kRpcNestingLevels;
  return options;
}

template <typename Wire, typename F>
auto from_bytes(std::span<const std::byte> bytes, F&& reader) {
  return total([&]() -> decltype(reader(std::declval<typename Wire::Reader>())) {
    if (bytes.size() % sizeof(capnp::word) != 0)
      return Error{ErrorCode::kInvalid, "malformed message: not a whole number of words"};
    // Copied, because words must be aligned.
    auto words = kj::heapArray<capnp::word>(bytes.size() / sizeof(capnp::word));
    if (!bytes.empty()) std::memcpy(words.begin(), bytes.data(), bytes.size());
    capnp::FlatArrayMessageReader message(words, options_for(words.size()));
    return reader(message.getRoot<Wire>());
  });
}
}  // namespace

std::vector<std::byte> encode_message(const RiskDecision& decision) {
  return to_bytes<wire::Decision>(decision);
}
std::vector<std::byte> encode_message(const RiskDelta& delta) {
  return to_bytes<wire::Delta>(delta);
}
std::vector<std::byte> encode_message(const RiskState& state) {
  return to_bytes<wire::State>(state);
}
Result<RiskDecision> decode_decision(std::span<const std::byte> bytes) {
  return from_bytes<wire::Decision>(bytes, [](auto from) { return read(from); });
}
Result<RiskDelta> decode_delta(std::span<const std::byte> bytes) {
  return from_bytes<wire::Delta>(bytes, [](auto from) { return read(from); });
}
Result<RiskState> decode_state(std::span<const std::byte> bytes) {
  return from_bytes<wire::State>(bytes, [](auto from) { return read_state(from); });
}

}  // namespace holdfast::risk
