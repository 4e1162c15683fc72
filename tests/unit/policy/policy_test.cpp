// The decision tables: order, never, doubt, levels, the kill switch.
#include "supervision/orchestrator/policy/policy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/enumerators.hpp"

namespace holdfast::policy {
namespace {

using telemetry::Domain;
using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;
// 2026-11-20 14:30:00 UTC, a Friday.
constexpr WallTime kFriday{1'795'185'000 * kSecond};

Proposal restart() {
  Proposal proposal;
  proposal.action.kind = ActionKind::kRestartActor;
  proposal.action.target = {MemberId{1}, GroupId{1}, "node/orders/shard-0"};
  proposal.confidence_ppm = 900'000;
  return proposal;
}

PolicyContext context() {
  PolicyContext context;
  context.now = kFriday;
  context.clock = ClockQuality::kSynchronised;
  context.fault = FaultClass::kCrashLoop;
  context.phase = SessionPhase::kOpen;
  context.open_orders = 5;
  context.position = Notional::whole(1'000);
  context.groups_touched = 1;
  context.nodes_touched = 0;
  context.in_flight = 0;
  context.in_sync_left = 2;
  context.to_in_sync = true;
  return context;
}

Rule rule(std::string name, Verdict then, Conditions when = {}) {
  Rule rule;
  rule.name = std::move(name);
  rule.then = then;
  rule.when = std::move(when);
  return rule;
}

Conditions range(Measure measure, int64_t least, int64_t most) {
  Conditions when;
  when.ranges[static_cast<std::size_t>(measure)] = Range{least, most};
  return when;
}

Policy policy(std::vector<Rule> rules, Autonomy level = Autonomy::kAutonomous) {
  Policy policy;
  policy.rules = std::move(rules);
  policy.autonomy.set_all(level);
  return policy;
}

TEST(Policy, DeniesWhatNoRuleAllows) {
  const auto decision = evaluate({}, restart(), context());
  EXPECT_EQ(decision.verdict, Verdict::kDeny);
  EXPECT_EQ(decision.rule, "default");
  EXPECT_EQ(decision.approvals_needed, 0);
}

TEST(Policy, TheFirstMatchDecidesAndIsNamed) {
  Conditions migrate;
  migrate.actions = {ActionKind::kMigrate};
  auto table = policy({rule("other-action", Verdict::kDeny, migrate),
                       rule("second", Verdict::kRecommend), rule("third", Verdict::kAllow)});
  EXPECT_EQ(evaluate(table, restart(), context()).rule, "second");
  EXPECT_EQ(evaluate(table, restart(), context()).verdict, Verdict::kRecommend);
  std::swap(table.rules[1], table.rules[2]);
  EXPECT_EQ(evaluate(table, restart(), context()).rule, "third");
  EXPECT_EQ(evaluate(table, restart(), context()).verdict, Verdict::kAllow);
}

TEST(Policy, NoRuleAllowsWhatANeverRuleForbids) {
  auto table = policy({rule("all", Verdict::kAllow)});
  table.never.push_back(rule("alone", Verdict::kDeny, range(Measure::kInSyncLeft, INT64_MIN, 0)));
  EXPECT_EQ(evaluate(table, restart(), context()).verdict, Verdict::kAllow);
  auto last = context();
  last.in_sync_left = 0;
  EXPECT_EQ(evaluate(table, restart(), last).verdict, Verdict::kDeny);
  EXPECT_EQ(evaluate(table, restart(), last).rule, "alone");
}

TEST(Policy, ANeverRuleThatCannotBeRuledOutForbids) {
  auto table = policy({rule("all", Verdict::kAllow)});
  table.never.push_back(rule("alone", Verdict::kDeny, range(Measure::kInSyncLeft, INT64_MIN, 0)));
  auto unknown = context();
  unknown.in_sync_left.reset();
  const auto decision = evaluate(table, restart(), unknown);
  EXPECT_EQ(decision.verdict, Verdict::kDeny);
  EXPECT_EQ(decision.rule, "alone");
  EXPECT_THAT(decision.reason, HasSubstr("in_sync_left is not known"));
}

// For every subset of facts withheld: no verdict is higher than the lowest that any value of the
// withheld facts would bring.
TEST(Policy, NotKnowingNeverGrantsMore) {
  auto two =
      rule("two-persons", Verdict::kNeedsApproval, range(Measure::kPosition, 0, 50 * kScale));
  two.persons = 2;
  const auto table =
      policy({rule("few", Verdict::kAllow, range(Measure::kOpenOrders, 0, 3)),
              rule("wide", Verdict::kDeny, range(Measure::kGroupsTouched, 3, 9)), two,
              rule("sure", Verdict::kAllow, range(Measure::kNodesTouched, 0, 1)),
              rule("rest", Verdict::kRecommend)});
  const int64_t orders[] = {1, 9}, groups[] = {1, 5}, positions[] = {1, 99}, nodes[] = {0, 4};
  const auto grants = [&](const PolicyContext& c) {
    const auto decision = evaluate(table, restart(), c);
    return static_cast<int>(decision.verdict) * 4 - decision.approvals_needed;
  };
  for (int bits = 0; bits < 16; ++bits)
    for (int withheld = 0; withheld < 16; ++withheld) {
      const auto at = [&](int values, bool hide) {
        auto c = context();
        c.open_orders = orders[values & 1];
        c.groups_touched = groups[values >> 1 & 1];
        c.position = Notional::whole(positions[values >> 2 & 1]);
        c.nodes_touched = nodes[values >> 3 & 1];
        if (!hide) return c;
        if (withheld & 1) c.open_orders.reset();
        if (withheld & 2) c.groups_touched.reset();
        if (withheld & 4) c.position.reset();
        if (withheld & 8) c.nodes_touched.reset();
        return c;
      };
      const int hidden = grants(at(bits, true));
      for (int other = 0; other < 16; ++other)
        if (((other ^ bits) & ~withheld & 15) == 0) {
          EXPECT_LE(hidden, grants(at(other, false))) << bits << ' ' << withheld << ' ' << other;
        }
    }
}

TEST(Policy, AnEarlierStricterRuleCountsWhereItMayMatch) {
  const auto table = policy({rule("many", Verdict::kDeny, range(Measure::kOpenOrders, 100, 1000)),
                             rule("all", Verdict::kAllow)});
  EXPECT_EQ(evaluate(table, restart(), context()).rule, "all");
  auto unknown = context();
  unknown.open_orders.reset();
  const auto decision = evaluate(table, restart(), unknown);
  EXPECT_EQ(decision.rule, "many");
  EXPECT_EQ(decision.verdict, Verdict::kDeny);
  EXPECT_THAT(decision.reason, HasSubstr("open_orders is not known"));
}

TEST(Policy, TheLesserOfRuleAndLevelCounts) {
  for (const auto [level, name] : tests::enumerators<Autonomy>())
    for (const auto [then, verdict_name] : tests::enumerators<Verdict>()) {
      const auto decision = evaluate(policy({rule("r", then)}, level), restart(), context());
      EXPECT_EQ(decision.verdict, std::min(then, most_of(level))) << name << ' ' << verdict_name;
      EXPECT_EQ(decision.rule, "r");
      EXPECT_EQ(decision.approvals_needed > 0, decision.verdict == Verdict::kNeedsApproval);
      EXPECT_EQ(decision.approval_expires.ns > 0, decision.verdict == Verdict::kNeedsApproval);
      if (decision.verdict < then) {
        EXPECT_THAT(decision.reason, HasSubstr("the level of restart_actor for cpu is"));
      }
    }
}

TEST(Policy, LevelsAreByActionAndDomain) {
  AutonomyTable levels;
  EXPECT_EQ(levels.level(ActionKind::kMigrate, FaultClass::kSlowDisk), Autonomy::kObserve);
  levels.set(ActionKind::kMigrate, Autonomy::kAutonomous);
  levels.set(ActionKind::kMigrate, Domain::kIo, Autonomy::kApprove);
  EXPECT_EQ(levels.level(ActionKind::kMigrate, FaultClass::kSlowDisk), Autonomy::kApprove);
  EXPECT_EQ(levels.level(ActionKind::kMigrate, FaultClass::kCrashLoop), Autonomy::kAutonomous);
  EXPECT_EQ(levels.level(ActionKind::kDrain, FaultClass::kCrashLoop), Autonomy::kObserve);
  // A cause that is not known could be of any domain.
  EXPECT_EQ(levels.level(ActionKind::kMigrate, FaultClass::kNone), Autonomy::kApprove);
}

TEST(Policy, WithTheKillSwitchNothingIsDone) {
  for (const auto [kind, name] : tests::enumerators<ActionKind>())
    for (const auto [then, verdict_name] : tests::enumerators<Verdict>()) {
      auto proposal = restart();
      proposal.action.kind = kind;
      auto off = context();
      off.kill_switch = true;
      const auto decision = evaluate(policy({rule("r", then)}), proposal, off);
      if (kind == ActionKind::kPage) {
        EXPECT_EQ(decision.verdict, Verdict::kAllow);
        continue;
      }
      EXPECT_LE(decision.verdict, Verdict::kObserve) << name << ' ' << verdict_name;
      const bool cut = kind != ActionKind::kNone && then > Verdict::kObserve;
      EXPECT_EQ(decision.rule == kRuleKillSwitch, cut) << name << ' ' << verdict_name;
      EXPECT_EQ(decision.approvals_needed, 0);
    }
}

TEST(Policy, AHumanMayAlwaysBeTold) {
  auto page = restart();
  page.action.kind = ActionKind::kPage;
  Policy table;
  table.never.push_back(rule("nothing", Verdict::kDeny));
  EXPECT_EQ(evaluate(table, page, {}).verdict, Verdict::kAllow);
  EXPECT_EQ(evaluate(table, page, {}).rule, "page");
}

TEST(Policy, WatchingOnIsNoAction) {
  auto nothing = restart();
  nothing.action.kind = ActionKind::kNone;
  const auto decision = evaluate(policy({rule("all", Verdict::kAllow)}), nothing, context());
  EXPECT_EQ(decision.verdict, Verdict::kObserve);
  EXPECT_EQ(decision.rule, "watch");
}

TEST(Policy, AnActionOutsideTheCatalogueIsDenied) {
  auto proposal = restart();
  proposal.action.kind = static_cast<ActionKind>(kActionKinds + 1);
  const auto decision = evaluate(policy({rule("all", Verdict::kAllow)}), proposal, context());
  EXPECT_EQ(decision.verdict, Verdict::kDeny);
  EXPECT_EQ(decision.rule, "invalid");
  EXPECT_EQ(explain(policy({}), proposal, context()).decision.rule, "invalid");
}

TEST(Policy, SomeActionsAlwaysNeedTwoPersons) {
  auto table = policy({rule("r", Verdict::kNeedsApproval)});
  table.approval_expires = Duration::seconds(300);
  EXPECT_EQ(evaluate(table, restart(), context()).approvals_needed, 1);
  EXPECT_EQ(evaluate(table, restart(), context()).approval_expires, Duration::seconds(300));
  table.two_persons = {ActionKind::kRestartActor};
  EXPECT_EQ(evaluate(table, restart(), context()).approvals_needed, 2);
  table.two_persons.clear();
  table.rules[0].persons = 2;
  table.rules[0].approval_expires = Duration::seconds(60);
  EXPECT_EQ(evaluate(table, restart(), context()).approvals_needed, 2);
  EXPECT_EQ(evaluate(table, restart(), context()).approval_expires, Duration::seconds(60));
}

TEST(Policy, ExplainsEachRuleBeforeTheOneThatDecided) {
  Conditions migrate;
  migrate.actions = {ActionKind::kMigrate, ActionKind::kPromote};
  auto table = policy({rule("other", Verdict::kDeny, migrate), rule("this", Verdict::kAllow),
                       rule("after", Verdict::kAllow)});
  table.never.push_back(rule("alone", Verdict::kDeny, range(Measure::kInSyncLeft, INT64_MIN, 0)));
  const auto explanation = explain(table, restart(), context());
  EXPECT_EQ(explanation.decision, evaluate(table, restart(), context()));
  EXPECT_EQ(explanation.level, Autonomy::kAutonomous);
  ASSERT_EQ(explanation.steps.size(), 3u);
  EXPECT_TRUE(explanation.steps[0].never);
  EXPECT_EQ(explanation.steps[0].why, "in_sync_left is 2, above 0");
  EXPECT_EQ(explanation.steps[1].why, "action is restart_actor, not migrate, promote");
  EXPECT_EQ(explanation.steps[2].rule, "this");
  EXPECT_EQ(explanation.steps[2].match, Match::kYes);
}

TEST(Policy, TellsTheKindOfATargetByItsPlace) {
  EXPECT_EQ(kind_of({}), TargetKind::kCluster);
  EXPECT_EQ(kind_of({MemberId{1}, {}, {}}), TargetKind::kNode);
  EXPECT_EQ(kind_of({MemberId{1}, {}, "node/agents/cpu-0"}), TargetKind::kPart);
  EXPECT_EQ(kind_of({{}, GroupId{1}, {}}), TargetKind::kOrders);
  EXPECT_EQ(kind_of({{}, GroupId{256}, {}}), TargetKind::kOrders);
  EXPECT_EQ(kind_of({{}, GroupId{257}, {}}), TargetKind::kGroup);
  EXPECT_EQ(kind_of({{}, GroupId{1001}, {}}), TargetKind::kVenue);
  EXPECT_EQ(kind_of({{}, GroupId{1064}, {}}), TargetKind::kVenue);
  EXPECT_EQ(kind_of({{}, GroupId{1065}, {}}), TargetKind::kGroup);
  EXPECT_EQ(kind_of({MemberId{1}, GroupId{2001}, {}}), TargetKind::kOrchestrator);
}

TEST(Policy, EveryWordHasAName) {
  const auto named = [](auto values) {
    for (const auto& [value, name] : values) EXPECT_NE(to_text(value), "invalid") << name;
    return values.size();
  };
  EXPECT_EQ(named(tests::enumerators<ClockQuality>()), kClockQualities);
  EXPECT_EQ(named(tests::enumerators<SessionPhase>()), kSessionPhases);
  EXPECT_EQ(named(tests::enumerators<TargetKind>()), kTargetKinds);
  EXPECT_EQ(named(tests::enumerators<Measure>()), kMeasures);
  EXPECT_EQ(named(tests::enumerators<CountOf>()), kCountsOf);
}

}  // namespace
}  // namespace holdfast::policy
