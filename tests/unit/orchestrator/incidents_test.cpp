// Findings become incidents: what belongs together, which cause stands highest, when it is over.
#include "supervision/orchestrator/incidents/incidents.hpp"

#include <gtest/gtest.h>

namespace holdfast::orchestrator::incidents {
namespace {

constexpr MemberId kA{1}, kB{2}, kC{3};
constexpr WallTime at(int64_t ms) { return {1'000'000'000'000'000 + ms * 1'000'000}; }

World three() {
  World world;
  for (const GroupId group : {GroupId{1}, GroupId{2}})
    world.topology.groups.push_back({group, kA, {kA, kB, kC}});
  world.members = {{kA, "a", 0, true}, {kB, "b", 0, true}, {kC, "c", 0, true}};
  return world;
}

Finding finding(FaultClass fault, MemberId member, uint32_t confidence = 900'000,
                int64_t began = 0) {
  static uint64_t number = 0;
  Finding out;
  out.fault = fault;
  out.agent = {domain_of(fault), 1};
  out.number = ++number;
  out.place.member = member;
  out.confidence_ppm = confidence;
  out.began = out.found = at(began);
  return out;
}

struct Room {
  State state;
  World world = three();
  Refused last = Refused::kNo;
  std::vector<Event> events;
  void tell(const Finding& one, int64_t now_ms = 0) {
    events.clear();
    last = take(state, one, world, at(now_ms), events);
    for (const Event& event : events) apply(state, event, at(now_ms));
  }
  void pass(int64_t now_ms) {
    for (int i = 0; i < 4; ++i) {
      events.clear();
      watch(state, at(now_ms), events);
      for (const Event& event : events) apply(state, event, at(now_ms));
    }
  }
  const Incident& only() const {
    EXPECT_EQ(state.open.size(), 1u);
    return state.open.begin()->second;
  }
};

TEST(Causes, ExplainNothingOfThemselvesAndAreSorted) {
  for (const Explanation& row : explanations()) {
    EXPECT_NE(row.cause, row.effect);
    EXPECT_NE(to_text(row.cause), "invalid");
    EXPECT_NE(to_text(row.effect), "invalid");
    EXPECT_GT(row.weight_ppm, 0u);
    EXPECT_LT(row.weight_ppm, 1'000'000u);
  }
}

TEST(Causes, ReachAsFarAsTheTopologySays) {
  World world = three();
  const auto disk = finding(FaultClass::kSlowDisk, kB);
  EXPECT_GT(explains(disk, finding(FaultClass::kReplicationLag, kA), world), 0u);
  world.topology.groups = {{{1}, kA, {kA, kC}}, {{2}, kB, {kB}}};
  EXPECT_EQ(explains(disk, finding(FaultClass::kReplicationLag, kA), world), 0u);
  auto link = finding(FaultClass::kPacketDelay, kA);
  link.place.instance = "b";
  EXPECT_GT(explains(link, finding(FaultClass::kReplicationLag, kB), world), 0u);
  EXPECT_EQ(explains(link, finding(FaultClass::kReplicationLag, kC), world), 0u);
  world.members[0].host = world.members[2].host = 7;
  EXPECT_GT(explains(finding(FaultClass::kCpuSaturation, kA),
                     finding(FaultClass::kQueueSaturation, kC), world),
            0u);
  EXPECT_EQ(explains(finding(FaultClass::kCpuSaturation, kA),
                     finding(FaultClass::kQueueSaturation, kB), world),
            0u);
}

TEST(Incidents, ASlowDiskIsTheCauseOfLagAndDriftWhateverIsToldFirst) {
  for (const bool cause_first : {true, false}) {
    Room room;
    const auto disk = finding(FaultClass::kSlowDisk, kB);
    if (cause_first) room.tell(disk);
    room.tell(finding(FaultClass::kLatencyDrift, kB, 850'000, 200), 200);
    room.tell(finding(FaultClass::kReplicationLag, kA, 800'000, 300), 300);
    if (!cause_first) room.tell(disk, 400);
    EXPECT_EQ(room.only().cause, FaultClass::kSlowDisk);
    EXPECT_EQ(room.only().place.member, kB);
    EXPECT_EQ(room.only().findings.size(), 3u);
    EXPECT_GT(room.only().confidence_ppm, 600'000u);
  }
}

TEST(Incidents, WhatHasNothingInCommonStaysApart) {
  Room room;
  room.world.topology.groups = {};
  room.tell(finding(FaultClass::kSlowDisk, kA));
  room.tell(finding(FaultClass::kSlowDisk, kB));
  room.tell(finding(FaultClass::kHttpErrors, kC));
  EXPECT_EQ(room.state.open.size(), 3u);
  // The same disk, and far later, is another one.
  Room later;
  later.tell(finding(FaultClass::kSlowDisk, kA));
  later.tell(finding(FaultClass::kLatencyDrift, kA, 900'000, 40'000), 40'000);
  EXPECT_EQ(later.state.open.size(), 2u);
}

TEST(Incidents, OneThatExplainsTwoMergesThem) {
  Room room;
  room.world.topology.groups = {};
  room.tell(finding(FaultClass::kReplicationLag, kA));
  room.tell(finding(FaultClass::kVenueSlow, kC));
  auto lag = finding(FaultClass::kReplicationLag, kB);
  room.tell(lag);
  EXPECT_EQ(room.state.open.size(), 3u);
  auto link = finding(FaultClass::kPartition, kA);
  link.place.instance = "b";
  room.tell(link);
  EXPECT_EQ(room.state.open.size(), 2u);
  const Incident* merged = room.state.find(1);
  ASSERT_NE(merged, nullptr);
  EXPECT_EQ(merged->findings.size(), 3u);
  EXPECT_EQ(merged->cause, FaultClass::kPartition);
  EXPECT_EQ(room.state.find(3), nullptr);
}

TEST(Incidents, AbstainsWhereTwoCausesAreAsLikely) {
  Room room;
  room.tell(finding(FaultClass::kLockContention, kA, 800'000));
  room.tell(finding(FaultClass::kSlowDisk, kA, 800'000));
  room.tell(finding(FaultClass::kLatencyDrift, kA, 700'000));
  const auto causes = rank(room.only(), room.world);
  ASSERT_GE(causes.size(), 2u);
  Room weak;
  weak.tell(finding(FaultClass::kLatencyDrift, kA, 200'000));
  EXPECT_EQ(weak.only().cause, FaultClass::kNone);
}

TEST(Incidents, CloseWhenNothingIsTrueAnyMore) {
  Room room;
  auto disk = finding(FaultClass::kSlowDisk, kA);
  auto drift = finding(FaultClass::kLatencyDrift, kA);
  room.tell(disk);
  room.tell(drift);
  disk.over = true;
  disk.number += 100;
  disk.found = at(5'000);
  room.tell(disk, 5'000);
  room.pass(20'000);
  EXPECT_EQ(room.state.open.size(), 1u);  // the drift is still there
  drift.over = true;
  drift.number += 100;
  drift.found = at(20'000);
  room.tell(drift, 20'000);
  room.pass(20'500);
  EXPECT_EQ(room.state.open.size(), 1u);
  EXPECT_EQ(next_deadline(room.state), at(20'000) + kQuiet);
  room.pass(22'000);
  EXPECT_TRUE(room.state.open.empty());
  ASSERT_EQ(room.state.closed.size(), 1u);
  EXPECT_EQ(room.state.closed[0].closed, at(22'000));
}

TEST(Incidents, AreForgottenWhenNobodyRepeatsThem) {
  Room room;
  room.tell(finding(FaultClass::kSlowDisk, kA));
  room.pass(89'000);
  EXPECT_EQ(room.state.open.size(), 1u);
  room.pass(90'000);
  room.pass(93'000);
  EXPECT_TRUE(room.state.open.empty());
  // What a supervisor tells has no end: it is over sooner.
  auto event = finding(FaultClass::kCrashLoop, kA, 900'000, 100'000);
  event.evidence.resize(1);
  event.evidence[0].detector = DetectorKind::kEvent;
  room.tell(event, 100'000);
  room.pass(115'000);
  room.pass(118'000);
  EXPECT_TRUE(room.state.open.empty());
}

TEST(Incidents, RefuseWhatIsMalformedStaleForgedOrNothingNew) {
  Room room;
  const auto refused = [&](Finding one, int64_t now = 0) {
    room.tell(one, now);
    EXPECT_TRUE(room.events.empty());
    return room.last;
  };
  auto one = finding(FaultClass::kSlowDisk, kA);
  auto bad = one;
  bad.agent.domain = telemetry::Domain::kHttp;
  EXPECT_EQ(refused(bad), Refused::kMalformed);
  bad = one;
  bad.confidence_ppm = 1'000'001;
  EXPECT_EQ(refused(bad), Refused::kMalformed);
  bad = one;
  bad.fault = static_cast<FaultClass>(9'999);
  EXPECT_EQ(refused(bad), Refused::kMalformed);
  bad = one;
  bad.evidence.resize(kEvidenceMax + 1);
  EXPECT_EQ(refused(bad), Refused::kMalformed);
  EXPECT_EQ(refused(one, 61'000), Refused::kStale);
  EXPECT_EQ(refused(one, -6'000), Refused::kAhead);
  bad = one;
  bad.over = true;
  EXPECT_EQ(refused(bad), Refused::kOverOfNone);
  room.tell(one);
  EXPECT_EQ(refused(one), Refused::kRepeated);
  auto again = one;
  again.number += 50;
  again.found = at(3'000);
  EXPECT_EQ(refused(again, 3'000), Refused::kRepeated);
  again.found = at(11'000);
  room.tell(again, 11'000);
  EXPECT_EQ(room.last, Refused::kNo);
}

TEST(Incidents, AFloodOfFindingsStaysWithinItsBounds) {
  Room room;
  room.world.topology.groups = {};
  room.world.members = {};
  for (uint32_t member = 1; member <= 500; ++member)
    room.tell(finding(FaultClass::kSlowDisk, {member}));
  EXPECT_EQ(room.state.open.size(), kOpenMax);
  EXPECT_EQ(room.last, Refused::kFull);
  Room one;
  for (uint32_t i = 0; i < 200; ++i) {
    auto each = finding(FaultClass::kQueueSaturation, kA);
    each.place.group = {1};
    each.place.instance = telemetry::Instance("q" + std::to_string(i));
    one.tell(each);
  }
  for (const auto& [number, incident] : one.state.open)
    EXPECT_LE(incident.findings.size(), kFindingsMax);
}

}  // namespace
}  // namespace holdfast::orchestrator::incidents
