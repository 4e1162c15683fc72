// The shard's rules one by one: admission, idempotency, races with the venue, kills, outboxes.
#include "tests/unit/orders/shard_fixture.hpp"

namespace holdfast::orders {
namespace {

using testing::kVenueGroup;
using testing::p;
using testing::q;
using testing::Shard;
using K = VenueReportKind;

// ---- admission

TEST(Shard, RoutesAnOrderAndHearsItsWholeLife) {
  Shard s;
  const OrderReply reply = s.ask(s.order("A"));
  EXPECT_TRUE(reply.accepted);
  EXPECT_FALSE(reply.duplicate);
  EXPECT_EQ(reply.state, OrderState::kRouted);
  ASSERT_EQ(s.said.delivered.size(), 1u);
  const VenueRequest sent = s.said.delivered[0];
  EXPECT_EQ(sent.kind, VenueRequestKind::kNew);
  EXPECT_EQ(sent.wire, WireOrderId("H1-1"));
  EXPECT_EQ(sent.client_order_id, ClientOrderId("A"));
  s.hear(s.from(sent, K::kAccepted));
  EXPECT_EQ(s.state_of("A"), OrderState::kAccepted);
  s.hear(s.fill(sent, 40, 101));
  s.hear(s.fill(sent, 60, 102));
  EXPECT_EQ(s.state_of("A"), OrderState::kFilled);
  EXPECT_EQ(s.record("A").cumulative_notional, Notional::whole(40 * 101 + 60 * 102));
  ASSERT_EQ(s.said.reports.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(s.said.reports[i].sequence.value, i + 1);
  EXPECT_EQ(s.said.reports[2].type, ExecType::kTrade);
  EXPECT_EQ(s.said.reports[2].cumulative_quantity, q(100));
  EXPECT_EQ(s.state().book.open(), 0u);
  EXPECT_EQ(s.state().links[0].unanswered, 0u);
}

TEST(Shard, RefusesWhatIsMalformedWithTheReason) {
  struct Case {
    const char* id;
    Reason reason;
    std::function<void(NewOrder&)> spoil;
  };
  const Case cases[] = {
      {"1", Reason::kUnknownSymbol, [](NewOrder& o) { o.symbol = "NOPE"; }},
      {"2", Reason::kBadPrice, [](NewOrder& o) { o.price = {}; }},
      {"3", Reason::kBadPrice, [](NewOrder& o) { o.price.units += 1; }},
      {"4", Reason::kBadPrice, [](NewOrder& o) { o.price = p(10'001); }},
      {"5", Reason::kBadPrice, [](NewOrder& o) { o.type = OrderType::kMarket; }},
      {"6", Reason::kBadQuantity, [](NewOrder& o) { o.quantity = {}; }},
      {"7", Reason::kBadQuantity, [](NewOrder& o) { o.quantity = Quantity::from_units(-1); }},
      {"8", Reason::kBadQuantity, [](NewOrder& o) { o.quantity.units += 1; }},
      {"9", Reason::kUnsupported,
       [](NewOrder& o) {
         o.type = OrderType::kMarket;
         o.price = {};
         o.time_in_force = TimeInForce::kGoodTillCancel;
       }},
      {"10", Reason::kMaxOrderQuantity, [](NewOrder& o) { o.quantity = q(100'001); }},
      {"11", Reason::kPriceCollar, [](NewOrder& o) { o.price = p(200); }},
  };
  Shard s;
  for (const Case& c : cases) {
    NewOrder o = s.order(c.id);
    c.spoil(o);
    const OrderReply reply = s.ask(o);
    EXPECT_FALSE(reply.accepted) << c.id;
    EXPECT_EQ(reply.reason, c.reason) << c.id << " " << name_of(reply.reason);
    EXPECT_FALSE(reply.text.empty());
    EXPECT_EQ(s.said.reports.back().type, ExecType::kRejected);
    // The same request again: the same outcome, told as a duplicate.
    const OrderReply again = s.ask(o);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.reason, c.reason);
    EXPECT_EQ(again.text, reply.text);
  }
  EXPECT_TRUE(s.said.delivered.empty());
  EXPECT_EQ(s.state().counters.refused, std::size(cases));
}

TEST(Shard, KeepsNoTraceOfWhatItCannotBook) {
  Shard s;
  const std::size_t entries = s.log.size();
  EXPECT_EQ(s.ask(s.order("A", Side::kBuy, 1, 100, "NOBODY")).reason, Reason::kUnknownAccount);
  NewOrder nameless = s.order("A");
  nameless.client_order_id = {};
  EXPECT_EQ(s.ask(nameless).reason, Reason::kMalformed);
  EXPECT_EQ(s.log.size(), entries);
  EXPECT_EQ(s.state().book.orders(), 0u);
}

TEST(Shard, RefusesEverythingBeforeReferenceData) {
  Shard s(false);
  EXPECT_EQ(s.ask(s.order("A")).reason, Reason::kUnknownAccount);
  s.run(ChangeRisk{0, risk::LimitsLoaded{testing::generous_limits()}});
  EXPECT_EQ(s.ask(s.order("A")).reason, Reason::kNotServing);
}

TEST(Shard, RefusesWhenNoVenueIsOpenAndReleasesTheExposure) {
  Shard s;
  s.open_venue(VenueSessionState::kDown);
  EXPECT_EQ(s.ask(s.order("A")).reason, Reason::kVenueDown);
  EXPECT_EQ(s.state_of("A"), OrderState::kRejected);
  EXPECT_EQ(s.state().risk.open_orders(), 0u);
}

// ---- idempotency

TEST(Shard, SameRequestAgainHasTheSameOutcomeAndSendsNothing) {
  Shard s;
  const OrderReply first = s.ask(s.order("A"));
  const OrderReply again = s.ask(s.order("A"));
  EXPECT_TRUE(again.duplicate);
  EXPECT_TRUE(again.accepted);
  EXPECT_EQ(again.order, first.order);
  EXPECT_EQ(s.said.delivered.size(), 1u);
  // Another account may use the same id.
  EXPECT_FALSE(s.ask(s.order("A", Side::kBuy, 100, 100, "M2")).duplicate);
}

TEST(Shard, SameIdWithOtherContentIsRefused) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.said.delivered[0], K::kAccepted));
  const std::size_t entries = s.log.size();
  for (const auto& body : std::initializer_list<decltype(OrderRequest::body)>{
           s.order("A", Side::kSell), s.order("A", Side::kBuy, 99),
           s.order("A", Side::kBuy, 100, 99), s.cancel("A", "A"), s.replace("A", "A", 10),
           MassCancel{"M1", "A", {}, {}}})
    EXPECT_EQ(s.ask(body).reason, Reason::kDuplicateClientOrderId);
  EXPECT_EQ(s.log.size(), entries);
}

TEST(Shard, CancelsReplacesAndMassCancelsAreIdempotentToo) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.last_sent(), K::kAccepted));
  EXPECT_TRUE(s.ask(s.replace("R", "A", 50)).accepted);
  EXPECT_TRUE(s.ask(s.replace("R", "A", 50)).duplicate);
  EXPECT_EQ(s.ask(s.replace("R", "A", 60)).reason, Reason::kDuplicateClientOrderId);
  s.hear(s.from(s.last_sent(), K::kReplaced));
  EXPECT_TRUE(s.ask(s.cancel("C", "A")).accepted);
  EXPECT_TRUE(s.ask(s.cancel("C", "A")).duplicate);
  EXPECT_EQ(s.ask(s.cancel("C", "X")).reason, Reason::kDuplicateClientOrderId);
  s.ask(s.order("B"));
  const OrderReply mass = s.ask(MassCancel{"M1", "M", {}, {}});
  EXPECT_TRUE(mass.accepted);
  EXPECT_EQ(mass.affected, 2u) << "one routed now, one was on its way";
  const OrderReply again = s.ask(MassCancel{"M1", "M", {}, {}});
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.affected, 2u);
  EXPECT_EQ(s.said.delivered.size(), 5u);
  // A refusal is an outcome as well.
  EXPECT_EQ(s.ask(s.cancel("C2", "NOPE")).reason, Reason::kUnknownOrder);
  EXPECT_TRUE(s.ask(s.cancel("C2", "NOPE")).duplicate);
}

TEST(Shard, ReplaceMayBeNamedAsTheOriginalOfWhatFollows) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.last_sent(), K::kAccepted));
  s.ask(s.replace("R", "A", 50));
  s.hear(s.from(s.last_sent(), K::kReplaced));
  EXPECT_EQ(s.last_sent().wire, WireOrderId("H1-2"));
  EXPECT_TRUE(s.ask(s.cancel("C", "R")).accepted);
  EXPECT_EQ(s.last_sent().wire, WireOrderId("H1-3"));
  EXPECT_EQ(s.last_sent().original, WireOrderId("H1-2"));
  s.hear(s.from(s.last_sent(), K::kCancelled));
  EXPECT_EQ(s.state_of("A"), OrderState::kCancelled);
  const OrderView v = s.state().book.view(1, s.state().venue_names);
  EXPECT_EQ(v.client_order_id, ClientOrderId("R"));
  EXPECT_EQ(v.quantity, q(50));
}

