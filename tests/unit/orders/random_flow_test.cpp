// Properties over random flows: the shard agrees with the venue's own books, replay gives the same
// state, and the shard cut at its hops makes the same events as the uncut one.
#include "tests/unit/orders/random_flow.hpp"
#include "actors/orders/shard/shard_capnp.hpp"
#include "actors/risk/image.hpp"
#include "actors/risk/stage.hpp"
#include "actors/routing/stage.hpp"

namespace holdfast::orders {
namespace {

using testing::kVenueGroup;
using testing::q;
using testing::RandomFlow;
using testing::RandomVenue;
using testing::Shard;

constexpr uint64_t kSeeds = 25;
constexpr int kRequests = 300;

class FlowRun {
 public:
  explicit FlowRun(uint64_t seed) : random(seed), venue(random) {}

  void go() {
    for (int n = 0; n < kRequests; ++n) {
      shard.now.ns += static_cast<int64_t>(random.pick(1'000'000));
      const OrderRequest request = shard.request(random.next());
      refresh(shard.venues(), shard.state());
      shard.decide(Submit{&request, &shard.venues()});
      turn();
      for (uint64_t i = random.pick(4); i != 0; --i) {
        if (const auto report = venue.next()) hear(*report);
      }
      while (ShardCore::next_deadline(shard.state())) {
        shard.decide(Tick{});
        turn();
      }
    }
    shard.seal();
    shard.commit();
    take();
    while (const auto report = venue.close()) {
      hear(*report);
      shard.seal();
      shard.commit();
      take();
    }
  }

  RandomFlow random;
  RandomVenue venue;
  Shard shard;

 private:
  // Commits come late and in bursts.
  void turn() {
    if (random.one_in(2)) shard.seal();
    if (random.one_in(3)) shard.commit();
    take();
  }
  void take() {
    for (; taken_ < shard.said.delivered.size(); ++taken_) venue.take(shard.said.delivered[taken_]);
  }
  void hear(const VenueReport& report) {
    shard.deliver(report, ++shard.venue_sequence);
    turn();
  }
  std::size_t taken_ = 0;
};

TEST(ShardFlow, AgreesWithTheVenuesOwnBooks) {
  uint64_t filled_orders = 0;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FlowRun run(seed);
    run.go();
    const ShardState& state = run.shard.state();
    std::map<std::pair<std::string, std::string>, int64_t> positions;
    for (Ref ref = 1; ref <= state.book.orders(); ++ref) {
      const OrderRecord& o = state.book.order(ref);
      const auto it = run.venue.orders().find(state.book.id_of(ref).value);
      ASSERT_EQ(o.admitted, it != run.venue.orders().end()) << "seed " << seed;
      ASSERT_TRUE(is_terminal(o.facts.state)) << "seed " << seed << " order " << ref;
      ASSERT_EQ(o.facts.pending, Pending::kNone);
      ASSERT_FALSE(o.facts.cancel_deferred);
      if (!o.admitted) continue;
      const RandomVenue::Order& theirs = it->second;
      ASSERT_EQ(o.facts.cumulative, q(theirs.filled)) << "seed " << seed << " order " << ref;
      ASSERT_EQ(o.cumulative_notional.units, static_cast<int64_t>(theirs.notional) * kScale);
      // Conservation: what was ordered was filled or taken back, and nothing is open.
      ASSERT_GE(o.facts.quantity, o.facts.cumulative);
      ASSERT_EQ(o.facts.state == OrderState::kFilled, theirs.filled == theirs.quantity)
          << "seed " << seed << " order " << ref << " " << name_of(o.facts.state);
      filled_orders += o.facts.state == OrderState::kFilled;
      positions[{state.book.account(o.account).name.str(),
                 state.book.symbols().of(o.symbol).str()}] +=
          (o.side == Side::kBuy ? 1 : -1) * theirs.filled * kScale;
    }
    for (const auto& [key, position] : positions) {
      const auto row = state.risk.find_exposure(state.risk.find_account(Account(key.first)),
                                                state.risk.find_symbol(Symbol(key.second)));
      ASSERT_EQ(row == risk::kNoRow ? 0 : state.risk.exposure(row).position, position);
    }
    ASSERT_EQ(state.risk.open_orders(), 0u) << "exposure leaks, seed " << seed;
    ASSERT_EQ(state.risk.unknown_orders(), 0u) << "seed " << seed;
    ASSERT_EQ(state.book.open(), 0u);
    ASSERT_EQ(state.links[0].unanswered, 0u);
    ASSERT_EQ(state.counters.anomalies, 0u) << "seed " << seed;
    ASSERT_EQ(state.counters.orphan_reports, 0u);
    ASSERT_EQ(state.counters.late_fills, 0u);
  }
  EXPECT_GT(filled_orders, kSeeds) << "the flow must reach fills";
}

TEST(ShardFlow, ReportsAreNumberedWithoutGapsAndTellEachOrdersEnd) {
  FlowRun run(77);
  run.go();
  std::map<std::string, uint64_t> last;
  std::map<uint64_t, OrderState> ends;
  for (const ExecutionReport& r : run.shard.said.reports) {
    ASSERT_EQ(r.sequence.value, ++last[r.account.str()]);
    if (is_terminal(r.state)) ends[r.order.value] = r.state;
  }
  for (Ref ref = 1; ref <= run.shard.state().book.orders(); ++ref)
    ASSERT_EQ(ends[run.shard.state().book.id_of(ref).value],
              run.shard.state().book.order(ref).facts.state);
}

TEST(ShardFlow, ReplayGivesTheSameState) {
  const ShardCodec codec;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FlowRun run(seed);
    run.go();
    replication::Replica<ShardCore> follower(testing::kShardGroup);
    std::vector<ShardEvent> events;
    for (const auto& entry : run.shard.log) {
      replication::Bytes bytes;
      codec.encode_events(entry.events, bytes);
      events.clear();
      if (!entry.header.epoch_start) {
        const auto decoded = codec.decode_events(bytes, events);
        ASSERT_TRUE(decoded) << decoded.error().text;
      }
      ASSERT_TRUE(follower.replay(entry.header, events));
    }
    ASSERT_EQ(state_hash(follower.state()), state_hash(run.shard.state())) << "seed " << seed;
    // And so does a snapshot, which is the same bytes on both.
    replication::Bytes mine, theirs;
    codec.encode_state(run.shard.state(), mine);
    codec.encode_state(follower.state(), theirs);
    ASSERT_EQ(mine, theirs);
    ShardState restored;
    const auto decoded = codec.decode_state(mine, restored);
    ASSERT_TRUE(decoded) << decoded.error().text;
    ASSERT_EQ(state_hash(restored), state_hash(run.shard.state())) << "seed " << seed;
    replication::Bytes again;
    codec.encode_state(restored, again);
    ASSERT_EQ(mine, again);
  }
}

