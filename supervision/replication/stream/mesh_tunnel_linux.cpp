#include "supervision/replication/stream/mesh_tunnel_linux.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "supervision/replication/stream/address_linux.hpp"

namespace holdfast::replication {

namespace {

constexpr const char* kHello = "holdfast-mesh 1 ";  // then CLUSTER/NAME, or "ok", or "no" and why
constexpr std::size_t kHelloBytesMax = 256;
constexpr std::size_t kPassBytes = 64u << 10;
constexpr int kPassesATurn = 16;  // before the loop's other work has its turn
constexpr std::size_t kToldMax = 64;

std::string host_of(const std::string& address) { return address.substr(0, address.rfind(':')); }

/// What is known of one who says something may go into a log.
std::string plain(std::string text) {
  if (text.size() > kHelloBytesMax) text.resize(kHelloBytesMax);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return text;
}

/// Bytes on their way from one channel to the other: read only when all before are gone.
struct Pipe {
  std::vector<std::byte> bytes;
  std::size_t at = 0;
  bool empty() const { return at == bytes.size(); }
  void put(const std::string& text) {
    const auto* from = reinterpret_cast<const std::byte*>(text.data());
    bytes.insert(bytes.end(), from, from + text.size());
  }
};

}  // namespace

/// One connection of the mesh: a socket on loopback, and one under TLS to another host.
class MeshTunnel::Relay final : public std::enable_shared_from_this<MeshTunnel::Relay> {
 public:
  /// Of another member, not known yet.
  Relay(MeshTunnel& tunnel, int fd)
      : tunnel_(tunnel), far_(tunnel.tls_->accepted(fd)), whom_(host_of(peer_text(fd))) {
    stranger_ = true;
    ++tunnel_.strangers_;
  }
  /// Of this node's mesh, to `peer`.
  Relay(MeshTunnel& tunnel, const TunnelPeer& peer, int own)
      : tunnel_(tunnel), near_(plain_channel(own)), whom_(peer.name), peer_(&peer) {}
  ~Relay() { close(); }

  void start();
  void close();

 private:
  enum class State : uint8_t { kDialling, kMeeting, kOpen, kEnding };

  void dial();
  void dialled();
  void met(int fd);
  void watch(Channel& channel, uint32_t& watched, uint32_t wanted);
  void ready(uint32_t events);
  void turn();
  /// False: it has ended.
  bool pass(Channel& from, Channel& to, Pipe& pipe, std::atomic<uint64_t>& count, bool& more);
  bool push(Channel& to, Pipe& pipe);
  bool moved(const Moved& moved, const char* what);
  bool read_hello();
  bool judge(const std::string& line);
  bool judge_stranger(const std::string& who);
  bool refuse(std::atomic<uint64_t>& count, const std::string& why);
  void known() {
    if (std::exchange(stranger_, false)) --tunnel_.strangers_;
  }
  void end() {
    const auto self = shared_from_this();
    close();
    tunnel_.forget(self);
  }
  void end(std::atomic<uint64_t>& count, const std::string& why) {
    ++count;
    tunnel_.tell(whom_, why);
    end();
  }

