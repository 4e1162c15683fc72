#include "actors/venues/venue_records_capnp.hpp"

namespace holdfast::venues {

namespace {
template <typename Setter>
void put_text(std::string_view view, Setter&& set) {
  if (!view.empty()) set(std::string(view));  // an absent text reads as empty
}
}  // namespace

Reason reason_of(uint16_t code) {
  const auto reason = static_cast<Reason>(code);
  if (code != 0 && name_of(reason) == "Unknown")
    throw BadRecord("reason " + std::to_string(code) + " is not known");
  return reason;
}

TimeInForce time_in_force_of(uint8_t code) {
  const auto tif = static_cast<TimeInForce>(code);
  if (name_of(tif) == "Invalid")
    throw BadRecord("time in force " + std::to_string(code) + " is not known");
  return tif;
}

#define HOLDFAST_PUT_TEXT(field, view) \
  put_text(view, [&](const std::string& value) { out.set##field(value.c_str()); })

void put(wire::Request::Builder out, const VenueRequest& in) {
  out.setKind(static_cast<uint8_t>(in.kind));
  out.setSide(static_cast<uint8_t>(in.side));
  out.setType(static_cast<uint8_t>(in.type));
  out.setTimeInForce(static_cast<uint8_t>(in.time_in_force));
  out.setOrder(in.order.value);
  out.setPrice(in.price.units);
  out.setQuantity(in.quantity.units);
  out.setTrace(in.trace.value);
  out.setIntake(in.intake.ns);
  HOLDFAST_PUT_TEXT(Wire, in.wire.view());
  HOLDFAST_PUT_TEXT(Original, in.original.view());
  HOLDFAST_PUT_TEXT(VenueOrderId, in.venue_order_id.view());
  HOLDFAST_PUT_TEXT(ClientOrderId, in.client_order_id.view());
  HOLDFAST_PUT_TEXT(Account, in.account.view());
  HOLDFAST_PUT_TEXT(Symbol, in.symbol.view());
  HOLDFAST_PUT_TEXT(Algo, in.attribution.algo.view());
  HOLDFAST_PUT_TEXT(Trader, in.attribution.trader.view());
  HOLDFAST_PUT_TEXT(Desk, in.attribution.desk.view());
}

VenueRequest get(wire::Request::Reader in) {
  VenueRequest out;
  out.kind = enumerator(in.getKind(), VenueRequestKind::kStatus, "request kind", 1);
  out.side = enumerator(in.getSide(), Side::kSell, "side", 1);
  out.type = enumerator(in.getType(), OrderType::kLimit, "order type", 1);
  out.time_in_force = time_in_force_of(in.getTimeInForce());
  out.order = {in.getOrder()};
  out.price = {in.getPrice()};
  out.quantity = {in.getQuantity()};
  out.trace = {in.getTrace()};
  out.intake = {in.getIntake()};
  out.wire = text_of<limits::kWireOrderIdBytes>(in.getWire());
  out.original = text_of<limits::kWireOrderIdBytes>(in.getOriginal());
  out.venue_order_id = text_of<limits::kVenueTextBytes>(in.getVenueOrderId());
  out.client_order_id = text_of<limits::kClientOrderIdBytes>(in.getClientOrderId());
  out.account = text_of<limits::kAccountBytes>(in.getAccount());
  out.symbol = text_of<limits::kSymbolBytes>(in.getSymbol());
  out.attribution.algo = text_of<limits::kNameBytes>(in.getAlgo());
  out.attribution.trader = text_of<limits::kNameBytes>(in.getTrader());
  out.attribution.desk = text_of<limits::kNameBytes>(in.getDesk());
  return out;
}

void put(wire::Report::Builder out, const VenueReport& in) {
  out.setKind(static_cast<uint8_t>(in.kind));
  out.setSide(static_cast<uint8_t>(in.side));
  out.setVenueState(static_cast<uint8_t>(in.venue_state));
  out.setReason(static_cast<uint16_t>(in.reason));
  out.setPossibleDuplicate(in.possible_duplicate);
  out.setDropCopy(in.drop_copy);
  out.setTradeDate(in.trade_date);
  out.setOrder(in.order.value);
  out.setPrice(in.price.units);
  out.setQuantity(in.quantity.units);
  out.setLastQuantity(in.last_quantity.units);
  out.setLastPrice(in.last_price.units);
  out.setCumulativeQuantity(in.cumulative_quantity.units);
  out.setLeavesQuantity(in.leaves_quantity.units);
  out.setVenueTime(in.venue_time.ns);
  HOLDFAST_PUT_TEXT(Wire, in.wire.view());
  HOLDFAST_PUT_TEXT(Original, in.original.view());
  HOLDFAST_PUT_TEXT(VenueOrderId, in.venue_order_id.view());
  HOLDFAST_PUT_TEXT(ExecId, in.exec_id.view());
  HOLDFAST_PUT_TEXT(ExecRef, in.exec_ref.view());
  HOLDFAST_PUT_TEXT(Symbol, in.symbol.view());
  HOLDFAST_PUT_TEXT(Text, in.text.view());
}

VenueReport get(wire::Report::Reader in) {
  VenueReport out;
  out.kind = enumerator(in.getKind(), VenueReportKind::kStatus, "report kind", 1);
  out.side = enumerator(in.getSide(), Side::kSell, "side", 1);
  out.venue_state = enumerator(in.getVenueState(), OrderState::kNotSent, "order state");
  out.reason = reason_of(in.getReason());
  out.possible_duplicate = in.getPossibleDuplicate();
  out.drop_copy = in.getDropCopy();
  out.trade_date = in.getTradeDate();
  out.order = {in.getOrder()};
  out.price = {in.getPrice()};
  out.quantity = {in.getQuantity()};
  out.last_quantity = {in.getLastQuantity()};
  out.last_price = {in.getLastPrice()};
  out.cumulative_quantity = {in.getCumulativeQuantity()};
  out.leaves_quantity = {in.getLeavesQuantity()};
  out.venue_time = {in.getVenueTime()};
  out.wire = text_of<limits::kWireOrderIdBytes>(in.getWire());
  out.original = text_of<limits::kWireOrderIdBytes>(in.getOriginal());
  out.venue_order_id = text_of<limits::kVenueTextBytes>(in.getVenueOrderId());
  out.exec_id = text_of<limits::kVenueTextBytes>(in.getExecId());
  out.exec_ref = text_of<limits::kVenueTextBytes>(in.getExecRef());
  out.symbol = text_of<limits::kSymbolBytes>(in.getSymbol());
  out.text = text_of<limits::kReasonTextBytes>(in.getText());
  return out;
}

void put(wire::Rules::Builder out, const SessionRules& in) {
  HOLDFAST_PUT_TEXT(Venue, in.venue.view());
  out.setResendAge(in.resend_age.ns);
  out.setWaitAge(in.wait_age.ns);
  out.setLogonTimeout(in.logon_timeout.ns);
  out.setBarrierTimeout(in.barrier_timeout.ns);
  out.setLogoutTimeout(in.logout_timeout.ns);
  out.setAnswerTimeout(in.answer_timeout.ns);
  out.setStatusInterval(in.status_interval.ns);
  out.setReconcileTimeout(in.reconcile_timeout.ns);
  out.setOpenBeforeReconciled(in.open_before_reconciled);
  out.setAcceptVenueReset(in.accept_venue_reset);
  out.setFlagResets(in.flag_resets);
  out.setInFlightMax(in.in_flight_max);
  out.setAlways(in.schedule.always);
  out.setStart(in.schedule.start.ns);
  out.setEnd(in.schedule.end.ns);
  out.setZoneOffset(in.schedule.zone_offset.ns);
}

SessionRules get(wire::Rules::Reader in) {
  SessionRules out;
  out.venue = text_of<limits::kNameBytes>(in.getVenue());
  out.resend_age = {in.getResendAge()};
  out.wait_age = {in.getWaitAge()};
  out.logon_timeout = {in.getLogonTimeout()};
  out.barrier_timeout = {in.getBarrierTimeout()};
  out.logout_timeout = {in.getLogoutTimeout()};
  out.answer_timeout = {in.getAnswerTimeout()};
  out.status_interval = {in.getStatusInterval()};
  out.reconcile_timeout = {in.getReconcileTimeout()};
  out.open_before_reconciled = in.getOpenBeforeReconciled();
  out.accept_venue_reset = in.getAcceptVenueReset();
  out.flag_resets = in.getFlagResets();
  out.in_flight_max = in.getInFlightMax();
  out.schedule.always = in.getAlways();
  out.schedule.start = {in.getStart()};
  out.schedule.end = {in.getEnd()};
  out.schedule.zone_offset = {in.getZoneOffset()};
  return out;
}

void put(wire::Kill::Builder out, const KillSwitch& in) {
  out.setScope(static_cast<uint8_t>(in.scope));
  out.setMode(static_cast<uint8_t>(in.mode));
  HOLDFAST_PUT_TEXT(Name, in.name.view());
  HOLDFAST_PUT_TEXT(OperatorName, in.operator_name.view());
  HOLDFAST_PUT_TEXT(Reason, in.reason.view());
}

KillSwitch get(wire::Kill::Reader in) {
  KillSwitch out;
  out.scope = enumerator(in.getScope(), KillScope::kAlgo, "kill scope", 1);
  out.mode = enumerator(in.getMode(), KillMode::kFull, "kill mode");
  out.name = text_of<limits::kNameBytes>(in.getName());
  out.operator_name = text_of<limits::kNameBytes>(in.getOperatorName());
  out.reason = text_of<limits::kReasonTextBytes>(in.getReason());
  return out;
}

}  // namespace holdfast::venues
