#include "nodes/drill/drill_linux.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

namespace holdfast::drill {

namespace {

namespace fs = std::filesystem;
using drills::Fault;

constexpr Duration kStart = Duration::seconds(30);
constexpr Duration kWhole = Duration::seconds(10);   // how long the set may take to be whole again
constexpr Duration kSettle = Duration::seconds(90);  // the flow's own end, queries included
constexpr Duration kLook = Duration::milliseconds(4);

std::string ms(const std::optional<Duration>& span) {
  if (!span) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f ms", static_cast<double>(span->ns) / 1e6);
  return text;
}

class Drill {
 public:
  explicit Drill(const DrillOptions& options) : options_(options) {}

  Result<Outcome> run() {
    adopt_orphans();
    const auto outcome = disturb();
    load_ = {};
    cluster_.reset();
    end_all_below();
    if (!outcome) return outcome.error();
    return std::move(outcome_);
  }

 private:
  bool interrupted() const {
    return options_.interrupted && options_.interrupted->load(std::memory_order_relaxed);
  }
  void say(const std::string& line) {
    if (options_.progress) options_.progress(line);
  }
  void finding(const std::string& text) {
    outcome_.findings.push_back(text);
    say("  ! " + text);
  }

  Result<> disturb() {
    say("starting three nodes and the simulated exchange in " + options_.cluster.folder);
    auto cluster = Cluster::start(options_.cluster);
    if (!cluster) return cluster.error();
    cluster_ = std::move(cluster).value();
    if (auto whole = wait_whole(kStart); !whole) {
      if (interrupted()) return success();
      return Error{ErrorCode::kUnavailable,
                   "the cluster did not come up: " + cluster_->unsettled() + "; its logs are in " +
                       cluster_->folder()};
    }
    if (auto flow = start_flow(); !flow) return flow.error();
    drills::Planner planner(options_.scenario, cluster_->shards(), options_.seed);
    const MonoTime begun = now().mono;
    const bool timed = options_.duration.ns > 0;
    for (uint32_t n = 1; timed || n <= options_.scenario.count; ++n) {
      if (interrupted() || (timed && now().mono - begun >= options_.duration)) break;
      if (!run_step(planner.next(), n)) break;
    }
    outcome_.interrupted = interrupted();
    end_flow();
    read_journals();
    read_venue();
    return success();
  }

  // ---- flow

  Result<> start_flow() {
    const std::string& folder = cluster_->folder();
    Command command;
    command.words = {cluster_->program("holdfast-load"),
                     "--connect",
                     cluster_->order_entry(),
                     "--venue-record",
                     cluster_->venue_record(),
                     "--flow",
                     "synthetic:" + std::to_string(options_.seed),
                     "--orders",
                     "2000000000",
                     "--rate",
                     std::to_string(options_.scenario.rate),
                     "--timeline",
                     folder + "/timeline",
                     "--json",
                     folder + "/load.json",
                     "--quiet"};
    command.output = folder + "/load.log";
    auto started = Process::start(command);
    if (!started) return started.error();
    load_ = std::move(started).value();
    timeline_ = std::make_unique<Tail>(folder + "/timeline");
    const MonoTime until = now().mono + kStart;
    while (outcome_.acknowledged.size() < options_.scenario.rate / 2 + 1) {
      if (!load_.running() || now().mono > until)
        return Error{ErrorCode::kUnavailable,
                     "the flow did not start; its log is " + command.output};
      if (interrupted()) return success();
      sleep_for(kLook);
      look();
    }
    say("flow of " + std::to_string(options_.scenario.rate) + " requests a second is running");
    return success();
  }

  void end_flow() {
    if (!load_.signal(SIGTERM)) finding("the flow gave up before its end");
    const MonoTime until = now().mono + kSettle;
    while (load_.running() && now().mono < until && !interrupted_hard()) {
      sleep_for(Duration::milliseconds(20));
      look();
    }
    if (load_.running()) finding("the flow did not come to an end");
    std::ifstream file(cluster_->folder() + "/load.json");
    outcome_.flow = nlohmann::json::parse(file, nullptr, false);
    if (!outcome_.flow.is_object()) {
      outcome_.flow = nullptr;
      if (!interrupted())
        finding("the flow has no reconciliation; its log is " + cluster_->folder() + "/load.log");
    }
  }
  /// An interrupted drill still ends its flow in order, but does not wait for long.
  bool interrupted_hard() {
    if (!interrupted()) return false;
    if (!hard_) hard_ = now().mono + Duration::seconds(10);
    return now().mono > *hard_;
  }

