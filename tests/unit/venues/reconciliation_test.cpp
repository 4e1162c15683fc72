// Orders of unknown outcome: what brings them into doubt, what settles each, and what the ledger
// tells of it.
#include "tests/unit/venues/core_fixture.hpp"

namespace holdfast::venues::testing {
namespace {

using Kind = VenueReportKind;

class GatewayDoubt : public Core {
 protected:
  /// Sent, unanswered, and left out of a resend for its age.
  void doubtful(const char* wire, uint64_t id, OutboxSeq first = {1}) {
    if (state.phase != SessionPhase::kOpen) open();
    deliver({order(wire, id)}, first.value);
    pump();
    advance(rules.resend_age + Duration::seconds(1));
    run(command::ResendAsked{1, 0});
    ASSERT_TRUE(state.unknown.contains({id}));
  }
  VenueReport told(Kind kind, const char* wire, OrderState venue_state = OrderState::kAccepted) {
    VenueReport report;
    report.kind = kind;
    report.wire = WireOrderId(wire);
    report.venue_state = venue_state;
    report.leaves_quantity = Quantity::whole(10);
    return report;
  }
  void hear(const VenueReport& report) { run(command::Inbound{state.next_in, 0, false, report}); }
  void ask() {
    const Action action = next_action(state, now);
    ASSERT_EQ(action.kind, ActionKind::kSendStatus);
    command::Outbound status;
    status.number = state.next_out;
    status.type = 'H';
    status.kind = SentKind::kStatus;
    status.order = action.order;
    status.wire = state.orders.at(action.order).status_wire();
    status.bytes = std::make_shared<const std::string>("status");
    run(status);
  }
  const Reconciliation& last() const { return state.reconciliation.settled().back(); }
  std::vector<VenueReport> reports() const {
    std::vector<VenueReport> all;
    const auto& outbox = state.outboxes.at(kShard);
    for (OutboxSeq s{1}; s <= outbox.last(); ++s.value) all.push_back(outbox.at(s));
    return all;
  }
};

TEST_F(GatewayDoubt, WhatBroughtItUpIsKept) {
  doubtful("A1", 1);
  ASSERT_EQ(state.reconciliation.pending().size(), 1u);
  const Reconciliation row = state.reconciliation.pending().at({1});
  EXPECT_EQ(row.cause, DoubtCause::kGapFilled);
  EXPECT_EQ(row.wire, WireOrderId("A1"));
  EXPECT_EQ(row.account, Account("ACC1"));
  EXPECT_EQ(row.since, now);
  EXPECT_EQ(row.by, SettledBy::kOpen);
  EXPECT_EQ(state.reconciliation.counters().doubted, 1u);

  ask();  // it comes before what waits
  deliver({order("A2", 2)}, 2);
  pump();
  advance(rules.answer_timeout);
  run(command::Advance{});
  EXPECT_EQ(state.reconciliation.pending().at({2}).cause, DoubtCause::kUnanswered);

  ask();
  ask();
  deliver({order("A3", 3)}, 3);
  pump();
  run(command::StoreReset{"test"});
  EXPECT_EQ(state.reconciliation.pending().at({3}).cause, DoubtCause::kNumbersLost);
}

TEST_F(GatewayDoubt, IsSettledByAStatusAndTellsHowOftenItAsked) {
  doubtful("A1", 1);
  ask();
  advance(rules.status_interval);
  ask();
  hear(told(Kind::kStatus, "A1", OrderState::kPartiallyFilled));
  EXPECT_TRUE(state.unknown.empty());
  ASSERT_TRUE(state.reconciliation.pending().empty());
  EXPECT_EQ(last().by, SettledBy::kStatus);
  EXPECT_EQ(last().venue_state, OrderState::kPartiallyFilled);
  EXPECT_EQ(last().asked, 2u);
  EXPECT_EQ(last().settled, now);
  EXPECT_EQ(state.reconciliation.counters().by_status, 1u);
}

TEST_F(GatewayDoubt, IsSettledByALateReportOrOneThatIsSentAgain) {
  doubtful("A1", 1);
  hear(told(Kind::kAccepted, "A1"));
  EXPECT_EQ(last().by, SettledBy::kReport);
  doubtful("A2", 2, {2});
  VenueReport again = told(Kind::kFill, "A2", OrderState::kFilled);
  again.possible_duplicate = true;
  again.leaves_quantity = {};
  hear(again);
  EXPECT_EQ(last().by, SettledBy::kResend);
  EXPECT_EQ(last().order, OrderId{2});
  EXPECT_EQ(state.reconciliation.counters().by_report, 1u);
  EXPECT_EQ(state.reconciliation.counters().by_resend, 1u);
}

TEST_F(GatewayDoubt, IsSettledAsNotSentWhereTheVenueDoesNotKnowIt) {
  doubtful("A1", 1);
  ask();
  run(command::Inbound{state.next_in, 0, true, told(Kind::kStatus, "A1", OrderState::kRejected)});
  EXPECT_TRUE(state.unknown.empty());
  EXPECT_EQ(last().by, SettledBy::kNotSent);
  EXPECT_EQ(reports().back().kind, Kind::kNotSent);
}

TEST_F(GatewayDoubt, IsSettledByTheDropCopyAndItsShardHearsOfIt) {
  doubtful("A1", 1);
  VenueReport copy = told(Kind::kFill, "A1", OrderState::kFilled);
  copy.exec_id = "E1";
  copy.leaves_quantity = {};
  run(command::DropCopied{copy});
  ASSERT_TRUE(has_event<event::DropCopyTaken>());
  EXPECT_TRUE(state.unknown.empty());
  EXPECT_EQ(last().by, SettledBy::kDropCopy);
  EXPECT_EQ(last().venue_state, OrderState::kFilled);
  const VenueReport said = reports().back();
  EXPECT_EQ(said.kind, Kind::kFill);
  EXPECT_EQ(said.exec_id, ExecId("E1"));
  EXPECT_EQ(said.order, OrderId{1});
  EXPECT_TRUE(said.drop_copy);
  EXPECT_EQ(state.reconciliation.counters().by_drop_copy, 1u);
  EXPECT_EQ(state.reconciliation.counters().copies_used, 1u);
}

TEST_F(GatewayDoubt, ACopyOfAnOrderThatIsNotOursLeavesNoTrace) {
  open();
  run(command::DropCopied{told(Kind::kFill, "STRANGER")});
  EXPECT_TRUE(events.empty());
}

TEST_F(GatewayDoubt, NumbersOfTheDropCopyAreReservedAndNeverFallBack) {
  const auto effects = run(command::DropCopyNumbers{257, 5});
  EXPECT_EQ(state.copy_out, 257u);
  EXPECT_EQ(state.copy_in, 5u);
  const auto reserved = only<effect::DropCopyReserved>(effects);
  ASSERT_EQ(reserved.size(), 1u);
  EXPECT_EQ(reserved[0].next_out, 257u);
  run(command::DropCopyNumbers{10, 9});
  EXPECT_EQ(state.copy_out, 257u);
  EXPECT_EQ(state.copy_in, 9u);
}

TEST_F(GatewayDoubt, TheLedgerIsBoundedAndShowsOpenOnesFirst) {
  VenueOrder order;
  ReconciliationLedger ledger;
  for (uint64_t id = 1; id <= limits::kReconciliationsKept + 10; ++id) {
    order.id = {id};
    ledger.open(order, "W", DoubtCause::kGapFilled, WallTime{static_cast<int64_t>(id)});
    if (id != 5)
      ledger.close(order.id, SettledBy::kStatus, OrderState::kFilled, WallTime{9'000'000});
  }
  EXPECT_EQ(ledger.settled().size(), limits::kReconciliationsKept);
  const auto rows = ledger.rows(3);
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].order, OrderId{5});
  EXPECT_EQ(rows[0].by, SettledBy::kOpen);
  EXPECT_EQ(rows[1].order, OrderId{limits::kReconciliationsKept + 10});
  EXPECT_EQ(ledger.counters().doubted, limits::kReconciliationsKept + 10);
}

