#include "messages/remediation.hpp"

namespace holdfast {

std::string_view to_text(ActionKind value) {
  switch (value) {
    case ActionKind::kNone:
      return "none";
    case ActionKind::kRestartActor:
      return "restart_actor";
    case ActionKind::kRestartClean:
      return "restart_clean";
    case ActionKind::kMigrate:
      return "migrate";
    case ActionKind::kPromote:
      return "promote";
    case ActionKind::kDrain:
      return "drain";
    case ActionKind::kRerouteOrders:
      return "reroute_orders";
    case ActionKind::kThrottle:
      return "throttle";
    case ActionKind::kScaleOut:
      return "scale_out";
    case ActionKind::kScaleIn:
      return "scale_in";
    case ActionKind::kFlushStorage:
      return "flush_storage";
    case ActionKind::kCompactStorage:
      return "compact_storage";
    case ActionKind::kShrinkCache:
      return "shrink_cache";
    case ActionKind::kSwitchEndpoint:
      return "switch_endpoint";
    case ActionKind::kHaltVenue:
      return "halt_venue";
    case ActionKind::kResumeVenue:
      return "resume_venue";
    case ActionKind::kRestartNode:
      return "restart_node";
    case ActionKind::kPage:
      return "page";
  }
  return "invalid";
}

std::string_view to_text(AdvisorKind value) {
  switch (value) {
    case AdvisorKind::kDeterministic:
      return "deterministic";
    case AdvisorKind::kModel:
      return "model";
    case AdvisorKind::kStanding:
      return "standing";
    case AdvisorKind::kOperator:
      return "operator";
  }
  return "invalid";
}

std::string_view to_text(Autonomy value) {
  switch (value) {
    case Autonomy::kObserve:
      return "observe";
    case Autonomy::kRecommend:
      return "recommend";
    case Autonomy::kApprove:
      return "approve";
    case Autonomy::kAutonomous:
      return "autonomous";
  }
  return "invalid";
}

std::string_view to_text(Verdict value) {
  switch (value) {
    case Verdict::kDeny:
      return "deny";
    case Verdict::kObserve:
      return "observe";
    case Verdict::kRecommend:
      return "recommend";
    case Verdict::kNeedsApproval:
      return "needs_approval";
    case Verdict::kAllow:
      return "allow";
  }
  return "invalid";
}

std::string_view to_text(RemedyOutcome value) {
  switch (value) {
    case RemedyOutcome::kOpen:
      return "open";
    case RemedyOutcome::kSucceeded:
      return "succeeded";
    case RemedyOutcome::kRolledBack:
      return "rolled_back";
    case RemedyOutcome::kFailed:
      return "failed";
    case RemedyOutcome::kDenied:
      return "denied";
    case RemedyOutcome::kNotNeeded:
      return "not_needed";
  }
  return "invalid";
}

bool parse_action_kind(std::string_view text, ActionKind& kind) {
  for (uint8_t code = 0; code <= kActionKinds; ++code)
    if (to_text(static_cast<ActionKind>(code)) == text) {
      kind = static_cast<ActionKind>(code);
      return true;
    }
  return false;
}

}  // namespace holdfast
