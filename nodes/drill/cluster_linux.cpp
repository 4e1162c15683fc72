#include "nodes/drill/cluster_linux.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "nodes/settings/settings.hpp"
#include "supervision/replication/protocol/record.hpp"

namespace holdfast::drill {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kEtcdMembers = 3;
constexpr const char* kEtcd = "/usr/bin/etcd";
constexpr const char* kMark = ".holdfast-drill";
// Below the range that the kernel takes from by itself, so that nobody gets a killed node's port.
constexpr uint16_t kPortFirst = 15'000, kPortLast = 31'000;

bool is_free(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return free;
}

/// `count` ports that are free now, from a place of our own.
Result<std::vector<uint16_t>> free_ports(std::size_t count) {
  uint16_t start = 0;
  if (::getrandom(&start, sizeof start, 0) != sizeof start)
    return Error{ErrorCode::kIo, "no random bytes"};
  const uint32_t range = kPortLast - kPortFirst;
  std::vector<uint16_t> ports;
  for (uint32_t i = 0; i < range && ports.size() < count; ++i) {
    const auto port = static_cast<uint16_t>(kPortFirst + (start + i) % range);
    if (is_free(port)) ports.push_back(port);
  }
  if (ports.size() < count) return Error{ErrorCode::kFull, "no free ports"};
  return ports;
}

std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The template of cluster.toml with folders and ports of this drill's.
std::string rewrite(const std::string& text, const std::string& folder,
                    const std::vector<uint16_t>& ports, const std::vector<uint16_t>& etcd) {
  std::istringstream in(text);
  std::string out, name;
  std::size_t used = 0;
  for (std::string line; std::getline(in, line);) {
    const auto key = line.substr(0, line.find(' '));
    if (key == "name") name = line.substr(line.find('"') + 1, line.rfind('"') - line.find('"') - 1);
    if (!etcd.empty() && key == "arbiter_directory") continue;
    if (!etcd.empty() && key == "arbiter") line = "arbiter = \"etcd\"";
    if (key == "arbiter_directory")
      line = key + " = \"" + folder + "/arbiter\"";
    else if (key == "state_directory")
      line = key + " = \"" + folder + "/" + name + "\"";
    else if ((key == "replication" || key == "order_entry" || key == "operator") &&
             used < ports.size())
      line = key + " = \"127.0.0.1:" + std::to_string(ports[used++]) + "\"";
    out += line + "\n";
  }
  if (!etcd.empty()) {
    out += "\n[cluster.etcd]\nendpoints = [";
    for (std::size_t i = 0; i < kEtcdMembers; ++i)
      out += (i ? ", \"127.0.0.1:" : "\"127.0.0.1:") + std::to_string(etcd[i]) + "\"";
    out += "]\n";
  }
  return out;
}

bool answers(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool there = ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  ::close(fd);
  return there;
}

}  // namespace

Result<> make_token(const std::string& file) {
  if (fs::exists(file)) return success();
  unsigned char bytes[32];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    return Error{ErrorCode::kIo, "no random bytes"};
  std::string line = "admin operator ";
  for (const unsigned char byte : bytes) {
    line += "0123456789abcdef"[byte >> 4];
    line += "0123456789abcdef"[byte & 15];
  }
  line += '\n';
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return Error{ErrorCode::kIo, "can't write " + file + ": " + std::strerror(errno)};
  const bool whole = ::write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  ::close(fd);
  if (!whole) return Error{ErrorCode::kIo, "can't write " + file};
  return success();
}

