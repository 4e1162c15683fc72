// The order desk: what a counterparty is told, request by request, in FIX's terms.
#include "nodes/venue/order_desk.hpp"

#include <gtest/gtest.h>

namespace holdfast::exchange {
namespace {

// A report or refusal with its texts held, for they live only as long as the call.
struct Said {
  bool refusal = false;
  Report report;
  Refusal refused;
  std::string client_order_id, original, secondary, account, text;
};

struct Listener : DeskOutput {
  void report(const Report& r) override {
    said.push_back({false,
                    r,
                    {},
                    std::string(r.client_order_id),
                    std::string(r.original_client_order_id),
                    std::string(r.secondary_order_id),
                    std::string(r.account),
                    std::string(r.text)});
  }
  void refuse(const Refusal& r) override {
    said.push_back({true,
                    {},
                    r,
                    std::string(r.client_order_id),
                    std::string(r.original_client_order_id),
                    std::string(r.secondary_order_id),
                    std::string(r.account),
                    std::string(r.text)});
  }
  std::vector<Said> said;
};

struct DeskTest : testing::Test {
  explicit DeskTest(std::vector<std::string> symbols = {}) : desk(std::move(symbols), listener) {
    session = desk.add_session();
    other = desk.add_session();
  }
  NewOrderRequest order(const char* id, char side, int64_t price, int64_t quantity) {
    NewOrderRequest r;
    r.origin.session = session;
    r.origin.sequence = ++sequence;
    r.client_order_id = id;
    r.secondary_order_id = "client-1";
    r.account = "ACC";
    r.symbol = "AAPL";
    r.side_code = side;
    r.limit = Price::whole(price);
    r.quantity = Quantity::whole(quantity);
    return r;
  }
  CancelRequest cancel(const char* id, const char* original) {
    CancelRequest r;
    r.origin.session = session;
    r.client_order_id = id;
    r.original_client_order_id = original;
    return r;
  }
  ReplaceRequest replace(const char* id, const char* original, int64_t price, int64_t quantity) {
    ReplaceRequest r;
    r.target = cancel(id, original);
    r.limit = Price::whole(price);
    r.quantity = Quantity::whole(quantity);
    return r;
  }
  StatusRequest status(const char* id) {
    StatusRequest r;
    r.origin.session = session;
    r.client_order_id = id;
    return r;
  }
  template <typename Request>
  std::vector<Said> ask(const Request& request) {
    listener.said.clear();
    desk.handle(request);
    return listener.said;
  }
  Listener listener;
  OrderDesk desk;
  SessionIndex session = 0;
  SessionIndex other = 0;
  uint64_t sequence = 0;
};

using OrderDeskNew = DeskTest;
using OrderDeskCancel = DeskTest;
using OrderDeskReplace = DeskTest;
using OrderDeskStatus = DeskTest;
using OrderDeskDay = DeskTest;
using OrderDeskFaults = DeskTest;

struct OrderDeskListed : DeskTest {
  OrderDeskListed() : DeskTest({"AAPL", "MSFT"}) {}
};

// ---- new orders

TEST_F(OrderDeskNew, AcceptedOrderIsReportedAsNewWithWhatItCameWith) {
  const auto said = ask(order("A1", '5', 100, 10));
  ASSERT_EQ(said.size(), 1u);
  const Report& r = said[0].report;
  EXPECT_EQ(r.kind, ReportKind::kAccepted);
  EXPECT_EQ(r.exec_type, '0');
  EXPECT_EQ(r.order_status, '0');
  EXPECT_EQ(r.side_code, '5') << "sell short is echoed, not turned into sell";
  EXPECT_EQ(r.leaves, Quantity::whole(10));
  EXPECT_EQ(said[0].client_order_id, "A1");
  EXPECT_EQ(said[0].secondary, "client-1");
  EXPECT_EQ(said[0].account, "ACC");
  EXPECT_EQ(r.cause.sequence, 1u);
  EXPECT_EQ(desk.open_orders(), 1u);
}

TEST_F(OrderDeskNew, CrossingOrderIsAcknowledgedThenFilledOnBothSides) {
  ask(order("A1", '1', 100, 10));
  NewOrderRequest sell = order("B1", '2', 99, 4);
  sell.origin.session = other;
  const auto said = ask(sell);
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[0].report.order_status, '0');
  EXPECT_EQ(said[0].report.leaves, Quantity::whole(4)) << "as it stood before it traded";
  EXPECT_EQ(said[0].report.cumulative, Quantity{});
  const Report& taker = said[1].report;
  EXPECT_EQ(taker.session, other);
  EXPECT_EQ(taker.exec_type, 'F');
  EXPECT_EQ(taker.order_status, '2');
  EXPECT_EQ(taker.last_price, Price::whole(100));
  EXPECT_EQ(taker.last_quantity, Quantity::whole(4));
  EXPECT_EQ(taker.average_price, Price::whole(100));
  const Report& maker = said[2].report;
  EXPECT_EQ(maker.session, session);
  EXPECT_EQ(maker.order_status, '1');
  EXPECT_EQ(maker.leaves, Quantity::whole(6));
  EXPECT_EQ(maker.cumulative, Quantity::whole(4));
  EXPECT_EQ(maker.trade, taker.trade);
  EXPECT_NE(maker.execution, taker.execution);
  EXPECT_EQ(desk.open_orders(), 1u);
}

TEST_F(OrderDeskNew, EveryReportHasItsOwnExecution) {
  ask(order("A1", '1', 100, 10));
  ask(order("A2", '1', 100, 10));
  const auto said = ask(order("A3", '2', 100, 20));
  std::vector<uint64_t> numbers;
  for (const Said& s : said) numbers.push_back(s.report.execution);
  EXPECT_EQ(numbers, (std::vector<uint64_t>{3, 4, 5, 6, 7}));
  EXPECT_EQ(said[1].report.cumulative, Quantity::whole(10))
      << "after its own execution, not after all";
  EXPECT_EQ(said[3].report.cumulative, Quantity::whole(20));
}

TEST_F(OrderDeskNew, WhatAnImmediateOrderLeavesIsCancelledUnasked) {
  ask(order("A1", '2', 100, 4));
  NewOrderRequest ioc = order("A2", '1', 100, 10);
  ioc.time_in_force = TimeInForce::kImmediateOrCancel;
  const auto said = ask(ioc);
  ASSERT_EQ(said.size(), 4u);
  EXPECT_EQ(said[1].report.order_status, '1');
  const Report& end = said[3].report;
  EXPECT_EQ(end.kind, ReportKind::kCancelled);
  EXPECT_EQ(end.order_status, '4');
  EXPECT_EQ(end.cumulative, Quantity::whole(4));
  EXPECT_TRUE(end.leaves.zero());
  EXPECT_EQ(said[3].client_order_id, "A2");
  EXPECT_EQ(said[3].original, "") << "nobody asked for it";
  EXPECT_EQ(desk.open_orders(), 0u);
}

TEST_F(OrderDeskNew, DuplicateClientOrderIdIsRejectedInItsSessionOnly) {
  ask(order("A1", '1', 100, 10));
  const auto said = ask(order("A1", '1', 100, 10));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].report.kind, ReportKind::kDuplicate);
  EXPECT_EQ(said[0].report.order_status, '8');
  EXPECT_EQ(said[0].report.reject_reason, RejectReason::kDuplicateOrder);
  EXPECT_EQ(desk.engine().orders(), 1u);
  NewOrderRequest elsewhere = order("A1", '1', 100, 10);
  elsewhere.origin.session = other;
  EXPECT_EQ(ask(elsewhere)[0].report.kind, ReportKind::kAccepted);
}

