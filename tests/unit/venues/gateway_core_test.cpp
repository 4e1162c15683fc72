#include <algorithm>

#include "tests/unit/venues/core_fixture.hpp"

namespace holdfast::venues::testing {
namespace {

using GatewayDelivery = Core;
using GatewayFlow = Core;
using GatewaySession = Core;
using Kind = VenueReportKind;

// ---- deliveries from order shards

// The venue took it, and the connection broke before its answer came.
TEST_F(GatewaySession, ALogonThatWentOutTwiceMayHaveBeenTakenOnce) {
  run(command::LinkUp{});
  admin('A');
  run(command::LinkLost{"reset", false});
  run(command::LinkUp{});
  ASSERT_EQ(next_action(state, now).kind, ActionKind::kReuseLogon);
  run(command::ReuseLogon{});
  run(command::Cut{"MsgSeqNum too low", true, true});
  EXPECT_EQ(state.want, Want::kUp);
  run(command::LinkUp{});
  ASSERT_EQ(next_action(state, now).kind, ActionKind::kBuildLogon);
  admin('A');
  run(command::Cut{"MsgSeqNum too low", true, true});
  EXPECT_EQ(state.want, Want::kOut);  // a new one: the numbers do disagree
}

TEST_F(GatewayDelivery, IsTakenOnceAndAcknowledgedWhenCommitted) {
  const auto effects = deliver({order("A1", 1), order("A2", 2)}, 1);
  const auto acks = only<effect::Acknowledge>(effects);
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(acks[0].cursor.value, 2u);
  EXPECT_EQ(state.waiting.size(), 2u);
  const auto again = deliver({order("A1", 1), order("A2", 2)}, 1);
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(only<effect::Acknowledge>(again).size(), 1u);
  EXPECT_EQ(state.waiting.size(), 2u);
}

TEST_F(GatewayDelivery, ThatOverlapsIsTakenFromWhereItIsNew) {
  deliver({order("A1", 1)}, 1);
  deliver({order("A1", 1), order("A2", 2)}, 1);
  ASSERT_EQ(state.waiting.size(), 2u);
  EXPECT_EQ(state.waiting[1].wire.view(), "A2");
  EXPECT_EQ(state.counters.taken, 2u);
}

TEST_F(GatewayDelivery, WithAGapIsRefusedAndAskedForAgain) {
  deliver({order("A1", 1)}, 1);
  const auto effects = deliver({order("A3", 3)}, 3);
  const auto asks = only<effect::AskAgain>(effects);
  ASSERT_EQ(asks.size(), 1u);
  EXPECT_EQ(asks[0].cursor.value, 1u);
  EXPECT_EQ(state.counters.gaps, 1u);
  EXPECT_EQ(state.waiting.size(), 1u);
}

TEST_F(GatewayDelivery, OfASupersededLeaderIsRefused) {
  deliver({order("A1", 1)}, 1, 5);
  deliver({order("A2", 2)}, 2, 4);
  EXPECT_EQ(state.counters.stale_epoch, 1u);
  EXPECT_EQ(state.waiting.size(), 1u);
  deliver({order("A2", 2)}, 2, 6);
  EXPECT_EQ(state.waiting.size(), 2u);
}

TEST_F(GatewayDelivery, PrunesWhatTheShardHasJournaledAndBelievesNoMore) {
  open();
  deliver({order("A1", 1)}, 1);
  pump();
  report(Kind::kAccepted, "A1");
  ASSERT_EQ(state.outboxes.at(kShard).size(), 1u);
  deliver({}, 2, 1, 99);  // more than was ever sent
  EXPECT_EQ(state.outboxes.at(kShard).size(), 1u);
  deliver({}, 2, 1, 1);
  EXPECT_TRUE(state.outboxes.at(kShard).empty());
}

TEST_F(GatewayDelivery, ANewShardLeaderHearsEverythingAboveItsCursorAgain) {
  open();
  deliver({order("A1", 1), order("A2", 2)}, 1);
  pump();
  report(Kind::kAccepted, "A1");
  report(Kind::kAccepted, "A2");
  report(Kind::kFill, "A1", 0);
  const auto effects = run(command::PeerLeads{{kShard, {2}, {1}}});
  const auto again = only<effect::Deliver>(effects);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].seq.value, 2u);
  EXPECT_EQ(again[0].report.wire.view(), "A2");
  EXPECT_EQ(state.outboxes.at(kShard).acknowledged().value, 1u);
  // The old leader's deliveries are refused from here on.
  deliver({order("A3", 3)}, 3, 1);
  EXPECT_EQ(state.counters.stale_epoch, 1u);
}