  /// How far every member's journal goes, by group; all must hold the same committed entries.
  void read_journals() {
    if (interrupted()) return;
    const MonoTime until = now().mono + Duration::seconds(5);
    for (;;) {
      std::map<std::string, std::set<uint64_t>> committed;
      auto& counters = outcome_.counters;
      counters.clear();
      outcome_.journal = nlohmann::json::object();
      for (const Node& node : cluster_->nodes()) {
        const auto view = cluster_->ask(node, {"get", "/v1/groups"});
        if (!view.is_object()) continue;
        for (const auto& group : view.value("groups", nlohmann::json::array())) {
          const auto name = group.value("name", std::string());
          const auto index = group.value("committed", uint64_t{0});
          outcome_.journal[name]["committed on " + node.name] = index;
          outcome_.journal[name]["epoch"] = group.value("epoch", uint64_t{0});
          committed[name].insert(index);
          for (const char* counter : {"stale_acks", "stale_epochs", "egress_held", "ejected"})
            counters[counter] += group.value(counter, uint64_t{0});
        }
      }
      const bool level = committed.size() == cluster_->groups().size() &&
                         std::all_of(committed.begin(), committed.end(),
                                     [](const auto& entry) { return entry.second.size() == 1; });
      if (level || interrupted()) return;
      if (now().mono > until) return finding("the members' journals do not end alike");
      wait(Duration::milliseconds(200));
    }
  }

  void read_venue() {
    std::ifstream file(cluster_->venue_record());
    for (std::string line; std::getline(file, line);) {
      const auto at = line.find("\"type\":\"");
      if (at == std::string::npos) continue;
      outcome_.venue[line.substr(at + 8, line.find('"', at + 8) - at - 8)] += 1;
    }
  }

  // ---- looking

  void look() {
    cluster_->look();
    if (timeline_)
      for (const auto& line : timeline_->lines())
        if (auto order = drills::parse_acknowledged(line)) outcome_.acknowledged.push_back(*order);
  }

  /// Whole for a moment on end, so that what is just falling apart does not count.
  std::optional<MonoTime> wait_whole(Duration limit) {
    const MonoTime until = now().mono + limit;
    std::optional<MonoTime> since;
    while (!interrupted()) {
      look();
      const MonoTime at = now().mono;
      if (!cluster_->unsettled().empty())
        since.reset();
      else if (!since)
        since = at;
      else if (at - *since >= Duration::milliseconds(50))
        return since;
      if (at > until) return std::nullopt;
      sleep_for(kLook);
    }
    return std::nullopt;
  }

  void measure(Run& run) {
    run.spans = drills::spans_of(
        run.disturbance, std::span(cluster_->transitions()).subspan(transitions_before_),
        std::span(outcome_.acknowledged).subspan(acknowledged_before_), cluster_->shards());
  }

  // ---- steps

  /// False: the drill ends here.
  bool run_step(const drills::Step& step, uint32_t n) {
    wait(step.pause);
    Run run;
    run.step = step;
    run.disturbance.group = step.aim == drills::Aim::kOrders
                                ? "orders/" + std::to_string(step.shard)
                                : cluster_->groups().back();
    if (step.aim == drills::Aim::kOrders) run.disturbance.shard = step.shard;
    look();
    const auto leader = cluster_->view().leader(run.disturbance.group);
    if (!leader) {
      if (interrupted()) return false;
      // Preferences may move it between two looks.
      if (!wait_whole(kWhole)) {
        finding("step " + std::to_string(n) + ": " + cluster_->unsettled());
        return false;
      }
      return run_step(step, n);
    }
    weigh();
    transitions_before_ = cluster_->transitions().size();
    acknowledged_before_ = outcome_.acknowledged.size();
    if (!carry_out(run, *leader)) {
      finding("step " + std::to_string(n) + ": " + run.what);
      return false;
    }
    const MonoTime from = run.disturbance.mono;
    const auto whole = wait_whole(kWhole);
    while (!interrupted()) {
      measure(run);
      if (run.spans.first_ack || now().mono - from > kWhole) break;
      sleep_for(kLook);
      look();
    }
    if (interrupted()) return false;
    if (whole) run.whole = *whole - from;
    say("  " + std::to_string(n) +
        (options_.duration.ns ? "" : "/" + std::to_string(options_.scenario.count)) + " " +
        run.what + ": detect " + ms(run.spans.detect) + ", lead " + ms(run.spans.lead) +
        (run.disturbance.shard ? "" : ", logon " + ms(run.spans.logon)) + ", first ack " +
        ms(run.spans.first_ack) + ", whole " + ms(run.whole));
    if (!whole)
      finding("step " + std::to_string(n) +
              ": the set is not whole again after 10 s: " + cluster_->unsettled());
    if (!run.spans.first_ack)
      finding("step " + std::to_string(n) + ": no order was acknowledged within 10 s");
    const bool go_on = run.whole && run.spans.first_ack;
    outcome_.runs.push_back(std::move(run));
    return go_on;
  }

