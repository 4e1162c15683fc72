#include "supervision/replication/stream/links_linux.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "supervision/replication/stream/links_impl_linux.hpp"

namespace holdfast::replication {

namespace {
/// A dying process may close its connections just before its listening socket.
constexpr Duration kFirstProbe = Duration::microseconds(100);
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
    auto part = std::make_shared<Delivery<Item>>(Delivery<Item>{whole->from,
                                                                whole->to,
                                                                whole->epoch,
                                                                {whole->first.value + at},
                                                                {},
                                                                whole->acknowledged,
                                                                whole->sent});
    part->items.assign(whole->items.begin() + static_cast<std::ptrdiff_t>(at),
                       whole->items.begin() + static_cast<std::ptrdiff_t>(end));
    send(DeliveryMessage{std::shared_ptr<const Delivery<Item>>(std::move(part))});
  }
  return true;
}

}  // namespace

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
