#include "nodes/drill/steps_linux.hpp"

#include <signal.h>

#include <cstdio>
#include <filesystem>

namespace holdfast::drill {

namespace {

namespace fs = std::filesystem;
using drills::Fault;

constexpr Duration kWhole = Duration::seconds(10);
constexpr Duration kLook = Duration::milliseconds(4);

}  // namespace

std::string in_ms(const std::optional<Duration>& span) {
  if (!span) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(span->ns) / 1e6);
  return text;
}

/// Whom a step hits that wants one that follows.
uint32_t Steps::follower(uint32_t leader, uint64_t pick) {
  std::vector<uint32_t> others;
  for (const Node& node : cluster_.nodes())
    if (node.member != leader) others.push_back(node.member);
  return others[pick % others.size()];
}

/// SIGKILL of a member's node; false with the reason in `run.what`.
bool Steps::kill_member(Run& run, uint32_t member, bool first) {
  const Node& node = cluster_.node(member);
  const auto at = cluster_.signal_node(node, SIGKILL);
  if (!at) {
    run.what = "can't kill " + node.name + ": " + at.error().text;
    return false;
  }
  cluster_.view().ended(member, at.value().wall);
  if (first) {
    run.disturbance.at = at.value().wall;
    run.disturbance.mono = at.value().mono;
  }
  return true;
}

bool Steps::carry_out(Run& run, uint32_t leader) {
  const std::string& name = cluster_.node(leader).name;
  const std::string& group = run.disturbance.group;
  switch (run.step.fault) {
    case Fault::kKillActive:
      run.what = "kill -9 of " + name + ", which leads " + group;
      return kill_member(run, leader, true);
    case Fault::kKillStandby: {
      const uint32_t member = follower(leader, run.step.pick);
      run.what = "kill -9 of " + cluster_.node(member).name + ", which follows in " + group;
      return kill_member(run, member, true);
    }
    case Fault::kKillEverything: {
      run.what = "kill -9 of all nodes";
      bool first = true;
      for (const Node& node : cluster_.nodes())
        if (!kill_member(run, node.member, std::exchange(first, false))) return false;
      return true;
    }
    case Fault::kStopActive:
      return stop_and_resume(run, leader);
    case Fault::kKillGuard:
      return kill_guard(run, leader);
    case Fault::kLoseDisk:
      return lose_disk(run, follower(leader, run.step.pick));
    case Fault::kRestartNode:
      return restart(run);
    case Fault::kKillTakeOver:
      return kill_take_over(run, leader);
    case Fault::kHandOver:
      return hand_over(run, leader, follower(leader, run.step.pick));
    case Fault::kPartition:
      return partition(run, leader);
    case Fault::kCutVenue:
      return cut_venue(run, leader);
    case Fault::kKillArbiter:
      return kill_arbiter(run, 1);
    case Fault::kKillArbiterMajority:
      return kill_arbiter(run, kEtcdMembers / 2 + 1);
    case Fault::kFillDisk:
      return fill_disk(run, leader);
    case Fault::kSlowDisk:
      return slow_disk(run, follower(leader, run.step.pick));
    case Fault::kStepClock:
      return step_clock(run, run.step.pick % 3 ? leader : follower(leader, run.step.pick / 3));
    case Fault::kKillRebuild:
      return kill_rebuild(run, leader);
    case Fault::kKillBoth:
      return kill_both(run, leader);
    case Fault::kCrashLoop:
      return crash_loop(run, leader);
  }
  return false;
}

void Steps::begins(Run& run) {
  const Now at = now();
  run.disturbance.at = at.wall;
  run.disturbance.mono = at.mono;
}