TEST_F(OrderDeskNew, FlaggedRepeatIsToldHowTheOrderStands) {
  ask(order("A1", '1', 100, 10));
  for (const bool resend : {false, true}) {
    NewOrderRequest again = order("A1", '1', 100, 10);
    (resend ? again.origin.possible_resend : again.origin.possible_duplicate) = true;
    const auto said = ask(again);
    ASSERT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].report.kind, ReportKind::kStatus);
    EXPECT_EQ(said[0].report.order_status, '0');
    EXPECT_EQ(desk.engine().orders(), 1u);
  }
  NewOrderRequest unseen = order("A2", '1', 100, 10);
  unseen.origin.possible_duplicate = true;
  EXPECT_EQ(ask(unseen)[0].report.kind, ReportKind::kAccepted)
      << "a repeat of what never arrived is new";
}

TEST_F(OrderDeskNew, AbsurdOrdersAreRejectedWithAReason) {
  const auto reason = [this](const NewOrderRequest& r) {
    const auto said = ask(r);
    EXPECT_EQ(said.size(), 1u);
    EXPECT_EQ(said[0].report.kind, ReportKind::kRejected);
    EXPECT_FALSE(said[0].text.empty());
    return said[0].report.reject_reason;
  };
  EXPECT_EQ(reason(order("Q0", '1', 100, 0)), RejectReason::kIncorrectQuantity);
  EXPECT_EQ(reason(order("Q1", '1', 100, -5)), RejectReason::kIncorrectQuantity);
  EXPECT_EQ(reason(order("P0", '1', 0, 5)), RejectReason::kUnsupportedCharacteristic);
  NewOrderRequest stop = order("S", '1', 100, 5);
  stop.unsupported = "no stop orders";
  EXPECT_EQ(reason(stop), RejectReason::kUnsupportedCharacteristic);
  EXPECT_EQ(desk.engine().orders(), 0u);
}