  void wait(Duration span) {
    const MonoTime until = now().mono + span;
    while (now().mono < until && !interrupted()) {
      sleep_for(std::min(kLook, until - now().mono));
      look();
    }
  }

  void weigh() {
    for (const Node& node : cluster_->nodes())
      if (const auto pid = cluster_->pid(node)) {
        uint64_t& most = outcome_.memory[node.name];
        most = std::max(most, small_anonymous_memory(*pid));
      }
  }

  /// Whom a step hits that wants one that follows.
  uint32_t follower(uint32_t leader, uint64_t pick) {
    std::vector<uint32_t> others;
    for (const Node& node : cluster_->nodes())
      if (node.member != leader) others.push_back(node.member);
    return others[pick % others.size()];
  }

  /// SIGKILL of a member's node; false with the reason in `run.what`.
  bool kill_member(Run& run, uint32_t member, bool first) {
    const Node& node = cluster_->node(member);
    const auto at = cluster_->signal_node(node, SIGKILL);
    if (!at) {
      run.what = "can't kill " + node.name + ": " + at.error().text;
      return false;
    }
    cluster_->view().ended(member, at.value().wall);
    if (first) {
      run.disturbance.at = at.value().wall;
      run.disturbance.mono = at.value().mono;
    }
    return true;
  }

