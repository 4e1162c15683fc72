// The stage: reservations inside a batch, generations, and the same verdicts as the uncut core.
#include "actors/risk/stage.hpp"

#include <deque>
#include <functional>
#include <random>

#include "tests/unit/risk/risk_fixture.hpp"

namespace holdfast::risk::test {
namespace {

std::shared_ptr<const std::vector<RiskOrder>> batch_of(std::vector<RiskOrder> orders) {
  return std::make_shared<std::vector<RiskOrder>>(std::move(orders));
}
std::shared_ptr<const std::vector<RiskDelta>> deltas_of(std::vector<RiskDelta> deltas) {
  return std::make_shared<std::vector<RiskDelta>>(std::move(deltas));
}
RiskRebuild rebuild_of(const RiskState& state, uint64_t generation = 1) {
  return {{generation}, std::make_shared<RiskState>(state)};
}
const std::vector<RiskDecision>& decisions_of(
    const std::variant<RiskVerdicts, RiskNotReady>& answer) {
  return *std::get<RiskVerdicts>(answer).decisions;
}

TEST(RiskStage, AnswersNotReadyUntilItHasACopy) {
  RiskStage stage;
  EXPECT_FALSE(stage.ready());
  const auto answer = stage.check({{5}, {1}, kStart, batch_of({buy(1, 1)})});
  ASSERT_TRUE(std::holds_alternative<RiskNotReady>(answer));
  EXPECT_EQ(std::get<RiskNotReady>(answer).batch, BatchId{5});
  EXPECT_FALSE(std::get<RiskNotReady>(answer).generation);
  EXPECT_EQ(stage.counters().not_ready, 1u);
  stage.commit({{1}, deltas_of({Released{{1}}})});
  EXPECT_EQ(stage.counters().stale, 1u);
}

TEST(RiskStage, EachApprovalReservesForTheNextOrder) {
  RiskState state = world();
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(100).units);
  RiskStage stage;
  stage.rebuild(rebuild_of(state));
  const auto answer =
      stage.check({{1}, {1}, kStart, batch_of({buy(1, 60), buy(2, 60), buy(3, 40)})});
  const auto& decisions = decisions_of(answer);
  ASSERT_EQ(decisions.size(), 3u);
  EXPECT_TRUE(decisions[0].approved);
  EXPECT_EQ(decisions[1].reason, Reason::kPositionLimit);
  EXPECT_TRUE(decisions[2].approved);
  EXPECT_EQ(stage.counters().approved, 2u);
  EXPECT_EQ(stage.counters().refused, 1u);
}

TEST(RiskStage, RefusedDownstreamGivesTheRoomBack) {
  RiskState state = world();
  set_limit(state, LimitKind::kPositionMax, Quantity::whole(100).units);
  RiskStage stage;
  stage.rebuild(rebuild_of(state));
  ASSERT_TRUE(decisions_of(stage.check({{1}, {1}, kStart, batch_of({buy(1, 100)})}))[0].approved);
  stage.release({{1}, deltas_of({Released{{1}}})});
  EXPECT_TRUE(decisions_of(stage.check({{2}, {1}, kStart, batch_of({buy(2, 100)})}))[0].approved);
  EXPECT_THROW(stage.release({{1}, deltas_of({TrackingRestored{}})}), CheckFailed);
}

TEST(RiskStage, AnotherGenerationIsVoid) {
  RiskStage stage;
  stage.rebuild(rebuild_of(world(), 3));
  EXPECT_TRUE(
      std::holds_alternative<RiskNotReady>(stage.check({{1}, {2}, kStart, batch_of({buy(1, 1)})})));
  EXPECT_TRUE(
      std::holds_alternative<RiskNotReady>(stage.check({{1}, {4}, kStart, batch_of({buy(1, 1)})})));
  const RiskImage before = image_of(stage.state());
  stage.commit({{2}, deltas_of({fill(buy(1, 1), 1, 100, 0)})});
  stage.rebuild(rebuild_of(RiskState(), 2));
  EXPECT_EQ(image_of(stage.state()), before);
  EXPECT_EQ(stage.counters().stale, 2u);
}

TEST(RiskStage, RebuildDropsReservations) {
  const RiskState state = world();
  RiskStage stage;
  stage.rebuild(rebuild_of(state, 1));
  ASSERT_TRUE(decisions_of(stage.check({{1}, {1}, kStart, batch_of({buy(1, 10)})}))[0].approved);
  EXPECT_EQ(stage.state().open_orders(), 1u);
  stage.rebuild(rebuild_of(state, 2));
  EXPECT_EQ(stage.state(), state);
}

/// An order manager reduced to what matters here: it applies verdicts when they come back, which is
/// after it has applied and passed on other facts.
class CutShard {
 public:
  explicit CutShard(const RiskState& start) : shard(start) { rebuild(); }

