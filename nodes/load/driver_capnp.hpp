// Sends a flow through the client library and keeps the books: pacing (open loop, or a window in
// flight), kills of the node on the way, progress on stderr, and at the end the judgement against
// the venue's record.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/ingress/client/client_capnp.hpp"
#include "nodes/load/flow.hpp"
#include "nodes/load/ledger.hpp"

namespace holdfast::load {

struct DriverSettings {
  client::ClientOptions client;
  uint64_t rate = 0;  // requests a second, open loop; 0: by `in_flight`
  double speed = 0;   // recorded times divided by it; 0: by `rate`
  std::size_t in_flight =
      256;  // requests unanswered at most, where neither rate nor speed is given
  Duration settle = Duration::seconds(30);  // how long an answer may take; then the run ends
  std::string state_directory;              // of the node, for kills
  uint64_t cut_every =
      0;  // requests between cuts of the own connection, as by a failing network; 0: never
  std::vector<uint32_t> kill_node_at;  // percent of the flow, ascending
  /// Kill instead of us, where the node to kill is not the one of the state directory: commands for
  /// sh, taken in turn. The flow goes on while one runs; when it has killed it prints a line "PID
  /// SECONDS WORDS" (whom, when by the wall clock, how people call it). Empty: none.
  std::vector<std::string> kill_with;
  std::string timeline;  // a file that gets a line for each order that a venue answered; "": none
  const std::atomic<bool>* stop = nullptr;  // once true, nothing more is sent
  bool progress = true;
};

/// One kill of the node and how long it took to trade again.
struct Kill {
  uint32_t percent = 0;
  int64_t pid = 0;
  std::string whom;      // in words, where a command killed
  Duration first_reply;  // from the SIGKILL to the reply to an order first made after it
  Duration first_ack;    // and to the venue's first word on such an order, by the first report
};

struct DriverResult {
  std::vector<Kill> kills;
  uint64_t kills_failed = 0;  // asked for, and did not come to pass
  uint64_t requests = 0, replies = 0, cuts = 0;
  Duration elapsed;               // first request to the last outcome
  std::vector<int64_t> reply_ns;  // request made (or due, where paced) to its reply
  client::ClientStats stats;
};

/// What is sent, made as it is needed.
struct ActionSource {
  std::size_t total = 0;
  std::function<Action(std::size_t n)> make;  // called for 0, 1, … total - 1, once each
};

/// Runs the flow. kUnavailable: the node did not open a session; kDenied: it refused; kIo: the
/// timeline can't be written.
///
/// A line of the timeline: "DUE SUBMITTED ACKNOWLEDGED ACCOUNT CLIENT_ORDER_ID", times in ns of
/// CLOCK_MONOTONIC; acknowledged is when the first report of the venue's answer was received.
Result<DriverResult> drive(const DriverSettings& settings, const ActionSource& actions,
                           Ledger& ledger);

/// Process id that the node wrote into `state_directory`/order_entry.json, or why there is none.
Result<int64_t> node_pid(const std::string& state_directory);
/// Address of order entry from the same file.
Result<std::string> node_address(const std::string& state_directory);

}  // namespace holdfast::load
