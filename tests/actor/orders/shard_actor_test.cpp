// The order manager's actor: the whole way through its stages, output commit, restarts from the
// journal, stages that are away, deliveries that get lost, inputs that kill.
#include "tests/actor/orders/shard_actor_fixture.hpp"

namespace holdfast::orders {
namespace {

using testing::kShardGroup;
using testing::kVenueGroup;
using testing::q;
using testing::Shard;
using K = VenueReportKind;

class ShardActor : public testing::ShardActorTest {};

TEST_F(ShardActor, TakesAnOrderThroughItsStagesToTheVenueAndBack) {
  start_all();
  to_shard(SubscribeReports{{7}, "M1", {1}});
  ask({Shard::order("A"), Shard::order("B", Side::kSell, 50, 101)});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 2; }));
  ASSERT_EQ(heard.replies.size(), 2u);
  EXPECT_TRUE(heard.replies[0].accepted);
  EXPECT_EQ(heard.replies[0].ticket.request, 1u);
  EXPECT_EQ(heard_gateway.requests[0].wire, WireOrderId("H1-1"));
  EXPECT_EQ(heard_gateway.sequences, (std::vector<uint64_t>{1, 2}));
  hear(
      {report(heard_gateway.requests[0], K::kAccepted), words.fill(heard_gateway.requests[0], 100)},
      2);
  ASSERT_TRUE(until([&] { return heard_gateway.acknowledged.value == 2; }));
  ASSERT_EQ(heard.subscribed.size(), 1u);
  ASSERT_EQ(heard.reports.size(), 2u);
  EXPECT_EQ(heard.reports[1].state, OrderState::kFilled);
  EXPECT_EQ(heard.reports[1].sequence.value, 2u);
}

TEST_F(ShardActor, AnAcknowledgementGoesWithTheNextRequest) {
  setup.check = Duration::seconds(3'600);
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  hear({report(heard_gateway.requests[0], K::kAccepted)}, 1);
  settle();
  EXPECT_EQ(heard_gateway.acknowledged.value, 0u) << "told alone it costs the gateway an entry";
  ask({Shard::order("B")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 2; }));
  EXPECT_EQ(heard_gateway.acknowledged.value, 1u);
}

