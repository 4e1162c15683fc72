#include "actors/venues/gateway.hpp"

#include <algorithm>
#include <unordered_set>

#include "actors/venues/gateway_flow.hpp"
#include "actors/venues/session_plan.hpp"

namespace holdfast::venues {

namespace {
using Decision = GatewayCore::Decision;
using Verdict = replication::InboxCursor::Verdict;

/// Orders that one event puts in doubt: it fits an entry.
constexpr std::size_t kAwayStep = 65'536;

OutboxSeq new_acknowledgement(const GatewayState& state, GroupId from, OutboxSeq cursor) {
  const auto outbox = state.outboxes.find(from);
  if (outbox == state.outboxes.end()) return {};
  // A cursor beyond what was ever sent comes from a foreign peer: not believed.
  if (cursor <= outbox->second.acknowledged() || cursor > outbox->second.last()) return {};
  return cursor;
}

event::HaltChanged breach(const char* what) {
  event::HaltChanged halt;
  halt.halted = true;
  halt.code = Reason::kConservation;
  halt.by = "gateway";
  halt.reason = what;
  return halt;
}

void phase(Decision& out, SessionPhase next, std::string why = {}, bool cut = false,
           bool heard = false) {
  out.events.push_back(event::PhaseChanged{next, std::move(why), cut, heard});
}

struct Decider {
  const GatewayState& state;
  WallTime now;
  Decision& out;

  void operator()(const command::Start& start) const {
    out.events.push_back(event::Started{start.rules});
    if (state.phase != SessionPhase::kDown)
      phase(out, SessionPhase::kDown, "the gateway's process was replaced");
    if (state.created.ns == 0) out.events.push_back(event::NumbersSet{1, 1, true, false, "first"});
  }

  void operator()(const command::RequestsDelivered& command) const {
    const auto& delivery = *command.delivery;
    const auto known = state.inboxes.find(delivery.from);
    const replication::InboxCursor cursor =
        known == state.inboxes.end() ? replication::InboxCursor{} : known->second;
    const auto judged = cursor.judge(delivery.epoch, delivery.first, delivery.items.size());
    if (judged.verdict == Verdict::kStaleEpoch) {
      out.events.push_back(event::DeliveryRefused{false});
      return;
    }
    const OutboxSeq acknowledged = new_acknowledgement(state, delivery.from, delivery.acknowledged);
    if (judged.verdict == Verdict::kTake) return take(delivery, judged.skip, acknowledged);
    if (acknowledged || cursor.epoch < delivery.epoch)
      out.events.push_back(event::PeerAcknowledged{delivery.from, delivery.epoch, acknowledged});
    if (judged.verdict == Verdict::kGap) {
      out.events.push_back(event::DeliveryRefused{true});
      out.replies.push_back(effect::AskAgain{delivery.from, cursor.cursor});
    } else if (!delivery.items.empty()) {
      out.replies.push_back(effect::Acknowledge{delivery.from, cursor.cursor});
    }
  }

  void take(const Delivery<VenueRequest>& delivery, std::size_t skip,
            OutboxSeq acknowledged) const {
    event::RequestsTaken taken;
    taken.from = delivery.from;
    taken.epoch = delivery.epoch;
    taken.cursor = {delivery.first.value + delivery.items.size() - 1};
    taken.requests.assign(delivery.items.begin() + static_cast<std::ptrdiff_t>(skip),
                          delivery.items.end());
    taken.acknowledged = acknowledged;
    // The shard's clock and this one may differ by any amount: only how old a request was when it
    // left is of use here.
    if (delivery.sent.ns != 0)
      for (VenueRequest& request : taken.requests) {
        const WallTime taken_in = std::max(WallTime{}, request.intake);
        const int64_t age = delivery.sent > taken_in ? delivery.sent.ns - taken_in.ns : 0;
        request.intake = {now.ns - age};
      }
    std::vector<event::RequestRefused> refused;
    bool repeated = false;
    std::size_t room = limits::kOpenOrdersPerVenueMax -
                       std::min(limits::kOpenOrdersPerVenueMax, state.orders.size());
    for (const VenueRequest& request : taken.requests) {
      const bool known = state.wires.contains(request.wire);
      repeated = repeated || (known && request.kind != VenueRequestKind::kStatus);
      if (known) continue;
      if (request.kind == VenueRequestKind::kNew && room == 0)
        refused.push_back({request.wire, Reason::kFull});
      else if (killed(state, request))
        refused.push_back({request.wire, Reason::kVenueKilled});
      if (request.kind == VenueRequestKind::kNew && room != 0) --room;
    }
    out.events.push_back(std::move(taken));
    for (auto& refusal : refused) out.events.push_back(refusal);
    if (repeated && !state.halted)
      out.events.push_back(breach("a ClOrdID came in twice from the order shard"));
  }

