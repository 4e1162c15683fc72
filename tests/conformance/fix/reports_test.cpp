#include "tests/conformance/fix/world.hpp"
#include "tests/source_path.hpp"

namespace holdfast::venues::testing {
namespace {

using Kind = VenueReportKind;

TEST(Encoding, NewOrderSingleCarriesItsFields) {
  World world;
  world.connect();
  auto order = world.shard.order("A1");
  order.price = Price::parse("585.33").value();
  order.quantity = Quantity::parse("0.5").value();
  order.side = Side::kSell;
  order.time_in_force = TimeInForce::kImmediateOrCancel;
  world.send(order);
  const std::string& message = world.venue.app_messages.back();
  EXPECT_EQ(field(message, 35), "D");
  EXPECT_EQ(field(message, 11), "A1");
  EXPECT_EQ(field(message, 526), "C-A1");
  EXPECT_EQ(field(message, 1), "ACC1");
  EXPECT_EQ(field(message, 21), "1");
  EXPECT_EQ(field(message, 55), "AAPL");
  EXPECT_EQ(field(message, 54), "2");
  EXPECT_EQ(field(message, 38), "0.5");
  EXPECT_EQ(field(message, 40), "2");
  EXPECT_EQ(field(message, 44), "585.33");
  EXPECT_EQ(field(message, 59), "3");
  EXPECT_EQ(field(message, 60), "20260302-14:30:00.000");
}

TEST(Encoding, AMarketOrderHasNoPrice) {
  World world;
  world.connect();
  auto order = world.shard.order("A1");
  order.type = OrderType::kMarket;
  order.price = {};
  world.send(order);
  EXPECT_EQ(field(world.venue.app_messages.back(), 40), "1");
  EXPECT_EQ(field(world.venue.app_messages.back(), 44), "");
}

TEST(Reports, AFillCarriesItsNumbersExactly) {
  World world;
  world.connect();
  world.venue.fills = true;
  world.send(world.shard.order("A1"));
  ASSERT_EQ(world.shard.about("A1"), (std::vector{Kind::kAccepted, Kind::kFill}));
  const VenueReport& fill = world.shard.reports.back();
  EXPECT_EQ(fill.order, OrderId{1});
  EXPECT_EQ(fill.last_price.str(), "585.33");
  EXPECT_EQ(fill.last_quantity, Quantity::whole(100));
  EXPECT_EQ(fill.cumulative_quantity, Quantity::whole(100));
  EXPECT_TRUE(fill.leaves_quantity.zero());
  EXPECT_EQ(fill.trade_date, 20260302u);
  EXPECT_EQ(fill.venue_time, kStart);
  EXPECT_EQ(fill.exec_id.view(), "E2");
  EXPECT_EQ(fill.venue_state, OrderState::kFilled);
  EXPECT_EQ(world.state().in_flight, 0u);
}

TEST(Reports, ARejectNamesTheVenuesWords) {
  World world;
  world.connect();
  world.venue.forgets_requests = true;
  world.send(world.shard.order("A1"));
  auto reject = world.venue.report("A1", '8', '8');
  reject.setField(58, "price out of band");
  world.venue.say(reject);
  world.settle();
  ASSERT_EQ(world.shard.about("A1"), std::vector{Kind::kRejected});
  EXPECT_EQ(world.shard.reports.back().reason, Reason::kVenueReject);
  EXPECT_EQ(world.shard.reports.back().text.view(), "price out of band");
}

TEST(Reports, ASessionRejectOfAnOrderIsItsRejection) {
  World world;
  world.connect();
  world.venue.forgets_requests = true;
  const auto order = world.shard.order("A1");
  world.send(order);
  FIX::Message reject;
  reject.getHeader().setField(35, "3");
  reject.setField(45, field(world.venue.app_messages.back(), 34));
  reject.setField(58, "Required tag missing");
  world.venue.say(reject);
  world.settle();
  EXPECT_EQ(world.shard.about("A1"), std::vector{Kind::kRejected});
  EXPECT_EQ(world.shard.reports.back().order, order.order);
}

TEST(Reports, ABusinessRejectOfACancelRejectsTheCancelOnly) {
  World world;
  world.connect();
  const auto order = world.shard.order("A1");
  world.send(order);
  world.venue.forgets_requests = true;
  world.send(world.shard.cancel("X1", order));
  FIX::Message reject;
  reject.getHeader().setField(35, "j");
  reject.setField(45, field(world.venue.app_messages.back(), 34));
  reject.setField(372, "F");
  reject.setField(380, "4");
  world.venue.say(reject);
  world.settle();
  EXPECT_EQ(world.shard.about("A1"), std::vector{Kind::kAccepted});
  EXPECT_EQ(world.shard.about("X1"), std::vector{Kind::kCancelRejected});
  EXPECT_FALSE(world.state().orders.at(order.order).done);
}

TEST(Reports, ADuplicatedReportIsPassedOnAndChangesNothingHere) {
  World world;
  world.connect();
  world.venue.fills = true;
  world.send(world.shard.order("A1"));
  auto again = world.venue.report("A1", 'F', '2');
  again.setField(17, "E2");
  world.venue.say(again);
  world.settle();
  EXPECT_EQ(world.shard.count(Kind::kFill), 2u) << "the order shard tells them apart by ExecID";
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Reports, AReportThatNamesNoOrderOfOursIsCounted) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  world.venue.say(world.venue.report("STRANGER", 'F', '2'));
  world.settle();
  EXPECT_EQ(world.state().counters.unmapped, 1u);
  EXPECT_EQ(world.shard.reports.back().order, OrderId{});
  EXPECT_EQ(world.shard.reports.back().wire.view(), "STRANGER");
}

TEST(Reports, AMissingRequiredFieldIsRejectedAndTheSessionGoesOn) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  auto broken = world.venue.report("A1", 'F', '2');
  broken.removeField(17);
  const uint32_t next_in = world.state().next_in;
  world.venue.raw.clear();
  world.venue.say(broken);
  world.settle();
  EXPECT_EQ(field(world.venue.raw.back(), 35), "3");
  EXPECT_EQ(field(world.venue.raw.back(), 371), "17");
  EXPECT_EQ(world.state().next_in, next_in + 1);
  EXPECT_EQ(world.shard.count(Kind::kFill), 0u);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Reports, ANumberThatIsNoneIsRejected) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  auto broken = world.venue.report("A1", 'F', '2');
  broken.setField(31, "1.234567891");  // nine decimals: it would have to be rounded
  world.venue.raw.clear();
  world.venue.say(broken);
  world.settle();
  EXPECT_EQ(field(world.venue.raw.back(), 35), "3");
  EXPECT_EQ(world.gateway->session().stats().malformed, 1u);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Reports, AnUnsupportedMessageIsAnsweredByABusinessReject) {
  World world;
  world.connect();
  FIX::Message news;
  news.getHeader().setField(35, "9");
  news.getHeader().setField(35, "AF");
  news.setField(584, "M1");
  news.setField(585, "7");
  world.venue.raw.clear();
  world.venue.say(news);
  world.settle();
  EXPECT_EQ(field(world.venue.raw.back(), 35), "j");
  EXPECT_EQ(world.gateway->session().stats().ignored, 1u);
}

