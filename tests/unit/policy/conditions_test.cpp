// Each condition by itself, in its three values.
#include "supervision/orchestrator/policy/conditions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::policy {
namespace {

using telemetry::Domain;
using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;
constexpr WallTime kFriday{1'795'185'000 * kSecond};  // 2026-11-20 14:30:00 UTC

Proposal migrate() {
  Proposal proposal;
  proposal.action.kind = ActionKind::kMigrate;
  proposal.action.target = {MemberId{1}, GroupId{1}, {}};
  proposal.action.amount = 7;
  proposal.confidence_ppm = 800'000;
  return proposal;
}

Match match(const Conditions& when, const PolicyContext& context = {}) {
  const auto held = holds(when, migrate(), context);
  EXPECT_EQ(held.why.empty(), held.match == Match::kYes) << held.why;
  return held.match;
}

TEST(Conditions, NoneAlwaysHold) { EXPECT_EQ(match({}), Match::kYes); }

TEST(Conditions, AListIsOneOfIt) {
  Conditions when;
  when.actions = {ActionKind::kPromote, ActionKind::kMigrate};
  when.targets = {TargetKind::kOrders};
  when.members = {MemberId{1}};
  when.groups = {GroupId{1}, GroupId{2}};
  when.clocks = {ClockQuality::kUnknown};
  when.advisors = {AdvisorKind::kDeterministic};
  EXPECT_EQ(match(when), Match::kYes);
  const auto without = [&](auto spoil) {
    auto other = when;
    spoil(other);
    return match(other);
  };
  EXPECT_EQ(without([](auto& w) { w.actions = {ActionKind::kDrain}; }), Match::kNo);
  EXPECT_EQ(without([](auto& w) { w.targets = {TargetKind::kVenue}; }), Match::kNo);
  EXPECT_EQ(without([](auto& w) { w.members = {MemberId{2}}; }), Match::kNo);
  EXPECT_EQ(without([](auto& w) { w.groups = {GroupId{3}}; }), Match::kNo);
  EXPECT_EQ(without([](auto& w) { w.clocks = {ClockQuality::kSynchronised}; }), Match::kNo);
  EXPECT_EQ(without([](auto& w) { w.advisors = {AdvisorKind::kModel}; }), Match::kNo);
}

TEST(Conditions, FaultAndDomainOfACauseThatIsKnown) {
  Conditions domain, fault;
  domain.domains = {Domain::kIo};
  fault.faults = {FaultClass::kSlowDisk};
  PolicyContext context;
  EXPECT_EQ(match(domain, context), Match::kUnknown);
  EXPECT_EQ(match(fault, context), Match::kUnknown);
  context.fault = FaultClass::kFullDisk;
  EXPECT_EQ(match(domain, context), Match::kYes);
  EXPECT_EQ(match(fault, context), Match::kNo);
  context.fault = FaultClass::kCrashLoop;
  EXPECT_EQ(match(domain, context), Match::kNo);
}

TEST(Conditions, APhaseThatIsNotKnownIsNoneUnlessAskedFor) {
  Conditions when;
  when.phases = {SessionPhase::kClosed};
  PolicyContext context;
  EXPECT_EQ(match(when, context), Match::kUnknown);
  context.phase = SessionPhase::kOpen;
  EXPECT_EQ(match(when, context), Match::kNo);
  context.phase = SessionPhase::kClosed;
  EXPECT_EQ(match(when, context), Match::kYes);
  when.phases.push_back(SessionPhase::kUnknown);
  context.phase = SessionPhase::kUnknown;
  EXPECT_EQ(match(when, context), Match::kYes);
}

TEST(Conditions, RangesIncludeTheirEnds) {
  PolicyContext context;
  context.open_orders = 5;
  context.position = Notional::whole(5);
  context.groups_touched = context.nodes_touched = context.in_flight = context.in_sync_left = 5;
  const auto in = [&](Measure measure, int64_t least, int64_t most) {
    Conditions when;
    when.ranges[static_cast<std::size_t>(measure)] = Range{least, most};
    return match(when, context);
  };
  for (uint8_t m = 0; m < kMeasures; ++m) {
    const auto measure = static_cast<Measure>(m);
    const auto value = value_of(measure, migrate(), context);
    ASSERT_TRUE(value);
    EXPECT_EQ(in(measure, *value, *value), Match::kYes) << to_text(measure);
    EXPECT_EQ(in(measure, *value + 1, INT64_MAX), Match::kNo) << to_text(measure);
    EXPECT_EQ(in(measure, INT64_MIN, *value - 1), Match::kNo) << to_text(measure);
  }
}

TEST(Conditions, AValueThatIsNotKnownIsInNoRange) {
  Conditions when;
  for (auto& range : when.ranges) range = Range{};
  EXPECT_EQ(match(when), Match::kUnknown);
  // What surely does not hold decides, wherever it stands.
  when.ranges[static_cast<std::size_t>(Measure::kConfidence)] = Range{900'000, 1'000'000};
  EXPECT_EQ(match(when), Match::kNo);
}

TEST(Conditions, MoneyIsToldAsMoney) {
  Conditions when;
  when.ranges[static_cast<std::size_t>(Measure::kPosition)] = Range{0, 2 * kScale};
  PolicyContext context;
  context.position = Notional{2 * kScale + 1};
  EXPECT_EQ(holds(when, migrate(), context).why, "position is 2.00000001, above 2");
}

TEST(Conditions, TimeOfDayNeedsASynchronisedClock) {
  Conditions when;
  when.time = TimeOfDay{14 * 3600, 15 * 3600, 0x7f};
  PolicyContext context;
  context.now = kFriday;
  for (const auto quality : {ClockQuality::kUnknown, ClockQuality::kUnsynchronised}) {
    context.clock = quality;
    EXPECT_EQ(match(when, context), Match::kUnknown);
  }
  context.clock = ClockQuality::kSynchronised;
  EXPECT_EQ(match(when, context), Match::kYes);
}

TEST(Conditions, TimeOfDayBeginsWithItsFirstSecondAndEndsBeforeItsLast) {
  PolicyContext context;
  context.clock = ClockQuality::kSynchronised;
  const auto at = [&](uint32_t begin, uint32_t end, uint8_t days, int64_t seconds_later) {
    Conditions when;
    when.time = TimeOfDay{begin, end, days};
    context.now = kFriday + Duration::seconds(seconds_later);
    return match(when, context) == Match::kYes;
  };
  constexpr uint32_t kHalfPastTwo = 14 * 3600 + 1800, kThree = 15 * 3600;
  constexpr uint8_t kAny = 0x7f, kFri = 1 << 4, kSat = 1 << 5;
  EXPECT_TRUE(at(kHalfPastTwo, kThree, kAny, 0));
  EXPECT_FALSE(at(kHalfPastTwo, kThree, kAny, -1));
  EXPECT_TRUE(at(kHalfPastTwo, kThree, kAny, 1799));
  EXPECT_FALSE(at(kHalfPastTwo, kThree, kAny, 1800));
  // Over midnight.
  EXPECT_TRUE(at(kThree, kHalfPastTwo, kAny, 1800));
  EXPECT_FALSE(at(kThree, kHalfPastTwo, kAny, 60));
  EXPECT_TRUE(at(kThree, kHalfPastTwo, kAny, -60));
  // Days are those of the moment.
  EXPECT_TRUE(at(0, 86'400, kFri, 0));
  EXPECT_FALSE(at(0, 86'400, kSat, 0));
  EXPECT_TRUE(at(0, 86'400, kSat, 34'200));
  EXPECT_FALSE(at(0, 86'400, kSat, 34'199));
  // Before 1970 is a time too: Thursday is the day of the epoch, Wednesday the one before.
  context.now = {-1};
  Conditions wednesday;
  wednesday.time = TimeOfDay{86'399, 86'400, 1 << 2};
  context.now = {-kSecond};
  EXPECT_EQ(match(wednesday, context), Match::kYes);
}

TEST(Conditions, RatesCountWhatTheyName) {
  const auto action = migrate().action;
  PolicyContext context;
  context.now = kFriday;
  const auto ago = [](int64_t s) { return WallTime{kFriday.ns - s * kSecond}; };
  const Place other{MemberId{2}, GroupId{2}, {}};
  // The same group is the same target on whatever member.
  const Place same{MemberId{3}, GroupId{1}, {}};
  context.past = {{ago(10), ActionKind::kMigrate, same},
                  {ago(20), ActionKind::kMigrate, other},
                  {ago(30), ActionKind::kDrain, same},
                  {ago(100), ActionKind::kMigrate, same}};
  const auto count = [&](CountOf of, int64_t window) {
    return count_of(of, Duration::seconds(window), action, context);
  };
  EXPECT_EQ(count(CountOf::kAll, 60), 3);
  EXPECT_EQ(count(CountOf::kAction, 60), 2);
  EXPECT_EQ(count(CountOf::kTarget, 60), 2);
  EXPECT_EQ(count(CountOf::kActionAndTarget, 60), 1);
  EXPECT_EQ(count(CountOf::kActionAndTarget, 100), 2);
  EXPECT_EQ(count(CountOf::kActionAndTarget, 99), 1);
}

TEST(Conditions, AClockThatWentBackForgetsNothing) {
  PolicyContext context;
  context.now = kFriday;
  context.past = {{kFriday + Duration::seconds(3'600), ActionKind::kMigrate, {}}};
  EXPECT_EQ(count_of(CountOf::kAll, Duration::seconds(1), migrate().action, context), 1);
}

TEST(Conditions, WithoutAGroupTheTargetIsMemberAndInstance) {
  Action action;
  action.target = {MemberId{1}, {}, "node/agents/cpu-0"};
  PolicyContext context;
  context.past = {{{}, ActionKind::kNone, {MemberId{1}, {}, "node/agents/cpu-1"}},
                  {{}, ActionKind::kNone, {MemberId{2}, {}, "node/agents/cpu-0"}},
                  {{}, ActionKind::kNone, {MemberId{1}, GroupId{1}, "node/agents/cpu-0"}},
                  {{}, ActionKind::kNone, action.target}};
  EXPECT_EQ(count_of(CountOf::kTarget, Duration::seconds(1), action, context), 1);
}

TEST(Conditions, RatesAreRanges) {
  Conditions when;
  when.rates = {{CountOf::kAll, Duration::seconds(60), {1, 2}}};
  PolicyContext context;
  EXPECT_EQ(match(when, context), Match::kNo);
  context.past.resize(1);
  EXPECT_EQ(match(when, context), Match::kYes);
  context.past.resize(2);
  EXPECT_EQ(match(when, context), Match::kYes);
  context.past.resize(3);
  EXPECT_EQ(match(when, context), Match::kNo);
  EXPECT_EQ(holds(when, migrate(), context).why, "3 actions (all) within 60 s, more than 2");
}

}  // namespace
}  // namespace holdfast::policy
