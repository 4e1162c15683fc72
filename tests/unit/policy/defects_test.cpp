// Rules that can't be, or can't ever decide.
#include "supervision/orchestrator/policy/defects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::policy {
namespace {

using telemetry::Domain;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Rule rule(std::string name, Conditions when = {}) {
  Rule rule;
  rule.name = std::move(name);
  rule.then = Verdict::kAllow;
  rule.when = std::move(when);
  return rule;
}
Conditions on(std::vector<ActionKind> actions) {
  Conditions when;
  when.actions = std::move(actions);
  return when;
}
Conditions range(Measure measure, int64_t least, int64_t most) {
  Conditions when;
  when.ranges[static_cast<std::size_t>(measure)] = Range{least, most};
  return when;
}
std::vector<std::string> texts(std::vector<Rule> rules, std::vector<Rule> never = {}) {
  Policy policy;
  policy.rules = std::move(rules);
  policy.never = std::move(never);
  std::vector<std::string> out;
  for (const auto& defect : defects(policy))
    out.push_back((defect.never ? "never " : "rule ") + std::to_string(defect.index) + " " +
                  std::string(defect.key) + ": " + defect.text);
  return out;
}

TEST(Defects, ARuleAfterOneThatTakesAllCanNeverDecide) {
  EXPECT_THAT(texts({rule("narrow", on({ActionKind::kDrain})), rule("all")}), IsEmpty());
  EXPECT_THAT(
      texts({rule("all"), rule("narrow", on({ActionKind::kDrain}))}),
      ElementsAre("rule 1 name: can never decide: before it \"all\" decides all of its cases"));
}

TEST(Defects, SeveralRulesTogetherCanCoverOne) {
  const auto both = on({ActionKind::kDrain, ActionKind::kMigrate});
  EXPECT_THAT(
      texts({rule("a", on({ActionKind::kDrain})), rule("b", on({ActionKind::kMigrate})),
             rule("c", both)}),
      ElementsAre("rule 2 name: can never decide: before it \"a\", \"b\" decide all of its cases"));
  EXPECT_THAT(texts({rule("a", on({ActionKind::kDrain})), rule("b", on({ActionKind::kPromote})),
                     rule("c", both)}),
              IsEmpty());
}

TEST(Defects, RangesThatMeetCoverWhatIsKnownOnly) {
  const auto low = range(Measure::kOpenOrders, 0, 10), high = range(Measure::kOpenOrders, 11, 20);
  const auto gap = range(Measure::kOpenOrders, 12, INT64_MAX);
  const auto known = range(Measure::kOpenOrders, 0, 20);
  EXPECT_EQ(texts({rule("low", low), rule("high", high), rule("known", known)}).size(), 1u);
  EXPECT_THAT(texts({rule("low", low), rule("gap", gap), rule("known", known)}), IsEmpty());
  // Who can't tell how many are open comes to the rest.
  const auto all = range(Measure::kOpenOrders, 0, INT64_MAX);
  EXPECT_THAT(texts({rule("all", all), rule("rest")}), IsEmpty());
}

TEST(Defects, ADomainCoversItsFaults) {
  Conditions io, slow, unknown;
  io.domains = {Domain::kIo};
  slow.faults = {FaultClass::kSlowDisk};
  EXPECT_EQ(texts({rule("io", io), rule("slow", slow)}).size(), 1u);
  EXPECT_THAT(texts({rule("slow", slow), rule("io", io)}), IsEmpty());
  Conditions every;
  every.domains = {Domain::kCpu, Domain::kNetwork, Domain::kIo, Domain::kExecution, Domain::kHttp};
  EXPECT_THAT(texts({rule("every", every), rule("no-cause")}), IsEmpty());
}

TEST(Defects, ConditionsThatNothingFulfils) {
  Conditions both;
  both.domains = {Domain::kCpu};
  both.faults = {FaultClass::kSlowDisk};
  EXPECT_THAT(texts({rule("both", both)}), ElementsAre(HasSubstr("rule 0 name: can never match")));
  EXPECT_THAT(texts({rule("r", range(Measure::kGroupsTouched, 3, 2))}),
              ElementsAre("rule 0 groups_touched: its least is above its most"));
  EXPECT_THAT(texts({rule("r", range(Measure::kConfidence, 1'000'001, INT64_MAX))}),
              ElementsAre(HasSubstr("can never match")));
}

TEST(Defects, WhatIsForbiddenNeedsNoRule) {
  EXPECT_THAT(texts({rule("drain", on({ActionKind::kDrain}))},
                    {rule("no-drain", on({ActionKind::kDrain}))}),
              ElementsAre(HasSubstr("rule 0 name: can never decide: before it \"no-drain\"")));
  // A never rule takes what is not known too.
  const auto any = range(Measure::kInSyncLeft, INT64_MIN, INT64_MAX);
  EXPECT_EQ(texts({rule("rest")}, {rule("any", any)}).size(), 1u);
  EXPECT_THAT(texts({rule("rest")}, {rule("last", range(Measure::kInSyncLeft, INT64_MIN, 0))}),
              IsEmpty());
}

TEST(Defects, RatesMembersAndTimesCoverOnlyTheirLike) {
  Conditions some, more, member, night;
  some.rates = {{CountOf::kAll, Duration::seconds(60), {0, 2}}};
  more.rates = {{CountOf::kAll, Duration::seconds(60), {0, 5}}};
  member.members = {MemberId{1}};
  night.time = TimeOfDay{0, 3'600, 0x7f};
  EXPECT_THAT(texts({rule("some", some), rule("more", more), rule("rest")}), IsEmpty());
  EXPECT_EQ(texts({rule("more", more), rule("some", some)}).size(), 1u);
  EXPECT_THAT(texts({rule("member", member), rule("rest")}), IsEmpty());
  EXPECT_EQ(texts({rule("member", member), rule("same", member)}).size(), 1u);
  EXPECT_THAT(texts({rule("night", night), rule("rest")}), IsEmpty());
  EXPECT_EQ(texts({rule("night", night), rule("same", night)}).size(), 1u);
}

TEST(Defects, NamesAreShortPlainAndTheirOwn) {
  EXPECT_EQ(texts({rule("")}).size(), 1u);
  EXPECT_EQ(texts({rule("Upper")}).size(), 1u);
  EXPECT_EQ(texts({rule(std::string(kRuleNameBytes + 1, 'a'))}).size(), 1u);
  for (const auto taken : {kRuleDefault, kRulePage, kRuleWatch, kRuleKillSwitch, kRuleInvalid})
    EXPECT_EQ(texts({rule(std::string(taken))}).size(), 1u) << taken;
  EXPECT_THAT(
      texts({rule("same", on({ActionKind::kDrain}))}, {rule("same", on({ActionKind::kMigrate}))}),
      ElementsAre("rule 0 name: there is a rule \"same\" already"));
}

TEST(Defects, SingleConditionsThatMakeNoSense) {
  EXPECT_THAT(texts({rule("r", on({ActionKind::kPage}))}),
              ElementsAre("rule 0 actions: `page` is always allowed; no rule decides it"));
  EXPECT_EQ(texts({rule("r", on({ActionKind::kNone}))}).size(), 1u);
  auto persons = rule("r");
  persons.persons = 3;
  EXPECT_EQ(texts({persons}).size(), 1u);
  persons.persons = 1;
  persons.then = Verdict::kRecommend;
  EXPECT_THAT(texts({persons}), ElementsAre(HasSubstr("nobody is asked")));
  const auto with = [](auto set) {
    auto r = rule("r");
    set(r.when);
    return texts({r}).size();
  };
  EXPECT_EQ(with([](auto& w) { w.rates = {{CountOf::kAll, Duration{}, {0, 1}}}; }), 1u);
  EXPECT_EQ(with([](auto& w) {
              w.rates = {{CountOf::kAll, Duration::seconds(86'401), {0, 1}}};
            }),
            1u);
  EXPECT_EQ(with([](auto& w) { w.rates = {{CountOf::kAll, Duration::seconds(1), {2, 1}}}; }), 1u);
  EXPECT_EQ(with([](auto& w) { w.time = TimeOfDay{0, 1, 0}; }), 1u);
  EXPECT_EQ(with([](auto& w) { w.time = TimeOfDay{5, 5, 0x7f}; }), 1u);
}

TEST(Defects, TooManyRulesAreOne) {
  std::vector<Rule> rules;
  for (std::size_t i = 0; i <= kRulesMax; ++i) {
    Conditions when;
    when.members = {MemberId{static_cast<uint32_t>(i + 1)}};
    rules.push_back(rule("r" + std::to_string(i), when));
  }
  EXPECT_THAT(texts(rules), ElementsAre("rule 256 name: more rules than 256"));
}

// A sample of contexts: a rule that is called unreachable decides none of them, and what decides
// one is not called so.
TEST(Defects, AgreeWithWhatDecides) {
  const std::vector<Rule> rules = {
      rule("a", range(Measure::kOpenOrders, 0, 3)),
      rule("b", range(Measure::kGroupsTouched, 0, 1)),
      rule("c", range(Measure::kOpenOrders, 2, 3)),
      [] {
        auto when = range(Measure::kOpenOrders, 0, 9);
        when.ranges[static_cast<std::size_t>(Measure::kGroupsTouched)] = Range{0, 1};
        return rule("d", when);
      }(),
      rule("e", range(Measure::kOpenOrders, 0, 9)),
      rule("f")};
  Policy policy;
  policy.rules = rules;
  std::set<std::string> decide, unreachable;
  for (const auto& defect : defects(policy)) unreachable.insert(rules[defect.index].name);
  Proposal proposal;
  proposal.action.kind = ActionKind::kDrain;
  for (int orders = -1; orders < 12; ++orders)
    for (int groups = -1; groups < 4; ++groups) {
      PolicyContext context;
      if (orders >= 0) context.open_orders = orders;
      if (groups >= 0) context.groups_touched = groups;
      decide.insert(evaluate(policy, proposal, context).rule);
    }
  EXPECT_THAT(decide, ElementsAre("a", "b", "e", "f"));
  EXPECT_THAT(unreachable, ElementsAre("c", "d"));
}

}  // namespace
}  // namespace holdfast::policy
