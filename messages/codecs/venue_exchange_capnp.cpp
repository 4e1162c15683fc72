#include "messages/codecs/venue_exchange_capnp.hpp"

#include <cstring>
#include <optional>
#include <string>

namespace holdfast {

namespace {

/// Takes fields until the first that is wrong.
class Fields {
 public:
  template <std::size_t N>
  void text(const char* name, capnp::Text::Reader from, Text<N>& to) {
    if (error_ || from.size() == 0) return;
    auto parsed = Text<N>::parse({from.begin(), from.size()});
    if (parsed)
      to = parsed.value();
    else
      wrong(name, parsed.error().text);
  }
  template <typename E>
  void code(const char* name, unsigned value, bool known, E& to) {
    if (error_) return;
    if (known)
      to = static_cast<E>(value);
    else
      wrong(name, "no value " + std::to_string(value) + " is known");
  }
  /// An enumerator between two others, with no gap.
  template <typename E>
  void code(const char* name, unsigned value, E first, E last, E& to) {
    code(name, value, value >= static_cast<unsigned>(first) && value <= static_cast<unsigned>(last),
         to);
  }
  template <typename T>
  Result<T> finish(T&& value) {
    if (error_) return *error_;
    return std::forward<T>(value);
  }

 private:
  void wrong(const char* name, const std::string& why) {
    error_ = Error{ErrorCode::kInvalid, std::string(name) + ": " + why};
  }
  std::optional<Error> error_;
};

/// Empty texts are left out: that is what an absent one reads as, and most items have some.
template <std::size_t N, typename Init>
void put(const Text<N>& text, Init&& init) {
  if (text.empty()) return;
  auto to = init(static_cast<unsigned>(text.size()));
  std::memcpy(to.begin(), text.view().data(), text.size());
}

template <std::size_t... N>
std::size_t words_of(const Text<N>&... texts) {
  return (std::size_t{0} + ... + (texts.empty() ? 0 : texts.size() / 8 + 1));  // with a zero behind
}

}  // namespace

#define HOLDFAST_PUT(Field, text) put(text, [&](unsigned n) { return to.init##Field(n); })

void encode(const VenueRequest& from, venue_wire::Request::Builder to) {
  to.setKind(static_cast<uint8_t>(from.kind));
  to.setSide(static_cast<uint8_t>(from.side));
  to.setType(static_cast<uint8_t>(from.type));
  to.setTimeInForce(static_cast<uint8_t>(from.time_in_force));
  to.setOrder(from.order.value);
  to.setPrice(from.price.units);
  to.setQuantity(from.quantity.units);
  to.setTrace(from.trace.value);
  to.setIntake(from.intake.ns);
  HOLDFAST_PUT(Wire, from.wire);
  HOLDFAST_PUT(Original, from.original);
  HOLDFAST_PUT(VenueOrderId, from.venue_order_id);
  HOLDFAST_PUT(ClientOrderId, from.client_order_id);
  HOLDFAST_PUT(Account, from.account);
  HOLDFAST_PUT(Symbol, from.symbol);
  HOLDFAST_PUT(Algo, from.attribution.algo);
  HOLDFAST_PUT(Trader, from.attribution.trader);
  HOLDFAST_PUT(Desk, from.attribution.desk);
}

Result<VenueRequest> decode(venue_wire::Request::Reader from) {
  VenueRequest to;
  Fields fields;
  fields.code("request kind", from.getKind(), VenueRequestKind::kNew, VenueRequestKind::kStatus,
              to.kind);
  fields.code("side", from.getSide(), Side::kBuy, Side::kSell, to.side);
  fields.code("order type", from.getType(), OrderType::kMarket, OrderType::kLimit, to.type);
  const auto tif = from.getTimeInForce();
  fields.code("time in force", tif, name_of(static_cast<TimeInForce>(tif)) != "Invalid",
              to.time_in_force);
  to.order = {from.getOrder()};
  to.price = {from.getPrice()};
  to.quantity = {from.getQuantity()};
  to.trace = {from.getTrace()};
  to.intake = {from.getIntake()};
  fields.text("wire id", from.getWire(), to.wire);
  fields.text("original", from.getOriginal(), to.original);
  fields.text("venue order id", from.getVenueOrderId(), to.venue_order_id);
  fields.text("client order id", from.getClientOrderId(), to.client_order_id);
  fields.text("account", from.getAccount(), to.account);
  fields.text("symbol", from.getSymbol(), to.symbol);
  fields.text("algo", from.getAlgo(), to.attribution.algo);
  fields.text("trader", from.getTrader(), to.attribution.trader);
  fields.text("desk", from.getDesk(), to.attribution.desk);
  return fields.finish(std::move(to));
}

void encode(const VenueReport& from, venue_wire::Report::Builder to) {
  to.setKind(static_cast<uint8_t>(from.kind));
  to.setSide(static_cast<uint8_t>(from.side));
  to.setVenueState(static_cast<uint8_t>(from.venue_state));
  to.setReason(static_cast<uint16_t>(from.reason));
  to.setPossibleDuplicate(from.possible_duplicate);
  to.setDropCopy(from.drop_copy);
  to.setTradeDate(from.trade_date);
  to.setOrder(from.order.value);
  to.setPrice(from.price.units);
  to.setQuantity(from.quantity.units);
  to.setLastQuantity(from.last_quantity.units);
  to.setLastPrice(from.last_price.units);
  to.setCumulativeQuantity(from.cumulative_quantity.units);
  to.setLeavesQuantity(from.leaves_quantity.units);
  to.setVenueTime(from.venue_time.ns);
  HOLDFAST_PUT(Wire, from.wire);
  HOLDFAST_PUT(Original, from.original);
  HOLDFAST_PUT(VenueOrderId, from.venue_order_id);
  HOLDFAST_PUT(ExecId, from.exec_id);
  HOLDFAST_PUT(ExecRef, from.exec_ref);
  HOLDFAST_PUT(Symbol, from.symbol);
  HOLDFAST_PUT(Text, from.text);
}

Result<VenueReport> decode(venue_wire::Report::Reader from) {
  VenueReport to;
  Fields fields;
  fields.code("report kind", from.getKind(), VenueReportKind::kAccepted, VenueReportKind::kStatus,
              to.kind);
  fields.code("side", from.getSide(), Side::kBuy, Side::kSell, to.side);
  fields.code("order state", from.getVenueState(), OrderState::kNew, OrderState::kNotSent,
              to.venue_state);
  const auto reason = from.getReason();
  fields.code("reason", reason, name_of(static_cast<Reason>(reason)) != "Unknown", to.reason);
  to.possible_duplicate = from.getPossibleDuplicate();
  to.drop_copy = from.getDropCopy();
  to.trade_date = from.getTradeDate();
  to.order = {from.getOrder()};
  to.price = {from.getPrice()};
  to.quantity = {from.getQuantity()};
  to.last_quantity = {from.getLastQuantity()};
  to.last_price = {from.getLastPrice()};
  to.cumulative_quantity = {from.getCumulativeQuantity()};
  to.leaves_quantity = {from.getLeavesQuantity()};
  to.venue_time = {from.getVenueTime()};
  fields.text("wire id", from.getWire(), to.wire);
  fields.text("original", from.getOriginal(), to.original);
  fields.text("venue order id", from.getVenueOrderId(), to.venue_order_id);
  fields.text("exec id", from.getExecId(), to.exec_id);
  fields.text("exec ref", from.getExecRef(), to.exec_ref);
  fields.text("symbol", from.getSymbol(), to.symbol);
  fields.text("text", from.getText(), to.text);
  return fields.finish(std::move(to));
}

std::size_t encoded_words(const VenueRequest& request) {
  return capnp::sizeInWords<venue_wire::Request>() +
         words_of(request.wire, request.original, request.venue_order_id, request.client_order_id,
                  request.account, request.symbol, request.attribution.algo,
                  request.attribution.trader, request.attribution.desk);
}

std::size_t encoded_words(const VenueReport& report) {
  return capnp::sizeInWords<venue_wire::Report>() +
         words_of(report.wire, report.original, report.venue_order_id, report.exec_id,
                  report.exec_ref, report.symbol, report.text);
}

}  // namespace holdfast
