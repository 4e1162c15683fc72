// The misbehaviour of the simulated exchange that can be switched on while it runs, other than the
// order desk's own (order_desk.hpp). Plain numbers: whoever does the work looks at them. All off by
// default.
#pragma once

#include <cstdint>

namespace holdfast::exchange {

struct Faults {
  uint64_t delay_ms = 0;  // every outgoing byte waits so long
  bool silent = false;    // messages are worked on, but not a byte leaves
  bool frozen = false;    // nothing is read and nothing leaves, as after SIGSTOP
  uint64_t drop_after =
      0;  // so many more application messages, then their connection is cut unanswered; 0 never
  uint64_t duplicate_reports =
      0;                       // so many more reports are sent twice (same ExecID, next MsgSeqNum)
  uint64_t refuse_logons = 0;  // so many more logons are refused
  uint64_t refuse_relogon_ms = 0;  // a session that went offline can't log on again for so long
};

}  // namespace holdfast::exchange
