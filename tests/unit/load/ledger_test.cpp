#include <gtest/gtest.h>

#include "nodes/load/ledger.hpp"

namespace holdfast::load {
namespace {

struct Told {
  Ledger ledger;
  std::vector<VenueFact> record;
  uint64_t sequence = 0;

  void send(const char* id, int64_t shares = 100) {
    NewOrder order;
    order.account = "M1";
    order.client_order_id = id;
    order.quantity = Quantity::whole(shares);
    ledger.sent(order);
  }
  void accept(const char* id) {
    OrderReply reply;
    reply.accepted = true;
    reply.state = OrderState::kRouted;
    ledger.replied("M1", id, reply);
  }
  void refuse(const char* id, Reason reason) {
    OrderReply reply;
    reply.reason = reason;
    reply.state = OrderState::kBlocked;
    ledger.replied("M1", id, reply);
  }
  void report(const char* id, ExecType type, OrderState state, int64_t cumulative,
              const char* exec = "") {
    ExecutionReport report;
    report.account = "M1";
    report.sequence = {++sequence};
    report.client_order_id = id;
    report.type = type;
    report.state = state;
    report.quantity = Quantity::whole(100);
    report.cumulative_quantity = Quantity::whole(cumulative);
    report.exec_id = exec;
    ledger.reported(report);
  }
  void venue(const char* type, const char* id, int64_t cumulative = 0, const char* exec = "",
             const char* wire = nullptr) {
    VenueFact fact;
    fact.type = type;
    fact.session = "S";
    fact.clordid = wire ? wire : std::string("W-") + id;
    fact.account = "M1";
    fact.client_order_id = id;
    fact.exec_id = exec;
    fact.quantity = Quantity::whole(100);
    fact.cumulative = Quantity::whole(cumulative);
    record.push_back(fact);
  }
  Verdict judge() const { return ledger.judge(record); }
};

TEST(Ledger, PartitionsEveryOrderByItsFinalState) {
  Told t;
  for (const char* id : {"f", "c", "e", "b", "o", "n", "u"}) t.send(id);
  for (const char* id : {"f", "c", "e", "o", "n"}) t.accept(id);
  t.refuse("b", Reason::kPriceCollar);
  t.venue("accepted", "f");
  t.venue("fill", "f", 100, "x1");
  t.report("f", ExecType::kTrade, OrderState::kFilled, 100, "x1");
  t.venue("accepted", "c");
  t.venue("cancelled", "c");
  t.report("c", ExecType::kCancelled, OrderState::kCancelled, 0);
  t.venue("accepted", "e");
  t.venue("expired", "e");
  t.report("e", ExecType::kExpired, OrderState::kExpired, 0);
  t.venue("accepted", "o");
  t.report("o", ExecType::kNew, OrderState::kAccepted, 0);
  t.report("n", ExecType::kNotSent, OrderState::kNotSent, 0);
  const auto v = t.judge();
  EXPECT_EQ(v.sent, 7u);
  EXPECT_EQ(v.filled, 1u);
  EXPECT_EQ(v.cancelled, 1u);
  EXPECT_EQ(v.expired, 1u);
  EXPECT_EQ(v.rejected, 1u);
  EXPECT_EQ(v.rejected_by_reason.at("PriceCollar"), 1u);
  EXPECT_EQ(v.open, 1u);
  EXPECT_EQ(v.not_sent, 1u);
  EXPECT_EQ(v.unknown, 1u);
  EXPECT_EQ(v.acked, 5u);
  EXPECT_EQ(v.lost + v.duplicated + v.contradicted, 0u);
  EXPECT_FALSE(v.clean());  // one is unknown
}

TEST(Ledger, AnAcknowledgedOrderTheVenueNeverHadIsLost) {
  Told t;
  t.send("a");
  t.accept("a");
  t.report("a", ExecType::kNew, OrderState::kAccepted, 0);
  EXPECT_EQ(t.judge().lost, 1u);
}

TEST(Ledger, AFillTheClientWasNotToldOfMakesItLost) {
  Told t;
  t.send("a");
  t.accept("a");
  t.report("a", ExecType::kNew, OrderState::kAccepted, 0);
  t.venue("accepted", "a");
  t.venue("fill", "a", 40, "x");
  EXPECT_EQ(t.judge().lost, 1u);
}

TEST(Ledger, ARefusedOrderThatTheVenueAcceptedIsLost) {
  Told t;
  t.send("a");
  t.refuse("a", Reason::kKilled);
  t.venue("accepted", "a");
  EXPECT_EQ(t.judge().lost, 1u);
}

TEST(Ledger, OneOrderAcceptedTwiceIsDuplicatedUnderTheSameAndUnderAnotherClOrdId) {
  for (const char* second : {"W-a", "W-other"}) {
    Told t;
    t.send("a");
    t.accept("a");
    t.report("a", ExecType::kNew, OrderState::kAccepted, 0);
    t.venue("accepted", "a");
    t.venue("accepted", "a", 0, "", second);
    EXPECT_EQ(t.judge().duplicated, 1u);
  }
}

TEST(Ledger, AClOrdIdThatTheVenueRefusedAsDuplicateCounts) {
  Told t;
  t.send("a");
  t.accept("a");
  t.report("a", ExecType::kNew, OrderState::kAccepted, 0);
  t.venue("accepted", "a");
  t.venue("duplicate_clordid", "a");
  EXPECT_EQ(t.judge().duplicated, 1u);
}

TEST(Ledger, AnExecutionBookedTwiceIsDuplicated) {
  Told t;
  t.send("a");
  t.accept("a");
  t.report("a", ExecType::kTrade, OrderState::kPartiallyFilled, 50, "x");
  t.report("a", ExecType::kTrade, OrderState::kPartiallyFilled, 50, "x");
  t.venue("accepted", "a");
  t.venue("fill", "a", 50, "x");
  EXPECT_EQ(t.judge().duplicated, 1u);
}

TEST(Ledger, ExcludingOutcomesContradict) {
  Told t;
  t.send("a");
  t.accept("a");
  t.refuse("a", Reason::kKilled);
  t.send("b");
  t.accept("b");
  t.report("b", ExecType::kRejected, OrderState::kRejected, 0);
  t.report("b", ExecType::kTrade, OrderState::kFilled, 100, "x");
  EXPECT_EQ(t.judge().contradicted, 2u);
}

TEST(Ledger, AReportSeenAgainAfterAReconnectCountsOnce) {
  Told t;
  t.send("a");
  t.accept("a");
  t.report("a", ExecType::kTrade, OrderState::kPartiallyFilled, 50, "x");
  t.sequence = 0;
  t.report("a", ExecType::kTrade, OrderState::kPartiallyFilled, 50, "x");
  t.venue("accepted", "a");
  t.venue("fill", "a", 50, "x");
  EXPECT_TRUE(t.judge().clean());
}

}  // namespace
}  // namespace holdfast::load
