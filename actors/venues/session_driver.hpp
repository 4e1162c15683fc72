// What a gateway's shell and its FIX session need of each other: the session sees the replicated
// core through GatewayPort, the shell drives the session through SessionDriver. Interfaces only, so
// that the shell is tested without QuickFIX and the session without actors.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "actors/venues/gateway.hpp"

namespace holdfast::venues {

/// Who we are to the venue, and how the session is spoken.
struct SessionIdentity {
  std::string begin_string = "FIX.4.4";
  std::string sender, target;       // SenderCompID (49), TargetCompID (56)
  uint32_t heartbeat_seconds = 30;  // HeartBtInt (108)
  std::string dictionary;           // path of the FIX 4.4 dictionary; empty: nothing is validated
  std::string username, password;   // (553, 554) in the Logon, when not empty
  uint32_t max_latency_seconds = 120;  // a SendingTime further off is refused; 0: not checked
};

/// The replicated core as the session sees it. Commands take effect in state() at once.
class GatewayPort {
 public:
  virtual ~GatewayPort() = default;
  virtual const GatewayState& state() const = 0;
  virtual void submit(const GatewayCommand& command) = 0;
  /// The time that a command submitted now is decided at; constant through a loop turn.
  virtual WallTime now() const = 0;
};

/// Counts in this process's life.
struct SessionStats {
  uint64_t received = 0;   // whole messages
  uint64_t malformed = 0;  // of them, refused by the dictionary, by QuickFIX or by us
  uint64_t ignored = 0;    // of them, application messages that we have no use for
  uint64_t resent = 0;     // messages and gap-fills without a number of their own
};

/// A FIX session on the leader. Not thread-safe: used on its gateway's loop. After an exception
/// left any function (a CHECK in the core) the object is dead: destroy it with the gateway.
class SessionDriver {
 public:
  virtual ~SessionDriver() = default;
  /// The transport connected; the Logon is made (or made again).
  virtual void link_up() = 0;
  /// The transport's connection ended. `heard`: anything had been received on it.
  virtual void link_lost(const std::string& why, bool heard) = 0;
  /// One whole message (see FixFramer), in order.
  virtual void receive(std::string_view message) = 0;
  /// Heartbeats and test requests; then as pump(). Every 10 ms or so.
  virtual void tick() = 0;
  /// Carries out what the core has planned: encodes what waits, settles what is unknown, refuses
  /// what is too old. After anything that changed the core's state. A bounded piece of it: the loop
  /// has other members' heartbeats to answer.
  virtual void pump() = 0;
  /// A bound ended the last piece: pump() is wanted again in the next turn.
  virtual bool busy() const = 0;
  virtual const SessionStats& stats() const = 0;
};

using MakeSession = std::function<Result<std::unique_ptr<SessionDriver>>(GatewayPort& port)>;

}  // namespace holdfast::venues
