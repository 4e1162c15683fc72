#include "nodes/drill/drill_linux.hpp"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>

#include "nodes/drill/foreign_linux.hpp"
#include "nodes/drill/replay_rocksdb.hpp"

namespace holdfast::drill {

namespace {

namespace fs = std::filesystem;
using drills::Fault;

constexpr Duration kStart = Duration::seconds(30);
constexpr Duration kWhole = Duration::seconds(10);   // how long the set may take to be whole again
constexpr Duration kSettle = Duration::seconds(90);  // the flow's own end, queries included
constexpr Duration kLook = Duration::milliseconds(4);

class Drill {
 public:
  explicit Drill(const DrillOptions& options) : options_(options) {}

  Result<Outcome> run() {
    if (!foreign_) adopt_orphans();
    const auto outcome = disturb();
    load_ = {};
    if (foreign_) {
      if (cluster_ && outcome_.begun.ns)
        cluster_->note("drill " + options_.scenario.name + " ended after " +
                       std::to_string(outcome_.runs.size()) + " steps");
      steps_.reset();
      cluster_.reset();
      if (!outcome) return outcome.error();
      return std::move(outcome_);
    }
    if (cluster_) {
      if (!interrupted()) end_all_below();  // as they are: an end in order would write more
      if (outcome && !interrupted() && outcome_.runs.size() > 0) replay_journals();
    }
    steps_.reset();
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
    if (auto there = foreign_ ? attach() : start(); !there || interrupted()) return there;
    if (has_flow(options_))
      if (auto flow = start_flow(); !flow) return flow.error();
    drills::Planner planner(options_.scenario, cluster_->shards(), options_.seed);
    const MonoTime begun = now().mono;
    const bool timed = options_.duration.ns > 0;
    for (uint32_t n = 1; timed || n <= options_.scenario.count; ++n) {
      if (interrupted() || (timed && now().mono - begun >= options_.duration)) break;
      if (!run_step(planner.next(), n)) break;
    }
    outcome_.interrupted = interrupted();
    if (has_flow(options_)) end_flow();
    read_journals();
    if (has_flow(options_)) read_venue();
    return success();
  }

  Result<> start() {
    say("starting three nodes and the simulated exchange in " + options_.cluster.folder);
    auto cluster = Cluster::start(options_.cluster);
    if (!cluster) return cluster.error();
    cluster_ = std::move(cluster).value();
    steps_ = std::make_unique<Steps>(*cluster_, hooks());
    if (wait_whole(kStart) || interrupted()) return success();
    return Error{ErrorCode::kUnavailable, "the cluster did not come up: " + cluster_->unsettled() +
                                              "; its logs are in " + cluster_->folder()};
  }

  /// Nothing is done to a cluster that is not whole, nor without a note in its audit logs.
  Result<> attach() {
    auto cluster = Cluster::attach(options_.cluster);
    if (!cluster) return cluster.error();
    cluster_ = std::move(cluster).value();
    steps_ = std::make_unique<Steps>(*cluster_, hooks());
    if (!wait_whole(kWhole)) {
      if (interrupted()) return success();
      return Error{ErrorCode::kUnavailable,
                   "the cluster is not whole, so nothing was done: " + cluster_->unsettled()};
    }
    auto by = cluster_->reserve(note_of(options_));
    if (!by) return by.error();
    outcome_.by = std::move(by).value();
    outcome_.begun = now().wall;
    say("the cluster of " + options_.cluster.foreign + " is whole; noted in its audit logs as " +
        outcome_.by);
    return success();
  }

  Steps::Hooks hooks() {
    return {[this](Duration span) { wait(span); },
            [this] { look(); },
            [this] { return interrupted(); },
            [this](Run& run) { measure(run); },
            [this](MonoTime from) {
              look();
              return static_cast<std::size_t>(std::count_if(
                  outcome_.acknowledged.begin() + static_cast<std::ptrdiff_t>(acknowledged_before_),
                  outcome_.acknowledged.end(),
                  [&](const auto& order) { return order.submitted >= from; }));
            },
            foreign_ ? note_of(options_) : "drill"};
  }

  // ---- flow

  std::string venue_record() const {
    return foreign_ ? options_.flow_record : cluster_->venue_record();
  }