bool Steps::stop_and_resume(Run& run, uint32_t leader) {
  const Node& node = cluster_.node(leader);
  run.what = "SIGSTOP of " + node.name + ", which leads " + run.disturbance.group + ", for " +
             in_ms(run.step.stop);
  const auto pid = cluster_.pid(node);
  const auto process = pid ? process_of(*pid) : Error{ErrorCode::kNotFound, "it does not run"};
  // By its guard's record; what is woken up must be what was stopped.
  const auto at = process ? cluster_.signal_node(node, SIGSTOP) : process.error();
  if (!at) {
    run.what += ": " + at.error().text;
    return false;
  }
  run.disturbance.at = at.value().wall;
  run.disturbance.mono = at.value().mono;
  hooks_.wait(run.step.stop);
  if (is_alive(*pid) && signal_exactly(process.value(), SIGCONT)) {
    hooks_.look();
    hooks_.measure(run);
    run.resumed_alive = true;
    run.resumed_succeeded = run.spans.lead.has_value();
    run.what += run.resumed_succeeded ? ", woke up succeeded" : ", woke up";
    hooks_.wait(Duration::milliseconds(300));  // what it still does, and what is done to it
  }
  if (!is_alive(*pid)) {
    run.what += ", killed";
    cluster_.view().ended(leader, run.disturbance.at);
  }
  return true;
}

bool Steps::kill_guard(Run& run, uint32_t leader) {
  Node& node = cluster_.node(leader);
  run.what = "kill -9 of the guard of " + node.name + ", which leads " + run.disturbance.group;
  const auto before = cluster_.pid(node);
  begins(run);
  if (!before || !node.guard.signal(SIGKILL) || !node.guard.wait(Duration::seconds(5))) {
    run.what += ": it does not run";
    return false;
  }
  if (auto started = cluster_.start_guard(node); !started) {
    run.what += ": " + started.error().text;
    return false;
  }
  hooks_.wait(Duration::milliseconds(500));
  if (!is_alive(*before)) {
    run.what += ": its node ended with it";
    return false;
  }
  return true;
}

bool Steps::hand_over(Run& run, uint32_t leader, uint32_t to) {
  const Node& node = cluster_.node(leader);
  const std::string& successor = cluster_.node(to).name;
  run.what = "hand-over of " + run.disturbance.group + " from " + node.name + " to " + successor;
  begins(run);
  const auto answer = cluster_.ask(
      node, {"hand-over", run.disturbance.group, "--to", successor, "--reason", hooks_.reason});
  if (answer.is_null()) {
    run.what += ": it was refused";
    return false;
  }
  // It is done when the other one serves.
  const MonoTime until = now().mono + kWhole;
  while (cluster_.view().leader(run.disturbance.group) != to) {
    if (now().mono > until || hooks_.interrupted()) {
      run.what += ": it did not come about";
      return false;
    }
    hooks_.wait(kLook);
  }
  return true;
}

/// Its guard first, so that nobody starts it again.
bool Steps::kill_with_guard(Run& run, uint32_t member, bool first) {
  Node& node = cluster_.node(member);
  node.guard.signal(SIGKILL);
  node.guard.wait(Duration::seconds(5));
  if (!kill_member(run, member, first)) return false;
  while (cluster_.pid(node)) sleep_for(Duration::milliseconds(2));
  return true;
}

bool Steps::start_guard(Run& run, uint32_t member) {
  const auto started = cluster_.start_guard(cluster_.node(member));
  if (!started) run.what += ": " + started.error().text;
  return started.ok();
}

bool Steps::lose_disk(Run& run, uint32_t member) {
  Node& node = cluster_.node(member);
  run.what = "kill -9 of " + node.name + " and loss of its disk";
  if (!kill_with_guard(run, member, true)) return false;
  std::error_code error;
  fs::remove_all(node.folder, error);
  fs::create_directories(node.folder, error);
  if (const auto token = make_token(node.folder + "/operator.token"); !token) {
    run.what += ": " + token.error().text;
    return false;
  }
  return start_guard(run, member);
}

/// While a member whose disk was lost is brought along, it is killed again, or its leader is.
bool Steps::kill_rebuild(Run& run, uint32_t leader) {
  const uint32_t member = follower(leader, run.step.pick);
  if (!lose_disk(run, member)) return false;
  const bool source = run.step.pick / 2 % 2;
  const MonoTime until = now().mono + Duration::seconds(10);
  while (!cluster_.pid(cluster_.node(member)) && now().mono < until && !hooks_.interrupted())
    hooks_.wait(Duration::milliseconds(1));
  // From its first steps to its entry into the sets.
  hooks_.wait(Duration{run.step.second.ns * 16});
  const bool rebuilt = cluster_.in_any_set(member);
  const uint32_t victim =
      source ? cluster_.view().leader(run.disturbance.group).value_or(leader) : member;
  run.what += ", then kill -9 of " + cluster_.node(victim).name +
              (source ? ", which leads it, " : " again, ") +
              (rebuilt ? "just after it was rebuilt" : "while it is rebuilt");
  return kill_member(run, victim, true);
}

