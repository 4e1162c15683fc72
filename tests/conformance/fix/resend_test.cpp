#include "tests/conformance/fix/world.hpp"

namespace holdfast::venues::testing {
namespace {

using Kind = VenueReportKind;

/// A world where `wires` were sent and lost: committed here, never seen by the venue.
void lose(World& world, const std::vector<VenueRequest>& requests) {
  for (const auto& request : requests) world.shard.request(request);
  world.hand_over();
  world.gateway->out.clear();
  world.disconnect();
}

TEST(Resend, YoungOrdersGoOutAgainUnderTheirNumberAndClOrdId) {
  World world;
  world.connect();
  lose(world, {world.shard.order("A1"), world.shard.order("A2")});
  advance(Duration::milliseconds(500));
  world.venue.raw.clear();
  world.connect();
  EXPECT_EQ(world.venue.new_orders["A1"], 1);
  EXPECT_EQ(world.venue.new_orders["A2"], 1);
  int resent = 0;
  for (const auto& message : world.venue.raw)
    if (field(message, 35) == "D") {
      EXPECT_EQ(field(message, 43), "Y");
      EXPECT_EQ(field(message, 122), "20260302-14:30:00.000");
      resent += 1;
    }
  EXPECT_EQ(resent, 2);
  EXPECT_EQ(world.shard.about("A1"), std::vector{Kind::kAccepted});
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_TRUE(conserved(world.state()));
}

// One turn that answers it all would keep a leader from its heartbeats, and each successor in turn.
TEST(Resend, AWideRangeIsAnsweredInPiecesEachMessageOnce) {
  constexpr int kOld = 700, kYoung = 900;
  SessionRules rules = TestGateway::rules_of();
  rules.in_flight_max = kOld + kYoung;
  World world(rules);
  world.connect();
  std::vector<VenueRequest> requests;
  for (int i = 0; i < kOld; ++i) requests.push_back(world.shard.order("O" + std::to_string(i)));
  lose(world, requests);
  advance(Duration::milliseconds(800));
  requests.clear();
  for (int i = 0; i < kYoung; ++i) requests.push_back(world.shard.order("Y" + std::to_string(i)));
  for (const auto& request : requests) world.shard.request(request);
  world.connect();  // the old ones are young enough still: all that was lost goes out again
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  for (int i = 0; i < kOld; ++i) ASSERT_EQ(world.venue.new_orders["O" + std::to_string(i)], 1);
  world.hand_over();
  world.gateway->out.clear();
  world.disconnect();
  advance(Duration::milliseconds(400));
  world.venue.raw.clear();
  world.venue.connect();
  world.gateway->linked = true;
  world.gateway->turn([&] { world.gateway->session().link_up(); });
  std::size_t most = 0, turns = 0;
  for (std::size_t before = world.gateway->out.size(); world.step();) {
    const std::size_t after = world.gateway->out.size();
    if (after > before) most = std::max(most, after - before), turns += 1;
    before = after;
  }
  EXPECT_LE(most, 300u);
  EXPECT_GE(turns, kYoung / 300u);
  int resent = 0, last = 0;
  for (const auto& message : world.venue.raw) {
    if (field(message, 35) != "D") continue;
    EXPECT_EQ(field(message, 43), "Y");
    EXPECT_GT(std::stoi(field(message, 34)), last);
    last = std::stoi(field(message, 34));
    resent += 1;
  }
  EXPECT_EQ(resent, kYoung);
  for (int i = 0; i < kYoung; ++i) ASSERT_EQ(world.venue.new_orders["Y" + std::to_string(i)], 1);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_TRUE(conserved(world.state()));
}

TEST(Resend, ManyOldOrdersAreGapFilledInPiecesAndNotSent) {
  constexpr int kOld = 700;
  SessionRules rules = TestGateway::rules_of();
  rules.in_flight_max = kOld;
  World world(rules);
  world.connect();
  std::vector<VenueRequest> requests;
  for (int i = 0; i < kOld; ++i) requests.push_back(world.shard.order("O" + std::to_string(i)));
  lose(world, requests);
  advance(Duration::milliseconds(1001));
  world.connect();
  EXPECT_TRUE(world.venue.new_orders.empty());
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(world.state().counters.gap_filled, static_cast<uint64_t>(kOld));
  EXPECT_EQ(world.state().counters.not_sent, static_cast<uint64_t>(kOld));
  EXPECT_TRUE(conserved(world.state()));
}

TEST(Resend, OldOrdersAreGapFilledAskedForAndOnlyThenNotSent) {
  World world;
  world.connect();
  lose(world, {world.shard.order("A1")});
  advance(Duration::milliseconds(1001));
  world.venue.answers_status = false;
  world.connect();
  EXPECT_EQ(world.venue.new_orders.count("A1"), 0u);
  EXPECT_EQ(world.shard.about("A1"), std::vector{Kind::kUnknown});
  EXPECT_EQ(world.state().phase, SessionPhase::kReconciling) << "new flow waits";
  world.send(world.shard.order("B1"));
  EXPECT_EQ(world.venue.new_orders.count("B1"), 0u);
  // The venue answers the next status request.
  world.venue.answers_status = true;
  advance(world.rules.status_interval);
  world.gateway->turn([&] { world.gateway->session().tick(); });
  world.settle();
  EXPECT_EQ(world.shard.about("A1"), (std::vector{Kind::kUnknown, Kind::kNotSent}));
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(world.state().unknown.size(), 0u);
  EXPECT_EQ(world.shard.about("B1"), std::vector{Kind::kAccepted});
}

// The venue is there and answers everything else: nobody would ever ask again.
TEST(Resend, AnOrderThatALoggedOnVenueNeverAnswersIsAskedAbout) {
  World world;
  world.connect();
  world.venue.answers_orders = false;
  world.venue.answers_status = false;
  world.send(world.shard.order("A1"));
  world.pass(world.rules.answer_timeout - Duration::milliseconds(100));
  EXPECT_TRUE(world.shard.about("A1").empty());
  world.pass(Duration::milliseconds(200));
  EXPECT_EQ(world.shard.about("A1"), std::vector{Kind::kUnknown});
  EXPECT_EQ(world.state().unknown.size(), 1u);
  EXPECT_NE(world.state().last_error.find("no answer"), std::string::npos);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen) << "other flow goes on";
  world.venue.answers_orders = true;
  world.send(world.shard.order("B1"));
  EXPECT_EQ(world.shard.about("B1"), std::vector{Kind::kAccepted});
  // It is asked again until it tells: here that it has the order.
  world.venue.answers_status = true;
  world.pass(world.rules.status_interval + Duration::milliseconds(100));
  EXPECT_EQ(world.state().unknown.size(), 0u);
  EXPECT_EQ(world.shard.about("A1"), (std::vector{Kind::kUnknown, Kind::kStatus}));
  EXPECT_EQ(world.venue.new_orders["A1"], 1) << "never sent twice";
  EXPECT_TRUE(conserved(world.state()));
}

TEST(Resend, AgeCountsFromTheIntakeNotFromTheSending) {
  World world;
  world.connect();
  lose(world, {world.shard.order("A1", Duration::milliseconds(900)), world.shard.order("A2")});
  advance(Duration::milliseconds(200));
  world.connect();
  EXPECT_EQ(world.venue.new_orders.count("A1"), 0u);
  EXPECT_EQ(world.shard.about("A1"), (std::vector{Kind::kUnknown, Kind::kNotSent}));
  EXPECT_EQ(world.venue.new_orders["A2"], 1);
}

TEST(Resend, NewFlowOpensInTheEndThoughAnOrderStaysUnknown) {
  World world;
  world.connect();
  lose(world, {world.shard.order("A1")});
  advance(Duration::seconds(2));
  world.venue.answers_status = false;
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kReconciling);
  advance(world.rules.reconcile_timeout);
  world.gateway->turn([&] { world.gateway->session().tick(); });
  world.settle();
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(world.state().unknown.size(), 1u);
  world.send(world.shard.order("B1"));
  EXPECT_EQ(world.venue.new_orders["B1"], 1);
}