// ---- the cut shard

// The shard with its risk and routing stages as the node runs them: batches of any size, the stages
// following by messages only.
class CutShard {
 public:
  CutShard() {
    routing::RoutingState venues(*testing::reference_data());
    venues.set_status({"XSIM", kVenueGroup, VenueSessionState::kOpen, 0});
    routing_.rebuild({std::make_shared<routing::RoutingState>(venues)});
    rebuild();
  }

  void rebuild() {
    generation_.value += 1;
    risk_.rebuild({generation_, std::make_shared<risk::RiskState>(copy(shard.state().risk))});
    shard.said.risk.clear();
  }

  void batch(const std::vector<OrderRequest>& requests) {
    std::vector<JudgedRequest> judged;
    auto questions = std::make_shared<std::vector<risk::RiskOrder>>();
    auto routes = std::make_shared<std::vector<routing::RouteRequest>>();
    std::vector<Triage> triages;
    uint32_t new_orders = 0;
    for (const OrderRequest& r : requests) {
      const Triage t = ShardCore::triage(shard.state(), r, new_orders);
      if (t.books && std::holds_alternative<NewOrder>(r.body)) new_orders += 1;
      if (t.books) questions->push_back(t.order);
      triages.push_back(t);
      judged.push_back({r, Reason::kNone, {}, {}});
    }
    const auto verdicts =
        std::get<risk::RiskVerdicts>(risk_.check({{1}, generation_, shard.now, questions}));
    std::size_t next = 0;
    for (std::size_t i = 0; i < judged.size(); ++i) {
      if (!triages[i].books) continue;
      const risk::RiskDecision& decision = (*verdicts.decisions)[next++];
      judged[i].counted = !triages[i].ask_risk();
      if (!triages[i].ask_risk()) continue;
      judged[i].decision = decision;
      if (decision.approved && triages[i].ask_routing) routes->push_back(triages[i].route);
    }
    for (const VenueLink& link : shard.state().links)
      routing_.status({link.name, link.group, VenueSessionState::kOpen, link.unanswered});
    const auto routed = std::get<routing::Routes>(routing_.route({{1}, routes}));
    next = 0;
    for (std::size_t i = 0; i < judged.size(); ++i)
      if (judged[i].decision && judged[i].decision->approved && triages[i].ask_routing)
        judged[i].route = (*routed.decisions)[next++];
    for (const JudgedRequest& j : judged) shard.decide(Admit{&j});
  }