// ---- cancel on disconnect

class GatewayAway : public GatewayDoubt {
 protected:
  GatewayAway() {
    rules.cancel_on_disconnect = Duration::milliseconds(500);
    run(command::Start{rules});
    open();
    deliver({order("A1", 1), order("A2", 2)}, 1);
    pump();
    report(Kind::kAccepted, "A1");
    report(Kind::kAccepted, "A2");
  }
  /// The process dies and another takes over after `gone`; up to the barrier.
  void take_over(Duration gone) {
    advance(gone);
    run(command::Start{rules});
    run(command::LinkUp{});
    admin('A');
    run(command::Inbound{state.next_in, 0, false, {}});
    run(command::LogonComplete{});
    admin('1', true);
  }
  void barrier() {
    run(command::BarrierAnswered{});
    run(command::Inbound{state.next_in, 0, false, {}});
    run(command::Advance{});
  }
};

TEST_F(GatewayAway, WithinTheGraceOpenOrdersSurvive) {
  take_over(Duration::milliseconds(500));
  barrier();
  EXPECT_TRUE(state.unknown.empty());
  EXPECT_EQ(state.phase, SessionPhase::kOpen);
  EXPECT_TRUE(state.reconciliation.pending().empty());
}

TEST_F(GatewayAway, AfterTheGraceOpenOrdersAreUnknownUntilTheVenueHasTold) {
  take_over(Duration::milliseconds(501));
  // The venue's own report of a cancel comes by resend, before the barrier.
  VenueReport cancelled = told(Kind::kCancelled, "A1", OrderState::kCancelled);
  cancelled.possible_duplicate = true;
  hear(cancelled);
  barrier();
  EXPECT_FALSE(state.unknown.contains({1})) << "it is known to be done";
  ASSERT_TRUE(state.unknown.contains({2}));
  EXPECT_EQ(state.phase, SessionPhase::kReconciling) << "no new flow before it is known";
  EXPECT_EQ(reports().back().kind, Kind::kUnknown);
  EXPECT_EQ(state.reconciliation.pending().at({2}).cause, DoubtCause::kAway);

  ask();
  hear(told(Kind::kStatus, "A2", OrderState::kCancelled));
  EXPECT_TRUE(state.unknown.empty());
  EXPECT_TRUE(state.orders.at({2}).done);
  EXPECT_EQ(last().by, SettledBy::kStatus);
  EXPECT_EQ(last().venue_state, OrderState::kCancelled);
  run(command::Advance{});
  EXPECT_EQ(state.phase, SessionPhase::kOpen);
}

