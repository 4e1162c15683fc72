#include "tests/conformance/arbiter/etcd_cluster.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace holdfast::tests {

namespace {
using Clock = std::chrono::steady_clock;
constexpr auto kStartLimit = std::chrono::seconds(20);
constexpr auto kLook = std::chrono::milliseconds(10);

Error failed(std::string text) { return {ErrorCode::kUnavailable, std::move(text)}; }

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One HTTP/1.0 exchange on loopback; the whole answer, or nothing.
std::optional<std::string> http_exchange(uint16_t port, const std::string& request) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit{2, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const auto address = loopback(port);
  std::string answer;
  bool whole = false;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(request.size())) {
    char buffer[16384];
    for (;;) {
      const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
      if (n > 0) answer.append(buffer, static_cast<std::size_t>(n));
      if (n <= 0) {
        whole = n == 0;
        break;
      }
    }
  }
  ::close(fd);
  if (!whole) return std::nullopt;
  return answer;
}

std::optional<std::string> get(uint16_t port, const std::string& path) {
  return http_exchange(port, "GET " + path + " HTTP/1.0\r\n\r\n");
}

std::string base64(const std::string& bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (i + k < bytes.size() ? static_cast<uint8_t>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k > bytes.size() ? '=' : kDigits[word >> (18 - 6 * k) & 63];
  }
  return text;
}
}  // namespace

Result<std::unique_ptr<EtcdCluster>> EtcdCluster::start(Options options) {
  Error last = failed("never tried");
  // A port that was free may be taken by the time etcd binds it.
  for (int i = 0; i < 3; ++i) {
    std::unique_ptr<EtcdCluster> cluster(new EtcdCluster);
    cluster->options_ = options;
    cluster->directory_ = options.directory;
    if (cluster->directory_.empty()) {
      std::string pattern = std::filesystem::temp_directory_path() / "holdfast-etcd-XXXXXX";
      if (::mkdtemp(pattern.data()) == nullptr) return failed("mkdtemp: " + pattern);
      cluster->directory_ = pattern;
      cluster->own_directory_ = true;
    }
    std::filesystem::create_directories(cluster->directory_);
    cluster->members_.resize(static_cast<std::size_t>(options.members));
    auto ready = cluster->choose_ports();
    if (ready.ok() && options.tls) ready = cluster->make_certificates();
    for (std::size_t m = 0; ready.ok() && m < cluster->members_.size(); ++m)
      ready = cluster->spawn(m);
    if (ready.ok()) ready = cluster->wait_healthy();
    if (ready.ok()) return cluster;
    last = ready.error();
  }
  return last;
}

EtcdCluster::~EtcdCluster() {
  for (int m = 0; m < size(); ++m) kill(m);
  if (own_directory_) {
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }
}

std::vector<std::string> EtcdCluster::endpoints() const {
  std::vector<std::string> list;
  for (const auto& member : members_)
    list.push_back("127.0.0.1:" + std::to_string(member.client_port));
  return list;
}

Result<> EtcdCluster::choose_ports() {
  std::vector<int> held;
  for (auto& member : members_)
    for (auto* port : {&member.client_port, &member.peer_port, &member.status_port}) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      held.push_back(fd);
      auto address = loopback(0);
      socklen_t size = sizeof address;
      if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
          ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0)
        *port = ntohs(address.sin_port);
    }
  for (const int fd : held) ::close(fd);
  for (const auto& member : members_)
    if (member.client_port == 0 || member.peer_port == 0 || member.status_port == 0)
      return failed("no free port");
  return success();
}

Result<> EtcdCluster::make_certificates() {
  const std::string script =
      "set -e; cd '" + directory_ +
      "'; exec >openssl.log 2>&1\n"
      "ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
      " -subj \"/CN=$1\" -keyout $1.key -out $1.pem; }\n"
      "ca ca; ca other-ca\n"
      "printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\\n"
      "extendedKeyUsage=serverAuth,clientAuth\\n' >ext\n"
      "for n in server client; do\n"
      "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj \"/CN=$n\""
      " -keyout $n.key -out $n.csr\n"
      "openssl x509 -req -in $n.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2"
      " -extfile ext -out $n.pem\n"
      "done\n";
  if (std::system(script.c_str()) != 0) return failed("openssl: see " + file("openssl.log"));
  return success();
}

