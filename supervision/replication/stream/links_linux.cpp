#include "supervision/replication/stream/links_linux.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <utility>
#include <vector>

#include "supervision/replication/stream/peer_linux.hpp"
#include "supervision/replication/stream/tls_linux.hpp"
#include "supervision/runtime/process_linux.hpp"

namespace holdfast::replication {

namespace {
constexpr Duration kFirstProbe = Duration::milliseconds(1);
/// How long a connect may stay unanswered before it is tried afresh.
constexpr Duration kConnectWithin = Duration::seconds(1);
constexpr int kAcceptsATurn = 64;
/// So much leaves before the turn ends.
constexpr std::size_t kFlushBytes = 1u << 20;

/// Hands on the parts of a delivery that is too long for one frame. False: it is not.
template <typename Content, typename Send>
bool split(const Content&, Send&&) {
  return false;
}
template <typename Item, typename Send>
bool split(const std::shared_ptr<const Delivery<Item>>& whole, Send&& send) {
  if (whole->items.size() <= kDeliveryItemsMax) return false;
  for (std::size_t at = 0; at < whole->items.size(); at += kDeliveryItemsMax) {
    const std::size_t end = std::min(at + kDeliveryItemsMax, whole->items.size());
    auto part = std::make_shared<Delivery<Item>>(Delivery<Item>{
        whole->from, whole->to, whole->epoch, {whole->first.value + at}, {}, whole->acknowledged});
    part->items.assign(whole->items.begin() + static_cast<std::ptrdiff_t>(at),
                       whole->items.begin() + static_cast<std::ptrdiff_t>(end));
    send(DeliveryMessage{std::shared_ptr<const Delivery<Item>>(std::move(part))});
  }
  return true;
}

std::string name_of(MemberId member) { return "member " + std::to_string(member.value); }
}  // namespace

class Links::Impl final : public ConnectionUser {
 public:
  Impl(EventLoop& loop, LinkSettings settings, Hooks hooks)
      : loop_(loop), settings_(std::move(settings)), hooks_(std::move(hooks)) {}
  ~Impl() override;

  Result<uint16_t> start();
  template <typename Encode>
  void send(MemberId to, Encode&& encode);
  void flush();
  void cut(MemberId member);
  Peer* find(MemberId member);
  LinkStats stats(MemberId member);
  void on_frame(Connection& connection, Frame&& frame) override;
  void on_end(Connection& connection, EndCause cause, const std::string& why) override;
  LinkRefusals refusals;

 private:
  /// An accepted connection without a hello.
  struct Stranger {
    std::shared_ptr<Connection> connection;
    TimerId limit;
  };

  Result<> check_settings();
  Hello hello();

  // looking for a peer
  void look(Peer& peer);
  void connect_event(Peer& peer);
  void connect_done(Peer& peer, Connecting how, int error);
  void stop_connecting(Peer& peer, bool keep_socket);
  void look_again(Peer& peer);
  void greet(Peer& peer, int fd);
  void greeting_over(Peer& peer);
  void is_gone(Peer& peer);

  // strangers
  void accept_all();
  void admit(int fd);
  void stranger_over(uint64_t id);
  void stranger_speaks(Connection& connection, Frame&& frame);
  void peer_answers(Peer& peer, Connection& connection, Frame&& frame);
  bool acceptable(const Connection& connection, const Hello& theirs, const Peer* dialled);
  void refuse(uint64_t& count, const Connection& connection, MemberId claimed,
              const std::string& why, bool alarm);
  void count_end(EndCause cause);

  // linked
  void link(Peer& peer, std::shared_ptr<Connection> connection, Hello&& theirs);
  void linked_frame(Peer& peer, Frame&& frame);
  void end_link(Peer& peer, const std::string& why, bool alarm);
  /// From an event: down() is said now.
  void unlink(Peer& peer, const std::string& why, bool alarm);
  /// From inside a call: down() is said at the end of the turn.
  void drop(Peer& peer, const std::string& why, bool alarm);
  void lost(Peer& peer);
  void say_down(Peer& peer, bool gone);
  void report(LineLimit& limit, const std::string& line, bool alarm);

