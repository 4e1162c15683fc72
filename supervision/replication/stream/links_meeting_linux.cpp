// How two nodes find each other: dialling, probing, and who is let in.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "supervision/replication/stream/links_impl_linux.hpp"

namespace holdfast::replication {

namespace {
/// How long a connect may stay unanswered before it is tried afresh.
constexpr Duration kConnectWithin = Duration::seconds(1);
constexpr int kAcceptsATurn = 64;
}  // namespace

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
  if (!peer->address.name.empty() && !connection.names(peer->address.name))
    return no(refusals.certificate, "it says that it is " + name_of(member) +
                                        ", and its certificate does not name '" +
                                        peer->address.name + "'");
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

}  // namespace holdfast::replication