std::vector<std::string> EtcdCluster::arguments(std::size_t at) const {
  const auto url = [](const std::string& scheme, uint16_t port) {
    return scheme + "://127.0.0.1:" + std::to_string(port);
  };
  const auto name = [](std::size_t m) { return "m" + std::to_string(m); };
  const Member& member = members_[at];
  const std::string clients = url(options_.tls ? "https" : "http", member.client_port);
  const std::string peers = url("http", member.peer_port);
  std::string all;
  for (std::size_t m = 0; m < members_.size(); ++m)
    all += (m > 0 ? "," : "") + name(m) + "=" + url("http", members_[m].peer_port);
  std::vector<std::string> list = {"etcd",
                                   "--name",
                                   name(at),
                                   "--data-dir",
                                   file(name(at)),
                                   "--listen-client-urls",
                                   clients,
                                   "--advertise-client-urls",
                                   clients,
                                   "--listen-peer-urls",
                                   peers,
                                   "--initial-advertise-peer-urls",
                                   peers,
                                   "--listen-metrics-urls",
                                   url("http", member.status_port),
                                   "--initial-cluster",
                                   all,
                                   "--initial-cluster-state",
                                   "new",
                                   "--initial-cluster-token",
                                   "holdfast-" + std::to_string(members_[0].peer_port),
                                   "--heartbeat-interval",
                                   "50",
                                   "--election-timeout",
                                   "500",
                                   "--logger",
                                   "zap",
                                   "--log-level",
                                   "warn"};
  if (options_.tls)
    for (const std::string& text :
         {std::string("--cert-file"), file("server.pem"), std::string("--key-file"),
          file("server.key"), std::string("--trusted-ca-file"), file("ca.pem"),
          std::string("--client-cert-auth")})
      list.push_back(text);
  return list;
}

Result<> EtcdCluster::spawn(std::size_t at) {
  auto texts = arguments(at);
  std::vector<char*> argv;
  for (auto& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  char path[] = "PATH=/usr/bin:/bin:/usr/local/bin";
  char* environment[] = {path, nullptr};  // etcd reads ETCD_* variables
  const std::string log = file("m" + std::to_string(at) + ".log");
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return failed(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(out, 1);
    ::dup2(out, 2);
    ::execvpe("etcd", argv.data(), environment);
    ::_exit(127);
  }
  members_[at].pid = pid;
  return success();
}

std::string EtcdCluster::tail_of_log(std::size_t at) const {
  std::ifstream log(file("m" + std::to_string(at) + ".log"));
  std::ostringstream text;
  text << log.rdbuf();
  const std::string all = text.str();
  return all.substr(all.size() > 600 ? all.size() - 600 : 0);
}

Result<> EtcdCluster::wait_healthy() {
  const auto until = Clock::now() + kStartLimit;
  for (std::size_t at = 0; at < members_.size(); ++at) {
    if (members_[at].pid < 0) continue;
    for (;;) {
      int status = 0;
      if (::waitpid(members_[at].pid, &status, WNOHANG) == members_[at].pid) {
        members_[at].pid = -1;
        return failed("etcd member " + std::to_string(at) + " ended:\n" + tail_of_log(at));
      }
      const auto health = get(members_[at].status_port, "/health");
      if (health && health->find("\"true\"") != std::string::npos) break;
      if (Clock::now() >= until)
        return failed("etcd member " + std::to_string(at) + " is not healthy:\n" + tail_of_log(at));
      std::this_thread::sleep_for(kLook);
    }
  }
  return success();
}

std::optional<int> EtcdCluster::leader() {
  const auto until = Clock::now() + kStartLimit;
  while (Clock::now() < until) {
    for (std::size_t at = 0; at < members_.size(); ++at) {
      if (members_[at].pid < 0) continue;
      const auto metrics = get(members_[at].status_port, "/metrics");
      if (metrics && metrics->find("\netcd_server_is_leader 1") != std::string::npos)
        return static_cast<int>(at);
    }
    std::this_thread::sleep_for(kLook);
  }
  return std::nullopt;
}

void EtcdCluster::kill(int member) {
  auto& one = members_[static_cast<std::size_t>(member)];
  if (one.pid < 0) return;
  ::kill(one.pid, SIGKILL);
  ::waitpid(one.pid, nullptr, 0);
  one.pid = -1;
}

void EtcdCluster::stop(int member) {
  ::kill(pid(member), SIGSTOP);
  // It is only asked for: wait until it is so.
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid(member)), &info, WSTOPPED);
}

void EtcdCluster::resume(int member) { ::kill(pid(member), SIGCONT); }

Result<> EtcdCluster::restart(int member) { return spawn(static_cast<std::size_t>(member)); }

Result<std::string> EtcdCluster::post(int member, const std::string& path,
                                      const std::string& json) {
  const auto answer =
      http_exchange(members_[static_cast<std::size_t>(member)].client_port,
                    "POST " + path + " HTTP/1.0\r\nContent-Length: " + std::to_string(json.size()) +
                        "\r\n\r\n" + json);
  if (!answer) return failed("no answer from etcd's gateway");
  const auto body = answer->find("\r\n\r\n");
  if (answer->find(" 200 ") > 12 || body == std::string::npos) return failed(*answer);
  return answer->substr(body + 4);
}

Result<> EtcdCluster::put(const std::string& key, const std::string& value) {
  const auto answer = post(0, "/v3/kv/put",
                           "{\"key\":\"" + base64(key) + "\",\"value\":\"" + base64(value) + "\"}");
  if (!answer.ok()) return answer.error();
  return success();
}

}  // namespace holdfast::tests
