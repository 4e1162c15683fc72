// Risk and routing as actors of one loop: the messages go through mailboxes, and what comes out is
// what the uncut cores say, also when an actor dies on the way and is made again.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "actors/risk/risk_actor.hpp"
#include "actors/routing/routing_actor.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/room_messages.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "tests/unit/risk/risk_fixture.hpp"

/// Asks the order manager of these tests to place a batch, or to pass on a fact.
struct PlaceBatch {
  std::shared_ptr<const std::vector<holdfast::risk::RiskOrder>> orders;
  holdfast::WallTime now;
};
struct PassOn {
  std::shared_ptr<const holdfast::risk::RiskDelta> delta;
};
/// Tells it which actors its stages are now.
struct UseStages {
  holdfast::ActorHandle risk, routing;
};
HOLDFAST_LOCAL_MESSAGE(UseStages)
HOLDFAST_LOCAL_MESSAGE(PlaceBatch)
HOLDFAST_LOCAL_MESSAGE(PassOn)

namespace holdfast::risk::test {
namespace {

/// What the order manager has seen, shared with the test.
struct Desk {
  RiskState shard;
  std::map<uint64_t, std::vector<RiskDecision>> verdicts;          // by batch
  std::map<uint64_t, std::vector<routing::RouteDecision>> routes;  // by batch
  int asked_again = 0;
};

/// The order manager cut down to its two hops: orders wait here until both stages have answered. A
/// stage that answers "not ready" gets its state and the question again.
class OrderManager final : public LoopActor {
 public:
  OrderManager(ActorConfig& config, Desk& desk, const routing::RoutingState& venues)
      : LoopActor(config), desk_(desk), venues_(std::make_shared<routing::RoutingState>(venues)) {}

  Behavior make_behavior() override {
    return {
        [this](const UseStages& stages) {
          risk_ = stages.risk;
          routing_ = stages.routing;
        },
        [this](const PlaceBatch& batch) { ask_risk(next_batch_++, batch); },
        [this](const PassOn& fact) { pass_on(*fact.delta); },
        [this](const RiskVerdicts& verdicts) { heard(verdicts); },
        [this](const RiskNotReady& answer) { rebuild_risk(answer); },
        [this](const routing::Routes& routes) { routed(routes); },
        [this](const routing::RoutingNotReady& answer) { rebuild_routing(answer); },
    };
  }

 private:
  void ask_risk(uint64_t batch, const PlaceBatch& placed) {
    waiting_[batch] = placed;
    send(risk_, RiskCheckBatch{{batch}, generation_, placed.now, placed.orders});
  }
  void pass_on(const RiskDelta& delta) {
    risk::apply(desk_.shard, delta);
    send(risk_, RiskCommitted{generation_, std::make_shared<const std::vector<RiskDelta>>(
                                               std::vector<RiskDelta>{delta})});
  }
  void heard(const RiskVerdicts& verdicts) {
    if (verdicts.generation != generation_) return;
    const PlaceBatch batch = waiting_.at(verdicts.batch.value);
    auto requests = std::make_shared<std::vector<routing::RouteRequest>>();
    for (std::size_t i = 0; i < batch.orders->size(); ++i) {
      const RiskOrder& order = (*batch.orders)[i];
      const RiskDecision& decision = (*verdicts.decisions)[i];
      risk::apply(desk_.shard, consequence(order, decision));
      if (decision.approved)
        requests->push_back({order.order, order.symbol, order.type, TimeInForce::kDay});
    }
    desk_.verdicts[verdicts.batch.value] = *verdicts.decisions;
    routing_waits_[verdicts.batch.value] = requests;
    send(routing_, routing::RouteBatch{verdicts.batch, requests});
  }
  void rebuild_risk(const RiskNotReady& answer) {
    desk_.asked_again += 1;
    // Several answers may come for one death: the first rebuilds.
    if (answer.generation < generation_) generation_.value += 1;
    send(risk_, RiskRebuild{generation_, std::make_shared<RiskState>(desk_.shard)});
    ask_risk(answer.batch.value, waiting_.at(answer.batch.value));
  }
  void routed(const routing::Routes& routes) {
    const auto requests = routing_waits_.at(routes.batch.value);
    std::vector<RiskDelta> releases;
    for (std::size_t i = 0; i < requests->size(); ++i) {
      if ((*routes.decisions)[i].reason == Reason::kNone) continue;
      releases.push_back(Released{(*requests)[i].order});
      risk::apply(desk_.shard, releases.back());
    }
    desk_.routes[routes.batch.value] = *routes.decisions;
    waiting_.erase(routes.batch.value);
    if (releases.empty()) return;
    send(risk_, RiskRelease{generation_, std::make_shared<const std::vector<RiskDelta>>(releases)});
  }
  void rebuild_routing(const routing::RoutingNotReady& answer) {
    desk_.asked_again += 1;
    send(routing_, routing::RoutingRebuild{venues_});
    send(routing_, routing::RouteBatch{answer.batch, routing_waits_.at(answer.batch.value)});
  }

