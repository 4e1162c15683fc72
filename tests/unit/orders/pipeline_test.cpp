// Requests between intake and decision: what may be judged together, what waits, what overtakes.
#include "actors/orders/shard/pipeline.hpp"

#include "tests/unit/orders/shard_fixture.hpp"

namespace holdfast::orders {
namespace {

using testing::Shard;

constexpr MonoTime kLate{1'000'000};

std::size_t next_batch(Pipeline& pipeline, const Shard& s) {
  if (!pipeline.form(s.state())) return 0;
  const std::size_t size = pipeline.batch().requests.size();
  pipeline.done();
  return size;
}

TEST(Pipeline, JudgesTogetherWhatDoesNotDependOnEachOther) {
  Shard s;
  s.ask(s.order("OPEN"));
  Pipeline pipeline;
  for (auto body : std::initializer_list<decltype(OrderRequest::body)>{
           s.order("A"), s.order("B"), s.cancel("C1", "OPEN"), s.order("C")})
    ASSERT_TRUE(pipeline.push(s.request(body), kLate));
  ASSERT_TRUE(pipeline.form(s.state()));
  const JudgedBatch& batch = pipeline.batch();
  EXPECT_EQ(batch.requests.size(), 4u);
  EXPECT_EQ(batch.questions->size(), 4u);
  EXPECT_TRUE(batch.asks_risk);
  // New orders get the ids that they will have; the cancel between them gets none.
  EXPECT_EQ((*batch.questions)[0].order, s.state().book.id_of(2));
  EXPECT_EQ((*batch.questions)[1].order, s.state().book.id_of(3));
  EXPECT_EQ((*batch.questions)[2].kind, risk::RiskOrderKind::kMessage);
  EXPECT_EQ((*batch.questions)[3].order, s.state().book.id_of(4));
  EXPECT_EQ(batch.orders_after, 4u);
}

TEST(Pipeline, EndsABatchBeforeWhatDependsOnIt) {
  Shard s;
  s.ask(s.order("OPEN"));
  s.hear(s.from(s.last_sent(), VenueReportKind::kAccepted));
  using Body = decltype(OrderRequest::body);
  const std::initializer_list<std::pair<Body, Body>> cases = {
      {s.order("A"), s.order("A")},                              // the same again
      {s.order("A"), s.replace("R", "A", 10)},                   // a replace of it
      {s.cancel("C", "OPEN"), s.replace("R", "OPEN", 10)},       // a replace of what it cancels
      {s.replace("R", "OPEN", 10), s.replace("S", "OPEN", 20)},  // and of what it replaces
      {MassCancel{"M1", "M", {}, {}}, s.order("A")},             // anything after a mass cancel
  };
  for (const auto& [first, second] : cases) {
    Pipeline pipeline;
    pipeline.push(s.request(first), kLate);
    pipeline.push(s.request(second), kLate);
    EXPECT_EQ(next_batch(pipeline, s), 1u);
    EXPECT_EQ(next_batch(pipeline, s), 1u);
  }
  // Another account's ids are other ids.
  Pipeline pipeline;
  pipeline.push(s.request(s.order("A")), kLate);
  pipeline.push(s.request(s.order("A", Side::kBuy, 1, 100, "M2")), kLate);
  EXPECT_EQ(next_batch(pipeline, s), 2u);
}

TEST(Pipeline, IsBoundedAndRefusesBeyond) {
  Shard s;
  Pipeline pipeline;
  for (std::size_t i = 0; i < limits::kPipelineOrdersMax; ++i)
    ASSERT_TRUE(pipeline.push(s.request(s.order("A")), kLate));
  EXPECT_FALSE(pipeline.push(s.request(s.order("A")), kLate));
  EXPECT_EQ(pipeline.waiting(), limits::kPipelineOrdersMax);
}

TEST(Pipeline, AnAbandonedBatchGoesBackInItsPlace) {
  Shard s;
  Pipeline pipeline;
  for (const char* id : {"A", "B"}) pipeline.push(s.request(s.order(id)), kLate);
  ASSERT_TRUE(pipeline.form(s.state()));
  const BatchId first = pipeline.batch().id;
  pipeline.push(s.request(s.order("C")), kLate);
  pipeline.abandon();
  ASSERT_TRUE(pipeline.form(s.state()));
  EXPECT_GT(pipeline.batch().id, first);
  ASSERT_EQ(pipeline.batch().requests.size(), 3u);
  const char* ids[] = {"A", "B", "C"};
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_EQ(std::get<NewOrder>(pipeline.batch().requests[i].request.body).client_order_id,
              ClientOrderId(ids[i]));
}

TEST(Pipeline, TakesOutWhatWaitedTooLong) {
  Shard s;
  Pipeline pipeline;
  pipeline.push(s.request(s.order("A")), MonoTime{10});
  pipeline.push(s.request(s.order("B")), MonoTime{30});
  pipeline.push(s.request(s.order("C")), MonoTime{20});
  EXPECT_EQ(pipeline.take_expired(MonoTime{9}).size(), 0u);
  EXPECT_EQ(pipeline.take_expired(MonoTime{20}).size(), 2u);
  EXPECT_EQ(pipeline.waiting(), 1u);
  ASSERT_TRUE(pipeline.form(s.state()));
  EXPECT_FALSE(pipeline.batch_expired(MonoTime{29}));
  EXPECT_TRUE(pipeline.batch_expired(MonoTime{30}));
}

TEST(Pipeline, OnlyCancelsOfKnownOrdersOvertake) {
  Shard s;
  s.ask(s.order("OPEN"));
  Pipeline pipeline;
  pipeline.push(s.request(s.order("NEW")), kLate);
  pipeline.push(s.request(s.cancel("C1", "OPEN")), kLate);
  pipeline.push(s.request(s.cancel("C2", "NEW")), kLate);
  pipeline.push(s.request(s.replace("R", "OPEN", 5)), kLate);
  const auto cancels = pipeline.take_cancels(s.state());
  ASSERT_EQ(cancels.size(), 1u);
  EXPECT_EQ(std::get<CancelOrder>(cancels[0].body).client_order_id, ClientOrderId("C1"));
  EXPECT_EQ(pipeline.waiting(), 3u);
}

}  // namespace
}  // namespace holdfast::orders
