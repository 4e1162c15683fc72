// Proposals and contexts as keys and values.
#include "supervision/orchestrator/policy/question.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace holdfast::policy {
namespace {

using testing::HasSubstr;

Names names() {
  return {{{"colo-a", MemberId{1}}, {"colo-b", MemberId{2}}},
          {{"orders/0", GroupId{1}}, {"venues/XSIM", GroupId{1001}}}};
}

std::string wrong(Settings settings) {
  settings.emplace("action", "migrate");
  const auto question = question_of(settings, names());
  return question ? "" : question.error().text;
}

TEST(Question, ReadsEveryKey) {
  const auto question = question_of({{"action", "migrate"},
                                     {"member", "colo-a"},
                                     {"group", "orders/0"},
                                     {"instance", "node/orders/shard-0"},
                                     {"to", "colo-b"},
                                     {"amount", "-3"},
                                     {"advisor", "model"},
                                     {"confidence", "80 %"},
                                     {"fault", "slow_disk"},
                                     {"phase", "closing"},
                                     {"open_orders", "12"},
                                     {"position", "1000.5"},
                                     {"groups_touched", "1"},
                                     {"nodes_touched", "2"},
                                     {"in_flight", "3"},
                                     {"in_sync_left", "4"},
                                     {"to_in_sync", "true"},
                                     {"clock", "synchronised"},
                                     {"time", "2026-11-20 14:30:00"},
                                     {"past", "migrate 30s, drain 5m elsewhere"},
                                     {"kill_switch", "true"}},
                                    names());
  ASSERT_TRUE(question) << question.error().text;
  const auto& proposal = question.value().proposal;
  const auto& context = question.value().context;
  EXPECT_EQ(proposal.action.kind, ActionKind::kMigrate);
  EXPECT_EQ(proposal.action.target, (Place{MemberId{1}, GroupId{1}, "node/orders/shard-0"}));
  EXPECT_EQ(proposal.action.to, MemberId{2});
  EXPECT_EQ(proposal.action.amount, -3);
  EXPECT_EQ(proposal.advisor, AdvisorKind::kModel);
  EXPECT_EQ(proposal.confidence_ppm, 800'000u);
  EXPECT_EQ(context.fault, FaultClass::kSlowDisk);
  EXPECT_EQ(context.phase, SessionPhase::kClosing);
  EXPECT_EQ(context.open_orders, 12);
  EXPECT_EQ(context.position, Notional{1000 * kScale + kScale / 2});
  EXPECT_EQ(context.groups_touched, 1);
  EXPECT_EQ(context.nodes_touched, 2);
  EXPECT_EQ(context.in_flight, 3);
  EXPECT_EQ(context.in_sync_left, 4);
  EXPECT_EQ(context.to_in_sync, true);
  EXPECT_EQ(context.clock, ClockQuality::kSynchronised);
  EXPECT_EQ(context.now.ns, 1'795'185'000'000'000'000);
  EXPECT_TRUE(context.kill_switch);
  ASSERT_EQ(context.past.size(), 2u);
  EXPECT_EQ(context.past[0].at, (WallTime{1'795'184'970'000'000'000}));
  EXPECT_EQ(context.past[0].target, proposal.action.target);
  EXPECT_EQ(context.past[1].kind, ActionKind::kDrain);
  EXPECT_NE(context.past[1].target, proposal.action.target);
}

TEST(Question, WhatIsNotSaidIsNotKnown) {
  const auto question = question_of({{"action", "drain"}}, names());
  ASSERT_TRUE(question);
  const auto& context = question.value().context;
  EXPECT_FALSE(context.open_orders || context.position || context.groups_touched ||
               context.nodes_touched || context.in_flight || context.in_sync_left ||
               context.to_in_sync);
  EXPECT_EQ(context.clock, ClockQuality::kUnknown);
  EXPECT_EQ(context.phase, SessionPhase::kUnknown);
  EXPECT_EQ(context.fault, FaultClass::kNone);
  EXPECT_FALSE(context.kill_switch);
}

TEST(Question, NamesTheKeyThatIsWrong) {
  EXPECT_THAT(question_of({}, names()).error().text, HasSubstr("action"));
  EXPECT_THAT(wrong({{"acton", "x"}}), HasSubstr("no key \"acton\""));
  for (const auto* key :
       {"action",     "member",         "group",         "to",        "amount",
        "advisor",    "confidence",     "fault",         "phase",     "open_orders",
        "position",   "groups_touched", "nodes_touched", "in_flight", "in_sync_left",
        "to_in_sync", "clock",          "time",          "past",      "kill_switch"})
    for (const auto* value : {"nonsense", "-1.5x", "99999999999999999999"}) {
      const auto text = wrong({{key, value}});
      EXPECT_THAT(text, HasSubstr(std::string(key) + ": expected")) << value;
      EXPECT_THAT(text, HasSubstr(value)) << key;
    }
  EXPECT_THAT(wrong({{"instance", std::string(49, 'x')}}), HasSubstr("instance: expected"));
  EXPECT_THAT(wrong({{"open_orders", "-1"}}), HasSubstr("open_orders"));
  EXPECT_THAT(wrong({{"position", "-1"}}), HasSubstr("position"));
  EXPECT_THAT(wrong({{"confidence", "101 %"}}), HasSubstr("confidence"));
}

TEST(Question, TimesAreOfTheCalendar) {
  for (const auto* bad : {"2026-11-20", "2026-13-20 14:30", "2026-11-31 14:30", "2026-11-20 24:30",
                          "2026-11-20 14:60", "2026-11-20 14:30:60", "1969-12-31 23:59",
                          "2026-11-20T14:30", "2026-11-2x 14:30"})
    EXPECT_THAT(wrong({{"time", bad}}), HasSubstr("time")) << bad;
  EXPECT_EQ(wrong({{"time", "2026-11-20 14:30"}}), "");
  const auto at = [](const char* text) {
    return question_of({{"action", "drain"}, {"time", text}}, {}).value().context.now.ns /
           1'000'000'000;
  };
  EXPECT_EQ(at("1970-01-01 00:00"), 0);
  EXPECT_EQ(at("2000-02-29 12:00:01"), 951'825'601);
  EXPECT_EQ(at("2100-03-01 00:00"), 4'107'542'400);
}

TEST(Question, MembersMayBeNumbers) {
  const auto question = question_of({{"action", "drain"}, {"member", "7"}}, {});
  ASSERT_TRUE(question);
  EXPECT_EQ(question.value().proposal.action.target.member, MemberId{7});
  EXPECT_THAT(wrong({{"member", "0"}}), HasSubstr("member"));
}

}  // namespace
}  // namespace holdfast::policy
