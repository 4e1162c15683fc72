// What the audit proves, by hand-made records: a chain with everything, each one less, steps
// without a policy's word, and what is not yet at its end.
#include "nodes/drill/evaluate/trace.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::drill::evaluate {
namespace {

using audit::Record;
using audit::RecordKind;

Record record(uint64_t sequence, RecordKind kind, std::string payload, uint64_t incident = 3) {
  Record one;
  one.sequence = sequence;
  one.kind = kind;
  one.incident = incident;
  one.clock = audit::ClockSource::kNtp;
  one.clock_bound_us = 80;
  one.payload = std::move(payload);
  return one;
}

// One incident and its remedy, from the finding to the end.
std::vector<Record> whole() {
  return {
      record(1, RecordKind::kFinding, R"({"event":"finding","fault":"slow_disk"})"),
      record(2, RecordKind::kIncident, R"({"event":"ranked","cause":"slow_disk"})"),
      record(3, RecordKind::kAdviceRequest, R"({"event":"asked","ask":5})"),
      record(4, RecordKind::kAdviceReply, R"({"event":"answered","ask":5,"proposals":[]})"),
      record(
          5, RecordKind::kPolicyDecision,
          R"({"remedy":1,"event":"considered","decision":{"verdict":"allow","rule":"hand-over"}})"),
      record(
          6, RecordKind::kWorkflowStep,
          R"({"remedy":1,"event":"remedy_opened","proposal":{"advisor":"deterministic"},"decision":{"verdict":"allow","rule":"hand-over"},"objectives":[{"objective":"order.latency of target at most 5"}]})"),
      record(7, RecordKind::kIncident, R"({"remedy":1,"event":"case_decided","acts":true})"),
      record(8, RecordKind::kVerification, R"({"remedy":1,"event":"captured","round":1})"),
      record(9, RecordKind::kWorkflowStep,
             R"({"remedy":1,"event":"step_intended","id":"3/1/step-0/try-1"})"),
      record(10, RecordKind::kWorkflowStep,
             R"({"remedy":1,"event":"step_ended","id":"3/1/step-0/try-1","outcome":"done"})"),
      record(14, RecordKind::kWorkflowStep,
             R"({"remedy":1,"event":"remedy_moved","to":"verifying"})"),
      record(11, RecordKind::kVerification, R"({"remedy":1,"event":"measured","round":2})"),
      record(12, RecordKind::kOutcome,
             R"({"remedy":1,"event":"remedy_ended","outcome":"succeeded"})"),
      record(13, RecordKind::kIncident, R"({"event":"closed"})"),
  };
}
std::vector<Record> without(uint64_t sequence) {
  auto records = whole();
  std::erase_if(records, [&](const Record& one) { return one.sequence == sequence; });
  return records;
}

TEST(Trace, AChainWithEverythingIsWhole) {
  const Traces got = trace(whole());
  EXPECT_THAT(got.missing, testing::IsEmpty());
  EXPECT_EQ(got.incidents, 1u);
  EXPECT_EQ(got.incidents_whole, 1u);
  EXPECT_EQ(got.remedies, 1u);
  EXPECT_EQ(got.remedies_whole, 1u);
  EXPECT_EQ(got.steps, 1u);
  EXPECT_EQ(got.steps_allowed, 1u);
  EXPECT_EQ(got.records, 14u);
  EXPECT_EQ(got.clocks[static_cast<std::size_t>(audit::ClockSource::kNtp)], 14u);
  EXPECT_EQ(got.bound_us_max, 80u);
  EXPECT_EQ(got.unbounded, 0u);
}

TEST(Trace, EachRecordThatIsMissingIsNoticed) {
  // Without 7 the decision still stands in 5; without 13 the incident is open; without 12 the
  // remedy has not ended.
  for (const uint64_t sequence : {1, 2, 4, 5, 6, 8, 9, 10, 11, 14}) {
    const Traces got = trace(without(sequence));
    EXPECT_THAT(got.missing, testing::Not(testing::IsEmpty())) << sequence;
    EXPECT_LT(got.incidents_whole + got.remedies_whole + got.steps_allowed, 3u) << sequence;
  }
  const Traces running = trace(without(12));
  EXPECT_EQ(running.remedies, 0u);
  EXPECT_EQ(running.steps, 1u);
}

TEST(Trace, AStepWithoutAPolicyThatAllowedItIsTold) {
  auto records = whole();
  for (auto& one : records)
    if (one.sequence == 6)
      one.payload =
          R"({"remedy":1,"event":"remedy_opened","proposal":{"advisor":"model"},"decision":{"verdict":"recommend","rule":"x"}})";
  EXPECT_EQ(trace(records).steps_allowed, 0u);
  EXPECT_EQ(trace(without(6)).steps_allowed, 0u);
}

TEST(Trace, AnApprovalNeedsAsManyPersonsAsThePolicyWanted) {
  const auto allowed = [](const std::vector<std::string>& persons) {
    auto records = whole();
    std::vector<Record> all;
    for (auto& one : records) {
      if (one.sequence == 6)
        one.payload =
            R"({"remedy":1,"event":"remedy_opened","proposal":{"advisor":"operator"},"decision":{"verdict":"needs_approval","rule":"x","approvals_needed":2}})";
      if (one.sequence == 9)
        for (const auto& person : persons)
          all.push_back(record(100, RecordKind::kApproval,
                               R"({"remedy":1,"event":"approved","person":")" + person + R"("})"));
      all.push_back(one);
    }
    return trace(all).steps_allowed;
  };
  EXPECT_EQ(allowed({}), 0u);
  EXPECT_EQ(allowed({"ann"}), 0u);
  EXPECT_EQ(allowed({"ann", "ann"}), 0u);
  EXPECT_EQ(allowed({"ann", "bob"}), 1u);
}

TEST(Trace, NothingIsBegunWhileTheKillSwitchIsOn) {
  auto records = whole();
  records.insert(records.begin() + 8,
                 record(50, RecordKind::kKillSwitch, R"({"event":"kill_switch","on":true})", 0));
  EXPECT_EQ(trace(records).steps_allowed, 0u);
}

TEST(Trace, WhatWasMergedIsJudgedAsItsNewIncident) {
  auto records = whole();
  records.insert(records.begin(),
                 {record(20, RecordKind::kFinding, R"({"event":"finding"})", 2),
                  record(21, RecordKind::kIncident, R"({"event":"ranked"})", 2),
                  record(22, RecordKind::kIncident, R"({"event":"merged","from":2})", 3)});
  const Traces got = trace(records);
  EXPECT_EQ(got.incidents, 1u);
  EXPECT_THAT(got.missing, testing::IsEmpty());
}

TEST(Trace, WhatIsToldOfAMergedIncidentLaterBelongsToItsNewOne) {
  auto records = whole();
  for (auto& one : records)
    if (one.sequence <= 9) one.incident = 2;
  records.insert(records.begin() + 9,
                 {record(20, RecordKind::kFinding, R"({"event":"finding"})"),
                  record(21, RecordKind::kIncident, R"({"event":"ranked"})"),
                  record(22, RecordKind::kIncident, R"({"event":"merged","from":2})")});
  for (auto& one : records)
    if (one.sequence == 10) one.incident = 2;  // a step that had begun before
  const Traces got = trace(records);
  EXPECT_EQ(got.incidents, 1u);
  EXPECT_THAT(got.missing, testing::IsEmpty());
}

TEST(Trace, ObjectivesThatAreFindingsNeedNoMeasurement) {
  auto records = whole();
  std::erase_if(records, [](const Record& one) { return one.kind == RecordKind::kVerification; });
  EXPECT_EQ(trace(records).remedies_whole, 0u);
  for (auto& one : records)
    if (one.sequence == 6)
      one.payload =
          R"({"remedy":1,"event":"remedy_opened","proposal":{"advisor":"deterministic"},"decision":{"verdict":"allow","rule":"hand-over"},"objectives":[{"objective":"the fault is over"}]})";
  const Traces got = trace(records);
  EXPECT_THAT(got.missing, testing::IsEmpty());
  EXPECT_EQ(got.remedies_whole, 1u);
}

TEST(Trace, LostRecordsAndPayloadsThatAreNoneAreTold) {
  auto records = whole();
  records[4] = record(5, RecordKind::kLost, "{}", 0);
  const Traces got = trace(records);
  EXPECT_EQ(got.lost, 1u);
  EXPECT_EQ(got.remedies_whole, 0u);
  records = whole();
  records[11].payload = "[";
  EXPECT_EQ(trace(records).incidents_whole, 1u);
}

TEST(Trace, MembersThatTellDifferentThings) {
  auto other = whole();
  EXPECT_EQ(difference(whole(), other), "");
  other.pop_back();
  EXPECT_EQ(difference(whole(), other), "");
  other[3].payload = "{}";
  EXPECT_THAT(difference(whole(), other), testing::HasSubstr("record 4"));
  // Their clocks are their own.
  other = whole();
  other[0].clock = audit::ClockSource::kPtp;
  EXPECT_EQ(difference(whole(), other), "");
}

TEST(Trace, OfSeveralClustersAddsUp) {
  Traces sum;
  add(sum, trace(whole()));
  add(sum, trace(without(4)));
  EXPECT_EQ(sum.incidents, 2u);
  EXPECT_EQ(sum.incidents_whole, 1u);
  EXPECT_EQ(sum.records, 27u);
  EXPECT_EQ(sum.missing.size(), 1u);
}

}  // namespace
}  // namespace holdfast::drill::evaluate