  EventLoop& loop_;
  LinkSettings settings_;
  Hooks hooks_;
  std::shared_ptr<const TlsContexts> tls_;  // none on loopback
  ProcessId process_;
  int listening_ = -1;
  std::map<MemberId, Peer> peers_;  // never changes after start(): references stay good
  std::map<uint64_t, Stranger> strangers_;
  uint64_t last_stranger_ = 0;
  bool flush_due_ = false;
  LineLimit refusal_lines_, accept_lines_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is deferred
};

// ---- start and end

Result<> Links::Impl::check_settings() {
  if (!settings_.self) return Error{ErrorCode::kInvalid, "the stream: this node has no member id"};
  const auto loopback = [&](const std::string& host, const std::string& whose) -> Result<> {
    const auto address = socket_address(host, 0);
    if (!address)
      return Error{ErrorCode::kInvalid, "the stream: " + whose + ": " + address.error().text};
    if (!address.value().loopback && !settings_.tls)
      return Error{ErrorCode::kInvalid, "the stream: " + whose + " (" + host +
                                            ") is not loopback: it needs TLS (certificate, key, "
                                            "CA), without which anybody there could take part"};
    return success();
  };
  if (auto fine = loopback(settings_.listen_host, "the address to listen at"); !fine) return fine;
  for (const PeerAddress& address : settings_.peers) {
    if (!address.member || address.member == settings_.self || address.port == 0 ||
        peers_.contains(address.member))
      return Error{ErrorCode::kInvalid, "the stream: " + name_of(address.member) +
                                            " is no peer: it needs an id of its own, and a port"};
    if (auto fine = loopback(address.host, name_of(address.member)); !fine) return fine;
    Peer& peer = peers_[address.member];
    peer.address = address;
    peer.socket = socket_address(address.host, address.port).value();
    peer.dials = settings_.self > address.member;
    peer.wait = settings_.dial_every;
    peer.since = loop_.now();
  }
  return success();
}

Result<uint16_t> Links::Impl::start() {
  CHECK(listening_ < 0);
  process_ = this_process();
  if (auto fine = check_settings(); !fine) {
    peers_.clear();
    return fine.error();
  }
  if (settings_.tls) {
    auto loaded = TlsContexts::load(*settings_.tls);
    if (!loaded) {
      peers_.clear();
      return loaded.error();
    }
    tls_ = std::move(loaded).value();
  }
  uint16_t port = settings_.listen_port;
  auto listening = listen_at(settings_.listen_host, port);
  if (!listening) {
    peers_.clear();
    return listening.error();
  }
  listening_ = listening.value();
  loop_.add_fd(listening_, EPOLLIN, [this](uint32_t) { accept_all(); });
  for (auto& [member, peer] : peers_)
    peer.again = loop_.at(loop_.now(), [this, &peer = peer] {
      peer.again = {};
      look(peer);
    });
  return port;
}

Links::Impl::~Impl() {
  for (auto& [member, peer] : peers_) {
    loop_.cancel(peer.again);
    loop_.cancel(peer.hello_limit);
    stop_connecting(peer, false);
    if (peer.link) peer.link->close(false);
    if (peer.greeting) peer.greeting->close(false);
  }
  for (auto& [id, stranger] : strangers_) {
    loop_.cancel(stranger.limit);
    stranger.connection->close(false);
  }
  if (listening_ >= 0) {
    loop_.remove_fd(listening_);
    ::close(listening_);
  }
}

Hello Links::Impl::hello() {
  Hello ours = settings_.hello ? settings_.hello() : Hello{};
  ours.cluster = settings_.cluster;
  ours.member = settings_.self;
  ours.protocol = kStreamProtocol;
  ours.protocol_oldest = kStreamProtocolOldest;
  if (ours.pid == 0) ours.pid = process_.pid;
  if (ours.process_start == 0) ours.process_start = process_.start_ticks;
  return ours;
}

void Links::Impl::report(LineLimit& limit, const std::string& line, bool alarm) {
  if (!hooks_.report) return;
  const auto said = limit.pass(line, loop_.now());
  if (!said.empty()) hooks_.report("stream: " + said, alarm);
}

Peer* Links::Impl::find(MemberId member) {
  const auto it = peers_.find(member);
  return it == peers_.end() ? nullptr : &it->second;
}

LinkStats Links::Impl::stats(MemberId member) {
  const Peer* peer = find(member);
  if (peer == nullptr) return {};
  LinkStats stats = peer->counts;
  Traffic traffic = peer->before;
  if (peer->link) traffic += peer->link->traffic();
  stats.linked = peer->link != nullptr;
  stats.gone = peer->gone;
  stats.since = peer->since;
  stats.bytes_in = traffic.bytes_in;
  stats.bytes_out = traffic.bytes_out;
  stats.frames_in = traffic.frames_in;
  stats.frames_out = traffic.frames_out;
  stats.writes = traffic.writes;
  stats.queued_bytes = peer->link ? peer->link->unsent() : 0;
  return stats;
}

// ---- looking for a peer that is not linked: its port is tried again and again; who has the higher
// id goes on to say hello, the other only learns whether anybody listens

void Links::Impl::look(Peer& peer) {
  if (peer.link || peer.greeting || peer.connecting >= 0) return;
  ++(peer.dials ? peer.counts.dials : peer.counts.probes);
  int error = 0;
  const auto how = connect_to(peer.socket, peer.connecting, error);
  if (how != Connecting::kPending) return connect_done(peer, how, error);
  loop_.add_fd(peer.connecting, EPOLLOUT, [this, &peer](uint32_t) { connect_event(peer); });
  peer.connect_limit = loop_.at(loop_.now() + kConnectWithin, [this, &peer] {
    peer.connect_limit = {};
    connect_done(peer, Connecting::kFailed, ETIMEDOUT);
  });
}

void Links::Impl::connect_event(Peer& peer) {
  int error = 0;
  const auto how = connecting(peer.connecting, error);
  if (how != Connecting::kPending) connect_done(peer, how, error);
}

void Links::Impl::stop_connecting(Peer& peer, bool keep_socket) {
  loop_.cancel(std::exchange(peer.connect_limit, {}));
  if (peer.connecting < 0) return;
  loop_.remove_fd(peer.connecting);
  if (!keep_socket) ::close(peer.connecting);
  peer.connecting = -1;
}

void Links::Impl::connect_done(Peer& peer, Connecting how, int error) {
  const int fd = peer.connecting;
  const bool greets = how == Connecting::kConnected && peer.dials;
  stop_connecting(peer, greets);
  if (greets) return greet(peer, fd);
  look_again(peer);
  switch (how) {
    case Connecting::kConnected:
      peer.gone = false;
      break;
    case Connecting::kRefused:
      is_gone(peer);
      break;
    default:
      report(peer.fails,
             name_of(peer.address.member) + " can't be reached at " + peer.address.host + ":" +
                 std::to_string(peer.address.port) + ": " + std::strerror(error),
             false);
  }
}

void Links::Impl::look_again(Peer& peer) {
  loop_.cancel(peer.again);
  peer.again = loop_.at(loop_.now() + peer.wait, [this, &peer] {
    peer.again = {};
    look(peer);
  });
  peer.wait = std::min(peer.wait * 2, settings_.dial_every_max);
}

void Links::Impl::is_gone(Peer& peer) {
  if (peer.gone) return;
  peer.gone = true;
  peer.since = loop_.now();
  peer.down_owed = false;
  say_down(peer, true);
}

void Links::Impl::greet(Peer& peer, int fd) {
  peer.gone = false;
  tune_connection(fd, settings_.unacknowledged_max);
  peer.greeting = Connection::make(
      loop_, tls_ ? tls_->dialled(fd, peer.address.host) : plain_channel(fd), *this);
  peer.greeting->standing = Connection::Standing::kGreeting;
  peer.greeting->whose = peer.address.member.value;
  peer.hello_limit = loop_.at(loop_.now() + settings_.hello_within, [this, &peer] {
    peer.hello_limit = {};
    refuse(refusals.silent, *peer.greeting, peer.address.member, "no hello came in time", false);
    greeting_over(peer);
  });
  encode_frame(hello(), peer.greeting->room());
  CHECK(peer.greeting->queued());
  peer.greeting->flush();
}

void Links::Impl::peer_answers(Peer& peer, Connection& connection, Frame&& frame) {
  auto* theirs = std::get_if<Hello>(&frame);
  if (theirs == nullptr) {
    refuse(refusals.garbage, connection, peer.address.member, "no hello came first", true);
    return greeting_over(peer);
  }
  if (!acceptable(connection, *theirs, &peer)) return greeting_over(peer);
  loop_.cancel(std::exchange(peer.hello_limit, {}));
  link(peer, std::exchange(peer.greeting, nullptr), std::move(*theirs));
}

void Links::Impl::greeting_over(Peer& peer) {
  loop_.cancel(std::exchange(peer.hello_limit, {}));
  if (const auto greeting = std::exchange(peer.greeting, nullptr)) greeting->close(true);
  look_again(peer);
}

// ---- strangers: who connects here

void Links::Impl::accept_all() {
  for (int i = 0; i < kAcceptsATurn; ++i) {
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(fd);
    } else if (errno != ECONNABORTED && errno != EINTR) {
      if (errno != EAGAIN)
        report(accept_lines_, std::string("can't accept: ") + std::strerror(errno), true);
      return;
    }
  }
}

