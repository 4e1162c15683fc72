#include "nodes/node/files_linux.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace holdfast::node {

Result<StateDirectory> StateDirectory::open(const std::string& path) {
  std::error_code ec;
  const bool made = std::filesystem::create_directories(path, ec);
  if (ec)
    return Error{ErrorCode::kUnavailable,
                 "can't make the state directory " + path + ": " + ec.message()};
  if (made) std::filesystem::permissions(path, std::filesystem::perms::owner_all, ec);
  const std::string lock_path = path + "/node.lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0)
    return Error{ErrorCode::kUnavailable, "can't open " + lock_path + ": " + std::strerror(errno)};
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return Error{ErrorCode::kConflict, "another node runs on the state directory " + path +
                                           ". Stop it, or name another directory (--state-dir)."};
  }
  return StateDirectory(path, lock);
}

StateDirectory::StateDirectory(StateDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}
StateDirectory::~StateDirectory() {
  if (lock_ >= 0) close(lock_);
}

Result<> StateDirectory::announce(uint16_t ingress_port, const std::string& ingress_address) const {
  const std::string path = path_ + "/order_entry.json", fresh = path + ".new";
  nlohmann::json json;
  json["pid"] = getpid();
  json["ingress"] = ingress_address + ":" + std::to_string(ingress_port);
  json["ingress_port"] = ingress_port;
  std::ofstream file(fresh, std::ios::trunc);
  file << json.dump(2) << "\n";
  file.close();
  if (!file || std::rename(fresh.c_str(), path.c_str()) != 0)
    return Error{ErrorCode::kIo, "can't write " + path + ": " + std::strerror(errno)};
  return success();
}

uint16_t StateDirectory::last_ingress_port() const {
  std::ifstream file(path_ + "/order_entry.json");
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) return 0;
  const auto port = json.find("ingress_port");
  if (port == json.end() || !port->is_number_unsigned() || port->get<uint64_t>() > 65'535) return 0;
  return port->get<uint16_t>();
}

namespace {
sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGHUP);
  return set;
}
}  // namespace

Result<> pin_this_thread(uint32_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
  const int failed = pthread_setaffinity_np(pthread_self(), sizeof set, &set);
  if (failed)
    return Error{ErrorCode::kInvalid,
                 "can't run on CPU " + std::to_string(cpu) + ": " + std::strerror(failed)};
  return success();
}

void block_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

void on_stop_signal(EventLoop& loop, std::function<void()> stop) {
  const sigset_t set = stop_signals();
  const int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  CHECK(fd >= 0);
  loop.add_fd(fd, EPOLLIN, [fd, stop = std::move(stop)](uint32_t) {
    signalfd_siginfo info;
    while (read(fd, &info, sizeof info) == sizeof info)
      if (info.ssi_signo != SIGHUP)
        stop();  // SIGHUP: a terminal went away; limits reload by the operator API
  });
}

uint64_t bytes_in(const std::string& directory) {
  uint64_t sum = 0;
  std::error_code ec;
  for (std::filesystem::recursive_directory_iterator it(directory, ec), end; !ec && it != end;
       it.increment(ec)) {
    std::error_code gone;
    const auto size = it->is_regular_file(gone) ? it->file_size(gone) : 0;
    if (!gone) sum += size;
  }
  return sum;
}

}  // namespace holdfast::node