  // What is committed reaches the stage; what it reserved itself does not come again.
  void follow() {
    auto deltas = std::make_shared<std::vector<risk::RiskDelta>>();
    for (RiskEffect& e : shard.said.risk) deltas->push_back(std::move(e.delta));
    shard.said.risk.clear();
    risk_.commit({generation_, deltas});
  }
  const risk::RiskState& stage() const { return risk_.state(); }

  Shard shard;

 private:
  static risk::RiskState copy(const risk::RiskState& state) {
    return risk::restore(risk::image_of(state)).value();
  }

  risk::RiskStage risk_;
  routing::RoutingStage routing_;
  risk::Generation generation_;
};

std::string first_difference(const std::vector<ShardEvent>& a, const std::vector<ShardEvent>& b) {
  if (a.size() != b.size())
    return std::to_string(a.size()) + " and " + std::to_string(b.size()) + " events";
  for (std::size_t i = 0; i < a.size(); ++i) {
    const auto* x = std::get_if<OrderAdmitted>(&a[i]);
    const auto* y = std::get_if<OrderAdmitted>(&b[i]);
    if (!x || !y) continue;
    std::string text = std::string(name_of(x->reason)) + " and " + std::string(name_of(y->reason));
    for (std::size_t policy = 0; x->decision && y->decision && policy < risk::kPolicies; ++policy)
      if (!(x->decision->outcomes[policy] == y->decision->outcomes[policy]))
        text += " at " + std::string(name_of(static_cast<risk::Policy>(policy)));
    if (x->reason != y->reason || !(x->decision == y->decision)) return text;
  }
  return "in an event that is no admission";
}

TEST(ShardFlow, CutAndUncutMakeTheSameEvents) {
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    RandomFlow random(seed);
    RandomVenue venue(random);
    Shard uncut;
    CutShard cut;
    std::size_t taken = 0;
    const auto both_turn = [&] {
      for (Shard* s : {&uncut, &cut.shard}) {
        s->seal();
        s->commit();
      }
      cut.follow();
      for (; taken < uncut.said.delivered.size(); ++taken) venue.take(uncut.said.delivered[taken]);
    };
    for (int n = 0; n < kRequests / 3; ++n) {
      uncut.now.ns += 1'000'000;
      cut.shard.now = uncut.now;
      if (random.one_in(30)) cut.rebuild();
      // A batch that the order manager would not split: no two requests about one order.
      std::vector<OrderRequest> requests;
      for (uint64_t i = 1 + random.pick(3); i != 0; --i) {
        const OrderRequest r = uncut.request(random.next());
        if (!std::holds_alternative<NewOrder>(r.body) && !requests.empty()) break;
        const auto same = [&](const OrderRequest& other) { return other.body == r.body; };
        if (std::any_of(requests.begin(), requests.end(), same)) break;
        requests.push_back(r);
        if (!std::holds_alternative<NewOrder>(r.body)) break;
      }
      refresh(uncut.venues(), uncut.state());
      for (const OrderRequest& r : requests) uncut.decide(Submit{&r, &uncut.venues()});
      cut.batch(requests);
      both_turn();
      while (ShardCore::next_deadline(uncut.state())) {
        uncut.decide(Tick{});
        cut.shard.decide(Tick{});
        both_turn();
      }
      for (uint64_t i = random.pick(5); i != 0; --i) {
        const auto report = venue.next();
        if (!report) continue;
        for (Shard* s : {&uncut, &cut.shard}) s->deliver(*report, s->venue_sequence + 1);
        uncut.venue_sequence += 1;
        cut.shard.venue_sequence += 1;
        both_turn();
      }
    }
    ASSERT_EQ(uncut.log.size(), cut.shard.log.size());
    const ShardCodec codec;
    for (std::size_t i = 0; i < uncut.log.size(); ++i) {
      replication::Bytes a, b;
      codec.encode_events(uncut.log[i].events, a);
      codec.encode_events(cut.shard.log[i].events, b);
      ASSERT_TRUE(a == b) << "seed " << seed << " entry " << i << ": "
                          << first_difference(uncut.log[i].events, cut.shard.log[i].events);
    }
    ASSERT_EQ(state_hash(uncut.state()), state_hash(cut.shard.state()));
    ASSERT_TRUE(cut.stage() == cut.shard.state().risk) << "the stage's copy, seed " << seed;
    ASSERT_EQ(uncut.said.replies.size(), cut.shard.said.replies.size());
  }
}

}  // namespace
}  // namespace holdfast::orders
