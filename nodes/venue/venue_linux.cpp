#include "nodes/venue/venue_linux.hpp"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <stdexcept>
#include <unordered_map>

#include "nodes/venue/control.hpp"
#include "nodes/venue/fix_text.hpp"
#include "nodes/venue/record_file_linux.hpp"
#include "nodes/venue/socket_linux.hpp"

namespace holdfast::exchange {

namespace {

constexpr Duration kTick = Duration::milliseconds(20);
constexpr Duration kLogonDeadline = Duration::seconds(10);
constexpr Duration kCloseDeadline = Duration::seconds(5);  // for the last bytes to leave
constexpr Duration kShutdownDeadline = Duration::seconds(1);
constexpr int kEventsAtOnce = 64;
constexpr std::size_t kControlAnswerBytesMax = 1u << 20;

// What epoll hands back: these, or a connection's number.
constexpr ConnectionId kFixListener = 1;
constexpr ConnectionId kControlListener = 2;
constexpr ConnectionId kStop = 3;
constexpr ConnectionId kFirstConnection = 16;

int64_t clock_ns(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return t.tv_sec * 1'000'000'000 + t.tv_nsec;
}

Now read_clocks() { return {{clock_ns(CLOCK_REALTIME)}, {clock_ns(CLOCK_MONOTONIC)}}; }

class EpollVenue final : public Venue, private Wire {
 public:
  explicit EpollVenue(const VenueOptions& options) : options_(options), faults_(options.faults) {}
  Result<> start();
  uint16_t port() const override { return bound_port(fix_listener_); }
  uint16_t control_port() const override { return bound_port(control_listener_); }
  void run() override;
  void stop() override;

 private:
  void send(ConnectionId id, std::string_view bytes) override;
  void close(ConnectionId id) override;
  void abort(ConnectionId id) override;

  Connection* find(ConnectionId id);
  void watch(int fd, ConnectionId id, uint32_t events);
  void ask_for(ConnectionId id, Connection& connection);
  void turn();
  void handle_event(ConnectionId id, uint32_t events);
  void accept_all(const Descriptor& listener, Connection::Kind kind);
  void read(ConnectionId id, Connection& connection);
  void read_fix(ConnectionId id, Connection& connection);
  void read_control(ConnectionId id, Connection& connection);
  void command(ConnectionId id, std::string_view line);
  void mark_dirty(ConnectionId id, Connection& connection);
  void flush();
  void flush_one(ConnectionId id);
  void remove(ConnectionId id);
  void freeze_or_thaw();
  void housekeeping();
  void release_delayed();
  void begin_shutdown();
  bool finished() const;
  int wait_ms() const;
  std::size_t count_of(Connection::Kind kind) const;

