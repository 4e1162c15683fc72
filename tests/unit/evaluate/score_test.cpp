// The scoring of an evaluation by hand-made histories: what is right, what is missed, what is a
// false alarm, and that nothing passes by default.
#include "nodes/drill/evaluate/score.hpp"

#include <gtest/gtest.h>

#include "nodes/drill/evaluate/observe.hpp"
#include "nodes/drill/evaluate/report.hpp"

namespace holdfast::drill::evaluate {
namespace {

using telemetry::Domain;

constexpr int64_t kBase = 1'700'000'000'000;
WallTime at(int64_t ms) { return WallTime{(kBase + ms) * 1'000'000}; }
constexpr Duration kGrace = Duration::seconds(2);

Trial fault(std::vector<FaultClass> expect, int64_t from, int64_t upto,
            std::vector<FaultClass> also = {}) {
  Trial trial;
  trial.what.name = "a fault";
  trial.what.domain = domain_of(expect.at(0));
  trial.what.expect = std::move(expect);
  trial.what.also = std::move(also);
  trial.what.actions = {ActionKind::kPromote};
  trial.began = at(from);
  trial.ended = at(upto);
  trial.rested = at(upto + 3'000);
  return trial;
}
Trial control(int64_t from, int64_t upto) {
  Trial trial;
  trial.what.name = "a control";
  trial.what.kind = Kind::kControl;
  trial.began = at(from);
  trial.ended = at(upto);
  trial.rested = at(upto + 3'000);
  return trial;
}
SeenFinding finding(FaultClass fault, int64_t ms, uint64_t number = 0) {
  SeenFinding one;
  one.agent = "io-1";
  one.number = number ? number : static_cast<uint64_t>(ms);
  one.domain = domain_of(fault);
  one.fault = fault;
  one.member = 1;
  one.began = one.found = at(ms);
  return one;
}
SeenRemedy remedy(uint64_t number, int64_t opened, int64_t ended, RemedyOutcome outcome) {
  SeenRemedy one;
  one.number = number;
  one.incident = 1;
  one.action = ActionKind::kPromote;
  one.verdict = Verdict::kAllow;
  one.rule = "promote-in-sync";
  one.opened = at(opened);
  one.ended = at(ended);
  one.outcome = outcome;
  one.steps = 1;
  return one;
}

TEST(Score, AFaultThatIsFoundInItsTimeIsAHitWithItsDelay) {
  Observed seen;
  seen.findings = {finding(FaultClass::kSlowDisk, 10'400), finding(FaultClass::kSlowDisk, 11'000),
                   finding(FaultClass::kLatencyDrift, 10'900)};
  const Score got = score(
      {fault({FaultClass::kSlowDisk}, 10'000, 16'000, {FaultClass::kLatencyDrift})}, seen, kGrace);
  EXPECT_EQ(got.all.found, 1u);
  EXPECT_EQ(got.all.false_alarms, 0u);
  EXPECT_EQ(got.trials[0].detection, Duration::milliseconds(400));
  EXPECT_EQ(got.all.precision(), 1.0);
  EXPECT_EQ(got.all.recall(), 1.0);
}

TEST(Score, WhatIsNotFoundFoundTooLateOrAsSomethingElseIsMissed) {
  Observed seen;
  seen.findings = {finding(FaultClass::kSlowDisk, 18'500),  // in the first one's rest, after grace
                   finding(FaultClass::kFullDisk, 31'000)};
  const Score got = score({fault({FaultClass::kSlowDisk}, 10'000, 16'000),
                           fault({FaultClass::kSlowDisk}, 30'000, 36'000),
                           fault({FaultClass::kSlowDisk}, 50'000, 56'000)},
                          seen, kGrace);
  EXPECT_EQ(got.all.found, 0u);
  EXPECT_EQ(got.all.missed, 3u);
  EXPECT_EQ(got.all.false_alarms, 1u);
  EXPECT_EQ(got.trials[1].unexpected, std::vector{FaultClass::kFullDisk});
  EXPECT_EQ(got.all.recall(), 0.0);
  EXPECT_EQ(got.all.precision(), 0.0);
}

TEST(Score, WhatIsFoundInControlsAndBetweenCasesIsAFalseAlarmOfItsDomain) {
  Observed seen;
  seen.findings = {finding(FaultClass::kSlowDisk, 1'000), finding(FaultClass::kSlowDisk, 1'500, 7),
                   finding(FaultClass::kPacketDelay, 12'000),
                   finding(FaultClass::kPacketDelay, 13'000)};
  const Score got = score({control(10'000, 16'000)}, seen, kGrace);
  EXPECT_EQ(got.outside_alarms, 2u);
  EXPECT_EQ(got.all.false_alarms, 3u) << "one class in one case is one alarm";
  EXPECT_EQ(got.by_domain.at(Domain::kIo).false_alarms, 2u);
  EXPECT_EQ(got.by_domain.at(Domain::kNetwork).false_alarms, 1u);
  EXPECT_EQ(got.control_cases, 1u);
  EXPECT_FALSE(got.all.recall());
}

TEST(Score, SkippedCasesCountNowhere) {
  Trial skipped = fault({FaultClass::kFullDisk}, 0, 0);
  skipped.skipped = "no fault library";
  const Score got = score({skipped}, {}, kGrace);
  EXPECT_EQ(got.skipped, 1u);
  EXPECT_EQ(got.fault_cases, 0u);
  EXPECT_FALSE(got.all.recall());
}

TEST(Score, RemediesOfFaultsAndActionsOnControls) {
  Observed seen;
  seen.findings = {finding(FaultClass::kSlowDisk, 10'400)};
  seen.remedies = {remedy(1, 10'500, 13'000, RemedyOutcome::kRolledBack),
                   remedy(2, 13'500, 15'000, RemedyOutcome::kSucceeded),
                   remedy(3, 32'000, 33'000, RemedyOutcome::kSucceeded),
                   remedy(4, 34'000, 34'000, RemedyOutcome::kSucceeded)};
  seen.remedies[3].action = ActionKind::kPage;
  const Score got = score({fault({FaultClass::kSlowDisk}, 10'000, 16'000), control(30'000, 36'000)},
                          seen, kGrace);
  EXPECT_EQ(got.remedies, 2u);
  EXPECT_EQ(got.remedies_succeeded, 1u);
  EXPECT_EQ(got.rolled_back, 1u);
  EXPECT_EQ(got.trials[0].remediation, Duration::seconds(5));
  EXPECT_EQ(got.actions_on_controls, 1u) << "to tell a human is no action";
}

TEST(Score, TheRightClassAtTheWrongMemberIsAMissAndAFalseAlarm) {
  Trial there = fault({FaultClass::kSlowDisk}, 10'000, 16'000);
  there.members = {2};
  Observed seen;
  seen.findings = {finding(FaultClass::kSlowDisk, 10'400)};  // of member 1
  Score got = score({there}, seen, kGrace);
  EXPECT_EQ(got.all.missed, 1u);
  EXPECT_EQ(got.all.false_alarms, 1u);
  there.members = {2, 1};
  got = score({there}, seen, kGrace);
  EXPECT_EQ(got.all.found, 1u);
  EXPECT_EQ(got.all.false_alarms, 0u);
}

TEST(Score, AnActionThatTheCaseDoesNotNameIsNoSuccess) {
  Observed seen;
  seen.remedies = {remedy(1, 10'500, 13'000, RemedyOutcome::kSucceeded)};
  seen.remedies[0].action = ActionKind::kHaltVenue;
  Score got = score({fault({FaultClass::kSlowDisk}, 10'000, 16'000)}, seen, kGrace);
  EXPECT_EQ(got.remedies, 1u);
  EXPECT_EQ(got.remedies_succeeded, 0u);
  EXPECT_EQ(got.unfit_actions, 1u);
  EXPECT_FALSE(got.trials[0].remediation);
}

TEST(Score, WhereServiceIsNotAsBeforeNoRemedySucceeded) {
  Trial unrest = fault({FaultClass::kSlowDisk}, 10'000, 16'000);
  unrest.rested = {};
  Observed seen;
  seen.remedies = {remedy(1, 10'500, 13'000, RemedyOutcome::kSucceeded)};
  EXPECT_EQ(score({unrest}, seen, kGrace).remedies_succeeded, 0u);
}

TEST(Score, TheCauseThatTheOrchestratorNamedIsJudged) {
  Observed seen;
  seen.findings = {finding(FaultClass::kSlowDisk, 10'400), finding(FaultClass::kSlowDisk, 30'400)};
  seen.incidents = {{7, FaultClass::kSlowDisk, at(10'500), at(17'000), {}},
                    {8, FaultClass::kPacketDelay, at(30'500), at(37'000), {}}};
  const Score got = score({fault({FaultClass::kSlowDisk}, 10'000, 16'000),
                           fault({FaultClass::kSlowDisk}, 30'000, 36'000)},
                          seen, kGrace);
  EXPECT_EQ(got.diagnosed, 1u);
  EXPECT_EQ(got.trials[1].incident, 8u);
}

TEST(Score, OfSeveralClustersAddsUp) {
  Observed seen;
  seen.findings = {finding(FaultClass::kSlowDisk, 10'400), finding(FaultClass::kFullDisk, 1'000)};
  seen.remedies = {remedy(1, 10'500, 13'000, RemedyOutcome::kSucceeded)};
  const Score one = score({fault({FaultClass::kSlowDisk}, 10'000, 16'000)}, seen, kGrace);
  Score sum;
  add(sum, one);
  add(sum, one);
  EXPECT_EQ(sum.fault_cases, 2u);
  EXPECT_EQ(sum.all.found, 2u);
  EXPECT_EQ(sum.outside_alarms, 2u);
  EXPECT_EQ(sum.by_domain.at(Domain::kIo).false_alarms, 2u);
  EXPECT_EQ(sum.trials.size(), 2u);
  EXPECT_EQ(sum.remedies_succeeded, 2u);
  EXPECT_EQ(sum.detections.size(), 2u);
}

TEST(Quantile, IsOneOfTheValues) {
  std::vector<Duration> values;
  EXPECT_FALSE(quantile(values, 0.5));
  for (int i = 100; i >= 1; --i) values.push_back(Duration::milliseconds(i));
  EXPECT_EQ(quantile(values, 0.5), Duration::milliseconds(50));
  EXPECT_EQ(quantile(values, 0.99), Duration::milliseconds(99));
  EXPECT_EQ(quantile(values, 1), Duration::milliseconds(100));
  EXPECT_EQ(quantile({Duration::seconds(7)}, 0.5), Duration::seconds(7));
}

// ---- the report

struct Perfect {
  Evaluation evaluation;
  Observed observed;
};
Perfect perfect() {
  Perfect all;
  Evaluation& evaluation = all.evaluation;
  evaluation.trials = {fault({FaultClass::kSlowDisk}, 10'000, 16'000), control(30'000, 36'000)};
  all.observed.findings = {finding(FaultClass::kSlowDisk, 10'400)};
  all.observed.remedies = {remedy(1, 10'500, 13'000, RemedyOutcome::kSucceeded)};
  evaluation.agent_throughput_per_s = 1e6;
  evaluation.clocks = {{"colo-a", true, Duration::microseconds(90)}};
  evaluation.flow = {{"sent", 100}, {"lost", 0}, {"duplicated", 0}, {"contradicted", 0}};
  evaluation.audits = evaluation.audits_verified = 3;
  Traces& traces = evaluation.traces;
  traces.records = 9;
  traces.clocks[static_cast<std::size_t>(audit::ClockSource::kNtp)] = 9;
  traces.incidents = traces.incidents_whole = traces.remedies = traces.remedies_whole = 1;
  traces.steps = traces.steps_allowed = 1;
  evaluation.score = score(evaluation.trials, all.observed, kGrace);
  return all;
}

TEST(Report, HasEveryKeyAndIsCleanWhenAimsAreMet) {
  const auto report = report_of(perfect().evaluation);
  for (const char* key :
       {"detection_latency_ms", "remediation_latency_ms", "agent_throughput_per_s",
        "domain_precision", "domain_recall", "remediation_success", "rollback_frequency",
        "trace_completeness", "policy_adherence", "time_sync_integrity", "fault_cases",
        "control_cases", "precision", "recall", "detection_ms_p50", "actions_on_controls"})
    EXPECT_TRUE(report.contains(key)) << key;
  EXPECT_EQ(report["precision"], 1.0);
  EXPECT_EQ(report["detection_ms_p50"], 400.0);
  EXPECT_EQ(report["time_sync_integrity"]["state"], "synchronised");
  EXPECT_EQ(report["domain_recall"]["io"], 1.0);
  EXPECT_TRUE(report["domain_recall"]["http"].is_null());
  EXPECT_EQ(report["clean"], true);
}

TEST(Report, NothingPassesByDefault) {
  const auto is_clean_after = [](auto&& spoil) {
    Perfect all = perfect();
    spoil(all.evaluation, all.observed);
    all.evaluation.score = score(all.evaluation.trials, all.observed, kGrace);
    return report_of(all.evaluation)["clean"] == true;
  };
  EXPECT_TRUE(is_clean_after([](Evaluation&, Observed&) {}));
  EXPECT_FALSE(is_clean_after([](Evaluation&, Observed& o) { o.remedies.clear(); }));
  EXPECT_FALSE(is_clean_after([](Evaluation&, Observed& o) { o.findings.clear(); }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.trials.clear(); }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.flow["duplicated"] = 1; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.flow.clear(); }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.problems = {"no rest"}; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.interrupted = true; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.audits_verified = 2; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.audits = e.audits_verified = 0; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.traces = {}; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e, Observed&) { e.traces.steps_allowed = 0; }));
  EXPECT_FALSE(is_clean_after([](Evaluation&, Observed& o) {
    o.remedies.push_back(remedy(2, 31'000, 32'000, RemedyOutcome::kSucceeded));
  }));
  EXPECT_FALSE(is_clean_after([](Evaluation&, Observed& o) {
    o.remedies.push_back(remedy(2, 1'000, 2'000, RemedyOutcome::kSucceeded));
  })) << "in no case's time";
}

TEST(Report, OfAnAdversarialModelSafetyAloneIsDemanded) {
  Perfect all = perfect();
  all.evaluation.adversarial = true;
  all.observed = {};
  all.evaluation.score = score(all.evaluation.trials, all.observed, kGrace);
  EXPECT_EQ(report_of(all.evaluation)["clean"], true) << "nothing was found, and nothing lost";
  all.evaluation.flow["lost"] = 1;
  EXPECT_EQ(report_of(all.evaluation)["clean"], false);
  all.evaluation.flow["lost"] = 0;
  all.evaluation.traces.steps_allowed = 0;
  EXPECT_EQ(report_of(all.evaluation)["clean"], false);
  all.evaluation.traces.steps = 0;
  EXPECT_EQ(report_of(all.evaluation)["clean"], true);
}

TEST(Report, AClockOfWhichNothingIsKnownIsUnsynchronised) {
  const auto state_after = [](auto&& spoil) {
    Evaluation evaluation = perfect().evaluation;
    spoil(evaluation);
    return report_of(evaluation)["time_sync_integrity"]["state"];
  };
  using E = Evaluation;
  EXPECT_EQ(state_after([](E&) {}), "synchronised");
  EXPECT_EQ(state_after([](E& e) { e.clocks = {}; }), "unsynchronised");
  EXPECT_EQ(state_after([](E& e) { e.clocks.push_back({"colo-b", false, {}}); }), "unsynchronised");
  EXPECT_EQ(state_after([](E& e) { e.traces.clocks[0] = 1, e.traces.records = 10; }),
            "unsynchronised");
  EXPECT_EQ(state_after([](E& e) { e.traces.unbounded = 1; }), "unsynchronised");
  EXPECT_EQ(state_after([](E& e) { e.traces = {}; }), "unsynchronised");
}

TEST(Report, OrderLatenciesOfAnotherStandBeside) {
  Evaluation evaluation = perfect().evaluation;
  evaluation.orders.quiet = {Duration::microseconds(10), Duration::microseconds(30)};
  const auto without = report_of(evaluation);
  auto with = report_of(evaluation);
  put_beside(with, without);
  EXPECT_EQ(with["order_latency_us"]["beside"]["quiet"]["p50"], 10);
  EXPECT_EQ(with["order_latency_us"]["beside"]["advisor"], "deterministic");
  put_beside(with, nlohmann::ordered_json::object());
  EXPECT_TRUE(with["order_latency_us"]["beside"].is_null());
}

TEST(Report, OfSeveralClustersAddsUpAndAClockCountsAtItsWorst) {
  Evaluation sum;
  add(sum, perfect().evaluation);
  Evaluation worse = perfect().evaluation;
  worse.clocks = {{"colo-a", true, Duration::microseconds(500)}};
  worse.clusters = 1;
  add(sum, worse);
  const auto report = report_of(sum);
  EXPECT_EQ(report["fault_cases"], 2);
  EXPECT_EQ(report["cases"].size(), 4u);
  EXPECT_EQ(report["flow"]["sent"], 200);
  EXPECT_EQ(report["time_sync_integrity"]["members"].size(), 1u);
  EXPECT_EQ(report["time_sync_integrity"]["members"][0]["bound_us"], 500);
  EXPECT_EQ(report["audit"]["logs"], 6);
}

TEST(Throughput, IsMeasuredOverTheSpanThatWasAsked) {
  MonoTime clock{0};
  const double rate = measure_throughput(
      [&] { return clock = clock + Duration::milliseconds(100); }, Duration::milliseconds(300));
  EXPECT_GT(rate, 0);
}

// ---- what the operator API says

TEST(Observer, PutsFindingsTogetherOverManyLooks) {
  Observer observer([](uint32_t, WallTime told, WallTime) { return told; });
  const auto answer = [](const char* found, bool over) {
    return nlohmann::json{{"findings",
                           {{{"agent", "io-1"},
                             {"domain", "io"},
                             {"number", 5},
                             {"fault", "slow_disk"},
                             {"place", {{"member", 2}, {"group", 0}, {"instance", ""}}},
                             {"began", "2026-11-20T10:00:00.000000000Z"},
                             {"found", found},
                             {"over", over}}}}};
  };
  observer.take_findings(answer("2026-11-20T10:00:01.000000000Z", false), at(0));
  observer.take_findings(answer("2026-11-20T10:00:01.000000000Z", false), at(0));
  EXPECT_EQ(observer.open_findings(), 1u);
  observer.take_findings(answer("2026-11-20T10:00:09.000000000Z", true), at(0));
  EXPECT_EQ(observer.open_findings(), 0u);
  ASSERT_EQ(observer.observed().findings.size(), 1u);
  const SeenFinding one = observer.observed().findings[0];
  EXPECT_EQ(one.found - one.began, Duration::seconds(1)) << "when it was first found";
  EXPECT_EQ(one.member, 2u);
}

TEST(Observer, AClockThatIsWrongIsCorrected) {
  Observer observer([](uint32_t member, WallTime told, WallTime) {
    return member == 2 ? told + Duration::seconds(-3) : told;
  });
  observer.take_findings({{"findings",
                           {{{"agent", "cpu-1"},
                             {"domain", "cpu"},
                             {"number", 1},
                             {"fault", "clock_step"},
                             {"place", {{"member", 2}}},
                             {"found", "2026-11-20T10:00:03Z"}}}}},
                         at(0));
  observer.take_findings({{"findings",
                           {{{"agent", "cpu-1"},
                             {"domain", "cpu"},
                             {"number", 1},
                             {"fault", "clock_step"},
                             {"place", {{"member", 1}}},
                             {"found", "2026-11-20T10:00:00Z"}}}}},
                         at(0));
  const auto seen = observer.observed().findings;
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0].found, seen[1].found);
}

TEST(Observer, StrangersAreCountedAndNothingElse) {
  Observer observer([](uint32_t, WallTime told, WallTime) { return told; });
  observer.take_findings(nullptr, at(0));
  observer.take_findings(nlohmann::json::array(), at(0));
  observer.take_findings({{"findings", "none"}}, at(0));
  EXPECT_EQ(observer.strange(), 0u);
  observer.take_findings({{"findings", {1, {{"fault", "no such"}}, nullptr}}}, at(0));
  observer.take_incidents({{"incidents", {"x", {{"number", -1}}}}}, at(0));
  observer.take_remedies({{"remedies", {nullptr}}}, at(0));
  EXPECT_EQ(observer.strange(), 6u);
  EXPECT_TRUE(observer.observed().findings.empty());
}

TEST(Observer, WithItsIncidentAFindingIsOver) {
  Observer observer([](uint32_t, WallTime told, WallTime) { return told; });
  const auto told = [](const nlohmann::json& closed, uint64_t as_of) {
    return nlohmann::json{{"as_of", as_of},
                          {"incidents",
                           {{{"number", 1},
                             {"cause", "slow_disk"},
                             {"opened", "2026-11-20T10:00:01Z"},
                             {"closed", closed},
                             {"findings",
                              {{{"agent", "io-1"},
                                {"domain", "io"},
                                {"number", 5},
                                {"fault", "slow_disk"},
                                {"place", {{"member", 2}}},
                                {"found", "2026-11-20T10:00:01Z"},
                                {"over", false}}}}}}}};
  };
  observer.take_incidents(told(nullptr, 7), at(0));
  EXPECT_EQ(observer.open_findings(), 1u);
  EXPECT_EQ(observer.open_incidents(), 1u);
  observer.take_incidents(told("2026-11-20T10:00:09Z", 9), at(0));
  EXPECT_EQ(observer.open_incidents(), 0u);
  EXPECT_EQ(observer.open_findings(), 0u);
  observer.take_incidents(told(nullptr, 8), at(0));
  EXPECT_EQ(observer.open_findings(), 0u) << "a copy that is behind";
  EXPECT_EQ(observer.observed().incidents.at(0).closed,
            observer.observed().incidents.at(0).opened + Duration::seconds(8));
}

TEST(Observer, AnIncidentThatWasMergedIsNoneOfItsOwn) {
  Observer observer([](uint32_t, WallTime told, WallTime) { return told; });
  const auto open = [](uint64_t number) {
    return nlohmann::json{{"number", number},
                          {"opened", "2026-11-20T10:00:01Z"},
                          {"closed", nullptr},
                          {"findings", nlohmann::json::array()}};
  };
  observer.take_incidents({{"incidents", {open(1), open(2)}}, {"more", false}}, at(0));
  EXPECT_EQ(observer.open_incidents(), 2u);
  observer.take_incidents({{"incidents", {open(2)}}, {"more", true}}, at(0));
  EXPECT_EQ(observer.open_incidents(), 2u) << "not all of them were told";
  observer.take_incidents({{"incidents", {open(2)}}, {"more", false}}, at(0));
  EXPECT_EQ(observer.open_incidents(), 1u);
}

TEST(Observer, WhatWaitsForAPersonIsNotUnderWay) {
  Observer observer([](uint32_t, WallTime told, WallTime) { return told; });
  nlohmann::json remedy = {
      {"number", 4},
      {"incident", 2},
      {"phase", "awaiting_approval"},
      {"proposal", {{"advisor", "model"}, {"action", {{"kind", "halt_venue"}}}}},
      {"decision", {{"verdict", "needs_approval"}, {"rule", "halt-venue"}}},
      {"opened", "2026-11-20T10:00:03Z"},
      {"outcome", "open"},
      {"steps", nlohmann::json::array()}};
  observer.take_remedies({{"remedies", {remedy}}}, at(0));
  EXPECT_EQ(observer.open_remedies(), 0u);
  EXPECT_EQ(observer.waiting(), std::vector<uint64_t>{4});
  EXPECT_EQ(observer.observed().remedies.at(0).advisor, "model");
  remedy["phase"] = "stepping";
  observer.take_remedies({{"remedies", {remedy}}}, at(0));
  EXPECT_EQ(observer.open_remedies(), 1u);
  EXPECT_TRUE(observer.waiting().empty());
}

}  // namespace
}  // namespace holdfast::drill::evaluate