TEST_F(ShardActor, ManyAcknowledgementsDoNotWait) {
  setup.check = Duration::seconds(3'600);
  start_all();
  ask({Shard::order("A", Side::kBuy, 10'000)});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  const VenueRequest sent = heard_gateway.requests[0];
  std::vector<VenueReport> fills;
  for (std::size_t i = 0; i < limits::kOutboxInFlightMax / 4; ++i)
    fills.push_back(words.fill(sent, 1));
  hear(fills, 1);
  ASSERT_TRUE(until([&] { return heard_gateway.acknowledged.value == fills.size(); }));
}

TEST_F(ShardActor, NothingLeaksBeforeItsCommit) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  const VenueRequest sent = heard_gateway.requests.at(0);
  heard = {};
  heard_gateway = {};
  store->automatic = false;
  ask({Shard::order("B"), Shard::order("B"), Shard::order("A"), Shard::cancel("C", "A"),
       MassCancel{"M1", "M", {}, {}}});
  settle();
  to_shard(SubscribeReports{{7}, "M1", {1}});
  ask({Shard::order("B")});
  OrdersQuery query;
  query.account = "M1";
  to_shard(query);
  to_shard(OrderHistoryQuery{1, {}, "M1", "B"});
  to_shard(ShardQuery{1});
  to_shard(OrderQuery{{{7}, 99}, "C1", "M1", "B"});
  SetKill kill;
  to_shard(kill);
  hear({report(sent, K::kAccepted)});
  settle();
  EXPECT_TRUE(heard.replies.empty()) << "duplicates of what is not committed included";
  EXPECT_TRUE(heard.pages.empty() && heard.histories.empty() && heard.shards.empty());
  EXPECT_TRUE(heard.views.empty() && heard.done.empty());
  EXPECT_TRUE(heard.reports.empty() && heard.subscribed.empty());
  EXPECT_TRUE(heard_gateway.requests.empty());
  EXPECT_EQ(heard_gateway.acknowledged.value, 0u);
  EXPECT_EQ(heard.errors, 0);
  // One burst releases it all, in order.
  loop.post([this] {
    store->automatic = true;
    store->commit_all();
  });
  ASSERT_TRUE(until([&] { return heard.replies.size() == 6; }));
  ASSERT_TRUE(until([&] { return heard.done.size() == 1 && heard.views.size() == 1; }));
  EXPECT_EQ(heard.pages.size(), 1u);
  EXPECT_EQ(heard.histories.size(), 1u);
  EXPECT_TRUE(heard.histories[0]->found);
  EXPECT_FALSE(heard.replies[0].duplicate);
  EXPECT_TRUE(heard.replies[1].duplicate);
  for (std::size_t i = 0; i < heard.reports.size(); ++i)
    EXPECT_EQ(heard.reports[i].sequence.value, i + 1);
}

TEST_F(ShardActor, RequestsWaitWhileOtherMembersAreBehindAndNoneIsRefused) {
  start_all();
  store->automatic = false;
  const uint64_t before = store->entries.size();
  constexpr uint64_t kMore = 100;
  for (uint64_t i = 0; i < limits::kEntriesInFlightMax + kMore; ++i) {
    ask({Shard::order(("O" + std::to_string(i)).c_str())}, Duration::seconds(3'600));
    loop.turn();
  }
  settle();
  EXPECT_EQ(store->entries.size(), before + limits::kEntriesInFlightMax) << "no further";
  EXPECT_TRUE(heard.replies.empty());
  store->automatic = true;
  loop.enter([&] { store->commit_all(); });
  ASSERT_TRUE(until([&] { return heard.replies.size() == limits::kEntriesInFlightMax + kMore; }));
  for (const OrderReply& reply : heard.replies) EXPECT_TRUE(reply.accepted);
}

TEST_F(ShardActor, WhatWasNeverCommittedIsNeverTold) {
  start_all();
  store->automatic = false;
  const std::size_t before = store->entries.size();
  ask({Shard::order("A")});
  settle();
  ASSERT_GT(store->entries.size(), before);
  send_kill(shard);
  ASSERT_TRUE(shard_is_down());
  EXPECT_TRUE(heard.replies.empty());
  EXPECT_TRUE(heard_gateway.requests.empty());
}

TEST_F(ShardActor, RestartsFromItsJournalWithNothingLost) {
  start_all();
  ask({Shard::order("A"), Shard::order("B")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 2; }));
  hear({report(heard_gateway.requests[0], K::kAccepted)}, 1);
  ASSERT_TRUE(until([&] { return heard_gateway.acknowledged.value == 1; }));
  int fuse = 1;
  bomb = [&] { return fuse-- == 0; };  // in the middle of an entry
  ask({Shard::order("X"), Shard::order("Y")});
  ASSERT_TRUE(shard_is_down());
  bomb = nullptr;
  heard = {};
  heard_gateway = {};
  restart();
  ASSERT_TRUE(until([&] { return !heard_gateway.requests.empty(); }));
  // Item 2 was not acknowledged: the same again. Item 1 was.
  EXPECT_EQ(heard_gateway.sequences, std::vector<uint64_t>{2});
  EXPECT_EQ(heard_gateway.requests[0].client_order_id, ClientOrderId("B"));
  ASSERT_FALSE(heard_gateway.leads.empty());
  EXPECT_EQ(heard_gateway.leads.back().cursor.value, 1u);
  EXPECT_EQ(heard_gateway.leads.back().epoch.value, 2u);
  ask({Shard::order("A"), Shard::order("X")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 2; }));
  EXPECT_TRUE(heard.replies[0].duplicate);
  EXPECT_EQ(heard.replies[0].state, OrderState::kAccepted);
  EXPECT_FALSE(heard.replies[1].duplicate) << "X was never committed, so it is new";
  EXPECT_TRUE(heard.replies[1].accepted);
}

TEST_F(ShardActor, WhoIsDeposedInTheTurnInWhichItLedEndsInGoodOrder) {
  store->standby = true;
  start();
  ASSERT_TRUE(store->client != nullptr);
  loop.enter([&] {
    store->client->lead({store->epoch + 1});
    store->client->deposed("another leads");
  });
  ASSERT_TRUE(shard_is_down());
  EXPECT_EQ(events["deposed"], 1);
  EXPECT_EQ(events["leads"], 0);
}

// What was taken in the log's tail can still be lost: the gateway must not forget it.
TEST_F(ShardActor, NoCursorIsToldBeforeTheEpochStartIsCommitted) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  hear({report(heard_gateway.requests[0], K::kAccepted)}, 1);
  ASSERT_TRUE(until([&] { return heard_gateway.acknowledged.value == 1; }));
  send_kill(shard);
  ASSERT_TRUE(shard_is_down());
  heard_gateway = {};
  store->standby = true;
  restart();
  store->automatic = false;
  loop.enter([&] { store->client->lead({store->epoch + 1}); });
  settle();
  to_shard(GroupLeads{kVenueGroup, {5}, {1}}, true);
  settle();
  for (const GroupLeads& leads : heard_gateway.leads) EXPECT_EQ(leads.cursor.value, 0u);
  EXPECT_EQ(heard_gateway.acknowledged.value, 0u);
  store->automatic = true;
  loop.enter([&] { store->commit_all(); });
  ASSERT_TRUE(until([&] {
    return !heard_gateway.leads.empty() && heard_gateway.leads.back().cursor.value == 1;
  }));
}

TEST_F(ShardActor, ReportsResumeAfterARestartWithoutGap) {
  start_all();
  ask({Shard::order("A", Side::kBuy, 1'000)});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  const VenueRequest sent = heard_gateway.requests[0];
  for (int i = 0; i < 10; ++i) hear({words.fill(sent, 1)});
  ASSERT_TRUE(until([&] { return heard_gateway.acknowledged.value == 10; }));
  send_kill(shard);
  ASSERT_TRUE(shard_is_down());
  restart();
  to_shard(SubscribeReports{{8}, "M1", {4}});
  hear({words.fill(sent, 1)});
  ASSERT_TRUE(until([&] { return heard.reports.size() == 8; }));
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(heard.reports[i].sequence.value, i + 4);
}

TEST_F(ShardActor, OrdersWaitForRiskAndThenFailClosed) {
  start();  // no stages
  ask({Shard::order("A")}, Duration::milliseconds(20));
  settle();
  EXPECT_TRUE(heard.replies.empty());
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  EXPECT_EQ(heard.replies[0].reason, Reason::kRiskUnavailable);
  EXPECT_TRUE(heard_gateway.requests.empty());
  to_shard(ShardQuery{1});
  ASSERT_TRUE(until([&] { return heard.shards.size() == 1; }));
  EXPECT_EQ(heard.shards[0]->refused_risk_unavailable, 1u);
  EXPECT_NE(heard.shards[0]->state_hash, 0u);
}

TEST_F(ShardActor, OrdersThatWaitGoOnWhenRiskIsBack) {
  start_all();
  send_kill(risk);
  risk = nullptr;
  settle();
  ask({Shard::order("A")}, Duration::seconds(100));
  settle();
  EXPECT_TRUE(heard.replies.empty());
  risk = spawn_on<risk::RiskActor>(system.get(), loop);
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  EXPECT_TRUE(heard.replies[0].accepted);
  // The rebuilt stage counts what is in flight: a second such order would be above the limit.
  EXPECT_EQ(events["risk_down"], 1);
}

TEST_F(ShardActor, CancelsOvertakeWhileRiskIsAway) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  send_kill(risk);
  risk = nullptr;
  settle();
  ask({Shard::order("B"), Shard::cancel("C", "A"), Shard::cancel("D", "B")},
      Duration::seconds(100));
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 2; }));
  EXPECT_EQ(heard_gateway.requests[1].kind, VenueRequestKind::kCancel);
  ASSERT_EQ(heard.replies.size(), 2u) << "the cancel of B waits behind B";
}

TEST_F(ShardActor, AQuietGatewayGetsItAgainInOrderAndAtMostAWindow) {
  start_all();
  std::vector<decltype(OrderRequest::body)> orders;
  for (int i = 0; i < 20; ++i) orders.push_back(Shard::order(("A" + std::to_string(i)).c_str()));
  ask(orders);
  ASSERT_TRUE(until([&] { return heard_gateway.sequences.size() == 20; }));
  // Nobody acknowledged: after a while the same again.
  ASSERT_TRUE(until([&] { return heard_gateway.sequences.size() >= 40; }));
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(heard_gateway.sequences[i], i + 1);
    EXPECT_EQ(heard_gateway.sequences[20 + i], i + 1);
    EXPECT_EQ(heard_gateway.requests[20 + i], heard_gateway.requests[i]);
  }
  hear({}, 20);
  to_shard(ShardQuery{1});
  ASSERT_TRUE(until([&] { return heard.shards.size() == 1; }));
  EXPECT_EQ(heard.shards[0]->links[0].outbox, 0u);
}