// ---- executions once

TEST(Shard, BooksAnExecutionOnceWhicheverWayItComes) {
  Shard s;
  s.ask(s.order("A"));
  const VenueRequest sent = s.last_sent();
  VenueReport fill = s.fill(sent, 40);
  s.hear(fill);
  fill.drop_copy = true;
  s.hear(fill);
  fill.order = {};  // a drop copy that only knows the venue's words
  s.hear(fill);
  EXPECT_EQ(s.record("A").facts.cumulative, q(40));
  EXPECT_EQ(s.state().counters.duplicate_reports, 2u);
  fill.trade_date += 1;  // the next day the venue counts from the start again
  s.hear(fill);
  EXPECT_EQ(s.record("A").facts.cumulative, q(80));
}

TEST(Shard, TakesEachItemOfAVenueOnce) {
  Shard s;
  s.ask(s.order("A"));
  VenueReport report = s.from(s.last_sent(), K::kCancelRejected);
  report.exec_id = {};
  s.hear(s.from(s.last_sent(), K::kAccepted));
  const std::size_t entries = s.log.size();
  s.deliver(report, 1);  // at the cursor
  s.deliver(report, 3);  // beyond it: something is missing
  s.seal();
  s.commit();
  EXPECT_EQ(s.log.size(), entries);
  EXPECT_EQ(s.said.acknowledged.back().cursor.value, 1u);
  ASSERT_EQ(s.said.resyncs.size(), 1u);
  EXPECT_EQ(s.said.resyncs[0].cursor.value, 1u);
  s.deliver(s.fill(s.last_sent(), 1), 2, 7);  // a new leader
  s.deliver(s.fill(s.last_sent(), 1), 3, 6);  // the old one still talks
  EXPECT_EQ(s.record("A").facts.cumulative, q(1));
}

