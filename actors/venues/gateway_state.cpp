#include "actors/venues/gateway_state.hpp"

namespace holdfast::venues {

std::string_view name_of(SessionPhase phase) {
  switch (phase) {
    case SessionPhase::kDown:
      return "Down";
    case SessionPhase::kConnected:
      return "Connected";
    case SessionPhase::kLogonSent:
      return "LogonSent";
    case SessionPhase::kBarrier:
      return "Barrier";
    case SessionPhase::kReconciling:
      return "Reconciling";
    case SessionPhase::kOpen:
      return "Open";
    case SessionPhase::kLoggingOut:
      return "LoggingOut";
  }
  return "Invalid";
}

bool flow_open(const GatewayState& state) {
  if (state.halted || state.want != Want::kUp) return false;
  return state.phase == SessionPhase::kOpen ||
         (state.phase == SessionPhase::kReconciling && state.rules.open_before_reconciled);
}

bool killed(const GatewayState& state, const VenueRequest& request) {
  if (state.kills.empty()) return false;
  if (request.kind != VenueRequestKind::kNew && request.kind != VenueRequestKind::kReplace)
    return false;
  for (const KillSwitch& kill : state.kills) {
    if (kill.mode != KillMode::kFull) continue;  // reduce-only needs positions: risk decides it
    const auto name = kill.name.view();
    switch (kill.scope) {
      case KillScope::kFirm:
        return true;
      case KillScope::kDesk:
        if (name == request.attribution.desk.view()) return true;
        break;
      case KillScope::kAccount:
        if (name == request.account.view()) return true;
        break;
      case KillScope::kAlgo:
        if (name == request.attribution.algo.view()) return true;
        break;
    }
  }
  return false;
}

VenueSessionState session_state(const GatewayState& state) {
  switch (state.phase) {
    case SessionPhase::kDown:
      return VenueSessionState::kDown;
    case SessionPhase::kConnected:
      return VenueSessionState::kConnecting;
    case SessionPhase::kLogonSent:
      return VenueSessionState::kLogonSent;
    case SessionPhase::kLoggingOut:
      return VenueSessionState::kDown;
    default:
      break;
  }
  for (const KillSwitch& kill : state.kills)
    if (kill.scope == KillScope::kFirm && kill.mode == KillMode::kFull)
      return VenueSessionState::kKilled;
  if (state.halted) return VenueSessionState::kHalted;
  return flow_open(state) ? VenueSessionState::kOpen : VenueSessionState::kRecovering;
}

}  // namespace holdfast::venues
