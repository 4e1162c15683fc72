#include "nodes/drill/foreign_linux.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>

#include "nodes/drill/cluster_linux.hpp"

namespace holdfast::drill {

namespace fs = std::filesystem;
using drills::Fault;

namespace {

nlohmann::json json_in(const std::string& file) {
  auto json = nlohmann::json::parse(read_all(file), nullptr, false);
  return json.is_object() ? json : nlohmann::json::object();
}

/// Whether somebody holds the guard's lock of a state directory; looked at for microseconds.
bool is_guarded(const std::string& folder) {
  const int fd = ::open((folder + "/guard.lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool free = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  ::close(fd);
  return !free;
}

}  // namespace

std::string why_not_foreign(const drills::Scenario& scenario) {
  for (const Fault fault : scenario.faults) switch (fault) {
      case Fault::kKillActive:
      case Fault::kKillStandby:
      case Fault::kStopActive:
      case Fault::kHandOver:
      case Fault::kCrashLoop:
        break;
      case Fault::kKillEverything:
      case Fault::kKillTakeOver:
      case Fault::kKillBoth:
      case Fault::kKillRebuild:
        return std::string(drills::name_of(fault)) + " hits more than one node at once";
      case Fault::kKillGuard:
      case Fault::kRestartNode:
        return std::string(drills::name_of(fault)) +
               " ends guards, and only who started them knows how to start them again";
      case Fault::kLoseDisk:
        return "lose-disk destroys what a node has stored";
      case Fault::kPartition:
      case Fault::kCutVenue:
      case Fault::kFillDisk:
      case Fault::kSlowDisk:
      case Fault::kStepClock:
        return std::string(drills::name_of(fault)) +
               " needs nodes that were started with a proxy or a library before them";
      case Fault::kKillArbiter:
      case Fault::kKillArbiterMajority:
        return std::string(drills::name_of(fault)) + " hits etcd, which may serve others too";
    }
  return {};
}

Result<ProcessId> guarded_process(const std::string& state_directory) {
  const auto record = json_in(state_directory + "/node.json");
  const auto pid = record.value("pid", nlohmann::json());
  const auto ticks = record.value("start_ticks", nlohmann::json());
  if (pid.is_number_integer() && ticks.is_number_integer() && pid.get<int64_t>() > 1 &&
      pid.get<int64_t>() <= std::numeric_limits<pid_t>::max())
    if (const auto process = process_of(pid.get<pid_t>());
        process && process.value().start_ticks == ticks.get<uint64_t>())
      return process.value();
  return Error{ErrorCode::kNotFound, "no node runs of " + state_directory};
}

std::string user_name() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry ? entry->pw_name : "uid " + std::to_string(::getuid());
}

std::string configuration_of(const std::string& place) {
  for (const auto& folder : {place, place + "/config"})
    if (fs::exists(folder + "/cluster.toml")) return folder;
  return {};
}

Reserved::~Reserved() {
  if (fd >= 0) ::close(fd);
}

Result<std::unique_ptr<Cluster>> Cluster::attach(ClusterOptions options) {
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(options)));
  const std::string config = configuration_of(cluster->options_.foreign);
  if (config.empty())
    return Error{ErrorCode::kNotFound,
                 "no cluster.toml in " + cluster->options_.foreign + " or its config/"};
  const auto names = members_in(read_all(config + "/cluster.toml"));
  if (auto read = cluster->read_configuration(config, names.empty() ? "" : names.front()); !read)
    return read.error();
  for (Node& node : cluster->nodes_)
    if (auto found = cluster->find_node(node); !found) return found.error();
  if (auto made = cluster->make_answer_folder(); !made) return made.error();
  cluster->ask_how_all_stand();
  cluster->look();
  return cluster;
}