TEST(Shard, CountsReportsOfNoOrder) {
  Shard s;
  s.ask(s.order("A"));
  VenueReport r = s.fill(s.last_sent(), 10);
  r.order = {77};
  s.hear(r);
  r.order = {};
  r.wire = "GARBAGE";
  s.hear(r);
  EXPECT_EQ(s.state().counters.orphan_reports, 2u);
  EXPECT_EQ(s.said.acknowledged.back().cursor.value, 2u);
}

// ---- races

TEST(Shard, CancelBehindAReplaceGoesOutWithItsAnswer) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.last_sent(), K::kAccepted));
  s.ask(s.replace("R", "A", 50));
  const VenueRequest replace = s.last_sent();
  EXPECT_TRUE(s.ask(s.cancel("C", "A")).accepted);
  EXPECT_EQ(s.said.delivered.size(), 2u) << "the cancel waits";
  EXPECT_EQ(s.ask(s.cancel("C2", "A")).reason, Reason::kPendingRequest);
  s.hear(s.from(replace, K::kReplaced));
  EXPECT_EQ(s.said.delivered.size(), 3u);
  EXPECT_EQ(s.last_sent().kind, VenueRequestKind::kCancel);
  EXPECT_EQ(s.last_sent().original, replace.wire);
  EXPECT_EQ(s.state_of("A"), OrderState::kPendingCancel);
}