  void ask(std::vector<RiskOrder> orders, WallTime now) {
    RiskCheckBatch batch{{next_batch_++}, {generation_}, now, batch_of(std::move(orders))};
    auto answer = stage.check(batch);
    ASSERT_TRUE(std::holds_alternative<RiskVerdicts>(answer));
    on_the_way_.emplace_back(batch.orders, std::get<RiskVerdicts>(answer).decisions);
  }
  /// A fact from elsewhere (a venue, an operator): applied, then passed on.
  void fact(const RiskDelta& delta) {
    risk::apply(shard, delta);
    stage.commit({{generation_}, deltas_of({delta})});
  }
  /// The oldest verdicts arrive; `refuse` of them fail downstream.
  std::vector<RiskDecision> hear(const std::function<bool(const RiskOrder&)>& refuse) {
    if (on_the_way_.empty()) return {};
    const auto [orders, decisions] = on_the_way_.front();
    on_the_way_.pop_front();
    std::vector<RiskDelta> releases;
    for (std::size_t i = 0; i < orders->size(); ++i) {
      const RiskOrder& order = (*orders)[i];
      risk::apply(shard, consequence(order, (*decisions)[i]));
      if (!(*decisions)[i].approved || !refuse(order)) continue;
      const RiskDelta release = order.kind == RiskOrderKind::kNew
                                    ? RiskDelta{Released{order.order}}
                                    : RiskDelta{ReplaceReleased{order.order}};
      risk::apply(shard, release);
      releases.push_back(release);
    }
    if (!releases.empty()) stage.release({{generation_}, deltas_of(releases)});
    return *decisions;
  }
  bool waiting() const { return !on_the_way_.empty(); }
  /// The actor dies and comes back; verdicts on their way are void.
  void rebuild() {
    on_the_way_.clear();
    stage = RiskStage();
    stage.rebuild(rebuild_of(shard, ++generation_));
  }

  RiskState shard;
  RiskStage stage;