  void operator()(const command::PeerLeads& command) const {
    const GroupLeads& leads = command.leads;
    const auto known = state.inboxes.find(leads.group);
    if (known != state.inboxes.end() && leads.epoch < known->second.epoch) {
      out.events.push_back(event::DeliveryRefused{false});
      return;
    }
    const OutboxSeq acknowledged = new_acknowledgement(state, leads.group, leads.cursor);
    if (acknowledged || known == state.inboxes.end() || known->second.epoch < leads.epoch)
      out.events.push_back(event::PeerAcknowledged{leads.group, leads.epoch, acknowledged});
    const OutboxSeq cursor = known == state.inboxes.end() ? OutboxSeq{} : known->second.cursor;
    if (cursor) out.replies.push_back(effect::Acknowledge{leads.group, cursor});
    const auto outbox = state.outboxes.find(leads.group);
    if (outbox == state.outboxes.end()) return;
    const OutboxSeq from = std::max(leads.cursor, outbox->second.acknowledged());
    for (OutboxSeq seq{from.value + 1}; seq <= outbox->second.last(); ++seq.value)
      out.replies.push_back(effect::Deliver{leads.group, seq, outbox->second.at(seq)});
  }

  void operator()(const command::LinkUp&) const {
    CHECK(state.phase == SessionPhase::kDown);
    phase(out, SessionPhase::kConnected);
  }
  void operator()(const command::LinkLost& lost) const {
    if (state.phase != SessionPhase::kDown)
      phase(out, SessionPhase::kDown, lost.why, false, lost.heard);
  }
  void operator()(const command::Cut& cut) const {
    if (state.phase != SessionPhase::kDown)
      phase(out, SessionPhase::kDown, cut.why, true, cut.heard);
    // A Logon that went out twice may have been taken the first time, and the answer lost: its
    // number is used up, and the next one is made under another.
    if (cut.fatal && state.phase == SessionPhase::kLogonSent && state.logon_again) return;
    if (cut.fatal && state.want != Want::kStop)
      out.events.push_back(event::WantedChanged{Want::kOut});
  }
  void operator()(const command::ReuseLogon&) const {
    CHECK(state.phase == SessionPhase::kConnected);
    CHECK(state.logon_bytes != nullptr);
    phase(out, SessionPhase::kLogonSent);
    out.replies.push_back(
        effect::SendBytes{state.link, state.logon_number, 'A', state.logon_bytes});
  }
  void operator()(const command::Stop&) const {
    if (state.want == Want::kUp || state.want == Want::kRelog)
      out.events.push_back(event::WantedChanged{Want::kStop});
  }

  void operator()(const command::Outbound& sent) const {
    CHECK(sent.number == state.next_out);
    event::MessageSent event{sent.number, sent.type, sent.kind,     sent.barrier,
                             sent.order,  sent.wire, sent.original, sent.bytes};
    const char* broken = nullptr;
    if (sent.kind != SentKind::kAdmin && sent.kind != SentKind::kStatus) {
      const bool waits =
          std::any_of(state.waiting.begin(), state.waiting.end(),
                      [&](const VenueRequest& request) { return request.wire == sent.wire; });
      if (!waits) broken = "an order was to go out that no order shard asked for";
    }
    if (broken != nullptr) {  // the number is used up; the bytes never leave
      event.kind = SentKind::kAdmin;
      event.bytes = nullptr;
    }
    out.events.push_back(std::move(event));
    if (broken != nullptr && !state.halted) out.events.push_back(breach(broken));
  }
  void operator()(const command::Unnumbered& message) const {
    out.replies.push_back(effect::SendBytes{state.link, 0, '0', message.bytes});
  }

