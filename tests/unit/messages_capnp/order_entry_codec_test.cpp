#include <capnp/message.h>
#include <capnp/serialize.h>
#include <gtest/gtest.h>

#include <random>

#include "messages/codecs/order_entry_capnp.hpp"
#include "tests/enumerators.hpp"

namespace holdfast {
namespace {

NewOrder new_order() {
  NewOrder order;
  order.account = Account("MAKER-1");
  order.client_order_id = ClientOrderId("a-0000000000000000000000000000-z");
  order.symbol = Symbol("AAPL");
  order.side = Side::kSell;
  order.type = OrderType::kLimit;
  order.time_in_force = TimeInForce::kFillOrKill;
  order.price = Price::from_units(58'533'000'000);
  order.quantity = Quantity::whole(18);
  order.attribution = {Label("vwap"), Label("ann"), Label("desk 1")};
  order.trace = {7};
  return order;
}

OrderReply refusal(Reason reason) {
  OrderReply reply;
  reply.reason = reason;
  reply.state = OrderState::kBlocked;
  return reply;
}

ExecutionReport report() {
  ExecutionReport r;
  r.sequence = {12};
  r.account = Account("A");
  r.order = {uint64_t{3} << 48 | 5};
  r.client_order_id = ClientOrderId("c2");
  r.original = ClientOrderId("c1");
  r.type = ExecType::kTrade;
  r.state = OrderState::kPartiallyFilled;
  r.symbol = Symbol("AAPL");
  r.side = Side::kSell;
  r.price = Price::whole(10);
  r.quantity = Quantity::whole(9);
  r.last_quantity = Quantity::whole(2);
  r.last_price = Price::whole(11);
  r.cumulative_quantity = Quantity::whole(4);
  r.leaves_quantity = Quantity::whole(5);
  r.exec_id = ExecId("x-1");
  r.venue = VenueName("XSIM");
  r.reason = Reason::kVenueReject;
  r.text = ReasonText("why not");
  r.time = {1'700'000'000'000'000'000};
  r.trace = {9};
  return r;
}

TEST(OrderEntryCodec, EveryKindOfRequestComesBackAsItWas) {
  CancelOrder cancel{Account("A"), ClientOrderId("c2"), ClientOrderId("c1"), {3}};
  ReplaceOrder replace{Account("A"),
                       ClientOrderId("c2"),
                       ClientOrderId("c1"),
                       Price::whole(-1),
                       Quantity::from_units(INT64_MIN),
                       {4}};
  MassCancel mass{Account("A"), ClientOrderId("m"), Symbol("AAPL"), {5}};
  for (const OrderRequestBody& body : {OrderRequestBody(new_order()), OrderRequestBody(cancel),
                                       OrderRequestBody(replace), OrderRequestBody(mass)}) {
    const auto again = decode_request(encode_message(body));
    ASSERT_TRUE(again.ok()) << again.error().text;
    EXPECT_TRUE(again.value() == body) << body.index();
  }
}

TEST(OrderEntryCodec, EverySideTypeAndTimeInForceComesBackAsItWas) {
  for (auto side : tests::enumerators<Side>())
    for (auto type : tests::enumerators<OrderType>())
      for (auto tif : tests::enumerators<TimeInForce>()) {
        auto order = new_order();
        order.side = side.value;
        order.type = type.value;
        order.time_in_force = tif.value;
        const auto again = decode_request(encode_message(OrderRequestBody(order)));
        ASSERT_TRUE(again.ok()) << again.error().text;
        EXPECT_TRUE(std::get<NewOrder>(again.value()) == order);
      }
}

TEST(OrderEntryCodec, EveryReasonHasItsNumberOnTheWire) {
  for (auto reason : tests::enumerators<Reason>()) {
    EXPECT_NE(to_wire(reason.value), wire::Reason::OTHER) << reason.name;
    EXPECT_EQ(from_wire(to_wire(reason.value)), reason.value) << reason.name;
  }
  EXPECT_EQ(from_wire(wire::Reason::OTHER), std::nullopt);
}

TEST(OrderEntryCodec, ARefusalCarriesNameAndWords) {
  for (auto reason : tests::enumerators<Reason>()) {
    if (reason.value == Reason::kNone) continue;
    const auto again = decode_outcome(encode_message(Outcome{refusal(reason.value), 5}));
    ASSERT_TRUE(again.ok()) << again.error().text;
    EXPECT_EQ(again.value().reply.reason, reason.value);
    EXPECT_EQ(again.value().reply.text.view(), words_of(reason.value));
  }
}

TEST(OrderEntryCodec, AnOutcomeComesBackAsItWas) {
  Outcome outcome;
  outcome.reply.accepted = true;
  outcome.reply.duplicate = true;
  outcome.reply.order = {77};
  outcome.reply.state = OrderState::kPendingReplace;
  outcome.reply.durability = Durability::kFsynced;
  outcome.reply.affected = 6;
  outcome.credits_left = 1023;
  const auto again = decode_outcome(encode_message(outcome));
  ASSERT_TRUE(again.ok()) << again.error().text;
  EXPECT_TRUE(again.value() == outcome);
}

TEST(OrderEntryCodec, EveryStateExecTypeAndDurabilityComesBackAsItWas) {
  for (auto state : tests::enumerators<OrderState>())
    for (auto type : tests::enumerators<ExecType>()) {
      auto r = report();
      r.state = state.value;
      r.type = type.value;
      const auto again = decode_report(encode_message(r));
      ASSERT_TRUE(again.ok()) << again.error().text;
      EXPECT_TRUE(again.value() == r) << state.name << " " << type.name;
    }
  for (auto durability : tests::enumerators<Durability>()) {
    auto reply = refusal(Reason::kKilled);
    reply.durability = durability.value;
    EXPECT_EQ(decode_outcome(encode_message(Outcome{reply, 0})).value().reply.durability,
              durability.value);
  }
}

TEST(OrderEntryCodec, AViewComesBackAsItWasButForTheInternalOrderId) {
  OrderView view;
  view.order = {5};
  view.request = new_order();
  view.state = OrderState::kFilled;
  view.client_order_id = ClientOrderId("c9");
  view.price = Price::whole(3);
  view.quantity = Quantity::whole(4);
  view.cumulative_quantity = Quantity::whole(4);
  view.cumulative_notional = Notional::whole(12);
  view.venue = VenueName("XSIM");
  view.venue_order_id = VenueOrderId("v-1");
  view.wire_order_id = WireOrderId("W1");
  view.created = {1};
  view.updated = {2};
  view.as_of = {3};
  const auto again = decode_view(encode_message(view));
  ASSERT_TRUE(again.ok()) << again.error().text;
  const auto& v = again.value();
  EXPECT_TRUE(v.request == view.request);
  EXPECT_EQ(v.order, view.order);
  EXPECT_EQ(v.state, view.state);
  EXPECT_EQ(v.client_order_id, view.client_order_id);
  EXPECT_EQ(v.cumulative_notional, view.cumulative_notional);
  EXPECT_EQ(v.venue_order_id, view.venue_order_id);
  EXPECT_EQ(v.as_of, view.as_of);
  EXPECT_TRUE(v.wire_order_id.empty());
}

/// A request whose fields the test sets on the wire, as a foreign program might.
Result<OrderRequestBody> decode_with(std::function<void(wire::NewOrder::Builder)> change) {
  capnp::MallocMessageBuilder message;
  auto order = message.initRoot<wire::Request>().initNewOrder();
  encode(new_order(), order);
  change(order);
  return decode(message.getRoot<wire::Request>().asReader());
}

TEST(OrderEntryCodec, AnErrorNamesTheField) {
  const auto expect_error = [](const char* field, std::function<void(wire::NewOrder::Builder)> f) {
    const auto result = decode_with(std::move(f));
    ASSERT_FALSE(result.ok()) << field;
    EXPECT_EQ(result.error().code, ErrorCode::kInvalid);
    EXPECT_NE(result.error().text.find(field), std::string::npos) << result.error().text;
  };
  expect_error("account", [](auto o) { o.setAccount("12345678901234567"); });
  expect_error("account", [](auto o) { o.setAccount("tab\there"); });
  expect_error("clientOrderId", [](auto o) { o.setClientOrderId("\xc3\xa9"); });
  expect_error("symbol", [](auto o) { o.setSymbol("12345678901234567"); });
  expect_error("side", [](auto o) { o.setSide(wire::Side::NONE); });
  expect_error("side", [](auto o) { o.setSide(static_cast<wire::Side>(999)); });
  expect_error("type", [](auto o) { o.setType(wire::OrderType::NONE); });
  expect_error("timeInForce", [](auto o) { o.setTimeInForce(static_cast<wire::TimeInForce>(4)); });
  expect_error("desk", [](auto o) { o.setDesk("123456789012345678901234567890123"); });
}

TEST(OrderEntryCodec, AnEmptyMessageIsAnErrorNotAnOrder) {
  EXPECT_FALSE(decode_request({}).ok());
  capnp::MallocMessageBuilder message;
  EXPECT_FALSE(decode(message.initRoot<wire::Request>().asReader()).ok());
}

TEST(OrderEntryCodec, ABatchIsTakenWholeOrRefusedWithThePosition) {
  capnp::MallocMessageBuilder message;
  auto list = message.initRoot<capnp::AnyPointer>().initAs<capnp::List<wire::Request>>(3);
  for (uint32_t i = 0; i < 3; ++i) encode(OrderRequestBody(new_order()), list[i]);
  EXPECT_EQ(decode(list.asReader()).value().size(), 3u);
  list[1].getNewOrder().setSide(wire::Side::NONE);
  const auto refused = decode(list.asReader());
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("request 1"), std::string::npos) << refused.error().text;
}

TEST(OrderEntryCodec, ABatchHasItsBounds) {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<capnp::AnyPointer>();
  EXPECT_FALSE(decode(root.initAs<capnp::List<wire::Request>>(0).asReader()).ok());
  const uint32_t too_many = limits::kBatchOrdersMax + 1;
  auto list = root.initAs<capnp::List<wire::Request>>(too_many);
  for (uint32_t i = 0; i < too_many; ++i) encode(OrderRequestBody(new_order()), list[i]);
  EXPECT_FALSE(decode(list.asReader()).ok());
}

TEST(OrderEntryCodec, AReasonFromTheFutureKeepsItsNameAndText) {
  capnp::MallocMessageBuilder message;
  auto out = message.initRoot<wire::Outcome>();
  out.setReason(static_cast<wire::Reason>(4321));
  out.setReasonName("MoonPhase");
  out.setText("not today");
  const auto outcome = decode(out.asReader());
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome.value().reply.reason, Reason::kUnsupported);
  EXPECT_EQ(outcome.value().reply.text.view(), "MoonPhase: not today");
}

TEST(OrderEntryCodec, TruncatedAndFlippedBytesGiveAValueOrAClearError) {
  const auto good = encode_message(OrderRequestBody(new_order()));
  std::mt19937_64 random(1);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = good;
    if (round % 4 == 0) bytes.resize(random() % (bytes.size() + 1));
    for (int flips = random() % 8; flips > 0 && !bytes.empty(); --flips)
      bytes[random() % bytes.size()] ^= std::byte(1u << random() % 8);
    const auto result = decode_request(bytes);
    if (!result) {
      EXPECT_FALSE(result.error().text.empty());
      ++refused;
    }
  }
  EXPECT_GT(refused, 1'000u);
}

TEST(OrderEntryCodec, AMessageThatPointsAtItselfIsRefused) {
  // One segment, its root a list-of-structs pointer whose elements lie over the pointer itself.
  uint64_t words[8] = {};
  words[0] = uint64_t{7} << 32;              // one segment of 7 words
  words[1] = 0x0000000100000000ull;          // struct, 1 data word? none: pointers follow
  words[1] = (uint64_t{1} << 48);            // struct with one pointer, right after
  words[2] = ~0ull & 0xfffffffffffffffcull;  // struct pointer with offset -1: back to itself
  const auto bytes = std::as_bytes(std::span(words));
  EXPECT_FALSE(decode_request(bytes).ok());
}

}  // namespace
}  // namespace holdfast