TEST(Shard, DeferredCancelOfAnOrderThatFilledIsTooLate) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.last_sent(), K::kAccepted));
  const VenueRequest order = s.last_sent();
  s.ask(s.replace("R", "A", 50));
  const VenueRequest replace = s.last_sent();
  s.ask(s.cancel("C", "A"));
  s.hear(s.fill(order, 100));
  s.hear(s.from(replace, K::kCancelRejected));
  EXPECT_EQ(s.state_of("A"), OrderState::kFilled);
  const ExecutionReport last = s.said.reports.back();
  EXPECT_EQ(last.type, ExecType::kCancelRejected);
  EXPECT_EQ(last.reason, Reason::kTooLateToCancel);
  EXPECT_EQ(last.client_order_id, ClientOrderId("C"));
  EXPECT_EQ(s.said.delivered.size(), 2u);
  EXPECT_EQ(s.state().risk.open_orders(), 0u);
}

TEST(Shard, RefusedReplaceKeepsTheWireChainOfWhatTheVenueConfirmed) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.last_sent(), K::kAccepted));
  s.ask(s.replace("R", "A", 50));
  s.hear(s.from(s.last_sent(), K::kCancelRejected));
  EXPECT_EQ(s.state_of("A"), OrderState::kAccepted);
  s.ask(s.cancel("C", "A"));
  EXPECT_EQ(s.last_sent().wire, WireOrderId("H1-3"));
  EXPECT_EQ(s.last_sent().original, WireOrderId("H1-1"));
}

TEST(Shard, MoneyThatCannotBeTheOrdersIsToldAndNotBooked) {
  Shard s;
  s.ask(s.order("A"));
  const VenueRequest sent = s.said.delivered[0];
  s.hear(s.from(sent, K::kAccepted));
  s.hear(s.fill(sent, 10));
  auto refuse = [&, told = s.said.anomalies.size()](auto spoil) mutable {
    VenueReport report = s.fill(sent, 10);
    spoil(report);
    s.hear(report);
    ASSERT_EQ(s.said.anomalies.size(), ++told);
    EXPECT_EQ(s.said.anomalies.back().disposition, Disposition::kAnomaly);
    EXPECT_EQ(s.record("A").facts.cumulative, q(10));
  };
  refuse([](VenueReport& r) { r.symbol = "MSFT"; });
  refuse([](VenueReport& r) { r.side = Side::kSell; });
  refuse([](VenueReport& r) { r.last_quantity = {}; });
  refuse([](VenueReport& r) { r.last_quantity.units = -1; });
  refuse([](VenueReport& r) { r.last_quantity.units = INT64_MAX; });
  refuse([](VenueReport& r) { r.last_price.units = -1; });
  // A trade cancel that names no execution and no quantity.
  refuse([](VenueReport& r) {
    r.kind = K::kTradeCancel;
    r.exec_ref = "NOSUCH";
    r.last_quantity = {};
  });
  EXPECT_EQ(s.state().counters.anomalies, 7u);
  s.hear(s.fill(sent, 90));
  EXPECT_EQ(s.state_of("A"), OrderState::kFilled);
}

TEST(Shard, AFillBeyondTheOrderIsBookedAndTold) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.fill(s.said.delivered[0], 500));
  EXPECT_EQ(s.record("A").facts.cumulative, q(500));
  ASSERT_EQ(s.said.anomalies.size(), 1u);
  EXPECT_TRUE(s.said.anomalies[0].overfill);
  EXPECT_EQ(s.said.anomalies[0].amount, q(500));
}

TEST(Shard, AReportAboutNoOrderOfOursSaysWhatItWas) {
  Shard s;
  s.ask(s.order("A"));
  VenueReport stray = s.fill(s.said.delivered[0], 30);
  stray.order = {};
  stray.wire = "ZZZ";
  stray.original = {};
  s.hear(stray);
  ASSERT_EQ(s.said.anomalies.size(), 1u);
  EXPECT_EQ(s.said.anomalies[0].event, OrderEvent::kFill);
  EXPECT_EQ(s.said.anomalies[0].wire, WireOrderId("ZZZ"));
  EXPECT_EQ(s.said.anomalies[0].amount, q(30));
}

TEST(Shard, StaleCancelRejectIsAnAnomalyAndChangesNothing) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.last_sent(), K::kAccepted));
  s.ask(s.replace("R", "A", 50));
  const VenueRequest old = s.last_sent();
  s.hear(s.from(old, K::kReplaced));
  s.ask(s.cancel("C", "A"));
  s.hear(s.from(old, K::kCancelRejected));
  EXPECT_EQ(s.state_of("A"), OrderState::kPendingCancel);
  EXPECT_EQ(s.state().counters.anomalies, 1u);
}

