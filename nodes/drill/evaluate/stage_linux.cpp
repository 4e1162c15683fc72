#include "nodes/drill/evaluate/stage_linux.hpp"

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace holdfast::drill::evaluate {

namespace {

namespace fs = std::filesystem;

constexpr Duration kStart = Duration::seconds(40);
constexpr Duration kModelStart = Duration::seconds(10);
constexpr Duration kFlowEnd = Duration::seconds(90);
constexpr Duration kLook = Duration::milliseconds(10);
constexpr Duration kFirstReport = Duration::seconds(2);
constexpr const char* kIntakePath = "/v1/metrics";
// What the healing loop reads and a cluster's templates need not have.
constexpr const char* kLoopFiles[] = {"agents.toml",      "detectors.toml", "policy.toml",
                                      "workflows.toml",   "advisor.toml",   "precedents.toml",
                                      "policy_tests.toml"};

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

// Lines below a table of a TOML file, which is made where it is not there.
void add_below(const std::string& file, const std::string& table, const std::string& lines) {
  std::string text = "\n" + read_all(file);
  const std::string header = "\n[" + table + "]";
  const auto at = text.find(header);
  if (at == std::string::npos)
    text += header + "\n" + lines;
  else
    text.insert(text.find('\n', at + 1) + 1, lines);
  std::ofstream(file) << text.substr(1);
}

}  // namespace

Stage::Stage(const StageOptions& options)
    : options_(options), scene_(options.cluster.folder + ".scene") {}

Stage::~Stage() {
  injector_.reset();
  feed_.reset();
  load_ = {};
  cluster_.reset();
  model_ = {};
  end_all_below();
  endpoint_.reset();
}

Result<std::unique_ptr<Stage>> Stage::start(const StageOptions& options) {
  std::unique_ptr<Stage> stage(new Stage(options));
  if (auto started = stage->start_all(); !started) return started.error();
  return stage;
}

Result<> Stage::start_all() {
  ClusterOptions& cluster = options_.cluster;
  const bool library = fs::exists(cluster.binaries + "/" + kFaultLibrary);
  for (const Case& one : options_.cases) {
    cluster.ways |= needs_ways(one.means);
    cluster.faults |= library && needs_fault_library(one.means);
  }
  cluster.mesh = true;  // findings of all nodes reach whoever leads the orchestrator
  auto endpoint = Endpoint::start();
  if (!endpoint) return endpoint.error();
  endpoint_ = std::move(endpoint).value();
  std::error_code error;
  fs::remove_all(scene_, error);
  fs::create_directories(scene_, error);
  if (!options_.script.empty())
    if (auto model = start_model(); !model) return model;
  if (auto made = make_templates(); !made) return made;
  auto started = Cluster::start(cluster);
  if (!started) return started.error();
  cluster_ = std::move(started).value();
  if (auto settled = settle(); !settled) return settled;
  start_feed();
  injector_ = std::make_unique<Injector>(
      Injector::Scene{*cluster_, feed_.get(), endpoint_->requests() > 0 ? endpoint_.get() : nullptr,
                      [this](int64_t rate) {
                        // An id is heard once, so each flow has its own.
                        const std::string name = "more" + std::to_string(++more_flows_);
                        return Process::start(load_command(name, static_cast<uint32_t>(rate)));
                      }});
  return success();
}

Result<> Stage::start_model() {
  Command command;
  command.words = {options_.cluster.binaries + "/holdfast-model", "--port", "0", "--script",
                   options_.script};
  command.output = scene_ + "/model.log";
  auto started = Process::start(command);
  if (!started) return started.error();
  model_ = std::move(started).value();
  constexpr std::string_view kListening = "listening ";
  const MonoTime until = now().mono + kModelStart;
  while (now().mono < until) {
    const auto text = read_all(command.output);
    const auto at = text.find(kListening);
    if (at != std::string::npos && text.find('\n', at) != std::string::npos) {
      model_port_ =
          static_cast<uint16_t>(std::strtoul(text.c_str() + at + kListening.size(), nullptr, 10));
      return success();
    }
    if (!model_.running()) return Error{ErrorCode::kInvalid, "the scripted model ended: " + text};
    sleep_for(kLook);
  }
  return Error{ErrorCode::kUnavailable, "the scripted model does not listen"};
}

// The cluster's configuration, with the endpoint as where telemetry is sent to, and the model.
Result<> Stage::make_templates() {
  const std::string templates = scene_ + "/config";
  std::error_code error;
  fs::copy(options_.cluster.templates, templates, fs::copy_options::recursive, error);
  if (error)
    return Error{ErrorCode::kIo,
                 "can't copy " + options_.cluster.templates + ": " + error.message()};
  for (const char* file : kLoopFiles)
    if (!fs::exists(templates + "/" + file) && fs::exists(options_.config + "/" + file))
      fs::copy_file(options_.config + "/" + file, templates + "/" + file, error);
  options_.cluster.healing = true;
  add_below(templates + "/node.toml", "telemetry",
            "otlp_endpoint = \"http://127.0.0.1:" + std::to_string(endpoint_->port()) +
                "/v1/metrics\"\notlp_every = \"200ms\"\n");
  if (model_port_ != 0)
    // A breaker that soon asks again: a model that is refused goes on being asked.
    std::ofstream(templates + "/advisor.toml", std::ios::app)
        << "\n[[endpoint]]\nname = \"scripted\"\ndialect = \"vllm\"\nurl = \"http://127.0.0.1:"
        << model_port_
        << "/v1\"\nmodel = \"scripted\"\nbreaker_open = \"1s\"\nbreaker_open_max = \"1s\"\n";
  options_.cluster.templates = templates;
  return success();
}

Result<> Stage::settle() {
  const MonoTime until = now().mono + kStart;
  while (!cluster_->unsettled().empty() && !interrupted()) {
    if (now().mono > until)
      return Error{ErrorCode::kUnavailable,
                   "the cluster did not come up: " + cluster_->unsettled() + "; its logs are in " +
                       cluster_->folder()};
    sleep_for(kLook);
    cluster_->look();
  }
  return success();
}

void Stage::start_feed() {
  const Node& node = cluster_->nodes().front();
  auto feed = FeedHandler::start({door(node), kIntakePath, std::to_string(node.member)});
  if (!feed) return options_.problem("no feed handler: " + feed.error().text);
  feed_ = std::move(feed).value();
  const MonoTime until = now().mono + kFirstReport;
  while ((feed_->reported() == 0 || endpoint_->requests() == 0) && now().mono < until &&
         !interrupted())
    sleep_for(kLook);
  if (feed_->reported() > 0) return;
  options_.problem("the node takes no telemetry from outside; cases of the feed are skipped");
  feed_.reset();
}

Door Stage::door(const Node& node) const {
  return {port_of(node.operator_url), token_in(node.token_file)};
}

Command Stage::load_command(const std::string& name, uint32_t rate) const {
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
                   "--timeline",
                   folder + "/" + name + ".timeline",
                   "--quiet"};
  command.output = folder + "/" + name + ".log";
  return command;
}

