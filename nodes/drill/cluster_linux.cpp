#include "nodes/drill/cluster_linux.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "nodes/settings/settings.hpp"
#include "supervision/replication/protocol/record.hpp"

namespace holdfast::drill {

namespace {

namespace fs = std::filesystem;

constexpr const char* kEtcd = "/usr/bin/etcd";
}  // namespace

Cluster::Cluster(ClusterOptions options) : options_(std::move(options)), view_({}, {}) {}

Cluster::~Cluster() { stop(); }

Result<std::unique_ptr<Cluster>> Cluster::start(ClusterOptions options) {
  std::unique_ptr<Cluster> cluster(new Cluster(std::move(options)));
  try {
    if (auto made = cluster->make_folder(); !made) return made.error();
  } catch (const fs::filesystem_error& error) {
    return Error{ErrorCode::kIo, error.what()};
  }
  if (auto started = cluster->start_venue(); !started) return started.error();
  if (cluster->options_.etcd)
    if (auto started = cluster->start_etcd(); !started) return started.error();
  for (Node& node : cluster->nodes_)
    if (auto started = cluster->start_guard(node); !started) return started.error();
  return cluster;
}

Result<> Cluster::make_folder() {
  std::string& folder = options_.folder;
  folder = fs::absolute(folder).lexically_normal().string();
  if (fs::exists(folder) && !fs::is_empty(folder) && !fs::exists(folder + "/" + kMark))
    return Error{ErrorCode::kConflict,
                 folder + " is there and was not made by a drill; name another with --state"};
  fs::remove_all(folder);
  fs::create_directories(folder);
  std::ofstream(folder + "/" + kMark) << "made by holdfast drill\n";
  if (!fs::exists(options_.templates + "/cluster.toml"))
    return Error{ErrorCode::kNotFound, "no configuration of a cluster in " + options_.templates +
                                           "; run it where config/ is, or name it with --config"};
  const std::string config = folder + "/config";
  fs::copy(options_.templates, config, fs::copy_options::recursive);
  if (options_.heartbeat_s) {
    const auto venues = read_all(config + "/venues.toml");
    std::ofstream(config + "/venues.toml") << rewrite_heartbeat(venues, options_.heartbeat_s);
  }
  const auto text = read_all(config + "/cluster.toml");
  const auto names = members_in(text);
  if (auto written = write_configurations(config, text, names); !written) return written;

  if (auto read = read_configuration(config, names.empty() ? "" : names.front()); !read)
    return read;
  for (Node& node : nodes_) {
    node.binary = options_.from.empty() ? program("holdfast-node") : options_.from;
    node.config = options_.ways ? config + "-" + node.name : config;
    fs::create_directories(node.folder);
    if (auto made = make_token(node.folder + "/operator.token"); !made) return made.error();
    if (options_.faults)
      if (auto mapped = map_faults(node); !mapped) return mapped;
  }
  return success();
}

/// `name`: of any member, which will do to read what they have in common.
Result<> Cluster::read_configuration(const std::string& config, const std::string& name) {
  settings::Problems problems;
  settings::Overrides overrides;
  overrides.node_name = name;
  const auto loaded = settings::load_settings(config, overrides, problems);
  if (!problems.none()) return Error{ErrorCode::kInvalid, problems.str()};
  if (!loaded.cluster || loaded.cluster->members.size() < 2)
    return Error{ErrorCode::kInvalid, config + "/cluster.toml names no members"};

  options_.etcd = loaded.cluster->etcd.has_value();
  const auto record = [&](uint32_t group) {
    return loaded.cluster->arbiter_directory + "/group-" + std::to_string(group) + ".json";
  };
  shards_ = loaded.node.shards;
  for (uint32_t shard = 0; shard < shards_; ++shard) {
    groups_.push_back("orders/" + std::to_string(shard));
    records_.push_back(record(1 + shard));
  }
  for (const auto& venue : loaded.venues) {
    groups_.push_back("venue/" + venue.entry.name.str());
    records_.push_back(record(venue.entry.group.value));
  }
  std::vector<uint32_t> members;
  for (const auto& member : loaded.cluster->members) {
    // Nobody waits for a learner, and it never leads by itself: it is left alone.
    if (is_foreign() && member.role != replication::Role::kSync) continue;
    Node node;
    node.member = member.id.value;
    node.name = member.name;
    node.folder = member.state_directory;
    node.token_file = node.folder + "/operator.token";
    node.order_entry = settings::to_text(member.order_entry);
    if (member.operator_api)
      node.operator_url = "http://" + settings::to_text(*member.operator_api);
    node.log = std::make_unique<Tail>(node.folder + "/node.log");
    members.push_back(node.member);
    nodes_.push_back(std::move(node));
  }
  view_ = drills::View(groups_, members);
  return success();
}

/// One folder for all; with ways in between, one each, in which the others are where its ways
/// begin.
Result<> Cluster::write_configurations(const std::string& config, const std::string& text,
                                       const std::vector<std::string>& names) {
  const std::size_t members = names.size();
  // Four each, etcd's, a venue's way each, and of each to each and to each of etcd's.
  const auto free =
      free_ports(4 * members + 2 * kEtcdMembers + members * (1 + members + kEtcdMembers));
  if (!free) return free.error();
  auto next = free.value().begin();
  Places places;
  places.folder = options_.folder;
  for (const auto& name : names) {
    places.replication[name] = *next++;
    places.order_entry[name] = *next++;
    places.operator_api[name] = *next++;
    if (options_.mesh) places.mesh[name] = *next;
    ++next;
  }
  if (options_.etcd) etcd_ports_.assign(next, next + 2 * kEtcdMembers);
  next += 2 * kEtcdMembers;
  places.etcd.assign(etcd_ports_.begin(),
                     etcd_ports_.begin() + static_cast<long>(etcd_ports_.size() / 2));
  std::ofstream(config + "/cluster.toml") << rewrite_cluster(text, places);
  if (!options_.ways) return success();
  network_ = std::make_unique<Network>();
  for (const auto& name : names) {
    const std::string own = config + "-" + name;
    fs::copy(config, own, fs::copy_options::recursive);
    Places seen = places;
    for (const auto& other : names) {
      if (other == name) continue;
      seen.replication[other] = *next;
      if (auto way = network_->add(name, other, *next++, places.replication[other]); !way)
        return way;
    }
    for (std::size_t i = 0; i < places.etcd.size(); ++i) {
      seen.etcd[i] = *next;
      if (auto way = network_->add(name, etcd_name(i), *next++, places.etcd[i]); !way) return way;
    }
    venue_ways_[name] = *next++;
    std::ofstream(own + "/cluster.toml") << rewrite_cluster(text, seen);
  }
  return success();
}

Result<> Cluster::map_faults(Node& node) {
  const std::string file = fault_file(node);
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0 || ::ftruncate(fd, sizeof(FaultPage)) != 0)
    return Error{ErrorCode::kIo, "can't write " + file};
  void* page = ::mmap(nullptr, sizeof(FaultPage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (page == MAP_FAILED) return Error{ErrorCode::kIo, "can't map " + file};
  node.faults = static_cast<FaultPage*>(page);  // for as long as the drill lives
  return success();
}

std::string Cluster::fault_file(const Node& node) const {
  return options_.folder + "/faults-" + node.name;
}

Result<> Cluster::start_venue() {
  const std::string& folder = options_.folder;
  Command command;
  command.words = {program("holdfast-venue"),
                   "--sender",
                   "XSIM",
                   "--port",
                   "0",
                   "--control",
                   "0",
                   "--ports-file",
                   folder + "/venue.ports",
                   "--record",
                   venue_record()};
  command.output = folder + "/venue.log";
  auto started = Process::start(command);
  if (!started) return started.error();
  venue_ = std::move(started).value();
  const MonoTime until = now().mono + Duration::seconds(10);
  while (now().mono < until && venue_.running()) {
    const auto text = read_all(folder + "/venue.ports");
    const auto at = text.find("fix=");
    const auto end = at == std::string::npos ? at : text.find('\n', at);
    if (end != std::string::npos) {
      const auto port = static_cast<uint16_t>(std::stoul(text.substr(at + 4, end - at - 4)));
      for (const Node& node : nodes_) {
        const auto way = venue_ways_.find(node.name);
        venue_ports_[node.name] = way == venue_ways_.end() ? port : way->second;
        if (way == venue_ways_.end()) continue;
        if (auto added = network_->add(node.name, kVenue, way->second, port); !added) return added;
      }
      return success();
    }
    sleep_for(Duration::milliseconds(10));
  }
  return Error{ErrorCode::kUnavailable,
               "the simulated exchange did not start; its log is " + command.output};
}

Result<> Cluster::start_etcd() {
  etcd_.resize(kEtcdMembers);
  for (std::size_t i = 0; i < kEtcdMembers; ++i)
    if (auto started = start_etcd_member(i); !started) return started;
  // A member serves clients once the cluster has elected.
  const MonoTime until = now().mono + Duration::seconds(20);
  for (std::size_t i = 0; i < kEtcdMembers; ++i)
    while (!answers(etcd_ports_[i])) {
      if (now().mono > until || !etcd_[i].running())
        return Error{ErrorCode::kUnavailable,
                     "etcd did not start; its logs are in " + options_.folder};
      sleep_for(Duration::milliseconds(20));
    }
  return success();
}

Result<> Cluster::start_etcd_member(std::size_t i) {
  const auto url = [](uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); };
  std::string members;
  for (std::size_t m = 0; m < kEtcdMembers; ++m)
    members += (m ? ",m" : "m") + std::to_string(m) + "=" + url(etcd_ports_[kEtcdMembers + m]);
  const auto client = url(etcd_ports_[i]), peer = url(etcd_ports_[kEtcdMembers + i]);
  Command command;
  command.words = {kEtcd,
                   "--name",
                   "m" + std::to_string(i),
                   "--data-dir",
                   options_.folder + "/etcd-" + std::to_string(i),
                   "--listen-client-urls",
                   client,
                   "--advertise-client-urls",
                   client,
                   "--listen-peer-urls",
                   peer,
                   "--initial-advertise-peer-urls",
                   peer,
                   "--initial-cluster",
                   members,
                   "--initial-cluster-state",
                   "new",
                   "--heartbeat-interval",
                   "50",
                   "--election-timeout",
                   "500",
                   "--logger",
                   "zap",
                   "--log-level",
                   "warn"};
  command.output = options_.folder + "/etcd-" + std::to_string(i) + ".log";
  auto started = Process::start(command);
  if (!started) return started.error();
  etcd_[i] = std::move(started).value();
  return success();
}

bool Cluster::kill_etcd_member(std::size_t i) {
  return etcd_.at(i).signal(SIGKILL) && etcd_[i].wait(Duration::seconds(5));
}

Result<> Cluster::start_guard(Node& node) {
  Command command;
  // A drill kills more often than a guard should put up with.
  command.words = {program("holdfast-guard"),
                   "--node-binary",
                   node.binary,
                   "--config",
                   node.config,
                   "--state-dir",
                   node.folder,
                   "--alarm-restarts",
                   "100000",
                   "--stable-after-ms",
                   "50"};
  command.environment = {
      {"HOLDFAST_NODE", node.name},
      {"HOLDFAST_STATE_DIR", node.folder},
      {"HOLDFAST_HEALING", options_.healing ? "on" : "off"},
      {"HOLDFAST_VENUE_PORTS", "XSIM=" + std::to_string(venue_ports_[node.name])}};
  if (!options_.fence) {
    command.words.push_back("--hang-timeout-ms");
    command.words.push_back("0");
  }
  if (node.faults)
    for (const auto& [name, value] :
         {std::pair<std::string, std::string>{"LD_PRELOAD", program(kFaultLibrary)},
          {kFaultFileVariable, fault_file(node)},
          {kFaultFolderVariable, node.folder}}) {
      command.words.push_back("--node-env");
      command.words.push_back(name + "=" + value);
    }
  command.output = options_.folder + "/guard-" + node.name + ".log";
  auto started = Process::start(command);
  if (!started) return started.error();
  node.guard = std::move(started).value();
  return success();
}

Node& Cluster::node(uint32_t member) {
  for (Node& node : nodes_)
    if (node.member == member) return node;
  CHECK(false);
  return nodes_.front();
}

std::optional<pid_t> Cluster::pid(const Node& node) const {
  if (is_foreign()) {
    const auto process = guarded_process(node.folder);
    return process ? std::optional(process.value().pid) : std::nullopt;
  }
  // The guard's child; or ours, when its guard is gone and nobody has adopted it.
  const auto text = read_all(node.folder + "/order_entry.json");
  const auto at = text.find("\"pid\":");
  const pid_t named =
      at == std::string::npos ? 0 : static_cast<pid_t>(std::atoi(text.c_str() + at + 6));
  if (named > 1 && is_alive(named))
    for (const pid_t parent : {node.guard.pid(), ::getpid()})
      for (const pid_t child : children_of(parent))
        if (child == named) return named;
  return std::nullopt;
}

Result<Now> Cluster::signal_node(const Node& node, int number) {
  const auto process = pid(node);
  if (!process) return Error{ErrorCode::kNotFound, node.name + " does not run"};
  const auto id = is_foreign() ? guarded_process(node.folder) : process_of(*process);
  if (!id) return id.error();
  return signal_exactly(id.value(), number);
}

nlohmann::json Cluster::ask(const Node& node, std::vector<std::string> words) const {
  auto answer = ask_for_all(node, std::move(words));
  return answer.code == 0 ? std::move(answer.json) : nlohmann::json();
}

Cluster::Answer Cluster::ask_for_all(const Node& node, std::vector<std::string> words) const {
  Command command;
  command.words = {program("holdfast"),
                   "--json",
                   "--url",
                   node.operator_url,
                   "--token-file",
                   options_.token_file.empty() ? node.token_file : options_.token_file};
  if (!options_.as.empty()) command.words.insert(command.words.end(), {"--as", options_.as});
  command.words.insert(command.words.end(), words.begin(), words.end());
  command.output = options_.folder + "/answer.json";
  std::error_code error;
  fs::remove(command.output, error);
  auto asked = Process::start(command);
  if (!asked || !asked.value().wait(Duration::seconds(10))) return {};
  auto answer = nlohmann::json::parse(read_all(command.output), nullptr, false);
  return {asked.value().exit_code(), answer.is_discarded() ? nlohmann::json() : answer};
}

void clear(FaultPage& page) {
  for (auto* field : {&page.full, &page.write_delay_us, &page.sync_delay_us, &page.sync_fails,
                      &page.sync_lies, &page.clock_ns, &page.free_ppm})
    field->store(0, std::memory_order_relaxed);
}

void Node::step_clock(Duration by) {
  if (!faults) return;
  clocks.push_back(by);
  faults->clock_ns.store(by.ns, std::memory_order_relaxed);
}

WallTime Node::true_time(WallTime told, WallTime read) const {
  // One of the clocks that it had lately, since it wrote this just before it was read.
  WallTime best = told;
  const auto distance = [&](WallTime at) { return std::abs(read.ns - at.ns); };
  for (const Duration by : clocks)
    if (const WallTime at{told.ns - by.ns}; distance(at) < distance(best)) best = at;
  return best;
}

void Cluster::look() {
  for (Node& node : nodes_)
    for (const auto& line : node.log->lines())
      if (auto transition = drills::parse_transition(line)) {
        transition->at = node.true_time(transition->at, now().wall);
        view_.take(node.member, *transition);
        if (transition->from == "starting") arbiter_missed_.erase({node.name, transition->group});
        transitions_.push_back(std::move(*transition));
      } else if (const auto said = line.find(": the arbiter "); said != std::string::npos) {
        take_arbiter_line(node.name, line, said);
      }
}

/// "<time> group venue/XSIM: the arbiter does not answer: ..." and "... answers again".
void Cluster::take_arbiter_line(const std::string& node, const std::string& line,
                                std::size_t said) {
  constexpr std::string_view kGroup = " group ";
  const auto group = line.rfind(kGroup, said);
  if (group == std::string::npos) return;
  const std::pair who{node, line.substr(group + kGroup.size(), said - group - kGroup.size())};
  if (line.find("answers again", said) != std::string::npos)
    arbiter_missed_.erase(who);
  else if (line.find("does not answer", said) != std::string::npos)
    arbiter_missed_.insert(who);
}

std::string Cluster::unsettled() const {
  if (auto why = view_.unsettled(); !why.empty()) return why;
  return options_.etcd ? not_in_sync_by_leaders() : not_in_sync_by_record();
}

std::string Cluster::not_in_sync_by_record() const {
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto record = replication::decode_record(read_all(records_[i]));
    if (!record) return "the record of " + groups_[i] + " can't be read";
    for (const Node& node : nodes_)
      if (!replication::in_sync_of(record.value(), MemberId{node.member}))
        return node.name + " is not in the in-sync set of " + groups_[i];
  }
  return {};
}