TEST(Resend, ManyUnknownOrdersAreAskedForOnceAnInterval) {
  World world;
  world.connect();
  std::vector<VenueRequest> many;
  for (int i = 0; i < 200; ++i) {
    many.push_back(world.shard.order("A" + std::to_string(i)));
    world.shard.request(many.back());
  }
  world.hand_over();
  world.gateway->out.clear();
  world.disconnect();
  advance(Duration::seconds(2));
  world.venue.answers_status = false;
  world.connect();
  EXPECT_EQ(world.venue.app_messages.size(), 200u) << "each is asked for once";
  world.gateway->turn([&] { world.gateway->session().tick(); });
  world.settle();
  EXPECT_EQ(world.venue.app_messages.size(), 200u);
  advance(world.rules.status_interval);
  world.venue.answers_status = true;
  world.gateway->turn([&] { world.gateway->session().tick(); });
  world.settle();
  EXPECT_EQ(world.venue.app_messages.size(), 400u);
  EXPECT_EQ(world.shard.count(Kind::kNotSent), 200u);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Resend, AnUnknownOrderThatTheVenueHasIsFoundByItsStatus) {
  World world;
  world.connect();
  world.venue.answers_orders = false;  // it takes A1 and its answer is lost
  world.send(world.shard.order("A1"));
  // Both numberings are lost, so nothing can be resent: only the status request can tell.
  world.disconnect();
  world.venue.forget_numbers(1, 1);
  world.gateway->turn([&] {
    world.gateway->submit(command::Operate{{VenueCommandKind::kLogout, 0, "ann", ""}, 1});
    world.gateway->submit(command::Operate{{VenueCommandKind::kResetSequence, 0, "ann", ""}, 2});
    world.gateway->submit(command::Operate{{VenueCommandKind::kLogon, 0, "ann", ""}, 3});
  });
  EXPECT_EQ(world.shard.about("A1"), std::vector{Kind::kUnknown});
  world.connect();
  EXPECT_EQ(world.shard.about("A1"), (std::vector{Kind::kUnknown, Kind::kStatus}));
  EXPECT_EQ(world.shard.reports.back().venue_state, OrderState::kAccepted);
  EXPECT_EQ(world.state().unknown.size(), 0u);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Resend, CancelsAreRepeatedHoweverOld) {
  World world;
  world.connect();
  const auto order = world.shard.order("A1");
  world.send(order);
  lose(world, {world.shard.cancel("X1", order)});
  advance(Duration::seconds(60));
  world.connect();
  EXPECT_EQ(world.venue.cancels, 1);
  EXPECT_EQ(world.shard.about("X1"), std::vector{Kind::kCancelled});
}