std::vector<std::string> Tail::lines() {
  std::vector<std::string> lines;
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return lines;
  const auto size = static_cast<uint64_t>(status.st_size);
  if (file_ != status.st_ino || size < at_) {
    at_ = 0;
    part_.clear();
    file_ = status.st_ino;
  }
  if (size == at_) return lines;
  std::ifstream file(path_, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at_));
  std::string text(size - at_, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  at_ += text.size();
  part_ += text;
  std::size_t from = 0;
  for (auto end = part_.find('\n'); end != std::string::npos; end = part_.find('\n', from)) {
    lines.push_back(part_.substr(from, end - from));
    from = end + 1;
  }
  part_.erase(0, from);
  return lines;
}

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
  const auto ports = free_ports(3 * 16);
  if (!ports) return ports.error();
  if (options_.etcd)
    etcd_ports_.assign(ports.value().end() - 2 * kEtcdMembers, ports.value().end());
  const auto text = read_all(config + "/cluster.toml");
  std::ofstream(config + "/cluster.toml") << rewrite(text, folder, ports.value(), etcd_ports_);

  settings::Problems problems;
  settings::Overrides overrides;
  overrides.node_name = "";
  // Any member's name will do to read what they have in common.
  const auto first = text.find("[[member]]");
  const auto quote = text.find('"', text.find("name", first == std::string::npos ? 0 : first));
  if (quote != std::string::npos)
    overrides.node_name = text.substr(quote + 1, text.find('"', quote + 1) - quote - 1);
  const auto loaded = settings::load_settings(config, overrides, problems);
  if (!problems.none()) return Error{ErrorCode::kInvalid, problems.str()};
  if (!loaded.cluster || loaded.cluster->members.size() < 2)
    return Error{ErrorCode::kInvalid, options_.templates + "/cluster.toml names no members"};

  shards_ = loaded.node.shards;
  for (uint32_t shard = 0; shard < shards_; ++shard) {
    groups_.push_back("orders/" + std::to_string(shard));
    records_.push_back(folder + "/arbiter/group-" + std::to_string(1 + shard) + ".json");
  }
  for (const auto& venue : loaded.venues) {
    groups_.push_back("venue/" + venue.entry.name.str());
    records_.push_back(folder + "/arbiter/group-" + std::to_string(venue.entry.group.value) +
                       ".json");
  }
  std::vector<uint32_t> members;
  for (const auto& member : loaded.cluster->members) {
    Node node;
    node.member = member.id.value;
    node.name = member.name;
    node.folder = member.state_directory;
    node.binary = options_.from.empty() ? program("holdfast-node") : options_.from;
    node.order_entry = settings::to_text(member.order_entry);
    if (member.operator_api)
      node.operator_url = "http://" + settings::to_text(*member.operator_api);
    node.log = std::make_unique<Tail>(node.folder + "/node.log");
    fs::create_directories(node.folder);
    if (auto made = make_token(node.folder + "/operator.token"); !made) return made.error();
    members.push_back(node.member);
    nodes_.push_back(std::move(node));
  }
  view_ = drills::View(groups_, members);
  return success();
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
      venue_ports_ = "XSIM=" + text.substr(at + 4, end - at - 4);
      return success();
    }
    sleep_for(Duration::milliseconds(10));
  }
  return Error{ErrorCode::kUnavailable,
               "the simulated exchange did not start; its log is " + command.output};
}

Result<> Cluster::start_etcd() {
  const auto url = [](uint16_t port) { return "http://127.0.0.1:" + std::to_string(port); };
  std::string members;
  for (std::size_t i = 0; i < kEtcdMembers; ++i)
    members += (i ? ",m" : "m") + std::to_string(i) + "=" + url(etcd_ports_[kEtcdMembers + i]);
  for (std::size_t i = 0; i < kEtcdMembers; ++i) {
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
    etcd_.push_back(std::move(started).value());
  }
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

Result<> Cluster::start_guard(Node& node) {
  Command command;
  // A drill kills more often than a guard should put up with.
  command.words = {program("holdfast-guard"),
                   "--node-binary",
                   node.binary,
                   "--config",
                   options_.folder + "/config",
                   "--state-dir",
                   node.folder,
                   "--alarm-restarts",
                   "100000",
                   "--stable-after-ms",
                   "50"};
  command.environment = {{"HOLDFAST_NODE", node.name},
                         {"HOLDFAST_STATE_DIR", node.folder},
                         {"HOLDFAST_VENUE_PORTS", venue_ports_}};
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
  return signal_exactly(*process, 0, number);
}

nlohmann::json Cluster::ask(const Node& node, std::vector<std::string> words) const {
  Command command;
  command.words = {program("holdfast"), "--json",       "--url",
                   node.operator_url,   "--token-file", node.folder + "/operator.token"};
  command.words.insert(command.words.end(), words.begin(), words.end());
  command.output = options_.folder + "/answer.json";
  std::error_code error;
  fs::remove(command.output, error);
  auto asked = Process::start(command);
  if (!asked || !asked.value().wait(Duration::seconds(10))) return nullptr;
  if (asked.value().exit_code() != 0) return nullptr;
  const auto answer = nlohmann::json::parse(read_all(command.output), nullptr, false);
  return answer.is_discarded() ? nlohmann::json() : answer;
}

void Cluster::look() {
  for (Node& node : nodes_)
    for (const auto& line : node.log->lines())
      if (auto transition = drills::parse_transition(line)) {
        view_.take(node.member, *transition);
        transitions_.push_back(std::move(*transition));
      }
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

std::string Cluster::order_entry() const {
  std::string all;
  for (const Node& node : nodes_) all += (all.empty() ? "" : ",") + node.order_entry;
  return all;
}

void Cluster::stop() {
  for (Node& node : nodes_) {
    if (const auto process = pid(node)) ::kill(*process, SIGCONT);
    node.guard.signal(SIGTERM);
  }
  for (Node& node : nodes_) node.guard.wait(Duration::seconds(5));
  venue_.signal(SIGTERM);
  venue_.wait(Duration::seconds(2));
}

}  // namespace holdfast::drill
