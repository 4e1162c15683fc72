#include "messages/venue_exchange.hpp"

#include "messages/reconciliation_view.hpp"
#include "messages/venue_view.hpp"

namespace holdfast {

std::string_view name_of(VenueReportKind kind) {
  switch (kind) {
    case VenueReportKind::kAccepted:
      return "Accepted";
    case VenueReportKind::kRejected:
      return "Rejected";
    case VenueReportKind::kFill:
      return "Fill";
    case VenueReportKind::kCancelled:
      return "Cancelled";
    case VenueReportKind::kReplaced:
      return "Replaced";
    case VenueReportKind::kExpired:
      return "Expired";
    case VenueReportKind::kCancelRejected:
      return "CancelRejected";
    case VenueReportKind::kUnknown:
      return "Unknown";
    case VenueReportKind::kNotSent:
      return "NotSent";
    case VenueReportKind::kTradeCancel:
      return "TradeCancel";
    case VenueReportKind::kTradeCorrect:
      return "TradeCorrect";
    case VenueReportKind::kStatus:
      return "Status";
  }
  return "Invalid";
}

std::string_view name_of(VenueSessionState state) {
  switch (state) {
    case VenueSessionState::kDown:
      return "Down";
    case VenueSessionState::kConnecting:
      return "Connecting";
    case VenueSessionState::kLogonSent:
      return "LogonSent";
    case VenueSessionState::kRecovering:
      return "Recovering";
    case VenueSessionState::kOpen:
      return "Open";
    case VenueSessionState::kHalted:
      return "Halted";
    case VenueSessionState::kKilled:
      return "Killed";
  }
  return "Invalid";
}

std::string_view name_of(KillScope scope) {
  switch (scope) {
    case KillScope::kFirm:
      return "firm";
    case KillScope::kDesk:
      return "desk";
    case KillScope::kAccount:
      return "account";
    case KillScope::kAlgo:
      return "algo";
  }
  return "invalid";
}

std::string_view name_of(KillMode mode) {
  switch (mode) {
    case KillMode::kNone:
      return "none";
    case KillMode::kReduceOnly:
      return "reduce-only";
    case KillMode::kFull:
      return "full";
  }
  return "invalid";
}

std::string_view name_of(DoubtCause cause) {
  switch (cause) {
    case DoubtCause::kGapFilled:
      return "GapFilled";
    case DoubtCause::kUnanswered:
      return "Unanswered";
    case DoubtCause::kNumbersLost:
      return "NumbersLost";
    case DoubtCause::kAway:
      return "Away";
  }
  return "Invalid";
}

std::string_view name_of(SettledBy by) {
  switch (by) {
    case SettledBy::kOpen:
      return "Open";
    case SettledBy::kReport:
      return "Report";
    case SettledBy::kResend:
      return "Resend";
    case SettledBy::kStatus:
      return "Status";
    case SettledBy::kDropCopy:
      return "DropCopy";
    case SettledBy::kNotSent:
      return "NotSent";
  }
  return "Invalid";
}

std::string_view name_of(VenueCommandKind kind) {
  switch (kind) {
    case VenueCommandKind::kHalt:
      return "halt";
    case VenueCommandKind::kResume:
      return "resume";
    case VenueCommandKind::kReconnect:
      return "reconnect";
    case VenueCommandKind::kLogout:
      return "logout";
    case VenueCommandKind::kLogon:
      return "logon";
    case VenueCommandKind::kSetOutbound:
      return "set-outbound";
    case VenueCommandKind::kSetInbound:
      return "set-inbound";
    case VenueCommandKind::kResetSequence:
      return "reset-sequence";
  }
  return "invalid";
}

}  // namespace holdfast