TEST(Reports, WhatQuickFixRejectsByItselfIsCountedToo) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  auto broken = world.venue.report("A1", 'F', '2');
  broken.removeField(17);  // ExecID is required
  world.venue.raw.clear();
  world.venue.say(broken);
  world.settle();
  EXPECT_EQ(field(world.venue.raw.back(), 35), "3");
  EXPECT_EQ(world.gateway->session().stats().malformed, 1u);
}

TEST(Dictionary, AFileThatIsNoneIsRefusedByName) {
  EXPECT_TRUE(check_dictionary(tests::source_path("config/fix/FIX44.xml")));
  for (const auto& path : {tests::source_path("config/venues.toml"), std::string("/no/such.xml")}) {
    const auto usable = check_dictionary(path);
    ASSERT_FALSE(usable);
    EXPECT_NE(usable.error().text.find(path), std::string::npos) << usable.error().text;
  }
}

TEST(Garbage, GarbledMessagesAreIgnoredAndCounted) {
  World world;
  world.connect();
  const uint32_t next_in = world.state().next_in;
  for (const char* text : {"8=FIX.4.4\x01",
                           "8=FIX.4.4\x01"
                           "9=5\x01"
                           "35=0\x01"
                           "10=000\x01",
                           "", "x",
                           "8=FIX.4.4\x01"
                           "9=0\x01"
                           "35=8\x01"
                           "34=2\x01"
                           "10=000\x01"})
    world.gateway->turn([&] { world.gateway->session().receive(text); });
  EXPECT_EQ(world.state().next_in, next_in);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_GT(world.gateway->session().stats().malformed, 2u);
}

