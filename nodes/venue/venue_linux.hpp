// The simulated exchange as a process part: one thread, one epoll loop, non-blocking sockets with
// TCP_NODELAY, the FIX port, the control port and the record. Nothing leaves before the record of
// it is written. Can be run inside a test as well as by main.cpp; takes no signals itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "nodes/venue/exchange.hpp"

namespace holdfast::exchange {

/// How to run an exchange.
struct VenueOptions {
  ExchangeOptions exchange;
  std::string host = "127.0.0.1";  // where FIX listens; control is always on loopback
  uint16_t port = 0;               // 0: any
  bool control = false;
  uint16_t control_port = 0;  // 0: any
  std::string record_path;    // empty: no record
  bool spin = false;          // poll without sleeping, for a core of its own
  Faults faults;              // switched on from the start
  DeskFaults desk_faults;
  std::vector<std::string> halted;
};

/// A listening exchange. One thread, but for `stop`.
class Venue {
 public:
  /// Binds the ports and opens the record. Errors say what could not be had and what to do.
  static Result<std::unique_ptr<Venue>> open(const VenueOptions& options);
  virtual ~Venue() = default;
  virtual uint16_t port() const = 0;
  /// 0 without control.
  virtual uint16_t control_port() const = 0;
  /// Serves until `stop`, then logs every session out, for at most a second. Throws when the record
  /// or the session store can't be written: an exchange without its witness must not go on.
  virtual void run() = 0;
  /// Ends `run`; called again, at once. Safe in a signal handler and from any thread.
  virtual void stop() = 0;
};

/// Writes "fix=PORT" and "control=PORT" lines to `path`, whole or not at all, for scripts that wait
/// for it.
Result<> write_ports_file(const std::string& path, uint16_t port, uint16_t control_port);

}  // namespace holdfast::exchange
