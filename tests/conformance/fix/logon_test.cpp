#include "actors/venues/session_plan.hpp"
#include "tests/conformance/fix/world.hpp"

namespace holdfast::venues::testing {
namespace {

TEST(Logon, OpensAfterATestRequestRoundTrip) {
  World world;
  world.venue.connect();
  world.gateway->linked = true;
  world.gateway->turn([&] { world.gateway->session().link_up(); });
  ASSERT_EQ(world.gateway->out.size(), 1u);
  EXPECT_EQ(field(world.gateway->out[0], 35), "A");
  EXPECT_EQ(field(world.gateway->out[0], 34), "1");
  EXPECT_EQ(field(world.gateway->out[0], 141), "") << "sequence numbers are never reset by a logon";
  world.step();  // Logon to the venue
  world.step();  // its answer
  EXPECT_EQ(world.state().phase, SessionPhase::kBarrier);
  ASSERT_EQ(world.gateway->out.size(), 1u);
  EXPECT_EQ(field(world.gateway->out[0], 35), "1");
  world.settle();
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(session_state(world.state()), VenueSessionState::kOpen);
  EXPECT_EQ(world.gateway->states.back(), VenueSessionState::kOpen);
}

TEST(Logon, NoByteLeavesBeforeItsCommit) {
  World world;
  world.gateway->commits = false;
  world.connect();
  EXPECT_TRUE(world.venue.raw.empty()) << "a Logon left that no one else holds";
  world.shard.request(world.shard.order("A1"));
  world.hand_over();
  world.settle();
  EXPECT_TRUE(world.venue.raw.empty());
  world.gateway->commits = true;
  world.gateway->commit();
  world.settle();
  EXPECT_EQ(world.venue.new_orders["A1"], 1);
}

TEST(Logon, RequestsWaitForTheBarrier) {
  World world;
  world.venue.connect();
  world.gateway->linked = true;
  world.gateway->turn([&] { world.gateway->session().link_up(); });
  world.shard.request(world.shard.order("A1"));
  world.hand_over();
  world.step();
  world.step();  // logged on, barrier out
  for (const auto& message : world.gateway->out) EXPECT_NE(field(message, 35), "D");
  world.settle();
  EXPECT_EQ(world.venue.new_orders["A1"], 1);
}

TEST(Logon, UnheardLogonIsRepeatedUnderItsNumber) {
  World world;
  for (int i = 0; i < 5; ++i) {  // the venue closes before it says anything
    world.gateway->linked = true;
    world.gateway->out.clear();
    world.gateway->turn([&] { world.gateway->session().link_up(); });
    ASSERT_EQ(world.gateway->out.size(), 1u);
    EXPECT_EQ(field(world.gateway->out[0], 34), "1");
    world.gateway->linked = false;
    world.gateway->turn([&] { world.gateway->session().link_lost("refused", false); });
  }
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(world.state().next_out, 3u) << "Logon and TestRequest, nothing for the tries";
}

TEST(Logon, AStaleUnheardLogonIsMadeAnew) {
  World world;
  world.gateway->linked = true;
  world.gateway->turn([&] { world.gateway->session().link_up(); });
  world.gateway->linked = false;
  world.gateway->turn([&] { world.gateway->session().link_lost("refused", false); });
  advance(Duration::seconds(300));
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_EQ(field(world.venue.raw[0], 34), "2");
}

TEST(Logon, NoAnswerEndsTheConnection) {
  World world;
  world.gateway->linked = true;
  world.gateway->turn([&] { world.gateway->session().link_up(); });
  advance(world.rules.logon_timeout);
  world.gateway->turn([&] { world.gateway->session().tick(); });
  EXPECT_TRUE(world.gateway->close);
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_NE(world.state().last_error.find("Logon"), std::string::npos);
}

TEST(Logon, TooLowForTheVenueStaysOutUntilAnOperatorHasLooked) {
  World world;
  world.venue.forget_numbers(1, 50);  // the venue expects 50
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_EQ(world.state().want, Want::kOut);
  EXPECT_NE(world.state().last_error.find("too low"), std::string::npos)
      << world.state().last_error;
  // The operator sets the number that the venue named and lets it in again.
  VenueCommand command{VenueCommandKind::kSetOutbound, 50, "ann", "venue asked for 50"};
  world.gateway->turn([&] { world.gateway->submit(command::Operate{command, 7}); });
  ASSERT_EQ(world.gateway->answers.size(), 1u);
  EXPECT_TRUE(world.gateway->answers[0].accepted) << world.gateway->answers[0].text;
  command.kind = VenueCommandKind::kLogon;
  world.gateway->turn([&] { world.gateway->submit(command::Operate{command, 8}); });
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen) << world.state().last_error;
}

TEST(Logon, AVenueThatLostItsNumbersIsNotFollowedDown) {
  World world;
  world.connect();
  for (int i = 0; i < 5; ++i) world.send(world.shard.order("A" + std::to_string(i)));
  world.disconnect();
  world.venue.forget_numbers(1, static_cast<int>(world.state().next_out));
  const uint32_t expected = world.state().next_in;
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_EQ(world.state().want, Want::kOut);
  EXPECT_EQ(world.state().next_in, expected);
}

TEST(Logon, AVenuesResetIsRefusedUnlessConfigured) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  world.disconnect();
  const auto reset = [&] {
    world.venue.connect();
    world.venue.session().setResetOnLogon(true);
    world.gateway->linked = true;
    world.gateway->close = false;
    world.gateway->turn([&] { world.gateway->session().link_up(); });
    FIX::Message logon;
    logon.getHeader().setField(8, "FIX.4.4");
    logon.getHeader().setField(35, "A");
    logon.getHeader().setField(34, "1");
    logon.getHeader().setField(49, "VENUE");
    logon.getHeader().setField(56, "FIRM");
    logon.getHeader().setField(52, "20260302-14:30:00.000");
    logon.setField(98, "0");
    logon.setField(108, "30");
    logon.setField(141, "Y");
    std::string bytes;
    logon.toString(bytes);
    world.gateway->turn([&] { world.gateway->session().receive(bytes); });
  };
  reset();
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_GT(world.state().next_out, 1u);
  EXPECT_NE(world.state().last_error.find("reset"), std::string::npos);

