#include "messages/advice/advice.hpp"

namespace holdfast {

std::string_view to_text(ActorClass value) {
  switch (value) {
    case ActorClass::kOther:
      return "other";
    case ActorClass::kOrderShard:
      return "order_shard";
    case ActorClass::kVenueGateway:
      return "venue_gateway";
    case ActorClass::kOrchestrator:
      return "orchestrator";
    case ActorClass::kHost:
      return "host";
    case ActorClass::kStorage:
      return "storage";
    case ActorClass::kLink:
      return "link";
    case ActorClass::kVenue:
      return "venue";
    case ActorClass::kEndpoint:
      return "endpoint";
    case ActorClass::kAgent:
      return "agent";
  }
  return "invalid";
}

std::string_view to_text(FailureClass value) {
  switch (value) {
    case FailureClass::kNone:
      return "none";
    case FailureClass::kGaveUp:
      return "gave_up";
    case FailureClass::kQuarantined:
      return "quarantined";
    case FailureClass::kHung:
      return "hung";
    case FailureClass::kRootGaveUp:
      return "root_gave_up";
    case FailureClass::kProcessDied:
      return "process_died";
    case FailureClass::kProcessFenced:
      return "process_fenced";
    case FailureClass::kProcessHung:
      return "process_hung";
    case FailureClass::kProcessUnstable:
      return "process_unstable";
    case FailureClass::kCrashed:
      return "crashed";
    case FailureClass::kGray:
      return "gray";
    case FailureClass::kNodeLost:
      return "node_lost";
  }
  return "invalid";
}

std::string_view to_text(AdviceFact value) {
  switch (value) {
    case AdviceFact::kMembers:
      return "members";
    case AdviceFact::kMembersInSync:
      return "members_in_sync";
    case AdviceFact::kGroupsLed:
      return "groups_led";
    case AdviceFact::kOpenOrders:
      return "open_orders";
    case AdviceFact::kOrdersPerSecond:
      return "orders_per_second";
    case AdviceFact::kRestarts:
      return "restarts";
    case AdviceFact::kRemedies:
      return "remedies";
    case AdviceFact::kRemediesReverted:
      return "remedies_reverted";
    case AdviceFact::kDiskFreePpm:
      return "disk_free_ppm";
    case AdviceFact::kCpuBusyPpm:
      return "cpu_busy_ppm";
    case AdviceFact::kSpareMembers:
      return "spare_members";
    case AdviceFact::kMinutesToClose:
      return "minutes_to_close";
  }
  return "invalid";
}

std::string_view to_text(AdviceKind value) {
  switch (value) {
    case AdviceKind::kIncident:
      return "incident";
    case AdviceKind::kStanding:
      return "standing";
  }
  return "invalid";
}

std::string_view to_text(AdviceOutcome value) {
  switch (value) {
    case AdviceOutcome::kProposed:
      return "proposed";
    case AdviceOutcome::kAbstained:
      return "abstained";
    case AdviceOutcome::kRefused:
      return "refused";
    case AdviceOutcome::kLate:
      return "late";
    case AdviceOutcome::kUnavailable:
      return "unavailable";
    case AdviceOutcome::kNotAllowed:
      return "not_allowed";
    case AdviceOutcome::kOverIncidentBudget:
      return "over_incident_budget";
    case AdviceOutcome::kOverDayBudget:
      return "over_day_budget";
    case AdviceOutcome::kOverDomainBudget:
      return "over_domain_budget";
    case AdviceOutcome::kBusy:
      return "busy";
  }
  return "invalid";
}

std::string_view to_text(ReplyProblem value) {
  switch (value) {
    case ReplyProblem::kNone:
      return "none";
    case ReplyProblem::kTooLarge:
      return "too_large";
    case ReplyProblem::kTooDeep:
      return "too_deep";
    case ReplyProblem::kNotJson:
      return "not_json";
    case ReplyProblem::kDuplicateKey:
      return "duplicate_key";
    case ReplyProblem::kEnvelope:
      return "envelope";
    case ReplyProblem::kCutShort:
      return "cut_short";
    case ReplyProblem::kDeclined:
      return "declined";
    case ReplyProblem::kShape:
      return "shape";
    case ReplyProblem::kContradiction:
      return "contradiction";
    case ReplyProblem::kUnknownAction:
      return "unknown_action";
    case ReplyProblem::kActionNotAllowed:
      return "action_not_allowed";
    case ReplyProblem::kUnknownTarget:
      return "unknown_target";
    case ReplyProblem::kTargetNotAllowed:
      return "target_not_allowed";
    case ReplyProblem::kUnknownDestination:
      return "unknown_destination";
    case ReplyProblem::kDestinationNotAllowed:
      return "destination_not_allowed";
    case ReplyProblem::kAmountOutOfRange:
      return "amount_out_of_range";
    case ReplyProblem::kConfidenceOutOfRange:
      return "confidence_out_of_range";
    case ReplyProblem::kUnknownReference:
      return "unknown_reference";
    case ReplyProblem::kRepeated:
      return "repeated";
  }
  return "invalid";
}

}  // namespace holdfast
