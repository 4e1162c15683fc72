#include <capnp/serialize.h>

#include <cstring>

#include "messages/codecs/order_entry_capnp.hpp"

namespace holdfast {

namespace {

// Text<N> has no terminating NUL, so the library's own setters can't take it.
#define HOLDFAST_SET_TEXT(builder, Field, value)                                            \
  do {                                                                                      \
    const std::string_view view_ = (value);                                                 \
    if (!view_.empty())                                                                     \
      std::memcpy((builder).init##Field(view_.size()).begin(), view_.data(), view_.size()); \
  } while (false)

wire::Side to_wire(Side side) { return side == Side::kBuy ? wire::Side::BUY : wire::Side::SELL; }
wire::OrderType to_wire(OrderType type) {
  return type == OrderType::kMarket ? wire::OrderType::MARKET : wire::OrderType::LIMIT;
}

wire::TimeInForce to_wire(TimeInForce tif) {
  switch (tif) {
    case TimeInForce::kDay:
      return wire::TimeInForce::DAY;
    case TimeInForce::kGoodTillCancel:
      return wire::TimeInForce::GOOD_TILL_CANCEL;
    case TimeInForce::kImmediateOrCancel:
      return wire::TimeInForce::IMMEDIATE_OR_CANCEL;
    case TimeInForce::kFillOrKill:
      return wire::TimeInForce::FILL_OR_KILL;
  }
  check_failed("a known time in force", __FILE__, __LINE__);
}

template <typename Root, typename F>
std::vector<std::byte> encoded(F&& fill) {
  capnp::MallocMessageBuilder message;
  fill(message.initRoot<Root>());
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  std::vector<std::byte> out(bytes.size());
  std::memcpy(out.data(), bytes.begin(), bytes.size());
  return out;
}

}  // namespace

void encode(const NewOrder& order, wire::NewOrder::Builder to) {
  HOLDFAST_SET_TEXT(to, Account, order.account.view());
  HOLDFAST_SET_TEXT(to, ClientOrderId, order.client_order_id.view());
  HOLDFAST_SET_TEXT(to, Symbol, order.symbol.view());
  to.setSide(to_wire(order.side));
  to.setType(to_wire(order.type));
  to.setTimeInForce(to_wire(order.time_in_force));
  to.setPrice(order.price.units);
  to.setQuantity(order.quantity.units);
  HOLDFAST_SET_TEXT(to, Algo, order.attribution.algo.view());
  HOLDFAST_SET_TEXT(to, Trader, order.attribution.trader.view());
  HOLDFAST_SET_TEXT(to, Desk, order.attribution.desk.view());
  to.setTrace(order.trace.value);
}

void encode(const CancelOrder& cancel, wire::CancelOrder::Builder to) {
  HOLDFAST_SET_TEXT(to, Account, cancel.account.view());
  HOLDFAST_SET_TEXT(to, ClientOrderId, cancel.client_order_id.view());
  HOLDFAST_SET_TEXT(to, Original, cancel.original.view());
  to.setTrace(cancel.trace.value);
}

void encode(const ReplaceOrder& replace, wire::ReplaceOrder::Builder to) {
  HOLDFAST_SET_TEXT(to, Account, replace.account.view());
  HOLDFAST_SET_TEXT(to, ClientOrderId, replace.client_order_id.view());
  HOLDFAST_SET_TEXT(to, Original, replace.original.view());
  to.setPrice(replace.price.units);
  to.setQuantity(replace.quantity.units);
  to.setTrace(replace.trace.value);
}

void encode(const MassCancel& mass, wire::MassCancel::Builder to) {
  HOLDFAST_SET_TEXT(to, Account, mass.account.view());
  HOLDFAST_SET_TEXT(to, ClientOrderId, mass.client_order_id.view());
  HOLDFAST_SET_TEXT(to, Symbol, mass.symbol.view());
  to.setTrace(mass.trace.value);
}

namespace {
struct BodyEncoder {
  wire::Request::Builder to;
  void operator()(const NewOrder& b) { encode(b, to.initNewOrder()); }
  void operator()(const CancelOrder& b) { encode(b, to.initCancel()); }
  void operator()(const ReplaceOrder& b) { encode(b, to.initReplace()); }
  void operator()(const MassCancel& b) { encode(b, to.initMassCancel()); }
};
}  // namespace

void encode(const OrderRequestBody& body, wire::Request::Builder to) {
  std::visit(BodyEncoder{to}, body);
}

void encode(const OrderReply& reply, uint32_t credits_left, wire::Outcome::Builder to) {
  to.setAccepted(reply.accepted);
  to.setDuplicate(reply.duplicate);
  if (reply.reason != Reason::kNone) {
    to.setReason(to_wire(reply.reason));
    HOLDFAST_SET_TEXT(to, ReasonName, name_of(reply.reason));
    HOLDFAST_SET_TEXT(to, Text, reply.text.empty() ? words_of(reply.reason) : reply.text.view());
  } else {
    HOLDFAST_SET_TEXT(to, Text, reply.text.view());
  }
  to.setOrder(reply.order.value);
  to.setState(static_cast<wire::OrderState>(reply.state));
  to.setDurability(to_wire(reply.durability));
  to.setAffected(reply.affected);
  to.setCreditsLeft(credits_left);
}

void encode(const ExecutionReport& report, wire::ExecutionReport::Builder to) {
  to.setSequence(report.sequence.value);
  HOLDFAST_SET_TEXT(to, Account, report.account.view());
  to.setOrder(report.order.value);
  HOLDFAST_SET_TEXT(to, ClientOrderId, report.client_order_id.view());
  HOLDFAST_SET_TEXT(to, Original, report.original.view());
  to.setType(static_cast<wire::ExecType>(report.type));
  to.setState(static_cast<wire::OrderState>(report.state));
  HOLDFAST_SET_TEXT(to, Symbol, report.symbol.view());
  to.setSide(to_wire(report.side));
  to.setPrice(report.price.units);
  to.setQuantity(report.quantity.units);
  to.setLastQuantity(report.last_quantity.units);
  to.setLastPrice(report.last_price.units);
  to.setCumulativeQuantity(report.cumulative_quantity.units);
  to.setLeavesQuantity(report.leaves_quantity.units);
  HOLDFAST_SET_TEXT(to, ExecId, report.exec_id.view());
  HOLDFAST_SET_TEXT(to, Venue, report.venue.view());
  to.setReason(to_wire(report.reason));
  HOLDFAST_SET_TEXT(to, Text, report.text.view());
  to.setTime(report.time.ns);
  to.setTrace(report.trace.value);
}

void encode(const OrderView& view, wire::OrderView::Builder to) {
  to.setOrder(view.order.value);
  encode(view.request, to.initRequest());
  to.setState(static_cast<wire::OrderState>(view.state));
  HOLDFAST_SET_TEXT(to, ClientOrderId, view.client_order_id.view());
  to.setPrice(view.price.units);
  to.setQuantity(view.quantity.units);
  to.setCumulativeQuantity(view.cumulative_quantity.units);
  to.setLeavesQuantity(view.leaves_quantity.units);
  to.setCumulativeNotional(view.cumulative_notional.units);
  HOLDFAST_SET_TEXT(to, Venue, view.venue.view());
  HOLDFAST_SET_TEXT(to, VenueOrderId, view.venue_order_id.view());
  to.setReason(to_wire(view.reason));
  HOLDFAST_SET_TEXT(to, Text, view.text.view());
  to.setCreated(view.created.ns);
  to.setUpdated(view.updated.ns);
  to.setAsOf(view.as_of.value);
}

std::vector<std::byte> encode_message(const OrderRequestBody& body) {
  return encoded<wire::Request>([&](auto root) { encode(body, root); });
}
std::vector<std::byte> encode_message(const Outcome& outcome) {
  return encoded<wire::Outcome>(
      [&](auto root) { encode(outcome.reply, outcome.credits_left, root); });
}
std::vector<std::byte> encode_message(const ExecutionReport& report) {
  return encoded<wire::ExecutionReport>([&](auto root) { encode(report, root); });
}
std::vector<std::byte> encode_message(const OrderView& view) {
  return encoded<wire::OrderView>([&](auto root) { encode(view, root); });
}

}  // namespace holdfast
