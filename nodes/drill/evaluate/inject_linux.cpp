#include "nodes/drill/evaluate/inject_linux.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace holdfast::drill::evaluate {

namespace {

constexpr std::size_t kThrashBytes = 64u << 20;
constexpr std::size_t kPage = 4'096;
constexpr Duration kStep = Duration::milliseconds(2);

[[noreturn]] void compute() {
  std::atomic<uint64_t> n{0};
  for (;;) n.fetch_add(1, std::memory_order_relaxed);
}

// Reads a page here and there of a file that it has just had dropped from the page cache.
[[noreturn]] void thrash(const char* file) {
  const int fd = ::open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) ::_exit(1);
  void* at = ::mmap(nullptr, kThrashBytes, PROT_READ, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) ::_exit(1);
  ::madvise(at, kThrashBytes, MADV_RANDOM);
  std::atomic<uint8_t> sum{0};
  uint64_t random = static_cast<uint64_t>(::getpid());
  for (;;) {
    ::madvise(at, kThrashBytes, MADV_DONTNEED);
    ::posix_fadvise(fd, 0, kThrashBytes, POSIX_FADV_DONTNEED);
    for (std::size_t i = 0; i < kThrashBytes / kPage / 8; ++i) {
      random = random * 6364136223846793005ull + 1442695040888963407ull;
      sum.fetch_add(
          static_cast<const uint8_t*>(at)[(random >> 33) % (kThrashBytes / kPage) * kPage],
          std::memory_order_relaxed);
    }
  }
}

// Writes so many MiB a second over and over to a file of its own.
[[noreturn]] void write_on(const char* file, int64_t mib) {
  const int fd = ::open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  static char block[1 << 20];
  for (int64_t i = 0;; ++i) {
    if (i % 64 == 0) ::lseek(fd, 0, SEEK_SET);
    if (::write(fd, block, sizeof block) < 0) ::_exit(1);
    timespec pause{0, 1'000'000'000 / std::max<int64_t>(mib, 2)};
    ::nanosleep(&pause, nullptr);
  }
}

}  // namespace

std::string ask_venue(const std::string& ports_file, const std::string& line) {
  const auto text = read_all(ports_file);
  const auto at = text.find("control=");
  if (at == std::string::npos) return {};
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return {};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(std::strtoul(text.c_str() + at + 8, nullptr, 10)));
  const timeval limit{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string answer;
  const std::string asked = line + "\n";
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
      ::send(fd, asked.data(), asked.size(), MSG_NOSIGNAL) > 0) {
    char bytes[4'096];
    ssize_t n = 0;
    while (answer.find('\n') == std::string::npos && (n = ::recv(fd, bytes, sizeof bytes, 0)) > 0)
      answer.append(bytes, static_cast<std::size_t>(n));
  }
  ::close(fd);
  return answer;
}

Injector::~Injector() { end(); }

std::string Injector::why_not(const Case& one) const {
  if (needs_ways(one.means) && !scene_.cluster.network()) return "there is no proxy in between";
  if (needs_fault_library(one.means) && !scene_.cluster.nodes().front().faults)
    return std::string("this build has no ") + kFaultLibrary;
  switch (one.means) {
    case Means::kFeedGaps:
    case Means::kFeedSilence:
    case Means::kLockHeld:
    case Means::kQueueFilled:
      return scene_.feed ? "" : "the nodes take no telemetry from outside";
    case Means::kEndpoint429:
    case Means::kEndpoint5xx:
    case Means::kEndpointSlow:
      return scene_.endpoint ? "" : "the nodes send to no endpoint";
    default:
      return {};
  }
}

std::vector<uint32_t> Injector::right_members() const {
  if (!case_) return {};
  switch (case_->found_at) {
    case FoundAt::kTarget:
      return {member_};
    case FoundAt::kEnds:
      return {member_, other_};
    case FoundAt::kReporter:
      return {scene_.cluster.nodes().front().member};
    case FoundAt::kAnyone:
      return {};
  }
  return {};
}

Node& Injector::target() { return scene_.cluster.node(member_); }
Node& Injector::other() { return scene_.cluster.node(other_); }

void Injector::tell_venue(const std::string& line) {
  ask_venue(scene_.cluster.folder() + "/venue.ports", line);
}