/// The older one: it fell out of the sets before the others died, and returns first.
bool Steps::kill_both(Run& run, uint32_t leader) {
  const uint32_t older = follower(leader, run.step.pick);
  const std::string& name = cluster_.node(older).name;
  run.what = "kill -9 of " + name + ", of the others once it was out of the sets";
  if (!kill_with_guard(run, older, true)) return false;
  const MonoTime until = now().mono + Duration::seconds(10);
  while (cluster_.in_any_set(older)) {
    if (now().mono > until || hooks_.interrupted()) {
      run.what += ": it stays in a set";
      return false;
    }
    hooks_.wait(Duration::milliseconds(5));
  }
  hooks_.wait(Duration::milliseconds(300));  // orders that it does not hold
  bool first = true;
  for (const Node& node : cluster_.nodes())
    if (node.member != older)
      if (!kill_with_guard(run, node.member, std::exchange(first, false))) return false;
  cluster_.look();
  if (!start_guard(run, older)) return false;
  const MonoTime alone = now().mono + run.step.stop + Duration::seconds(1);
  run.what += "; it returned first";
  while (now().mono < alone && !hooks_.interrupted()) {
    hooks_.wait(Duration::milliseconds(2));
    for (const auto& group : cluster_.groups()) {
      const auto state = cluster_.view().state(older, group);
      if (state != "leading" && state != "serving") continue;
      run.what += ": it led " + group + ", though others held more";
      return false;
    }
  }
  if (!cluster_.pid(cluster_.node(older))) {
    run.what += ": it did not wait but ended";
    return false;
  }
  run.what += " and waited";
  for (const Node& node : cluster_.nodes())
    if (node.member != older && !start_guard(run, node.member)) return false;
  return true;
}

bool Steps::restart(Run& run) {
  Node& node = cluster_.nodes()[restarted_++ % cluster_.nodes().size()];
  run.what = "restart of " + node.name;
  // What it leads moves: that is measured.
  for (const auto& group : cluster_.groups())
    if (cluster_.view().leader(group) == node.member) {
      run.disturbance.group = group;
      run.disturbance.shard.reset();
      if (group.starts_with("orders/"))
        run.disturbance.shard = static_cast<uint32_t>(std::stoul(group.substr(7)));
      run.what += ", which leads " + group;
      break;
    }
  begins(run);
  node.guard.signal(SIGTERM);
  if (!node.guard.wait(Duration::seconds(20))) {
    run.what += ": it did not stop within 20 s";
    return false;
  }
  cluster_.look();
  cluster_.view().ended(node.member, now().wall);
  const ClusterOptions& builds = cluster_.options();
  if (!builds.to.empty()) {
    const bool newer = node.binary != builds.to;
    node.binary = newer ? builds.to : builds.from;
    run.what += newer ? ", with --to" : ", back with --from";
  }
  const auto started = cluster_.start_guard(node);
  if (!started) run.what += ": " + started.error().text;
  return started.ok();
}

/// The second blow falls on whoever is taking over, at a random moment of it.
bool Steps::kill_take_over(Run& run, uint32_t leader) {
  run.what = "kill -9 of " + cluster_.node(leader).name + ", which leads " + run.disturbance.group;
  if (!kill_member(run, leader, true)) return false;
  std::optional<uint32_t> successor;
  const MonoTime until = now().mono + Duration::seconds(1);
  while (!successor && now().mono < until) {
    sleep_for(Duration::microseconds(300));
    hooks_.look();
    for (const Node& node : cluster_.nodes()) {
      const auto state = cluster_.view().state(node.member, run.disturbance.group);
      if (state == "candidate" || state == "leading" || state == "serving") successor = node.member;
    }
  }
  if (!successor) return true;  // then it is a kill of the leader, and judged as one
  sleep_for(run.step.second);
  run.what += ", then of " + cluster_.node(*successor).name;
  return kill_member(run, *successor, false);
}

}  // namespace holdfast::drill
