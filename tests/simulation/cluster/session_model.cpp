#include "tests/simulation/cluster/session_model.hpp"

#include <tuple>

namespace holdfast::cluster_simulation {

using namespace venues;

namespace {

// HeartBtInt (108), a little over it, and when a connection counts as dead.
constexpr Duration kHeartbeat = ms(2'000), kTest = ms(2'400), kDead = ms(4'800);

uint64_t units(Quantity quantity) { return static_cast<uint64_t>(quantity.units); }

Quantity quantity_of(const FixMessage& message, int tag) {
  return Quantity::from_units(static_cast<int64_t>(message.number(tag)));
}

OrderState state_of(char status) {
  switch (status) {
    case '0':
      return OrderState::kAccepted;
    case '1':
      return OrderState::kPartiallyFilled;
    case '2':
      return OrderState::kFilled;
    case '3':
    case 'C':
      return OrderState::kExpired;
    case '4':
      return OrderState::kCancelled;
    case '8':
      return OrderState::kRejected;
    default:
      return OrderState::kUnknown;
  }
}

VenueReportKind kind_of(char exec_type) {
  switch (exec_type) {
    case '0':
      return VenueReportKind::kAccepted;
    case 'F':
      return VenueReportKind::kFill;
    case 'C':
      return VenueReportKind::kExpired;
    case '4':
      return VenueReportKind::kCancelled;
    case '5':
      return VenueReportKind::kReplaced;
    case '8':
      return VenueReportKind::kRejected;
    default:
      return VenueReportKind::kStatus;
  }
}

/// What ExecutionReport and OrderCancelReject say, in our words (see fix/report_quickfix.cpp).
void decode(const FixMessage& message, command::Inbound& inbound) {
  VenueReport report;
  report.wire = WireOrderId(message.get(11));
  report.original = WireOrderId(message.get(41));
  report.venue_order_id = VenueOrderId(message.get(37));
  report.possible_duplicate = message.possible_duplicate();
  report.trade_date = 20260302;
  if (message.type() == '9') {
    report.kind = VenueReportKind::kCancelRejected;
    report.reason = Reason::kVenueCancelReject;
  } else {
    report.kind = kind_of(message.get(150)[0]);
    report.venue_state = state_of(message.get(39)[0]);
    report.exec_id = ExecId(message.get(17));
    report.symbol = Symbol(message.get(55));
    report.side = message.get(54) == "1" ? Side::kBuy : Side::kSell;
    report.quantity = quantity_of(message, 38);
    report.price = Price::from_units(static_cast<int64_t>(message.number(44)));
    report.last_quantity = quantity_of(message, 32);
    report.last_price = Price::from_units(static_cast<int64_t>(message.number(31)));
    report.cumulative_quantity = quantity_of(message, 14);
    report.leaves_quantity = quantity_of(message, 151);
    if (report.kind == VenueReportKind::kRejected) report.reason = Reason::kVenueReject;
    inbound.unknown_order = report.kind == VenueReportKind::kStatus && message.get(103) == "5";
  }
  inbound.report = report;
}

}  // namespace

// ---- what the plan says

void SessionModel::link_up() {
  heard_ = false;
  last_received_ = last_sent_ = hooks_.now();
  port_.submit(command::LinkUp{});
  pump();
}

void SessionModel::link_lost(const std::string& why, bool heard) {
  connected_ = logged_on_ = false;
  asked_for_ = 0;
  port_.submit(command::LinkLost{why, heard});
  pump();
}

void SessionModel::tick() {
  const SessionPhase phase = state().phase;
  if (connected_ && phase != SessionPhase::kDown && phase != SessionPhase::kConnected &&
      phase != SessionPhase::kLogonSent) {
    const MonoTime now = hooks_.now();
    if (now - last_received_ > kDead) {
      sim_.sometimes("a gateway gave up a silent connection");
      cut("the venue is silent");
    } else {
      if (now - last_received_ > kTest && !test_sent_) {
        test_sent_ = true;
        send_admin(FixWriter('1', state().next_out).add(112, "TEST"));
      }
      if (now - last_sent_ >= kHeartbeat) send_admin(FixWriter('0', state().next_out));
    }
  }
  pump();
}

void SessionModel::pump() {
  for (;;) {
    const GatewayState& s = state();
    const Action action = next_action(s, port_.now());
    if (action.kind == ActionKind::kNothing) return;
    const auto progress = [&s] {
      return std::tuple(s.next_out, s.phase, s.link, s.halted, s.created, s.waiting.size(),
                        s.unknown.size());
    };
    const auto before = progress();
    carry_out(action);
    CHECK(progress() != before);
  }
}

void SessionModel::carry_out(const Action& action) {
  switch (action.kind) {
    case ActionKind::kNothing:
      return;
    case ActionKind::kAdvance:
      return port_.submit(command::Advance{});
    case ActionKind::kBuildLogon:
      connected_ = true;
      logged_on_ = false;
      asked_for_ = 0;
      return send_admin(FixWriter('A', state().next_out).add(108, 2));
    case ActionKind::kReuseLogon:
      connected_ = true;
      sim_.sometimes("a Logon was used again");
      return port_.submit(command::ReuseLogon{});
    case ActionKind::kSendBarrier:
      return send_admin(FixWriter('1', state().next_out).add(112, action.text), true);
    case ActionKind::kSendStatus:
      return send_status(action.order);
    case ActionKind::kSendRequest:
      return send_request(action);
    case ActionKind::kSendLogout:
      return send_admin(FixWriter('5', state().next_out).add(58, action.text));
    case ActionKind::kCut:
      return cut(action.text);
  }
}

void SessionModel::cut(const std::string& why, bool fatal) {
  connected_ = logged_on_ = false;
  if (fatal) sim_.say(0, "the session's numbers disagree", 0, 0, why);
  port_.submit(command::Cut{why, heard_, fatal});
}

void SessionModel::send_admin(FixWriter message, bool barrier) {
  last_sent_ = hooks_.now();
  command::Outbound outbound;
  outbound.number = state().next_out;
  outbound.bytes = message.done();
  outbound.type = (*outbound.bytes)[3];
  outbound.barrier = barrier;
  port_.submit(outbound);
}

void SessionModel::send_request(const Action& action) {
  const VenueRequest request = state().waiting[action.index];
  if (request.kind == VenueRequestKind::kStatus) return send_status(request.order);
  const char type = request.kind == VenueRequestKind::kNew      ? 'D'
                    : request.kind == VenueRequestKind::kCancel ? 'F'
                                                                : 'G';
  FixWriter message(type, state().next_out);
  message.add(11, request.wire.view()).add(526, request.client_order_id.view());
  message.add(1, request.account.view()).add(55, request.symbol.view());
  message.add(54, request.side == Side::kBuy ? 1 : 2).add(38, units(request.quantity));
  message.add(44, static_cast<uint64_t>(request.price.units));
  message.add(59, static_cast<uint64_t>(request.time_in_force));
  if (type != 'D') message.add(41, action.original.view());
  command::Outbound outbound;
  outbound.number = state().next_out;
  outbound.type = type;
  outbound.kind = type == 'D'   ? SentKind::kNew
                  : type == 'F' ? SentKind::kCancel
                                : SentKind::kReplace;
  outbound.order = request.order;
  outbound.wire = request.wire;
  if (type != 'D') outbound.original = action.original;
  outbound.bytes = message.done();
  last_sent_ = hooks_.now();
  port_.submit(outbound);
}

void SessionModel::send_status(OrderId id) {
  sim_.sometimes("the venue was asked about an unknown order");
  const WireOrderId wire = state().orders.at(id).status_wire();
  command::Outbound outbound;
  outbound.number = state().next_out;
  outbound.type = 'H';
  outbound.kind = SentKind::kStatus;
  outbound.order = id;
  outbound.wire = wire;
  outbound.bytes = FixWriter('H', state().next_out).add(11, wire.view()).done();
  last_sent_ = hooks_.now();
  port_.submit(outbound);
}

// ---- what comes in

void SessionModel::receive(std::string_view text) {
  stats_.received += 1;
  heard_ = true;
  last_received_ = hooks_.now();
  test_sent_ = false;
  if (!connected_) return;
  take(FixMessage(text));
  pump();
}

void SessionModel::take(const FixMessage& message) {
  const uint32_t number = message.sequence(), expected = state().next_in;
  const char type = message.type();
  if (!logged_on_ && type != 'A' && type != '5') return cut("the first message is no Logon");
  if (type == '2') return take_resend_request(message);
  if (number < expected) {
    if (!message.possible_duplicate())
      return cut("MsgSeqNum too low, expecting " + std::to_string(expected) + " but received " +
                     std::to_string(number),
                 true);
    sim_.sometimes("a repeated report was left aside");
    return;
  }
  if (type == 'A') return take_logon(message);
  if (type == '5' && (number > expected || !logged_on_)) return logged_out(message);
  if (number > expected) return ask_resend();
  take_in_order(message);
}

/// Numbers that disagree are for a person: the session stays out.
void SessionModel::logged_out(const FixMessage& message) {
  const std::string text(message.get(58));
  cut("the venue logged out: " + text, text.find("too low") != std::string::npos);
}

void SessionModel::take_logon(const FixMessage& message) {
  const bool ahead = message.sequence() > state().next_in;
  logged_on_ = true;
  if (ahead)
    ask_resend();
  else
    inbound(message);
  port_.submit(command::LogonComplete{});
}

void SessionModel::take_in_order(const FixMessage& message) {
  switch (message.type()) {
    case '0':
      if (message.get(112) == barrier_id(state())) port_.submit(command::BarrierAnswered{});
      return inbound(message);
    case '1':
      inbound(message);
      return send_admin(FixWriter('0', state().next_out).add(112, message.get(112)));
    case '4':
      return take_gap_fill(message);
    case '5':
      inbound(message);
      if (state().phase != SessionPhase::kLoggingOut) send_admin(FixWriter('5', state().next_out));
      return logged_out(message);
    default:
      return inbound(message);
  }
}

void SessionModel::inbound(const FixMessage& message) {
  command::Inbound in;
  in.number = state().next_in;
  if (message.type() == '8')
    sim_.say(0, "session: report under number", in.number, 0,
             std::string(message.get(11)) + " " + std::string(message.get(150)) + " " +
                 std::string(message.get(17)));
  if (message.type() == '8' || message.type() == '9') decode(message, in);
  if (sim_.bug() == Bug::kNumberBeforeReport && in.report) {
    const auto report = in;
    in = {};
    in.number = report.number;
    hooks_.later(ms(5), [this, report] {
      auto late = report;
      late.number = 0;
      port_.submit(late);
    });
  }
  port_.submit(in);
}

void SessionModel::take_gap_fill(const FixMessage& message) {
  const auto next = static_cast<uint32_t>(message.number(36));
  if (next > state().next_in) port_.submit(command::TargetMoved{next});
}

/// What is missing, once. Everything from there on comes again, also what came ahead of its turn.
void SessionModel::ask_resend() {
  if (asked_for_ == state().next_in) return;
  asked_for_ = state().next_in;
  sim_.sometimes("a gateway asked for a resend");
  send_admin(FixWriter('2', state().next_out).add(7, state().next_in).add(16, 0));
}

void SessionModel::take_resend_request(const FixMessage& message) {
  const auto begin = static_cast<uint32_t>(message.number(7));
  const auto end = static_cast<uint32_t>(message.number(16));
  const bool in_order = message.sequence() == state().next_in;
  if (begin != 0 && begin < state().next_out && (end == 0 || end >= begin)) {
    port_.submit(command::ResendAsked{begin, end});
    resend(begin, end);
  }
  if (in_order) inbound(message);
}

void SessionModel::resend(uint32_t begin, uint32_t end) {
  const uint32_t last = end == 0 || end >= state().next_out ? state().next_out - 1 : end;
  uint32_t hole = begin;  // first number not stood for yet
  const auto close_hole = [&](uint32_t upto) {
    if (hole < upto) port_.submit(command::Unnumbered{gap_fill(hole, upto)});
  };
  struct Again {
    uint32_t number;
    FixBytes bytes;
    SentKind kind;
  };
  std::vector<Again> again;
  for (auto it = state().sent.lower_bound(begin); it != state().sent.end() && it->first <= last;
       ++it)
    if (resendable(state(), it->second, state().resend_decided))
      again.push_back({it->first, it->second.bytes, it->second.kind});
  for (const Again& one : again) {
    close_hole(one.number);
    hole = one.number + 1;
    sim_.sometimes("a young order was sent again", one.kind == SentKind::kNew ? 1 : 0);
    if (sim_.bug() == Bug::kNewIdOnResend) {
      // As an order of its own: another name, and no PossDupFlag; the old number is filled.
      std::string text = *one.bytes;
      const auto at = text.find("|11=") + 4;
      text.insert(text.find('|', at), "R");
      port_.submit(command::Unnumbered{std::make_shared<const std::string>(text)});
      continue;
    }
    port_.submit(command::Unnumbered{sent_again(*one.bytes)});
    stats_.resent += 1;
    if (sim_.bug() == Bug::kYoungReportedNotSent && one.kind == SentKind::kNew) {
      command::Inbound never;
      never.unknown_order = true;
      never.report.emplace();
      never.report->wire = WireOrderId(FixMessage(*one.bytes).get(11));
      port_.submit(never);
    }
  }
  close_hole(last + 1);
}

}  // namespace holdfast::cluster_simulation