  Desk& desk_;
  std::shared_ptr<const routing::RoutingState> venues_;
  ActorHandle risk_, routing_;
  Generation generation_{0};
  uint64_t next_batch_ = 1;
  std::map<uint64_t, PlaceBatch> waiting_;
  std::map<uint64_t, std::shared_ptr<const std::vector<routing::RouteRequest>>> routing_waits_;
};

/// "S" trades on a venue that is open, "DOWN" on one that is not.
routing::RoutingState venues() {
  ReferenceData data;
  data.venues = {{"UP", {1001}, 1'000'000, 0, {}}, {"OFF", {1002}, 1'000'000, 0, {}}};
  for (const char* symbol : {"S", "DOWN"})
    data.instruments.push_back({.symbol = symbol,
                                .tick = {1},
                                .lot = {1},
                                .price_max = Price::whole(1'000),
                                .quantity_max = Quantity::whole(1'000),
                                .previous_close = {},
                                .previous_close_time = {},
                                .venues = {symbol[0] == 'S' ? "UP" : "OFF"}});
  EXPECT_TRUE(validate(data).ok());
  routing::RoutingState state(data);
  state.set_status({"UP", {1001}, VenueSessionState::kOpen, 0});
  state.set_status({"OFF", {1002}, VenueSessionState::kDown, 0});
  return state;
}

class StageActors : public ::testing::Test {
 protected:
  StageActors() {
    desk_.shard = start();
    manager_ = spawn_on<OrderManager>(system_.get(), loop_, desk_, venues());
    restart();
  }
  ~StageActors() override { loop_.close(); }

  static RiskState start() {
    RiskState state = world();
    state.apply(
        ReferencePriceSet{"DOWN", ReferenceSource::kPreviousClose, Price::whole(100), kStart});
    set_limit(state, LimitKind::kPositionMax, Quantity::whole(60).units);
    set_limit(state, LimitKind::kMessagesMax, 300);
    return state;
  }
  void settle() {
    for (int i = 0; i < 100; ++i) loop_.turn();
  }
  /// Both stages die and are made again, as a supervisor would.
  void restart() {
    for (const ActorHandle& old : {risk_, routing_})
      if (old) send_kill(old);
    risk_ = spawn_on<RiskActor>(system_.get(), loop_);
    routing_ = spawn_on<routing::RoutingActor>(system_.get(), loop_);
    anon_send(manager_, UseStages{risk_, routing_});
  }
  void place(std::vector<RiskOrder> orders, WallTime now) {
    anon_send(manager_,
              PlaceBatch{std::make_shared<std::vector<RiskOrder>>(std::move(orders)), now});
  }
  void pass_on(RiskDelta delta) {
    anon_send(manager_, PassOn{std::make_shared<RiskDelta>(std::move(delta))});
  }

  Desk desk_;
  ActorSystem system_;
  HotLoop loop_;
  ActorHandle manager_, risk_, routing_;
};

TEST_F(StageActors, FirstQuestionBringsTheStateAndThenTheAnswer) {
  place({buy(1, 10), buy(2, 100)}, kStart);
  settle();
  ASSERT_EQ(desk_.verdicts.size(), 1u);
  EXPECT_TRUE(desk_.verdicts[1][0].approved);
  EXPECT_EQ(desk_.verdicts[1][1].reason, Reason::kPositionLimit);
  ASSERT_EQ(desk_.routes[1].size(), 1u);
  EXPECT_EQ(desk_.routes[1][0].venue, VenueName("UP"));
  EXPECT_EQ(desk_.asked_again, 2);  // once risk, once routing
  EXPECT_EQ(desk_.shard.open_orders(), 1u);
}

TEST_F(StageActors, WhatFindsNoVenueGivesItsRoomBack) {
  RiskOrder nowhere = buy(1, 60);
  nowhere.symbol = "DOWN";
  place({nowhere}, kStart);
  settle();
  EXPECT_TRUE(desk_.verdicts[1][0].approved);
  EXPECT_EQ(desk_.routes[1][0].reason, Reason::kVenueDown);
  EXPECT_EQ(desk_.shard.open_orders(), 0u);
  nowhere.order = {2};
  place({nowhere}, kStart);
  settle();
  EXPECT_TRUE(desk_.verdicts[2][0].approved);
}

TEST_F(StageActors, RandomFlowWithRestartsGetsTheVerdictsOfTheUncutCore) {
  int approved = 0, refused = 0, restarts = 0;
  RiskState uncut = start();
  std::mt19937_64 random(11);
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  WallTime now = kStart;
  uint64_t next_id = 1, batch = 1;
  for (int step = 0; step < 400; ++step, ++batch) {
    now = now + Duration::milliseconds(pick(0, 9));
    std::vector<RiskOrder> orders;
    for (int64_t n = pick(1, 5); n > 0; --n) {
      const char* accounts[] = {"A", "B", "C"};
      orders.push_back(order(next_id++, pick(0, 1) ? Side::kBuy : Side::kSell, pick(1, 12),
                             pick(97, 103), accounts[pick(0, 2)]));
      if (pick(0, 7) == 0) orders.back().symbol = "DOWN";
    }
    std::vector<RiskDecision> expected;
    for (const RiskOrder& o : orders) {
      expected.push_back(check(uncut, o, now));
      risk::apply(uncut, consequence(o, expected.back()));
      (expected.back().approved ? approved : refused) += 1;
    }
    for (std::size_t i = 0; i < orders.size(); ++i)
      if (expected[i].approved && orders[i].symbol == Symbol("DOWN"))
        uncut.apply(Released{orders[i].order});
    place(orders, now);
    settle();
    ASSERT_EQ(desk_.verdicts[batch], expected);

    // What the venue says about some order, known or not.
    const RiskOrder& about =
        orders[static_cast<std::size_t>(pick(0, static_cast<int64_t>(orders.size()) - 1))];
    const RiskDelta fact = pick(0, 1) ? RiskDelta{Released{about.order}}
                                      : RiskDelta{fill(about, pick(1, 12), 100, 0, now)};
    risk::apply(uncut, fact);
    pass_on(fact);
    if (pick(0, 9) == 0) {
      restart();
      ++restarts;
    }
  }
  settle();
  EXPECT_EQ(desk_.shard, uncut);
  EXPECT_GT(approved, 200);
  EXPECT_GT(refused, 200);
  EXPECT_GT(restarts, 10);
  EXPECT_EQ(desk_.verdicts.size(), 400u);
}

}  // namespace
}  // namespace holdfast::risk::test