TEST_F(GatewayDelivery, OutstandingReportsAndCursorsAreWhatANewLeaderEmits) {
  open();
  deliver({order("A1", 1)}, 1);
  pump();
  report(Kind::kAccepted, "A1");
  std::vector<GatewayEffect> effects;
  GatewayCore::outstanding(state, effects);
  ASSERT_EQ(effects.size(), 3u);
  EXPECT_EQ(std::get<effect::Acknowledge>(effects[0]).cursor.value, 1u);
  EXPECT_TRUE(std::holds_alternative<effect::Leads>(effects[1]));
  EXPECT_EQ(std::get<effect::Deliver>(effects[2]).report.wire.view(), "A1");
}

TEST_F(GatewayDelivery, AClOrdIdThatComesTwiceHaltsTheVenue) {
  open();
  deliver({order("A1", 1)}, 1);
  pump();
  deliver({order("A1", 7)}, 2);
  EXPECT_EQ(pump(), 0);
  EXPECT_TRUE(state.halted);
  EXPECT_EQ(state.halt_code, Reason::kConservation);
  EXPECT_TRUE(conserved(state));
}

// ---- requests

TEST_F(GatewayFlow, RequestsGoInOrderUnderRisingNumbers) {
  open();
  const uint32_t first = state.next_out;
  deliver({order("A1", 1), order("A2", 2)}, 1);
  EXPECT_EQ(pump(), 2);
  EXPECT_EQ(state.sent.at(first).wire.view(), "A1");
  EXPECT_EQ(state.sent.at(first + 1).wire.view(), "A2");
  EXPECT_EQ(state.in_flight, 2u);
  EXPECT_EQ(state.counters.sent, 2u);
}

TEST_F(GatewayFlow, NothingIsPlannedBeforeTheSessionIsOpen) {
  deliver({order("A1", 1)}, 1);
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kNothing);
  run(command::LinkUp{});
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kBuildLogon);
  admin('A');
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kNothing);
  run(command::LogonComplete{});
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kSendBarrier);
  admin('1', true);
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kNothing);
  run(command::BarrierAnswered{});
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kAdvance);
  EXPECT_EQ(pump(), 1);
}

TEST_F(GatewayFlow, WhatWaitsTooLongIsRefusedWithTheReason) {
  deliver({order("A1", 1)}, 1);
  advance(rules.wait_age);
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kNothing) << "not older than the limit";
  advance(Duration::nanoseconds(1));
  EXPECT_EQ(pump(), 0);
  EXPECT_TRUE(state.waiting.empty());
  const auto& report = state.outboxes.at(kShard).at({1});
  EXPECT_EQ(report.kind, Kind::kRejected);
  EXPECT_EQ(report.reason, Reason::kVenueDown);
  EXPECT_FALSE(report.text.empty());
  EXPECT_TRUE(conserved(state));
}

TEST_F(GatewayFlow, HowFarTheShardsClockIsOffDoesNotAgeARequest) {
  open();
  for (const Duration off : {Duration::seconds(-30), Duration::seconds(30)}) {
    auto late = order("A" + std::to_string(off.ns < 0), 1);
    late.intake = {now.ns + off.ns};
    auto told = std::make_shared<Delivery<VenueRequest>>(
        *delivery({late}, state.inboxes[kShard].cursor.value + 1));
    told->sent = late.intake + Duration::milliseconds(300);  // it waited so long at the shard
    run(command::RequestsDelivered{told});
    ASSERT_EQ(state.waiting.size(), 1u);
    EXPECT_EQ(state.waiting.front().intake.ns, now.ns - Duration::milliseconds(300).ns);
    EXPECT_EQ(pump(), 1);
  }
  EXPECT_EQ(state.counters.refused, 0u);
}

TEST_F(GatewayFlow, NoClockOfAPeerIsTooWildToBeTaken) {
  for (const auto& [sent, intake] : {std::pair{INT64_MAX, INT64_MIN}, {INT64_MIN, INT64_MAX}}) {
    auto wild = order("A" + std::to_string(sent > 0), 1);
    wild.intake = {intake};
    auto told = std::make_shared<Delivery<VenueRequest>>(
        *delivery({wild}, state.inboxes[kShard].cursor.value + 1));
    told->sent = {sent};
    run(command::RequestsDelivered{told});
  }
  EXPECT_TRUE(conserved(state));
}

TEST_F(GatewayFlow, TheDeadlineForWhatWaitsIsItsAge) {
  deliver({order("A1", 1)}, 1);
  const auto deadline = GatewayCore::next_deadline(state);
  ASSERT_TRUE(deadline.has_value());
  EXPECT_EQ(deadline->ns, kStart.ns + rules.wait_age.ns + 1);
}