void Links::Impl::admit(int fd) {
  if (strangers_.size() >= limits::kStreamUnauthenticatedMax) {
    ++refusals.full;
    const auto from = peer_text(fd);
    close_with_reset(fd);
    return report(refusal_lines_, "refused " + from + ": too many connections without a hello",
                  true);
  }
  const uint64_t id = ++last_stranger_;
  Stranger& stranger = strangers_[id];
  tune_connection(fd, settings_.unacknowledged_max);
  stranger.connection =
      Connection::make(loop_, tls_ ? tls_->accepted(fd) : plain_channel(fd), *this);
  stranger.connection->whose = id;
  stranger.limit = loop_.at(loop_.now() + settings_.hello_within, [this, id] {
    refuse(refusals.silent, *strangers_.at(id).connection, {}, "no hello came in time", false);
    stranger_over(id);
  });
}

void Links::Impl::stranger_over(uint64_t id) {
  const auto it = strangers_.find(id);
  if (it == strangers_.end()) return;
  loop_.cancel(it->second.limit);
  const auto connection = std::move(it->second.connection);
  strangers_.erase(it);
  connection->close(true);
}

void Links::Impl::stranger_speaks(Connection& connection, Frame&& frame) {
  const uint64_t id = connection.whose;
  auto* theirs = std::get_if<Hello>(&frame);
  if (theirs == nullptr) {
    refuse(refusals.garbage, connection, {}, "no hello came first", true);
    return stranger_over(id);
  }
  if (!acceptable(connection, *theirs, nullptr)) return stranger_over(id);
  Peer& peer = peers_.at(theirs->member);
  if (peer.link)  // of its former life: acceptable() has seen to that
    unlink(peer, "its process was started again", false);
  const auto it = strangers_.find(id);
  loop_.cancel(it->second.limit);
  auto taken = std::move(it->second.connection);
  strangers_.erase(it);
  encode_frame(hello(), taken->room());
  CHECK(taken->queued());
  taken->flush();
  link(peer, std::move(taken), std::move(*theirs));
}