Result<> Cluster::find_node(Node& node) {
  const std::string& folder = node.folder;
  if (folder.empty())
    return Error{ErrorCode::kInvalid, "cluster.toml names no state_directory of " + node.name};
  const auto process = guarded_process(folder);
  if (!process)
    return Error{ErrorCode::kUnavailable,
                 node.name + " does not run on this host: " + process.error().text};
  if (!is_guarded(folder))
    return Error{ErrorCode::kUnavailable,
                 node.name + " has no guard that would start it again (" + folder + ")"};
  // Signal 0: only whether it would be permitted.
  if (const auto may = signal_exactly(process.value(), 0); !may)
    return Error{ErrorCode::kDenied, "may not signal " + node.name + ": " + may.error().text};
  if (::access((folder + "/node.log").c_str(), R_OK) != 0)
    return Error{
        ErrorCode::kUnavailable,
        folder + "/node.log can't be read, by which a drill sees what " + node.name + " does"};
  const auto api = json_in(folder + "/operator.json");
  node.operator_url = api.value("url", node.operator_url);
  node.token_file = api.value("token_file", node.token_file);
  if (node.operator_url.empty())
    return Error{ErrorCode::kUnavailable,
                 node.name + " has no operator API (no operator.json in " + folder + ")"};
  return success();
}

Result<> Cluster::make_answer_folder() {
  std::string& folder = options_.folder;
  std::error_code error;
  folder = fs::absolute(folder).lexically_normal().string();
  if (fs::exists(folder, error) && !fs::is_empty(folder, error) &&
      !fs::exists(folder + "/" + kMark, error))
    return Error{ErrorCode::kConflict,
                 folder + " is there and was not made by a drill; name another with --state"};
  fs::create_directories(folder, error);
  std::ofstream mark(folder + "/" + kMark);
  mark << "made by holdfast drill\n";
  if (!mark.flush()) return Error{ErrorCode::kIo, "can't write in " + folder};
  return success();
}

/// What a log says comes later and counts more; but what it said long ago is rotated away.
void Cluster::ask_how_all_stand() {
  for (const Node& node : nodes_) {
    const WallTime at = now().wall;
    const auto groups = ask(node, {"get", "/v1/groups"});
    if (groups.is_object())
      for (const auto& group : groups.value("groups", nlohmann::json::array()))
        view_.take(node.member, {at, group.value("name", std::string()), false, "",
                                 group.value("state", std::string()), ""});
    const auto venues = ask(node, {"get", "/v1/venues"});
    if (venues.is_object())
      for (const auto& venue : venues.value("venues", nlohmann::json::array()))
        view_.take(node.member, {at, "venue/" + venue.value("name", std::string()), true, "",
                                 venue.value("state", std::string()), ""});
  }
}

Result<std::string> Cluster::reserve(const std::string& text) {
  // The directory itself, so that nothing is written there.
  const std::string& place = nodes_.front().folder;
  reserved_ = std::make_unique<Reserved>();
  reserved_->fd = ::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (reserved_->fd < 0 || ::flock(reserved_->fd, LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorCode::kConflict, "another drill runs on this cluster"};
  std::set<std::string> names;
  for (const Node& node : nodes_) {
    const auto answer = ask_for_all(node, {"note", "--reason", text});
    if (answer.code == 0 && answer.json.is_object()) {
      names.insert(answer.json.value("name", std::string()));
      continue;
    }
    std::string why = "it does not answer";
    if (answer.json.is_object() && answer.json.contains("error"))
      why = answer.json["error"].value("text", answer.json["error"].dump());
    return Error{answer.code == 4 ? ErrorCode::kDenied : ErrorCode::kUnavailable,
                 node.name + " took no note of the drill: " + why};
  }
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  return all;
}

void Cluster::note(const std::string& text) const {
  for (const Node& node : nodes_) (void)ask(node, {"note", "--reason", text});
}

Result<std::string> describe_foreign(const ClusterOptions& options) {
  const auto attached = Cluster::attach(options);
  if (!attached) return attached.error();
  Cluster& cluster = *attached.value();
  std::string text;
  for (const Node& node : cluster.nodes()) {
    std::string leads;
    for (const auto& group : cluster.groups())
      if (cluster.view().leader(group) == node.member) leads += " " + group;
    text += "  " + node.name + ": process " + std::to_string(cluster.pid(node).value_or(0)) + ", " +
            node.folder + (leads.empty() ? ", leads nothing" : ", leads" + leads) + "\n";
  }
  const auto why = cluster.unsettled();
  text += why.empty() ? "  all of them are in sync\n"
                      : "  not whole, so nothing would be done: " + why + "\n";
  std::error_code error;
  if (const auto& folder = cluster.folder(); fs::exists(folder + "/" + kMark, error))
    fs::remove_all(folder, error);
  return text;
}

}  // namespace holdfast::drill
