#include "nodes/drill/cluster_files_linux.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace holdfast::drill {

namespace fs = std::filesystem;

namespace {

// Below the range that the kernel takes from by itself, so that nobody gets a killed node's port.
constexpr uint16_t kPortFirst = 15'000, kPortLast = 31'000;

std::string quoted_in(const std::string& line) {
  const auto first = line.find('"'), last = line.rfind('"');
  return first == last ? std::string() : line.substr(first + 1, last - first - 1);
}

std::string local(uint16_t port) { return "\"127.0.0.1:" + std::to_string(port) + "\""; }

}  // namespace

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

Result<std::vector<uint16_t>> free_ports(std::size_t count) {
  // Drills that run beside each other begin at different places: a port is not taken by looking.
  constexpr uint32_t kPlace = 100;
  const uint32_t range = kPortLast - kPortFirst;
  const uint32_t start = static_cast<uint32_t>(::getpid()) % (range / kPlace) * kPlace;
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

std::vector<std::string> members_in(const std::string& cluster_toml) {
  std::istringstream in(cluster_toml);
  std::vector<std::string> names;
  bool member = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("[")) member = line.starts_with("[[member]]");
    if (member && line.starts_with("name ")) names.push_back(quoted_in(line));
  }
  return names;
}

std::string rewrite_cluster(const std::string& text, const Places& places) {
  std::istringstream in(text);
  std::string out, name;
  const bool etcd = !places.etcd.empty();
  for (std::string line; std::getline(in, line);) {
    const auto key = line.substr(0, line.find(' '));
    if (key == "name") name = quoted_in(line);
    if (etcd && key == "arbiter_directory") continue;
    if (etcd && key == "arbiter") line = "arbiter = \"etcd\"";
    if (key == "arbiter_directory") line = key + " = \"" + places.folder + "/arbiter\"";
    if (key == "state_directory") line = key + " = \"" + places.folder + "/" + name + "\"";
    for (const auto& [word, ports] : {std::pair{"replication", &places.replication},
                                      {"order_entry", &places.order_entry},
                                      {"operator", &places.operator_api}})
      if (const auto port = ports->find(name); key == word && port != ports->end())
        line = key + " = " + local(port->second);
    out += line + "\n";
    if (const auto port = places.mesh.find(name); key == "operator" && port != places.mesh.end())
      out += "mesh = " + local(port->second) + "\n";
  }
  if (etcd) {
    out += "\n[cluster.etcd]\nendpoints = [";
    for (std::size_t i = 0; i < places.etcd.size(); ++i)
      out += (i ? ", " : "") + local(places.etcd[i]);
    out += "]\n";
  }
  return out;
}

std::string rewrite_heartbeat(const std::string& text, int seconds) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("heartbeat_interval "))
      line = "heartbeat_interval = \"" + std::to_string(seconds) + "s\"";
    out += line + "\n";
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

}  // namespace holdfast::drill
