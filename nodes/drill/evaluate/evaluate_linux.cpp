#include "nodes/drill/evaluate/evaluate_linux.hpp"

#include <time.h>

#include <algorithm>
#include <string_view>

#include "nodes/drill/evaluate/audit_linux.hpp"
#include "nodes/drill/evaluate/observe.hpp"
#include "nodes/drill/evaluate/stage_linux.hpp"

namespace holdfast::drill::evaluate {

namespace {

constexpr Duration kLook = Duration::milliseconds(10);
constexpr Duration kThroughput = Duration::seconds(1);
constexpr Duration kAnswerWithin = Duration::seconds(2);

MonoTime thread_time() {
  timespec t{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return {static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec};
}

std::string seconds_text(Duration span) { return std::to_string(span.ns / 1'000'000'000) + " s"; }

// One group of cases on its cluster.
class Runner {
 public:
  Runner(const EvaluateOptions& options, std::vector<Case> cases, std::size_t part,
         const std::string& script)
      : options_(options),
        cases_(std::move(cases)),
        part_(part),
        script_(script),
        observer_([this](uint32_t member, WallTime told, WallTime read) {
          return true_time(member, told, read);
        }) {}

  Result<Evaluation> run() {
    const auto went = phases();
    stage_.reset();
    if (!went) return went.error();
    evaluation_.interrupted = interrupted();
    evaluation_.clusters = 1;
    evaluation_.score = score(evaluation_.trials, observer_.observed(), options_.grace);
    return std::move(evaluation_);
  }

 private:
  bool interrupted() const {
    return options_.interrupted && options_.interrupted->load(std::memory_order_relaxed);
  }
  void say(const std::string& line) {
    if (options_.progress) options_.progress(line);
  }
  void problem(const std::string& text) {
    evaluation_.problems.push_back("group " + std::to_string(part_) + ": " + text);
    say("  ! " + text);
  }

  Result<> phases() {
    StageOptions scene;
    scene.cluster = options_.cluster;
    scene.cluster.folder += "/group-" + std::to_string(part_);
    scene.config = options_.config;
    scene.cases = cases_;
    scene.script = script_;
    scene.rate = options_.rate;
    scene.seed = options_.seed + part_ - 1;
    scene.interrupted = [this] { return interrupted(); };
    scene.problem = [this](const std::string& text) { problem(text); };
    say("group " + std::to_string(part_) + " of " + std::to_string(options_.groups) + ": " +
        std::to_string(cases_.size()) + " cases on three fresh nodes in " + scene.cluster.folder);
    auto started = Stage::start(scene);
    if (!started) return started.error();
    stage_ = std::move(started).value();
    if (interrupted()) return success();
    if (auto flow = stage_->start_flow(); !flow) return flow.error();
    say("  phase I: baseline of " + seconds_text(options_.baseline));
    const MonoTime quiet_from = now().mono;
    wait(options_.baseline);
    if (!rest()) problem("the baseline did not come to rest: " + unrest());
    const MonoTime quiet_until = now().mono;
    say("  phase II: " + std::to_string(cases_.size()) + " cases");
    for (const Case& one : cases_) {
      if (interrupted()) break;
      run_case(one);
    }
    say("  phase III: audit");
    read_clocks();
    evaluation_.flow = stage_->end_flow();
    evaluation_.orders = stage_->order_times(quiet_from, quiet_until);
    look_at_loop();
    if (!answered_) problem("no node ever told its incidents: there is no loop to evaluate");
    if (observer_.strange())
      problem(std::to_string(observer_.strange()) + " entries of the operator API can't be read");
    stage_->stop_nodes();
    read_audits();
    return success();
  }

  void read_audits() {
    std::vector<MemberAudit> members;
    for (const Node& node : stage_->cluster().nodes())
      members.push_back(read_audit(stage_->cluster(), node));
    evaluation_.audits = members.size();
    for (const MemberAudit& one : members) evaluation_.audits_verified += one.verified;
    std::vector<std::string> problems;
    evaluation_.traces = trace_of(members, problems);
    for (const auto& text : problems) problem(text);
    for (const auto& text : evaluation_.traces.missing) say("  audit: " + text);
  }

  // ---- a case

  void run_case(const Case& one) {
    Trial trial;
    trial.what = one;
    trial.skipped = stage_->injector().why_not(one);
    if (!trial.skipped.empty()) {
      say("  " + one.name + " skipped: " + trial.skipped);
      evaluation_.trials.push_back(std::move(trial));
      return;
    }
    Cluster& cluster = stage_->cluster();
    cluster.look();
    const auto leader = cluster.view().leader(cluster.groups().front());
    trial.began = now().wall;
    const auto begun =
        stage_->injector().begin(one, leader.value_or(cluster.nodes().front().member));
    if (begun) {
      trial.members = stage_->injector().right_members();
      wait(one.lasts);
    } else {
      trial.skipped = begun.error().text;
    }
    stage_->injector().end();
    trial.ended = now().wall;
    if (!rest()) {
      problem(one.name + ": not at rest after it: " + unrest());
    } else {
      trial.rested = now().wall;
    }
    evaluation_.trials.push_back(trial);
    tell(trial);
  }

  void tell(const Trial& trial) {
    const Score so_far = score({trial}, within(trial), options_.grace);
    const TrialScore& result = so_far.trials.front();
    std::string line = "  " + trial.what.name + ": ";
    if (!trial.skipped.empty())
      line += "skipped: " + trial.skipped;
    else if (trial.what.is_control())
      line += "control";
    else if (result.found)
      line += "found as " + std::string(to_text(result.as)) + " after " +
              std::to_string(result.detection->ms()) + " ms";
    else
      line += "MISSED";
    for (const auto& action : result.actions) line += ", " + action;
    for (const FaultClass fault : result.unexpected)
      line += ", unexpected: " + std::string(to_text(fault));
    say(line + " (" + seconds_text(now().wall - trial.began) + ")");
  }

  // What was observed in a trial's time alone.
  Observed within(const Trial& trial) const {
    Observed all = observer_.observed();
    std::erase_if(all.findings, [&](const auto& finding) { return finding.found < trial.began; });
    return all;
  }

  std::string unrest() const {
    const std::string unsettled = stage_->cluster().unsettled();
    if (!unsettled.empty()) return unsettled;
    return std::to_string(observer_.open_findings()) + " findings, " +
           std::to_string(observer_.open_incidents()) + " incidents and " +
           std::to_string(observer_.open_remedies()) + " remedies are open";
  }

  /// Until all members are in every set again, nothing is found any more, no remedy runs, and no
  /// incident is open that what comes next could be taken for a part of.
  bool rest() {
    const MonoTime until = now().mono + options_.rest_max;
    std::optional<MonoTime> quiet_since;
    while (!interrupted()) {
      wait(options_.look_every);
      look_at_loop();
      const MonoTime at = now().mono;
      const bool over = stage_->cluster().unsettled().empty() && observer_.open_findings() == 0 &&
                        observer_.open_remedies() == 0;
      if (over) turn_down();
      const bool quiet = over && observer_.open_incidents() == 0;
      if (!quiet) quiet_since.reset();
      if (quiet && !quiet_since) quiet_since = at;
      if (quiet && at - *quiet_since >= options_.rest) return true;
      if (at > until) return false;
    }
    return true;
  }

  // Nobody is there to approve: what waits for a person when its case is over is turned down, so
  // that it does not keep the loop from the next.
  void turn_down() {
    for (const uint64_t remedy : observer_.waiting())
      for (const Node& node : stage_->cluster().nodes()) {
        const auto answer = ask_http(
            stage_->door(node), "POST", "/v1/remedies/" + std::to_string(remedy) + "/reject",
            R"({"reason":"the evaluation's case is over"})", kAnswerWithin);
        if (answer.status >= 200 && answer.status < 300) break;
      }
  }

  // ---- looking

  void wait(Duration span) {
    const MonoTime until = now().mono + span;
    while (now().mono < until && !interrupted()) {
      if (now().mono - looked_ >= options_.look_every) look_at_loop();
      stage_->injector().poll();
      stage_->cluster().look();
      sleep_for(std::min(kLook, std::max(until - now().mono, Duration{})));
    }
  }

  void look_at_loop() {
    looked_ = now().mono;
    // Each node has its copy; the first that answers is asked. Incidents have all findings.
    for (const std::string_view what : {"/v1/incidents", "/v1/remedies"})
      for (const Node& node : stage_->cluster().nodes()) {
        const auto answer = get_json(stage_->door(node), std::string(what));
        if (!answer.is_object()) continue;
        answered_ = true;
        if (what == "/v1/incidents")
          observer_.take_incidents(answer, now().wall);
        else
          observer_.take_remedies(answer, now().wall);
        break;
      }
  }

  WallTime true_time(uint32_t member, WallTime told, WallTime read) const {
    for (const Node& node : stage_->cluster().nodes())
      if (node.member == member && !node.clocks.empty()) return node.true_time(told, read);
    return told;
  }

  /// What each member says of its clock: the bound that its kernel states, -1 for none.
  void read_clocks() {
    for (const Node& node : stage_->cluster().nodes()) {
      ClockWord clock{node.name, false, std::nullopt};
      const auto view = get_json(stage_->door(node), "/v1/telemetry?metric=clock.bound");
      if (view.is_object() && view.contains("series") && view["series"].is_array())
        for (const auto& series : view["series"])
          if (series.is_object() && series.value("metric", std::string()) == "clock.bound" &&
              series.contains("value") && series["value"].is_number_integer()) {
            const auto bound = series["value"].get<int64_t>();
            if (bound < 0) continue;
            clock.synchronised = true;
            clock.bound = Duration::microseconds(bound);
          }
      evaluation_.clocks.push_back(std::move(clock));
    }
  }

  const EvaluateOptions& options_;
  const std::vector<Case> cases_;
  const std::size_t part_;
  const std::string script_;
  Evaluation evaluation_;
  Observer observer_;
  std::unique_ptr<Stage> stage_;
  MonoTime looked_;
  bool answered_ = false;  // some node told its incidents
};

}  // namespace

Result<Evaluation> run_evaluation(const EvaluateOptions& options) {
  adopt_orphans();
  Evaluation all;
  all.advisor = options.advisor;
  std::string script;
  if (options.advisor == "model") {
    all.script = options.script.empty() ? "good" : options.script;
    script = all.script;
    all.adversarial = true;  // unless it is known to mean well
    for (const NamedScript& named : kScripts)
      if (all.script == named.name) {
        script = named.script;
        all.adversarial = named.adversarial;
      }
  }
  all.agent_throughput_per_s = measure_throughput(thread_time, kThroughput);
  const std::size_t groups = std::max<std::size_t>(options.groups, 1);
  for (std::size_t part = 1; part <= groups; ++part) {
    if (options.part != 0 && options.part != part) continue;
    auto cases = dealt(options.cases, groups, part);
    if (cases.empty()) continue;
    auto one = Runner(options, std::move(cases), part, script).run();
    if (!one && all.clusters == 0) return one.error();
    if (!one) {
      all.problems.push_back("group " + std::to_string(part) + ": " + one.error().text);
      continue;
    }
    add(all, std::move(one).value());
    if (all.interrupted) break;
  }
  return all;
}

}  // namespace holdfast::drill::evaluate
