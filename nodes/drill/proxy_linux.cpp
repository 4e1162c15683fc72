#include "nodes/drill/proxy_linux.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "nodes/drill/cluster_files_linux.hpp"
#include "nodes/drill/process_linux.hpp"

namespace holdfast::drill {

namespace {

constexpr std::size_t kBuffered = 1u << 20;  // of one direction; beyond it the sender waits
constexpr std::size_t kRead = 64u << 10;
constexpr Duration kWatch = Duration::milliseconds(2);  // between looks at who listens

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void close_with_reset(int fd) {
  const linger now{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(fd);
}

/// One direction of a connection.
struct Pump {
  int from = -1, to = -1;
  struct Chunk {
    MonoTime ready;
    std::string bytes;
  };
  std::deque<Chunk> chunks;
  std::size_t held = 0, written = 0;  // written: of the first chunk
  bool ended = false, reset = false;

  /// False when nothing more is to be read.
  void read(MonoTime at, Duration delay) {
    static thread_local char buffer[kRead];
    const ssize_t n = ::recv(from, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
      ended = true;
      reset = n < 0;
      return;
    }
    held += static_cast<std::size_t>(n);
    chunks.push_back({at + delay, std::string(buffer, static_cast<std::size_t>(n))});
  }
  bool writes(MonoTime at) const { return !chunks.empty() && chunks.front().ready <= at; }
  void write(MonoTime at) {
    while (writes(at)) {
      const auto& bytes = chunks.front().bytes;
      const ssize_t n =
          ::send(to, bytes.data() + written, bytes.size() - written, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n < 0) {
        ended = reset = true;
        chunks.clear();
        return;
      }
      written += static_cast<std::size_t>(n);
      if (written < bytes.size()) return;
      held -= bytes.size();
      written = 0;
      chunks.pop_front();
    }
  }
};

struct Connection {
  std::size_t way = 0;
  int near = -1, far = -1;  // of who connected, of who listens
  bool connecting = true;
  Pump forward, backward;
};

}  // namespace

class Proxy::Impl {
 public:
  Impl() : wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), thread_([this] { run(); }) {}
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake();
    thread_.join();
    for (auto& c : connections_) drop(c, true);
    for (auto& way : ways_) close_listener(way);
    ::close(wake_);
  }

  Result<std::size_t> add(uint16_t listen, uint16_t target) {
    const std::lock_guard lock(mutex_);
    Route route;
    route.port = listen;
    route.target = target;
    if (!open_listener(route))
      return Error{ErrorCode::kIo,
                   "can't listen on port " + std::to_string(listen) + ": " + std::strerror(errno)};
    ways_.push_back(route);
    ways_.back().watch_until = now().mono + Duration::seconds(1);
    wake();
    return ways_.size() - 1;
  }
  void set(std::size_t way, const Way& how) {
    const std::lock_guard lock(mutex_);
    ways_.at(way).how = how;
    ways_.at(way).watch_until = now().mono + Duration::seconds(1);
    wake();
  }
  void reset(std::size_t way) {
    const std::lock_guard lock(mutex_);
    for (auto it = connections_.begin(); it != connections_.end();) {
      if (it->way == way) {
        drop(*it, true);
        it = connections_.erase(it);
      } else {
        ++it;
      }
    }
    wake();
  }

 private:
  struct Route {
    uint16_t port = 0, target = 0;
    int listening = -1;
    Way how;
    MonoTime watch_until;  // somebody behind it may have gone
  };

  void wake() {
    const uint64_t one = 1;
    [[maybe_unused]] const auto n = ::write(wake_, &one, sizeof one);
  }

