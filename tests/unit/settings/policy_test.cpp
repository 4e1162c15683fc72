// policy.toml and policy_tests.toml: what they mean, and how mistakes are told.
#include "tests/source_path.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

namespace holdfast::settings {
namespace {

using policy::Measure;
using testing::HasSubstr;

const std::string kRule = "[[rule]]\nname = \"r\"\nthen = \"allow\"\n";

class PolicyFile : public SettingsFiles {
 protected:
  std::string problems_of(const std::string& text) {
    write("policy.toml", text);
    return problems();
  }
  const policy::Conditions& when() const { return settings_.policy.policy.rules.at(0).when; }
};

TEST_F(PolicyFile, WithoutItEverythingIsDenied) {
  EXPECT_EQ(problems(), "");
  Proposal proposal;
  proposal.action.kind = ActionKind::kRestartActor;
  EXPECT_EQ(policy::evaluate(settings_.policy.policy, proposal, {}).rule, "default");
}

TEST_F(PolicyFile, ReadsEveryCondition) {
  EXPECT_EQ(problems_of(R"([approval]
expires = "5m"
two_persons = ["halt_venue"]
[autonomy]
default = "recommend"
migrate = "autonomous"
[autonomy.io]
migrate = "approve"
[[never]]
name = "last"
in_sync_left_max = 0
[[rule]]
name = "all"
reason = "because"
actions = ["migrate", "drain"]
targets = ["orders"]
groups = ["orders/0", "venues/XSIM", "orchestrator"]
domains = ["io", "cpu"]
faults = ["slow_disk"]
phases = ["open"]
clocks = ["synchronised"]
advisors = ["model"]
to_in_sync = true
open_orders_min = 1
open_orders_max = 5
position_max = 1_000.25
confidence_min = "80 %"
amount_min = -3
cooldown = "60s"
rates = [{ of = "action", window = "10m", least = 1, most = 3 }]
between = "22:00-05:30"
days = ["mon", "sun"]
then = "needs_approval"
persons = 2
approval_expires = "90s"
)"),
            "");
  const auto& policy = settings_.policy.policy;
  EXPECT_EQ(policy.approval_expires, Duration::seconds(300));
  EXPECT_EQ(policy.two_persons, std::vector{ActionKind::kHaltVenue});
  EXPECT_EQ(policy.autonomy.level(ActionKind::kMigrate, FaultClass::kCrashLoop),
            Autonomy::kAutonomous);
  EXPECT_EQ(policy.autonomy.level(ActionKind::kMigrate, FaultClass::kSlowDisk), Autonomy::kApprove);
  EXPECT_EQ(policy.autonomy.level(ActionKind::kDrain, FaultClass::kSlowDisk), Autonomy::kRecommend);
  ASSERT_EQ(policy.never.size(), 1u);
  EXPECT_EQ(policy.never[0].when.ranges[static_cast<std::size_t>(Measure::kInSyncLeft)],
            (policy::Range{INT64_MIN, 0}));
  const auto& rule = policy.rules.at(0);
  EXPECT_EQ(rule.name, "all");
  EXPECT_EQ(rule.reason, "because");
  EXPECT_EQ(rule.then, Verdict::kNeedsApproval);
  EXPECT_EQ(rule.persons, 2);
  EXPECT_EQ(rule.approval_expires, Duration::seconds(90));
  EXPECT_EQ(when().actions, (std::vector{ActionKind::kMigrate, ActionKind::kDrain}));
  EXPECT_EQ(when().targets, std::vector{policy::TargetKind::kOrders});
  EXPECT_EQ(when().groups, (std::vector{GroupId{1}, GroupId{1001}, GroupId{2001}}));
  EXPECT_EQ(when().domains, (std::vector{telemetry::Domain::kIo, telemetry::Domain::kCpu}));
  EXPECT_EQ(when().faults, std::vector{FaultClass::kSlowDisk});
  EXPECT_EQ(when().phases, std::vector{policy::SessionPhase::kOpen});
  EXPECT_EQ(when().clocks, std::vector{policy::ClockQuality::kSynchronised});
  EXPECT_EQ(when().advisors, std::vector{AdvisorKind::kModel});
  EXPECT_EQ(when().to_in_sync, true);
  const auto range = [&](Measure m) { return when().ranges[static_cast<std::size_t>(m)]; };
  EXPECT_EQ(range(Measure::kOpenOrders), (policy::Range{1, 5}));
  EXPECT_EQ(range(Measure::kPosition), (policy::Range{INT64_MIN, 100'025'000'000}));
  EXPECT_EQ(range(Measure::kConfidence), (policy::Range{800'000, INT64_MAX}));
  EXPECT_EQ(range(Measure::kAmount), (policy::Range{-3, INT64_MAX}));
  EXPECT_FALSE(range(Measure::kGroupsTouched));
  const std::vector<policy::Rate> rates = {
      {policy::CountOf::kAction, Duration::seconds(600), {1, 3}},
      {policy::CountOf::kActionAndTarget, Duration::seconds(60), {0, 0}}};
  EXPECT_EQ(when().rates, rates);
  EXPECT_EQ(when().time, (policy::TimeOfDay{22 * 3600, 5 * 3600 + 1800, 0x41}));
}

TEST_F(PolicyFile, TellsUnknownNamesWithTheNearest) {
  EXPECT_EQ(
      problems_of(kRule + "actions = [\"migrat\"]\n"),
      "policy.toml:4:11: actions: there is no action \"migrat\"; did you mean \"migrate\"?\n");
  EXPECT_EQ(
      problems_of(kRule + "groups = [\"orders/7\"]\n"),
      "policy.toml:4:10: groups: there is no group \"orders/7\"; did you mean \"orders/0\"?\n");
  EXPECT_EQ(
      problems_of(kRule + "members = [\"colo-a\"]\n"),
      "policy.toml:4:11: members: there is no member \"colo-a\"; this configuration has none\n");
  EXPECT_THAT(problems_of(kRule + "faults = [\"bad luck\"]\n"), HasSubstr("there are: cpu_satur"));
  EXPECT_THAT(problems_of(kRule + "actons = [\"migrate\"]\n"),
              HasSubstr("policy.toml:4:1: unknown key \"actons\" in [[rule]] r; did you mean "
                        "\"actions\"?"));
  EXPECT_THAT(problems_of("[autonomy]\ndefault = \"observe\"\nmigrat = \"observe\"\n"),
              HasSubstr("policy.toml:3:1: unknown key \"migrat\" in [autonomy]"));
  EXPECT_THAT(problems_of("[autonomy]\nmigrate = \"observe\"\n"),
              HasSubstr("needs the key \"default\""));
}

TEST_F(PolicyFile, TellsValuesThatAreNone) {
  const auto tells = [&](const std::string& line, const std::string& what) {
    EXPECT_THAT(problems_of(kRule + line + "\n"), HasSubstr("policy.toml:4:")) << line;
    EXPECT_THAT(problems_of(kRule + line + "\n"), HasSubstr(what)) << line;
  };
  tells("actions = []", "an empty list; leave the key out");
  tells("actions = \"migrate\"", "expected a list");
  tells("between = \"8-9\"", "a span of the day in UTC");
  tells("between = \"22:00-24:01\"", "a span of the day in UTC");
  tells("between = \"09:00-09:00\"", "begins when it ends");
  tells("open_orders_max = -1", "expected an integer from 0");
  tells("confidence_min = \"101 %\"", "from 0 to 100");
  tells("position_max = 0.000000001", "at most 8 decimals");
  tells("cooldown = \"2d\"", "from \"1s\" to \"1d\"");
  tells("rates = [{ of = \"action\", window = \"10m\" }]", "`least`");
  tells("rates = [{ of = \"luck\", window = \"10m\", most = 1 }]", "expected one of");
  tells("persons = 3", "from 1 to 2");
  EXPECT_THAT(problems_of("[[rule]]\nname = \"r\"\nthen = \"maybe\"\n"),
              HasSubstr("policy.toml:3:8: then: expected one of \"deny\" \"observe\""));
  EXPECT_THAT(problems_of("[[rule]]\nthen = \"deny\"\n"), HasSubstr("needs the key \"name\""));
  EXPECT_THAT(problems_of("[[never]]\nname = \"n\"\nthen = \"deny\"\n"), HasSubstr("unknown key"));
}

TEST_F(PolicyFile, TellsRulesThatCanNeverDecide) {
  EXPECT_EQ(
      problems_of(kRule + "\n[[rule]]\nname = \"late\"\nactions = [\"drain\"]\nthen = \"deny\"\n"),
      "policy.toml:6:8: [[rule]] late: can never decide: before it \"r\" decides all of its "
      "cases\n");
  EXPECT_EQ(problems_of(kRule + "groups_touched_min = 3\ngroups_touched_max = 2\n"),
            "policy.toml:5:22: [[rule]] r: groups_touched_max: its least is above its most\n");
  EXPECT_EQ(
      problems_of("[[never]]\nname = \"page\"\n"),
      "policy.toml:2:8: [[never]] page: \"page\" is the name of a decision that no rule makes\n");
}

TEST_F(PolicyFile, ReadsCasesAndTellsWhereOneIsWrong) {
  write("policy.toml", kRule);
  write("policy_tests.toml", R"([defaults]
open_orders = 5
fault = "slow_disk"
[[case]]
name = "one"
action = "drain"
open_orders = 6
kill_switch = true
past = ["drain 5s", "drain 7s"]
verdict = "observe"
rule = "kill-switch"
persons = 0
)");
  EXPECT_EQ(problems(), "");
  ASSERT_EQ(settings_.policy.cases.size(), 1u);
  const auto& one = settings_.policy.cases[0];
  EXPECT_EQ(one.name, "one");
  EXPECT_EQ(one.line, 4u);
  EXPECT_EQ(one.question.context.open_orders, 6);
  EXPECT_EQ(one.question.context.fault, FaultClass::kSlowDisk);
  EXPECT_EQ(one.question.context.past.size(), 2u);
  EXPECT_EQ(one.verdict, Verdict::kObserve);
  EXPECT_EQ(one.rule, "kill-switch");
  EXPECT_EQ(one.persons, 0);
  const auto tells = [&](const std::string& line, const std::string& what) {
    write("policy_tests.toml",
          "[[case]]\nname = \"one\"\nverdict = \"deny\"\nrule = \"default\"\n" + line + "\n");
    EXPECT_THAT(problems(), HasSubstr(what)) << line;
  };
  tells("", "policy_tests.toml:2:8: [[case]] one: action: expected an action");
  tells("action = \"dig\"", "action: expected an action, found \"dig\"");
  tells("action = \"drain\"\nopen_orders = 1.5",
        "policy_tests.toml:6:15: open_orders: expected text");
  tells("action = \"drain\"\nopen_order = 1", "did you mean \"open_orders\"?");
}

TEST_F(PolicyFile, ALinkThatLeadsNowhereIsNotNone) {
  fs::create_symlink("nowhere.toml", folder_ + "/policy.toml");
  EXPECT_THAT(problems(), HasSubstr("policy.toml: cannot be read"));
}

TEST_F(PolicyFile, TheDefaultIsRight) {
  fs::copy(tests::source_path("config/policy.toml"), folder_);
  fs::copy(tests::source_path("config/policy_tests.toml"), folder_);
  EXPECT_EQ(problems(), "");
  EXPECT_GT(settings_.policy.cases.size(), 30u);
  for (const auto& expected : settings_.policy.cases) {
    const auto found = policy::evaluate(settings_.policy.policy, expected.question.proposal,
                                        expected.question.context);
    EXPECT_EQ(found.verdict, expected.verdict) << expected.name;
    EXPECT_EQ(found.rule, expected.rule) << expected.name;
  }
}

}  // namespace
}  // namespace holdfast::settings
