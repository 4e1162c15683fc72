#include "tests/conformance/fix/test_gateway.hpp"

#include <gtest/gtest.h>

#include "tests/conformance/fix/simulated_clock.hpp"
#include "tests/source_path.hpp"

namespace holdfast::venues::testing {

VenueRequest TestShard::order(const std::string& wire, Duration age) {
  VenueRequest request;
  request.kind = VenueRequestKind::kNew;
  request.order = {++orders};
  request.wire = WireOrderId(wire);
  request.client_order_id = ClientOrderId("C-" + wire);
  request.account = "ACC1";
  request.symbol = "AAPL";
  request.price = Price::parse("585.33").value();
  request.quantity = Quantity::whole(100);
  request.intake = {simulated_now().ns - age.ns};
  return request;
}

VenueRequest TestShard::cancel(const std::string& wire, const VenueRequest& of) {
  VenueRequest request = of;
  request.kind = VenueRequestKind::kCancel;
  request.wire = WireOrderId(wire);
  request.original = of.wire;
  request.intake = simulated_now();
  return request;
}

VenueRequest TestShard::replace(const std::string& wire, const VenueRequest& of, int64_t quantity) {
  VenueRequest request = cancel(wire, of);
  request.kind = VenueRequestKind::kReplace;
  request.quantity = Quantity::whole(quantity);
  return request;
}

VenueRequestDelivery TestShard::delivery() const {
  auto delivery = std::make_shared<Delivery<VenueRequest>>();
  delivery->from = kShard;
  delivery->to = kGateway;
  delivery->epoch = epoch;
  delivery->first = {taken_by_gateway.value + 1};
  delivery->items.assign(requests.begin() + static_cast<std::ptrdiff_t>(taken_by_gateway.value),
                         requests.end());
  delivery->acknowledged = cursor;
  return delivery;
}

void TestShard::take(const effect::Deliver& deliver) {
  EXPECT_EQ(deliver.to, kShard);
  if (deliver.seq <= cursor) {  // again, by a new leader: the same
    EXPECT_EQ(reports[deliver.seq.value - 1], deliver.report);
    return;
  }
  EXPECT_EQ(deliver.seq.value, cursor.value + 1) << "a report is missing";
  cursor = deliver.seq;
  reports.push_back(deliver.report);
}

std::vector<VenueReportKind> TestShard::about(const std::string& wire) const {
  std::vector<VenueReportKind> kinds;
  for (const VenueReport& report : reports)
    if (report.wire.view() == wire) kinds.push_back(report.kind);
  return kinds;
}

std::size_t TestShard::count(VenueReportKind kind) const {
  std::size_t count = 0;
  for (const VenueReport& report : reports) count += report.kind == kind;
  return count;
}

SessionRules TestGateway::rules_of() {
  SessionRules rules;
  rules.venue = "TEST";
  return rules;
}

SessionIdentity TestGateway::identity_of() {
  SessionIdentity identity;
  identity.sender = "FIRM";
  identity.target = "VENUE";
  identity.dictionary = tests::source_path("config/fix/FIX44.xml");
  return identity;
}

TestGateway::TestGateway(replication::testing::FakeLog& log, TestShard& shard, SessionRules rules,
                         SessionIdentity identity)
    : log_(log),
      shard_(shard),
      host_(kGateway, log, codec_,
            {[] { return simulated_now(); },
             [this](std::function<void()> function) { deferred_.push_back(std::move(function)); },
             [this](auto&& effect) { release(std::move(effect)); }, [](const Error&) {}}) {
  auto recovered = host_.recover();
  EXPECT_TRUE(recovered.ok()) << (recovered.ok() ? "" : recovered.error().text);
  auto led = host_.lead_alone();
  EXPECT_TRUE(led.ok());
  turn([&] { submit(command::Start{rules}); });
  auto session = VenueSession::create(identity, *this);
  EXPECT_TRUE(session.ok()) << (session.ok() ? "" : session.error().text);
  session_ = std::move(session).value();
}

WallTime TestGateway::now() const {
  return std::max(simulated_now(), host_.replica().journaled_time());
}

void TestGateway::turn(const std::function<void()>& function) {
  function();
  while (!deferred_.empty()) {
    auto deferred = std::exchange(deferred_, {});
    for (auto& run : deferred) run();
  }
  if (commits) commit();
}

void TestGateway::commit() {
  if (!log_.entries.empty()) log_.commit_all();
}

void TestGateway::give() {
  submit(command::RequestsDelivered{shard_.delivery()});
  session_->pump();
}

void TestGateway::release(replication::Committed<GatewayEffect>&& committed) {
  const GatewayEffect effect = std::move(committed).take();
  if (const auto* send = std::get_if<effect::SendBytes>(&effect)) {
    if (linked && send->link == state().link) out.push_back(*send->bytes);
  } else if (const auto* gone = std::get_if<effect::CloseLink>(&effect)) {
    if (linked && gone->link == state().link) close = true;
  } else if (const auto* deliver = std::get_if<effect::Deliver>(&effect)) {
    shard_.take(*deliver);
  } else if (const auto* taken = std::get_if<effect::Acknowledge>(&effect)) {
    shard_.acknowledged(taken->cursor);
  } else if (const auto* status = std::get_if<effect::StatusChanged>(&effect)) {
    states.push_back(status->state);
  } else if (const auto* answer = std::get_if<effect::Answered>(&effect)) {
    answers.push_back(*answer);
  }
}

}  // namespace holdfast::venues::testing