  world.gateway->linked = false;
  world.rules.accept_venue_reset = true;
  world.gateway.reset();
  world.start();
  const uint64_t resets = world.state().counters.resets;
  reset();
  EXPECT_EQ(world.state().counters.resets, resets + 1) << world.state().last_error;
  EXPECT_EQ(world.state().next_in, 2u);
}

TEST(Logon, OurOwnResetIsSaidWithTheFlagAndOnlyOnce) {
  World world;
  world.connect();
  world.send(world.shard.order("A1"));
  world.gateway->turn([&] {
    world.gateway->submit(command::Operate{{VenueCommandKind::kLogout, 0, "ann", ""}, 1});
    world.gateway->session().pump();
  });
  world.settle();
  ASSERT_EQ(world.state().phase, SessionPhase::kDown);
  world.gateway->turn([&] {
    world.gateway->submit(command::Operate{{VenueCommandKind::kResetSequence, 0, "ann", ""}, 2});
    world.gateway->submit(command::Operate{{VenueCommandKind::kLogon, 0, "ann", ""}, 3});
  });
  EXPECT_EQ(world.state().next_out, 1u);
  world.venue.raw.clear();
  world.connect();
  EXPECT_EQ(field(world.venue.raw[0], 141), "Y");
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen) << world.state().last_error;
  world.disconnect();
  world.venue.raw.clear();
  world.connect();
  EXPECT_EQ(field(world.venue.raw[0], 141), "");
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Logout, EndsAStoppedSessionAndTheNextProcessComesBack) {
  World world;
  world.connect();
  world.gateway->turn([&] {
    world.gateway->submit(command::Stop{});
    world.gateway->session().pump();
  });
  world.settle();
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_EQ(field(world.venue.raw.back(), 35), "5");
  world.kill();
  world.start();
  world.connect();
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
}