  void operator()(const command::Inbound& message) const {
    if (message.number != 0) CHECK(message.number == state.next_in);
    out.events.push_back(event::MessageTaken{message.number, message.refers_to,
                                             message.unknown_order, message.report});
  }
  void operator()(const command::TargetMoved& moved) const {
    out.events.push_back(event::NumbersSet{state.next_out, moved.next_in, false, false,
                                           "SequenceReset from the venue"});
  }
  void operator()(const command::StoreReset& reset) const {
    if (state.next_out == 1 && state.next_in == 1 && state.sent.empty()) return;
    out.events.push_back(event::NumbersSet{1, 1, true, false, reset.why});
  }
  void operator()(const command::DropCopied& copied) const {
    if (find_order(state, copied.report) != nullptr)
      out.events.push_back(event::DropCopyTaken{copied.report});
  }
  void operator()(const command::DropCopyNumbers& numbers) const {
    // Numbers that went out are never used again.
    out.events.push_back(
        event::DropCopyNumbered{std::max(numbers.next_out, state.copy_out), numbers.next_in});
  }
  void operator()(const command::LogonComplete&) const {
    if (state.phase == SessionPhase::kLogonSent || state.phase == SessionPhase::kConnected)
      phase(out, SessionPhase::kBarrier);
  }
  void operator()(const command::BarrierAnswered&) const {
    if (state.phase == SessionPhase::kBarrier) phase(out, SessionPhase::kReconciling);
  }

  void operator()(const command::ResendAsked& asked) const {
    event::ResendDecided decided;
    decided.begin = asked.begin;
    decided.end = asked.end;
    const uint32_t end =
        asked.end == 0 || asked.end >= state.next_out ? state.next_out - 1 : asked.end;
    std::unordered_set<WireOrderId> left_out;  // what names one of these is left out too
    for (auto it = state.sent.lower_bound(asked.begin); it != state.sent.end() && it->first <= end;
         ++it) {
      const SentMessage& message = it->second;
      const auto order = state.orders.find(message.order);
      if (order == state.orders.end()) continue;
      const Wire* wire = order->second.find(message.wire);
      if (wire == nullptr || wire->state != WireState::kSent) continue;  // answered: not in doubt
      if (!left_out.contains(wire->original) && resendable(state, message, now)) continue;
      if (message.kind == SentKind::kStatus) continue;
      decided.gap_filled.push_back(it->first);
      left_out.insert(message.wire);
    }
    out.events.push_back(std::move(decided));
  }

  void operator()(const command::Advance&) const {
    const DueNow due = due_now(state, now);
    switch (due.due) {
      case Due::kNothing:
        return;
      case Due::kBreach:
        out.events.push_back(breach("requests taken are not those sent, refused and waiting"));
        return;
      case Due::kDayStart:
        out.events.push_back(
            event::NumbersSet{1, 1, true, state.rules.flag_resets, "a new session day"});
        return;
      case Due::kAway:
        away();
        return;
      case Due::kOpen:
        phase(out, SessionPhase::kOpen);
        return;
      case Due::kRefuse:
        out.events.push_back(event::RequestRefused{state.waiting[due.index].wire, due.reason});
        return;
      case Due::kOverdue:
        out.events.push_back(
            event::AnswerOverdue{unanswered(state, now, limits::kCommandsPerEntryMax)});
        return;
    }
  }

  // By rising id: a map's own order differs from member to member.
  void away() const {
    event::AwayTooLong event;
    for (const auto& [id, order] : state.orders)
      if (!order.done && !order.in_doubt && order.confirmed() != nullptr)
        event.orders.push_back(id);
    std::sort(event.orders.begin(), event.orders.end());
    event.more = event.orders.size() > kAwayStep;
    if (event.more) event.orders.resize(kAwayStep);
    out.events.push_back(std::move(event));
  }

