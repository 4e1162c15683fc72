// workflows.toml: the file of the repository is whole, and every mistake is told with its line.
#include "nodes/settings/workflows_settings.hpp"

#include "tests/source_path.hpp"
#include "tests/unit/settings/settings_fixture.hpp"

namespace holdfast::settings {
namespace {

using namespace orchestrator::remediation;

constexpr const char* kGood = R"([limits]
active_max = 2
blast_radius_max = 3

[[workflow]]
name = "move"
action = "migrate"
faults = ["slow_disk"]
warm_up = "500ms"
steps = [{ action = "migrate", timeout = "5s", attempts = 2 },
         { action = "flush_storage", timeout = "2s" }]
before = [{ metric = "system.filesystem.free", at_least = 1000 }]
after = [{ objective = "effects_over" },
         { metric = "order.latency", of = "successor", at_most_ppm_of_before = 500_000 }]
escalate_to = "drain"
)";

class WorkflowsFile : public SettingsFiles {
 protected:
  Book load(const std::string& text) {
    write("workflows.toml", text);
    problems_ = {};
    return load_workflows(folder_, problems_);
  }
  /// The problems of a file in which `from` is `to`.
  std::string spoiled(const std::string& from, const std::string& to) {
    std::string text = kGood;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    load(text.replace(at, from.size(), to));
    return problems_.str();
  }
  Problems problems_;
};

TEST_F(WorkflowsFile, IsReadWhole) {
  const Book book = load(kGood);
  ASSERT_TRUE(problems_.none()) << problems_.str();
  EXPECT_EQ(book.limits.active_max, 2u);
  EXPECT_EQ(book.limits.blast_radius_max, 3u);
  ASSERT_EQ(book.workflows.size(), 1u);
  const Workflow& move = book.workflows[0];
  EXPECT_EQ(move.action, ActionKind::kMigrate);
  EXPECT_EQ(move.warm_up, Duration::milliseconds(500));
  ASSERT_EQ(move.steps.size(), 2u);
  EXPECT_EQ(move.steps[0].attempts, 2);
  EXPECT_EQ(move.steps[1].action, ActionKind::kFlushStorage);
  ASSERT_EQ(move.before.size(), 1u);
  EXPECT_EQ(move.before[0].kind, ObjectiveKind::kAtLeast);
  ASSERT_EQ(move.after.size(), 2u);
  EXPECT_EQ(move.after[0].kind, ObjectiveKind::kEffectsOver);
  EXPECT_EQ(move.after[1].kind, ObjectiveKind::kAtMostOfBefore);
  EXPECT_EQ(move.after[1].scope, Scope::kSuccessor);
  EXPECT_EQ(move.escalate_to, ActionKind::kDrain);
  EXPECT_EQ(book.find(ActionKind::kMigrate, FaultClass::kSlowDisk), &move);
  EXPECT_EQ(book.find(ActionKind::kMigrate, FaultClass::kFullDisk), nullptr);
}

TEST_F(WorkflowsFile, ThatIsNotThereMeansThatNothingIsDone) {
  fs::remove(fs::path(folder_) / "workflows.toml");
  EXPECT_TRUE(load_workflows(folder_, problems_).workflows.empty());
  EXPECT_TRUE(problems_.none());
}

TEST_F(WorkflowsFile, OfTheRepositoryIsRight) {
  const Book book = load_workflows(tests::source_path("config"), problems_);
  EXPECT_TRUE(problems_.none()) << problems_.str();
  EXPECT_GE(book.workflows.size(), 10u);
  EXPECT_TRUE(validate(book).ok());
}

TEST_F(WorkflowsFile, TellsEachMistakeWithItsLine) {
  using testing::HasSubstr;
  EXPECT_THAT(spoiled("action = \"migrate\"\n", "action = \"migrat\"\n"),
              HasSubstr("workflows.toml:7:"));
  EXPECT_THAT(spoiled("slow_disk", "slow_disc"), HasSubstr("did you mean \"slow_disk\"?"));
  EXPECT_THAT(spoiled("order.latency", "order.latenci"), HasSubstr("workflows.toml:14:"));
  EXPECT_THAT(spoiled("effects_over", "effects_under"), HasSubstr("workflows.toml:13:"));
  EXPECT_THAT(spoiled(", at_most_ppm_of_before = 500_000", ""), HasSubstr("found 0"));
  EXPECT_THAT(spoiled("attempts = 2", "attempts = 99"), HasSubstr("workflows.toml:10:"));
  EXPECT_THAT(spoiled("warm_up", "warm_upp"), HasSubstr("did you mean \"warm_up\"?"));
  EXPECT_THAT(spoiled("escalate_to = \"drain\"", "escalate_to = \"migrate\""),
              HasSubstr("it escalates to itself"));
  EXPECT_THAT(spoiled("action = \"migrate\"\n", "action = \"promote\"\n"),
              HasSubstr("none of its steps is its action"));
  EXPECT_THAT(spoiled("escalate_to = \"drain\"", "blast_radius_max = 9"),
              HasSubstr("wider than [limits] allows"));
  EXPECT_THAT(spoiled("active_max = 2", "active_max = 0"), HasSubstr("workflows.toml:2:"));
  EXPECT_THAT(spoiled("escalate_to = \"drain\"", "timeout = \"2s\""), HasSubstr("shorter than"));
  EXPECT_THAT(spoiled("[limits]", "[limits"), HasSubstr("workflows.toml:1:"));
}

}  // namespace
}  // namespace holdfast::settings