TEST(Logout, WithoutAnAnswerEndsAtItsDeadline) {
  World world;
  world.connect();
  world.gateway->turn([&] {
    world.gateway->submit(command::Stop{});
    world.gateway->session().pump();
  });
  EXPECT_EQ(world.state().phase, SessionPhase::kLoggingOut);
  world.gateway->out.clear();  // the venue never hears it
  advance(world.rules.logout_timeout);
  world.gateway->turn([&] { world.gateway->session().tick(); });
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_TRUE(world.gateway->close);
}

TEST(Logout, ByTheVenueIsAnsweredAndTold) {
  World world;
  world.connect();
  world.venue.session().logout("end of day");
  world.venue.tick();
  world.settle();
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_NE(world.state().last_error.find("end of day"), std::string::npos);
  EXPECT_EQ(world.state().want, Want::kUp);
}

TEST(Heartbeat, KeepsAQuietSessionUpAndASilentVenueIsCut) {
  World world;
  world.connect();
  const uint32_t before = world.state().next_out;
  world.pass(Duration::seconds(65));
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen);
  EXPECT_GE(world.state().next_out, before + 2);
  // Now the venue says nothing: a TestRequest, then the end.
  for (int i = 0; i < 1000 && world.state().phase == SessionPhase::kOpen; ++i) {
    advance(Duration::milliseconds(100));
    world.gateway->turn([&] { world.gateway->session().tick(); });
    world.gateway->out.clear();
  }
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_TRUE(world.gateway->close);
}

TEST(Schedule, TheTurnOfAWeekResetsNothing) {
  // Sunday 00:00 UTC, where QuickFIX's idea of a session ends, comes between two of its looks at
  // the clock, at each look in turn.
  constexpr WallTime kSunday{kStart.ns + (5 * 86'400 + 9 * 3'600 + 1'800) * 1'000'000'000ll};
  for (int look = 0; look < 40; ++look) {
    World world;
    world.connect();
    world.send(world.shard.order("A1"));
    const uint64_t resets = world.state().counters.resets;
    const uint32_t next_out = world.state().next_out, next_in = world.state().next_in;
    set_simulated_now({kSunday.ns - look * 1'000'000 - 500'000});
    set_clock_step(Duration::milliseconds(1));
    world.gateway->turn([&] { world.gateway->session().tick(); });
    set_clock_step({});
    set_simulated_now(kSunday + Duration::seconds(1));
    EXPECT_EQ(world.state().counters.resets, resets) << look;
    EXPECT_GE(world.state().next_out, next_out) << look;
    EXPECT_GE(world.state().next_in, next_in) << look;
  }
}

TEST(Schedule, ADayEndsWithALogoutAndTheNextBeginsAtOne) {
  SessionRules rules = TestGateway::rules_of();
  const auto hours = [](int64_t n) { return Duration::seconds(n * 3600); };
  rules.schedule = {false, hours(8), hours(17), {}};  // kStart is 14:30
  World world(rules);
  world.connect();
  world.send(world.shard.order("A1"));
  advance(hours(3));
  world.gateway->turn([&] { world.gateway->session().tick(); });
  world.settle();
  EXPECT_EQ(world.state().phase, SessionPhase::kDown);
  EXPECT_FALSE(connection_wanted(world.state(), simulated_now()));
  advance(hours(15));  // 08:30 of the next day; the venue begins anew too
  world.venue.forget_numbers(1, 1);
  world.gateway->turn([&] { world.gateway->session().tick(); });
  EXPECT_TRUE(connection_wanted(world.state(), simulated_now()));
  world.venue.raw.clear();
  world.connect();
  EXPECT_EQ(field(world.venue.raw[0], 34), "1");
  EXPECT_EQ(world.state().phase, SessionPhase::kOpen) << world.state().last_error;
  world.send(world.shard.order("B1"));
  EXPECT_EQ(world.venue.new_orders["B1"], 1);
}

}  // namespace
}  // namespace holdfast::venues::testing