TEST_F(OrderDeskNew, LargestQuantitiesAndPricesDoNotOverflow) {
  NewOrderRequest buy = order("A1", '1', 1, 1);
  buy.quantity = Quantity::from_units(INT64_MAX);
  buy.limit = Price::from_units(INT64_MAX);
  NewOrderRequest sell = buy;
  sell.client_order_id = "A2";
  sell.side_code = '2';
  ask(buy);
  const auto said = ask(sell);
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[1].report.average_price, Price::from_units(INT64_MAX));
}

TEST_F(OrderDeskListed, OnlyListedSymbolsTrade) {
  NewOrderRequest r = order("A1", '1', 100, 10);
  r.symbol = "IBM";
  EXPECT_EQ(ask(r)[0].report.reject_reason, RejectReason::kUnknownSymbol);
  EXPECT_FALSE(desk.set_halted("IBM", true));
  EXPECT_EQ(ask(order("A2", '1', 100, 10))[0].report.kind, ReportKind::kAccepted);
}

TEST_F(OrderDeskNew, HaltedSymbolTakesCancelsOnly) {
  ask(order("A1", '1', 100, 10));
  ask(order("A2", '1', 100, 10));
  ASSERT_TRUE(desk.set_halted("AAPL", true));
  EXPECT_EQ(desk.halted_symbols(), std::vector<std::string>{"AAPL"});
  EXPECT_EQ(ask(order("A3", '1', 100, 10))[0].report.reject_reason, RejectReason::kExchangeClosed);
  EXPECT_EQ(ask(replace("A4", "A1", 101, 10))[0].refused.reason, RefusalReason::kBrokerOption);
  EXPECT_EQ(ask(cancel("A5", "A1"))[0].report.kind, ReportKind::kCancelled);
  ASSERT_TRUE(desk.set_halted("AAPL", false));
  EXPECT_EQ(ask(replace("A6", "A2", 101, 10))[0].report.kind, ReportKind::kReplaced);
}

// ---- cancel