Result<> Stage::start_flow() {
  auto started = Process::start(load_command("flow", options_.rate));
  if (!started) return started.error();
  load_ = std::move(started).value();
  return success();
}

std::map<std::string, uint64_t> Stage::end_flow() {
  const auto none = [this](const char* why) {
    options_.problem(why);
    return std::map<std::string, uint64_t>();
  };
  if (!load_.signal(SIGTERM)) return none("the flow gave up before its end");
  if (!load_.wait(kFlowEnd)) return none("the flow did not come to an end");
  const auto flow =
      nlohmann::json::parse(read_all(cluster_->folder() + "/flow.json"), nullptr, false);
  if (!flow.is_object()) return none("the flow has no reconciliation");
  std::map<std::string, uint64_t> numbers;
  for (const char* key :
       {"sent", "filled", "rejected", "lost", "duplicated", "contradicted", "unknown"})
    if (flow.contains(key) && flow[key].is_number_unsigned())
      numbers[key] = flow[key].get<uint64_t>();
  return numbers;
}

OrderTimes Stage::order_times(MonoTime quiet_from, MonoTime quiet_until) const {
  OrderTimes times;
  std::ifstream file(cluster_->folder() + "/flow.timeline");
  int64_t due = 0, submitted = 0, acknowledged = 0;
  std::string account, id;
  while (file >> due >> submitted >> acknowledged >> account >> id) {
    const Duration took{acknowledged - due};
    times.all.push_back(took);
    if (due >= quiet_from.ns && due <= quiet_until.ns) times.quiet.push_back(took);
  }
  return times;
}

void Stage::stop_nodes() {
  injector_->end();
  feed_.reset();
  cluster_->stop();
}

}  // namespace holdfast::drill::evaluate
