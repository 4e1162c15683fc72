// The shard's bounds and views: kills and mass cancels, loading, outboxes, history, reports.
#include "tests/unit/orders/shard_fixture.hpp"

namespace holdfast::orders {
namespace {

using testing::kVenueGroup;
using testing::q;
using testing::Shard;
using K = VenueReportKind;

// ---- kills and mass cancels

TEST(Shard, KillBlocksNewOrdersAndCancelsOpenOnes) {
  Shard s;
  s.ask(s.order("A"));
  s.ask(s.order("B", Side::kBuy, 10, 99, "M2"));
  s.ask(s.order("C", Side::kBuy, 10, 98));
  s.hear(s.from(s.said.delivered[2], K::kAccepted));
  s.ask(s.replace("R", "C", 5, 98));
  s.said = {};
  SetKill kill;
  kill.ticket = 5;
  kill.kill.scope = KillScope::kAccount;
  kill.kill.name = "M1";
  s.run(kill);
  ASSERT_EQ(s.said.answers.size(), 1u);
  const auto done = std::get<ShardCommandDone>(s.said.answers[0].answer);
  EXPECT_TRUE(done.ok);
  EXPECT_EQ(done.orders, 2u);
  EXPECT_EQ(done.cancelled, 1u);
  EXPECT_EQ(done.pending, 1u) << "the cancel of C waits for its replace";
  ASSERT_EQ(s.said.delivered.size(), 1u);
  EXPECT_EQ(s.said.delivered[0].kind, VenueRequestKind::kCancel);
  EXPECT_EQ(s.state_of("A"), OrderState::kPendingCancel);
  EXPECT_EQ(s.state_of("B", "M2"), OrderState::kRouted);
  EXPECT_EQ(s.ask(s.order("D")).reason, Reason::kKilled);
  EXPECT_TRUE(s.ask(s.order("E", Side::kBuy, 10, 97, "M2")).accepted);
  kill.kill.mode = KillMode::kNone;
  s.run(kill);
  EXPECT_TRUE(s.ask(s.order("F")).accepted);
}

TEST(Shard, KillByAlgoDeskAndFirmHitWhatTheyName) {
  for (const auto& [scope, name, hits] :
       std::initializer_list<std::tuple<KillScope, const char*, bool>>{
           {KillScope::kAlgo, "algo1", true},
           {KillScope::kAlgo, "algo2", false},
           {KillScope::kDesk, "desk1", true},
           {KillScope::kDesk, "desk2", false},
           {KillScope::kFirm, "", true}}) {
    Shard s;
    s.ask(s.order("A"));
    SetKill kill;
    kill.kill.scope = scope;
    kill.kill.name = name;
    s.run(kill);
    EXPECT_EQ(s.state_of("A") == OrderState::kPendingCancel, hits) << name_of(scope) << name;
  }
}

TEST(Shard, CancelsAllOpenOrdersAndLeavesKillsAsTheyAre) {
  Shard s;
  s.ask(s.order("A"));
  s.ask(s.order("B", Side::kBuy, 10, 99, "M2"));
  s.said = {};
  s.run(CancelOpenOrders{3});
  ASSERT_EQ(s.said.answers.size(), 1u);
  EXPECT_EQ(std::get<ShardCommandDone>(s.said.answers[0].answer).cancelled, 2u);
  EXPECT_EQ(s.state_of("B", "M2"), OrderState::kPendingCancel);
  EXPECT_TRUE(s.ask(s.order("C")).accepted) << "nothing is killed";
  SetKill kill;
  s.run(kill);
  s.run(CancelOpenOrders{4});
  EXPECT_EQ(s.ask(s.order("D")).reason, Reason::kKilled) << "nor is a kill ended";
}

TEST(Shard, LargeSweepGoesOnInStepsAndAnswersAtItsEnd) {
  Shard s;
  const int orders = ShardCore::kSweepStep * 2 + 10;
  for (int i = 0; i < orders; ++i)
    s.ask(s.order(("A" + std::to_string(i)).c_str(), Side::kBuy, 1, 90));
  s.said = {};
  const OrderRequest request = s.request(MassCancel{"M1", "M", "AAPL", {}});
  s.run(Submit{&request, &s.venues()});
  EXPECT_TRUE(s.said.replies.empty()) << "not before the last cancel is routed";
  EXPECT_EQ(s.said.delivered.size(), ShardCore::kSweepStep);
  s.tick_until_idle();
  ASSERT_EQ(s.said.replies.size(), 1u);
  EXPECT_EQ(s.said.replies[0].affected, static_cast<uint32_t>(orders));
  EXPECT_EQ(s.said.delivered.size(), static_cast<std::size_t>(orders));
}

// ---- loading

TEST(Shard, RefusesLimitsThatGoBackAndReferenceDataThatIsWrong) {
  Shard s;
  s.run(ChangeRisk{1, risk::LimitsLoaded{testing::generous_limits(5)}});
  s.run(ChangeRisk{2, risk::LimitsLoaded{testing::generous_limits(4)}});
  LoadReferenceData wrong;
  wrong.ticket = 3;
  auto data = std::make_shared<ReferenceData>(*testing::reference_data());
  data->instruments[0].venues = {"NOPE"};
  wrong.data = data;
  s.run(wrong);
  ASSERT_EQ(s.said.answers.size(), 3u);
  EXPECT_TRUE(std::get<ShardCommandDone>(s.said.answers[0].answer).ok);
  for (const int i : {1, 2}) {
    EXPECT_FALSE(std::get<ShardCommandDone>(s.said.answers[i].answer).ok);
    EXPECT_FALSE(std::get<ShardCommandDone>(s.said.answers[i].answer).text.empty());
  }
  EXPECT_EQ(s.state().risk.limits_version().value, 5u);
  EXPECT_TRUE(s.ask(s.order("A")).accepted);
}

// ---- outbox

TEST(Shard, PrunesTheOutboxOnlyByTheVenuesCursor) {
  Shard s;
  for (const char* id : {"A", "B", "C"}) s.ask(s.order(id, Side::kBuy, 1, 100));
  EXPECT_EQ(s.state().links[0].outbox.size(), 3u);
  s.run(TakeAcknowledgement{kVenueGroup, {2}});
  EXPECT_EQ(s.state().links[0].outbox.size(), 1u);
  const std::size_t entries = s.log.size();
  s.run(TakeAcknowledgement{kVenueGroup, {1}});   // old news
  s.run(TakeAcknowledgement{kVenueGroup, {99}});  // never pushed
  EXPECT_EQ(s.log.size(), entries);
  std::vector<ShardEffect> outstanding;
  ShardCore::outstanding(s.state(), outstanding);
  ASSERT_EQ(outstanding.size(), 2u);
  EXPECT_EQ(std::get<DeliverEffect>(outstanding[1]).sequence.value, 3u);
}

TEST(Shard, RefusesOrdersAboveWhatTheVenueMayHaveInFlight) {
  Shard s;
  auto data = std::make_shared<ReferenceData>(*testing::reference_data());
  data->venues[0].in_flight_max = 2;
  LoadReferenceData load;
  load.version = 2;
  load.data = data;
  s.run(load);
  s.venues().load(*data);
  EXPECT_TRUE(s.ask(s.order("A")).accepted);
  const VenueRequest first = s.last_sent();
  EXPECT_TRUE(s.ask(s.order("B")).accepted);
  EXPECT_EQ(s.ask(s.order("C")).reason, Reason::kVenueInFlightLimit);
  EXPECT_TRUE(s.ask(s.cancel("X", "A")).accepted) << "cancels always go";
  s.hear(s.from(first, K::kAccepted));
  EXPECT_TRUE(s.ask(s.order("D")).accepted);
}

TEST(Shard, KeepsRoomInAFullOutboxForCancels) {
  Shard s;
  constexpr std::size_t kForOrders = limits::kOutboxItemsMax / 8 * 7;
  refresh(s.venues(), s.state());
  for (std::size_t i = 0; i < kForOrders; ++i) {
    const OrderRequest r = s.request(s.order(("A" + std::to_string(i)).c_str(), Side::kBuy, 1, 90,
                                             i % 3 == 0   ? "M1"
                                             : i % 3 == 1 ? "M2"
                                                          : "T1"));
    s.decide(Submit{&r, &s.venues()});
    if (i % 500 == 0) s.seal();
  }
  s.seal();
  s.commit();
  ASSERT_EQ(s.state().links[0].outbox.size(), kForOrders);
  const OrderReply full = s.ask(s.order("FULL"));
  EXPECT_EQ(full.reason, Reason::kFull);
  EXPECT_TRUE(s.ask(s.cancel("C", "A0")).accepted);
  s.run(TakeAcknowledgement{kVenueGroup, {100}});
  EXPECT_TRUE(s.ask(s.order("FITS")).accepted);
}

TEST(Shard, RefusesReferenceDataBeyondAJournalEntry) {
  Shard s;
  auto data = std::make_shared<ReferenceData>();
  for (uint32_t v = 0; v < limits::kVenuesMax; ++v) {
    VenueEntry venue;
    venue.name = VenueName("V" + std::to_string(v));
    venue.group = {2'000 + v};
    data->venues.push_back(venue);
  }
  for (std::size_t i = 0; i < limits::kSymbolsMax; ++i) {
    Instrument instrument = testing::reference_data()->instruments[0];
    instrument.symbol = Symbol("S" + std::to_string(i));
    instrument.venues.clear();
    for (const VenueEntry& venue : data->venues) instrument.venues.push_back(venue.name);
    data->instruments.push_back(instrument);
  }
  LoadReferenceData load;
  load.version = 2;
  load.data = data;
  s.run(load);
  EXPECT_FALSE(std::get<ShardCommandDone>(s.said.answers.back().answer).ok);
}

// ---- history and reports

TEST(Shard, ShowsTheWholeHistoryOfAnOrder) {
  Shard s;
  s.ask(s.order("A"));
  const VenueRequest sent = s.last_sent();
  s.hear(s.from(sent, K::kAccepted));
  s.hear(s.fill(sent, 10));
  s.ask(s.cancel("C", "A"));
  s.hear(s.from(s.last_sent(), K::kCancelled));
  OrderHistoryQuery query;
  query.account = "M1";
  query.client_order_id = "C";
  s.run(Ask{query, 3});
  const auto history = std::get<std::shared_ptr<OrderHistory>>(s.said.answers.back().answer);
  ASSERT_TRUE(history->found);
  std::vector<OrderEvent> events;
  for (const OrderStep& step : history->steps) events.push_back(step.event);
  EXPECT_EQ(events,
            (std::vector<OrderEvent>{OrderEvent::kValidate, OrderEvent::kApprove,
                                     OrderEvent::kRoute, OrderEvent::kAccept, OrderEvent::kFill,
                                     OrderEvent::kRequestCancel, OrderEvent::kCancel}));
  EXPECT_EQ(history->steps[5].client_order_id, ClientOrderId("C"));
  for (std::size_t i = 1; i < history->steps.size(); ++i) {
    EXPECT_EQ(history->steps[i].from, history->steps[i - 1].to);
  }
  EXPECT_EQ(history->wire_ids.size(), 2u);
}

TEST(Shard, HistoryIsBoundedAndKeepsTheNewestStep) {
  Shard s;
  s.ask(s.order("A", Side::kBuy, 1'000));
  const VenueRequest sent = s.last_sent();
  for (int i = 0; i < 100; ++i) s.hear(s.fill(sent, 1));
  s.hear(s.from(sent, K::kCancelled));
  std::vector<OrderStep> steps;
  s.state().book.steps(1, steps);
  EXPECT_EQ(steps.size(), 3u + OrderBookOfRecord::kStepsMax);
  EXPECT_EQ(steps.back().to, OrderState::kCancelled);
  EXPECT_EQ(s.record("A").history_dropped, 101 - OrderBookOfRecord::kStepsMax);
}

TEST(Shard, SubscriberCatchesUpInPagesWithoutGaps) {
  Shard s;
  s.ask(s.order("A", Side::kBuy, 1'000));
  for (int i = 0; i < 25; ++i) s.hear(s.fill(s.last_sent(), 1));
  ReportSeq from{3};
  std::vector<uint64_t> seen;
  for (bool done = false; !done;) {
    ReadReports read;
    read.account = "M1";
    read.from = from;
    read.max = 10;
    s.run(Ask{read, 1});
    const auto page = std::get<std::shared_ptr<ReportsPage>>(s.said.answers.back().answer);
    for (const auto& r : page->reports) seen.push_back(r.sequence.value);
    from = page->next;
    done = page->caught_up;
  }
  ASSERT_EQ(seen.size(), 23u);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(seen[i], i + 3);
}

TEST(ReportStream, KeepsTheNewestAndItsNumbers) {
  ReportStream stream;
  ReportRecord r;
  const uint64_t total = limits::kReportsKeptPerAccount + 1'000;
  for (uint64_t i = 1; i <= total; ++i) {
    r.order = static_cast<Ref>(i);
    stream.push(r, i % 100 == 0 ? ReasonText("why") : ReasonText());
  }
  EXPECT_EQ(stream.last().value, total);
  EXPECT_EQ(stream.first_kept().value, 1'001u);
  EXPECT_EQ(stream.at(stream.first_kept()).order, 1'001u);
  EXPECT_EQ(stream.at(stream.last()).order, total);
  EXPECT_EQ(stream.texts().begin()->first, 1'100u);
}

TEST(Book, FindsOpenOrdersByPage) {
  Shard s;
  for (int i = 0; i < 30; ++i)
    s.ask(s.order(("A" + std::to_string(i)).c_str(), Side::kBuy, 1, 90, i % 2 ? "M1" : "M2"));
  OrdersQuery query;
  query.open_only = true;
  query.limit = 4;
  for (const char* account : {"M1", ""}) {
    query.account = account;
    query.after = {};
    std::size_t seen = 0;
    for (bool more = true; more;) {
      s.run(Ask{query, 1});
      const auto page = std::get<std::shared_ptr<OrdersPage>>(s.said.answers.back().answer);
      seen += page->orders.size();
      query.after = page->scanned;
      more = page->more;
    }
    EXPECT_EQ(seen, *account ? 15u : 30u);
  }
}

TEST(WireId, RoundTripsAndRefusesWhatIsNotOurs) {
  for (const uint64_t order : {uint64_t{1}, uint64_t{255} << 48 | 16'777'216, uint64_t{35}}) {
    const WireOrderId wire = wire_id({order}, 65'535);
    const auto parts = parse_wire_id(wire);
    ASSERT_TRUE(parts);
    EXPECT_EQ(parts->order.value, order);
    EXPECT_EQ(parts->request, 65'535);
  }
  for (const char* bad : {"", "H", "H-1", "H1-", "H1-0", "X1-1", "H1-99999", "H!-1", "H1-1x"})
    EXPECT_FALSE(parse_wire_id(WireOrderId(bad))) << bad;
}

TEST(FlatIndex, FindsEverythingAsItGrows) {
  FlatIndex index;
  const auto hash = [](uint32_t i) { return i * 0x9E3779B97F4A7C15ull; };
  for (uint32_t i = 1; i <= 100'000; ++i) index.insert(hash(i), i);
  for (uint32_t i = 1; i <= 100'000; ++i)
    ASSERT_EQ(index.find(hash(i), [&](uint32_t ref) { return ref == i; }), i);
  EXPECT_EQ(index.find(hash(100'001), [](uint32_t) { return true; }), 0u);
}

}  // namespace
}  // namespace holdfast::orders
