#include "actors/venues/session_plan.hpp"

#include <algorithm>

namespace holdfast::venues {

namespace {
/// A Logon that was never heard is repeated as it is for this long; then its SendingTime is stale.
constexpr Duration kLogonReusable = Duration::seconds(10);
/// How far past a blocked request others are looked at.
constexpr std::size_t kScanMax = 256;

bool is_flow(VenueRequestKind kind) {
  return kind == VenueRequestKind::kNew || kind == VenueRequestKind::kReplace;
}

bool overdue(const GatewayState& state, Duration timeout, WallTime now) {
  return now >= state.phase_since + timeout;
}

Action cut(std::string why) {
  Action action;
  action.kind = ActionKind::kCut;
  action.text = std::move(why);
  return action;
}

Action plan_logon(const GatewayState& state, WallTime now) {
  if (!connection_wanted(state, now)) return cut("the session is not wanted now");
  Action action;
  const bool reusable = state.logon_number != 0 && state.logon_number + 1 == state.next_out &&
                        !state.logon_heard && state.logon_bytes != nullptr &&
                        now - state.logon_at < kLogonReusable;
  action.kind = reusable ? ActionKind::kReuseLogon : ActionKind::kBuildLogon;
  return action;
}

Action plan_logout(const GatewayState& state) {
  Action action;
  action.kind = ActionKind::kSendLogout;
  action.text = state.want == Want::kStop    ? "stopping"
                : state.want == Want::kRelog ? "reconnecting"
                : state.want == Want::kOut   ? "logged out by an operator"
                                             : "end of session";
  return action;
}

Action plan_status(const GatewayState& state, WallTime now) {
  Action action;
  for (OrderId id : state.to_ask) {
    if (!state.unknown.contains(id)) continue;  // settled
    const VenueOrder& order = state.orders.at(id);
    if (order.status_asked && now < order.status_due) break;  // the rest was asked later
    action.kind = ActionKind::kSendStatus;
    action.order = id;
    break;
  }
  return action;
}

/// The first waiting request that may go; an order's requests keep their order.
Action plan_request(const GatewayState& state, WallTime now) {
  Action action;
  std::vector<OrderId> blocked;
  const bool open = flow_open(state) && state.in_flight < state.rules.in_flight_max;
  const std::size_t count = std::min(state.waiting.size(), kScanMax);
  for (std::size_t i = 0; i < count; ++i) {
    const VenueRequest& request = state.waiting[i];
    const bool may = (open || !is_flow(request.kind)) && !state.unknown.contains(request.order) &&
                     refusal(state, request, now) == Reason::kNone &&
                     std::find(blocked.begin(), blocked.end(), request.order) == blocked.end();
    if (!may) {
      blocked.push_back(request.order);
      continue;
    }
    action.kind = ActionKind::kSendRequest;
    action.index = i;
    action.order = request.order;
    const auto order = state.orders.find(request.order);
    action.original = order == state.orders.end() ? request.original
                                                  : order->second.original_for(request.original);
    return action;
  }
  return action;
}

Action plan_logged_on(const GatewayState& state, WallTime now) {
  if (!connection_wanted(state, now)) return plan_logout(state);
  if (state.phase == SessionPhase::kBarrier) {
    if (state.barrier_sent) {
      if (overdue(state, state.rules.barrier_timeout, now))
        return cut("the venue did not answer the TestRequest after the Logon");
      return {};
    }
    Action action;
    action.kind = ActionKind::kSendBarrier;
    action.text = barrier_id(state);
    return action;
  }
  Action action = plan_status(state, now);
  return action.kind != ActionKind::kNothing ? action : plan_request(state, now);
}
}  // namespace

bool connection_wanted(const GatewayState& state, WallTime now) {
  return state.want == Want::kUp && in_session(state.rules.schedule, now) &&
         session_day(state.rules.schedule, state.created) == session_day(state.rules.schedule, now);
}

std::string barrier_id(const GatewayState& state) {
  return "HOLDFAST-" + std::to_string(state.link);
}

bool resendable(const GatewayState& state, const SentMessage& message, WallTime now) {
  if (message.bytes == nullptr) return false;
  if (message.kind == SentKind::kAdmin || message.kind == SentKind::kStatus) return false;
  const auto found = state.orders.find(message.order);
  if (found == state.orders.end()) return false;
  const Wire* wire = found->second.find(message.wire);
  if (wire == nullptr || wire->state == WireState::kUnknown || wire->state == WireState::kClosed)
    return false;
  if (const Wire* original = found->second.find(wire->original))
    if (original->state == WireState::kUnknown || original->state == WireState::kClosed)
      return false;
  if (message.kind == SentKind::kCancel) return true;
  const Duration age = now - message.intake;
  return age.ns >= 0 && age <= state.rules.resend_age;  // a clock in doubt counts as old
}

Reason refusal(const GatewayState& state, const VenueRequest& request, WallTime now) {
  if (request.kind == VenueRequestKind::kStatus) return Reason::kNone;
  if (killed(state, request)) return Reason::kVenueKilled;
  if (request.kind != VenueRequestKind::kNew) {
    const auto order = state.orders.find(request.order);
    if (order != state.orders.end()) {
      const auto& wires = order->second.wires;
      const bool never_sent = !wires.empty() && wires.front().kind == VenueRequestKind::kNew &&
                              wires.front().state == WireState::kClosed;
      if (never_sent) return Reason::kUnknownOrder;
      if (order->second.done) return Reason::kTooLateToCancel;
    }
  }
  if (!is_flow(request.kind) || now - request.intake <= state.rules.wait_age) return Reason::kNone;
  if (state.halted) return state.halt_code;
  if (!past_barrier(state)) return Reason::kVenueDown;
  if (state.in_flight >= state.rules.in_flight_max) return Reason::kVenueInFlightLimit;
  return flow_open(state) ? Reason::kDeadlineMissed : Reason::kVenueDown;
}

std::vector<uint32_t> unanswered(const GatewayState& state, WallTime now, std::size_t most) {
  std::vector<uint32_t> numbers;
  if (!past_barrier(state) || !connection_wanted(state, now) || state.rules.answer_timeout.ns == 0)
    return numbers;
  std::size_t seen = 0;
  for (const auto& [number, message] : state.sent) {
    if (now < message.sent + state.rules.answer_timeout || ++seen > kScanMax) break;
    if (message.kind != SentKind::kNew) continue;
    const auto order = state.orders.find(message.order);
    if (order == state.orders.end()) continue;
    const Wire* wire = order->second.find(message.wire);
    if (wire == nullptr || wire->state != WireState::kSent) continue;
    numbers.push_back(number);
    if (numbers.size() == most) break;
  }
  return numbers;
}

DueNow due_now(const GatewayState& state, WallTime now) {
  if (!conserved(state) && !state.halted) return {Due::kBreach};
  if (state.phase == SessionPhase::kDown && in_session(state.rules.schedule, now) &&
      session_day(state.rules.schedule, state.created) != session_day(state.rules.schedule, now))
    return {Due::kDayStart};
  if (state.away_due && past_barrier(state)) return {Due::kAway};
  if (state.phase == SessionPhase::kReconciling &&
      (state.unknown.empty() || overdue(state, state.rules.reconcile_timeout, now)))
    return {Due::kOpen};
  if (!unanswered(state, now, 1).empty()) return {Due::kOverdue};
  for (std::size_t i = 0; i < state.waiting.size() && i < kScanMax; ++i) {
    const VenueRequest& request = state.waiting[i];
    const Reason reason = refusal(state, request, now);
    if (reason != Reason::kNone) return {Due::kRefuse, i, reason};
    if (is_flow(request.kind)) break;  // what came later is not older
  }
  return {};
}

Action next_action(const GatewayState& state, WallTime now) {
  if (due_now(state, now).due != Due::kNothing) {
    Action action;
    action.kind = ActionKind::kAdvance;
    return action;
  }
  switch (state.phase) {
    case SessionPhase::kDown:
      return {};
    case SessionPhase::kConnected:
      return plan_logon(state, now);
    case SessionPhase::kLogonSent:
      if (overdue(state, state.rules.logon_timeout, now))
        return cut("the venue did not answer the Logon");
      return {};
    case SessionPhase::kBarrier:
    case SessionPhase::kReconciling:
    case SessionPhase::kOpen:
      return plan_logged_on(state, now);
    case SessionPhase::kLoggingOut:
      if (overdue(state, state.rules.logout_timeout, now))
        return cut("the venue did not answer the Logout");
      return {};
  }
  return {};
}

std::optional<WallTime> plan_deadline(const GatewayState& state) {
  WallTime due{INT64_MAX};
  const auto at = [&due](WallTime t) { due = std::min(due, t); };
  switch (state.phase) {
    case SessionPhase::kLogonSent:
      at(state.phase_since + state.rules.logon_timeout);
      break;
    case SessionPhase::kBarrier:
      at(state.phase_since + state.rules.barrier_timeout);
      break;
    case SessionPhase::kReconciling:
      at(state.phase_since + state.rules.reconcile_timeout);
      break;
    case SessionPhase::kLoggingOut:
      at(state.phase_since + state.rules.logout_timeout);
      break;
    default:
      break;
  }
  if (past_barrier(state))
    for (OrderId id : state.to_ask)
      if (state.unknown.contains(id)) {
        at(state.orders.at(id).status_due);
        break;
      }
  for (const VenueRequest& request : state.waiting)
    if (is_flow(request.kind)) {
      at(request.intake + state.rules.wait_age + Duration::nanoseconds(1));
      break;
    }
  if (!state.rules.schedule.always) at(next_boundary(state.rules.schedule, state.phase_since));
  if (due.ns == INT64_MAX) return std::nullopt;
  return due;
}

}  // namespace holdfast::venues
