#include "nodes/guard/guard_core.hpp"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

#include "messages/check.hpp"

namespace holdfast {

namespace {

constexpr int kUsageExit = 2;  // the node refuses its configuration: a restart can't help

GuardDecision report(std::string event, std::string text, bool alarm = false) {
  return {.event = std::move(event), .text = std::move(text), .alarm = alarm};
}

GuardDecision act(GuardDecision::Kind kind) { return {.kind = kind}; }

GuardDecision leave(int code) { return {.kind = GuardDecision::Kind::kExit, .code = code}; }

}  // namespace

std::string to_string(const NodeExit& exit) {
  switch (exit.kind) {
    case NodeExit::Kind::kCode:
      return "code " + std::to_string(exit.value);
    case NodeExit::Kind::kSignal:
      return "signal " + std::to_string(exit.value) + " (" + ::strsignal(exit.value) + ")";
    case NodeExit::Kind::kUnknown:
      return "ended (status unknown: it was adopted)";
  }
  return "?";
}

const char* to_string(GuardState state) {
  switch (state) {
    case GuardState::kIdle:
      return "idle";
    case GuardState::kRunning:
      return "running";
    case GuardState::kWaiting:
      return "waiting";
    case GuardState::kKilling:
      return "killing";
    case GuardState::kHeld:
      return "held";
    case GuardState::kStopping:
      return "stopping";
    case GuardState::kDone:
      return "done";
  }
  return "?";
}

GuardCore::GuardCore(GuardPolicy policy)
    : policy_(policy), intensity_(policy.intensity), backoff_(policy.backoff) {
  CHECK(policy_.stop_timeout.ns >= 0);
}

void GuardCore::enter(GuardState state, MonoTime now) {
  state_ = state;
  since_ = now;
}

GuardDecisions GuardCore::start(bool adopted, MonoTime now) {
  CHECK(state_ == GuardState::kIdle);
  if (adopted) {
    enter(GuardState::kRunning, now);
    return {report("node_adopted", "")};
  }
  enter(GuardState::kWaiting, now);
  deadline_ = now;
  return {act(GuardDecision::Kind::kSpawn)};
}

GuardDecisions GuardCore::node_started(MonoTime now) {
  CHECK(state_ == GuardState::kWaiting);
  enter(GuardState::kRunning, now);
  return {report("node_started", "")};
}

GuardDecisions GuardCore::spawn_failed(const std::string& why, MonoTime now, uint64_t random) {
  CHECK(state_ == GuardState::kWaiting);
  last_exit_ = "not started: " + why;
  GuardDecisions decisions = {report("node_start_failed", why, true)};
  auto next = restart({}, now, random);
  decisions.insert(decisions.end(), next.begin(), next.end());
  return decisions;
}

GuardDecisions GuardCore::restart(Duration ran, MonoTime now, uint64_t random) {
  Duration delay = std::max(backoff_.next(ran, random), policy_.restart_after);
  GuardDecisions decisions;
  if (!intensity_.allow(now)) {
    delay = policy_.backoff.longest;
    decisions.push_back(report("node_restarts_too_often",
                               "more than " + std::to_string(policy_.intensity.restarts) +
                                   " restarts in " +
                                   std::to_string(policy_.intensity.period.ms() / 1000) +
                                   " s, last: " + last_exit_ + "; trying on slowly",
                               true));
  }
  ++restarts_;
  enter(GuardState::kWaiting, now);
  deadline_ = now + delay;
  if (delay.ns > 0)
    decisions.push_back(report("node_restarting", "in " + std::to_string(delay.ms()) + " ms"));
  else
    decisions.push_back(act(GuardDecision::Kind::kSpawn));
  return decisions;
}

GuardDecisions GuardCore::node_exited(NodeExit exit, MonoTime now, uint64_t random) {
  CHECK(state_ == GuardState::kRunning || state_ == GuardState::kKilling ||
        state_ == GuardState::kStopping);
  last_exit_ = to_string(exit);
  const Duration ran = now - since_;
  GuardDecisions decisions = {report("node_exited", last_exit_)};
  auto then = [&](GuardDecisions more) {
    decisions.insert(decisions.end(), more.begin(), more.end());
    return decisions;
  };
  switch (state_) {
    case GuardState::kStopping:
      enter(GuardState::kDone, now);
      return then({leave(0)});
    case GuardState::kKilling:
      if (!hold_) return then(restart(ran, now, random));
      enter(GuardState::kHeld, now);
      return then({report("node_held", "stays down until it is started by command")});
    default:
      break;
  }
  if (exit.kind == NodeExit::Kind::kCode && (exit.value == 0 || exit.value == kUsageExit)) {
    enter(GuardState::kDone, now);
    if (exit.value == 0) return then({report("guard_done", "the node ended by itself"), leave(0)});
    return then(
        {report("guard_done",
                "the node refused its configuration (see its log); a restart can't help", true),
         leave(kUsageExit)});
  }
  return then(restart(ran, now, random));
}

GuardDecisions GuardCore::hung(const std::string& which, MonoTime now) {
  if (state_ != GuardState::kRunning) return {};
  ++hangs_;
  hold_ = false;
  enter(GuardState::kKilling, now);
  return {report("node_hangs", "no progress in '" + which + "'", true),
          act(GuardDecision::Kind::kKill)};
}

Result<GuardDecisions> GuardCore::fence(bool hold, const std::string& why, MonoTime now) {
  GuardDecisions decisions = {report("node_fenced", why + (hold ? " (to be held down)" : ""))};
  switch (state_) {
    case GuardState::kRunning:
      hold_ = hold;
      enter(GuardState::kKilling, now);
      decisions.push_back(act(GuardDecision::Kind::kKill));
      break;
    case GuardState::kKilling:
      hold_ = hold_ || hold;
      break;
    case GuardState::kWaiting:
      if (hold) enter(GuardState::kHeld, now);
      break;
    case GuardState::kHeld:
      break;
    default:
      return Error{ErrorCode::kConflict, "the guard is stopping"};
  }
  ++fences_;
  return decisions;
}

Result<GuardDecisions> GuardCore::resume(MonoTime now) {
  if (state_ != GuardState::kHeld && state_ != GuardState::kWaiting)
    return Error{ErrorCode::kConflict, std::string("the node is ") + to_string(state_) +
                                           "; only one that is held or waiting can be started"};
  backoff_.reset();
  enter(GuardState::kWaiting, now);
  deadline_ = now;
  return GuardDecisions{report("node_released", ""), act(GuardDecision::Kind::kSpawn)};
}

GuardDecisions GuardCore::stop(MonoTime now) {
  switch (state_) {
    case GuardState::kStopping:
    case GuardState::kDone:
      return {};
    case GuardState::kRunning:
      enter(GuardState::kStopping, now);
      deadline_ = now + policy_.stop_timeout;
      kill_sent_ = false;
      return {report("guard_stopping", ""), act(GuardDecision::Kind::kTerminate)};
    case GuardState::kKilling:
      enter(GuardState::kStopping, now);
      kill_sent_ = true;
      return {report("guard_stopping", "")};
    case GuardState::kIdle:
    case GuardState::kWaiting:
    case GuardState::kHeld:
      break;
  }
  enter(GuardState::kDone, now);
  return {report("guard_stopping", "no node is running"), leave(0)};
}

GuardDecisions GuardCore::tick(MonoTime now) {
  const auto due = next_deadline();
  if (!due || now < *due) return {};
  if (state_ == GuardState::kWaiting) return {act(GuardDecision::Kind::kSpawn)};
  kill_sent_ = true;
  return {report("node_killed",
                 "did not stop within " + std::to_string(policy_.stop_timeout.ms()) + " ms", true),
          act(GuardDecision::Kind::kKill)};
}

std::optional<MonoTime> GuardCore::next_deadline() const {
  if (state_ == GuardState::kWaiting || (state_ == GuardState::kStopping && !kill_sent_))
    return deadline_;
  return std::nullopt;
}

}  // namespace holdfast
