// Journal form of decisions, deltas and state: round trips, and any bytes are a value or an error.
#include <capnp/message.h>

#include <functional>
#include <random>

#include "actors/risk/risk_capnp.hpp"
#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

/// A state in which every table has rows and every field is used.
RiskState busy_state() {
  RiskState state = world();
  set_limit(state, LimitKind::kDuplicateWindow, kSecond.ns);
  RestrictedList list;
  list.version = 3;
  list.symbols.push_back({"R", "deal"});
  state.apply(RestrictedLoaded{std::make_shared<RestrictedList>(list)});
  kill(state, KillScope::kAlgo, "X", KillMode::kReduceOnly);
  kill(state, KillScope::kFirm, "", KillMode::kReduceOnly);
  kill(state, KillScope::kFirm, "", KillMode::kNone);
  EXPECT_TRUE(place(state, buy(1, 10)).approved);
  EXPECT_TRUE(place(state, sell(2, 10, 102)).approved);
  EXPECT_TRUE(place(state, replace(buy(1, 10), 12, 99)).approved);
  EXPECT_TRUE(place(state, market(sell(3, 5, 100, "C"))).approved);
  EXPECT_FALSE(place(state, buy(4, 100'000)).approved);
  state.apply(fill(buy(1, 10), 3, 100, 7, kStart + kSecond));
  state.apply(fill(sell(9, 1, 100, "Q"), 1, 100, 0));
  Filled huge = fill(sell(9, 1, 100, "B"), 1, 100, 0);
  huge.quantity = Quantity::from_units(INT64_MAX);
  huge.price = Price::from_units(INT64_MAX);
  state.apply(huge);
  state.apply(huge);  // out of 64 bits: broken, with a cost far below -2^63
  state.apply(Reserved{});
  return state;
}

std::vector<RiskDelta> every_delta() {
  const KillSwitch a_kill{KillScope::kDesk, "D", KillMode::kReduceOnly, "op", "because"};
  RestrictedList list;
  list.version = 2;
  list.symbols.push_back({"S", "note"});
  return {Reserved{{1},
                   "A",
                   "S",
                   Side::kSell,
                   OrderType::kMarket,
                   Price::whole(3),
                   Quantity{5},
                   WallTime{7}},
          ReplaceReserved{{2}, Price{1}, Quantity{2}, WallTime{3}},
          ReplaceConfirmed{{2}, Price{1}, Quantity{2}},
          ReplaceReleased{{2}},
          LeavesChanged{{2}, Quantity{INT64_MIN}},
          Filled{{1}, "A", "S", Side::kSell, Quantity{1}, Price{2}, Quantity{3}, WallTime{-4}},
          Busted{"A", "S", Side::kSell, Quantity{1}, Price{2}},
          Released{{UINT64_MAX}},
          MessageCounted{"A", 3, WallTime{4}},
          LimitsLoaded{std::make_shared<RiskLimits>(limits())},
          RestrictedLoaded{std::make_shared<RestrictedList>(list)},
          ReferencePriceSet{"S", ReferenceSource::kLastTrade, Price{5}, WallTime{6}},
          KillSet{a_kill, WallTime{9}},
          PositionSet{"A", "S", Quantity{-5}, Notional{-6}},
          TrackingRestored{}};
}

TEST(RiskCodec, EveryDeltaSurvives) {
  const auto deltas = every_delta();
  ASSERT_EQ(deltas.size(), std::variant_size_v<RiskDelta>);
  for (std::size_t i = 0; i < deltas.size(); ++i) {
    ASSERT_EQ(deltas[i].index(), i);
    const auto again = decode_delta(encode_message(deltas[i]));
    ASSERT_TRUE(again.ok()) << i << ": " << again.error().text;
    EXPECT_TRUE(again.value() == deltas[i]) << i;
  }
}

TEST(RiskCodec, DecisionsSurvive) {
  const RiskState state = world();
  for (const RiskOrder& o :
       {buy(1, 10), buy(1, 100'000), market(sell(1, 3)), buy(1, 1, 50'000), buy(1, 1, 100, "Z")}) {
    const RiskDecision decision = check(state, o, kStart);
    const auto again = decode_decision(encode_message(decision));
    ASSERT_TRUE(again.ok()) << again.error().text;
    EXPECT_EQ(again.value(), decision);
  }
}

TEST(RiskCodec, StateSurvivesAndEqualStatesMakeEqualBytes) {
  for (const RiskState& state : {RiskState(), world(), busy_state()}) {
    const auto bytes = encode_message(state);
    const auto again = decode_state(bytes);
    ASSERT_TRUE(again.ok()) << again.error().text;
    EXPECT_EQ(again.value(), state);
    EXPECT_EQ(encode_message(again.value()), bytes);
  }
}

TEST(RiskCodec, RestoredStateDecidesAlike) {
  RiskState state = busy_state();
  RiskState copy = std::move(decode_state(encode_message(state))).value();
  for (uint64_t id = 10; id < 200; ++id) {
    const RiskOrder o =
        order(id, id % 3 ? Side::kBuy : Side::kSell, 1 + id % 20, 98 + id % 5, id % 2 ? "A" : "C");
    const WallTime now = kStart + Duration::milliseconds(static_cast<int64_t>(id) * 10);
    ASSERT_EQ(place(state, o, now), place(copy, o, now));
  }
  EXPECT_EQ(state, copy);
}

TEST(RiskCodec, LimitsThatCouldNotBeLoadedAreRefused) {
  RiskLimits bad = limits();
  bad.firm.set(LimitKind::kMessageWindow, 0);
  const auto loaded = decode_delta(encode_message(LimitsLoaded{std::make_shared<RiskLimits>(bad)}));
  ASSERT_FALSE(loaded.ok());
  EXPECT_EQ(loaded.error().text, "firm: message_window is 0s, allowed is 1ms to 86400s");
}

TEST(RiskCodec, StateThatContradictsItselfIsRefused) {
  const auto refused = [](const std::function<void(RiskImage&)>& spoil, const std::string& words) {
    RiskImage image = image_of(busy_state());
    spoil(image);
    const auto state = restore(image);
    ASSERT_FALSE(state.ok()) << words;
    EXPECT_EQ(state.error().code, ErrorCode::kCorrupt);
    EXPECT_NE(state.error().text.find(words), std::string::npos) << state.error().text;
  };
  ASSERT_TRUE(restore(image_of(busy_state())).ok());
  refused([](RiskImage& i) { i.limits.version = {}; }, "version");
  refused([](RiskImage& i) { i.restricted.symbols.push_back({"R", {}}); }, "listed twice");
  refused([](RiskImage& i) { i.kills[0].kill.mode = KillMode::kNone; }, "a kill that is none");
  refused([](RiskImage& i) { i.kills.push_back(i.kills[0]); }, "one doubled");
  refused([](RiskImage& i) { i.accounts[0].slot_ns = 0; }, "rate window");
  refused([](RiskImage& i) { i.accounts[0].head = INT64_MAX; }, "rate window");
  refused([](RiskImage& i) { i.accounts.erase(i.accounts.begin()); }, "missing");
  refused([](RiskImage& i) { i.symbols.push_back(i.symbols[0]); }, "symbols doubled");
  refused([](RiskImage& i) { i.positions.push_back(i.positions[0]); }, "position is doubled");
  refused([](RiskImage& i) { i.positions[0].account = "nobody"; }, "no such account");
  refused([](RiskImage& i) { i.positions[0].cost = -1; }, "cost does not fit");
  refused([](RiskImage& i) { i.orders.push_back(i.orders[0]); }, "doubled");
  refused([](RiskImage& i) { i.orders[0].order = {}; }, "out of range");
  refused([](RiskImage& i) { i.orders[0].state.leaves = {-1}; }, "out of range");
  refused([](RiskImage& i) { i.orders[0].state.pending = false; }, "out of range");
  refused([](RiskImage& i) { i.orders[0].symbol = "R"; }, "no such position");
  refused([](RiskImage& i) { i.recent[0].account = "nobody"; }, "recent order");
  refused([](RiskImage& i) { i.recent.resize(limits::kFingerprintsMax + 1); }, "too many recent");
}

/// Decodes; an error must have words, a value must encode to something that reads back the same.
template <typename T>
void expect_total(const std::vector<std::byte>& bytes,
                  Result<T> (*decode)(std::span<const std::byte>), int& values) {
  const auto decoded = decode(bytes);
  if (!decoded) {
    EXPECT_FALSE(decoded.error().text.empty());
    return;
  }
  ++values;
  const auto again = decode(encode_message(decoded.value()));
  ASSERT_TRUE(again.ok()) << again.error().text;
  EXPECT_TRUE(again.value() == decoded.value());
}

TEST(RiskCodec, AnyBytesAreAValueOrAnError) {
  std::vector<std::vector<std::byte>> seeds;
  for (const RiskDelta& delta : every_delta()) seeds.push_back(encode_message(delta));
  seeds.push_back(encode_message(check(world(), buy(1, 10), kStart)));
  seeds.push_back(encode_message(busy_state()));
  std::mt19937_64 random(1);
  int values = 0, tried = 0;
  for (int round = 0; round < 150; ++round)
    for (std::vector<std::byte> bytes : seeds) {
      for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes)
        bytes[random() % bytes.size()] ^= std::byte{static_cast<unsigned char>(1 + random() % 255)};
      if (random() % 8 == 0) bytes.resize(random() % (bytes.size() + 1));
      ++tried;
      expect_total(bytes, decode_delta, values);
      expect_total(bytes, decode_decision, values);
      expect_total(bytes, decode_state, values);
      if (HasFatalFailure()) return;
    }
  EXPECT_GT(values, tried / 10);
  for (int round = 0; round < 2'000; ++round) {
    std::vector<std::byte> noise(random() % 200);
    for (std::byte& b : noise) b = std::byte{static_cast<unsigned char>(random())};
    expect_total(noise, decode_delta, values);
    expect_total(noise, decode_decision, values);
    expect_total(noise, decode_state, values);
  }
}

}  // namespace
}  // namespace holdfast::risk::test
