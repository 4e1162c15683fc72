#include <algorithm>

#include "actors/venues/gateway.hpp"
#include "actors/venues/gateway_flow.hpp"

namespace holdfast::venues {

namespace {
struct Applier {
  GatewayState& state;
  const replication::Position& at;

  void set_phase(SessionPhase phase) const {
    const bool was_on = state.phase >= SessionPhase::kBarrier;
    const Duration limit = state.rules.cancel_on_disconnect;
    if (phase == SessionPhase::kDown && was_on && limit.ns > 0 && state.gone_since.ns == 0)
      state.gone_since = state.heard;
    if (phase == SessionPhase::kReconciling) {
      // Everything that the venue had to say of our absence is in.
      state.away_due |=
          limit.ns > 0 && state.gone_since.ns != 0 && at.time - state.gone_since > limit;
      state.gone_since = {};
    }
    state.phase = phase;
    state.phase_since = at.time;
    state.turn.status = true;
  }

  void operator()(const event::Started& started) const {
    state.rules = started.rules;
    state.logon_number = 0;
    state.logon_bytes = nullptr;
    if (state.want == Want::kStop || state.want == Want::kRelog) state.want = Want::kUp;
    state.turn.status = true;
  }
  void operator()(const event::RequestsTaken& taken) const { take_requests(state, taken); }
  void operator()(const event::PeerAcknowledged& peer) const {
    auto& inbox = state.inboxes[peer.from];
    if (inbox.epoch < peer.epoch) inbox.epoch = peer.epoch;
    auto& outbox = state.outboxes[peer.from];
    if (peer.cursor) outbox.acknowledge(peer.cursor);
  }
  void operator()(const event::PhaseChanged& changed) const {
    set_phase(changed.phase);
    if (changed.phase == SessionPhase::kLogonSent) state.logon_again = true;  // no new one
    if (changed.phase == SessionPhase::kConnected) {
      state.link += 1;
      state.barrier_sent = false;
    }
    if (changed.phase != SessionPhase::kDown) return;
    if (!changed.why.empty()) state.last_error = changed.why;
    if (changed.heard) state.logon_heard = true;
    if (state.want == Want::kRelog) state.want = Want::kUp;
    for (OrderId id : state.unknown) state.orders.at(id).status_asked = false;
  }
  void operator()(const event::MessageSent& sent) const {
    CHECK(sent.number == state.next_out);
    state.next_out += 1;
    if (sent.type == 'A') {
      state.logon_number = sent.number;
      state.logon_at = at.time;
      state.logon_heard = false;
      state.logon_again = false;
      state.logon_bytes = sent.bytes;
      state.flag_reset = false;
      if (state.phase == SessionPhase::kConnected) set_phase(SessionPhase::kLogonSent);
    } else if (sent.type == '5' && state.phase != SessionPhase::kDown) {
      set_phase(SessionPhase::kLoggingOut);
    }
    if (sent.barrier) state.barrier_sent = true;
    if (sent.kind != SentKind::kAdmin) record_sent(state, sent, at.time);
    sweep_sent(state, at.time);
  }
  void operator()(const event::MessageTaken& taken) const {
    state.logon_heard = true;
    if (state.rules.cancel_on_disconnect.ns > 0) state.heard = at.time;
    if (taken.number != 0) {
      CHECK(taken.number == state.next_in);
      state.next_in += 1;
    }
    if (taken.report) take_report(state, taken, at.time);
  }
  void operator()(const event::NumbersSet& set) const {
    state.next_in = set.next_in;
    // A gap-fill of the venue may have covered the answer to the TestRequest: it is asked again.
    if (state.phase == SessionPhase::kBarrier) state.barrier_sent = false;
    const bool forget = set.fresh || set.next_out != state.next_out;
    state.next_out = set.next_out;
    if (set.fresh) {
      state.created = at.time;
      state.counters.resets += 1;
    }
    if (set.flag) state.flag_reset = true;
    if (forget) {
      forget_numbers(state, at.time);
      state.logon_number = 0;
      state.logon_bytes = nullptr;
    }
  }
  void operator()(const event::ResendDecided& decided) const {
    state.resend_decided = at.time;
    // The TestRequest may be among what is repeated as a gap-fill: it is asked again afterwards.
    if (state.phase == SessionPhase::kBarrier) state.barrier_sent = false;
    state.counters.gap_filled += decided.gap_filled.size();
    doubt_sent(state, decided.gap_filled, DoubtCause::kGapFilled, at.time);
  }
  void operator()(const event::AnswerOverdue& overdue) const {
    doubt_sent(state, overdue.numbers, DoubtCause::kUnanswered, at.time);
    state.last_error = "no answer to " + std::to_string(overdue.numbers.size()) +
                       " orders in time: the venue is asked about them";
    state.turn.status = true;
  }
  void operator()(const event::RequestRefused& refused) const {
    refuse_request(state, refused, at.time);
  }
  void operator()(const event::DropCopyTaken& taken) const { take_copy(state, taken, at.time); }
  void operator()(const event::DropCopyNumbered& numbered) const {
    state.copy_out = numbered.next_out;
    state.copy_in = numbered.next_in;
  }
  void operator()(const event::AwayTooLong& away) const { doubt_away(state, away, at.time); }
  void operator()(const event::HaltChanged& halt) const {
    state.halted = halt.halted;
    state.halt_code = halt.code;
    state.halted_by = halt.by;
    state.halt_reason = halt.reason;
    state.turn.status = true;
  }
  void operator()(const event::KillChanged& changed) const {
    const KillSwitch& kill = changed.kill;
    std::erase_if(state.kills, [&](const KillSwitch& in_force) {
      return in_force.scope == kill.scope && in_force.name == kill.name;
    });
    if (kill.mode != KillMode::kNone) state.kills.push_back(kill);
    state.turn.status = true;
  }
  void operator()(const event::WantedChanged& changed) const { state.want = changed.want; }
  void operator()(const event::DeliveryRefused& refused) const {
    (refused.gap ? state.counters.gaps : state.counters.stale_epoch) += 1;
  }
};
}  // namespace

void GatewayCore::apply(State& state, const Event& event, const replication::Position& at) {
  state.turn.pushed.clear();
  state.turn.status = false;
  std::visit(Applier{state, at}, event);
}

void GatewayCore::effects(const State& state, const Event& event, const replication::Position&,
                          std::vector<Effect>& out) {
  if (const auto* sent = std::get_if<event::MessageSent>(&event)) {
    if (sent->bytes != nullptr)
      out.push_back(effect::SendBytes{state.link, sent->number, sent->type, sent->bytes});
  } else if (const auto* taken = std::get_if<event::RequestsTaken>(&event)) {
    out.push_back(effect::Acknowledge{taken->from, taken->cursor});
  } else if (const auto* changed = std::get_if<event::PhaseChanged>(&event)) {
    if (changed->cut) out.push_back(effect::CloseLink{state.link});
  }
  if (const auto* numbered = std::get_if<event::DropCopyNumbered>(&event))
    out.push_back(effect::DropCopyReserved{numbered->next_out});
  for (const auto& [shard, seq] : state.turn.pushed)
    out.push_back(effect::Deliver{shard, seq, state.outboxes.at(shard).at(seq)});
  if (state.turn.status)
    out.push_back(effect::StatusChanged{session_state(state), state.in_flight});
}

void GatewayCore::outstanding(const State& state, std::vector<Effect>& out) {
  for (const auto& [shard, inbox] : state.inboxes)
    if (inbox.cursor) out.push_back(effect::Acknowledge{shard, inbox.cursor});
  out.push_back(effect::Leads{});
  for (const auto& [shard, outbox] : state.outboxes)
    for (OutboxSeq seq{outbox.acknowledged().value + 1}; seq <= outbox.last(); ++seq.value)
      out.push_back(effect::Deliver{shard, seq, outbox.at(seq)});
}

}  // namespace holdfast::venues