TEST_F(GatewayFlow, CancelsWaitAsLongAsItTakes) {
  open();
  const auto first = order("A1", 1);
  deliver({first}, 1);
  pump();
  report(Kind::kAccepted, "A1");
  run(command::LinkLost{"cut", true});
  deliver({cancel("X1", first)}, 2);
  advance(Duration::seconds(3600));
  EXPECT_EQ(pump(), 0);
  EXPECT_EQ(state.waiting.size(), 1u);
  open();
  EXPECT_EQ(pump(), 1);
}

TEST_F(GatewayFlow, AnOldOrderBehindACancelIsRefusedToo) {
  open();
  const auto first = order("A1", 1);
  deliver({first}, 1);
  pump();
  run(command::LinkLost{"cut", true});
  deliver({cancel("X1", first), order("A2", 2)}, 2);
  advance(Duration::seconds(2));
  pump();
  ASSERT_EQ(state.waiting.size(), 1u);
  EXPECT_EQ(state.waiting[0].wire.view(), "X1");
}

TEST_F(GatewayFlow, ACancelOfARefusedOrderIsRefusedHere) {
  const auto first = order("A1", 1);
  deliver({first, cancel("X1", first)}, 1);
  advance(Duration::seconds(2));
  pump();
  EXPECT_TRUE(state.waiting.empty());
  const auto& report = state.outboxes.at(kShard).at({2});
  EXPECT_EQ(report.kind, Kind::kCancelRejected);
  EXPECT_EQ(report.reason, Reason::kUnknownOrder);
  EXPECT_EQ(report.wire.view(), "X1");
}

TEST_F(GatewayFlow, ACancelOfADoneOrderIsTooLate) {
  open();
  const auto first = order("A1", 1);
  deliver({first}, 1);
  pump();
  report(Kind::kFill, "A1", 0);
  deliver({cancel("X1", first)}, 2);
  EXPECT_EQ(pump(), 0);
  EXPECT_EQ(state.outboxes.at(kShard).at({2}).reason, Reason::kTooLateToCancel);
}

TEST_F(GatewayFlow, AnOrdersRequestsKeepTheirOrderPastABlockedOne) {
  rules.in_flight_max = 1;
  run(command::Start{rules});
  open();
  const auto a = order("A1", 1), b = order("B1", 2);
  deliver({a, b, cancel("XB", b), cancel("XA", a)}, 1);
  pump();
  // B1 is blocked by the cap, so is its cancel; A1's cancel passes.
  ASSERT_EQ(state.waiting.size(), 2u);
  EXPECT_EQ(state.waiting[0].wire.view(), "B1");
  EXPECT_EQ(state.waiting[1].wire.view(), "XB");
}

TEST_F(GatewayFlow, KillsStopByScope) {
  struct Case {
    KillScope scope;
    const char* name;
    bool stops;
  };
  for (const Case& c :
       {Case{KillScope::kFirm, "", true}, Case{KillScope::kDesk, "D1", true},
        Case{KillScope::kDesk, "D2", false}, Case{KillScope::kAccount, "ACC1", true},
        Case{KillScope::kAccount, "ACC2", false}, Case{KillScope::kAlgo, "VWAP", true},
        Case{KillScope::kAlgo, "", false}}) {
    KillSwitch kill;
    kill.scope = c.scope;
    kill.name = c.name;
    run(command::Kill{kill, 1});
    EXPECT_EQ(killed(state, order("A1", 1)), c.stops) << name_of(c.scope) << " " << c.name;
    EXPECT_FALSE(killed(state, cancel("X1", order("A1", 1)))) << "cancels always pass";
    kill.mode = KillMode::kNone;
    run(command::Kill{kill, 2});
    EXPECT_TRUE(state.kills.empty());
  }
}

TEST_F(GatewayFlow, AKillRefusesWhatWaitsAndIsAnswered) {
  deliver({order("A1", 1)}, 1);
  const auto effects = run(command::Kill{KillSwitch{}, 42});
  EXPECT_TRUE(state.waiting.empty());
  EXPECT_EQ(state.outboxes.at(kShard).at({1}).reason, Reason::kVenueKilled);
  const auto answers = only<effect::Answered>(effects);
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].ticket, 42u);
  EXPECT_TRUE(answers[0].accepted);
  EXPECT_EQ(session_state(state), VenueSessionState::kDown);
  open();
  EXPECT_EQ(session_state(state), VenueSessionState::kKilled);
}