  VenueOptions options_;
  Faults faults_;
  std::unique_ptr<Exchange> exchange_;
  RecordFile record_;
  Descriptor epoll_;
  Descriptor stop_event_;
  Descriptor fix_listener_;
  Descriptor control_listener_;
  std::unordered_map<ConnectionId, std::unique_ptr<Connection>> connections_;
  std::vector<ConnectionId> dirty_;
  std::string frame_;  // the message at hand; kept for its capacity
  ConnectionId next_id_ = kFirstConnection;
  Now now_ = read_clocks();
  MonoTime next_tick_;
  MonoTime shutdown_by_;
  bool frozen_ = false;
  bool stopping_ = false;
  bool stop_now_ = false;
};

Result<> EpollVenue::start() {
  auto exchange = make_exchange(options_.exchange, *this, faults_, now_);
  if (!exchange) return exchange.error();
  exchange_ = std::move(exchange).value();
  exchange_->desk().faults() = options_.desk_faults;
  for (const std::string& name : options_.halted) {
    const auto symbol = IdText::parse(name);
    if (!symbol) return symbol.error();
    const auto halted = exchange_->desk().set_halted(symbol.value(), true);
    if (!halted) return halted.error();
  }
  if (!options_.record_path.empty()) {
    auto record = RecordFile::open(options_.record_path);
    if (!record) return record.error();
    record_ = std::move(record).value();
  }
  epoll_ = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  stop_event_ = Descriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!epoll_.valid() || !stop_event_.valid())
    return Error{ErrorCode::kIo, system_error("can't make an event loop")};
  auto fix = listen_on(options_.host, options_.port);
  if (!fix) return fix.error();
  fix_listener_ = std::move(fix).value();
  if (options_.control) {
    auto control = listen_on("127.0.0.1", options_.control_port);
    if (!control) return control.error();
    control_listener_ = std::move(control).value();
    watch(control_listener_.get(), kControlListener, EPOLLIN);
  }
  watch(fix_listener_.get(), kFixListener, EPOLLIN);
  watch(stop_event_.get(), kStop, EPOLLIN);
  freeze_or_thaw();
  return success();
}

void EpollVenue::stop() {
  const uint64_t one = 1;
  const ssize_t ignored = ::write(stop_event_.get(), &one, sizeof one);
  static_cast<void>(ignored);  // a full counter means that the loop is told already
}

// ---- the loop

void EpollVenue::run() {
  next_tick_ = read_clocks().mono + kTick;
  while (!finished()) turn();
}

void EpollVenue::turn() {
  epoll_event events[kEventsAtOnce];
  const int n = epoll_wait(epoll_.get(), events, kEventsAtOnce, wait_ms());
  if (n < 0 && errno != EINTR) throw std::runtime_error(system_error("epoll_wait"));
  now_ = read_clocks();
  for (int i = 0; i < n; ++i) handle_event(events[i].data.u64, events[i].events);
  if (now_.mono >= next_tick_) housekeeping();
  if (faults_.delay_ms > 0) release_delayed();
  flush();
}

void EpollVenue::release_delayed() {
  for (auto& [id, connection] : connections_)
    if (connection->has_delayed() && connection->next_release() <= now_.mono)
      mark_dirty(id, *connection);
}

bool EpollVenue::finished() const {
  if (!stopping_) return false;
  if (stop_now_ || now_.mono >= shutdown_by_) return true;
  return exchange_->counters().sessions_online == 0 && count_of(Connection::Kind::kFix) == 0;
}

int EpollVenue::wait_ms() const {
  if (options_.spin) return 0;
  MonoTime until = next_tick_;
  if (faults_.delay_ms > 0)
    for (const auto& [id, connection] : connections_)
      if (connection->has_delayed() && !frozen_)
        until = std::min(until, connection->next_release());
  const int64_t ns = (until - now_.mono).ns;
  return ns <= 0 ? 0 : static_cast<int>((ns + 999'999) / 1'000'000);
}

void EpollVenue::handle_event(ConnectionId id, uint32_t events) {
  if (id == kFixListener) return accept_all(fix_listener_, Connection::Kind::kFix);
  if (id == kControlListener) return accept_all(control_listener_, Connection::Kind::kControl);
  if (id == kStop) return begin_shutdown();
  Connection* connection = find(id);
  if (connection == nullptr) return;
  if ((events & EPOLLOUT) != 0) mark_dirty(id, *connection);
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read(id, *connection);
}

void EpollVenue::housekeeping() {
  next_tick_ = now_.mono + kTick;
  if (!frozen_) exchange_->tick(now_);
  for (auto& [id, connection] : connections_) {
    if (connection->has_delayed() || connection->closing) mark_dirty(id, *connection);
    if (connection->closing && !connection->has_delayed() && now_.mono >= connection->close_by)
      abort(id);
    if (connection->kind() != Connection::Kind::kFix || connection->logged_on_once || frozen_)
      continue;
    if (now_.mono - connection->opened() < kLogonDeadline) continue;
    ++exchange_->counters().connections_cut;
    abort(id);
  }
}

void EpollVenue::begin_shutdown() {
  uint64_t count = 0;
  if (::read(stop_event_.get(), &count, sizeof count) < 0) return;
  if (stopping_) {
    stop_now_ = true;
    return;
  }
  stopping_ = true;
  shutdown_by_ = now_.mono + kShutdownDeadline;
  faults_ = {};
  freeze_or_thaw();
  fix_listener_ = Descriptor();
  exchange_->begin_logout(now_);
  for (auto& [id, connection] : connections_)
    if (connection->kind() == Connection::Kind::kFix && !exchange_->online(id)) abort(id);
}

// ---- connections

Connection* EpollVenue::find(ConnectionId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

std::size_t EpollVenue::count_of(Connection::Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [kind](const auto& c) { return c.second->kind() == kind; }));
}

void EpollVenue::watch(int fd, ConnectionId id, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = id;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0 &&
      epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0)
    throw std::runtime_error(system_error("epoll_ctl"));
}

// Tells epoll what the connection waits for now.
void EpollVenue::ask_for(ConnectionId id, Connection& connection) {
  const bool frozen = frozen_ && connection.kind() == Connection::Kind::kFix;
  uint32_t events = 0;
  if (!connection.closing && !frozen) events |= EPOLLIN;
  if (connection.unsent() > 0 && !frozen) events |= EPOLLOUT;
  if (events == connection.interest) return;
  connection.interest = events;
  watch(connection.fd(), id, events);
}

void EpollVenue::accept_all(const Descriptor& listener, Connection::Kind kind) {
  const bool fix = kind == Connection::Kind::kFix;
  const std::size_t limit =
      fix ? limits::kSimulatorConnectionsMax : limits::kSimulatorControlConnectionsMax;
  const std::size_t bytes =
      fix ? limits::kFixReceiveBufferBytes : limits::kSimulatorControlLineBytes;
  std::size_t open = count_of(kind);
  for (Descriptor socket = accept_one(listener); socket.valid(); socket = accept_one(listener)) {
    if (fix) ++exchange_->counters().connections;
    if (open >= limit) {
      ++exchange_->counters().connections_cut;
      continue;
    }
    ++open;
    const ConnectionId id = next_id_++;
    auto connection = std::make_unique<Connection>(kind, std::move(socket), bytes, now_.mono);
    ask_for(id, *connection);
    connections_.emplace(id, std::move(connection));
  }
}

void EpollVenue::read(ConnectionId id, Connection& connection) {
  if (connection.closing || connection.aborted) {
    // Nobody is listened to any more; an error or hang-up ends the wait for the last bytes.
    connection.aborted = true;
    return mark_dirty(id, connection);
  }
  const bool alive = connection.receive();
  if (connection.kind() == Connection::Kind::kFix)
    read_fix(id, connection);
  else
    read_control(id, connection);
  if (alive) return;
  connection.aborted = true;
  mark_dirty(id, connection);
}

void EpollVenue::read_fix(ConnectionId id, Connection& connection) {
  while (!connection.closing && !connection.aborted) {
    const Frame frame = next_frame(connection.received(), limits::kFixMessageBytesMax);
    if (frame.kind == Frame::Kind::kIncomplete) return;
    if (frame.kind == Frame::Kind::kGarbage) {
      ++exchange_->counters().garbage;
      return abort(id);
    }
    frame_.assign(connection.received().substr(0, frame.bytes));
    connection.consume(frame.bytes);
    exchange_->on_message(id, frame_, now_);
    if (!connection.logged_on_once) connection.logged_on_once = exchange_->online(id);
  }
}

void EpollVenue::read_control(ConnectionId id, Connection& connection) {
  while (!connection.closing) {
    const std::string_view received = connection.received();
    const std::size_t end = received.find('\n');
    if (end == std::string_view::npos) break;
    command(id, received.substr(0, end));
    connection.consume(end + 1);
  }
  if (!connection.buffer_full()) return;
  connection.queue("{\"ok\":false,\"error\":\"the line is too long\"}\n", {});
  close(id);
}

void EpollVenue::command(ConnectionId id, std::string_view line) {
  std::string answer;
  run_command(line, *exchange_, faults_, now_, answer);
  freeze_or_thaw();
  Connection* connection = find(id);
  if (connection == nullptr) return;
  connection->queue(answer, {});
  mark_dirty(id, *connection);
}

void EpollVenue::freeze_or_thaw() {
  if (frozen_ == faults_.frozen) return;
  frozen_ = faults_.frozen;
  if (fix_listener_.valid()) watch(fix_listener_.get(), kFixListener, frozen_ ? 0u : EPOLLIN);
  for (auto& [id, connection] : connections_) {
    ask_for(id, *connection);
    if (!frozen_) mark_dirty(id, *connection);
  }
}

// ---- what the sessions ask for

void EpollVenue::send(ConnectionId id, std::string_view bytes) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->closing || connection->aborted) return;
  if (faults_.silent) {
    ++exchange_->counters().faults;
    return;
  }
  MonoTime release;
  if (faults_.delay_ms > 0) {
    ++exchange_->counters().faults;
    release = now_.mono + Duration::milliseconds(static_cast<int64_t>(faults_.delay_ms));
  }
  connection->queue(bytes, release);
  mark_dirty(id, *connection);
}

