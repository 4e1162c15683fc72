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
  one.traced = true;
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

TEST(Score, PolicyAndTraces) {
  Observed seen;
  seen.remedies = {
      remedy(1, 1, 2, RemedyOutcome::kSucceeded), remedy(2, 1, 2, RemedyOutcome::kDenied),
      remedy(3, 1, 2, RemedyOutcome::kSucceeded), remedy(4, 1, 2, RemedyOutcome::kFailed)};
  seen.remedies[1].verdict = Verdict::kDeny;
  seen.remedies[1].steps = 0;
  seen.remedies[2].verdict = Verdict::kDeny;  // done all the same
  seen.remedies[3].rule.clear();
  seen.remedies[3].traced = false;
  const Score got = score({}, seen, kGrace);
  EXPECT_EQ(got.judged, 4u);
  EXPECT_EQ(got.adherent, 2u);
  EXPECT_EQ(got.traced, 3u);
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

Evaluation perfect() {
  Evaluation evaluation;
  evaluation.trials = {fault({FaultClass::kSlowDisk}, 10'000, 16'000), control(30'000, 36'000)};
  evaluation.observed.findings = {finding(FaultClass::kSlowDisk, 10'400)};
  evaluation.observed.remedies = {remedy(1, 10'500, 13'000, RemedyOutcome::kSucceeded)};
  evaluation.agent_throughput_per_s = 1e6;
  evaluation.clocks = {{"colo-a", true, Duration::microseconds(90)}};
  evaluation.flow = {{"sent", 100}, {"lost", 0}};
  evaluation.score = score(evaluation.trials, evaluation.observed, kGrace);
  return evaluation;
}

TEST(Report, HasEveryKeyAndIsCleanWhenAimsAreMet) {
  const auto report = report_of(perfect());
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
    Evaluation evaluation = perfect();
    spoil(evaluation);
    evaluation.score = score(evaluation.trials, evaluation.observed, kGrace);
    return report_of(evaluation)["clean"] == true;
  };
  EXPECT_TRUE(is_clean_after([](Evaluation&) {}));
  EXPECT_FALSE(is_clean_after([](Evaluation& e) { e.observed.remedies.clear(); }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e) { e.observed.findings.clear(); }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e) { e.trials.clear(); }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e) { e.flow["duplicated"] = 1; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e) { e.problems = {"a case did not come to rest"}; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e) { e.interrupted = true; }));
  EXPECT_FALSE(is_clean_after([](Evaluation& e) {
    e.observed.remedies.push_back(remedy(2, 31'000, 32'000, RemedyOutcome::kSucceeded));
  }));
}

TEST(Report, AClockOfWhichNothingIsKnownIsUnsynchronised) {
  Evaluation evaluation = perfect();
  evaluation.clocks = {};
  EXPECT_EQ(report_of(evaluation)["time_sync_integrity"]["state"], "unsynchronised");
  evaluation.clocks = {{"colo-a", true, Duration::microseconds(90)}, {"colo-b", false, {}}};
  const auto report = report_of(evaluation);
  EXPECT_EQ(report["time_sync_integrity"]["state"], "unsynchronised");
  EXPECT_TRUE(report["time_sync_integrity"]["members"][1]["bound_us"].is_null());
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

TEST(Observer, ARemedyIsTracedWhenNothingOfItIsMissing) {
  const nlohmann::json whole = {
      {"number", 4},
      {"incident", 2},
      {"proposal", {{"advisor", "deterministic"}, {"action", {{"kind", "promote"}}}}},
      {"decision", {{"verdict", "allow"}, {"rule", "promote-in-sync"}}},
      {"opened", "2026-11-20T10:00:03Z"},
      {"ended", "2026-11-20T10:00:05Z"},
      {"outcome", "succeeded"},
      {"steps",
       {{{"id", "2/4/step-0/try-1"}, {"intended", "2026-11-20T10:00:04Z"}, {"outcome", "done"}}}}};
  const auto traced = [](const nlohmann::json& json) {
    Observer observer([](uint32_t, WallTime told, WallTime) { return told; });
    observer.take_remedies({{"remedies", {json}}}, at(0));
    return observer.observed().remedies.at(0).traced;
  };
  EXPECT_TRUE(traced(whole));
  for (const char* key : {"proposal", "decision", "ended", "outcome", "incident"}) {
    auto less = whole;
    less.erase(key);
    EXPECT_FALSE(traced(less)) << key;
  }
  auto open = whole;
  open["steps"][0].erase("outcome");
  EXPECT_FALSE(traced(open));
}

}  // namespace
}  // namespace holdfast::drill::evaluate