  Result<> start_flow() {
    const std::string& folder = cluster_->folder();
    Command command;
    command.words = {cluster_->program("holdfast-load"),
                     "--connect",
                     cluster_->order_entry(),
                     "--venue-record",
                     venue_record(),
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
    if (foreign_) {  // where orders of an earlier drill may still be known
      command.words.push_back("--ids");
      command.words.push_back("D" + std::to_string(now().wall.ns / 1'000'000'000) + "-");
    }
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

  /// How far every member's journal goes, by group, and the state that it is in there; all must
  /// hold the same committed entries and have come to the same state.
  void read_journals() {
    if (interrupted()) return;
    const MonoTime until = now().mono + Duration::seconds(10);
    std::string waits_for;
    for (;;) {
      const std::string differs = compare_members();
      if (differs.empty() || interrupted()) return;
      if (differs != std::exchange(waits_for, differs)) say("  waiting: " + differs);
      if (now().mono > until && foreign_ && !diverged_) {
        // Others' orders flow, so that no two members are seen at the same entry.
        outcome_.notes.push_back("states not compared: " + differs);
        return;
      }
      if (now().mono > until) return finding(differs);
      wait(Duration::milliseconds(200));
    }
  }

  /// The first thing in which the members differ, in words.
  std::string compare_members() {
    std::map<std::string, std::set<uint64_t>> committed;
    std::map<std::pair<std::string, uint64_t>, std::set<std::string>> hashes;
    std::string differs;
    std::map<GroupId, Index> level;
    level_.clear();
    auto& counters = outcome_.counters;
    counters.clear();
    outcome_.journal = nlohmann::json::object();
    outcome_.state_hash = nlohmann::json::object();
    for (const Node& node : cluster_->nodes()) {
      const auto view = cluster_->ask(node, {"get", "/v1/groups"});
      if (!view.is_object()) {
        differs = node.name + " does not answer its operators";
        continue;
      }
      for (const auto& group : view.value("groups", nlohmann::json::array())) {
        const auto name = group.value("name", std::string());
        if (name == "orchestrator") continue;  // it decides about what drills do, and may lag
        const auto index = group.value("committed", uint64_t{0});
        outcome_.journal[name]["committed on " + node.name] = index;
        outcome_.journal[name]["epoch"] = group.value("epoch", uint64_t{0});
        committed[name].insert(index);
        level[GroupId{group.value("group", uint32_t{0})}] = Index{index};
        const auto at = group.value("state_hash_at", uint64_t{0});
        const auto hash = at ? group.value("state_hash", std::string()) : std::string("none");
        outcome_.state_hash[name][node.name] = hash + " at " + std::to_string(at);
        if (at) hashes[{name, at}].insert(hash);
        if (at != index && group.contains("state_hash_at"))  // a build of before has none
          differs = node.name + " has no state hash of " + name + " at " + std::to_string(index);
        for (const char* counter :
             {"stale_acks", "stale_epochs", "egress_held", "egress_refused", "ejected"})
          counters[counter] += group.value(counter, uint64_t{0});
      }
    }
    for (const auto& [place, all] : hashes)
      if (all.size() != 1) {
        diverged_ = true;
        return "the members' states of " + place.first + " differ at the same entry";
      }
    if (committed.size() != cluster_->groups().size()) return "not every group is there";
    for (const auto& [name, indexes] : committed)
      if (indexes.size() != 1) return "the members' journals of " + name + " do not end alike";
    if (differs.empty()) level_ = std::move(level);
    return differs;
  }

  /// What each node would come to from its disk alone. Only when nothing runs any more.
  void replay_journals() {
    if (level_.empty()) return;
    std::map<GroupId, std::string> hashes;
    for (const Node& node : cluster_->nodes()) {
      const std::string& name = node.name;
      const auto replayed = replay_journal(node.folder + "/journal", level_);
      if (!replayed) return finding("the journal of " + name + ": " + replayed.error().text);
      for (const auto& [group, state] : replayed.value()) {
        const auto key = "group " + std::to_string(group.value);
        outcome_.replayed[key][name] =
            state.state_hash + " at " + std::to_string(state.index.value);
        const auto& first = hashes.try_emplace(group, state.state_hash).first->second;
        if (state.index != level_[group])
          finding("the journal of " + name + " can't be replayed to entry " +
                  std::to_string(level_[group].value) + " of " + key);
        else if (first != state.state_hash)
          finding("the journals replayed come to different states of " + key);
      }
    }
  }

  void read_venue() {
    std::ifstream file(venue_record());
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
    if (!steps_->carry_out(run, *leader)) {
      finding("step " + std::to_string(n) + ": " + run.what);
      return false;
    }
    const MonoTime from = run.disturbance.mono, over = now().mono;
    const auto whole = wait_whole(kWhole);
    while (!interrupted()) {
      measure(run);
      if (run.spans.first_ack || !has_flow(options_) || now().mono - over > kWhole) break;
      sleep_for(kLook);
      look();
    }
    if (interrupted()) return false;
    if (whole) run.whole = *whole - from;
    say("  " + std::to_string(n) +
        (options_.duration.ns ? "" : "/" + std::to_string(options_.scenario.count)) + " " +
        run.what + ": detect " + in_ms(run.spans.detect) + ", lead " + in_ms(run.spans.lead) +
        (run.disturbance.shard ? "" : ", logon " + in_ms(run.spans.logon)) +
        (has_flow(options_) ? ", first ack " + in_ms(run.spans.first_ack) : "") + ", whole " +
        in_ms(run.whole));
    if (!whole)
      finding("step " + std::to_string(n) +
              ": the set is not whole again after 10 s: " + cluster_->unsettled());
    const bool acknowledged = run.spans.first_ack || !has_flow(options_);
    if (!acknowledged)
      finding("step " + std::to_string(n) + ": no order was acknowledged within 10 s");
    const bool go_on = run.whole && acknowledged;
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

  const DrillOptions& options_;
  const bool foreign_ = !options_.cluster.foreign.empty();
  bool diverged_ = false;  // states differed at the same entry
  Outcome outcome_;
  std::unique_ptr<Cluster> cluster_;
  Process load_;
  std::unique_ptr<Tail> timeline_;
  std::optional<MonoTime> hard_;
  std::unique_ptr<Steps> steps_;
  std::map<GroupId, Index> level_;  // what all had committed at the end
  std::size_t transitions_before_ = 0, acknowledged_before_ = 0;
};

}  // namespace

std::string note_of(const DrillOptions& options) {
  return "drill " + options.scenario.name + ": " + options.reason;
}

bool has_flow(const DrillOptions& options) {
  return options.cluster.foreign.empty() || !options.flow_record.empty();
}

DrillOptions complete(DrillOptions options) {
  if (!options.cluster.foreign.empty()) return options;  // it is as it is
  auto& faults = options.scenario.faults;
  auto& cluster = options.cluster;
  // Of many faults those are left out that this cluster can't have; one alone is skipped.
  const bool library = fs::exists(cluster.binaries + "/" + kFaultLibrary);
  const auto has = [&](Fault fault) {
    return (cluster.etcd || !needs_etcd(fault)) && (library || !needs_fault_library(fault));
  };
  if (std::any_of(faults.begin(), faults.end(), has))
    std::erase_if(faults, [&](Fault fault) { return !has(fault); });
  cluster.heartbeat_s = static_cast<int>(options.scenario.heartbeat_s);
  cluster.ways |= std::any_of(faults.begin(), faults.end(), needs_ways);
  cluster.faults |= std::any_of(faults.begin(), faults.end(), needs_fault_library);
  cluster.mesh |= std::any_of(faults.begin(), faults.end(), needs_mesh);
  return options;
}

std::string why_skipped(const DrillOptions& options) {
  const auto& cluster = options.cluster;
  const auto& faults = options.scenario.faults;
  if (cluster.etcd && !fs::exists("/usr/bin/etcd"))
    return "there is no etcd on this machine (the package etcd-server)";
  if (!cluster.etcd && std::any_of(faults.begin(), faults.end(), needs_etcd))
    return "the embedded arbiter is a folder and nothing that could be killed; it needs --arbiter "
           "etcd";
  if (!cluster.fence && !cluster.etcd)
    return "the embedded arbiter kills whom it supersedes; without that it needs --arbiter etcd";
  if (cluster.faults && !fs::exists(cluster.binaries + "/" + kFaultLibrary))
    return std::string("this build has no ") + kFaultLibrary +
           " (builds with sanitizers have none)";
  return {};
}

Result<Outcome> run_drill(const DrillOptions& options) {
  if (!options.cluster.foreign.empty()) {
    if (const auto why = why_not_foreign(options.scenario); !why.empty())
      return Error{ErrorCode::kInvalid, why};
    return Drill(options).run();
  }
  Outcome skipped;
  skipped.skipped = why_skipped(options);
  if (!skipped.skipped.empty()) return skipped;
  return Drill(options).run();
}

}  // namespace holdfast::drill
