#include "tests/bench/parts/shard_flow.hpp"

#include <chrono>

namespace holdfast::bench {

std::shared_ptr<const ReferenceData> flow_reference() {
  auto data = std::make_shared<ReferenceData>();
  VenueEntry venue;
  venue.name = "XSIM";
  venue.group = kVenueGroup;
  venue.in_flight_max = 1'000'000;
  data->venues.push_back(venue);
  Instrument instrument;
  instrument.symbol = "AAPL";
  instrument.tick = Price::from_units(kScale / 100);
  instrument.lot = Quantity::whole(1);
  instrument.price_max = Price::whole(10'000);
  instrument.quantity_max = Quantity::whole(1'000'000);
  instrument.previous_close = Price::whole(585);
  instrument.previous_close_time = wall_now();
  instrument.venues = {"XSIM"};
  data->instruments.push_back(instrument);
  return data;
}

std::shared_ptr<const RiskLimits> flow_limits() {
  auto limits = std::make_shared<RiskLimits>();
  limits->version = {1};
  limits->firm.set(LimitKind::kOrderQuantityMax, Quantity::whole(100'000).units);
  limits->firm.set(LimitKind::kOrderNotionalMax, Notional::whole(100'000'000).units);
  limits->firm.set(LimitKind::kPriceCollar, 5'000);
  limits->firm.set(LimitKind::kLastTradeAgeMax, Duration::seconds(3'600).ns);
  limits->firm.set(LimitKind::kPreviousCloseAgeMax, Duration::seconds(86'400).ns);
  limits->firm.set(LimitKind::kBuyingPower, Notional::whole(90'000'000'000).units);
  limits->firm.set(LimitKind::kPositionMax, Quantity::whole(10'000'000'000).units);
  limits->firm.set(LimitKind::kDuplicateWindow, 0);
  limits->firm.set(LimitKind::kMessagesMax, 1'000'000'000);
  limits->firm.set(LimitKind::kMessageWindow, Duration::seconds(1).ns);
  for (int i = 1; i <= kAccounts; ++i) {
    AccountLimits account;
    account.account = Account("M" + std::to_string(i));
    limits->accounts.push_back(account);
  }
  return limits;
}

WallTime wall_now() {
  return {std::chrono::duration_cast<std::chrono::nanoseconds>(
              std::chrono::system_clock::now().time_since_epoch())
              .count()};
}

NewOrder flow_order(uint64_t number) {
  // Accounts take turns at buying and selling, so that no position runs away.
  NewOrder order;
  order.account = Account("M" + std::to_string(1 + number % kAccounts));
  order.client_order_id = ClientOrderId("bench-" + std::to_string(number));
  order.symbol = "AAPL";
  order.side = number / kAccounts % 2 == 0 ? Side::kBuy : Side::kSell;
  const int64_t cents = order.side == Side::kBuy ? 58'400 : 58'600;
  order.price = Price::from_units((cents + static_cast<int64_t>(number % 10)) * (kScale / 100));
  order.quantity = Quantity::whole(100);
  order.attribution = {"vwap", "ann", "equities"};
  order.trace = {number};
  return order;
}

ShardFlow::ShardFlow() : venues_(*flow_reference()) {
  venues_.set_status({"XSIM", kVenueGroup, VenueSessionState::kOpen, 0});
}

std::vector<orders::ShardCommand> ShardFlow::opening() const {
  return {orders::LoadReferenceData{0, 0, 1, flow_reference()},
          orders::ChangeRisk{0, risk::LimitsLoaded{flow_limits()}}};
}

orders::ShardCommand ShardFlow::submit(const orders::ShardState& state) {
  orders_ += 1;
  request_.ticket = {{1}, orders_};
  request_.client = "bench";
  request_.body = flow_order(orders_);
  orders::refresh(venues_, state);
  return orders::Submit{&request_, &venues_};
}

orders::ShardCommand ShardFlow::report(const VenueRequest& request, VenueReportKind kind) {
  VenueReport report;
  report.kind = kind;
  report.order = request.order;
  report.wire = request.wire;
  report.symbol = request.symbol;
  report.side = request.side;
  report.trade_date = 20260105;
  report.venue_order_id = "XSIM-4711";
  reports_ += 1;
  report.exec_id = ExecId("XSIM-E" + std::to_string(reports_));
  report.venue_state = kind == VenueReportKind::kFill ? OrderState::kFilled : OrderState::kAccepted;
  report.venue_time = wall_now();
  if (kind == VenueReportKind::kFill) {
    report.last_quantity = report.cumulative_quantity = request.quantity;
    report.last_price = request.price;
  }
  delivery_.from = kVenueGroup;
  delivery_.to = kShardGroup;
  delivery_.epoch = {1};
  delivery_.first = {reports_};
  delivery_.items.assign(1, report);
  return orders::TakeReport{&delivery_, 0};
}
orders::ShardCommand ShardFlow::accepted(const VenueRequest& request) {
  return report(request, VenueReportKind::kAccepted);
}
orders::ShardCommand ShardFlow::filled(const VenueRequest& request) {
  return report(request, VenueReportKind::kFill);
}
orders::ShardCommand ShardFlow::acknowledged(const orders::ShardState& state) {
  return orders::TakeAcknowledgement{kVenueGroup, state.links.front().outbox.last()};
}
const VenueRequest& ShardFlow::last_request(const orders::ShardState& state) {
  const auto& outbox = state.links.front().outbox;
  return outbox.at(outbox.last());
}

}  // namespace holdfast::bench