TEST_F(GatewayFlow, ReduceOnlyIsRisksToDecide) {
  KillSwitch kill;
  kill.mode = KillMode::kReduceOnly;
  run(command::Kill{kill, 1});
  EXPECT_FALSE(killed(state, order("A1", 1)));
}

TEST_F(GatewayFlow, DoneOrdersAreKnownForAWhileThenForgotten) {
  open();
  const uint64_t more = limits::kVenueDoneOrdersKept + 10;
  for (uint64_t n = 1; n <= more; ++n) {
    const std::string wire = "A" + std::to_string(n);
    deliver({order(wire, n)}, n, 1, n - 1);
    pump();
    report(Kind::kFill, wire, 0);
  }
  EXPECT_EQ(state.orders.size(), limits::kVenueDoneOrdersKept);
  EXPECT_EQ(state.wires.size(), limits::kVenueDoneOrdersKept);
  EXPECT_EQ(state.in_flight, 0u);
  report(Kind::kFill, "A1", 0);  // of a forgotten order
  EXPECT_EQ(state.counters.unmapped, 1u);
}

// Far behind others it is not looked at for a long time.
TEST_F(GatewayFlow, ADoneOrderIsNotForgottenWhileItsCancelWaits) {
  constexpr uint64_t kMore = limits::kVenueDoneOrdersKept + 10, kAhead = 1'000;
  rules.in_flight_max = 2 * kMore;
  run(command::Start{rules});
  open();
  const auto first = order("A1", 1);
  deliver({first}, 1);
  uint64_t next = 2;
  for (uint64_t i = 0; i < kMore; ++i, ++next)
    deliver({order("B" + std::to_string(i), 100 + i)}, next);
  pump();
  run(command::LinkLost{"cut", true});
  for (uint64_t i = 0; i < kAhead; ++i, ++next)
    deliver({order("C" + std::to_string(i), 1'000'000 + i)}, next);
  deliver({cancel("X1", first)}, next);
  report(Kind::kFill, "A1", 0);
  for (uint64_t i = 0; i < kMore; ++i) report(Kind::kFill, "B" + std::to_string(i), 0);
  EXPECT_TRUE(state.orders.contains({1}));
  advance(Duration::seconds(10));
  pump();
  EXPECT_TRUE(state.waiting.empty());
  const auto& reports = state.outboxes.at(kShard);
  const auto& last = reports.at(reports.last());
  EXPECT_EQ(last.wire.view(), "X1");
  EXPECT_EQ(last.reason, Reason::kTooLateToCancel);
  EXPECT_TRUE(conserved(state));
}

TEST_F(GatewayFlow, OldMessagesAreDroppedUnlessTheyAreInDoubt) {
  open();
  const auto first = order("A1", 1), second = order("A2", 2);
  deliver({first, second}, 1);
  pump();
  report(Kind::kAccepted, "A1");
  deliver({cancel("X1", first)}, 3);
  pump();
  EXPECT_EQ(state.sent.size(), 3u);
  advance(rules.resend_age + Duration::seconds(1));
  admin('0');
  // A1 is answered and old: gone. A2 and X1 are in doubt; of these a cancel keeps its bytes.
  ASSERT_EQ(state.sent.size(), 2u);
  EXPECT_EQ(state.sent.begin()->second.bytes, nullptr);
  EXPECT_NE(state.sent.rbegin()->second.bytes, nullptr);
  report(Kind::kAccepted, "A2");
  report(Kind::kCancelled, "X1", 0);
  EXPECT_TRUE(state.sent.empty());
}

// ---- the session

TEST_F(GatewaySession, BytesCarryTheConnectionTheyAreFor) {
  run(command::LinkUp{});
  command::Outbound logon;
  logon.number = 1;
  logon.type = 'A';
  logon.bytes = std::make_shared<const std::string>("logon");
  const auto effects = run(logon);
  const auto bytes = only<effect::SendBytes>(effects);
  ASSERT_EQ(bytes.size(), 1u);
  EXPECT_EQ(bytes[0].link, state.link);
  EXPECT_EQ(bytes[0].number, 1u);
  EXPECT_EQ(state.phase, SessionPhase::kLogonSent);
}

TEST_F(GatewaySession, AStartForgetsTheConnectionOfAnEarlierProcess) {
  open();
  const uint32_t next_out = state.next_out;
  run(command::Start{rules});
  EXPECT_EQ(state.phase, SessionPhase::kDown);
  EXPECT_EQ(state.next_out, next_out);
  run(command::LinkUp{});
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kBuildLogon)
      << "a Logon of another process is never repeated";
}

