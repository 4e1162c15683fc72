#include "nodes/drill/evaluate/evaluate_linux.hpp"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "nodes/drill/evaluate/inject_linux.hpp"
#include "nodes/drill/evaluate/observe.hpp"

namespace holdfast::drill::evaluate {

namespace {

namespace fs = std::filesystem;

constexpr Duration kStart = Duration::seconds(40);
constexpr Duration kFlowEnd = Duration::seconds(90);
constexpr Duration kLook = Duration::milliseconds(10);
constexpr Duration kThroughput = Duration::seconds(1);
constexpr const char* kIntakePath = "/v1/metrics";

// The word behind the first token of a token file: "role name token".
std::string token_in(const std::string& file) {
  std::istringstream text(read_all(file));
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string role, name, token;
    if (words >> role >> name >> token && role.front() != '#') return token;
  }
  return {};
}

uint16_t port_of(const std::string& url) {
  const auto at = url.rfind(':');
  return at == std::string::npos
             ? uint16_t{0}
             : static_cast<uint16_t>(std::strtoul(url.c_str() + at + 1, nullptr, 10));
}

class Runner {
 public:
  explicit Runner(const EvaluateOptions& options)
      : options_(options), observer_([this](uint32_t member, WallTime told, WallTime read) {
          return true_time(member, told, read);
        }) {}

  Result<Evaluation> run() {
    adopt_orphans();
    const auto went = phases();
    injector_.reset();
    feed_.reset();
    load_ = {};
    cluster_.reset();
    end_all_below();
    endpoint_.reset();
    std::error_code error;
    fs::remove_all(templates_, error);
    if (!went) return went.error();
    evaluation_.advisor = options_.advisor;
    evaluation_.interrupted = interrupted();
    evaluation_.observed = observer_.observed();
    evaluation_.score = score(evaluation_.trials, evaluation_.observed, options_.grace);
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
    evaluation_.problems.push_back(text);
    say("  ! " + text);
  }

