#include "actors/routing/routing.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "actors/routing/stage.hpp"

namespace holdfast::routing {
namespace {

using State = VenueSessionState;

VenueEntry venue(const char* name, uint32_t group, int32_t maker, int32_t taker,
                 uint32_t priority = 0, uint32_t in_flight_max = 4) {
  return {name, GroupId{group}, in_flight_max, priority, {maker, taker}};
}

Instrument instrument(const char* symbol, std::vector<VenueName> venues) {
  return {.symbol = symbol,
          .tick = Price{1'000'000},
          .lot = Quantity::whole(1),
          .price_max = Price::whole(1'000'000),
          .quantity_max = Quantity::whole(1'000'000),
          .previous_close = Price::whole(100),
          .previous_close_time = WallTime{1},
          .venues = std::move(venues)};
}

/// ALPHA is cheap to rest on, BETA is cheap to take from; only ALPHA trades ONLY.
ReferenceData data() {
  return {{venue("ALPHA", 1001, -20, 30), venue("BETA", 1002, 10, 5)},
          {instrument("BOTH", {"ALPHA", "BETA"}), instrument("ONLY", {"ALPHA"})}};
}

RoutingState open_state() {
  RoutingState state(data());
  EXPECT_TRUE(state.set_status({"ALPHA", GroupId{1001}, State::kOpen, 0}));
  EXPECT_TRUE(state.set_status({"BETA", GroupId{1002}, State::kOpen, 0}));
  return state;
}

RouteRequest limit_order(const char* symbol = "BOTH") { return {.order = {1}, .symbol = symbol}; }

TEST(Routing, TestDataIsValid) { EXPECT_TRUE(validate(data()).ok()); }

TEST(Routing, RestingOrdersGoToTheCheapestMakerFee) {
  const RouteDecision decision = choose(open_state(), limit_order());
  EXPECT_EQ(decision.reason, Reason::kNone);
  EXPECT_EQ(decision.group, GroupId{1001});
  EXPECT_EQ(decision.venue, VenueName("ALPHA"));
}

TEST(Routing, TakingOrdersGoToTheCheapestTakerFee) {
  RouteRequest market = limit_order();
  market.type = OrderType::kMarket;
  EXPECT_EQ(choose(open_state(), market).venue, VenueName("BETA"));
  for (TimeInForce tif : {TimeInForce::kImmediateOrCancel, TimeInForce::kFillOrKill}) {
    RouteRequest taking = limit_order();
    taking.time_in_force = tif;
    EXPECT_EQ(choose(open_state(), taking).venue, VenueName("BETA"));
  }
  RouteRequest resting = limit_order();
  resting.time_in_force = TimeInForce::kGoodTillCancel;
  EXPECT_EQ(choose(open_state(), resting).venue, VenueName("ALPHA"));
}

TEST(Routing, UnknownSymbolHasNoVenue) {
  const RouteDecision decision = choose(open_state(), limit_order("NONE"));
  EXPECT_EQ(decision.reason, Reason::kNoVenue);
  EXPECT_FALSE(decision.group);
  EXPECT_TRUE(decision.venue.empty());
}

TEST(Routing, AGatewayNotHeardYetIsTakenToBeComingUp) {
  RoutingState state(data());
  EXPECT_EQ(choose(state, limit_order()).reason, Reason::kNone);
  state.set_status({"ALPHA", GroupId{1001}, State::kDown, 0});
  state.set_status({"BETA", GroupId{1002}, State::kDown, 0});
  EXPECT_EQ(choose(state, limit_order()).reason, Reason::kVenueDown);
}

TEST(Routing, AVenueThatIsComingUpIsChosenOnlyWhereNoneIsOpen) {
  RoutingState state = open_state();
  state.set_status({"ALPHA", GroupId{1001}, State::kRecovering, 0});
  EXPECT_EQ(choose(state, limit_order()).venue, VenueName("BETA"));
  state.set_status({"BETA", GroupId{1002}, State::kDown, 0});
  EXPECT_EQ(choose(state, limit_order()).venue, VenueName("ALPHA"));
  state.set_status({"BETA", GroupId{1002}, State::kConnecting, 0});
  EXPECT_EQ(choose(state, limit_order()).venue, VenueName("ALPHA"));
}

TEST(Routing, OnlySessionsThatAreOpenOrAboutToBeTakeOrders) {
  const std::pair<State, Reason> expected[] = {
      {State::kDown, Reason::kVenueDown},     {State::kConnecting, Reason::kNone},
      {State::kLogonSent, Reason::kNone},     {State::kRecovering, Reason::kNone},
      {State::kHalted, Reason::kVenueHalted}, {State::kKilled, Reason::kVenueKilled},
      {State::kOpen, Reason::kNone},
  };
  for (const auto& [session, reason] : expected) {
    RoutingState state = open_state();
    state.set_status({"ALPHA", GroupId{1001}, session, 0});
    EXPECT_EQ(choose(state, limit_order("ONLY")).reason, reason) << name_of(session);
    EXPECT_EQ(refusal_of(state, GroupId{1001}), reason) << name_of(session);
    // The other venue takes what it can.
    EXPECT_EQ(choose(state, limit_order()).venue,
              VenueName(session == State::kOpen ? "ALPHA" : "BETA"));
  }
  EXPECT_EQ(refusal_of(open_state(), GroupId{7}), Reason::kNoVenue);
}

TEST(Routing, InFlightLimitIsExact) {
  RoutingState state = open_state();
  state.set_status({"ALPHA", GroupId{1001}, State::kOpen, 3});
  EXPECT_EQ(choose(state, limit_order("ONLY")).reason, Reason::kNone);
  state.routed(GroupId{1001});
  EXPECT_EQ(choose(state, limit_order("ONLY")).reason, Reason::kVenueInFlightLimit);
  EXPECT_EQ(choose(state, limit_order()).venue, VenueName("BETA"));
  state.set_status({"ALPHA", GroupId{1001}, State::kOpen, 4});
  EXPECT_EQ(choose(state, limit_order("ONLY")).reason, Reason::kVenueInFlightLimit);
  state.set_status({"ALPHA", GroupId{1001}, State::kOpen, 0});
  EXPECT_EQ(choose(state, limit_order("ONLY")).reason, Reason::kNone);
}

TEST(Routing, InFlightCountDoesNotWrap) {
  RoutingState state = open_state();
  state.set_status({"ALPHA", GroupId{1001}, State::kOpen, UINT32_MAX});
  state.routed(GroupId{1001});
  EXPECT_EQ(choose(state, limit_order("ONLY")).reason, Reason::kVenueInFlightLimit);
}

TEST(Routing, ReasonIsThatOfTheVenueClosestToUsable) {
  const auto with = [](State alpha, State beta, uint32_t in_flight) {
    RoutingState state(data());
    state.set_status({"ALPHA", GroupId{1001}, alpha, in_flight});
    state.set_status({"BETA", GroupId{1002}, beta, in_flight});
    return choose(state, limit_order()).reason;
  };
  EXPECT_EQ(with(State::kDown, State::kKilled, 0), Reason::kVenueKilled);
  EXPECT_EQ(with(State::kHalted, State::kKilled, 0), Reason::kVenueHalted);
  EXPECT_EQ(with(State::kHalted, State::kOpen, 4), Reason::kVenueInFlightLimit);
  EXPECT_EQ(with(State::kOpen, State::kDown, 4), Reason::kVenueInFlightLimit);
}

TEST(Routing, TiesAreDecidedByPriorityThenName) {
  ReferenceData tied{{venue("C", 3, 7, 7, 1), venue("B", 2, 7, 7, 1), venue("A", 1, 7, 7, 2)},
                     {instrument("S", {"A", "B", "C"})}};
  std::sort(tied.venues.begin(), tied.venues.end(),
            [](const VenueEntry& a, const VenueEntry& b) { return a.group < b.group; });
  do {
    RoutingState state(tied);
    for (const VenueEntry& entry : tied.venues)
      state.set_status({entry.name, entry.group, State::kOpen, 0});
    EXPECT_EQ(choose(state, limit_order("S")).venue, VenueName("B"));
    state.set_status({"B", GroupId{2}, State::kDown, 0});
    EXPECT_EQ(choose(state, limit_order("S")).venue, VenueName("C"));
    state.set_status({"C", GroupId{3}, State::kDown, 0});
    EXPECT_EQ(choose(state, limit_order("S")).venue, VenueName("A"));
  } while (std::next_permutation(
      tied.venues.begin(), tied.venues.end(),
      [](const VenueEntry& a, const VenueEntry& b) { return a.group < b.group; }));
}

TEST(Routing, StatusOfAnUnknownVenueIsTold) {
  RoutingState state = open_state();
  const RoutingState before = state;
  EXPECT_FALSE(state.set_status({"GAMMA", GroupId{1003}, State::kOpen, 0}));
  EXPECT_EQ(state, before);
}

TEST(Routing, ReloadKeepsTheStatusOfVenuesThatStay) {
  RoutingState state = open_state();
  ReferenceData next = data();
  next.venues[0].fees.maker_ppm = 50;
  next.venues.push_back(venue("GAMMA", 1003, -100, -100));
  next.instruments[0].venues.push_back("GAMMA");
  state.load(next);
  // GAMMA would be cheapest and is down; ALPHA is now dearer than BETA.
  EXPECT_EQ(choose(state, limit_order()).venue, VenueName("BETA"));
  state.set_status({"GAMMA", GroupId{1003}, State::kOpen, 0});
  EXPECT_EQ(choose(state, limit_order()).venue, VenueName("GAMMA"));
}

// ---- a venue that went down is waited for

constexpr WallTime kNoon{Duration::seconds(43'200).ns};
constexpr Duration kGrace = Duration::seconds(2);

RoutingState waiting_state(State alpha, WallTime at = kNoon) {
  RoutingState state = open_state();
  state.set_grace(kGrace, at);
  state.set_status({"ALPHA", GroupId{1001}, alpha, 0}, at);
  return state;
}

TEST(Routing, OrdersWaitForAVenueThatWentDownForTheGraceAndAreThenRefused) {
  const RoutingState state = waiting_state(State::kDown);
  const RouteDecision first = choose(state, limit_order("ONLY"), kNoon);
  EXPECT_EQ(first.reason, Reason::kNone);
  EXPECT_EQ(first.venue, VenueName("ALPHA"));
  EXPECT_TRUE(first.waits);
  EXPECT_EQ(choose(state, limit_order("ONLY"), kNoon + kGrace).reason, Reason::kNone);
  const RouteDecision late = choose(state, limit_order("ONLY"), kNoon + kGrace + Duration{1});
  EXPECT_EQ(late.reason, Reason::kVenueDown);
  EXPECT_FALSE(late.waits);
  EXPECT_EQ(refusal_of(state, GroupId{1001}, kNoon + kGrace + Duration{1}), Reason::kVenueDown);
}

TEST(Routing, AVenueThatIsOpenIsPreferredToOneThatIsWaitedFor) {
  const RoutingState state = waiting_state(State::kDown);
  const RouteDecision decision = choose(state, limit_order(), kNoon);
  EXPECT_EQ(decision.venue, VenueName("BETA"));
  EXPECT_FALSE(decision.waits);
}

TEST(Routing, TheGraceDoesNotBeginAnewUntilTheVenueWasOpen) {
  RoutingState state = waiting_state(State::kDown);
  const WallTime second = kNoon + Duration::seconds(1);
  state.set_status({"ALPHA", GroupId{1001}, State::kConnecting, 0}, second);
  state.set_status({"ALPHA", GroupId{1001}, State::kDown, 0}, second);
  EXPECT_EQ(choose(state, limit_order("ONLY"), kNoon + kGrace + Duration{1}).reason,
            Reason::kVenueDown);
  state.set_status({"ALPHA", GroupId{1001}, State::kOpen, 0}, second);
  state.set_status({"ALPHA", GroupId{1001}, State::kDown, 0}, second);
  EXPECT_EQ(choose(state, limit_order("ONLY"), second + kGrace).reason, Reason::kNone);
}

TEST(Routing, AVenueThatSaysNoIsNotWaitedFor) {
  EXPECT_EQ(choose(waiting_state(State::kHalted), limit_order("ONLY"), kNoon).reason,
            Reason::kVenueHalted);
  EXPECT_EQ(choose(waiting_state(State::kKilled), limit_order("ONLY"), kNoon).reason,
            Reason::kVenueKilled);
}

TEST(Routing, AGatewayNeverHeardIsWaitedForTheGraceOnly) {
  RoutingState state(data());
  state.set_grace(kGrace, kNoon);
  state.set_grace(kGrace, kNoon + kGrace);  // told again: it has been waited for all the same
  EXPECT_TRUE(choose(state, limit_order("ONLY"), kNoon + kGrace).waits);
  EXPECT_EQ(choose(state, limit_order("ONLY"), kNoon + kGrace + Duration{1}).reason,
            Reason::kVenueDown);
}

TEST(Routing, WhatWaitsForAVenueIsBoundedAndMayBeWorkedOffAfterwards) {
  RoutingState state = waiting_state(State::kDown);
  constexpr auto kMost = static_cast<uint32_t>(limits::kVenueParkedMax);
  state.set_status({"ALPHA", GroupId{1001}, State::kDown, kMost - 1}, kNoon);
  EXPECT_EQ(choose(state, limit_order("ONLY"), kNoon).reason, Reason::kNone);
  state.routed(GroupId{1001});
  EXPECT_EQ(choose(state, limit_order("ONLY"), kNoon).reason, Reason::kVenueInFlightLimit);

  const WallTime back = kNoon + Duration::seconds(1);
  state.set_status({"ALPHA", GroupId{1001}, State::kOpen, kMost - 1}, back);
  const RouteDecision decision = choose(state, limit_order("ONLY"), back);
  EXPECT_EQ(decision.reason, Reason::kNone);
  EXPECT_FALSE(decision.waits);
  EXPECT_EQ(choose(state, limit_order("ONLY"), back + kGrace + Duration{1}).reason,
            Reason::kVenueInFlightLimit);
}

std::shared_ptr<std::vector<RouteRequest>> three() {
  return std::make_shared<std::vector<RouteRequest>>(
      std::vector<RouteRequest>{limit_order("ONLY"), limit_order("ONLY"), limit_order("NONE")});
}

TEST(RoutingStage, AnswersNotReadyUntilItHasAState) {
  RoutingStage stage;
  stage.status({{"ALPHA", GroupId{1001}, State::kOpen, 0}, {}});
  const auto answer = stage.route({BatchId{7}, three(), {}});
  ASSERT_TRUE(std::holds_alternative<RoutingNotReady>(answer));
  EXPECT_EQ(std::get<RoutingNotReady>(answer).batch, BatchId{7});
}

TEST(RoutingStage, CountsEachChoiceForTheNextOne) {
  RoutingStage stage;
  RoutingState state = open_state();
  state.set_status({"ALPHA", GroupId{1001}, State::kOpen, 3});
  stage.rebuild({std::make_shared<RoutingState>(state)});
  const auto answer = stage.route({BatchId{8}, three(), {}});
  ASSERT_TRUE(std::holds_alternative<Routes>(answer));
  const auto& routes = std::get<Routes>(answer);
  EXPECT_EQ(routes.batch, BatchId{8});
  ASSERT_EQ(routes.decisions->size(), 3u);
  EXPECT_EQ((*routes.decisions)[0].venue, VenueName("ALPHA"));
  EXPECT_EQ((*routes.decisions)[1].reason, Reason::kVenueInFlightLimit);
  EXPECT_EQ((*routes.decisions)[2].reason, Reason::kNoVenue);
  EXPECT_EQ(stage.counters().routed, 1u);
  EXPECT_EQ(stage.counters().refused, 2u);

  stage.status({{"ALPHA", GroupId{1001}, State::kHalted, 0}, {}});
  stage.status({{"GAMMA", GroupId{1003}, State::kOpen, 0}, {}});
  const auto after = stage.route({BatchId{9}, three(), {}});
  EXPECT_EQ((*std::get<Routes>(after).decisions)[0].reason, Reason::kVenueHalted);
  EXPECT_EQ(stage.counters().unknown_venues, 1u);
}

}  // namespace
}  // namespace holdfast::routing