TEST_F(GatewaySession, ANumberOutOfTurnIsABug) {
  command::Inbound ahead;
  ahead.number = state.next_in + 1;
  EXPECT_THROW(run(ahead), CheckFailed);
  command::Outbound wrong;
  wrong.number = state.next_out + 1;
  EXPECT_THROW(run(wrong), CheckFailed);
}

TEST_F(GatewaySession, ReportAndNumberAreOneEvent) {
  open();
  deliver({order("A1", 1)}, 1);
  pump();
  const uint32_t next_in = state.next_in;
  report(Kind::kAccepted, "A1");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(has_event<event::MessageTaken>());
  EXPECT_EQ(state.next_in, next_in + 1);
}

TEST_F(GatewaySession, TheBarrierIsAskedAgainAfterAResend) {
  run(command::LinkUp{});
  admin('A');
  run(command::LogonComplete{});
  admin('1', true);
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kNothing);
  run(command::ResendAsked{1, 0});
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kSendBarrier);
}

TEST_F(GatewaySession, AnUnansweredBarrierEndsTheConnection) {
  run(command::LinkUp{});
  admin('A');
  run(command::LogonComplete{});
  admin('1', true);
  advance(rules.barrier_timeout);
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kCut);
}

TEST_F(GatewaySession, AClockInDoubtCountsAsOld) {
  open();
  auto request = order("A1", 1);
  request.intake = now + Duration::milliseconds(5);  // from the future
  deliver({request}, 1);
  pump();
  EXPECT_FALSE(resendable(state, state.sent.rbegin()->second, now));
  EXPECT_TRUE(resendable(state, state.sent.rbegin()->second, request.intake));
}

TEST_F(GatewaySession, NumbersAreSetByOperatorsOnlyWhileItIsOut) {
  open();
  const VenueCommand set{VenueCommandKind::kSetOutbound, 70, "ann", ""};
  auto answers = only<effect::Answered>(run(command::Operate{set, 1}));
  EXPECT_FALSE(answers.at(0).accepted);
  run(command::Operate{{VenueCommandKind::kLogout, 0, "ann", ""}, 2});
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kSendLogout);
  run(command::LinkLost{"logged out", true});
  answers = only<effect::Answered>(run(command::Operate{set, 3}));
  EXPECT_TRUE(answers.at(0).accepted);
  EXPECT_EQ(state.next_out, 70u);
  const VenueCommand zero{VenueCommandKind::kSetInbound, 0, "ann", ""};
  answers = only<effect::Answered>(run(command::Operate{zero, 4}));
  EXPECT_FALSE(answers.at(0).accepted);
}

TEST_F(GatewaySession, ANewDayBringsFreshNumbersAndLeavesWhatWasOpenUnknown) {
  rules.schedule = {false, Duration::seconds(8 * 3600), Duration::seconds(17 * 3600), {}};
  run(command::Start{rules});
  open();
  deliver({order("A1", 1)}, 1);
  pump();
  advance(Duration::seconds(3 * 3600));  // 17:30: the session is over
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kSendLogout);
  admin('5');
  run(command::LinkLost{"logged out", true});
  EXPECT_FALSE(connection_wanted(state, now));
  advance(Duration::seconds(14 * 3600 + 1800));  // 08:00 next day
  EXPECT_EQ(due_now(state, now).due, Due::kDayStart);
  run(command::Advance{});
  EXPECT_EQ(state.next_out, 1u);
  EXPECT_EQ(state.next_in, 1u);
  EXPECT_EQ(state.created, now);
  EXPECT_TRUE(connection_wanted(state, now));
  EXPECT_EQ(state.unknown.count({1}), 1u);
  EXPECT_EQ(state.outboxes.at(kShard).at({1}).kind, Kind::kUnknown);
  EXPECT_EQ(due_now(state, now).due, Due::kNothing) << "once a day";
}

TEST_F(GatewaySession, AHaltAndItsEndNameTheirOperator) {
  open();
  run(command::Operate{{VenueCommandKind::kHalt, 0, "ann", "odd prices"}, 1});
  EXPECT_TRUE(state.halted);
  EXPECT_EQ(state.halted_by.view(), "ann");
  EXPECT_EQ(state.halt_reason.view(), "odd prices");
  EXPECT_EQ(session_state(state), VenueSessionState::kHalted);
  run(command::Operate{{VenueCommandKind::kResume, 0, "bob", "fine"}, 2});
  EXPECT_FALSE(state.halted);
  EXPECT_EQ(session_state(state), VenueSessionState::kOpen);
}

}  // namespace
}  // namespace holdfast::venues::testing