TEST(Resend, AReplaceAgesLikeANewOrder) {
  World world;
  world.connect();
  const auto order = world.shard.order("A1");
  world.send(order);
  lose(world, {world.shard.replace("R1", order, 50)});
  advance(Duration::seconds(2));
  world.connect();
  EXPECT_EQ(world.venue.replaces, 0);
  ASSERT_EQ(world.shard.about("R1"), std::vector{Kind::kCancelRejected});
  EXPECT_EQ(world.shard.reports.back().reason, Reason::kNotSentAtFailover);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(world.state().unknown.size(), 0u);
}

TEST(Resend, WhatIsGapFilledTakesWithItWhatNamesIt) {
  World world;
  world.connect();
  const auto order = world.shard.order("A1");
  lose(world, {order, world.shard.cancel("X1", order)});
  advance(Duration::seconds(2));
  world.connect();
  EXPECT_EQ(world.venue.new_orders.count("A1"), 0u);
  EXPECT_EQ(world.venue.cancels, 0) << "it would name an order that the venue never had";
  EXPECT_EQ(world.shard.about("A1"), (std::vector{Kind::kUnknown, Kind::kNotSent}));
  EXPECT_EQ(world.shard.about("X1"), std::vector{Kind::kCancelRejected});
}

TEST(Resend, TheChainRewindsToTheLastConfirmedClOrdId) {
  World world;
  world.connect();
  auto order = world.shard.order("A1");
  world.send(order);
  auto replaced = world.shard.replace("R1", order, 80);
  world.send(replaced);  // confirmed: R1
  auto lost = world.shard.replace("R2", replaced, 60);
  lose(world, {lost});
  advance(Duration::seconds(2));
  world.connect();  // R2 is gap-filled
  // The shard names R2, which never came to be at the venue.
  world.send(world.shard.cancel("X1", lost));
  EXPECT_EQ(field(world.venue.app_messages.back(), 41), "R1");
  EXPECT_EQ(field(world.venue.app_messages.back(), 11), "X1");
  EXPECT_EQ(world.shard.about("X1"), std::vector{Kind::kCancelled});
}

