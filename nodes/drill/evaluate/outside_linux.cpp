#include "nodes/drill/evaluate/outside_linux.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>

#include "nodes/drill/process_linux.hpp"

namespace holdfast::drill::evaluate {

namespace {

constexpr std::size_t kQueueMax = 500, kConnectionsMax = 64, kRequestBytesMax = 4u << 20;
constexpr Duration kFeedEvery = Duration::milliseconds(5);
constexpr Duration kReportEvery = Duration::milliseconds(100);
constexpr Duration kReportWithin = Duration::milliseconds(500);

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

Error io_error(const char* what) {
  return {ErrorCode::kIo, std::string(what) + ": " + std::strerror(errno)};
}

// A socket bound to any port of loopback; its port.
Result<std::pair<int, uint16_t>> bound(int type) {
  const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return io_error("no socket");
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    ::close(fd);
    return io_error("no port");
  }
  return std::pair{fd, ntohs(address.sin_port)};
}

// The bytes of a whole request at the front of `text`; 0: not all of it is there.
std::size_t request_size(const std::string& text) {
  const auto end = text.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  std::string head = text.substr(0, end);
  std::transform(head.begin(), head.end(), head.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  const auto at = head.find("content-length:");
  const std::size_t body =
      at == std::string::npos ? 0 : std::strtoull(head.c_str() + at + 15, nullptr, 10);
  return text.size() >= end + 4 + body ? end + 4 + body : 0;
}

}  // namespace

// ---- the endpoint

Result<std::unique_ptr<Endpoint>> Endpoint::start() {
  auto socket = bound(SOCK_STREAM);
  if (!socket) return socket.error();
  const auto [fd, port] = socket.value();
  if (::listen(fd, 64) != 0) {
    ::close(fd);
    return io_error("can't listen");
  }
  return std::unique_ptr<Endpoint>(new Endpoint(fd, port));
}

Endpoint::Endpoint(int fd, uint16_t port) : fd_(fd), port_(port), thread_([this] { run(); }) {}

Endpoint::~Endpoint() {
  stop_.store(true, std::memory_order_relaxed);
  thread_.join();
  ::close(fd_);
}

std::string Endpoint::answer() {
  const uint64_t n = requests_.fetch_add(1, std::memory_order_relaxed);
  // 37 has no divisor in common with 100: the shares are spread evenly.
  const auto place = static_cast<int>(n * 37 % 100);
  const int throttled = faults_.throttled.load(), failing = faults_.failing.load();
  const char* head = place < throttled             ? "429 Too Many Requests\r\nRetry-After: 0"
                     : place < throttled + failing ? "503 Service Unavailable"
                                                   : "200 OK";
  return std::string("HTTP/1.1 ") + head +
         "\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
}

void Endpoint::run() {
  struct Connection {
    std::string in;
    std::deque<std::pair<MonoTime, std::string>> out;  // when each answer is due
  };
  std::map<int, Connection> connections;
  const auto drop = [&](int fd) {
    ::close(fd);
    connections.erase(fd);
  };
  while (!stop_.load(std::memory_order_relaxed)) {
    std::vector<pollfd> polled{{fd_, POLLIN, 0}};
    for (const auto& [fd, connection] : connections) polled.push_back({fd, POLLIN, 0});
    ::poll(polled.data(), polled.size(), 5);
    if (polled[0].revents & POLLIN) {
      const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (fd >= 0 && connections.size() < kConnectionsMax)
        connections[fd];
      else if (fd >= 0)
        ::close(fd);
    }
    const MonoTime at = now().mono;
    for (std::size_t i = 1; i < polled.size(); ++i) {
      const int fd = polled[i].fd;
      Connection& connection = connections[fd];
      if (polled[i].revents) {
        char bytes[16'384];
        const ssize_t n = ::recv(fd, bytes, sizeof bytes, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN) || connection.in.size() > kRequestBytesMax) {
          drop(fd);
          continue;
        }
        if (n > 0) connection.in.append(bytes, static_cast<std::size_t>(n));
        while (const std::size_t size = request_size(connection.in)) {
          connection.in.erase(0, size);
          connection.out.emplace_back(
              at + Duration::microseconds(faults_.delay_us.load(std::memory_order_relaxed)),
              answer());
        }
      }
      while (!connection.out.empty() && connection.out.front().first <= at) {
        const std::string& text = connection.out.front().second;
        ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        connection.out.pop_front();
      }
    }
  }
  for (const auto& [fd, connection] : connections) ::close(fd);
}

// ---- the feed

Result<std::unique_ptr<FeedHandler>> FeedHandler::start(Intake intake) {
  auto in = bound(SOCK_DGRAM);
  if (!in) return in.error();
  const auto [fd, port] = in.value();
  const int out = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(port);
  const timeval limit{0, 20'000};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (out < 0 || ::connect(out, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    if (out >= 0) ::close(out);
    return io_error("no feed");
  }
  return std::unique_ptr<FeedHandler>(new FeedHandler(std::move(intake), fd, out));
}

FeedHandler::FeedHandler(Intake intake, int in, int out)
    : intake_(std::move(intake)), in_(in), out_(out) {
  last_ns_ = now().mono.ns;
  threads_[0] = std::thread([this] { send(); });
  threads_[1] = std::thread([this] { receive(); });
  threads_[2] = std::thread([this] { drain(); });
  threads_[3] = std::thread([this] { hold_lock(); });
  threads_[4] = std::thread([this] { report(); });
}

FeedHandler::~FeedHandler() {
  stop_.store(true, std::memory_order_relaxed);
  for (auto& thread : threads_) thread.join();
  ::close(in_);
  ::close(out_);
}

void FeedHandler::send() {
  for (uint64_t number = 1; !stop_.load(std::memory_order_relaxed); ++number) {
    sleep_for(kFeedEvery);
    if (faults_.silent.load()) {
      --number;  // what is not there is not numbered
      continue;
    }
    if (static_cast<int>(number * 37 % 100) < faults_.lost_percent.load()) continue;
    ::send(out_, &number, sizeof number, 0);
  }
}

void FeedHandler::receive() {
  uint64_t expected = 0;
  while (!stop_.load(std::memory_order_relaxed)) {
    uint64_t number = 0;
    if (::recv(in_, &number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) continue;
    const MonoTime came = now().mono;
    waits_since_ns_.store(came.ns, std::memory_order_relaxed);
    {
      const std::lock_guard held(lock_);
      waits_since_ns_.store(0, std::memory_order_relaxed);
      const int64_t waited = (now().mono - came).ns;
      // The reporter takes it and begins anew; a maximum of one writer.
      if (waited > waited_ns_.load(std::memory_order_relaxed))
        waited_ns_.store(waited, std::memory_order_relaxed);
      if (expected && number > expected)
        missed_.fetch_add(number - expected, std::memory_order_relaxed);
      expected = number + 1;
      last_ns_.store(came.ns, std::memory_order_relaxed);
    }
    const std::lock_guard guard(queue_mutex_);
    if (queue_.size() < kQueueMax) queue_.push_back(number);
  }
}

void FeedHandler::drain() {
  while (!stop_.load(std::memory_order_relaxed)) {
    const bool slow = faults_.drains_slowly.load();
    {
      const std::lock_guard guard(queue_mutex_);
      // As if a burst came at once and its consumer were stuck.
      if (slow)
        while (queue_.size() < kQueueMax * 19 / 20) queue_.push_back(0);
      else
        queue_.clear();
    }
    sleep_for(Duration::milliseconds(2));
  }
}

void FeedHandler::hold_lock() {
  while (!stop_.load(std::memory_order_relaxed)) {
    const Duration held = Duration::microseconds(faults_.lock_held_us.load());
    const Duration every = Duration::microseconds(faults_.lock_every_us.load());
    if (held.ns <= 0) {
      sleep_for(Duration::milliseconds(2));
      continue;
    }
    {
      const std::lock_guard guard(lock_);
      sleep_for(held);
    }
    sleep_for(std::max(every - held, Duration::milliseconds(1)));
  }
}

std::string FeedHandler::measurements() {
  const Now at = now();
  std::size_t depth = 0;
  {
    const std::lock_guard guard(queue_mutex_);
    depth = queue_.size();
  }
  // A wait that goes on counts for what it is by now.
  const int64_t since = waits_since_ns_.load(std::memory_order_relaxed);
  const int64_t waited = std::max(waited_ns_.exchange(0, std::memory_order_relaxed),
                                  since ? at.mono.ns - since : int64_t{0});
  const int64_t per_second = 1'000'000'000 / kReportEvery.ns;
  const Gauge gauges[] = {
      {"feed.gaps", "1/s",
       static_cast<int64_t>(missed_.exchange(0, std::memory_order_relaxed)) * per_second},
      {"feed.age", "us", (at.mono.ns - last_ns_.load(std::memory_order_relaxed)) / 1'000},
      {"process.lock.wait", "us", waited / 1'000},
      {"queue.saturation", "ppm", static_cast<int64_t>(depth * 1'000'000 / kQueueMax)},
  };
  return otlp_of(intake_.member, "feed-handler", at.wall, gauges, std::size(gauges));
}

void FeedHandler::report() {
  while (!stop_.load(std::memory_order_relaxed)) {
    sleep_for(kReportEvery);
    const int status =
        ask_http(intake_.door, "POST", intake_.path, measurements(), kReportWithin).status;
    (status >= 200 && status < 300 ? reported_ : refused_).fetch_add(1, std::memory_order_relaxed);
  }
}

std::string otlp_of(const std::string& member, const std::string& instance, WallTime at,
                    const Gauge* gauges, std::size_t count) {
  using Json = nlohmann::ordered_json;
  const auto attribute = [](const char* key, const std::string& value) {
    return Json{{"key", key}, {"value", {{"stringValue", value}}}};
  };
  Json metrics = Json::array();
  for (std::size_t i = 0; i < count; ++i)
    metrics.push_back({{"name", gauges[i].name},
                       {"unit", gauges[i].unit},
                       {"gauge",
                        {{"dataPoints",
                          {{{"timeUnixNano", std::to_string(at.ns)},
                            {"asInt", std::to_string(gauges[i].value)},
                            {"attributes",
                             {attribute("holdfast.member", member),
                              attribute("holdfast.instance", instance)}}}}}}}});
  const Json scope = {{"scope", {{"name", "feed-handler"}}}, {"metrics", metrics}};
  const Json resource = {
      {"resource", {{"attributes", {attribute("service.name", "feed-handler")}}}},
      {"scopeMetrics", {scope}}};
  return Json{{"resourceMetrics", {resource}}}.dump();
}

}  // namespace holdfast::drill::evaluate