TEST_F(ShardActor, AGatewayThatLeadsAgainGetsWhatLiesAboveItsCursor) {
  start_all();
  ask({Shard::order("A"), Shard::order("B"), Shard::order("C")});
  ASSERT_TRUE(until([&] { return heard_gateway.sequences.size() == 3; }));
  heard_gateway.sequences.clear();
  to_shard(GroupLeads{kVenueGroup, {5}, {1}}, true);
  ASSERT_TRUE(until([&] { return heard_gateway.sequences.size() == 2; }));
  EXPECT_EQ(heard_gateway.sequences, (std::vector<uint64_t>{2, 3}));
}

TEST_F(ShardActor, AGatewayThatSpokeBeforeTheReferenceDataIsAskedAgain) {
  setup.retransmit = Duration::seconds(3600);
  setup.venue_grace = {};
  store->automatic = false;
  start_stages();
  start();
  loop.enter([&] { store->committed({1}); });  // the epoch start, not yet what is traded where
  to_shard(GroupLeads{kVenueGroup, {5}, {}}, true);
  open_venue();
  settle();
  heard_gateway.leads.clear();
  store->automatic = true;
  loop.enter([&] { store->commit_all(); });
  ASSERT_TRUE(until([&] { return !heard_gateway.leads.empty(); }));
  open_venue();  // its answer
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  EXPECT_TRUE(heard.replies[0].accepted);
}

