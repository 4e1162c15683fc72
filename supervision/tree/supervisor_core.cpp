#include "supervision/tree/supervisor_core.hpp"

#include <algorithm>
#include <utility>

#include "messages/check.hpp"
#include "messages/limits.hpp"

namespace holdfast {

namespace {

std::string words(const ExitInfo& exit) {
  return exit.text.empty() ? to_string(exit.kind)
                           : std::string(to_string(exit.kind)) + ": " + exit.text;
}

std::string milliseconds(Duration d) { return std::to_string(d.ms()) + " ms"; }

Error conflict(std::string text) { return {ErrorCode::kConflict, std::move(text)}; }

}  // namespace

const char* to_string(ChildState state) {
  switch (state) {
    case ChildState::kPending:
      return "pending";
    case ChildState::kStarting:
      return "starting";
    case ChildState::kRunning:
      return "running";
    case ChildState::kStopping:
      return "stopping";
    case ChildState::kKilling:
      return "killing";
    case ChildState::kDown:
      return "down";
    case ChildState::kQuarantined:
      return "quarantined";
  }
  return "?";
}

SupervisorCore::SupervisorCore(SupervisorSpec spec, std::vector<ChildSpec> children)
    : spec_(spec), intensity_(spec.intensity) {
  CHECK(validate(spec_).ok());
  CHECK(children.size() <= limits::kChildrenMax);
  for (auto& child : children) {
    CHECK(validate(child, spec_).ok());
    CHECK(find(child.id) == nullptr);
    children_.push_back({.spec = std::move(child), .backoff = RestartBackoff(spec_.backoff)});
  }
}

Decisions SupervisorCore::start(MonoTime now) {
  CHECK(!begun_);
  begun_ = true;
  for (auto& child : children_) child.since = now;
  advance(now);
  return take();
}

Decisions SupervisorCore::started(std::string_view id, MonoTime now) {
  Child* child = find(id);
  CHECK(child != nullptr);
  CHECK(child->state == ChildState::kStarting);
  enter(*child, ChildState::kRunning, now);
  child->was_running = true;
  report(child, "child_started", "");
  advance(now);
  return take();
}

Decisions SupervisorCore::start_failed(std::string_view id, const std::string& why, MonoTime now,
                                       uint64_t random) {
  Child* child = find(id);
  CHECK(child != nullptr);
  CHECK(child->state == ChildState::kStarting);
  child->last_exit = "start failed: " + why;
  report(child, "child_start_failed", why);
  if (child->stop_wanted)
    settle(*child, now);
  else if (child->spec.restart == RestartKind::kTemporary) {
    child->then = Then::kForget;
    const bool significant = child->spec.significant;
    settle(*child, now);
    check_auto_shutdown(significant, now);
  } else
    failed(*child, {}, now, random);
  advance(now);
  return take();
}

Decisions SupervisorCore::exited(std::string_view id, const ExitInfo& exit, MonoTime now,
                                 uint64_t random) {
  Child* child = find(id);
  CHECK(child != nullptr);
  CHECK(child->state == ChildState::kRunning || child->state == ChildState::kStopping ||
        child->state == ChildState::kKilling);
  child->last_exit = words(exit);
  const Duration ran = now - child->since;
  const bool asked = child->state != ChildState::kRunning || child->stop_wanted;
  report(child, asked ? "child_stopped" : "child_exited", words(exit));
  if (exit.kind == ExitKind::kPoison && child->then != Then::kForget && !stopping()) {
    child->then = Then::kQuarantine;
    settle(*child, now);
  } else if (asked) {
    settle(*child, now);
  } else {
    ended_by_itself(*child, exit, ran, now, random);
  }
  advance(now);
  return take();
}

void SupervisorCore::ended_by_itself(Child& child, const ExitInfo& exit, Duration ran, MonoTime now,
                                     uint64_t random) {
  const bool failure = exit.kind == ExitKind::kError || exit.kind == ExitKind::kKilled;
  if (child.spec.restart == RestartKind::kPermanent ||
      (child.spec.restart == RestartKind::kTransient && failure))
    return failed(child, ran, now, random);
  // As in OTP: what is temporary, or came and went under simple_one_for_one, is forgotten.
  const bool forget = child.spec.restart == RestartKind::kTemporary || !ordered();
  child.then = forget ? Then::kForget : Then::kStayDown;
  const bool significant = child.spec.significant;
  settle(child, now);
  check_auto_shutdown(significant, now);
}

// A child is to be restarted because it failed: count it, and give up or queue it.
void SupervisorCore::failed(Child& child, Duration ran, MonoTime now, uint64_t random) {
  const Duration delay = child.backoff.next(ran, random);
  if (!intensity_.allow(now)) {
    const std::string why = "more than " + std::to_string(spec_.intensity.restarts) +
                            " restarts in " + milliseconds(spec_.intensity.period) +
                            ", last: " + child.spec.id + " (" + child.last_exit + ")";
    enter(child, ChildState::kDown, now);
    decisions_.push_back({.kind = Decision::Kind::kEscalate, .child = child.spec.id, .text = why});
    return end({ExitKind::kError, why}, now);
  }
  ++child.restarts;
  ++restarts_;
  enter(child, ChildState::kPending, now);
  child.not_before = now + delay;
  report(&child, "child_restarting", delay.ns > 0 ? "in " + milliseconds(delay) : "at once");
  if (grouped()) restart_group(child, now);
}

void SupervisorCore::restart_group(const Child& first, MonoTime now) {
  bool affected = spec_.strategy == Strategy::kOneForAll;
  for (auto& child : children_) {
    if (&child == &first) {
      affected = true;
      continue;
    }
    // Who has been told to go keeps the aim that an operator gave it.
    if (!affected || child.stop_wanted) continue;
    switch (child.state) {
      case ChildState::kStarting:
      case ChildState::kRunning:
        // A temporary sibling is not brought back.
        want_stop(child,
                  child.spec.restart == RestartKind::kTemporary ? Then::kForget : Then::kRestart,
                  now);
        break;
      case ChildState::kDown:
        if (!child.held) enter(child, ChildState::kPending, now);
        break;
      default:
        break;  // on its way down with its own aim, pending already, or quarantined
    }
  }
}

Decisions SupervisorCore::tick(MonoTime now) {
  check_deadlines(now);
  advance(now);
  return take();
}

Decisions SupervisorCore::stop(MonoTime now) {
  begun_ = true;
  if (!stopping()) end({ExitKind::kShutdown, "asked to stop"}, now);
  advance(now);
  return take();
}

Result<Decisions> SupervisorCore::add_child(ChildSpec spec, MonoTime now) {
  if (stopping()) return conflict("the supervisor is stopping");
  if (auto valid = validate(spec, spec_); !valid.ok()) return valid.error();
  if (find(spec.id) != nullptr)
    return conflict("there is a child '" + spec.id + "' already (" +
                    to_string(find(spec.id)->state) + ")");
  if (children_.size() >= limits::kChildrenMax)
    return Error{ErrorCode::kFull, "the supervisor has " + std::to_string(children_.size()) +
                                       " children, the most that are allowed"};
  children_.push_back({.spec = std::move(spec), .backoff = RestartBackoff(spec_.backoff)});
  children_.back().since = now;
  report(&children_.back(), "child_added", "");
  advance(now);
  return take();
}

Result<Decisions> SupervisorCore::remove_child(std::string_view id, MonoTime now) {
  auto target = command_target(id);
  if (!target.ok()) return target.error();
  want_stop(*target.value(), Then::kForget, now);
  advance(now);
  return take();
}

Result<Decisions> SupervisorCore::restart_child(std::string_view id, MonoTime now) {
  auto target = command_target(id);
  if (!target.ok()) return target.error();
  Child& child = *target.value();
  if (child.state == ChildState::kQuarantined)
    return conflict("child '" + child.spec.id + "' is in quarantine (" + child.last_exit +
                    "): release it when the cause is removed");
  child.held = false;
  child.backoff.reset();
  want_stop(child, Then::kRestart, now);
  child.not_before = now;
  advance(now);
  return take();
}

Result<Decisions> SupervisorCore::stop_child(std::string_view id, MonoTime now) {
  auto target = command_target(id);
  if (!target.ok()) return target.error();
  Child& child = *target.value();
  if (child.state == ChildState::kQuarantined)
    return conflict("child '" + child.spec.id + "' is in quarantine, and so down already");
  child.held = true;
  want_stop(child, Then::kStayDown, now);
  advance(now);
  return take();
}

Result<Decisions> SupervisorCore::quarantine_child(std::string_view id, const std::string& why,
                                                   MonoTime now) {
  auto target = command_target(id);
  if (!target.ok()) return target.error();
  target.value()->last_exit = "quarantined: " + why;
  want_stop(*target.value(), Then::kQuarantine, now);
  advance(now);
  return take();
}

Result<Decisions> SupervisorCore::kill_child(std::string_view id, MonoTime now) {
  auto target = command_target(id);
  if (!target.ok()) return target.error();
  Child& child = *target.value();
  if (child.state != ChildState::kRunning || child.stop_wanted || child.killed)
    return conflict("child '" + child.spec.id + "' is " +
                    (child.killed ? "killed already" : to_string(child.state)) +
                    (child.stop_wanted ? ", to be stopped" : "") +
                    ": only one that runs can be killed");
  child.killed = true;
  child.deadline = now + spec_.kill_grace;
  child.deadline_set = true;
  decisions_.push_back({.kind = Decision::Kind::kKill, .child = child.spec.id});
  advance(now);
  return take();
}

Result<Decisions> SupervisorCore::release_child(std::string_view id, MonoTime now) {
  auto target = command_target(id);
  if (!target.ok()) return target.error();
  Child& child = *target.value();
  if (child.state != ChildState::kQuarantined)
    return conflict("child '" + child.spec.id + "' is not in quarantine but " +
                    to_string(child.state));
  child.backoff.reset();
  enter(child, ChildState::kPending, now);
  child.not_before = now;
  report(&child, "child_released", "");
  advance(now);
  return take();
}

std::optional<MonoTime> SupervisorCore::next_deadline() const {
  std::optional<MonoTime> next;
  auto earlier = [&](MonoTime t) {
    if (!next || t < *next) next = t;
  };
  for (const auto& child : children_) {
    if (child.deadline_set) earlier(child.deadline);
    // What is due already waits for a sibling, whose answer brings it on.
    if (child.state == ChildState::kPending && child.not_before > now_) earlier(child.not_before);
  }
  return next;
}

std::vector<ChildView> SupervisorCore::children() const {
  std::vector<ChildView> views;
  views.reserve(children_.size());
  for (const auto& child : children_)
    views.push_back(
        {&child.spec, child.state, child.restarts, child.last_exit, child.since, child.not_before});
  return views;
}

std::optional<ChildView> SupervisorCore::child(std::string_view id) const {
  for (const auto& child : children_)
    if (child.spec.id == id)
      return ChildView{&child.spec,     child.state, child.restarts,
                       child.last_exit, child.since, child.not_before};
  return std::nullopt;
}

SupervisorCore::Child* SupervisorCore::find(std::string_view id) {
  const auto found = std::find_if(children_.begin(), children_.end(),
                                  [&](const Child& child) { return child.spec.id == id; });
  return found == children_.end() ? nullptr : &*found;
}

Result<SupervisorCore::Child*> SupervisorCore::command_target(std::string_view id) {
  if (stopping()) return conflict("the supervisor is stopping");
  Child* child = find(id);
  if (child == nullptr)
    return Error{ErrorCode::kNotFound, "no child '" + std::string(id) + "' here"};
  return child;
}

// The one place where a child's state changes.
void SupervisorCore::enter(Child& child, ChildState state, MonoTime now) {
  child.state = state;
  child.since = now;
  child.deadline_set = false;
  child.hung = false;
  child.killed = false;
  if (state != ChildState::kStarting && state != ChildState::kRunning) child.stop_wanted = false;
}

void SupervisorCore::report(const Child* child, const char* event, std::string text, bool alarm) {
  decisions_.push_back({.kind = Decision::Kind::kReport,
                        .child = child == nullptr ? "" : child->spec.id,
                        .event = event,
                        .text = std::move(text),
                        .alarm = alarm});
}

// Sets the aim of a child and, if it is not up, gets there at once.
void SupervisorCore::want_stop(Child& child, Then then, MonoTime now) {
  child.then = then;
  switch (child.state) {
    case ChildState::kStarting:
    case ChildState::kRunning:
      child.stop_wanted = true;
      break;
    case ChildState::kStopping:
    case ChildState::kKilling:
      break;
    case ChildState::kPending:
    case ChildState::kDown:
    case ChildState::kQuarantined:
      settle(child, now);
  }
}

// A child is down: what was decided for that moment happens.
void SupervisorCore::settle(Child& child, MonoTime now) {
  switch (std::exchange(child.then, Then::kRestart)) {
    case Then::kRestart:
      enter(child, stopping() ? ChildState::kDown : ChildState::kPending, now);
      child.not_before = now;
      break;
    case Then::kStayDown:
      enter(child, ChildState::kDown, now);
      break;
    case Then::kForget:
      enter(child, ChildState::kDown, now);
      report(&child, "child_removed", "");
      gone_.push_back(child.spec.id);
      break;
    case Then::kQuarantine:
      enter(child, ChildState::kQuarantined, now);
      report(&child, "child_quarantined", child.last_exit + "; it stays down until it is released",
             true);
      break;
  }
}

void SupervisorCore::check_auto_shutdown(bool was_significant, MonoTime now) {
  if (!was_significant || stopping()) return;
  if (spec_.auto_shutdown == AutoShutdown::kAllSignificant) {
    for (const auto& child : children_)
      if (child.spec.significant && child.state != ChildState::kDown) return;
  }
  end({ExitKind::kShutdown, "significant children have ended"}, now);
}

void SupervisorCore::end(ExitInfo exit, MonoTime now) {
  ending_ = std::move(exit);
  report(nullptr, "supervisor_stopping", words(*ending_), ending_->kind == ExitKind::kError);
  for (auto& child : children_) {
    switch (child.state) {
      case ChildState::kStarting:
      case ChildState::kRunning:
      case ChildState::kStopping:
      case ChildState::kKilling:
        want_stop(child, Then::kStayDown, now);
        break;
      case ChildState::kPending:
        enter(child, ChildState::kDown, now);
        break;
      default:
        break;
    }
  }
}

void SupervisorCore::check_deadlines(MonoTime now) {
  for (auto& child : children_) {
    if (!child.deadline_set || now < child.deadline) continue;
    if (child.state == ChildState::kStopping) {
      report(&child, "child_killed",
             "did not stop within " + milliseconds(child.spec.shutdown_timeout));
      enter(child, ChildState::kKilling, now);
      child.deadline = now + spec_.kill_grace;
      child.deadline_set = true;
      decisions_.push_back({.kind = Decision::Kind::kKill, .child = child.spec.id});
    } else {
      child.deadline_set = false;
      child.hung = true;
      report(&child, "child_hung",
             "still there " + milliseconds(spec_.kill_grace) +
                 " after it was killed: a handler hangs, only the guard can end the process",
             true);
    }
  }
}

void SupervisorCore::advance(MonoTime now) {
  CHECK(now >= now_);
  now_ = now;
  if (!begun_ || finished_) return;
  while (stop_next(now) || start_next(now)) {
  }
  forget_gone();
  if (!stopping()) return;
  const bool all_down = std::all_of(children_.begin(), children_.end(), [](const Child& child) {
    return child.state == ChildState::kDown || child.state == ChildState::kQuarantined;
  });
  if (!all_down) return;
  finished_ = true;
  decisions_.push_back({.kind = Decision::Kind::kFinished, .exit = *ending_});
}

void SupervisorCore::forget_gone() {
  for (const auto& id : std::exchange(gone_, {}))
    std::erase_if(children_, [&](const Child& child) {
      return child.spec.id == id && child.state == ChildState::kDown;
    });
}

// Stops are asked for from the last child to the first, each after the one before it is down.
bool SupervisorCore::stop_next(MonoTime now) {
  // Outside a shutdown or a group restart, stops are separate commands and don't wait for each
  // other.
  const bool in_order = ordered() && (stopping() || grouped());
  bool any = false;
  for (auto child = children_.rbegin(); child != children_.rend(); ++child) {
    const bool on_its_way = child->state == ChildState::kStopping ||
                            (child->state == ChildState::kKilling && !child->hung);
    if (in_order && (on_its_way || (child->stop_wanted && child->state == ChildState::kStarting)))
      return any;
    if (!child->stop_wanted || child->state != ChildState::kRunning) continue;
    begin_stop(*child, now);
    if (in_order) return true;
    any = true;
  }
  return any;
}

void SupervisorCore::begin_stop(Child& child, MonoTime now) {
  const Duration timeout = child.spec.shutdown_timeout;
  if (timeout.ns == 0 || child.killed) {
    if (!child.killed)
      decisions_.push_back({.kind = Decision::Kind::kKill, .child = child.spec.id});
    enter(child, ChildState::kKilling, now);
    child.deadline = now + spec_.kill_grace;
    child.deadline_set = true;
    return;
  }
  enter(child, ChildState::kStopping, now);
  if (timeout != kWaitForever) {
    child.deadline = now + timeout;
    child.deadline_set = true;
  }
  decisions_.push_back({.kind = Decision::Kind::kStop, .child = child.spec.id});
}

// Starts are asked for from the first child to the last, one at a time.
bool SupervisorCore::start_next(MonoTime now) {
  if (stopping()) return false;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if (children_[i].state != ChildState::kPending || !may_start(i, now)) continue;
    enter(children_[i], ChildState::kStarting, now);
    decisions_.push_back({.kind = Decision::Kind::kStart, .child = children_[i].spec.id});
    return true;
  }
  return false;
}

bool SupervisorCore::may_start(std::size_t index, MonoTime now) const {
  if (now < children_[index].not_before) return false;
  if (!ordered()) return true;
  for (std::size_t i = 0; i < children_.size(); ++i) {
    const Child& other = children_[i];
    if (other.state == ChildState::kStarting) return false;
    const bool going_down = other.stop_wanted || other.state == ChildState::kStopping ||
                            other.state == ChildState::kKilling;
    // A group comes up only when all of it is down.
    if (grouped() && going_down) return false;
    if (i >= index || other.state != ChildState::kPending) continue;
    // Whoever has once been up does not hold up its later siblings when it is alone in its restart.
    if (grouped() || !other.was_running) return false;
  }
  return true;
}

Decisions SupervisorCore::take() { return std::exchange(decisions_, {}); }

}  // namespace holdfast