  bool carry_out(Run& run, uint32_t leader) {
    const std::string& name = cluster_->node(leader).name;
    const std::string& group = run.disturbance.group;
    switch (run.step.fault) {
      case Fault::kKillActive:
        run.what = "kill -9 of " + name + ", which leads " + group;
        return kill_member(run, leader, true);
      case Fault::kKillStandby: {
        const uint32_t member = follower(leader, run.step.pick);
        run.what = "kill -9 of " + cluster_->node(member).name + ", which follows in " + group;
        return kill_member(run, member, true);
      }
      case Fault::kKillEverything: {
        run.what = "kill -9 of all nodes";
        bool first = true;
        for (const Node& node : cluster_->nodes())
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
    }
    return false;
  }

  void begins(Run& run) {
    const Now at = now();
    run.disturbance.at = at.wall;
    run.disturbance.mono = at.mono;
  }

  bool stop_and_resume(Run& run, uint32_t leader) {
    const Node& node = cluster_->node(leader);
    run.what = "SIGSTOP of " + node.name + ", which leads " + run.disturbance.group + ", for " +
               ms(run.step.stop);
    const auto pid = cluster_->pid(node);
    const auto at = pid ? signal_exactly(*pid, 0, SIGSTOP)
                        : Result<Now>(Error{ErrorCode::kNotFound, "it does not run"});
    if (!at) {
      run.what += ": " + at.error().text;
      return false;
    }
    run.disturbance.at = at.value().wall;
    run.disturbance.mono = at.value().mono;
    wait(run.step.stop);
    if (is_alive(*pid) && signal_exactly(*pid, 0, SIGCONT)) {
      measure(run);
      run.resumed_alive = run.spans.lead.has_value();
      run.what += run.resumed_alive ? ", woke up succeeded" : ", woke up";
      wait(Duration::milliseconds(300));  // what it still does, and what is done to it
    }
    if (!is_alive(*pid)) {
      run.what += ", killed";
      cluster_->view().ended(leader, run.disturbance.at);
    }
    return true;
  }

  bool kill_guard(Run& run, uint32_t leader) {
    Node& node = cluster_->node(leader);
    run.what = "kill -9 of the guard of " + node.name + ", which leads " + run.disturbance.group;
    const auto before = cluster_->pid(node);
    begins(run);
    if (!before || !node.guard.signal(SIGKILL) || !node.guard.wait(Duration::seconds(5))) {
      run.what += ": it does not run";
      return false;
    }
    if (auto started = cluster_->start_guard(node); !started) {
      run.what += ": " + started.error().text;
      return false;
    }
    wait(Duration::milliseconds(500));
    if (!is_alive(*before)) {
      run.what += ": its node ended with it";
      return false;
    }
    return true;
  }

  bool hand_over(Run& run, uint32_t leader, uint32_t to) {
    const Node& node = cluster_->node(leader);
    const std::string& successor = cluster_->node(to).name;
    run.what = "hand-over of " + run.disturbance.group + " from " + node.name + " to " + successor;
    begins(run);
    const auto answer = cluster_->ask(
        node, {"hand-over", run.disturbance.group, "--to", successor, "--reason", "drill"});
    if (answer.is_null()) {
      run.what += ": it was refused";
      return false;
    }
    // It is done when the other one serves.
    const MonoTime until = now().mono + kWhole;
    while (cluster_->view().leader(run.disturbance.group) != to) {
      if (now().mono > until || interrupted()) {
        run.what += ": it did not come about";
        return false;
      }
      wait(kLook);
    }
    return true;
  }

  bool lose_disk(Run& run, uint32_t member) {
    Node& node = cluster_->node(member);
    run.what = "kill -9 of " + node.name + " and loss of its disk";
    node.guard.signal(SIGKILL);
    node.guard.wait(Duration::seconds(5));
    if (!kill_member(run, member, true)) return false;
    while (cluster_->pid(node)) sleep_for(Duration::milliseconds(2));
    std::error_code error;
    fs::remove_all(node.folder, error);
    fs::create_directories(node.folder, error);
    const auto token = make_token(node.folder + "/operator.token");
    const auto started = token ? cluster_->start_guard(node) : token;
    if (!started) run.what += ": " + started.error().text;
    return started.ok();
  }

  bool restart(Run& run) {
    Node& node = cluster_->nodes()[restarted_++ % cluster_->nodes().size()];
    run.what = "restart of " + node.name;
    // What it leads moves: that is measured.
    for (const auto& group : cluster_->groups())
      if (cluster_->view().leader(group) == node.member) {
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
    cluster_->look();
    cluster_->view().ended(node.member, now().wall);
    const ClusterOptions& builds = options_.cluster;
    if (!builds.to.empty()) {
      const bool newer = node.binary != builds.to;
      node.binary = newer ? builds.to : builds.from;
      run.what += newer ? ", with --to" : ", back with --from";
    }
    const auto started = cluster_->start_guard(node);
    if (!started) run.what += ": " + started.error().text;
    return started.ok();
  }

  /// The second blow falls on whoever is taking over, at a random moment of it.
  bool kill_take_over(Run& run, uint32_t leader) {
    run.what =
        "kill -9 of " + cluster_->node(leader).name + ", which leads " + run.disturbance.group;
    if (!kill_member(run, leader, true)) return false;
    std::optional<uint32_t> successor;
    const MonoTime until = now().mono + Duration::seconds(1);
    while (!successor && now().mono < until) {
      sleep_for(Duration::microseconds(300));
      look();
      for (const Node& node : cluster_->nodes()) {
        const auto state = cluster_->view().state(node.member, run.disturbance.group);
        if (state == "candidate" || state == "leading" || state == "serving")
          successor = node.member;
      }
    }
    if (!successor) return true;  // then it is a kill of the leader, and judged as one
    sleep_for(run.step.second);
    run.what += ", then of " + cluster_->node(*successor).name;
    return kill_member(run, *successor, false);
  }

  const DrillOptions& options_;
  Outcome outcome_;
  std::unique_ptr<Cluster> cluster_;
  Process load_;
  std::unique_ptr<Tail> timeline_;
  std::optional<MonoTime> hard_;
  std::size_t transitions_before_ = 0, acknowledged_before_ = 0, restarted_ = 0;
};

}  // namespace

Result<Outcome> run_drill(const DrillOptions& options) {
  Outcome skipped;
  if (options.cluster.etcd && !fs::exists("/usr/bin/etcd")) {
    skipped.skipped = "there is no etcd on this machine (the package etcd-server)";
    return skipped;
  }
  if (!options.cluster.fence && !options.cluster.etcd) {
    skipped.skipped =
        "the embedded arbiter kills whom it supersedes; without that it needs --arbiter etcd";
    return skipped;
  }
  return Drill(options).run();
}

}  // namespace holdfast::drill
