// What a gateway's actor shows to operators.
#include "actors/venues/gateway_actor.hpp"
#include "actors/venues/session_plan.hpp"

namespace holdfast::venues {

bool GatewayActor::logon_refused() const {
  return logon_refusals_ > 0 && host_ != nullptr && connection_wanted(state(), now());
}

void GatewayActor::measure(const VenueReport& report) {
  using telemetry::FlowMeter;
  FlowMeter& meter = *setup_.meter;
  if (report.possible_duplicate || report.drop_copy) return;
  if (report.kind == VenueReportKind::kFill) {
    if (report.cumulative_quantity == report.last_quantity) FlowMeter::count(meter.filled);
    return;
  }
  const bool accepted = report.kind == VenueReportKind::kAccepted;
  if (!accepted && report.kind != VenueReportKind::kRejected) return;
  FlowMeter::count(accepted ? meter.accepted : meter.rejected);
  // Finding the message costs more than all the rest: one order of four tells enough.
  if ((report.order.value & 3) != 0) return;
  const auto order = state().orders.find(report.order);
  const Wire* wire = order == state().orders.end() ? nullptr : order->second.find(report.wire);
  const auto sent = wire == nullptr ? state().sent.end() : state().sent.find(wire->number);
  if (sent == state().sent.end()) return;  // refused here, or numbers were lost
  meter.venue_rtt.add(now_wall() - sent->second.sent);
  meter.order_latency.add(now_wall() - sent->second.intake);
}

VenueSessionView GatewayActor::view() const {
  const GatewayState& s = state();
  VenueSessionView view;
  view.venue = setup_.rules.venue;
  view.group = setup_.group;
  view.state = session_state(s);
  if (s.phase == SessionPhase::kDown && transport_ != nullptr && !transport_->idle())
    view.state = VenueSessionState::kConnecting;
  view.since = s.phase_since;
  view.sender = setup_.sender;
  view.target = setup_.target;
  view.endpoint = setup_.endpoint;
  view.next_outbound = s.next_out;
  view.next_inbound = s.next_in;
  view.session_created = s.created;
  view.in_flight = s.in_flight;
  view.in_flight_limit = s.rules.in_flight_max;
  view.waiting = s.waiting.size();
  view.open_orders = s.orders.size() - s.done.size();
  view.unknown_orders = s.unknown.size();
  view.requests_taken = s.counters.taken;
  view.requests_sent = s.counters.sent;
  view.requests_refused = s.counters.refused;
  view.unmapped_reports = s.counters.unmapped;
  for (const auto& [group, outbox] : s.outboxes) view.reports_outstanding += outbox.size();
  if (transport_ != nullptr) {
    view.messages_sent = transport_->stats().messages_out;
    view.connects = transport_->stats().connects;
    view.connect_failures = transport_->stats().connect_failures;
  }
  if (session_ != nullptr) {
    view.messages_received = session_->stats().received;
    view.garbage = framer_.garbage() + session_->stats().malformed;
  }
  view.last_sent = last_sent_;
  view.last_received = last_received_;
  view.halted = s.halted;
  view.halt_code = s.halt_code;
  view.halted_by = s.halted_by.str();
  view.halt_reason = s.halt_reason.str();
  view.kills = s.kills;
  view.last_error = s.last_error;
  view.logon_refused = logon_refused();
  view.logon_refusals = logon_refusals_;
  view.logon_refusals_total = logon_refusals_total_;
  view.logon_refused_since = logon_refused_since_;
  view.next_try = next_try_;
  view.epoch = host_->replica().epoch();
  view.as_of = host_->replica().appended();
  return view;
}

std::string GatewayActor::detail() const {
  if (host_ == nullptr) return {};
  const GatewayState& s = state();
  return (host_->replica().leading() ? "" : "standby, ") + std::string(name_of(session_state(s))) +
         ", next out " + std::to_string(s.next_out) + ", next in " + std::to_string(s.next_in) +
         ", " + std::to_string(s.in_flight) + " in flight" +
         (logon_refused()
              ? ", logon refused " + std::to_string(logon_refusals_) + " times, retrying"
              : "") +
         (s.unknown.empty() ? "" : ", " + std::to_string(s.unknown.size()) + " unknown");
}

std::shared_ptr<const ReconciliationView> GatewayActor::reconciliation() const {
  const GatewayState& s = state();
  auto view = std::make_shared<ReconciliationView>();
  view->venue = setup_.rules.venue;
  view->group = setup_.group;
  view->state = session_state(s);
  view->counters = s.reconciliation.counters();
  view->rows = s.reconciliation.rows(limits::kReconciliationsKept);
  if (copy_ != nullptr) {
    view->drop_copy = copy_->view();
  } else if (setup_.drop_copy) {
    view->drop_copy.configured = true;
    view->drop_copy.sender = setup_.drop_copy->sender;
    view->drop_copy.target = setup_.drop_copy->target;
    view->drop_copy.endpoint = setup_.drop_copy->endpoint;
    view->drop_copy.next_inbound = s.copy_in;
  }
  view->epoch = host_->replica().epoch();
  view->as_of = host_->replica().appended();
  return view;
}

}  // namespace holdfast::venues
