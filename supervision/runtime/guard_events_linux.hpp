// What a guard saw of its node, for the node's next life to tell: a short text file in the guard's
// state directory, each event with a rising number, and the last words of a node that gives up.
// Best effort on both sides: neither guard nor node ever waits or fails for it.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "messages/time.hpp"

namespace holdfast {

/// In the environment of a guarded node: the file.
inline constexpr const char* kGuardEventsVariable = "HOLDFAST_GUARD_EVENTS";
inline constexpr std::size_t kGuardEventsKept = 32;
inline constexpr std::size_t kGuardTextBytesMax = 256;

struct GuardEvent {
  uint64_t number = 0;  // rising; its time, unless the clock went back
  WallTime at;
  std::string event;  // "node_died": a word
  std::string text;
  friend bool operator==(const GuardEvent&, const GuardEvent&) = default;
};

/// The last events of a file, ascending. Lines that are no event are left out; no file: none.
std::vector<GuardEvent> read_guard_events(const std::string& path);

/// The guard's side.
class GuardEvents {
 public:
  /// Goes on after what is there already.
  explicit GuardEvents(std::string path);
  const std::string& path() const { return path_; }
  /// Keeps the event, replacing the file as a whole; false: it could not be written.
  bool record(WallTime now, const std::string& event, const std::string& text);
  /// What the node said last, once; empty: nothing.
  std::string take_last_words() const;

 private:
  std::string path_;
  std::deque<GuardEvent> events_;
};

/// The node's side: why it is about to end, for its guard. Nothing without one.
void leave_last_words(const std::string& text);

}  // namespace holdfast