TEST_F(OrderDeskCancel, ConfirmedUnderTheRequestsIdAndTheOrders) {
  ask(order("A1", '1', 100, 10));
  const auto said = ask(cancel("A2", "A1"));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].report.exec_type, '4');
  EXPECT_EQ(said[0].report.order_status, '4');
  EXPECT_EQ(said[0].client_order_id, "A2");
  EXPECT_EQ(said[0].original, "A1");
  EXPECT_EQ(said[0].secondary, "client-1");
  EXPECT_TRUE(said[0].report.leaves.zero());
  EXPECT_EQ(desk.open_orders(), 0u);
}

TEST_F(OrderDeskCancel, RefusedWhenTooLateUnknownForeignOrUsedBefore) {
  ask(order("A1", '1', 100, 10));
  ask(order("A2", '2', 100, 10));
  auto said = ask(cancel("C1", "A1"));
  ASSERT_TRUE(said[0].refusal);
  EXPECT_EQ(said[0].refused.reason, RefusalReason::kTooLate);
  EXPECT_EQ(said[0].refused.order_status, '2') << "it was filled";
  EXPECT_FALSE(said[0].refused.of_replace);

  said = ask(cancel("C2", "never"));
  EXPECT_EQ(said[0].refused.reason, RefusalReason::kUnknownOrder);
  EXPECT_EQ(said[0].refused.order, 0u);
  EXPECT_EQ(said[0].refused.order_status, '8');

  ask(order("A3", '1', 90, 10));
  CancelRequest foreign = cancel("C3", "A3");
  foreign.origin.session = other;
  EXPECT_EQ(ask(foreign)[0].refused.reason, RefusalReason::kUnknownOrder);
  EXPECT_EQ(ask(cancel("A1", "A3"))[0].refused.reason, RefusalReason::kDuplicateClientOrderId);
  EXPECT_EQ(desk.open_orders(), 1u);
}

TEST_F(OrderDeskCancel, SymbolAndSideMustBeTheOrdersWhenGiven) {
  ask(order("A1", '1', 100, 10));
  CancelRequest wrong = cancel("C1", "A1");
  wrong.symbol = "MSFT";
  EXPECT_EQ(ask(wrong)[0].refused.reason, RefusalReason::kOther);
  wrong = cancel("C2", "A1");
  wrong.side_code = '2';
  EXPECT_EQ(ask(wrong)[0].refused.reason, RefusalReason::kOther);
  CancelRequest right = cancel("C3", "A1");
  right.symbol = "AAPL";
  right.side_code = '1';
  EXPECT_EQ(ask(right)[0].report.kind, ReportKind::kCancelled);
}

// ---- replace

TEST_F(OrderDeskReplace, ConfirmedThenTradesAtItsNewPrice) {
  ask(order("A1", '1', 100, 10));
  ask(order("S1", '2', 105, 4));
  const auto said = ask(replace("A2", "A1", 105, 12));
  ASSERT_EQ(said.size(), 3u);
  EXPECT_EQ(said[0].report.exec_type, '5');
  EXPECT_EQ(said[0].report.order_status, '0') << "not yet traded";
  EXPECT_EQ(said[0].client_order_id, "A2");
  EXPECT_EQ(said[0].original, "A1");
  EXPECT_EQ(said[0].report.total, Quantity::whole(12));
  EXPECT_EQ(said[0].report.leaves, Quantity::whole(12));
  EXPECT_EQ(said[1].report.order_status, '1');
  EXPECT_EQ(said[1].client_order_id, "A2");
  EXPECT_EQ(said[1].report.leaves, Quantity::whole(8));
}