  MeshTunnel& tunnel_;
  std::unique_ptr<Channel> near_, far_;  // on loopback; under TLS
  std::string whom_;                     // the peer's name, or an address
  const TunnelPeer* peer_ = nullptr;     // dialled; null: it was accepted
  int dialling_ = -1;
  State state_ = State::kDialling;
  Pipe out_, in_;  // to the other host; to the mesh
  std::string hello_;
  uint32_t near_watched_ = 0, far_watched_ = 0;
  bool near_added_ = false, far_added_ = false, posted_ = false, stranger_ = false;
  TimerId timer_;
};

void MeshTunnel::Relay::start() {
  timer_ = tunnel_.loop_.at(tunnel_.loop_.now() + tunnel_.settings_.hello_within,
                            [weak = weak_from_this()] {
                              const auto self = weak.lock();
                              if (!self || !(self->near_ || self->far_)) return;
                              if (self->state_ == State::kDialling)
                                self->end(self->tunnel_.unreachable_, "does not answer");
                              else
                                self->end(self->tunnel_.silent_, "said no hello in time");
                            });
  if (peer_) return dial();
  state_ = State::kMeeting;
  ready(0);
}

void MeshTunnel::Relay::close() {
  tunnel_.loop_.cancel(timer_);
  for (auto* channel : {near_.get(), far_.get()})
    if (channel) tunnel_.loop_.remove_fd(channel->fd());
  near_.reset();
  far_.reset();
  if (dialling_ >= 0) {
    tunnel_.loop_.remove_fd(dialling_);
    ::close(std::exchange(dialling_, -1));
  }
  known();
}

// ---- dialling

void MeshTunnel::Relay::dial() {
  ++tunnel_.dialled_;
  const auto address = socket_address(peer_->host, peer_->port);
  if (!address) return end(tunnel_.unreachable_, address.error().text);
  int fd = -1, error = 0;
  switch (connect_to(address.value(), fd, error)) {
    case Connecting::kConnected:
      return met(fd);
    case Connecting::kPending:
      dialling_ = fd;
      return tunnel_.loop_.add_fd(fd, EPOLLOUT, [weak = weak_from_this()](uint32_t) {
        if (const auto self = weak.lock()) self->dialled();
      });
    case Connecting::kRefused:
    case Connecting::kFailed:
      if (fd >= 0) ::close(fd);
      return end(tunnel_.unreachable_, std::strerror(error));
  }
}

void MeshTunnel::Relay::dialled() {
  int error = 0;
  const auto how = connecting(dialling_, error);
  if (how == Connecting::kPending) return;
  if (how != Connecting::kConnected) return end(tunnel_.unreachable_, std::strerror(error));
  tunnel_.loop_.remove_fd(dialling_);
  met(std::exchange(dialling_, -1));
}

void MeshTunnel::Relay::met(int fd) {
  tune_connection(fd, tunnel_.settings_.silent_within);
  far_ = tunnel_.tls_->dialled(fd, peer_->host);
  out_.put(kHello + tunnel_.settings_.cluster + "/" + tunnel_.settings_.self + "\n");
  state_ = State::kMeeting;
  ready(0);
}

// ---- the hello

/// Reads up to the end of the first line; what comes after it is the mesh's.
bool MeshTunnel::Relay::read_hello() {
  while (state_ == State::kMeeting) {
    std::byte bytes[kHelloBytesMax];
    const auto got = far_->read(bytes);
    if (got.kind == Moved::Kind::kWait) return true;
    if (got.kind != Moved::Kind::kBytes) return moved(got, "before its hello");
    const auto* from = reinterpret_cast<const char*>(bytes);
    hello_.append(from, got.bytes);
    const auto line = hello_.find('\n');
    if (line == std::string::npos) {
      if (hello_.size() < kHelloBytesMax) continue;
      return refuse(tunnel_.hello_, "what came first is no hello of a mesh");
    }
    in_.put(hello_.substr(line + 1));
    hello_.resize(line);
    if (!judge(hello_)) return false;
  }
  return true;
}

bool MeshTunnel::Relay::judge(const std::string& line) {
  if (!line.starts_with(kHello)) return refuse(tunnel_.hello_, "what came first is no hello");
  const std::string words = line.substr(std::strlen(kHello));
  if (!peer_) return judge_stranger(words);
  if (!far_->names(peer_->name))
    return refuse(tunnel_.certificate_,
                  "the certificate that is shown there does not name '" + peer_->name + "'");
  if (words != "ok") return refuse(tunnel_.hello_, "it answers: " + plain(words));
  state_ = State::kOpen;
  tunnel_.loop_.cancel(timer_);
  ++tunnel_.opened_;
  tunnel_.told_well(whom_);
  return true;
}

bool MeshTunnel::Relay::judge_stranger(const std::string& who) {
  const auto slash = who.find('/');
  const std::string member = slash == std::string::npos ? "" : who.substr(slash + 1);
  if (who.substr(0, slash) != tunnel_.settings_.cluster || !tunnel_.knows(member))
    return refuse(tunnel_.hello_,
                  "'" + plain(who) + "' is no other member of " + tunnel_.settings_.cluster);
  if (!far_->names(member))
    return refuse(tunnel_.certificate_,
                  "it says that it is " + member + ", and its certificate does not name it");
  const uint16_t door = tunnel_.door_.load(std::memory_order_acquire);
  const auto address = socket_address("127.0.0.1", door);
  int fd = -1, error = 0;
  if (door == 0 || !address || connect_to(address.value(), fd, error) != Connecting::kConnected) {
    if (fd >= 0) ::close(fd);
    return refuse(tunnel_.unreachable_, "the mesh of this node is not there (yet)");
  }
  tune_connection(fd, tunnel_.settings_.silent_within);
  near_ = plain_channel(fd);
  out_.put(std::string(kHello) + "ok\n");
  state_ = State::kOpen;
  known();
  tunnel_.loop_.cancel(timer_);
  ++tunnel_.opened_;
  tunnel_.told_well(whom_);
  whom_ = member;
  return true;
}

/// An accepted one is told why, as far as its socket takes it.
bool MeshTunnel::Relay::refuse(std::atomic<uint64_t>& count, const std::string& why) {
  ++count;
  tunnel_.tell(whom_, why);
  state_ = State::kEnding;
  if (!peer_) out_.put(std::string(kHello) + "no " + why + "\n");
  if (peer_ || push(*far_, out_)) end();
  return false;
}

// ---- passing on

bool MeshTunnel::Relay::moved(const Moved& moved, const char* what) {
  if (moved.kind == Moved::Kind::kDenied)
    end(tunnel_.tls_refused_, "refused: " + plain(moved.error));
  else if (state_ == State::kMeeting && peer_)
    end(tunnel_.unreachable_, std::string(what) + " it closed the connection");
  else
    end();  // of a stranger that said nothing: somebody looked whether anybody listens
  return false;
}

bool MeshTunnel::Relay::push(Channel& to, Pipe& pipe) {
  while (!pipe.empty() || to.wants_write()) {
    const iovec part{pipe.bytes.data() + pipe.at, pipe.bytes.size() - pipe.at};
    const auto went = to.write({&part, pipe.empty() ? 0u : 1u});
    if (went.kind == Moved::Kind::kWait) break;
    if (went.kind != Moved::Kind::kBytes) return moved(went, "writing");
    pipe.at += went.bytes;
  }
  if (pipe.empty()) {
    pipe.bytes.clear();
    pipe.at = 0;
  }
  return true;
}

bool MeshTunnel::Relay::pass(Channel& from, Channel& to, Pipe& pipe, std::atomic<uint64_t>& count,
                             bool& more) {
  for (int i = 0; i < kPassesATurn; ++i) {
    if (!push(to, pipe)) return false;
    if (!pipe.empty()) return true;
    pipe.bytes.resize(kPassBytes);
    const auto got = from.read(pipe.bytes);
    pipe.bytes.resize(got.kind == Moved::Kind::kBytes ? got.bytes : 0);
    if (got.kind == Moved::Kind::kWait) return true;
    if (got.kind != Moved::Kind::kBytes) return moved(got, "reading");
    count += got.bytes;
  }
  more = true;  // TLS may hold some of it, of which the socket says nothing
  return true;
}

void MeshTunnel::Relay::turn() {
  if (state_ == State::kMeeting) {
    if (!push(*far_, out_) || !read_hello()) return;
    if (state_ == State::kMeeting) {
      // The handshake may have gone on by what was read.
      if (!push(*far_, out_)) return;
    }
  }
  bool more = false;
  if (state_ == State::kOpen && (!pass(*near_, *far_, out_, tunnel_.bytes_out_, more) ||
                                 !pass(*far_, *near_, in_, tunnel_.bytes_in_, more)))
    return;
  // Reading from under TLS may have made something to send.
  if (far_ && far_->wants_write() && !push(*far_, out_)) return;
  if (more && !std::exchange(posted_, true))
    tunnel_.loop_.post([weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->posted_ = false;
      if (self->far_) self->ready(0);
    });
}

void MeshTunnel::Relay::ready(uint32_t events) {
  const auto self = shared_from_this();
  turn();
  if (!far_) return;
  // An end that is both ways, and what could still be read was.
  if (events & (EPOLLHUP | EPOLLERR)) return end();
  const bool open = state_ == State::kOpen;
  const uint32_t far =
      (in_.empty() ? uint32_t{EPOLLIN} : 0) | (far_->wants_write() ? uint32_t{EPOLLOUT} : 0);
  if (!std::exchange(far_added_, true)) {
    far_watched_ = far;
    tunnel_.loop_.add_fd(far_->fd(), far, [weak = weak_from_this()](uint32_t ready) {
      if (const auto relay = weak.lock(); relay && relay->far_) relay->ready(ready);
    });
  } else {
    watch(*far_, far_watched_, far);
  }
  if (!near_) return;
  const uint32_t near = (open && out_.empty() ? uint32_t{EPOLLIN} : 0) |
                        (open && !in_.empty() ? uint32_t{EPOLLOUT} : 0);
  if (!std::exchange(near_added_, true)) {
    near_watched_ = near;
    tunnel_.loop_.add_fd(near_->fd(), near, [weak = weak_from_this()](uint32_t ready) {
      if (const auto relay = weak.lock(); relay && relay->near_ && relay->far_) relay->ready(ready);
    });
  } else {
    watch(*near_, near_watched_, near);
  }
}

void MeshTunnel::Relay::watch(Channel& channel, uint32_t& watched, uint32_t wanted) {
  if (watched == wanted) return;
  watched = wanted;
  tunnel_.loop_.modify_fd(channel.fd(), wanted);
}

// ---- the tunnel

MeshTunnel::MeshTunnel(EventLoop& loop, TunnelSettings settings,
                       std::function<void(const std::string&)> say)
    : loop_(loop), settings_(std::move(settings)), say_(std::move(say)) {
  for (const auto& peer : settings_.peers) ways_.push_back({peer, -1, 0});
}

MeshTunnel::~MeshTunnel() {
  for (const auto& relay : relays_) relay->close();
  relays_.clear();
  const auto shut = [this](int fd) {
    if (fd < 0) return;
    loop_.remove_fd(fd);
    ::close(fd);
  };
  shut(listener_);
  for (const Way& way : ways_) shut(way.listener);
}

Result<> MeshTunnel::start() {
  auto tls = TlsContexts::load(settings_.tls);
  if (!tls) return tls.error();
  tls_ = std::move(tls).value();
  for (Way& way : ways_) {
    const auto address = socket_address(way.peer.host, way.peer.port);
    if (!address) return address.error();
    auto listening = listen_at("127.0.0.1", way.port);
    if (!listening) return listening.error();
    way.listener = listening.value();
    loop_.add_fd(way.listener, EPOLLIN, [this, &way](uint32_t) { accept_own(way); });
  }
  port_ = settings_.listen_port;
  auto listening = listen_at(settings_.listen_host, port_);
  if (!listening) return listening.error();
  listener_ = listening.value();
  loop_.add_fd(listener_, EPOLLIN, [this](uint32_t) { accept_stranger(); });
  return success();
}

uint16_t MeshTunnel::way_to(const std::string& peer) const {
  for (const Way& way : ways_)
    if (way.peer.name == peer) return way.port;
  return 0;
}

bool MeshTunnel::knows(const std::string& member) const {
  for (const Way& way : ways_)
    if (way.peer.name == member) return true;
  return false;
}

void MeshTunnel::accept_stranger() {
  const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (strangers_ >= kTunnelStrangersMax || relays_.size() >= kTunnelConnectionsMax) {
    ++full_;
    close_with_reset(fd);
    return;
  }
  tune_connection(fd, settings_.silent_within);
  keep(std::make_shared<Relay>(*this, fd));
}

void MeshTunnel::accept_own(const Way& way) {
  const int fd = ::accept4(way.listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  if (relays_.size() >= kTunnelConnectionsMax) {
    ++full_;
    close_with_reset(fd);
    return;
  }
  tune_connection(fd, settings_.silent_within);  // no Nagle: the mesh's questions are small
  keep(std::make_shared<Relay>(*this, way.peer, fd));
}

void MeshTunnel::keep(std::shared_ptr<Relay> relay) {
  relays_.insert(relay);
  relay->start();
}

void MeshTunnel::forget(const std::shared_ptr<Relay>& relay) {
  if (relays_.erase(relay) > 0) ++ended_;
}

void MeshTunnel::tell(const std::string& whom, const std::string& what) {
  if (told_.size() >= kToldMax && !told_.contains(whom)) told_.clear();
  std::string& told = told_[whom];
  if (told == what) return;
  told = what;
  if (say_) say_("mesh tunnel: " + whom + ": " + what);
}

TunnelCounters MeshTunnel::counters() const {
  return {dialled_, opened_, ended_, unreachable_, tls_refused_, certificate_,
          hello_,   silent_, full_,  bytes_in_,    bytes_out_};
}

}  // namespace holdfast::replication