TEST(Resend, AdminMessagesAndHolesAreGapFilledWithTheRightNumbers) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  world.pass(Duration::seconds(61));  // heartbeats
  world.send(world.shard.order("A2"));
  world.pass(Duration::seconds(31));
  const uint32_t last = world.state().next_out - 1;
  // The venue asks for everything up to a number in the middle, which is an admin message.
  for (uint32_t end : {0u, 2u, 3u, last - 1, last}) {
    FIX::Message ask;
    ask.getHeader().setField(35, "2");
    ask.setField(7, "1");
    ask.setField(16, std::to_string(end));
    world.venue.raw.clear();
    const uint32_t next_out = world.state().next_out;
    world.venue.session().send(ask);
    world.settle();
    uint32_t expected = 1;
    for (const auto& message : world.venue.raw) {
      EXPECT_EQ(field(message, 34), std::to_string(expected)) << "asked up to " << end;
      EXPECT_EQ(field(message, 43), "Y");
      expected = field(message, 35) == "4" ? static_cast<uint32_t>(std::stoul(field(message, 36)))
                                           : expected + 1;
    }
    EXPECT_EQ(expected, (end == 0 ? last : end) + 1) << "asked up to " << end;
    EXPECT_EQ(world.state().next_out, next_out) << "a resend uses no number";
  }
}

TEST(Resend, ARequestForWhatWasNeverSentIsRejected) {
  World world;
  world.connect();
  FIX::Message ask;
  ask.getHeader().setField(35, "2");
  ask.setField(7, "500");
  ask.setField(16, "0");
  const uint32_t next_in = world.state().next_in;
  world.venue.session().send(ask);
  world.venue.raw.clear();
  world.settle();
  ASSERT_EQ(world.venue.raw.size(), 1u);
  EXPECT_EQ(field(world.venue.raw[0], 35), "3");
  EXPECT_EQ(world.state().next_in, next_in + 1);
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Resend, ConfirmedOrdersAreNeverInDoubt) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  advance(Duration::seconds(10));
  FIX::Message ask;
  ask.getHeader().setField(35, "2");
  ask.setField(7, "1");
  ask.setField(16, "0");
  world.venue.session().send(ask);
  world.settle();
  EXPECT_EQ(world.shard.about("A1"), std::vector{Kind::kAccepted});
  EXPECT_EQ(world.venue.new_orders["A1"], 1);
  EXPECT_EQ(world.state().unknown.size(), 0u);
}

TEST(Gap, WhatTheVenueSaidMeanwhileIsAskedForAndTakenInOrder) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  world.send(world.shard.order("A2"));
  world.disconnect();
  // Two fills while nobody listens.
  auto fill = world.venue.report("A1", 'F', '2');
  world.venue.say(fill);
  fill = world.venue.report("A2", 'F', '2');
  world.venue.say(fill);
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(world.shard.about("A1"), (std::vector{Kind::kAccepted, Kind::kFill}));
  EXPECT_EQ(world.shard.about("A2"), (std::vector{Kind::kAccepted, Kind::kFill}));
}

TEST(Gap, ALogoutAheadOfItsTurnDoesNotSwallowWhatIsMissing) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  world.disconnect();
  auto fill = world.venue.report("A1", 'F', '2');
  world.venue.say(fill);
  // The venue answers the Logon with a Logout whose number is past the fill's.
  world.venue.connect();
  world.gateway->linked = true;
  world.gateway->turn([&] { world.gateway->session().link_up(); });
  world.gateway->out.clear();
  const uint32_t expected = world.state().next_in;
  FIX::Message logout;
  logout.getHeader().setField(35, "5");
  logout.setField(58, "not now");
  world.venue.session().send(logout);
  world.settle();
  EXPECT_EQ(world.state().next_in, expected);
  if (world.gateway->linked) world.disconnect();
  world.venue.disconnect();
  world.connect();
  EXPECT_EQ(world.shard.about("A1"), (std::vector{Kind::kAccepted, Kind::kFill}));
}

TEST(Gap, ASequenceResetFromTheVenueIsFollowedAndJournaled) {
  World world;
  world.connect();
  FIX::Message reset;
  reset.getHeader().setField(35, "4");
  reset.setField(36, "40");
  world.venue.session().send(reset);
  world.settle();
  EXPECT_EQ(world.state().next_in, 40u);
  world.kill();
  world.start();
  EXPECT_EQ(world.state().next_in, 40u);
}

}  // namespace
}  // namespace holdfast::venues::testing
