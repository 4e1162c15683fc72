// The node's own files and signals: the state directory and its lock, order_entry.json (by which
// load and drills find the process and order entry), and stop signals as events of a loop.
#pragma once

#include <functional>
#include <string>

#include "messages/result.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::node {

/// Holds the state directory for this process alone.
class StateDirectory {
 public:
  /// Makes it (0700) and locks it. kConflict: another node runs on it.
  static Result<StateDirectory> open(const std::string& path);
  ~StateDirectory();
  StateDirectory(StateDirectory&& other) noexcept;
  StateDirectory& operator=(StateDirectory&&) = delete;

  /// Writes order_entry.json {pid, ingress} whole or not at all.
  Result<> announce(uint16_t ingress_port, const std::string& ingress_address) const;
  /// The ingress port of the last node that ran here, 0 when none: a node told to take any free
  /// port takes the same one again, so that clients find it after a restart.
  uint16_t last_ingress_port() const;

 private:
  StateDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

/// Keeps the calling thread on one CPU. kInvalid when there is no such CPU for this process.
Result<> pin_this_thread(uint32_t cpu);

/// Blocks SIGTERM, SIGINT and SIGHUP, ignores SIGPIPE, for this and all threads made after.
void block_signals();
/// Calls `stop` on the loop at the first SIGTERM or SIGINT. The descriptor is closed with the
/// process.
void on_stop_signal(EventLoop& loop, std::function<void()> stop);

/// Bytes of all files below `directory`; what goes away meanwhile counts nothing.
uint64_t bytes_in(const std::string& directory);

}  // namespace holdfast::node