TEST(Shard, LateFillIsBookedFlaggedAndTold) {
  Shard s;
  s.ask(s.order("A"));
  const VenueRequest sent = s.last_sent();
  s.hear(s.from(sent, K::kCancelled));
  s.hear(s.fill(sent, 30));
  EXPECT_EQ(s.state_of("A"), OrderState::kCancelled);
  EXPECT_EQ(s.record("A").facts.cumulative, q(30));
  EXPECT_TRUE(s.record("A").flagged);
  EXPECT_EQ(s.state().counters.late_fills, 1u);
  EXPECT_EQ(s.said.reports.back().type, ExecType::kTrade);
  const auto& risk = s.state().risk;
  const auto row = risk.find_exposure(risk.find_account("M1"), risk.find_symbol("AAPL"));
  EXPECT_EQ(risk.exposure(row).position, q(30).units) << "the position is real";
}

TEST(Shard, UnknownOrderIsResolvedByStatusOrProof) {
  Shard s;
  s.ask(s.order("A"));
  s.ask(s.order("B", Side::kBuy, 10, 99));
  const VenueRequest a = s.said.delivered[0], b = s.said.delivered[1];
  s.hear(s.from(a, K::kUnknown));
  s.hear(s.from(b, K::kUnknown));
  EXPECT_EQ(s.state().unknown, 2u);
  EXPECT_EQ(s.ask(s.replace("R", "A", 50)).reason, Reason::kOutcomeUnknown);
  VenueReport status = s.from(a, K::kStatus);
  status.venue_state = OrderState::kAccepted;
  s.hear(status);
  EXPECT_EQ(s.state_of("A"), OrderState::kAccepted);
  s.hear(s.from(b, K::kNotSent));
  EXPECT_EQ(s.state_of("B"), OrderState::kNotSent);
  EXPECT_EQ(s.said.reports.back().reason, Reason::kNotSentAtFailover);
  EXPECT_EQ(s.state().unknown, 0u);
  EXPECT_EQ(s.state().risk.open_orders(), 1u);
}

TEST(Shard, ReplaceThatWasNeverSentRestoresTheOrder) {
  Shard s;
  s.ask(s.order("A"));
  s.hear(s.from(s.last_sent(), K::kAccepted));
  s.ask(s.replace("R", "A", 50));
  const VenueRequest replace = s.last_sent();
  s.hear(s.from(replace, K::kUnknown));
  EXPECT_EQ(s.state_of("A"), OrderState::kUnknown);
  s.hear(s.from(replace, K::kNotSent));
  EXPECT_EQ(s.state_of("A"), OrderState::kAccepted);
  EXPECT_EQ(s.record("A").facts.quantity, q(100));
  EXPECT_EQ(s.said.reports.back().type, ExecType::kCancelRejected);
}

TEST(Shard, TradeCancelAndCorrectMoveThePositionBack) {
  Shard s;
  s.ask(s.order("A"));
  const VenueRequest sent = s.last_sent();
  const VenueReport fill = s.fill(sent, 40, 100);
  s.hear(fill);
  VenueReport correct = s.from(sent, K::kTradeCorrect);
  correct.exec_ref = fill.exec_id;
  correct.last_quantity = q(30);
  correct.last_price = p(99);
  s.hear(correct);
  EXPECT_EQ(s.record("A").facts.cumulative, q(30));
  EXPECT_EQ(s.record("A").cumulative_notional, Notional::whole(30 * 99));
  VenueReport bust = s.from(sent, K::kTradeCancel);
  bust.exec_ref = correct.exec_id;
  s.hear(bust);
  EXPECT_EQ(s.record("A").facts.cumulative, q(0));
  EXPECT_EQ(s.record("A").cumulative_notional, Notional{});
  const auto& risk = s.state().risk;
  const auto row = risk.find_exposure(risk.find_account("M1"), risk.find_symbol("AAPL"));
  EXPECT_EQ(risk.exposure(row).position, 0);
}

}  // namespace
}  // namespace holdfast::orders