  static bool open_listener(Route& route) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const auto address = loopback(route.port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, 64) != 0) {
      const int error = errno;
      ::close(fd);
      errno = error;
      return false;
    }
    route.listening = fd;
    return true;
  }
  static void close_listener(Route& route) {
    if (route.listening >= 0) ::close(std::exchange(route.listening, -1));
  }

  static void drop(Connection& c, bool reset) {
    for (int* fd : {&c.near, &c.far})
      if (*fd >= 0) {
        reset ? close_with_reset(*fd) : static_cast<void>(::close(*fd));
        *fd = -1;
      }
  }

  /// Refuses where nobody is behind. A cut hides that until it heals.
  void watch(MonoTime at) {
    for (auto& way : ways_) {
      if (way.listening >= 0 && way.watch_until <= at) continue;
      if (!way.how.forward || !way.how.backward) continue;
      const bool there = !is_free(way.target);
      if (there && way.listening < 0)
        (void)open_listener(way);
      else if (!there && way.listening >= 0)
        close_listener(way);
    }
  }

  void accept_at(std::size_t index) {
    Route& way = ways_[index];
    const int near = ::accept4(way.listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (near < 0) return;
    const int far = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    for (const int fd : {near, far}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto address = loopback(way.target);
    if (::connect(far, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
      close_with_reset(near);
      ::close(far);
      way.watch_until = now().mono + Duration::milliseconds(500);
      return;
    }
    Connection c;
    c.way = index;
    c.near = c.forward.from = c.backward.to = near;
    c.far = c.forward.to = c.backward.from = far;
    connections_.push_back(std::move(c));
  }

  /// What this turn waits for.
  void gather(MonoTime at) {
    polls_.clear();
    targets_.clear();
    wait_ = Duration::milliseconds(500);
    const auto add = [&](int fd, short events, Connection* c, std::size_t way) {
      polls_.push_back({fd, events, 0});
      targets_.push_back({c, way});
    };
    add(wake_, POLLIN, nullptr, 0);
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      const Route& way = ways_[i];
      if (way.listening < 0 || way.watch_until > at) wait_ = std::min(wait_, kWatch);
      if (way.listening >= 0 && way.how.forward && way.how.backward)
        add(way.listening, POLLIN, nullptr, i);
    }
    for (auto& c : connections_) {
      const Way& how = ways_[c.way].how;
      short near = 0, far = 0;
      if (c.connecting) {
        far = POLLOUT;
      } else {
        const auto direction = [&](const Pump& pump, bool open, short& from, short& to) {
          if (!open) return;
          if (!pump.ended && pump.held < kBuffered) from |= POLLIN;
          if (pump.chunks.empty()) return;
          if (pump.writes(at))
            to |= POLLOUT;
          else
            wait_ = std::min(wait_, pump.chunks.front().ready - at);
        };
        direction(c.forward, how.forward, near, far);
        direction(c.backward, how.backward, far, near);
      }
      if (near) add(c.near, near, &c, 0);
      if (far) add(c.far, far, &c, 0);
    }
  }

  void connected(Connection& c) {
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(c.far, SOL_SOCKET, SO_ERROR, &error, &size);
    c.connecting = false;
    if (error) c.backward.ended = c.backward.reset = true;
  }

  void serve(const pollfd& poll, Connection& c, MonoTime at) {
    if (c.connecting) {
      if (poll.fd == c.far) connected(c);
      return;
    }
    const Way& how = ways_[c.way].how;
    for (Pump* pump : {&c.forward, &c.backward}) {
      if (!(pump == &c.forward ? how.forward : how.backward)) continue;
      if (pump->to == poll.fd && (poll.revents & (POLLOUT | POLLERR | POLLHUP))) pump->write(at);
      if (pump->from == poll.fd && !pump->ended && pump->held < kBuffered &&
          (poll.revents & (POLLIN | POLLERR | POLLHUP))) {
        pump->read(at, how.delay);
        if (how.delay.ns == 0) pump->write(at);
      }
    }
  }

  /// Ends what has ended, once its last bytes are through. Who listens behind is looked at first.
  void end_connections(MonoTime at) {
    for (auto it = connections_.begin(); it != connections_.end();) {
      Connection& c = *it;
      const bool over = (c.forward.ended && c.forward.chunks.empty()) ||
                        (c.backward.ended && c.backward.chunks.empty());
      if (!over) {
        ++it;
        continue;
      }
      ways_[c.way].watch_until = at + Duration::milliseconds(500);
      watch(at);
      drop(c, c.forward.reset || c.backward.reset);
      it = connections_.erase(it);
    }
  }

  void run() {
    // A wire does not wait for a processor. Where that may not be said, it has to.
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), -10);
    for (;;) {
      {
        const std::lock_guard lock(mutex_);
        if (stop_) return;
        gather(now().mono);
      }
      const timespec limit{static_cast<time_t>(wait_.ns / 1'000'000'000),
                           static_cast<long>(std::max<int64_t>(wait_.ns, 0) % 1'000'000'000)};
      // Only this thread closes connections outside the lock's reach; a reset in between leaves
      // numbers that are looked up again below.
      (void)::ppoll(polls_.data(), polls_.size(), &limit, nullptr);
      const std::lock_guard lock(mutex_);
      if (stop_) return;
      uint64_t count = 0;
      [[maybe_unused]] const auto n = ::read(wake_, &count, sizeof count);
      const MonoTime at = now().mono;
      if (count == 0) {  // else somebody changed something: look anew
        for (std::size_t i = 1; i < polls_.size(); ++i) {
          if (polls_[i].revents == 0) continue;
          if (targets_[i].connection)
            serve(polls_[i], *targets_[i].connection, at);
          else
            accept_at(targets_[i].way);
        }
        end_connections(at);
      }
      watch(at);
    }
  }

  struct Target {
    Connection* connection = nullptr;
    std::size_t way = 0;
  };

  std::mutex mutex_;  // over everything below but what a turn gathers for itself
  std::vector<Route> ways_;
  std::list<Connection> connections_;
  bool stop_ = false;
  int wake_ = -1;
  std::vector<pollfd> polls_;  // of the thread, like the next two
  std::vector<Target> targets_;
  Duration wait_;
  std::thread thread_;
};

Proxy::Proxy() : impl_(std::make_unique<Impl>()) {}
Proxy::~Proxy() = default;
Result<std::size_t> Proxy::add(uint16_t listen, uint16_t target) {
  return impl_->add(listen, target);
}
void Proxy::set(std::size_t way, const Way& how) { impl_->set(way, how); }
void Proxy::reset(std::size_t way) { impl_->reset(way); }

}  // namespace holdfast::drill