TEST_F(OrderDeskReplace, ChainGoesOnFromTheLastAcceptedId) {
  ask(order("A1", '1', 100, 10));
  ask(replace("A2", "A1", 101, 10));
  EXPECT_EQ(ask(cancel("A3", "A1"))[0].refused.reason, RefusalReason::kUnknownOrder);
  EXPECT_EQ(ask(replace("A4", "A2", 102, 10))[0].report.kind, ReportKind::kReplaced);
  EXPECT_EQ(ask(cancel("A5", "A4"))[0].report.kind, ReportKind::kCancelled);
}

TEST_F(OrderDeskReplace, DownToWhatIsExecutedFillsTheOrder) {
  ask(order("A1", '1', 100, 10));
  ask(order("S1", '2', 100, 7));
  const auto said = ask(replace("A2", "A1", 100, 5));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].report.exec_type, '5');
  EXPECT_EQ(said[0].report.order_status, '2');
  EXPECT_EQ(said[0].report.total, Quantity::whole(7));
  EXPECT_EQ(said[0].report.cumulative, Quantity::whole(7));
  EXPECT_TRUE(said[0].report.leaves.zero());
  EXPECT_EQ(desk.open_orders(), 0u);
}

TEST_F(OrderDeskReplace, RefusedReplaceChangesNothing) {
  ask(order("A1", '1', 100, 10));
  ReplaceRequest market = replace("A2", "A1", 100, 10);
  market.type = OrderType::kMarket;
  EXPECT_TRUE(ask(market)[0].refused.of_replace);
  EXPECT_EQ(ask(replace("A3", "A1", 0, 10))[0].refused.reason, RefusalReason::kBrokerOption);
  EXPECT_EQ(ask(replace("A4", "A1", 100, 0))[0].refused.reason, RefusalReason::kBrokerOption);
  EXPECT_EQ(ask(replace("A5", "never", 100, 5))[0].refused.reason, RefusalReason::kUnknownOrder);
  const auto said = ask(status("A1"));
  EXPECT_EQ(said[0].report.total, Quantity::whole(10));
  EXPECT_EQ(said[0].report.limit, Price::whole(100));
}

// ---- status

TEST_F(OrderDeskStatus, KnownOrderIsDescribedUnderTheAskedId) {
  ask(order("A1", '1', 100, 10));
  ask(order("S1", '2', 100, 4));
  auto said = ask(status("A1"));
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].report.exec_type, 'I');
  EXPECT_EQ(said[0].report.order_status, '1');
  EXPECT_EQ(said[0].report.cumulative, Quantity::whole(4));
  ask(replace("A2", "A1", 101, 10));
  said = ask(status("A1"));
  EXPECT_EQ(said[0].client_order_id, "A1");
  EXPECT_EQ(said[0].report.limit, Price::whole(101));
  EXPECT_EQ(said[0].text, "ClOrdID is now A2");
}

TEST_F(OrderDeskStatus, UnknownOrderIsSaidToBeUnknown) {
  StatusRequest request = status("never");
  request.request_id = "R7";
  const auto said = ask(request);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].report.exec_type, 'I');
  EXPECT_EQ(said[0].report.order_status, '8');
  EXPECT_EQ(said[0].report.reject_reason, RejectReason::kUnknownOrder);
  EXPECT_EQ(said[0].client_order_id, "never");
  EXPECT_EQ(said[0].report.order, 0u);
}

TEST_F(OrderDeskStatus, RejectedOrderIsNotUnknown) {
  ask(order("Q0", '1', 100, 0));
  const auto said = ask(status("Q0"));
  EXPECT_EQ(said[0].report.order_status, '8');
  EXPECT_EQ(said[0].report.reject_reason, RejectReason::kOther);
}