/// As those say who lead, since they ask the arbiter anyway.
std::string Cluster::not_in_sync_by_leaders() const {
  std::set<std::string> whole;
  for (const Node& node : nodes_) {
    const auto view = ask(node, {"get", "/v1/groups"});
    if (!view.is_object()) return node.name + " does not answer its operators";
    for (const auto& group : view.value("groups", nlohmann::json::array()))
      if (group.value("leader", "") == node.name &&
          group.value("in_sync", nlohmann::json::array()).size() == nodes_.size())
        whole.insert(group.value("name", ""));
  }
  for (const auto& group : groups_)
    if (!whole.contains(group)) return "not all are in the in-sync set of " + group;
  return {};
}

bool Cluster::in_any_set(uint32_t member) const {
  if (!options_.etcd) {
    for (const auto& file : records_) {
      const auto record = replication::decode_record(read_all(file));
      if (!record || replication::in_sync_of(record.value(), MemberId{member})) return true;
    }
    return false;
  }
  std::set<std::string> without;
  std::string name;
  for (const Node& node : nodes_)
    if (node.member == member) name = node.name;
  for (const Node& node : nodes_) {
    const auto view = ask(node, {"get", "/v1/groups"});
    if (!view.is_object()) continue;
    for (const auto& group : view.value("groups", nlohmann::json::array())) {
      if (group.value("leader", "") != node.name) continue;
      const auto set = group.value("in_sync", nlohmann::json::array());
      if (std::find(set.begin(), set.end(), name) == set.end())
        without.insert(group.value("name", ""));
    }
  }
  return without.size() < groups_.size();
}

std::string Cluster::order_entry() const {
  std::string all;
  for (const Node& node : nodes_) all += (all.empty() ? "" : ",") + node.order_entry;
  return all;
}

void Cluster::stop() {
  if (is_foreign()) return;
  if (network_) network_->heal();
  for (Node& node : nodes_)
    if (node.faults) clear(*node.faults);
  for (Node& node : nodes_) {
    if (const auto process = pid(node)) ::kill(*process, SIGCONT);
    node.guard.signal(SIGTERM);
  }
  for (Node& node : nodes_) node.guard.wait(Duration::seconds(5));
  venue_.signal(SIGTERM);
  venue_.wait(Duration::seconds(2));
}

}  // namespace holdfast::drill
