// The seam of the simulated exchange between its FIX sessions (exchange_quickfix) and its event
// loop (venue_linux), so that neither library sees the other: connections are numbers, bytes go
// both ways. All of it runs on the loop's one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "messages/time.hpp"
#include "nodes/venue/faults.hpp"
#include "nodes/venue/order_desk.hpp"

namespace holdfast::exchange {

/// A FIX connection's number, never used twice. 0 is none.
using ConnectionId = uint64_t;

/// What the sessions may do to a connection. Calls only collect: bytes leave after the record is
/// written.
class Wire {
 public:
  virtual ~Wire() = default;
  virtual void send(ConnectionId connection, std::string_view bytes) = 0;
  /// Closes once what was sent has left.
  virtual void close(ConnectionId connection) = 0;
  /// Closes at once; what was not sent is lost.
  virtual void abort(ConnectionId connection) = 0;
};

/// Both clocks, read by the loop.
struct Now {
  WallTime wall;
  MonoTime mono;
};

/// What the exchange is started with.
struct ExchangeOptions {
  std::string sender = "VENUE";            // own CompID
  std::string drop_copy_suffix = "-DROP";  // counterparties that end so get copies; empty: none do
  std::string store_directory;             // empty: sessions live in memory
  std::vector<std::string> symbols;        // empty: any
  Duration cancel_on_disconnect{0};        // grace before DAY orders are cancelled; 0: never
  bool replace_connection = false;         // a second logon takes over instead of being refused
};

/// What is counted, for `stats`. Each number only grows, but for `sessions_online`.
struct Counters {
  uint64_t connections = 0;
  uint64_t garbage = 0;    // connections closed for bytes that are not FIX 4.4 for us
  uint64_t garbled = 0;    // messages ignored for a wrong checksum
  uint64_t malformed = 0;  // messages answered by Reject or BusinessMessageReject
  uint64_t logons = 0;
  uint64_t logons_refused = 0;
  uint64_t logouts = 0;              // sessions gone offline, whatever the reason
  uint64_t messages = 0;             // received, session level included
  uint64_t possible_duplicates = 0;  // of those, application messages that had arrived before
  uint64_t accepted = 0;
  uint64_t rejected = 0;
  uint64_t duplicates = 0;
  uint64_t executions = 0;  // sides of trades
  uint64_t cancelled = 0;
  uint64_t replaced = 0;
  uint64_t expired = 0;
  uint64_t refused = 0;  // cancels and replaces
  uint64_t statuses = 0;
  uint64_t copies = 0;           // sent to drop-copy sessions
  uint64_t connections_cut = 0;  // for not logging on, or not taking what is sent, in time
  uint64_t faults = 0;           // times that a switched-on fault acted
  uint64_t sessions_online = 0;
};

/// The exchange behind its sockets.
class Exchange {
 public:
  virtual ~Exchange() = default;
  /// One whole message as framed by next_frame.
  virtual void on_message(ConnectionId connection, std::string& message, Now now) = 0;
  /// The connection is gone; also called after close and abort.
  virtual void on_closed(ConnectionId connection, Now now) = 0;
  /// Heartbeats and grace periods; call every 100 ms or so, and when nothing else is to do.
  virtual void tick(Now now) = 0;
  /// True while the connection is logged on.
  virtual bool online(ConnectionId connection) const = 0;
  /// Starts the logout of every session; done when counters().sessions_online is 0.
  virtual void begin_logout(Now now) = 0;
  /// The lines that must be written before anything that was sent leaves. The caller clears it.
  virtual std::string& record() = 0;
  virtual OrderDesk& desk() = 0;
  virtual Counters& counters() = 0;
  /// Ends the trading day; returns how many orders expired.
  virtual uint32_t end_day(Now now) = 0;
  /// Cuts every connection as a fault does.
  virtual void drop_all() = 0;
};

/// The exchange on QuickFIX's sessions. kInvalid when the options make no sense, kIo when the
/// store's directory can't be used. `wire` and `faults` outlive it.
Result<std::unique_ptr<Exchange>> make_exchange(const ExchangeOptions& options, Wire& wire,
                                                Faults& faults, Now now);

}  // namespace holdfast::exchange
