// How an actor ended, in the few kinds that a restart policy tells apart. A pure value, so that the
// supervisor's core can speak of exits without knowing the actor library.
#pragma once

#include <string>

namespace holdfast {

/// Why an actor ended.
enum class ExitKind {
  kNormal,    // it was done: it left by itself without an error
  kShutdown,  // it was asked to stop and did
  kKilled,    // it was killed, or its loop was closed under it
  kError,     // it threw, or quit with an error
  kPoison,    // it met input that kills it again after a rebuild: it must stay down until a human
              // looked
};

/// The kind and, for people, the words that came with it (empty for a normal exit).
struct ExitInfo {
  ExitKind kind = ExitKind::kNormal;
  std::string text;
};

/// A short stable name for logs and JSON: "normal", "shutdown", "killed", "error", "poison".
constexpr const char* to_string(ExitKind kind) {
  switch (kind) {
    case ExitKind::kNormal:
      return "normal";
    case ExitKind::kShutdown:
      return "shutdown";
    case ExitKind::kKilled:
      return "killed";
    case ExitKind::kError:
      return "error";
    case ExitKind::kPoison:
      return "poison";
  }
  return "error";
}

}  // namespace holdfast
