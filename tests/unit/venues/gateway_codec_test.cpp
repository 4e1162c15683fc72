#include <cstring>

#include "actors/venues/gateway_capnp.hpp"
#include "tests/unit/venues/core_fixture.hpp"

namespace holdfast::venues::testing {
namespace {

using replication::Bytes;
using replication::ByteView;
using GatewayCodecTest = Core;

VenueReport full_report() {
  VenueReport report;
  report.kind = VenueReportKind::kFill;
  report.order = {7};
  report.wire = "W7";
  report.original = "W6";
  report.venue_order_id = "O7";
  report.exec_id = "E7";
  report.exec_ref = "E6";
  report.trade_date = 20260302;
  report.symbol = "AAPL";
  report.side = Side::kSell;
  report.venue_state = OrderState::kPartiallyFilled;
  report.price = Price::whole(1);
  report.quantity = Quantity::whole(2);
  report.last_quantity = Quantity::whole(3);
  report.last_price = Price::whole(4);
  report.cumulative_quantity = Quantity::whole(5);
  report.leaves_quantity = Quantity::whole(6);
  report.reason = Reason::kVenueReject;
  report.text = "why";
  report.venue_time = kStart;
  report.possible_duplicate = true;
  report.drop_copy = true;
  return report;
}

std::vector<GatewayEvent> one_of_each(const VenueRequest& request, const SessionRules& rules) {
  event::MessageSent sent{
      9,   'D',  SentKind::kNew, false,
      {7}, "W7", "W6",           std::make_shared<const std::string>("8=FIX\x01 and so on")};
  KillSwitch kill{KillScope::kDesk, "D1", KillMode::kReduceOnly, "ann", "test"};
  return {event::Started{rules},
          event::RequestsTaken{{1}, {2}, {3}, {request, request}, {4}},
          event::PeerAcknowledged{{1}, {2}, {3}},
          event::PhaseChanged{SessionPhase::kDown, "why", true, true},
          sent,
          event::MessageTaken{5, 6, true, full_report()},
          event::MessageTaken{5, 0, false, {}},
          event::NumbersSet{10, 20, true, true, "why"},
          event::ResendDecided{1, 9, {3, 5, 7}},
          event::AnswerOverdue{{4, 6}},
          event::RequestRefused{"W7", Reason::kVenueDown},
          event::HaltChanged{true, Reason::kConservation, "gateway", "why"},
          event::KillChanged{kill},
          event::WantedChanged{Want::kOut},
          event::DeliveryRefused{true},
          event::DropCopyTaken{full_report()},
          event::DropCopyNumbered{257, 12},
          event::AwayTooLong{{{7}, {8}}, true}};
}

TEST_F(GatewayCodecTest, EveryEventComesBackAsItWas) {
  rules.flag_resets = rules.accept_venue_reset = rules.open_before_reconciled = true;
  rules.schedule = {false, {1}, {2}, {3}};
  VenueRequest request = order("W7", 7);
  request.kind = VenueRequestKind::kReplace;
  request.side = Side::kSell;
  request.time_in_force = TimeInForce::kFillOrKill;
  request.original = "W6";
  request.venue_order_id = "O7";
  request.client_order_id = "C7";
  request.attribution.trader = "T";
  request.trace = {99};
  const auto written = one_of_each(request, rules);
  ASSERT_EQ(written.size(), std::variant_size_v<GatewayEvent> + 1) << "MessageTaken stands twice";
  GatewayCodec codec;
  Bytes bytes;
  codec.encode_events(written, bytes);
  std::vector<GatewayEvent> read;
  const auto decoded = codec.decode_events(bytes, read);
  ASSERT_TRUE(decoded.ok()) << decoded.error().text;
  ASSERT_EQ(read.size(), written.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i], written[i]) << "event " << i;
  const auto& sent = std::get<event::MessageSent>(read[4]);
  ASSERT_NE(sent.bytes, nullptr);
  EXPECT_EQ(*sent.bytes, "8=FIX\x01 and so on");
}

TEST_F(GatewayCodecTest, AdminMessagesAreNumberTypeAndTimeOnly) {
  event::MessageSent logon{1,
                           'A',
                           SentKind::kAdmin,
                           false,
                           {},
                           "",
                           "",
                           std::make_shared<const std::string>("554=secret")};
  GatewayCodec codec;
  Bytes bytes;
  codec.encode_events(std::vector<GatewayEvent>{logon}, bytes);
  std::vector<GatewayEvent> read;
  ASSERT_TRUE(codec.decode_events(bytes, read).ok());
  EXPECT_EQ(std::get<event::MessageSent>(read[0]).bytes, nullptr);
  EXPECT_EQ(
      std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find("secret"),
      std::string_view::npos)
      << "no password in the journal";
}

TEST_F(GatewayCodecTest, AStateComesBackAsItWas) {
  open();
  const auto first = order("A1", 1);
  deliver({first, order("A2", 2), order("A3", 3)}, 1);
  pump();
  report(VenueReportKind::kAccepted, "A1");
  report(VenueReportKind::kFill, "A2", 0);
  deliver({cancel("X1", first)}, 4);
  pump();
  deliver({order("A4", 4)}, 5);
  run(command::Kill{KillSwitch{}, 1});
  run(command::Operate{{VenueCommandKind::kHalt, 0, "ann", "why"}, 2});
  advance(Duration::seconds(5));
  run(command::ResendAsked{1, 0});  // A3 is unknown now
  ASSERT_EQ(state.unknown.size(), 1u);
  GatewayCodec codec;
  Bytes bytes, again;
  codec.encode_state(state, bytes);
  GatewayState read;
  const auto decoded = codec.decode_state(bytes, read);
  ASSERT_TRUE(decoded.ok()) << decoded.error().text;
  codec.encode_state(read, again);
  EXPECT_EQ(bytes, again);
  EXPECT_EQ(state_hash(read), state_hash(state));
  EXPECT_EQ(read.orders.size(), state.orders.size());
  EXPECT_EQ(read.wires.size(), state.wires.size());
  EXPECT_EQ(read.orders.at({3}), state.orders.at({3}));
  EXPECT_EQ(read.outboxes, state.outboxes);
  EXPECT_EQ(read.waiting, state.waiting);
  EXPECT_EQ(read.kills, state.kills);
  EXPECT_EQ(read.counters, state.counters);
  EXPECT_EQ(read.reconciliation, state.reconciliation);
  EXPECT_EQ(read.reconciliation.pending().size(), 1u);
  EXPECT_EQ(read.in_flight, state.in_flight);
  EXPECT_EQ(read.rules, state.rules);
}

TEST_F(GatewayCodecTest, AnyBytesGiveAValueOrAnError) {
  GatewayCodec codec;
  Bytes bytes;
  codec.encode_events(one_of_each(order("W7", 7), rules), bytes);
  Bytes snapshot;
  open();
  deliver({order("A1", 1)}, 1);
  pump();
  codec.encode_state(state, snapshot);
  uint64_t random = 88172645463325252ull;
  const auto next = [&random] {
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    return random;
  };
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes damaged = round % 2 == 0 ? bytes : snapshot;
    for (uint64_t n = next() % 4 + 1; n > 0; --n)
      damaged[next() % damaged.size()] = static_cast<std::byte>(next());
    if (next() % 8 == 0) damaged.resize(next() % damaged.size());
    std::vector<GatewayEvent> events_read;
    GatewayState state_read;
    refused += round % 2 == 0 ? !codec.decode_events(damaged, events_read).ok()
                              : !codec.decode_state(damaged, state_read).ok();
  }
  EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace holdfast::venues::testing