TEST(Flow, ABatchIsOneEntryAndOneOrder) {
  World world;
  world.connect();
  const auto before = world.log.entries.size();
  for (int i = 0; i < 100; ++i) world.shard.request(world.shard.order("A" + std::to_string(i)));
  world.hand_over();
  EXPECT_EQ(world.log.entries.size(), before + 1);
  EXPECT_EQ(world.gateway->out.size(), 100u);
  world.settle();
  ASSERT_EQ(world.venue.app_messages.size(), 100u);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(field(world.venue.app_messages[static_cast<std::size_t>(i)], 11),
              "A" + std::to_string(i));
}

TEST(Flow, AKillStopsWhatWaitsAndCancelsStillGo) {
  World world;
  world.connect();
  const auto order = world.shard.order("A1");
  world.send(order);
  KillSwitch kill;
  kill.scope = KillScope::kAccount;
  kill.name = "ACC1";
  world.gateway->turn([&] { world.gateway->submit(command::Kill{kill, 9}); });
  ASSERT_EQ(world.gateway->answers.size(), 1u);
  EXPECT_TRUE(world.gateway->answers[0].accepted);
  world.send(world.shard.order("A2"));
  EXPECT_EQ(world.venue.new_orders.count("A2"), 0u);
  ASSERT_EQ(world.shard.about("A2"), std::vector{Kind::kRejected});
  EXPECT_EQ(world.shard.reports.back().reason, Reason::kVenueKilled);
  world.send(world.shard.cancel("X1", order));
  EXPECT_EQ(world.venue.cancels, 1);
  kill.mode = KillMode::kNone;
  world.gateway->turn([&] { world.gateway->submit(command::Kill{kill, 10}); });
  world.send(world.shard.order("A3"));
  EXPECT_EQ(world.venue.new_orders["A3"], 1);
  EXPECT_TRUE(conserved(world.state()));
}

TEST(Flow, AHaltHoldsNewOrdersUntilTheyAreTooOld) {
  World world;
  world.connect();
  const auto order = world.shard.order("A1");
  world.send(order);
  VenueCommand halt{VenueCommandKind::kHalt, 0, "ann", "looks odd"};
  world.gateway->turn([&] { world.gateway->submit(command::Operate{halt, 1}); });
  EXPECT_EQ(session_state(world.state()), VenueSessionState::kHalted);
  world.send(world.shard.order("A2"));
  world.send(world.shard.cancel("X1", order));
  EXPECT_EQ(world.venue.cancels, 1) << "cancels still go";
  EXPECT_EQ(world.shard.about("A2").size(), 0u) << "it waits";
  advance(Duration::milliseconds(1001));
  world.gateway->turn([&] { world.gateway->session().tick(); });
  ASSERT_EQ(world.shard.about("A2"), std::vector{Kind::kRejected});
  EXPECT_EQ(world.shard.reports.back().reason, Reason::kVenueHalted);
  halt.kind = VenueCommandKind::kResume;
  world.gateway->turn([&] { world.gateway->submit(command::Operate{halt, 2}); });
  world.send(world.shard.order("A3"));
  EXPECT_EQ(world.venue.new_orders["A3"], 1);
}

TEST(Flow, AnOrderThatNoShardAskedForNeverLeavesAndHaltsTheVenue) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  // As a bug would: the same order once more under the next number.
  command::Outbound again;
  again.number = world.state().next_out;
  again.type = 'D';
  again.kind = SentKind::kNew;
  again.order = {1};
  again.wire = "A1";
  again.bytes = std::make_shared<const std::string>("8=FIX.4.4\x01...");
  world.gateway->turn([&] { world.gateway->submit(again); });
  EXPECT_TRUE(world.gateway->out.empty());
  EXPECT_TRUE(world.state().halted);
  EXPECT_EQ(world.state().halt_code, Reason::kConservation);
}

TEST(Flow, InFlightIsCapped) {
  SessionRules rules = TestGateway::rules_of();
  rules.in_flight_max = 2;
  World world(rules);
  world.connect();
  world.venue.answers_orders = false;
  for (int i = 0; i < 4; ++i) world.send(world.shard.order("A" + std::to_string(i)));
  EXPECT_EQ(world.venue.new_orders.size(), 2u);
  EXPECT_EQ(world.state().in_flight, 2u);
  EXPECT_EQ(world.state().waiting.size(), 2u);
  world.venue.say(world.venue.report("A0", '0', '0'));
  world.settle();
  EXPECT_EQ(world.venue.new_orders.size(), 3u);
}

}  // namespace
}  // namespace holdfast::venues::testing