bool Links::Impl::acceptable(const Connection& connection, const Hello& theirs,
                             const Peer* dialled) {
  const MemberId member = theirs.member;
  const auto no = [&](uint64_t& count, const std::string& why) {
    refuse(count, connection, dialled ? dialled->address.member : member, why, true);
    return false;
  };
  if (theirs.cluster != settings_.cluster)
    return no(refusals.cluster, "it is of the cluster '" + theirs.cluster + "', this node of '" +
                                    settings_.cluster + "'");
  if (dialled && member != dialled->address.member)
    return no(refusals.member,
              name_of(member) + " answers at the address of " + name_of(dialled->address.member));
  const Peer* peer = find(member);
  if (peer == nullptr)
    return no(refusals.member,
              name_of(member) +
                  (member == settings_.self ? " is this node itself" : " is not configured here"));
  if (!dialled && peer->dials)
    return no(refusals.member, name_of(member) + " waits to be dialled, it does not dial");
  if (const auto common = common_protocol(hello(), theirs); !common)
    return no(refusals.protocol, common.error().text);
  if (peer->link && peer->hello.pid == theirs.pid &&
      peer->hello.process_start == theirs.process_start)
    return no(refusals.duplicate, name_of(member) + " is linked already, by the same process");
  return true;
}

void Links::Impl::refuse(uint64_t& count, const Connection& connection, MemberId claimed,
                         const std::string& why, bool alarm) {
  ++count;
  Peer* peer = find(claimed);
  if (peer) ++peer->counts.refused;
  report(peer ? peer->refusals : refusal_lines_, "refused " + connection.peer() + ": " + why,
         alarm);
}

