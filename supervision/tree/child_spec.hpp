// What a supervisor is told about its children: validated data in the sense of Erlang/OTP's child
// specs, with backoff added. Pure values; how a child is made is the shell's affair.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast {

/// When a child that ended is started again.
enum class RestartKind {
  kPermanent,  // always
  kTransient,  // only after an error or a kill
  kTemporary,  // never; it is forgotten
};

/// What a child is; only shown.
enum class ChildType { kWorker, kSupervisor };

/// Who else is restarted with a child that failed.
enum class Strategy {
  kOneForOne,        // nobody
  kOneForAll,        // all others
  kRestForOne,       // those started after it
  kSimpleOneForOne,  // nobody; children are added at run time and have no order among them
};

/// Whether a supervisor ends when significant children have ended by themselves.
enum class AutoShutdown { kNever, kAnySignificant, kAllSignificant };

/// A shutdown timeout without end: for children that are supervisors.
inline constexpr Duration kWaitForever = {INT64_MAX};

/// One child.
struct ChildSpec {
  std::string id;  // unique in its supervisor: 1 to 64 of a-z A-Z 0-9 . _ : -
  RestartKind restart = RestartKind::kPermanent;
  /// How long a stop may take before the child is killed. Zero: killed at once.
  Duration shutdown_timeout = Duration::seconds(5);
  bool significant = false;
  ChildType type = ChildType::kWorker;
};

/// At most `restarts` restarts in any `period`; one more and the supervisor gives up.
struct Intensity {
  uint32_t restarts = 5;
  Duration period = Duration::seconds(10);
};

/// How long to wait before a restart. The first is immediate, the second waits `first`, each
/// further twice as long up to `longest`; a child that ran for `stable_after` starts over.
/// `jitter_permille` of the delay is random, so that what fell together does not rise together.
struct Backoff {
  Duration first = Duration::milliseconds(20);
  Duration longest = Duration::seconds(10);
  uint32_t jitter_permille = 500;
  Duration stable_after = Duration::seconds(10);
};

/// A supervisor.
struct SupervisorSpec {
  Strategy strategy = Strategy::kOneForOne;
  Intensity intensity = {};
  Backoff backoff = {};
  AutoShutdown auto_shutdown = AutoShutdown::kNever;
  /// A killed child that is still there after this long is reported as hung.
  Duration kill_grace = Duration::seconds(2);
};

/// Whether `spec` can be used: its id, its timeout, and whether it may be significant under
/// `supervisor`.
Result<> validate(const ChildSpec& spec, const SupervisorSpec& supervisor);
/// Whether `spec` can be used: positive period, ordered delays, jitter of at most 1000.
Result<> validate(const SupervisorSpec& spec);

/// Stable names for logs and JSON.
const char* to_string(RestartKind kind);
const char* to_string(ChildType type);
const char* to_string(Strategy strategy);

}  // namespace holdfast
