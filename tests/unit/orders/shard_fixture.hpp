// A shard on its replica, without journal or actors: commands in, effects out, time by hand, and a
// venue that is played by the test.
#pragma once

#include <gtest/gtest.h>

#include "actors/orders/shard/shard.hpp"
#include "supervision/replication/replica.hpp"

namespace holdfast::orders::testing {

using replication::Committed;
using replication::Replica;
using replication::Sealed;

inline Quantity q(int64_t n) { return Quantity::whole(n); }
inline Price p(int64_t n) { return Price::whole(n); }

inline constexpr GroupId kShardGroup{1};
inline constexpr GroupId kVenueGroup{1001};

inline std::shared_ptr<const ReferenceData> reference_data() {
  auto data = std::make_shared<ReferenceData>();
  VenueEntry venue;
  venue.name = "XSIM";
  venue.group = kVenueGroup;
  venue.in_flight_max = 1'000'000;
  data->venues.push_back(venue);
  for (const char* symbol : {"AAPL", "MSFT"}) {
    Instrument i;
    i.symbol = symbol;
    i.tick = Price::from_units(kScale / 100);
    i.lot = Quantity::whole(1);
    i.price_max = p(10'000);
    i.quantity_max = q(1'000'000);
    i.previous_close = p(100);
    i.previous_close_time = WallTime{1};
    i.venues = {"XSIM"};
    data->instruments.push_back(i);
  }
  return data;
}

inline std::shared_ptr<const RiskLimits> generous_limits(uint64_t version = 1) {
  auto limits = std::make_shared<RiskLimits>();
  limits->version = {version};
  limits->firm.set(LimitKind::kOrderQuantityMax, q(100'000).units);
  limits->firm.set(LimitKind::kOrderNotionalMax, Notional::whole(100'000'000).units);
  limits->firm.set(LimitKind::kPriceCollar, 5'000);
  limits->firm.set(LimitKind::kLastTradeAgeMax, Duration::seconds(3'600).ns);
  limits->firm.set(LimitKind::kPreviousCloseAgeMax, Duration::seconds(86'400).ns);
  limits->firm.set(LimitKind::kBuyingPower, Notional::whole(1'000'000'000).units);
  limits->firm.set(LimitKind::kPositionMax, q(10'000'000).units);
  limits->firm.set(LimitKind::kDuplicateWindow, 0);
  limits->firm.set(LimitKind::kMessagesMax, 1'000'000);
  limits->firm.set(LimitKind::kMessageWindow, Duration::seconds(1).ns);
  for (const char* account : {"M1", "M2", "T1"}) {
    AccountLimits a;
    a.account = account;
    limits->accounts.push_back(a);
  }
  return limits;
}

/// Everything that a shard said, sorted by kind.
struct Said {
  std::vector<OrderReply> replies;
  std::vector<ExecutionReport> reports;
  std::vector<VenueRequest> delivered;
  std::vector<AcknowledgeEffect> acknowledged;
  std::vector<ResyncEffect> resyncs;
  std::vector<RiskEffect> risk;
  std::vector<AnswerEffect> answers;
  std::vector<AnomalyEffect> anomalies;
  std::size_t effects = 0;
};

class Shard {
 public:
  explicit Shard(bool ready = true) : replica_(kShardGroup) {
    replica_.lead({1});
    seal();
    commit();
    if (!ready) return;
    LoadReferenceData load;
    load.data = reference_data();
    load.version = 1;
    run(load);
    run(ChangeRisk{0, risk::LimitsLoaded{generous_limits()}});
    venues_ = routing::RoutingState(*load.data);
    open_venue();
    said = {};
  }

  // ---- driving
  void run(const ShardCommand& command) {
    decide(command);
    seal();
    commit();
  }
  void decide(const ShardCommand& command) { replica_.decide(command, now); }
  void seal() {
    if (auto sealed = replica_.seal(now)) log.push_back(std::move(*sealed));
  }
  void commit() { commit(replica_.appended()); }
  void commit(Index index) {
    std::vector<Committed<ShardEffect>> out;
    replica_.commit(index, out);
    for (auto& effect : out) take(std::move(effect).take());
  }
  void tick_until_idle() {
    for (int n = 0; n < 10'000 && ShardCore::next_deadline(state()); ++n) run(Tick{});
    ASSERT_FALSE(ShardCore::next_deadline(state()));
  }

  // ---- clients
  OrderRequest request(decltype(OrderRequest::body) body) {
    OrderRequest r;
    r.ticket = {{7}, ++tickets_};
    r.client = "C1";
    r.body = std::move(body);
    return r;
  }
  OrderReply ask(decltype(OrderRequest::body) body) {
    const OrderRequest r = request(std::move(body));
    refresh(venues_, state());
    run(Submit{&r, &venues_});
    EXPECT_FALSE(said.replies.empty());
    return said.replies.empty() ? OrderReply{} : said.replies.back();
  }
  static NewOrder order(const char* id, Side side = Side::kBuy, int64_t quantity = 100,
                        int64_t price = 100, const char* account = "M1") {
    NewOrder o;
    o.account = account;
    o.client_order_id = id;
    o.symbol = "AAPL";
    o.side = side;
    o.price = p(price);
    o.quantity = q(quantity);
    o.attribution = {"algo1", "trader1", "desk1"};
    o.trace = {99};
    return o;
  }
  static CancelOrder cancel(const char* id, const char* original, const char* account = "M1") {
    return {account, id, original, {}};
  }
  static ReplaceOrder replace(const char* id, const char* original, int64_t quantity,
                              int64_t price = 100, const char* account = "M1") {
    return {account, id, original, p(price), q(quantity), {}};
  }

  // ---- the venue
  void open_venue(VenueSessionState session = VenueSessionState::kOpen) {
    venues_.set_status({"XSIM", kVenueGroup, session, 0});
  }
  VenueReport from(const VenueRequest& request, VenueReportKind kind) {
    VenueReport r;
    r.kind = kind;
    r.order = request.order;
    r.wire = request.wire;
    r.original = request.original;
    r.symbol = request.symbol;
    r.side = request.side;
    r.trade_date = 20260105;
    if (kind != VenueReportKind::kCancelRejected && kind != VenueReportKind::kUnknown &&
        kind != VenueReportKind::kNotSent && kind != VenueReportKind::kStatus)
      r.exec_id = ExecId("E" + std::to_string(++exec_ids_));
    if (kind == VenueReportKind::kAccepted) r.venue_order_id = "V1";
    if (kind == VenueReportKind::kReplaced) {
      r.quantity = request.quantity;
      r.price = request.price;
    }
    return r;
  }
  VenueReport fill(const VenueRequest& request, int64_t quantity, int64_t price = 100) {
    VenueReport r = from(request, VenueReportKind::kFill);
    r.last_quantity = q(quantity);
    r.last_price = p(price);
    return r;
  }
  /// The gateway delivers it as the next item of its outbox.
  void hear(const VenueReport& report) {
    deliver(report, ++venue_sequence);
    seal();
    commit();
  }
  void deliver(const VenueReport& report, uint64_t sequence, uint64_t epoch = 1) {
    Delivery<VenueReport> d;
    d.from = kVenueGroup;
    d.to = kShardGroup;
    d.epoch = {epoch};
    d.first = {sequence};
    d.items = {report};
    decide(TakeReport{&d, 0});
  }

  // ---- looking
  const ShardState& state() const { return replica_.state(); }
  Replica<ShardCore>& replica() { return replica_; }
  routing::RoutingState& venues() { return venues_; }
  const OrderRecord& record(const char* id, const char* account = "M1") const {
    const ClientRef ref = state().book.find(account, id);
    CHECK(ref.order != 0);
    return state().book.order(ref.order);
  }
  OrderState state_of(const char* id, const char* account = "M1") const {
    return record(id, account).facts.state;
  }
  const VenueRequest& last_sent() const {
    const VenueLink& link = state().links.front();
    return link.outbox.at(link.outbox.last());
  }

  WallTime now{Duration::seconds(1'000).ns};
  Said said;
  std::vector<Sealed<ShardCore>> log;
  uint64_t venue_sequence = 0;

 private:
  void take(ShardEffect effect) {
    said.effects += 1;
    if (auto* e = std::get_if<ReplyEffect>(&effect)) said.replies.push_back(e->reply);
    if (auto* e = std::get_if<ReportEffect>(&effect)) said.reports.push_back(e->report);
    if (auto* e = std::get_if<DeliverEffect>(&effect))
      said.delivered.push_back(state().link(e->to)->outbox.at(e->sequence));
    if (auto* e = std::get_if<AcknowledgeEffect>(&effect)) said.acknowledged.push_back(*e);
    if (auto* e = std::get_if<ResyncEffect>(&effect)) said.resyncs.push_back(*e);
    if (auto* e = std::get_if<RiskEffect>(&effect)) said.risk.push_back(*e);
    if (auto* e = std::get_if<AnswerEffect>(&effect)) said.answers.push_back(*e);
    if (auto* e = std::get_if<AnomalyEffect>(&effect)) said.anomalies.push_back(*e);
  }

  Replica<ShardCore> replica_;
  routing::RoutingState venues_;
  uint64_t tickets_ = 0;
  uint64_t exec_ids_ = 0;
};

}  // namespace holdfast::orders::testing
