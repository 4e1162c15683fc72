// Advice in advance: the table, its conditions, what is asked, and the strategy that looks it up.
#include "supervision/orchestrator/advice/advised_strategy.hpp"

#include <gtest/gtest.h>

namespace holdfast::orchestrator::advice {
namespace {

constexpr MemberId kA{1}, kB{2}, kC{3};
constexpr GroupId kOrders{1};
constexpr WallTime at(int64_t seconds) { return {(1'000'000 + seconds) * 1'000'000'000}; }

std::shared_ptr<policy::Policy> policy_of(Verdict verdict) {
  auto out = std::make_shared<policy::Policy>();
  out->autonomy.set_all(Autonomy::kAutonomous);
  policy::Rule rule;
  rule.name = "all";
  rule.then = verdict;
  out->rules.push_back(rule);
  return out;
}

World three(Verdict verdict = Verdict::kAllow) {
  World world;
  world.topology.groups = {{kOrders, kA, {kA, kB, kC}}};
  world.members = {{kA, "a", 0, true}, {kB, "b", 0, true}, {kC, "c", 0, true}};
  world.phase = policy::SessionPhase::kOpen;
  world.open_orders[kOrders] = 5;
  world.policy = policy_of(verdict);
  return world;
}

Failure failure(int64_t seconds = 100, FailureKind kind = FailureKind::kGaveUp) {
  Failure out;
  out.kind = kind;
  out.member = kA;
  out.group = kOrders;
  out.at = at(seconds);
  out.path = "node/orders/shard-0";
  return out;
}

Entry entry(const World& world, ActionKind kind, FailureKind of = FailureKind::kGaveUp) {
  Entry out;
  out.key = {ActorClass::kOrderShard, failure_code(of), topology_digest(world)};
  out.proposal.action.kind = kind;
  out.proposal.reason = "reasoned before";
  out.made = at(0);
  out.expires = at(3'600);
  return out;
}

struct Rig {
  World world = three();
  Table table;
  Counts counts;
  bool killed = false;
  WallTime now = at(100);
  Strategy strategy = advised_strategy(
      [this] {
        return View{&table, &world, nullptr, killed, now};
      },
      &counts);
  Advice ask(const Failure& one, const std::deque<Decision>& history = {}) {
    return strategy(one, world.topology, history);
  }
};

std::deque<Decision> decided(std::size_t times) {
  std::deque<Decision> out;
  for (std::size_t i = 0; i < times; ++i) {
    Decision decision;
    decision.number = i + 1;
    decision.failure = failure(90);
    out.push_back(decision);
  }
  return out;
}

TEST(Table, HoldsAnAnswerWhileItsConditionsDo) {
  World world = three();
  Table table;
  Entry one = entry(world, ActionKind::kPromote);
  one.phase = policy::SessionPhase::kOpen;
  one.open_orders_max = 10;
  table.put(one);
  const auto miss = [&](WallTime now) { return table.look_up(one.key, kOrders, world, now).miss; };
  EXPECT_EQ(miss(at(1)), Miss::kHit);
  EXPECT_EQ(miss(at(3'600)), Miss::kExpired);
  EXPECT_EQ(miss(at(-1)), Miss::kExpired);
  world.open_orders[kOrders] = 11;
  EXPECT_EQ(miss(at(1)), Miss::kOpenOrders);
  world.open_orders.clear();
  EXPECT_EQ(miss(at(1)), Miss::kOpenOrders);  // what is not known grants nothing
  world.open_orders[kOrders] = 1;
  world.phase = policy::SessionPhase::kClosing;
  EXPECT_EQ(miss(at(1)), Miss::kPhase);
  Key other = one.key;
  other.topology += 1;
  EXPECT_EQ(table.look_up(other, kOrders, world, at(1)).miss, Miss::kNone);
}

TEST(Table, IsBoundedAndLosesWhatExpiresFirst) {
  const World world = three();
  Table table;
  for (uint64_t i = 0; i < kEntriesMax + 10; ++i) {
    Entry one = entry(world, ActionKind::kPromote);
    one.key.topology = i + 1;
    one.expires = at(100 + static_cast<int64_t>(i));
    table.put(one);
  }
  EXPECT_EQ(table.size(), kEntriesMax);
  Key first = entry(world, ActionKind::kPromote).key;
  first.topology = 1;
  EXPECT_EQ(table.find(first), nullptr);
  const auto sorted = table.sorted();
  for (std::size_t i = 1; i < sorted.size(); ++i) EXPECT_LT(sorted[i - 1]->key, sorted[i]->key);
}

TEST(Topology, ItsDigestIsOfMembersAndWhoIsInSyncNotOfWhoLeads) {
  World world = three();
  const uint64_t before = topology_digest(world);
  world.topology.groups[0].leader = kB;
  std::swap(world.topology.groups[0].in_sync[0], world.topology.groups[0].in_sync[2]);
  EXPECT_EQ(topology_digest(world), before);
  world.topology.groups[0].in_sync.pop_back();
  EXPECT_NE(topology_digest(world), before);
}

TEST(Questions, AreAskedOnceAndAgainBeforeTheAnswerExpires) {
  const World world = three();
  const uint64_t topology = topology_digest(world);
  Table table;
  std::map<Key, WallTime> recent;
  std::size_t asked = 0;
  while (const auto key = next_question(table, recent, topology, at(0))) {
    EXPECT_TRUE(recent.emplace(*key, at(0)).second);
    ASSERT_LE(++asked, questions().size());
    Entry one = entry(world, ActionKind::kPromote);
    one.key = *key;
    table.put(one);
  }
  EXPECT_EQ(asked, questions().size());
  EXPECT_FALSE(next_question(table, recent, topology, at(2'000)));
  EXPECT_TRUE(next_question(table, recent, topology, at(3'000)));
  EXPECT_TRUE(next_question(table, recent, topology + 1, at(1)));  // another topology
}

TEST(AdvisedStrategy, UsesWhatStandsAndSaysSo) {
  Rig rig;
  rig.table.put(entry(rig.world, ActionKind::kPromote));
  const Advice advice = rig.ask(failure());
  EXPECT_EQ(advice.remedy, orchestrator::Remedy::kPromote);
  EXPECT_EQ(advice.target, kB);
  EXPECT_NE(advice.reason.find("reasoned before"), std::string::npos);
  EXPECT_NE(advice.reason.find("policy: all"), std::string::npos);
  EXPECT_EQ(rig.counts.used, 1u);
}

TEST(AdvisedStrategy, WithoutAdviceIsTheDeterministicOne) {
  Rig rig;
  const auto plain = by_restart_policy(failure(), rig.world.topology, {});
  EXPECT_EQ(rig.ask(failure()), plain);
  EXPECT_EQ(rig.counts.missed, 1u);
  rig.table.put(entry(rig.world, ActionKind::kPromote));
  rig.killed = true;
  EXPECT_EQ(rig.ask(failure()), plain);
  rig.killed = false;
  rig.now = at(4'000);
  EXPECT_EQ(rig.ask(failure()), plain);
  rig.now = at(100);
  for (const Verdict verdict :
       {Verdict::kDeny, Verdict::kObserve, Verdict::kRecommend, Verdict::kNeedsApproval}) {
    rig.world.policy = policy_of(verdict);
    EXPECT_EQ(rig.ask(failure()), plain) << to_text(verdict);
  }
  rig.world.policy = nullptr;
  EXPECT_EQ(rig.ask(failure()), plain);
  EXPECT_EQ(rig.counts.denied, 5u);
  EXPECT_EQ(rig.counts.used, 0u);
}

TEST(AdvisedStrategy, NoStoredAnswerDoesHarmWhateverItSays) {
  // Every action, every named successor, every failure and past: the answer is one that the
  // topology bears, poison stays down, a hung actor is drained, and a loop is not kept going.
  for (uint8_t kind = 0; kind <= kActionKinds; ++kind)
    for (const MemberId to : {MemberId{}, kA, kB, MemberId{9}})
      for (const FailureKind of :
           {FailureKind::kGaveUp, FailureKind::kQuarantined, FailureKind::kHung})
        for (const std::size_t past : {0u, 2u, 3u, 5u}) {
          Rig rig;
          rig.world.topology.groups[0].in_sync = {kA, kB};
          Entry one = entry(rig.world, static_cast<ActionKind>(kind), of);
          one.proposal.action.to = to;
          rig.table.put(one);
          const auto history = decided(past);
          const Advice got = rig.ask(failure(100, of), history);
          const Advice plain = by_restart_policy(failure(100, of), rig.world.topology, history);
          if (got == plain) continue;
          EXPECT_NE(of, FailureKind::kQuarantined);
          EXPECT_LE(past, 3u);
          EXPECT_NE(got.remedy, orchestrator::Remedy::kHalt);
          if (of == FailureKind::kHung) {
            EXPECT_EQ(got.remedy, orchestrator::Remedy::kDrain);
          }
          if (got.remedy == orchestrator::Remedy::kPromote) {
            EXPECT_EQ(got.target, kB);
          }
          if (got.remedy == orchestrator::Remedy::kRestartHere ||
              got.remedy == orchestrator::Remedy::kRestartClean) {
            EXPECT_LT(past, 2u);
          }
        }
}

TEST(AdvisedStrategy, DoesNotPromoteWhatTheFailedMemberDoesNotLead) {
  Rig rig;
  rig.table.put(entry(rig.world, ActionKind::kPromote));
  rig.world.topology.groups[0].leader = kB;
  EXPECT_EQ(rig.ask(failure()).remedy, orchestrator::Remedy::kRestartHere);
  EXPECT_EQ(rig.counts.unfit, 1u);
}

}  // namespace
}  // namespace holdfast::orchestrator::advice
