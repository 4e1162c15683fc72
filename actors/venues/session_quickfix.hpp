// One FIX session driven through QuickFIX as an encoder and rule keeper. QuickFIX never sees a
// socket or a file: its store is a view on the gateway's journaled state, what it sends is captured
// and becomes a command of the journal entry at hand, and bytes reach the wire only as committed
// effects. What to do and when is decided by the core (session_plan.hpp); this class carries it
// out.
#pragma once

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
  virtual WallTime now() const = 0;
};

/// Counts in this process's life.
struct SessionStats {
  uint64_t received = 0;   // whole messages
  uint64_t malformed = 0;  // of them, refused by the dictionary, by QuickFIX or by us
  uint64_t ignored = 0;    // of them, application messages that we have no use for
  uint64_t resent = 0;     // messages and gap-fills without a number of their own
};

/// The session on the leader. Not thread-safe: used on its gateway's loop. After an exception left
/// any function (a CHECK in the core) the object is dead: destroy it with the gateway.
class VenueSession {
 public:
  /// kInvalid when the dictionary can't be read or an identity is missing. `port` must outlive it,
  /// and command::Start must have been submitted.
  static Result<std::unique_ptr<VenueSession>> create(const SessionIdentity& identity,
                                                      GatewayPort& port);
  ~VenueSession();
  VenueSession(const VenueSession&) = delete;
  VenueSession& operator=(const VenueSession&) = delete;

  /// The transport connected; the Logon is made (or made again).
  void link_up();
  /// The transport's connection ended. `heard`: anything had been received on it.
  void link_lost(const std::string& why, bool heard);
  /// One whole message (see FixFramer), in order.
  void receive(std::string_view message);
  /// Heartbeats and test requests; then as pump(). Every 10 ms or so.
  void tick();
  /// Carries out what the core has planned: encodes what waits, settles what is unknown, refuses
  /// what is too old. After anything that changed the core's state.
  void pump();

  const SessionStats& stats() const;

 private:
  struct Impl;
  explicit VenueSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::venues