TEST_F(OrderDeskStatus, MassStatusListsTheSessionsOpenOrders) {
  MassStatusRequest all;
  all.origin.session = session;
  all.request_id = "M1";
  EXPECT_EQ(ask(all).size(), 1u) << "one report says that there are none";
  EXPECT_EQ(listener.said[0].report.mass_total, 0u);
  EXPECT_EQ(listener.said[0].report.order_status, '8');
  ask(order("A1", '1', 90, 10));
  ask(order("A2", '1', 91, 10));
  ask(cancel("C", "A1"));
  NewOrderRequest elsewhere = order("A3", '1', 92, 10);
  elsewhere.symbol = "MSFT";
  ask(elsewhere);
  const auto said = ask(all);
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].client_order_id, "A2");
  EXPECT_EQ(said[0].report.mass_total, 2u);
  EXPECT_FALSE(said[0].report.mass_last);
  EXPECT_TRUE(said[1].report.mass_last);
  all.symbol = "MSFT";
  EXPECT_EQ(ask(all)[0].client_order_id, "A3");
}

// ---- the day, and faults

TEST_F(OrderDeskDay, DisconnectCancelsDayOrdersOfThatSessionOnly) {
  ask(order("A1", '1', 90, 10));
  NewOrderRequest gtc = order("A2", '1', 91, 10);
  gtc.time_in_force = TimeInForce::kGoodTillCancel;
  ask(gtc);
  NewOrderRequest elsewhere = order("B1", '1', 92, 10);
  elsewhere.origin.session = other;
  ask(elsewhere);
  listener.said.clear();
  EXPECT_EQ(desk.cancel_day_orders(session, "cancelled on disconnect"), 1u);
  ASSERT_EQ(listener.said.size(), 1u);
  EXPECT_EQ(listener.said[0].client_order_id, "A1");
  EXPECT_EQ(listener.said[0].report.kind, ReportKind::kCancelled);
  EXPECT_EQ(listener.said[0].text, "cancelled on disconnect");
  EXPECT_EQ(desk.open_orders(), 2u);
}

TEST_F(OrderDeskDay, EndOfDayExpiresDayOrdersAndFreesTheirIds) {
  ask(order("A1", '1', 90, 10));
  NewOrderRequest gtc = order("A2", '1', 91, 10);
  gtc.time_in_force = TimeInForce::kGoodTillCancel;
  ask(gtc);
  listener.said.clear();
  EXPECT_EQ(desk.end_day(), 1u);
  ASSERT_EQ(listener.said.size(), 1u);
  EXPECT_EQ(listener.said[0].report.exec_type, 'C');
  EXPECT_EQ(listener.said[0].report.order_status, 'C');
  EXPECT_EQ(ask(order("A1", '1', 90, 10))[0].report.kind, ReportKind::kAccepted);
  EXPECT_EQ(ask(order("A2", '1', 90, 10))[0].report.kind, ReportKind::kDuplicate)
      << "its GTC order lives";
}

TEST_F(OrderDeskFaults, RejectNextAndEveryCountOrders) {
  desk.faults().reject_next = 2;
  EXPECT_EQ(ask(order("A1", '1', 90, 10))[0].report.kind, ReportKind::kRejected);
  EXPECT_EQ(ask(order("A2", '1', 90, 10))[0].report.kind, ReportKind::kRejected);
  EXPECT_EQ(ask(order("A3", '1', 90, 10))[0].report.kind, ReportKind::kAccepted);
  desk.faults().reject_every = 2;
  EXPECT_EQ(ask(order("A4", '1', 90, 10))[0].report.kind, ReportKind::kRejected);
  EXPECT_EQ(ask(order("A5", '1', 90, 10))[0].report.kind, ReportKind::kAccepted);
  EXPECT_EQ(ask(order("A6", '1', 90, 10))[0].report.kind, ReportKind::kRejected);
}

TEST_F(OrderDeskFaults, CarelessVenueTakesAClientOrderIdTwice) {
  desk.faults().accept_duplicates = true;
  ask(order("A1", '1', 90, 10));
  EXPECT_EQ(ask(order("A1", '1', 90, 10))[0].report.kind, ReportKind::kAccepted);
  EXPECT_EQ(desk.engine().orders(), 2u);
}

}  // namespace
}  // namespace holdfast::exchange