void Links::Impl::count_end(EndCause cause) {
  if (cause == EndCause::kGarbage) ++refusals.garbage;
  if (cause == EndCause::kOversize) ++refusals.oversize;
  if (cause == EndCause::kDenied) ++refusals.tls;
}

void Links::Impl::on_frame(Connection& connection, Frame&& frame) {
  const MemberId member{static_cast<uint32_t>(connection.whose)};
  switch (connection.standing) {
    case Connection::Standing::kStranger:
      return stranger_speaks(connection, std::move(frame));
    case Connection::Standing::kGreeting:
      return peer_answers(peers_.at(member), connection, std::move(frame));
    case Connection::Standing::kLinked:
      return linked_frame(peers_.at(member), std::move(frame));
  }
}

void Links::Impl::on_end(Connection& connection, EndCause cause, const std::string& why) {
  const bool bad = cause != EndCause::kClosed && cause != EndCause::kFailed;
  count_end(cause);
  if (connection.standing == Connection::Standing::kStranger) {
    // A probe comes and goes without a word.
    if (bad || connection.traffic().bytes_in > 0)
      report(refusal_lines_, "refused " + connection.peer() + ": " + why, bad);
    return stranger_over(connection.whose);
  }
  Peer& peer = peers_.at({static_cast<uint32_t>(connection.whose)});
  if (connection.standing == Connection::Standing::kLinked) return unlink(peer, why, bad);
  if (bad) ++peer.counts.refused;
  report(peer.fails,
         name_of(peer.address.member) + " at " + connection.peer() + " said no hello: " + why +
             (bad ? "" : "; its own log may say why"),
         bad);
  greeting_over(peer);
}

// ---- linked

void Links::Impl::link(Peer& peer, std::shared_ptr<Connection> connection, Hello&& theirs) {
  if (std::exchange(peer.down_owed, false)) say_down(peer, false);
  stop_connecting(peer, false);
  loop_.cancel(std::exchange(peer.again, {}));
  connection->standing = Connection::Standing::kLinked;
  connection->whose = peer.address.member.value;
  connection->frame_bytes_max(limits::kStreamFrameBytesMax);
  connection->unsent_bytes_max(settings_.unsent_bytes_max);
  peer.link = std::move(connection);
  peer.hello = std::move(theirs);
  peer.gone = false;
  peer.since = loop_.now();
  peer.wait = settings_.dial_every;
  ++peer.counts.ups;
  if (hooks_.up) hooks_.up(peer.address.member, peer.hello);
}

void Links::Impl::linked_frame(Peer& peer, Frame&& frame) {
  if (auto* message = std::get_if<GroupMessage>(&frame)) {
    if (hooks_.message)
      hooks_.message(peer.address.member, message->group, std::move(message->message));
  } else if (auto* delivery = std::get_if<DeliveryMessage>(&frame)) {
    if (hooks_.delivery) hooks_.delivery(peer.address.member, std::move(*delivery));
  } else {
    ++refusals.garbage;
    unlink(peer, "a second hello on one connection", true);
  }
}