 private:
  uint64_t generation_ = 0, next_batch_ = 1;
  std::deque<std::pair<std::shared_ptr<const std::vector<RiskOrder>>,
                       std::shared_ptr<const std::vector<RiskDecision>>>>
      on_the_way_;
};

/// Random orders, replaces and facts. Everything that the stage hears is also given to an uncut
/// core in the same order; the verdicts must be the same, and when nothing is on its way any more
/// all three states must be.
void compare_cut_and_uncut(uint64_t seed, bool restarts, int& approved, int& refused) {
  std::mt19937_64 random(seed);
  const auto pick = [&](int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(random);
  };
  RiskState start = world();
  set_limit(start, LimitKind::kPositionMax, Quantity::whole(60).units);
  set_limit(start, LimitKind::kDuplicateWindow, Duration::milliseconds(20).ns);
  set_limit(start, LimitKind::kMessagesMax, 120);
  CutShard cut(start);
  RiskState uncut = start;
  WallTime now = kStart;
  uint64_t next_id = 1;
  std::vector<RiskOrder> placed;
  const auto some_placed = [&]() -> RiskOrder {
    if (placed.empty()) return buy(999'999, 1);
    return placed[static_cast<std::size_t>(pick(0, static_cast<int64_t>(placed.size()) - 1))];
  };
  for (int step = 0; step < 300; ++step) {
    now = now + Duration::milliseconds(pick(0, 9));
    const int64_t what = pick(0, 9);
    if (what <= 4) {
      // An order manager asks to replace only what it has heard of.
      const bool replaces = pick(0, 2) == 0;
      while (replaces && cut.waiting()) cut.hear([](const RiskOrder&) { return false; });
      std::vector<RiskOrder> orders;
      for (int64_t n = pick(1, 4); n > 0; --n) {
        const char* accounts[] = {"A", "B", "C"};
        RiskOrder o = order(next_id++, pick(0, 1) ? Side::kBuy : Side::kSell, pick(1, 12),
                            pick(97, 103), accounts[pick(0, 2)]);
        if (pick(0, 9) == 0) o = market(o);
        if (replaces) o = replace(some_placed(), pick(1, 15), pick(97, 103));
        orders.push_back(o);
      }
      std::vector<RiskDecision> expected;
      for (const RiskOrder& o : orders) {
        expected.push_back(check(uncut, o, now));
        risk::apply(uncut, consequence(o, expected.back()));
        if (o.kind == RiskOrderKind::kNew && expected.back().approved) placed.push_back(o);
        (expected.back().approved ? approved : refused) += 1;
      }
      cut.ask(orders, now);
      ASSERT_EQ(cut.stage.state(), uncut);
    } else if (what <= 6) {
      const RiskOrder o = some_placed();
      RiskDelta fact = Released{o.order};
      if (what == 6) fact = fill(o, pick(1, 5), pick(97, 103), pick(0, 3), now);
      if (pick(0, 5) == 0)
        fact = ReplaceConfirmed{o.order, Price::whole(pick(97, 103)), Quantity::whole(pick(0, 9))};
      if (pick(0, 9) == 0) fact = MessageCounted{o.account, 3, now};
      // Facts about an order come after its verdict: the venue has not seen it before.
      while (cut.waiting()) cut.hear([](const RiskOrder&) { return false; });
      cut.fact(fact);
      risk::apply(uncut, fact);
    } else if (what <= 8) {
      const bool refuse = pick(0, 3) == 0;
      cut.hear([&](const RiskOrder& o) {
        if (!refuse) return false;
        risk::apply(uncut, o.kind == RiskOrderKind::kNew ? RiskDelta{Released{o.order}}
                                                         : RiskDelta{ReplaceReleased{o.order}});
        return true;
      });
    } else if (restarts && !cut.waiting()) {
      cut.rebuild();
    }
  }
  while (cut.waiting()) cut.hear([](const RiskOrder&) { return false; });
  ASSERT_EQ(cut.stage.state(), uncut);
  ASSERT_EQ(cut.shard, uncut);
}

TEST(RiskStage, GivesTheSameVerdictsAsTheUncutCore) {
  int approved = 0, refused = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    compare_cut_and_uncut(seed, seed % 2 == 0, approved, refused);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(approved, 1'000);
  EXPECT_GT(refused, 1'000);
}

TEST(RiskStage, VerdictsLostWithTheActorLeaveTheShardAsItWas) {
  RiskState start = world();
  CutShard cut(start);
  cut.ask({buy(1, 10)}, kStart);
  cut.rebuild();
  EXPECT_EQ(cut.shard, start);
  EXPECT_EQ(cut.stage.state(), start);
  cut.ask({buy(1, 10)}, kStart);
  ASSERT_EQ(cut.hear([](const RiskOrder&) { return false; }).size(), 1u);
  EXPECT_EQ(cut.shard, cut.stage.state());
}

}  // namespace
}  // namespace holdfast::risk::test