Result<> Injector::begin(const Case& one, uint32_t leader) {
  end();
  case_ = one;
  member_ = leader;
  other_ = 0;
  if (one.at == Target::kFollower)
    for (const Node& node : scene_.cluster.nodes())
      if (node.member != leader) member_ = node.member;
  // The other end; where followers are meant, one that follows too.
  for (const Node& node : scene_.cluster.nodes())
    if (node.member != member_ && (other_ == 0 || node.member != leader)) other_ = node.member;
  kills_ = 0;
  next_kill_ = now().mono;
  switch (one.means) {
    case Means::kHog:
    case Means::kMajorFaults:
    case Means::kDiskTraffic:
      return start_hogs();
    case Means::kKillNode:
      if (auto killed = scene_.cluster.signal_node(target(), SIGKILL); !killed)
        return killed.error();
      return success();
    case Means::kHandOver: {
      const auto answer =
          scene_.cluster.ask_for_all(target(), {"hand-over", scene_.cluster.groups().front(),
                                                "--to", other().name, "--reason", "evaluation"});
      if (answer.code != 0)
        return Error{ErrorCode::kConflict, "the hand-over was refused: " + answer.json.dump()};
      return success();
    }
    case Means::kFlow: {
      auto started = scene_.flow(one.amount);
      if (!started) return started.error();
      flow_ = std::move(started).value();
      return success();
    }
    case Means::kNothing:
    case Means::kKillActor:
      return success();
    default:
      break;
  }
  stop_.store(false);
  set(one.sudden ? 1 : 0);
  const bool rhythmic = one.means == Means::kStopBursts || one.means == Means::kPeerStalls ||
                        one.means == Means::kVenueStalls;
  if (rhythmic || !one.sudden) thread_ = std::thread([this, lasts = one.lasts] { run(lasts); });
  return success();
}

void Injector::run(Duration lasts) {
  const MonoTime begun = now().mono;
  bool on = false;
  while (!stop_.load(std::memory_order_relaxed)) {
    const Duration since = now().mono - begun;
    if (!case_->sudden)
      set(std::min(1.0, static_cast<double>(since.ns) / static_cast<double>(lasts.ns)));
    if (case_->every.ns > 0) {
      const bool wanted = since.ns % case_->every.ns < case_->delay.ns;
      if (wanted != on) beat(on = wanted);
    }
    sleep_for(kStep);
  }
  if (on) beat(false);
}

void Injector::set(double size) {
  const Case& one = *case_;
  const auto part = [size](int64_t whole) {
    return static_cast<int64_t>(static_cast<double>(whole) * size);
  };
  const Duration delay{part(one.delay.ns)};
  const auto amount = static_cast<int>(part(one.amount));
  switch (one.means) {
    case Means::kClockStep:
      return target().step_clock(one.amount < 0 ? Duration{-delay.ns} : delay);
    case Means::kSlowWrites:
      return target().faults->write_delay_us.store(delay.us());
    case Means::kSlowSyncs:
      return target().faults->sync_delay_us.store(delay.us());
    case Means::kFullDisk:
      target().faults->full.store(1);
      return target().faults->free_ppm.store(1);  // as such a file system says of itself
    case Means::kDiskFills: {
      constexpr double kBefore = 300'000;  // ppm
      const double left = static_cast<double>(one.amount) * 10'000;
      return target().faults->free_ppm.store(
          static_cast<int64_t>(kBefore - (kBefore - left) * size));
    }
    case Means::kPeerDelay:
      return scene_.cluster.network()->set(target().name, other().name, true, true, delay);
    case Means::kPeerCut:
      return scene_.cluster.network()->set(target().name, other().name, false, false);
    case Means::kVenueDelay:
      for (const Node& node : scene_.cluster.nodes())
        scene_.cluster.network()->set(node.name, kVenue, true, true, delay);
      return;
    case Means::kVenueSlow:
      return tell_venue("delay " + std::to_string(delay.ms()));
    case Means::kVenueRejects:
      return tell_venue("reject-every " + std::to_string(one.amount));
    case Means::kFeedGaps:
      return scene_.feed->faults().lost_percent.store(amount);
    case Means::kFeedSilence:
      return scene_.feed->faults().silent.store(true);
    case Means::kLockHeld:
      scene_.feed->faults().lock_every_us.store(one.every.us());
      return scene_.feed->faults().lock_held_us.store(delay.us());
    case Means::kQueueFilled:
      return scene_.feed->faults().drains_slowly.store(true);
    case Means::kEndpoint429:
      return scene_.endpoint->faults().throttled.store(amount);
    case Means::kEndpoint5xx:
      return scene_.endpoint->faults().failing.store(amount);
    case Means::kEndpointSlow:
      return scene_.endpoint->faults().delay_us.store(delay.us());
    default:
      return;
  }
}