void EpollVenue::close(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->closing) return;
  connection->closing = true;
  connection->close_by = now_.mono + kCloseDeadline;
  mark_dirty(id, *connection);
}

void EpollVenue::abort(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  connection->aborted = true;
  mark_dirty(id, *connection);
}

// ---- bytes out

void EpollVenue::mark_dirty(ConnectionId id, Connection& connection) {
  if (connection.dirty) return;
  connection.dirty = true;
  dirty_.push_back(id);
}

void EpollVenue::flush() {
  std::string& record = exchange_->record();
  while (true) {
    if (options_.record_path.empty())
      record.clear();
    else if (!record.empty())
      record_.write(record);
    if (dirty_.empty()) return;
    // A connection that ends may make more to record and send, so look again.
    std::vector<ConnectionId> dirty;
    dirty.swap(dirty_);
    for (const ConnectionId id : dirty) flush_one(id);
  }
}

void EpollVenue::flush_one(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  connection->dirty = false;
  if (connection->aborted) return remove(id);
  if (frozen_ && connection->kind() == Connection::Kind::kFix) return;
  if (!connection->flush(now_.mono)) return remove(id);
  const std::size_t limit = connection->kind() == Connection::Kind::kFix
                                ? limits::kSimulatorSendBufferBytesMax
                                : kControlAnswerBytesMax;
  if (connection->unsent() > limit) {
    ++exchange_->counters().connections_cut;
    return remove(id);
  }
  if (connection->closing && connection->drained()) return remove(id);
  ask_for(id, *connection);
}

void EpollVenue::remove(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  const bool fix = found->second->kind() == Connection::Kind::kFix;
  connections_.erase(found);  // closing the socket takes it out of epoll
  if (fix) exchange_->on_closed(id, now_);
}

}  // namespace

Result<std::unique_ptr<Venue>> Venue::open(const VenueOptions& options) {
  auto venue = std::make_unique<EpollVenue>(options);
  const auto started = venue->start();
  if (!started) return started.error();
  return std::unique_ptr<Venue>(std::move(venue));
}

Result<> write_ports_file(const std::string& path, uint16_t port, uint16_t control_port) {
  const std::string temporary = path + ".new";
  Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file.valid()) return Error{ErrorCode::kIo, system_error("can't write " + temporary)};
  const std::string text =
      "fix=" + std::to_string(port) + "\ncontrol=" + std::to_string(control_port) + "\n";
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return Error{ErrorCode::kIo, system_error("can't write " + temporary)};
  if (std::rename(temporary.c_str(), path.c_str()) != 0)
    return Error{ErrorCode::kIo, system_error("can't rename " + temporary)};
  return success();
}

}  // namespace holdfast::exchange
