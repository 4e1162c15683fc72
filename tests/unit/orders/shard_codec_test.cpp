// The journal codec: every event round-trips, damaged bytes give errors and never more, snapshots
// keep everything.
#include "actors/orders/shard/shard_capnp.hpp"

#include <limits>
#include <random>

#include "actors/orders/shard/shard_stream_capnp.hpp"
#include "tests/unit/orders/shard_fixture.hpp"

namespace holdfast::orders {
namespace {

using replication::Bytes;
using testing::p;
using testing::q;
using testing::Shard;

const ShardCodec kCodec;

NewOrder full_order() {
  NewOrder o;
  o.account = "ACCOUNT-16-BYTES";
  o.client_order_id = "client order id of 32 bytes, all";
  o.symbol = "SYMBOL-16-BYTES!";
  o.side = Side::kSell;
  o.type = OrderType::kMarket;
  o.time_in_force = TimeInForce::kFillOrKill;
  o.price = Price::from_units(INT64_MIN);
  o.quantity = Quantity::from_units(INT64_MAX);
  o.attribution = {"algo name of 32 bytes, all in us", "t", ""};
  o.trace = {UINT64_MAX};
  return o;
}

VenueReport full_report() {
  VenueReport r;
  r.kind = VenueReportKind::kTradeCorrect;
  r.order = {77};
  r.wire = "HABC-12";
  r.original = "HABC-11";
  r.venue_order_id = "venue order id";
  r.exec_id = "exec id of forty bytes, which is maximal";
  r.exec_ref = "ref";
  r.trade_date = 20261231;
  r.symbol = "AAPL";
  r.side = Side::kSell;
  r.venue_state = OrderState::kExpired;
  r.price = p(1);
  r.quantity = q(2);
  r.last_quantity = q(3);
  r.last_price = p(4);
  r.cumulative_quantity = q(5);
  r.leaves_quantity = q(6);
  r.reason = Reason::kConservation;
  r.text = "why it was so";
  r.venue_time = {123456789};
  r.possible_duplicate = true;
  r.drop_copy = true;
  return r;
}

risk::RiskDecision full_decision(bool approved) {
  risk::RiskDecision d;
  d.approved = approved;
  d.reason = approved ? Reason::kNone : Reason::kPriceCollar;
  d.limits_version = {9};
  d.time = {42};
  d.exposure_price = p(7);
  d.reference_price = p(8);
  d.outcomes[3] = {risk::PolicyResult::kPass, 5, 6};
  return d;
}

std::vector<ShardEvent> all_events() {
  const NewOrder order = full_order();
  OrderAdmitted routed;
  routed.order = order;
  routed.routed = true;
  routed.venue = 3;
  routed.decision = full_decision(true);
  OrderAdmitted blocked;
  blocked.order = order;
  blocked.reason = Reason::kPriceCollar;
  blocked.text = "price 1 beyond 2";
  blocked.decision = full_decision(false);
  OrderAdmitted refused;
  refused.order = NewOrder{};
  refused.reason = Reason::kUnknownSymbol;
  RequestAdmitted replace;
  replace.kind = RequestKind::kReplace;
  replace.account = "A";
  replace.client_order_id = "R";
  replace.original = "O";
  replace.order = 12;
  replace.outcome = RequestOutcome::kDeferred;
  replace.price = p(1);
  replace.quantity = q(2);
  replace.trace = {5};
  replace.decision = full_decision(true);
  SweepStarted kill;
  kill.is_kill = true;
  kill.kill = {KillScope::kDesk, "desk", KillMode::kReduceOnly, "op", "because"};
  SweepStarted mass;
  mass.account = "A";
  mass.client_order_id = "M";
  mass.symbol = "S";
  mass.trace = {6};
  mass.cancel_only = true;
  return {
      routed,
      blocked,
      refused,
      replace,
      ReportTaken{{1001}, {7}, {8}, full_report()},
      OutboxAcknowledged{{1001}, {99}},
      kill,
      mass,
      SweepAdvanced{512},
      ReferenceLoaded{3, 4, testing::reference_data()},
      RiskChanged{risk::LimitsLoaded{testing::generous_limits()}},
      RiskChanged{risk::ReferencePriceSet{"AAPL", risk::ReferenceSource::kLastTrade, p(5), {6}}}};
}

TEST(ShardCodec, EveryEventRoundTrips) {
  const std::vector<ShardEvent> events = all_events();
  Bytes bytes;
  kCodec.encode_events(events, bytes);
  std::vector<ShardEvent> back;
  const auto decoded = kCodec.decode_events(bytes, back);
  ASSERT_TRUE(decoded) << decoded.error().text;
  ASSERT_EQ(back.size(), events.size());
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_TRUE(back[i] == events[i]) << i;
}

TEST(ShardCodec, WhoAskedIsNotJournaled) {
  OrderAdmitted e;
  e.ticket = {{5}, 6};
  e.by_stage = true;
  Bytes bytes;
  const std::vector<ShardEvent> events{e};
  kCodec.encode_events(events, bytes);
  std::vector<ShardEvent> back;
  ASSERT_TRUE(kCodec.decode_events(bytes, back));
  EXPECT_EQ(std::get<OrderAdmitted>(back[0]).ticket, RequestTicket{});
  EXPECT_FALSE(std::get<OrderAdmitted>(back[0]).by_stage);
}

TEST(ShardCodec, UnalignedBytesAreReadAsWell) {
  Bytes bytes;
  kCodec.encode_events(all_events(), bytes);
  Bytes shifted(bytes.size() + 1);
  std::copy(bytes.begin(), bytes.end(), shifted.begin() + 1);
  std::vector<ShardEvent> back;
  EXPECT_TRUE(kCodec.decode_events(replication::ByteView(shifted).subspan(1), back));
}

TEST(ShardCodec, DamagedEventsGiveAValueOrAnError) {
  Bytes whole;
  kCodec.encode_events(all_events(), whole);
  std::mt19937_64 random(5);
  int errors = 0;
  for (int n = 0; n < 5'000; ++n) {
    Bytes bytes = whole;
    for (uint64_t flips = 1 + random() % 8; flips != 0; --flips)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    std::vector<ShardEvent> back;
    const auto decoded = kCodec.decode_events(bytes, back);
    if (decoded) continue;
    errors += 1;
    ASSERT_FALSE(decoded.error().text.empty());
  }
  EXPECT_GT(errors, 1'000);
}

TEST(ShardCodec, RefusesMoreEventsThanAnEntryMayHold) {
  std::vector<ShardEvent> events(limits::kEventsPerEntryMax + 1, SweepAdvanced{1});
  Bytes bytes;
  kCodec.encode_events(events, bytes);
  std::vector<ShardEvent> back;
  const auto decoded = kCodec.decode_events(bytes, back);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::kInvalid);
}

Bytes busy_snapshot(Shard& s) {
  for (int i = 0; i < 40; ++i) {
    const std::string id = "A" + std::to_string(i);
    s.ask(s.order(id.c_str(), i % 2 ? Side::kBuy : Side::kSell, 10, i % 2 ? 99 : 101));
    if (i % 3 == 0) s.hear(s.fill(s.last_sent(), 1 + i % 9));
    if (i % 5 == 0) s.ask(s.replace(("R" + id).c_str(), id.c_str(), 20, i % 2 ? 99 : 101));
    if (i % 7 == 0) s.ask(s.cancel(("C" + id).c_str(), id.c_str()));
    s.ask(s.order(("bad" + id).c_str(), Side::kBuy, -1));
  }
  const OrderRequest mass = s.request(MassCancel{"M1", "MASS", {}, {}});
  s.decide(Submit{&mass, &s.venues()});
  s.seal();
  s.commit();
  Bytes bytes;
  kCodec.encode_state(s.state(), bytes);
  return bytes;
}

TEST(ShardCodec, SnapshotKeepsEverythingInTheMiddleOfThings) {
  Shard s;
  const Bytes bytes = busy_snapshot(s);
  ShardState back;
  const auto decoded = kCodec.decode_state(bytes, back);
  ASSERT_TRUE(decoded) << decoded.error().text;
  EXPECT_EQ(state_hash(back), state_hash(s.state()));
  EXPECT_EQ(back.links[0].unanswered, s.state().links[0].unanswered);
  EXPECT_EQ(back.book.open(), s.state().book.open());
  EXPECT_TRUE(back.risk == s.state().risk);
  EXPECT_TRUE(back.links[0].outbox == s.state().links[0].outbox);
}

// The same snapshot with rows in place of pages, as builds before the pages wrote it.
Bytes with_rows(const ShardState& state, const Bytes& pages) {
  const OrderBookOfRecord& book = state.book;
  Bytes out;
  std::vector<std::size_t> cuts;
  kCodec.cut_state(pages, cuts);
  const auto rows = [&](auto fill) {
    MessageWriter<wire::Chunk> message;
    fill(message.root());
    message.append_to(out);
  };
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    const std::size_t end = i + 1 < cuts.size() ? cuts[i + 1] : pages.size();
    const auto bytes = replication::ByteView(pages).subspan(cuts[i], end - cuts[i]);
    const AlignedWords words(bytes);
    capnp::FlatArrayMessageReader reader(words.get());
    const auto chunk = reader.getRoot<wire::Chunk>();
    if (chunk.isOrderPage()) {
      rows([&](wire::Chunk::Builder to) {
        auto list = to.initOrders(static_cast<unsigned>(book.orders()));
        for (Ref ref = 1; ref <= book.orders(); ++ref) {
          auto row = list[ref - 1];
          const OrderRecord& o = book.order(ref);
          write(o, row);
          if (const ReasonText* text = book.text_of(ref)) row.setText(text->str().c_str());
          auto steps = row.initSteps(o.history_steps);
          unsigned at = 0;
          book.each_step(o, [&](const StepRecord& s) { write(s, steps[at++]); });
        }
      });
    } else if (chunk.isRequestPage()) {
      rows([&](wire::Chunk::Builder to) {
        auto list = to.initRequests(static_cast<unsigned>(book.requests()));
        for (Ref ref = 1; ref <= book.requests(); ++ref) write(book.request(ref), list[ref - 1]);
      });
    } else if (chunk.isExecutionPage()) {
      rows([&](wire::Chunk::Builder to) {
        auto list = to.initExecutions(static_cast<unsigned>(book.executions()));
        for (Ref ref = 1; ref <= book.executions(); ++ref)
          write(book.execution(ref), list[ref - 1]);
      });
    } else if (chunk.isReportPage()) {
      const Ref account = chunk.getReportPage().getAccount();
      rows([&](wire::Chunk::Builder to) {
        const ReportStream& stream = book.account(account).reports;
        auto reports = to.initReports();
        reports.setAccount(account);
        auto list = reports.initRows(static_cast<unsigned>(stream.kept()));
        for (unsigned at = 0; at < list.size(); ++at) {
          const ReportSeq seq{stream.first_kept().value + at};
          auto row = list[at];
          write(stream.at(seq), row);
          if (const ReasonText* text = stream.text_of(seq)) row.setText(text->str().c_str());
        }
      });
    } else {
      out.insert(out.end(), bytes.begin(), bytes.end());
    }
  }
  return out;
}

TEST(ShardCodec, SnapshotsWithRowsInPlaceOfPagesAreRead) {
  Shard s;
  const Bytes pages = busy_snapshot(s);
  const Bytes rows = with_rows(s.state(), pages);
  ASSERT_GT(rows.size(), pages.size());
  ShardState back;
  const auto decoded = kCodec.decode_state(rows, back);
  ASSERT_TRUE(decoded) << decoded.error().text;
  EXPECT_EQ(state_hash(back), state_hash(s.state()));
}

TEST(ShardCodec, CutsLieBetweenMessages) {
  Shard s;
  const Bytes bytes = busy_snapshot(s);
  std::vector<std::size_t> cuts;
  kCodec.cut_state(bytes, cuts);
  ASSERT_GE(cuts.size(), 8u);
  EXPECT_EQ(cuts[0], 0u);
  EXPECT_TRUE(std::is_sorted(cuts.begin(), cuts.end()));
  for (const std::size_t cut : cuts) {
    ShardState part;  // begins with a message, but not with the header
    const auto decoded = kCodec.decode_state(replication::ByteView(bytes).subspan(cut), part);
    ASSERT_EQ(decoded.ok(), cut == 0);
    if (decoded) continue;
    EXPECT_EQ(decoded.error().text, "order shard snapshot: header: is not first");
  }
}

TEST(OrderBookOfRecord, TakesNoClientOrderIdTwice) {
  OrderBookOfRecord book;
  OrderRecord order;
  order.account = book.intern_account("A");
  order.client_order_id = "1";
  book.add_order(order);
  EXPECT_THROW(book.add_order(order), CheckFailed);
  RequestRecord request;
  request.account = order.account;
  request.client_order_id = "1";
  EXPECT_THROW(book.add_request(request), CheckFailed);
  order.account = book.intern_account("B");  // another account's ids are its own
  EXPECT_EQ(book.add_order(order), 2u);
}

TEST(ShardCodec, NumbersAtTheirEndsSurviveAPage) {
  Shard s;
  busy_snapshot(s);
  OrderBookOfRecord& book = const_cast<ShardState&>(s.state()).book;
  const auto low = std::numeric_limits<int64_t>::min(), high = std::numeric_limits<int64_t>::max();
  book.order(3).price.units = low;
  book.order(4).price.units = high;
  book.order(4).facts.quantity.units = low;
  book.order(4).facts.leaves.units = high;
  book.order(4).facts.cumulative.units = low + 1;
  book.order(4).received_quantity.units = high;
  book.order(5).trace = {UINT64_MAX};
  book.order(5).created.ns = low;
  book.order(5).updated.ns = high;
  book.order(5).created_index = {UINT64_MAX};
  book.order(6).wire_last = UINT16_MAX;
  book.order(6).client_order_id = "client order id of 32 bytes, all";
  Bytes bytes;
  kCodec.encode_state(s.state(), bytes);
  ShardState back;
  const auto decoded = kCodec.decode_state(bytes, back);
  ASSERT_TRUE(decoded) << decoded.error().text;
  EXPECT_EQ(state_hash(back), state_hash(s.state()));
}

TEST(ShardCodec, EmptyStateIsASnapshotToo) {
  ShardState empty, back;
  Bytes bytes;
  kCodec.encode_state(empty, bytes);
  const auto decoded = kCodec.decode_state(bytes, back);
  ASSERT_TRUE(decoded) << decoded.error().text;
  EXPECT_EQ(state_hash(back), state_hash(empty));
}

TEST(ShardCodec, DamagedSnapshotsGiveAValueOrAnError) {
  Shard s;
  const Bytes whole = busy_snapshot(s);
  std::mt19937_64 random(6);
  int errors = 0;
  for (int n = 0; n < 2'000; ++n) {
    Bytes bytes = whole;
    for (uint64_t flips = 1 + random() % 4; flips != 0; --flips)
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    if (random() % 4 == 0) bytes.resize(random() % bytes.size());
    ShardState back;
    const auto decoded = kCodec.decode_state(bytes, back);
    if (decoded) {
      state_hash(back);  // walks every reference
      continue;
    }
    errors += 1;
    ASSERT_EQ(decoded.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_GT(errors, 500);
}

}  // namespace
}  // namespace holdfast::orders