void Injector::beat(bool on) {
  Cluster& cluster = scene_.cluster;
  switch (case_->means) {
    case Means::kStopBursts:
      (void)cluster.signal_node(target(), on ? SIGSTOP : SIGCONT);  // gone: there is another soon
      return;
    case Means::kPeerStalls:
      return cluster.network()->set(target().name, other().name, !on, !on);
    case Means::kVenueStalls:
      for (const Node& node : cluster.nodes()) cluster.network()->set(node.name, kVenue, !on, !on);
      return;
    default:
      return;
  }
}

void Injector::poll() {
  if (!case_ || case_->means != Means::kKillActor) return;
  if (kills_ >= case_->amount || now().mono < next_kill_) return;
  const auto answer =
      scene_.cluster.ask_for_all(target(), {"kill-actor", case_->path, "--reason", "evaluation"});
  // Refused while it is being started again.
  if (answer.code == 0) {
    ++kills_;
    next_kill_ = now().mono + case_->every;
  }
}

void Injector::end() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
  stop_hogs();
  flow_ = {};
  if (!case_) return;
  const Case one = *case_;
  case_.reset();
  if (one.means == Means::kStopBursts)
    (void)scene_.cluster.signal_node(target(), SIGCONT);  // gone: nothing is stopped
  if (needs_ways(one.means) && scene_.cluster.network()) scene_.cluster.network()->heal();
  if (one.means == Means::kVenueSlow || one.means == Means::kVenueRejects) tell_venue("clear");
  if (one.means == Means::kVenueRejects) tell_venue("reject-every 0");
  if (needs_fault_library(one.means) && target().faults) {
    if (one.means == Means::kClockStep) target().step_clock({});
    clear(*target().faults);
  }
  if (scene_.feed) {
    FeedFaults& feed = scene_.feed->faults();
    feed.lost_percent = 0;
    feed.silent = false;
    feed.lock_held_us = 0;
    feed.drains_slowly = false;
  }
  if (scene_.endpoint) {
    EndpointFaults& endpoint = scene_.endpoint->faults();
    endpoint.throttled = 0;
    endpoint.failing = 0;
    endpoint.delay_us = 0;
  }
}

Result<> Injector::start_hogs() {
  const Case& one = *case_;
  const std::string file = scene_.cluster.folder() + "/hog.bytes";
  if (one.means == Means::kMajorFaults) {
    const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const std::vector<char> block(1 << 20, 'x');
    for (std::size_t n = 0; fd >= 0 && n < kThrashBytes; n += block.size())
      if (::write(fd, block.data(), block.size()) < 0) break;
    // Only what is on disk can be dropped from the page cache.
    if (fd < 0 || ::fdatasync(fd) != 0 || ::close(fd) != 0)
      return Error{ErrorCode::kIo, "can't write " + file};
  }
  const int64_t count = one.means == Means::kDiskTraffic ? 1 : one.amount;
  const pid_t us = ::getpid();
  for (int64_t i = 0; i < count; ++i) {
    const pid_t pid = ::fork();
    if (pid < 0) return Error{ErrorCode::kIo, "can't fork"};
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != us) ::_exit(0);
      ::setpriority(PRIO_PROCESS, 0, one.niceness);
      if (one.means == Means::kMajorFaults) thrash(file.c_str());
      if (one.means == Means::kDiskTraffic) write_on(file.c_str(), one.amount);
      compute();
    }
    hogs_.push_back(pid);
  }
  return success();
}

void Injector::stop_hogs() {
  for (const pid_t pid : hogs_) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
  }
  if (!hogs_.empty()) {
    std::error_code error;
    std::filesystem::remove(scene_.cluster.folder() + "/hog.bytes", error);
  }
  hogs_.clear();
}

}  // namespace holdfast::drill::evaluate