  Result<> phases() {
    if (auto started = start(); !started || interrupted()) return started;
    if (auto flow = start_flow(); !flow || interrupted()) return flow;
    say("phase I: baseline of " + std::to_string(options_.baseline.ns / 1'000'000'000) + " s");
    wait(options_.baseline);
    if (!rest()) problem("the baseline did not come to rest: " + cluster_->unsettled());
    say("phase II: " + std::to_string(options_.cases.size()) + " cases");
    for (const Case& one : options_.cases) {
      if (interrupted()) break;
      run_case(one);
    }
    say("phase III: audit");
    read_clocks();
    end_flow();
    look_at_loop();
    if (observer_.strange())
      problem(std::to_string(observer_.strange()) + " entries of the operator API can't be read");
    evaluation_.agent_throughput_per_s = measure_throughput([] { return now().mono; }, kThroughput);
    return success();
  }

  // ---- what it runs on

  Result<> start() {
    ClusterOptions cluster = options_.cluster;
    const bool library = fs::exists(cluster.binaries + "/" + kFaultLibrary);
    for (const Case& one : options_.cases) {
      cluster.ways |= needs_ways(one.means);
      cluster.faults |= library && needs_fault_library(one.means);
    }
    cluster.mesh = true;  // findings of all nodes reach whoever leads the orchestrator
    auto endpoint = Endpoint::start();
    if (!endpoint) return endpoint.error();
    endpoint_ = std::move(endpoint).value();
    if (auto made = make_templates(cluster); !made) return made;
    say("starting three nodes, a simulated exchange, a feed and an endpoint in " + cluster.folder);
    auto started = Cluster::start(cluster);
    if (!started) return started.error();
    cluster_ = std::move(started).value();
    const MonoTime until = now().mono + kStart;
    while (!cluster_->unsettled().empty() && !interrupted()) {
      if (now().mono > until)
        return Error{ErrorCode::kUnavailable,
                     "the cluster did not come up: " + cluster_->unsettled() +
                         "; its logs are in " + cluster_->folder()};
      sleep_for(kLook);
      cluster_->look();
    }
    start_feed();
    injector_ = std::make_unique<Injector>(Injector::Scene{
        *cluster_, feed_.get(), endpoint_->requests() > 0 ? endpoint_.get() : nullptr,
        [this](int64_t rate) {
          return Process::start(load_command("more", static_cast<uint32_t>(rate)));
        }});
    return success();
  }

  // The cluster's configuration, with the endpoint as where telemetry is sent to.
  Result<> make_templates(ClusterOptions& cluster) {
    templates_ = cluster.folder + ".templates";
    std::error_code error;
    fs::remove_all(templates_, error);
    fs::create_directories(fs::path(templates_).parent_path(), error);
    fs::copy(cluster.templates, templates_, fs::copy_options::recursive, error);
    if (error)
      return Error{ErrorCode::kIo, "can't copy " + cluster.templates + ": " + error.message()};
    std::ofstream(templates_ + "/node.toml", std::ios::app)
        << "\n[telemetry]\notlp_endpoint = \"http://127.0.0.1:" << endpoint_->port()
        << "/v1/metrics\"\notlp_every = \"200ms\"\n";
    cluster.templates = templates_;
    return success();
  }

  void start_feed() {
    const Node& node = cluster_->nodes().front();
    auto feed = FeedHandler::start({port_of(node.operator_url), kIntakePath,
                                    token_in(node.token_file), std::to_string(node.member)});
    if (!feed) return problem("no feed handler: " + feed.error().text);
    feed_ = std::move(feed).value();
    wait(Duration::seconds(2));
    if (feed_->reported() > 0) return;
    problem("the node takes no telemetry from outside; cases of the feed are skipped");
    feed_.reset();
  }

  Command load_command(const std::string& name, uint32_t rate) const {
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
                     std::to_string(rate),
                     "--ids",
                     name + "-",
                     "--json",
                     folder + "/" + name + ".json",
                     "--quiet"};
    command.output = folder + "/" + name + ".log";
    return command;
  }

  Result<> start_flow() {
    auto started = Process::start(load_command("flow", options_.rate));
    if (!started) return started.error();
    load_ = std::move(started).value();
    return success();
  }

  void end_flow() {
    if (!load_.signal(SIGTERM)) return problem("the flow gave up before its end");
    if (!load_.wait(kFlowEnd)) return problem("the flow did not come to an end");
    const auto flow =
        nlohmann::json::parse(read_all(cluster_->folder() + "/flow.json"), nullptr, false);
    if (!flow.is_object()) return problem("the flow has no reconciliation");
    for (const char* key : {"sent", "filled", "lost", "duplicated", "contradicted", "unknown"})
      if (flow.contains(key) && flow[key].is_number_unsigned())
        evaluation_.flow[key] = flow[key].get<uint64_t>();
  }

  // ---- a case

  void run_case(const Case& one) {
    Trial trial;
    trial.what = one;
    trial.skipped = injector_->why_not(one);
    if (!trial.skipped.empty()) {
      say("  " + one.name + " skipped: " + trial.skipped);
      evaluation_.trials.push_back(std::move(trial));
      return;
    }
    cluster_->look();
    const auto leader = cluster_->view().leader(cluster_->groups().front());
    trial.began = now().wall;
    const auto begun = injector_->begin(one, leader.value_or(cluster_->nodes().front().member));
    if (begun) {
      wait(one.lasts);
    } else {
      trial.skipped = begun.error().text;
    }
    injector_->end();
    trial.ended = now().wall;
    if (!rest()) {
      problem(one.name + ": not at rest after it: " + unrest());
    } else {
      trial.rested = now().wall;
    }
    evaluation_.trials.push_back(trial);
    const Score so_far = score({trial}, within(trial), options_.grace);
    const TrialScore& result = so_far.trials.front();
    say("  " + one.name + ": " +
        (one.is_control() ? std::string("control")
         : result.found   ? "found as " + std::string(to_text(result.as)) + " after " +
                              std::to_string(result.detection->ms()) + " ms"
                        : std::string("MISSED")) +
        (result.unexpected.empty()
             ? ""
             : ", unexpected: " + std::string(to_text(result.unexpected.front()))));
  }

  // What was observed in a trial's time alone.
  Observed within(const Trial& trial) const {
    Observed all = observer_.observed();
    std::erase_if(all.findings, [&](const auto& finding) { return finding.found < trial.began; });
    return all;
  }

  std::string unrest() const {
    const std::string unsettled = cluster_->unsettled();
    if (!unsettled.empty()) return unsettled;
    return std::to_string(observer_.open_findings()) + " findings and " +
           std::to_string(observer_.open_remedies()) + " remedies are open";
  }

  /// Until all members are in every set again, nothing is found any more and no remedy runs.
  bool rest() {
    const MonoTime until = now().mono + options_.rest_max;
    std::optional<MonoTime> quiet_since;
    while (!interrupted()) {
      wait(options_.look_every);
      look_at_loop();
      const MonoTime at = now().mono;
      const bool quiet = cluster_->unsettled().empty() && observer_.open_findings() == 0 &&
                         observer_.open_remedies() == 0;
      if (!quiet) quiet_since.reset();
      if (quiet && !quiet_since) quiet_since = at;
      if (quiet && at - *quiet_since >= options_.rest) return true;
      if (at > until) return false;
    }
    return true;
  }

  // ---- looking

  void wait(Duration span) {
    const MonoTime until = now().mono + span;
    while (now().mono < until && !interrupted()) {
      if (now().mono - looked_ >= options_.look_every) look_at_loop();
      if (injector_) injector_->poll();
      cluster_->look();
      sleep_for(std::min(kLook, std::max(until - now().mono, Duration{})));
    }
  }

  void look_at_loop() {
    looked_ = now().mono;
    for (const Node& node : cluster_->nodes())
      observer_.take_findings(cluster_->ask(node, {"get", "/v1/findings"}), now().wall);
    // All nodes have the same of these; the first that answers is asked.
    for (const char* what : {"/v1/incidents", "/v1/remedies"})
      for (const Node& node : cluster_->nodes()) {
        const auto answer = cluster_->ask(node, {"get", what});
        if (!answer.is_object()) continue;
        if (what == std::string("/v1/incidents"))
          observer_.take_incidents(answer, now().wall);
        else
          observer_.take_remedies(answer, now().wall);
        break;
      }
  }

  WallTime true_time(uint32_t member, WallTime told, WallTime read) const {
    for (const Node& node : cluster_->nodes())
      if (node.member == member && !node.clocks.empty()) return node.true_time(told, read);
    return told;
  }

  /// What each member says of its clock: the bound that its kernel states, -1 for none.
  void read_clocks() {
    for (const Node& node : cluster_->nodes()) {
      ClockWord clock{node.name, false, std::nullopt};
      const auto view = cluster_->ask(node, {"get", "/v1/telemetry?metric=clock.bound"});
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
  Evaluation evaluation_;
  Observer observer_;
  std::string templates_;
  std::unique_ptr<Endpoint> endpoint_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<FeedHandler> feed_;
  std::unique_ptr<Injector> injector_;
  Process load_;
  MonoTime looked_;
};

}  // namespace

Result<Evaluation> run_evaluation(const EvaluateOptions& options) { return Runner(options).run(); }

}  // namespace holdfast::drill::evaluate