void Links::Impl::end_link(Peer& peer, const std::string& why, bool alarm) {
  const auto link = std::exchange(peer.link, nullptr);
  link->close(true);
  peer.before += link->traffic();
  peer.since = loop_.now();
  ++peer.counts.downs;
  peer.down_owed = true;
  report(peer.ends, "the link to " + name_of(peer.address.member) + " has ended: " + why, alarm);
}

void Links::Impl::unlink(Peer& peer, const std::string& why, bool alarm) {
  end_link(peer, why, alarm);
  lost(peer);
}

void Links::Impl::drop(Peer& peer, const std::string& why, bool alarm) {
  end_link(peer, why, alarm);
  loop_.defer([this, alive = std::weak_ptr<bool>(alive_), &peer] {
    if (!alive.expired()) lost(peer);
  });
}

void Links::Impl::lost(Peer& peer) {
  if (!peer.down_owed || peer.link) return;
  // A killed process no longer listens either: asking right now tells it from a lost connection.
  peer.wait = kFirstProbe;
  look(peer);
  if (std::exchange(peer.down_owed, false)) say_down(peer, false);
}

void Links::Impl::say_down(Peer& peer, bool gone) {
  if (hooks_.down) hooks_.down(peer.address.member, gone);
}

template <typename Encode>
void Links::Impl::send(MemberId to, Encode&& encode) {
  Peer* peer = find(to);
  if (peer == nullptr) return;
  if (!peer->link) {
    ++peer->counts.dropped;
    return;
  }
  encode(peer->link->room());
  if (!peer->link->queued()) {
    ++peer->counts.overruns;
    return drop(*peer,
                "it does not take what it is sent: " + std::to_string(peer->link->unsent() >> 20) +
                    " MiB wait",
                true);
  }
  if (peer->link->unsent() >= kFlushBytes) peer->link->flush();
  if (std::exchange(flush_due_, true)) return;
  loop_.defer([this, alive = std::weak_ptr<bool>(alive_)] {
    if (!alive.expired()) flush();
  });
}

void Links::Impl::flush() {
  flush_due_ = false;
  for (auto& [member, peer] : peers_)
    if (peer.link && peer.link->unsent() > 0) peer.link->flush();
}

void Links::Impl::cut(MemberId member) {
  Peer* peer = find(member);
  if (peer == nullptr) return;
  if (peer->greeting) greeting_over(*peer);
  if (peer->link) drop(*peer, "cut from here", false);
}

// ---- the outside

Links::Links(EventLoop& loop, LinkSettings settings, Hooks hooks)
    : impl_(std::make_unique<Impl>(loop, std::move(settings), std::move(hooks))) {}
Links::~Links() = default;

Result<uint16_t> Links::start() { return impl_->start(); }
void Links::flush() { impl_->flush(); }
void Links::cut(MemberId member) { impl_->cut(member); }
LinkStats Links::stats(MemberId member) const { return impl_->stats(member); }
const LinkRefusals& Links::refusals() const { return impl_->refusals; }

void Links::send(MemberId to, GroupId group, const PeerMessage& message) {
  impl_->send(to, [&](Bytes& out) { encode_frame(group, message, out); });
}

void Links::send(MemberId to, const DeliveryMessage& message) {
  std::visit(
      [&](const auto& content) {
        if (!split(content, [&](const DeliveryMessage& part) { send(to, part); }))
          impl_->send(to, [&](Bytes& out) { encode_frame(message, out); });
      },
      message);
}

bool Links::linked(MemberId member) const {
  const Peer* peer = impl_->find(member);
  return peer != nullptr && peer->link != nullptr;
}

const Hello* Links::peer(MemberId member) const {
  const Peer* peer = impl_->find(member);
  return peer != nullptr && peer->link ? &peer->hello : nullptr;
}

void Links::pause(MemberId member, bool paused) {
  if (Peer* peer = impl_->find(member); peer && peer->link) peer->link->pause(paused);
}

}  // namespace holdfast::replication
