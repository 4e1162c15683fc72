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

#define HOLDFAST_PUT_TEXT(field, view) \
  put_text(view, [&](const std::string& value) { out.set##field(value.c_str()); })

VenueRequest get(wire::Request::Reader in) {
  auto read = decode(in);
  if (!read) throw BadRecord(read.error().text);
  return std::move(read).value();
}

VenueReport get(wire::Report::Reader in) {
  auto read = decode(in);
  if (!read) throw BadRecord(read.error().text);
  return std::move(read).value();
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
  out.setCancelOnDisconnect(in.cancel_on_disconnect.ns);
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
  out.cancel_on_disconnect = {in.getCancelOnDisconnect()};
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
