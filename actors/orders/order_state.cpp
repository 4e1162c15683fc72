#include "actors/orders/order_state.hpp"

#include <array>

namespace holdfast::orders {

namespace {

using S = OrderState;
using E = OrderEvent;
using D = Disposition;

// What a cell of the table does. Where the next state is not fixed it follows from the facts.
enum class Act : uint8_t {
  kNothing,
  kMove,          // to the cell's state
  kAcknowledge,   // the venue has it
  kFill,          // books; Filled when nothing is left
  kReject,        // Rejected, or Cancelled when something was filled before
  kEnd,           // to the cell's state; answers the pending request if that is what came
  kReplace,       // new quantity
  kRestore,       // the pending request is off, the order stands as before it
  kAnswer,        // the pending request is off, the state stays
  kRepeat,        // nothing new, but it may be the pending request's answer
  kAskCancel,     // or refuse, or defer, by what is pending
  kAskReplace,    // or refuse, by what is pending
  kLose,          // the outcome is not known
  kProveNotSent,  // only if the venue never showed the order
  kTakeBack,      // a trade cancelled
  kCorrect,       // a trade corrected
};

struct Cell {
  D disposition = D::kAnomaly;
  Act act = Act::kNothing;
  S to = S::kNew;
  Reason refusal = Reason::kNone;
};

constexpr Cell move_to(S to) { return {D::kApplied, Act::kMove, to}; }
constexpr Cell end_in(S to) { return {D::kApplied, Act::kEnd, to}; }
constexpr Cell refuse(Reason reason) { return {D::kRefused, Act::kNothing, S::kNew, reason}; }

constexpr Cell xx{};  // contradicts what is known
constexpr Cell same{D::kUnchanged};
constexpr Cell ackn{D::kApplied, Act::kAcknowledge};
constexpr Cell fill{D::kApplied, Act::kFill};
constexpr Cell late{D::kBookedLate, Act::kFill};
constexpr Cell reje{D::kApplied, Act::kReject};
constexpr Cell urej{D::kUnsolicited, Act::kReject};
constexpr Cell repl{D::kApplied, Act::kReplace};
constexpr Cell urep{D::kUnsolicited, Act::kReplace};
constexpr Cell back{D::kApplied, Act::kRestore};
constexpr Cell answ{D::kApplied, Act::kAnswer};
constexpr Cell rept{D::kUnchanged, Act::kRepeat};
constexpr Cell askc{D::kApplied, Act::kAskCancel};
constexpr Cell askr{D::kApplied, Act::kAskReplace};
constexpr Cell lose{D::kApplied, Act::kLose};
constexpr Cell nots{D::kApplied, Act::kProveNotSent};
constexpr Cell bust{D::kApplied, Act::kTakeBack};
constexpr Cell corr{D::kApplied, Act::kCorrect};
constexpr Cell vali = move_to(S::kValidated);
constexpr Cell refu = move_to(S::kRejected);
constexpr Cell appr = move_to(S::kRiskApproved);
constexpr Cell bloc = move_to(S::kBlocked);
constexpr Cell rout = move_to(S::kRouted);
constexpr Cell canc = end_in(S::kCancelled);
constexpr Cell expi = end_in(S::kExpired);
constexpr Cell done = refuse(Reason::kTooLateToCancel);
constexpr Cell unkn = refuse(Reason::kOutcomeUnknown);
constexpr Cell pend = refuse(Reason::kPendingRequest);

// Columns: Validate Refuse Approve Block Route | Accept Reject Fill Cancel Replace Expire
// CancelReject | RequestCancel RequestReplace | Lose ProveNotSent DropRequest | TradeCancel
// TradeCorrect ShowOpen
// clang-format off
constexpr std::array<std::array<Cell, kOrderEvents>, kOrderStates> kTable = {{
    /* New            */ {{vali, refu, xx,   xx,   xx,    xx,   xx,   late, xx,   xx,   xx,   xx,    pend, pend,  xx,   xx,   xx,    xx,   xx,   xx}},
    /* Validated      */ {{xx,   refu, appr, bloc, xx,    xx,   xx,   late, xx,   xx,   xx,   xx,    pend, pend,  xx,   xx,   xx,    xx,   xx,   xx}},
    /* RiskApproved   */ {{xx,   refu, xx,   xx,   rout,  xx,   xx,   late, xx,   xx,   xx,   xx,    pend, pend,  xx,   xx,   xx,    xx,   xx,   xx}},
    /* Routed         */ {{xx,   xx,   xx,   xx,   xx,    ackn, reje, fill, canc, urep, expi, xx,    askc, askr,  lose, nots, xx,    xx,   xx,   ackn}},
    /* Accepted       */ {{xx,   xx,   xx,   xx,   xx,    same, urej, fill, canc, urep, expi, xx,    askc, askr,  lose, xx,   xx,    bust, corr, same}},
    /* PartiallyFilled*/ {{xx,   xx,   xx,   xx,   xx,    same, urej, fill, canc, urep, expi, xx,    askc, askr,  lose, xx,   xx,    bust, corr, same}},
    /* PendingCancel  */ {{xx,   xx,   xx,   xx,   xx,    ackn, reje, fill, canc, urep, expi, back,  pend, pend,  lose, nots, back,  bust, corr, ackn}},
    /* PendingReplace */ {{xx,   xx,   xx,   xx,   xx,    ackn, reje, fill, canc, repl, expi, back,  askc, pend,  lose, nots, back,  bust, corr, ackn}},
    /* Unknown        */ {{xx,   xx,   xx,   xx,   xx,    ackn, reje, fill, canc, repl, expi, back,  askc, unkn,  same, nots, back,  bust, corr, ackn}},
    /* Blocked        */ {{xx,   xx,   xx,   xx,   xx,    xx,   xx,   late, xx,   xx,   xx,   xx,    done, done,  xx,   xx,   xx,    bust, corr, xx}},
    /* Rejected       */ {{xx,   xx,   xx,   xx,   xx,    xx,   same, late, xx,   xx,   xx,   answ,  done, done,  xx,   xx,   answ,  bust, corr, xx}},
    /* Filled         */ {{xx,   xx,   xx,   xx,   xx,    xx,   xx,   late, xx,   repl, xx,   answ,  done, done,  same, xx,   answ,  bust, corr, xx}},
    /* Cancelled      */ {{xx,   xx,   xx,   xx,   xx,    xx,   xx,   late, rept, xx,   xx,   answ,  done, done,  same, xx,   answ,  bust, corr, xx}},
    /* Expired        */ {{xx,   xx,   xx,   xx,   xx,    xx,   xx,   late, xx,   xx,   rept, answ,  done, done,  same, xx,   answ,  bust, corr, xx}},
    /* NotSent        */ {{xx,   xx,   xx,   xx,   xx,    xx,   xx,   late, xx,   xx,   xx,   answ,  done, done,  xx,   same, answ,  bust, corr, xx}},
}};
// clang-format on

const Cell& cell_of(S state, E event) {
  CHECK(static_cast<int>(state) < kOrderStates);
  CHECK(static_cast<int>(event) < kOrderEvents);
  return kTable[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

// The state of an order that works at the venue, as far as is known.
S live_state(const OrderFacts& f) {
  if (f.lost) return S::kUnknown;
  if (f.pending == Pending::kCancel) return S::kPendingCancel;
  if (f.pending == Pending::kReplace) return S::kPendingReplace;
  if (!f.acknowledged) return S::kRouted;
  return f.cumulative.positive() ? S::kPartiallyFilled : S::kAccepted;
}

// The venue has the order, so its outcome is no longer lost.
void acknowledge(OrderFacts& f) {
  f.acknowledged = true;
  f.lost = false;
}

Quantity minus(Quantity a, Quantity b) { return a > b ? a - b : Quantity{}; }

void end(OrderFacts& f, S state) {
  f.state = state;
  f.leaves = {};
  f.lost = false;
}

void book_fill(Step& s, Quantity amount) {
  OrderFacts& f = s.after;
  const bool live = !is_terminal(f.state) && f.state >= S::kRouted;
  s.overfill = amount > f.leaves && live;
  f.cumulative = f.cumulative + amount;
  f.leaves = minus(f.leaves, amount);
  if (!live) return;  // late money: the state stays
  acknowledge(f);
  if (f.leaves.zero())
    end(f, S::kFilled);
  else
    f.state = live_state(f);
}

void clear_pending(Step& s) {
  OrderFacts& f = s.after;
  f.pending = Pending::kNone;
  s.release_cancel = f.cancel_deferred;
  f.cancel_deferred = false;
}

void replace(Step& s, const EventFacts& numbers) {
  OrderFacts& f = s.after;
  if (f.state == S::kFilled && numbers.amount <= f.cumulative && !numbers.answers) {
    s.disposition = D::kAnomaly;
    return;
  }
  if (numbers.answers && f.pending == Pending::kReplace)
    clear_pending(s);
  else
    s.disposition = D::kUnsolicited;
  acknowledge(f);
  // Below what is filled already, the venue can only take away the rest (appendix D).
  f.quantity = numbers.amount > f.cumulative ? numbers.amount : f.cumulative;
  f.leaves = f.quantity - f.cumulative;
  if (f.leaves.zero())
    end(f, S::kFilled);
  else
    f.state = live_state(f);
}

void restore(Step& s) {
  OrderFacts& f = s.after;
  if (f.pending == Pending::kNone) {
    s.disposition = D::kAnomaly;
    return;
  }
  clear_pending(s);
  if (f.acknowledged) f.lost = false;  // it was the request whose outcome was lost
  f.state = live_state(f);
}

void ask_cancel(Step& s) {
  OrderFacts& f = s.after;
  if (f.pending == Pending::kCancel || f.cancel_deferred) {
    s.disposition = D::kRefused;
    s.refusal = Reason::kPendingRequest;
  } else if (f.pending == Pending::kReplace) {
    s.disposition = D::kDeferred;
    f.cancel_deferred = true;
  } else {
    f.pending = Pending::kCancel;
    f.state = live_state(f);
  }
}

void ask_replace(Step& s) {
  OrderFacts& f = s.after;
  f.pending = Pending::kReplace;
  f.state = live_state(f);
}

void change_trade(Step& s, Quantity was, Quantity is) {
  OrderFacts& f = s.after;
  if (was > f.cumulative) {
    s.disposition = D::kAnomaly;
    return;
  }
  f.cumulative = f.cumulative - was + is;
  if (!is_terminal(f.state)) {
    if (is > was) f.leaves = minus(f.leaves, is - was);
    if (f.leaves.zero())
      end(f, S::kFilled);
    else
      f.state = live_state(f);  // what was taken back is not put back into the market
  }
}

}  // namespace

std::string_view name_of(Disposition disposition) {
  switch (disposition) {
    case D::kApplied:
      return "Applied";
    case D::kUnchanged:
      return "Unchanged";
    case D::kUnsolicited:
      return "Unsolicited";
    case D::kBookedLate:
      return "BookedLate";
    case D::kAnomaly:
      return "Anomaly";
    case D::kRefused:
      return "Refused";
    case D::kDeferred:
      return "Deferred";
  }
  return "Invalid";
}

bool legal(OrderState state, OrderEvent event) {
  const D d = cell_of(state, event).disposition;
  return d != D::kAnomaly && d != D::kRefused;
}

Step step(const OrderFacts& facts, OrderEvent event, const EventFacts& numbers) {
  const Cell& cell = cell_of(facts.state, event);
  Step s{cell.disposition, cell.refusal, facts};
  OrderFacts& f = s.after;
  switch (cell.act) {
    case Act::kNothing:
      break;
    case Act::kMove:
      f.state = cell.to;
      if (cell.to == S::kRouted) f.leaves = f.quantity;
      break;
    case Act::kAcknowledge:
      acknowledge(f);
      f.state = live_state(f);
      if (f == facts) s.disposition = D::kUnchanged;
      break;
    case Act::kFill:
      book_fill(s, numbers.amount);
      break;
    case Act::kReject:
      end(f, f.cumulative.positive() ? S::kCancelled : S::kRejected);
      break;
    case Act::kEnd:
      if (numbers.answers && f.pending == Pending::kCancel)
        clear_pending(s);
      else if (cell.to == S::kCancelled && f.pending == Pending::kCancel)
        s.disposition = D::kUnsolicited;  // the cancel's own answer is still to come
      acknowledge(f);
      end(f, cell.to);
      break;
    case Act::kReplace:
      replace(s, numbers);
      break;
    case Act::kRestore:
      restore(s);
      break;
    case Act::kAnswer:
      if (f.pending == Pending::kNone)
        s.disposition = D::kAnomaly;
      else
        clear_pending(s);
      break;
    case Act::kRepeat:
      if (numbers.answers && f.pending != Pending::kNone) {
        s.disposition = D::kApplied;
        clear_pending(s);
      }
      break;
    case Act::kAskCancel:
      ask_cancel(s);
      break;
    case Act::kAskReplace:
      ask_replace(s);
      break;
    case Act::kLose:
      f.lost = true;
      f.state = live_state(f);
      break;
    case Act::kProveNotSent:
      if (f.acknowledged)
        s.disposition = D::kAnomaly;
      else
        end(f, S::kNotSent);
      break;
    case Act::kTakeBack:
      change_trade(s, numbers.amount, {});
      break;
    case Act::kCorrect:
      change_trade(s, numbers.previous, numbers.amount);
      break;
  }
  // However odd, the venue has answered the request: nothing is pending there any more.
  if (s.disposition == D::kAnomaly && numbers.answers && is_terminal(f.state) &&
      f.pending != Pending::kNone)
    clear_pending(s);
  return s;
}

}  // namespace holdfast::orders