TEST_F(ShardActor, AGatewayIsAskedAgainUntilItSaysHowItsVenueIs) {
  setup.retransmit = Duration{1};
  start_stages();
  start();
  ASSERT_TRUE(until([&] { return heard_gateway.leads.size() > 3; })) << heard_gateway.leads.size();
  to_shard(VenueStatus{"XSIM", kVenueGroup, VenueSessionState::kHalted, 0});
  settle();
  heard_gateway.leads.clear();
  settle();
  EXPECT_TRUE(heard_gateway.leads.empty());
}

TEST_F(ShardActor, OrdersWaitForAGatewayThatIsLostAndGoOutInOrder) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  send_kill(gateway);
  gateway = nullptr;
  settle();
  to_shard(VenueStatus{"XSIM", kVenueGroup, VenueSessionState::kDown, 0});
  ask({Shard::order("B")});
  ask({Shard::order("C")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 3; }));
  for (const OrderReply& reply : heard.replies) EXPECT_TRUE(reply.accepted);

  heard_gateway = {};
  gateway = spawn_on<testing::Listener>(system.get(), loop, heard_gateway);
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() >= 3; }));
  EXPECT_EQ(heard_gateway.sequences, (std::vector<uint64_t>{1, 2, 3}));
  EXPECT_EQ(heard_gateway.requests[1].client_order_id, ClientOrderId("B"));
  EXPECT_EQ(heard_gateway.requests[2].client_order_id, ClientOrderId("C"));
}

