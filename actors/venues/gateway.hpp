// The venue gateway as a replicated core: commands in, journaled events, effects out. Every rule of
// the session that matters after a crash is decided here: which number a message has, what a resend
// repeats and what it leaves out, when the session is open, what is unknown and how it is settled.
// It encodes no FIX and reads no clock: the adapter (session_quickfix.hpp) does what next_action()
// says, and what comes out of it returns here as commands of the same journal entry.
#pragma once

#include <optional>
#include <variant>

#include "actors/venues/gateway_state.hpp"
#include "supervision/replication/core.hpp"

namespace holdfast::venues {

// ---- commands -----------------------------------------------------------------------------------
namespace command {
/// First of each leadership: the connection of an earlier one is gone; the rules to run under.
struct Start {
  SessionRules rules;
};
struct RequestsDelivered {
  VenueRequestDelivery delivery;
};
/// A shard leads (again): emit everything above its cursor.
struct PeerLeads {
  GroupLeads leads;
};
struct LinkUp {};
/// The connection is gone. `heard`: the venue had said something on it.
struct LinkLost {
  std::string why;
  bool heard = false;
};
/// End the connection once everything committed before is written.
struct Cut {
  std::string why;
  bool heard = false;
  bool fatal = false;  // sequence numbers don't agree: stay out until an operator has looked
};
/// The last Logon was never heard: the same bytes go out again on this connection.
struct ReuseLogon {};
/// The node stops: no new flow, Logout, stay out until the next Start.
struct Stop {};
/// QuickFIX put out a message that consumes a number.
struct Outbound {
  uint32_t number = 0;
  char type = '0';  // MsgType (35)
  SentKind kind = SentKind::kAdmin;
  bool barrier = false;  // the TestRequest whose answer opens the session
  OrderId order;         // of a request
  WireOrderId wire, original;
  FixBytes bytes;
};
/// QuickFIX put out a message that consumes none: a resend or a gap-fill.
struct Unnumbered {
  FixBytes bytes;
};
/// QuickFIX took a message in, in order: its number, and what it says about an order, if anything.
struct Inbound {
  uint32_t number = 0;         // 0: taken out of order, the number is not moved
  uint32_t refers_to = 0;      // RefSeqNum (45) of a Reject
  bool unknown_order = false;  // the venue says that it does not know the order
  std::optional<VenueReport> report;
};
/// The venue moved the expected number by a SequenceReset.
struct TargetMoved {
  uint32_t next_in = 1;
};
/// QuickFIX reset its store (ResetSeqNumFlag).
struct StoreReset {
  std::string why;
};
/// The drop copy tells of an order that is unknown, or of an execution that the session has not
/// told.
struct DropCopied {
  VenueReport report;
};
/// How far the drop-copy session has come; what goes out before it is committed has to be reserved.
struct DropCopyNumbers {
  uint32_t next_out = 1, next_in = 1;
};
struct LogonComplete {};
struct BarrierAnswered {};
/// The venue asks for a resend; `end` 0 is "all". Decided before QuickFIX reads the store.
struct ResendAsked {
  uint32_t begin = 1, end = 0;
};
/// Carries on with what is due by itself: see next_action().
struct Advance {};
struct Kill {
  KillSwitch kill;
  uint64_t ticket = 0;  // of whoever waits for the answer; 0 nobody
};
struct Operate {
  VenueCommand command;
  uint64_t ticket = 0;
};
}  // namespace command
using GatewayCommand =
    std::variant<command::Start, command::RequestsDelivered, command::PeerLeads, command::LinkUp,
                 command::LinkLost, command::Cut, command::ReuseLogon, command::Stop,
                 command::Outbound, command::Unnumbered, command::Inbound, command::TargetMoved,
                 command::StoreReset, command::DropCopied, command::DropCopyNumbers,
                 command::LogonComplete, command::BarrierAnswered, command::ResendAsked,
                 command::Advance, command::Kill, command::Operate>;

// ---- events -------------------------------------------------------------------------------------
namespace event {
struct Started {
  SessionRules rules;
  friend bool operator==(const Started&, const Started&) = default;
};
struct RequestsTaken {
  GroupId from;
  Epoch epoch;
  OutboxSeq cursor;  // after these
  std::vector<VenueRequest> requests;
  OutboxSeq acknowledged;  // by the sender, of what we owe it
  friend bool operator==(const RequestsTaken&, const RequestsTaken&) = default;
};
struct PeerAcknowledged {
  GroupId from;
  Epoch epoch;
  OutboxSeq cursor;
  friend bool operator==(const PeerAcknowledged&, const PeerAcknowledged&) = default;
};
struct PhaseChanged {
  SessionPhase phase = SessionPhase::kDown;
  std::string why;     // kDown: what ended the connection
  bool cut = false;    // the transport has to end the connection
  bool heard = false;  // the venue had said something on it
  friend bool operator==(const PhaseChanged&, const PhaseChanged&) = default;
};
struct MessageSent {
  uint32_t number = 0;
  char type = '0';
  SentKind kind = SentKind::kAdmin;
  bool barrier = false;
  OrderId order;
  WireOrderId wire, original;
  FixBytes bytes;  // journaled for requests only
  friend bool operator==(const MessageSent& a, const MessageSent& b) {
    return a.number == b.number && a.type == b.type && a.kind == b.kind && a.barrier == b.barrier &&
           a.order == b.order && a.wire == b.wire && a.original == b.original;
  }
};
/// A message of the venue was taken in: its number and its content are one fact.
struct MessageTaken {
  uint32_t number = 0;
  uint32_t refers_to = 0;
  bool unknown_order = false;
  std::optional<VenueReport> report;
  friend bool operator==(const MessageTaken&, const MessageTaken&) = default;
};
struct NumbersSet {
  uint32_t next_out = 1, next_in = 1;
  bool fresh = false;  // a new numbering: creation time now, what was sent is forgotten
  bool flag = false;   // say so with ResetSeqNumFlag=Y
  std::string why;
  friend bool operator==(const NumbersSet&, const NumbersSet&) = default;
};
struct ResendDecided {
  uint32_t begin = 1, end = 0;
  std::vector<uint32_t> gap_filled;  // requests left out, in order
  friend bool operator==(const ResendDecided&, const ResendDecided&) = default;
};
struct AnswerOverdue {
  std::vector<uint32_t> numbers;  // of new orders: unknown from now on
  friend bool operator==(const AnswerOverdue&, const AnswerOverdue&) = default;
};
struct RequestRefused {
  WireOrderId wire;  // of a waiting request
  Reason reason = Reason::kNone;
  friend bool operator==(const RequestRefused&, const RequestRefused&) = default;
};
struct HaltChanged {
  bool halted = false;
  Reason code = Reason::kNone;
  Label by;
  ReasonText reason;
  friend bool operator==(const HaltChanged&, const HaltChanged&) = default;
};
struct KillChanged {
  KillSwitch kill;
  friend bool operator==(const KillChanged&, const KillChanged&) = default;
};
struct WantedChanged {
  Want want = Want::kUp;
  friend bool operator==(const WantedChanged&, const WantedChanged&) = default;
};
/// Taken from the drop copy.
struct DropCopyTaken {
  VenueReport report;
  friend bool operator==(const DropCopyTaken&, const DropCopyTaken&) = default;
};
struct DropCopyNumbered {
  uint32_t next_out = 1, next_in = 1;
  friend bool operator==(const DropCopyNumbered&, const DropCopyNumbered&) = default;
};
/// The session was away for longer than the venue waits: these orders are unknown.
struct AwayTooLong {
  std::vector<OrderId> orders;
  bool more = false;  // others follow
  friend bool operator==(const AwayTooLong&, const AwayTooLong&) = default;
};
struct DeliveryRefused {
  bool gap = false;  // else: a superseded leader's
  friend bool operator==(const DeliveryRefused&, const DeliveryRefused&) = default;
};
}  // namespace event
using GatewayEvent =
    std::variant<event::Started, event::RequestsTaken, event::PeerAcknowledged, event::PhaseChanged,
                 event::MessageSent, event::MessageTaken, event::NumbersSet, event::ResendDecided,
                 event::RequestRefused, event::HaltChanged, event::KillChanged,
                 event::WantedChanged, event::DeliveryRefused, event::AnswerOverdue,
                 event::DropCopyTaken, event::DropCopyNumbered, event::AwayTooLong>;

// ---- effects ------------------------------------------------------------------------------------
namespace effect {
/// Write these bytes on connection `link`; on another one they are dropped (a resend brings them).
struct SendBytes {
  uint64_t link = 0;
  uint32_t number = 0;  // 0: a resend or a gap-fill
  char type = '0';
  FixBytes bytes;
};
/// Close connection `link` after what was written before.
struct CloseLink {
  uint64_t link = 0;
};
/// One report for a shard, at its place in the outbox.
struct Deliver {
  GroupId to;
  OutboxSeq seq;
  VenueReport report;
};
/// Everything of `to`'s outbox up to `cursor` is journaled here.
struct Acknowledge {
  GroupId to;
  OutboxSeq cursor;
};
/// Ask `to` to send again from above `cursor`.
struct AskAgain {
  GroupId to;
  OutboxSeq cursor;
};
struct StatusChanged {
  VenueSessionState state = VenueSessionState::kDown;
  uint32_t in_flight = 0;
};
/// Numbers of the drop-copy session are committed: up to below `next_out` may go out.
struct DropCopyReserved {
  uint32_t next_out = 1;
};
/// This leadership has begun: everything outstanding follows before anything new.
struct Leads {};
/// A kill or an operator's command is committed, or refused.
struct Answered {
  uint64_t ticket = 0;
  bool accepted = false;
  std::string text;
};
}  // namespace effect
using GatewayEffect = std::variant<effect::SendBytes, effect::CloseLink, effect::Deliver,
                                   effect::Acknowledge, effect::AskAgain, effect::StatusChanged,
                                   effect::DropCopyReserved, effect::Leads, effect::Answered>;

// ---- the core -----------------------------------------------------------------------------------

/// The gateway fulfilling replication::Core. Static functions; see there for the contract.
struct GatewayCore {
  using State = GatewayState;
  using Command = GatewayCommand;
  using Event = GatewayEvent;
  using Effect = GatewayEffect;
  using Decision = replication::Decision<GatewayCore>;

  static void decide(const State& state, const Command& command, WallTime now, Decision& out);
  static void apply(State& state, const Event& event, const replication::Position& at);
  static void effects(const State& state, const Event& event, const replication::Position& at,
                      std::vector<Effect>& out);
  static void outstanding(const State& state, std::vector<Effect>& out);
  static std::optional<WallTime> next_deadline(const State& state);
  static constexpr uint8_t kDigestVersion = 1;
  static uint64_t digest(const State& state);
};

}  // namespace holdfast::venues
