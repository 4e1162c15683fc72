// The one door to the actor library: shells include this and speak of holdfast's names. The layer
// is thin on purpose, aliases and a few functions, so that a later version of the library is this
// folder's work alone. It deliberately hides nothing that costs: a send here is a send there.
#pragma once

#include <caf/all.hpp>
#include <chrono>
#include <exception>
#include <string>
#include <utility>

#include "messages/check.hpp"
#include "messages/time.hpp"
#include "supervision/runtime/exit_kind.hpp"
#include "supervision/runtime/local_message.hpp"
#include "supervision/runtime/type_ids.hpp"

namespace holdfast {

using ActorHandle = caf::actor;
using ActorAddress = caf::actor_addr;
using ActorConfig = caf::actor_config;
using Behavior = caf::behavior;
using EventBasedActor = caf::event_based_actor;
using BlockingActor = caf::blocking_actor;
using ScopedActor = caf::scoped_actor;
using ActorError = caf::error;
using DownMessage = caf::down_msg;
using ExitMessage = caf::exit_msg;
using ResponsePromise = caf::response_promise;
using Message = caf::message;
using Unit = caf::unit_t;
using caf::anon_send;
using caf::make_message;
template <typename State, typename Base = caf::event_based_actor>
using StatefulActor = caf::stateful_actor<State, Base>;

inline constexpr auto kHighPriority = caf::message_priority::high;
inline constexpr auto kNormalPriority = caf::message_priority::normal;

/// The library's form of a span of time.
inline std::chrono::nanoseconds to_chrono(Duration d) { return std::chrono::nanoseconds(d.ns); }

/// A finite time limit with the name that logs and errors show, e.g. {"risk decision", 50 ms}.
struct Deadline {
  const char* name;
  Duration after;
};

/// Sends a request that always ends: by an answer, an error, or after `deadline`. Chain
/// `.then(answer, error)` on what it returns, with both handlers. CHECKs that the deadline is
/// positive. Not for hot paths: the library never cancels the timer behind it; there, keep
/// deadlines of your own.
template <typename Self, typename... Args>
auto request_within(Self* self, const ActorHandle& target, Deadline deadline, Args&&... args) {
  CHECK(deadline.name != nullptr);
  CHECK(deadline.after.ns > 0);
  return self->request(target, to_chrono(deadline.after), std::forward<Args>(args)...);
}

/// The error for a request that ran into `deadline`, in words.
std::string deadline_text(Deadline deadline, const ActorError& error);

/// Monitors `target`: its DOWN message comes at high priority, ahead of ordinary mail. Never link:
/// an exit to a linked child gives none back.
template <typename Self>
void monitor_exit(Self* self, const ActorHandle& target) {
  self->template monitor<caf::message_priority::high>(target);
}

/// Asks `target` to stop, ahead of ordinary mail; its monitors hear kShutdown.
void send_shutdown(const ActorHandle& target);
/// Makes `target` stop at the next message, whatever its exit handler says; monitors hear kKilled.
void send_kill(const ActorHandle& target);

/// Which kind of exit `reason` (of a DOWN or EXIT message) is, and its words.
ExitInfo explain_exit(const ActorError& reason);

/// The error an actor ends with when `exception` left one of its handlers; carries what().
ActorError error_of(const std::exception_ptr& exception);
/// An error with these words, for `quit`.
ActorError error_text(std::string text);
/// For `quit` of an actor that met input which kills it again after a rebuild: its supervisor keeps
/// it down (ExitKind::kPoison) and raises an alarm.
ActorError error_poison(std::string text);
/// The words of any error.
std::string describe(const ActorError& error);

/// What the runtime knows about an actor: counts for the tree's inspection.
struct ActorStats {
  uint64_t mailbox_depth = 0;     // messages waiting
  uint64_t messages_handled = 0;  // since it started
  uint64_t leaves = 0;            // rows it can show under itself, e.g. orders
  std::string detail = {};        // for people
};

/// Asks an actor for its ActorStats. LoopActor and PoolActor answer by themselves.
struct ActorStatsQuery {};

}  // namespace holdfast

HOLDFAST_LOCAL_MESSAGE(holdfast::ActorStats)
HOLDFAST_LOCAL_MESSAGE(holdfast::ActorStatsQuery)

#include "supervision/runtime/loop_actor.hpp"
#include "supervision/runtime/pool_actor.hpp"