TEST_F(ShardActor, OrdersForAVenueThatStaysAwayAreRefused) {
  start_all();
  send_kill(gateway);
  gateway = nullptr;
  settle();
  wall = wall + setup.venue_grace + Duration::seconds(1);
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  EXPECT_FALSE(heard.replies[0].accepted);
  EXPECT_EQ(heard.replies[0].reason, Reason::kVenueDown);
}

TEST_F(ShardActor, AnInputThatKillsItTwiceIsSetAside) {
  start_all();
  bool armed = true;
  const auto poison = [&] {
    ask({Shard::order("POISON")});
    ask({Shard::order("GOOD")});
  };
  for (int life = 0; life < 2; ++life) {
    int fuse = 1;  // the clock is read before the decision begins, then in it
    bomb = [&armed, fuse]() mutable { return armed && fuse-- == 0; };
    ask({Shard::order("POISON")});
    ASSERT_TRUE(shard_is_down()) << life;
    bomb = nullptr;
    restart();
  }
  armed = false;
  EXPECT_EQ(events["input_quarantined"], 1);
  heard = {};
  poison();
  ASSERT_TRUE(until([&] { return heard.replies.size() == 2; }));
  EXPECT_EQ(heard.replies[0].reason, Reason::kQuarantined);
  EXPECT_TRUE(heard.replies[1].accepted) << "everybody else goes on";
  to_shard(ForgivePoison{4});
  ask({Shard::order("POISON")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 3; }));
  EXPECT_TRUE(heard.replies[2].accepted);
}

TEST_F(ShardActor, AReportThatKillsItTwiceStopsItsStreamAndNothingElse) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  const VenueRequest sent = heard_gateway.requests[0];
  const VenueReport poison = report(sent, K::kAccepted);
  for (int life = 0; life < 2; ++life) {
    venue_sequence = 0;
    bomb = [] { return true; };
    hear({poison});
    ASSERT_TRUE(shard_is_down()) << life;
    bomb = nullptr;
    restart();
  }
  for (int again = 0; again < 3; ++again) {
    venue_sequence = 0;
    hear({poison, words.fill(sent, 1)});
  }
  ask({Shard::order("B")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 2; }));
  EXPECT_TRUE(heard.replies[1].accepted);
  EXPECT_EQ(events["venue_stream_halted"], 1) << "one alarm, not one for each repetition";
  EXPECT_EQ(heard_gateway.acknowledged.value, 0u) << "nothing of the stream is skipped";
  to_shard(ForgivePoison{1});
  venue_sequence = 0;
  hear({poison, words.fill(sent, 1)});
  EXPECT_TRUE(until([&] { return heard_gateway.acknowledged.value == 2; }));
}

TEST_F(ShardActor, ADamagedJournalKeepsItDown) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  send_kill(shard);
  ASSERT_TRUE(shard_is_down());
  store->entries.rbegin()->second[70] ^= std::byte{1};
  start();
  EXPECT_EQ(events["start_failed"], 1);
  EXPECT_EQ(store->logs, 0);
}

TEST_F(ShardActor, AFailedJournalStopsServing) {
  start_all();
  loop.post([this] { store->failed(Error{ErrorCode::kIo, "the disk is full"}); });
  settle();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  EXPECT_EQ(heard.replies[0].reason, Reason::kNotServing);
  EXPECT_EQ(events["journal_failed"], 1);
}