TEST_F(GatewayAway, AnOrderThatTheVenueStillHasGoesOn) {
  take_over(Duration::seconds(2));
  barrier();
  ASSERT_EQ(state.unknown.size(), 2u);
  ask();
  ask();
  hear(told(Kind::kStatus, "A1", OrderState::kAccepted));
  hear(told(Kind::kStatus, "A2", OrderState::kPartiallyFilled));
  EXPECT_TRUE(state.unknown.empty());
  EXPECT_FALSE(state.orders.at({1}).done);
  EXPECT_EQ(state.orders.at({1}).confirmed()->id, WireOrderId("A1"));
}

TEST_F(GatewayAway, ACancelWaitsUntilItIsKnownWhetherThereIsAnythingToCancel) {
  take_over(Duration::seconds(2));
  barrier();
  deliver({cancel("X1", order("A1", 1))}, 3);
  EXPECT_NE(next_action(state, now).kind, ActionKind::kSendRequest);
  ask();
  ask();
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kNothing);
  hear(told(Kind::kStatus, "A1", OrderState::kAccepted));
  EXPECT_EQ(next_action(state, now).kind, ActionKind::kSendRequest);
}

TEST_F(GatewayAway, AFailedTryDoesNotShortenTheAbsence) {
  advance(Duration::milliseconds(400));
  run(command::LinkLost{"cut", true});
  advance(Duration::milliseconds(400));
  run(command::LinkUp{});
  admin('A');
  run(command::Inbound{state.next_in, 0, false, {}});  // a Logout
  run(command::LinkLost{"refused", true});
  take_over({});
  barrier();
  EXPECT_EQ(state.unknown.size(), 2u);
}

TEST_F(GatewayAway, AVenueThatDoesNotCancelLeavesThemAsTheyAre) {
  rules.cancel_on_disconnect = {};
  take_over(Duration::seconds(3'600));
  barrier();
  EXPECT_TRUE(state.unknown.empty());
}

}  // namespace
}  // namespace holdfast::venues::testing
