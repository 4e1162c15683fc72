// What a venue does around a failover, against the real exchange: cancel on disconnect with its
// grace, a logon refused for a while, and the drop copy that goes on telling.
#include "tests/integration/gateway/gateway_node.hpp"
#include "tests/integration/venue_simulator/running_venue.hpp"

namespace holdfast::venues::testing {
namespace {

using exchange::ControlClient;
using exchange::FixClient;
using exchange::RunningVenue;
using Kind = VenueReportKind;

exchange::VenueOptions cancels_after(Duration grace) {
  exchange::VenueOptions options;
  options.exchange.cancel_on_disconnect = grace;
  return options;
}

SessionRules with_grace(Duration grace) {
  SessionRules rules;
  rules.cancel_on_disconnect = grace;
  return rules;
}

TEST(GatewayFailover, WithinTheVenuesGraceOpenOrdersSurvive) {
  const Duration grace = Duration::seconds(60);
  RunningVenue venue(cancels_after(grace));
  GatewayNode node(venue.port(), with_grace(grace));
  ASSERT_TRUE(node.wait_open());
  node.submit({order(1), order(2)});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kAccepted) == 2; }));
  node.kill();
  node.start();
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.opens == 2; }));
  const auto told = node.reconciliation();
  EXPECT_EQ(told->counters.doubted, 0u);
  EXPECT_TRUE(told->rows.empty());
  EXPECT_EQ(node.view().open_orders, 2u);
  // They are there indeed: a cancel finds its order.
  auto cancel = order(1);
  cancel.kind = VenueRequestKind::kCancel;
  cancel.original = cancel.wire;
  cancel.wire = "X1";
  node.submit({cancel});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kCancelled) == 1; }));
}

TEST(GatewayFailover, AfterTheVenuesGraceItsCancelsAreTaken) {
  const Duration grace = Duration::milliseconds(50);
  RunningVenue venue(cancels_after(grace));
  GatewayNode node(venue.port(), with_grace(grace));
  ASSERT_TRUE(node.wait_open());
  auto kept = order(3);
  kept.time_in_force = TimeInForce::kGoodTillCancel;
  node.submit({order(1), order(2), kept});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kAccepted) == 3; }));
  node.kill();
  ControlClient control(venue.control_port());
  ASSERT_TRUE(control.reaches("cancelled", 2));
  node.start();
  ASSERT_TRUE(node.book->wait([](ShardBook& b) {
    return b.opens == 2 && b.count(Kind::kCancelled) == 2 && b.count(Kind::kStatus) == 1;
  }));
  // The one that is good till cancelled was asked about, and is still there.
  EXPECT_EQ(node.book->count(Kind::kUnknown), 1u);
  const auto told = node.reconciliation();
  EXPECT_EQ(told->counters.doubted, 1u);
  EXPECT_EQ(told->counters.by_status, 1u);
  ASSERT_EQ(told->rows.size(), 1u);
  EXPECT_EQ(told->rows[0].cause, DoubtCause::kAway);
  EXPECT_EQ(told->rows[0].wire, kept.wire);
  EXPECT_EQ(told->rows[0].venue_state, OrderState::kAccepted);
  const auto view = node.view();
  EXPECT_EQ(view.open_orders, 1u);
  EXPECT_EQ(view.unknown_orders, 0u);
}

TEST(GatewayFailover, ALogonThatIsRefusedForAWhileIsRetriedAndShown) {
  exchange::VenueOptions options;
  options.faults.refuse_logons = 3;
  RunningVenue venue(options);
  GatewayNode node(venue.port());
  bool shown = false;
  while (!shown) {
    const auto view = node.view();
    if (view.state == VenueSessionState::kOpen) break;
    shown = view.logon_refused && view.logon_refusals > 0 && view.logon_refused_since.ns > 0;
  }
  EXPECT_TRUE(shown);
  ASSERT_TRUE(node.wait_open());
  const auto view = node.view();
  EXPECT_FALSE(view.logon_refused);
  EXPECT_EQ(view.logon_refusals, 0u);
  EXPECT_EQ(view.logon_refusals_total, 3u);
  node.submit({order(1)});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kAccepted) == 1; }));
}

/// Waits until the drop copy's view says so.
template <typename Condition>
bool copy_comes_to(GatewayNode& node, Condition condition) {
  const MonoTime end{wall_now().ns + Duration::seconds(20).ns};
  while (wall_now().ns < end.ns)
    if (condition(node.reconciliation()->drop_copy)) return true;
  return false;
}

TEST(GatewayFailover, TheDropCopyTellsOfAFillWhileTheSessionIsDown) {
  RunningVenue venue;
  GatewayNode node(venue.port(), {}, true);
  ASSERT_TRUE(node.wait_open());
  ASSERT_TRUE(copy_comes_to(node, [](const DropCopyView& copy) { return copy.connected; }));
  node.submit({order(1)});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kAccepted) == 1; }));
  ASSERT_TRUE(copy_comes_to(node, [](const DropCopyView& copy) { return copy.matched == 1; }))
      << "what the session told is no news";

  node.fence->cut();
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.state != VenueSessionState::kOpen; }));
  FixClient other(venue.port(), "OTHER");
  other.logon();
  other.new_order("S1", '2', "10", "100");
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kFill) == 1; }));
  EXPECT_TRUE(node.book->reports.back().drop_copy);
  EXPECT_EQ(node.reconciliation()->counters.copies_used, 1u);

  // The session tells it again when it is back: the same ExecID, so its shard takes it once.
  node.fence->lift();
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kFill) == 2; }));
  const auto& reports = node.book->reports;
  std::vector<VenueReport> fills;
  for (const auto& report : reports)
    if (report.kind == Kind::kFill) fills.push_back(report);
  EXPECT_EQ(fills[0].exec_id, fills[1].exec_id);
  EXPECT_EQ(fills[0].trade_date, fills[1].trade_date);
  EXPECT_FALSE(fills[1].drop_copy);
}

TEST(GatewayFailover, TheDropCopyGoesOnUnderASuccessor) {
  RunningVenue venue;
  GatewayNode node(venue.port(), {}, true);
  ASSERT_TRUE(node.wait_open());
  ASSERT_TRUE(copy_comes_to(node, [](const DropCopyView& copy) { return copy.connected; }));
  for (uint64_t round = 1; round <= 3; ++round) {
    node.kill();
    node.start();
    ASSERT_TRUE(node.book->wait([&](ShardBook& b) { return b.opens == round + 1; }));
    node.submit({order(round)});
    ASSERT_TRUE(node.book->wait([&](ShardBook& b) { return b.count(Kind::kAccepted) == round; }));
    ASSERT_TRUE(copy_comes_to(node, [](const DropCopyView& copy) { return copy.received >= 1; }))
        << node.reconciliation()->drop_copy.last_error;
  }
}

}  // namespace
}  // namespace holdfast::venues::testing
