// What the operator API makes of the self-healing loop: the words for people, the JSON that the
// evaluation reads, the numbers for Prometheus.
#include <gmock/gmock.h>

#include "nodes/drill/evaluate/observe.hpp"
#include "nodes/node/api/healing/healing_json_http.hpp"
#include "nodes/node/api/healing/healing_words.hpp"
#include "nodes/node/operator/healing_metrics.hpp"
#include "tests/integration/operator_api/healing_fixture.hpp"

namespace holdfast::operator_api {
namespace {

using orchestrator::HealingView;
using orchestrator::remediation::Phase;
using orchestrator::remediation::Remedy;
using testing::HasSubstr;

// A board that may be changed.
struct Changed {
  HealingBoard board = healing_board();
  std::shared_ptr<HealingView> view = std::make_shared<HealingView>(*board.view);
  Changed() { board.view = view; }
  Doing of(std::size_t incident) const { return doing(view->incidents[incident], board); }
};

TEST(HealingWords, PlacesAreNamed) {
  const auto names = healing_board().names;
  EXPECT_EQ(to_text(Place{}, names), "the cluster");
  EXPECT_EQ(to_text(Place{{1}, {1}, {}}, names), "orders/0 at node-1");
  EXPECT_EQ(to_text(Place{{9}, {8}, "x"}, names), "group 8 at member 9 (x)");
  EXPECT_EQ(to_text(Place{{}, {}, "XSIM"}, names), "XSIM");
  Action throttle;
  throttle.kind = ActionKind::kThrottle;
  throttle.amount = 500'000;
  EXPECT_EQ(to_text(throttle, names), "throttle the cluster (500000)");
  EXPECT_EQ(to_text(Action{}, names), "nothing");
}

TEST(HealingWords, EveryPhaseOfARemedyHasWords) {
  Changed changed;
  Remedy remedy = changed.view->remedies[1];
  for (uint8_t code = 1; code < orchestrator::remediation::kPhases; ++code) {
    remedy.phase = static_cast<Phase>(code);
    const Doing now = doing(remedy, changed.board.names);
    EXPECT_THAT(now.text, HasSubstr("remedy 11 (migrate orders/0 at node-1 to node-2)"));
    EXPECT_EQ(now.needs_you, remedy.phase == Phase::kAwaitingApproval);
  }
  remedy.phase = Phase::kUndoing;
  remedy.steps.push_back(remedy.steps[0]);
  remedy.steps.back().id.undo = true;
  remedy.steps.back().outcome.reset();
  EXPECT_THAT(doing(remedy, changed.board.names).text, HasSubstr("undoes step 1 of 1"));
}

TEST(HealingWords, OnlyOthersThanTheProposerCountAndEachOnce) {
  Remedy remedy = healing_board().view->remedies[0];
  remedy.proposer = "Ann";
  remedy.words = {{"ann", night(1), true},
                  {"bob", night(2), true},
                  {"BOB", night(3), true},
                  {"carl", night(4), false}};
  EXPECT_EQ(approvals_given(remedy), 1u);
}

TEST(HealingWords, WhatStandsStillSaysWhoIsNeeded) {
  Changed changed;
  changed.view->recommended.clear();
  EXPECT_EQ(changed.of(1).text, "nothing may be done about it by itself");
  EXPECT_TRUE(changed.of(1).needs_you);
  changed.view->cases[8].again = night(130);
  EXPECT_EQ(changed.of(1).text, "what would be done is held back for a moment");
  EXPECT_FALSE(changed.of(1).needs_you);
  changed.view->incidents[1].findings[0].over = true;
  EXPECT_THAT(changed.of(1).text, HasSubstr("closes by itself"));
  changed.view->asks.clear();
  EXPECT_EQ(changed.of(2).text, "watched");
  changed.view->incidents[2].cause = FaultClass::kNone;
  changed.view->cases[9].paged = true;
  EXPECT_EQ(changed.of(2).text, "watched: no cause stands out");
  EXPECT_TRUE(changed.of(2).needs_you);
  changed.view->cases.clear();
  EXPECT_FALSE(changed.of(2).needs_you);
}

TEST(HealingWords, AFailedRemedyNeedsAPersonWhileTheFaultGoesOn) {
  Changed changed;
  Remedy& remedy = changed.view->remedies[0];
  remedy.phase = Phase::kEnded;
  remedy.outcome = RemedyOutcome::kFailed;
  remedy.text = "node-3 is not in sync";
  EXPECT_TRUE(changed.of(0).needs_you);
  EXPECT_THAT(changed.of(0).text,
              HasSubstr("failed: node-3 is not in sync; the fault is still there"));
  remedy.outcome = RemedyOutcome::kSucceeded;
  EXPECT_FALSE(changed.of(0).needs_you);
}

// The evaluation reads the API's JSON: nothing in it may be strange to it.
TEST(HealingJson, IsWhatTheEvaluationReads) {
  const HealingBoard board = healing_board();
  const auto text = [](Json json) { return nlohmann::json::parse(json.dump()); };
  Json findings = Json::array(), incidents = Json::array(), remedies = Json::array();
  for (const Incident& one : board.view->incidents) {
    incidents.push_back(to_json(one, board, Detail::kListed));
    for (const Finding& finding : one.findings)
      findings.push_back(to_json(finding, board.names, Detail::kFull));
  }
  for (const Remedy& one : board.view->remedies)
    remedies.push_back(to_json(one, board.names, Detail::kListed));
  drill::evaluate::Observer observer([](uint32_t, WallTime told, WallTime) { return told; });
  observer.take_findings(text({{"findings", findings}}), night(0));
  observer.take_incidents(text({{"incidents", incidents}}), night(0));
  observer.take_remedies(text({{"remedies", remedies}}), night(0));
  EXPECT_EQ(observer.strange(), 0u);
  EXPECT_EQ(observer.open_findings(), 3u);
  EXPECT_EQ(observer.open_remedies(), 0u);
  EXPECT_EQ(observer.waiting(), std::vector<uint64_t>{12});
  const auto seen = observer.observed();
  ASSERT_EQ(seen.incidents.size(), 4u);
  EXPECT_EQ(seen.incidents[0].number, 5u);
  EXPECT_EQ(seen.incidents[0].closed, night(40));
  EXPECT_EQ(seen.incidents[1].findings[0].member, 2u);
  EXPECT_EQ(seen.incidents[1].findings[0].found, night(1));
  ASSERT_EQ(seen.remedies.size(), 2u);
  EXPECT_EQ(seen.remedies[0].advisor, "model");
  EXPECT_EQ(seen.remedies[0].steps, 1u);
  EXPECT_EQ(seen.remedies[0].action, ActionKind::kMigrate);
  EXPECT_EQ(seen.remedies[0].rule, "migrate-by-day");
  EXPECT_EQ(seen.remedies[1].verdict, Verdict::kNeedsApproval);
}

TEST(HealingMetrics, CountWhatIsOpenAndWhatWaits) {
  Changed changed;
  changed.view->killed = true;
  MetricsText metrics;
  node::add_healing(metrics, *changed.view);
  const auto text = std::move(metrics).take();
  for (const auto* line :
       {"holdfast_healing_findings_total 20\n", "holdfast_healing_unanswered_total 1\n",
        "holdfast_healing_denied_total 2\n", "holdfast_healing_notes_lost_total 0\n",
        "holdfast_healing_incidents_open 3\n", "holdfast_healing_remedies_active 1\n",
        "holdfast_healing_remedies_awaiting_approval 1\n", "holdfast_healing_kill_switch 1\n",
        "holdfast_healing_notes_waiting 4\n", "holdfast_healing_leads 0\n"})
    EXPECT_THAT(text, HasSubstr(line));
}

}  // namespace
}  // namespace holdfast::operator_api
