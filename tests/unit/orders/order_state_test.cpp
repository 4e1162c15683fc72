// Every (state, event) pair against a grid written by hand from FIX 4.4 volume 4, appendix D, and
// the races of cancels and replaces one by one.
#include "actors/orders/order_state.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace holdfast::orders {
namespace {

using S = OrderState;
using E = OrderEvent;
using D = Disposition;

Quantity q(int64_t n) { return Quantity::whole(n); }

// An order of 100 as it typically stands in a state.
OrderFacts typical(S state) {
  OrderFacts f;
  f.state = state;
  f.quantity = q(100);
  if (state >= S::kRouted && !is_terminal(state)) f.leaves = q(100);
  switch (state) {
    case S::kAccepted:
      f.acknowledged = true;
      break;
    case S::kPartiallyFilled:
      f.acknowledged = true;
      f.cumulative = q(40);
      f.leaves = q(60);
      break;
    case S::kPendingCancel:
      f.pending = Pending::kCancel;
      break;
    case S::kPendingReplace:
      f.pending = Pending::kReplace;
      break;
    case S::kUnknown:
      f.lost = true;
      break;
    case S::kFilled:
      f.acknowledged = true;
      f.cumulative = q(100);
      break;
    case S::kCancelled:
    case S::kExpired:
      f.acknowledged = true;
      f.cumulative = q(40);
      break;
    default:
      break;
  }
  return f;
}

EventFacts numbers_for(E event) {
  EventFacts n;
  n.amount = event == E::kReplace ? q(120) : q(10);
  n.previous = q(10);
  n.answers = event == E::kReplace || event == E::kCancelReject || event == E::kDropRequest;
  return n;
}

// Outcome of each event on the typical order: "." anomaly, "=" unchanged, "!" refused, "+" late
// money, "d" deferred, else the state after it ("~" first: applied though nobody asked).
//        Va Re Ap Bl Ro  Acc Rej Fil Can Rep Exp CxR  RqC RqR  Los NSe Drp  TrC TrX Opn
const char* const kGrid[kOrderStates] = {
    /* New */ "Va Rj .  .  .   .  .  +  .  .  .  .   !  !   .  .  .   .  .  .",
    /* Validated */ ".  Rj RA Bk .   .  .  +  .  .  .  .   !  !   .  .  .   .  .  .",
    /* RiskApproved */ ".  Rj .  .  Ro  .  .  +  .  .  .  .   !  !   .  .  .   .  .  .",
    /* Routed */ ".  .  .  .  .   Ac Rj PF Ca ~Ac Ex .  PC PR  Un NS .   .  .  Ac",
    /* Accepted */ ".  .  .  .  .   =  ~Rj PF Ca ~Ac Ex .  PC PR  Un .  .   .  .  =",
    /* PartiallyFilled */ ".  .  .  .  .   =  ~Ca PF Ca ~PF Ex .  PC PR  Un .  .   PF PF =",
    /* PendingCancel */ ".  .  .  .  .   PC Rj PC ~Ca ~PC Ex Ro  !  !   Un NS Ro  .  .  PC",
    /* PendingReplace */ ".  .  .  .  .   PR Rj PR Ca Ac Ex Ro  d  !   Un NS Ro  .  .  PR",
    /* Unknown */ ".  .  .  .  .   Ac Rj PF Ca ~Ac Ex .   Un !   =  NS .   .  .  Ac",
    /* Blocked */ ".  .  .  .  .   .  .  +  .  .  .  .   !  !   .  .  .   .  .  .",
    /* Rejected */ ".  .  .  .  .   .  =  +  .  .  .  .   !  !   .  .  .   .  .  .",
    /* Filled */ ".  .  .  .  .   .  .  +  .  ~PF .  .   !  !   =  .  .   Fi Fi .",
    /* Cancelled */ ".  .  .  .  .   .  .  +  =  .  .  .   !  !   =  .  .   Ca Ca .",
    /* Expired */ ".  .  .  .  .   .  .  +  .  .  =  .   !  !   =  .  .   Ex Ex .",
    /* NotSent */ ".  .  .  .  .   .  .  +  .  .  .  .   !  !   .  =  .   .  .  .",
};

std::string code(S state) {
  static const char* const kCodes[kOrderStates] = {"Ne", "Va", "RA", "Ro", "Ac", "PF", "PC", "PR",
                                                   "Un", "Bk", "Rj", "Fi", "Ca", "Ex", "NS"};
  return kCodes[static_cast<int>(state)];
}

std::string outcome(const Step& s) {
  switch (s.disposition) {
    case D::kApplied:
      return code(s.after.state);
    case D::kUnsolicited:
      return "~" + code(s.after.state);
    case D::kUnchanged:
      return "=";
    case D::kBookedLate:
      return "+";
    case D::kAnomaly:
      return ".";
    case D::kRefused:
      return "!";
    case D::kDeferred:
      return "d";
  }
  return "?";
}

TEST(OrderState, EveryPairOfStateAndEventHasItsOutcome) {
  for (int state = 0; state < kOrderStates; ++state) {
    std::istringstream row(kGrid[state]);
    for (int event = 0; event < kOrderEvents; ++event) {
      std::string expected;
      row >> expected;
      const auto s = static_cast<S>(state);
      const auto e = static_cast<E>(event);
      EXPECT_EQ(outcome(step(typical(s), e, numbers_for(e))), expected)
          << name_of(s) << " × " << name_of(e);
    }
    std::string rest;
    EXPECT_FALSE(row >> rest) << "row " << state << " is too long";
  }
}

TEST(OrderState, IgnoredEventsChangeNothing) {
  for (int state = 0; state < kOrderStates; ++state)
    for (int event = 0; event < kOrderEvents; ++event) {
      const OrderFacts before = typical(static_cast<S>(state));
      const auto e = static_cast<E>(event);
      const Step s = step(before, e, numbers_for(e));
      if (s.disposition == D::kAnomaly || s.disposition == D::kRefused ||
          s.disposition == D::kUnchanged) {
        EXPECT_EQ(s.after, before) << name_of(before.state) << " × " << name_of(e);
      }
      if (s.disposition == D::kRefused) {
        EXPECT_NE(s.refusal, Reason::kNone);
      }
    }
}

TEST(OrderState, QuantitiesAreConservedInEveryStep) {
  for (int state = 0; state < kOrderStates; ++state)
    for (int event = 0; event < kOrderEvents; ++event) {
      const auto e = static_cast<E>(event);
      const Step s = step(typical(static_cast<S>(state)), e, numbers_for(e));
      EXPECT_GE(s.after.cumulative.units, 0);
      EXPECT_GE(s.after.leaves.units, 0);
      if (is_terminal(s.after.state)) {
        EXPECT_TRUE(s.after.leaves.zero());
      }
      if (!s.overfill && s.disposition != D::kBookedLate) {
        EXPECT_LE(s.after.cumulative + s.after.leaves, s.after.quantity);
      }
    }
}

OrderFacts after(std::initializer_list<std::pair<E, EventFacts>> events,
                 OrderFacts f = typical(S::kAccepted)) {
  for (const auto& [event, numbers] : events) f = step(f, event, numbers).after;
  return f;
}
EventFacts fill(int64_t n) { return {q(n), {}, false}; }
constexpr EventFacts kAnswer{{}, {}, true};

TEST(OrderState, FillWhilePendingCancelStaysPendingCancel) {
  const OrderFacts f = after({{E::kRequestCancel, {}}, {E::kFill, fill(30)}});
  EXPECT_EQ(f.state, S::kPendingCancel);
  EXPECT_EQ(f.cumulative, q(30));
  EXPECT_EQ(f.leaves, q(70));
  const OrderFacts cancelled = after({{E::kCancel, kAnswer}}, f);
  EXPECT_EQ(cancelled.state, S::kCancelled);
  EXPECT_EQ(cancelled.cumulative, q(30));
  EXPECT_EQ(cancelled.pending, Pending::kNone);
}

TEST(OrderState, TooLateToCancelLeavesTheOrderFilled) {
  const OrderFacts f = after({{E::kRequestCancel, {}}, {E::kFill, fill(100)}});
  EXPECT_EQ(f.state, S::kFilled);
  EXPECT_EQ(f.pending, Pending::kCancel) << "the request still waits for its answer";
  const Step answer = step(f, E::kCancelReject, kAnswer);
  EXPECT_EQ(answer.disposition, D::kApplied);
  EXPECT_EQ(answer.after.state, S::kFilled);
  EXPECT_EQ(answer.after.pending, Pending::kNone);
}

TEST(OrderState, CancelRejectRestoresThePriorState) {
  EXPECT_EQ(after({{E::kRequestCancel, {}}, {E::kCancelReject, kAnswer}}).state, S::kAccepted);
  EXPECT_EQ(
      after({{E::kFill, fill(1)}, {E::kRequestCancel, {}}, {E::kCancelReject, kAnswer}}).state,
      S::kPartiallyFilled);
  EXPECT_EQ(
      after({{E::kRequestCancel, {}}, {E::kCancelReject, kAnswer}}, typical(S::kRouted)).state,
      S::kRouted);
  // A fill that came between counts.
  EXPECT_EQ(
      after({{E::kRequestReplace, {}}, {E::kFill, fill(1)}, {E::kCancelReject, kAnswer}}).state,
      S::kPartiallyFilled);
}

TEST(OrderState, ReplaceWithFillsKeepsThemAndAdjustsTheRest) {
  const OrderFacts f =
      after({{E::kRequestReplace, {}}, {E::kFill, fill(30)}, {E::kReplace, {q(80), {}, true}}});
  EXPECT_EQ(f.state, S::kPartiallyFilled);
  EXPECT_EQ(f.quantity, q(80));
  EXPECT_EQ(f.leaves, q(50));
}

TEST(OrderState, ReplaceToWhatIsFilledAlreadyEndsTheOrder) {
  for (const int64_t quantity : {40, 30}) {
    const OrderFacts f = after(
        {{E::kFill, fill(40)}, {E::kRequestReplace, {}}, {E::kReplace, {q(quantity), {}, true}}});
    EXPECT_EQ(f.state, S::kFilled);
    EXPECT_EQ(f.quantity, q(40));
    EXPECT_TRUE(f.leaves.zero());
  }
}

TEST(OrderState, ReplaceUpwardsReopensAnOrderThatFilledMeanwhile) {
  const OrderFacts filled = after({{E::kRequestReplace, {}}, {E::kFill, fill(100)}});
  EXPECT_EQ(filled.state, S::kFilled);
  const OrderFacts f = after({{E::kReplace, {q(150), {}, true}}}, filled);
  EXPECT_EQ(f.state, S::kPartiallyFilled);
  EXPECT_EQ(f.leaves, q(50));
}

TEST(OrderState, UnsolicitedCancelDoesNotAnswerThePendingRequest) {
  const OrderFacts pending = after({{E::kRequestCancel, {}}});
  const Step s = step(pending, E::kCancel);
  EXPECT_EQ(s.disposition, D::kUnsolicited);
  EXPECT_EQ(s.after.state, S::kCancelled);
  EXPECT_EQ(s.after.pending, Pending::kCancel);
  EXPECT_EQ(after({{E::kCancelReject, kAnswer}}, s.after).pending, Pending::kNone);
}

TEST(OrderState, RemainderOfAnImmediateOrderIsCancelledAfterItsFills) {
  const OrderFacts f =
      after({{E::kAccept, {}}, {E::kFill, fill(60)}, {E::kCancel, {}}}, typical(S::kRouted));
  EXPECT_EQ(f.state, S::kCancelled);
  EXPECT_EQ(f.cumulative, q(60));
}

TEST(OrderState, CancelBehindAReplaceWaitsForItsAnswer) {
  OrderFacts f = after({{E::kRequestReplace, {}}});
  const Step deferred = step(f, E::kRequestCancel);
  EXPECT_EQ(deferred.disposition, D::kDeferred);
  EXPECT_EQ(step(deferred.after, E::kRequestCancel).refusal, Reason::kPendingRequest);
  for (const E answer : {E::kReplace, E::kCancelReject, E::kDropRequest}) {
    const Step s = step(deferred.after, answer, {q(120), {}, true});
    EXPECT_TRUE(s.release_cancel) << name_of(answer);
    EXPECT_FALSE(s.after.cancel_deferred);
    EXPECT_EQ(step(s.after, E::kRequestCancel).after.state, S::kPendingCancel);
  }
}

TEST(OrderState, FillAfterCancelConfirmedIsBookedAndFlagged) {
  const Step s = step(typical(S::kCancelled), E::kFill, fill(25));
  EXPECT_EQ(s.disposition, D::kBookedLate);
  EXPECT_EQ(s.after.state, S::kCancelled);
  EXPECT_EQ(s.after.cumulative, q(65));
  EXPECT_TRUE(s.after.leaves.zero());
}

TEST(OrderState, FillBeyondTheRestIsBookedAsOverfill) {
  const Step s = step(typical(S::kPartiallyFilled), E::kFill, fill(61));
  EXPECT_TRUE(s.overfill);
  EXPECT_EQ(s.after.state, S::kFilled);
  EXPECT_EQ(s.after.cumulative, q(101));
}

TEST(OrderState, NotSentIsImpossibleOnceTheVenueShowedTheOrder) {
  EXPECT_EQ(after({{E::kProveNotSent, {}}}, typical(S::kUnknown)).state, S::kNotSent);
  const OrderFacts known = after({{E::kLose, {}}});
  EXPECT_EQ(known.state, S::kUnknown);
  EXPECT_EQ(step(known, E::kProveNotSent).disposition, D::kAnomaly);
}

TEST(OrderState, UnknownIsResolvedByWhateverTheVenueSays) {
  const OrderFacts lost = after({{E::kLose, {}}}, typical(S::kPartiallyFilled));
  EXPECT_EQ(after({{E::kShowOpen, {}}}, lost).state, S::kPartiallyFilled);
  EXPECT_EQ(after({{E::kFill, fill(60)}}, lost).state, S::kFilled);
  EXPECT_EQ(after({{E::kCancel, {}}}, lost).state, S::kCancelled);
  EXPECT_EQ(after({{E::kReject, {}}}, after({{E::kLose, {}}}, typical(S::kRouted))).state,
            S::kRejected);
  // A cancel may be asked for meanwhile; it stays unknown until the venue speaks.
  const OrderFacts asked = after({{E::kRequestCancel, {}}}, lost);
  EXPECT_EQ(asked.state, S::kUnknown);
  EXPECT_EQ(after({{E::kCancel, kAnswer}}, asked).state, S::kCancelled);
}

TEST(OrderState, LostReplaceLeavesTheOrderAsItWasWhenItProvesUnsent) {
  const OrderFacts lost = after({{E::kFill, fill(10)}, {E::kRequestReplace, {}}, {E::kLose, {}}});
  EXPECT_EQ(lost.state, S::kUnknown);
  const OrderFacts f = after({{E::kDropRequest, kAnswer}}, lost);
  EXPECT_EQ(f.state, S::kPartiallyFilled);
  EXPECT_EQ(f.quantity, q(100));
}

TEST(OrderState, TradeCancelTakesBackWithoutReopening) {
  const OrderFacts f = after({{E::kTradeCancel, fill(40)}}, typical(S::kFilled));
  EXPECT_EQ(f.state, S::kFilled);
  EXPECT_EQ(f.cumulative, q(60));
  EXPECT_TRUE(f.leaves.zero());
  const OrderFacts working = after({{E::kTradeCancel, fill(40)}}, typical(S::kPartiallyFilled));
  EXPECT_EQ(working.state, S::kAccepted);
  EXPECT_EQ(working.leaves, q(60));
  EXPECT_EQ(step(typical(S::kAccepted), E::kTradeCancel, fill(1)).disposition, D::kAnomaly);
}

}  // namespace
}  // namespace holdfast::orders