TEST_F(ShardActor, OperatorsSeeOrdersChecksAndKills) {
  start_all();
  ask({Shard::order("A"), Shard::order("B", Side::kBuy, 100, 100, "M2")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 2; }));
  to_shard(OrderHistoryQuery{11, {}, "M1", "A"});
  to_shard(LeafQuery{"node/orders/shard-0", 1, 10});
  SetKill kill;
  kill.ticket = 12;
  kill.kill.operator_name = "op";
  to_shard(kill);
  ASSERT_TRUE(until([&] { return heard.done.size() == 1; }));
  ASSERT_EQ(heard.histories.size(), 1u);
  EXPECT_EQ(heard.histories[0]->ticket, 11u);
  EXPECT_FALSE(heard.histories[0]->checks.empty()) << "with the numbers that risk used";
  for (const PolicyCheck& c : heard.histories[0]->checks) EXPECT_TRUE(c.passed);
  ASSERT_EQ(heard.leaves.size(), 1u);
  EXPECT_EQ(heard.leaves[0].total, 2u);
  ASSERT_EQ(heard.leaves[0].rows.size(), 1u) << "from the second on";
  EXPECT_EQ(heard.done[0].ticket, 12u);
  EXPECT_EQ(heard.done[0].cancelled, 2u);
  EXPECT_GT(heard.done[0].index.value, 0u);
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 4; }));
  ask({Shard::order("C")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 3; }));
  EXPECT_EQ(heard.replies[2].reason, Reason::kKilled) << "the stage has heard of the kill";
}

TEST_F(ShardActor, NoOrderSlipsThroughBehindAKillThatIsNotCommittedYet) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard_gateway.requests.size() == 1; }));
  store->automatic = false;
  to_shard(SetKill{});
  ask({Shard::order("B")});
  settle();
  loop.post([this] {
    store->automatic = true;
    store->commit_all();
  });
  ASSERT_TRUE(until([&] { return heard.replies.size() == 2 && heard.done.size() == 1; }));
  EXPECT_EQ(heard.replies[1].reason, Reason::kKilled);
  EXPECT_EQ(heard.done[0].cancelled, 1u);
}

TEST_F(ShardActor, ItsSupervisorMakesItAgainAndNothingIsLost) {
  start_stages();
  auto registry = std::make_shared<RefRegistry>();
  SupervisorSetup supervisor;
  supervisor.path = "orders";
  supervisor.registry = registry;
  ChildDefinition child;
  child.spec.id = "shard-0";
  child.make = [this](const ChildContext& context) {
    return spawn_shard(context.system, loop, setup);
  };
  supervisor.children.push_back(child);
  const ActorHandle root = spawn_supervisor(system.get(), supervisor, &loop);
  settle();
  const auto find = [&] {
    shard = registry->find("orders/shard-0");
    return shard != nullptr;
  };
  int accepted = 0;
  for (int life = 0; life < 5; ++life) {
    ASSERT_TRUE(until(find));
    open_venue();
    const std::size_t before = heard.replies.size();
    ask({Shard::order(("A" + std::to_string(life)).c_str())});
    ASSERT_TRUE(until([&] { return heard.replies.size() == before + 1; }));
    accepted += heard.replies.back().accepted;
    int fuse = 1;
    bomb = [&] { return fuse-- == 0; };
    ask({Shard::order(("B" + std::to_string(life)).c_str())});
    const int leads = events["leads"];
    ASSERT_TRUE(until([&] { return events["leads"] == leads + 1; })) << life;
    bomb = nullptr;
  }
  ASSERT_TRUE(until(find));
  EXPECT_EQ(accepted, 5);
  OrdersQuery query;
  query.account = "M1";
  to_shard(query);
  ASSERT_TRUE(until([&] { return heard.pages.size() == 1; }));
  EXPECT_EQ(heard.pages[0]->orders.size(), 5u);
  send_shutdown(root);
  ASSERT_TRUE(shard_is_down());
}

TEST_F(ShardActor, PausedIntakeStillCancels) {
  start_all();
  ask({Shard::order("A")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 1; }));
  to_shard(PauseOrders{true});
  ask({Shard::order("B"), Shard::cancel("C", "A")});
  ASSERT_TRUE(until([&] { return heard.replies.size() == 3; }));
  EXPECT_EQ(heard.replies[1].reason, Reason::kNotServing);
  EXPECT_TRUE(heard.replies[2].accepted);
}

}  // namespace
}  // namespace holdfast::orders