  void operator()(const command::Kill& command) const {
    const KillSwitch& kill = command.kill;
    const bool known =
        std::any_of(state.kills.begin(), state.kills.end(), [&](const KillSwitch& in_force) {
          return in_force.scope == kill.scope && in_force.name == kill.name;
        });
    if (!known && kill.mode != KillMode::kNone && state.kills.size() >= limits::kKillSwitchesMax) {
      out.replies.push_back(effect::Answered{command.ticket, false, "too many kills in force"});
      return;
    }
    out.events.push_back(event::KillChanged{kill});
    if (kill.mode == KillMode::kFull) {
      GatewayState with;  // only its kills are looked at
      with.kills = {kill};
      for (const VenueRequest& request : state.waiting)
        if (killed(with, request))
          out.events.push_back(event::RequestRefused{request.wire, Reason::kVenueKilled});
    }
    out.replies.push_back(effect::Answered{command.ticket, true, {}});
  }

  void operator()(const command::Operate& operate) const {
    const VenueCommand& command = operate.command;
    const auto refuse = [&](std::string why) {
      out.replies.push_back(effect::Answered{operate.ticket, false, std::move(why)});
    };
    const bool out_now = state.phase == SessionPhase::kDown && state.want == Want::kOut;
    const bool good_number = command.number >= 1 && command.number <= INT32_MAX;
    switch (command.kind) {
      case VenueCommandKind::kHalt:
        out.events.push_back(
            event::HaltChanged{true, Reason::kVenueHalted, command.operator_name, command.reason});
        break;
      case VenueCommandKind::kResume:
        out.events.push_back(
            event::HaltChanged{false, Reason::kNone, command.operator_name, command.reason});
        break;
      case VenueCommandKind::kReconnect:
        if (state.want == Want::kOut || state.want == Want::kStop)
          return refuse("the session is logged out: use logon");
        if (state.phase != SessionPhase::kDown)
          out.events.push_back(event::WantedChanged{Want::kRelog});
        break;
      case VenueCommandKind::kLogout:
        out.events.push_back(event::WantedChanged{Want::kOut});
        break;
      case VenueCommandKind::kLogon:
        out.events.push_back(event::WantedChanged{Want::kUp});
        break;
      case VenueCommandKind::kSetOutbound:
      case VenueCommandKind::kSetInbound: {
        if (!out_now) return refuse("log the session out first, and wait until it is down");
        if (!good_number) return refuse("a sequence number is between 1 and 2147483647");
        const auto number = static_cast<uint32_t>(command.number);
        const bool outbound = command.kind == VenueCommandKind::kSetOutbound;
        out.events.push_back(event::NumbersSet{outbound ? number : state.next_out,
                                               outbound ? state.next_in : number, false, false,
                                               "by " + command.operator_name.str()});
        break;
      }
      case VenueCommandKind::kResetSequence:
        if (!out_now) return refuse("log the session out first, and wait until it is down");
        out.events.push_back(
            event::NumbersSet{1, 1, true, true, "by " + command.operator_name.str()});
        break;
    }
    out.replies.push_back(effect::Answered{operate.ticket, true, {}});
  }
};
}  // namespace

void GatewayCore::decide(const State& state, const Command& command, WallTime now, Decision& out) {
  std::visit(Decider{state, now, out}, command);
}

std::optional<WallTime> GatewayCore::next_deadline(const State& state) {
  return plan_deadline(state);
}

uint64_t GatewayCore::digest(const GatewayState& state) {
  replication::Digest digest;
  for (const uint64_t number :
       {uint64_t{state.next_out}, uint64_t{state.next_in}, static_cast<uint64_t>(state.phase),
        state.link, state.counters.taken, state.counters.sent, state.counters.refused,
        state.counters.reports, uint64_t{state.waiting.size()}, uint64_t{state.orders.size()},
        uint64_t{state.unknown.size()}, uint64_t{state.in_flight}})
    digest.add(number);
  for (const auto& [group, inbox] : state.inboxes) digest.add(inbox.cursor.value);
  for (const auto& [group, outbox] : state.outboxes) digest.add(outbox.last().value);
  return digest.value();
}

}  // namespace holdfast::venues
