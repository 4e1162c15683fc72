// Links: the connections of this node to its peers, one TCP connection a pair, on the hot loop. The
// higher member id dials, both probe: a listening port that refuses is the proof that a peer's
// process is dead, within a millisecond on one machine. Frames of a turn leave in one write. It
// knows nothing of what the messages mean, never blocks, and promises no delivery: what was queued
// when a link ended is gone, and the protocol asks again.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "supervision/replication/stream/stream.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::replication {

/// Where a member listens. `host` is an IPv4 or IPv6 address: names are resolved by whoever reads
/// the configuration, since that blocks.
struct PeerAddress {
  MemberId member;
  std::string host;
  uint16_t port = 0;
  /// What its certificate must name (DNS name or common name), where there is TLS. Empty: any of
  /// the authority's will do.
  std::string name = {};
};

/// PEM files of this node. A peer's certificate must be signed by `ca`, name the address that was
/// dialled, and name the member.
struct LinkTls {
  std::string certificate, key, ca;
};

struct LinkSettings {
  std::string cluster;
  MemberId self;
  std::string listen_host = "127.0.0.1";
  uint16_t listen_port = 0;  // 0: any
  std::vector<PeerAddress> peers;
  /// Who this node is, asked for each connection. Cluster, member and versions are filled in here;
  /// pid and process_start too when they are zero.
  std::function<Hello()> hello;
  Duration dial_every = Duration::milliseconds(5);        // doubles while refused, up to …
  Duration dial_every_max = Duration::milliseconds(100);  // … this
  Duration hello_within = Duration::seconds(1);
  /// Kernel's limit for bytes that a peer does not acknowledge (TCP_USER_TIMEOUT).
  Duration unacknowledged_max = Duration::seconds(5);
  std::size_t unsent_bytes_max = limits::kStreamUnsentBytesMax;
  std::optional<LinkTls> tls;  // needed as soon as any address is not loopback
};

/// Counts for one peer since the start, and how its link stands.
struct LinkStats {
  bool linked = false, gone = false;
  MonoTime since;  // of the present state
  uint64_t bytes_in = 0, bytes_out = 0, frames_in = 0, frames_out = 0, writes = 0;
  uint64_t ups = 0, downs = 0, dials = 0, probes = 0;
  uint64_t refused = 0;          // connections that claimed to be this peer and were not let in
  uint64_t overruns = 0;         // links cut because the peer did not take what was queued
  uint64_t dropped = 0;          // messages for it while there was no link
  std::size_t queued_bytes = 0;  // not yet taken by the kernel
};

/// Connections that were refused, by cause, from whomever they came.
struct LinkRefusals {
  uint64_t garbage = 0;  // frames that can't be read, before or after the hello
  uint64_t oversize = 0;
  uint64_t cluster = 0, member = 0, protocol = 0;
  uint64_t certificate = 0;  // names another than the member it says it is
  uint64_t duplicate = 0;    // a second connection of a process that is linked
  uint64_t silent = 0;       // no hello in time
  uint64_t full = 0;         // too many without a hello
  uint64_t tls = 0;
};

class Links {
 public:
  /// Called on the loop, never from inside a call of Links. They may call Links, but not destroy
  /// it.
  struct Hooks {
    /// Linked: the peer's hello was taken, messages may follow.
    std::function<void(MemberId, const Hello&)> up;
    /// No link any more, or (`gone`) nothing listens at the peer's port, so its process is dead.
    /// A link's end is told at once; `gone` comes with it or later, once for each time, and also
    /// for a peer that was never linked.
    std::function<void(MemberId, bool gone)> down;
    std::function<void(MemberId, GroupId, PeerMessage&&)> message;
    std::function<void(MemberId, DeliveryMessage&&)> delivery;
    /// One line for operators; `alarm` wakes somebody. Repetitions are held back.
    std::function<void(const std::string& line, bool alarm)> report;
  };

  /// The loop must outlive it. Belongs to the loop's thread from start() on.
  Links(EventLoop& loop, LinkSettings settings, Hooks hooks);
  /// Closes everything without a word; no hook runs any more.
  ~Links();
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  /// Listens and begins to dial; the port it listens at. kInvalid: the settings (a bad address, no
  /// TLS outside loopback, files that can't be used); kIo: the port can't be bound.
  Result<uint16_t> start();

  /// Queues a message; it leaves at the end of the turn, in order. Without a link it is dropped and
  /// counted. Beyond `unsent_bytes_max` the link is cut.
  void send(MemberId to, GroupId group, const PeerMessage& message);
  void send(MemberId to, const DeliveryMessage& message);
  /// Writes what is queued now, for who wants it out before the turn's other work.
  void flush();

  bool linked(MemberId member) const;
  /// The hello of a linked peer, or null. Valid until its link ends.
  const Hello* peer(MemberId member) const;
  /// Ends a link with a reset, as if the peer had; dialling goes on. down() follows in this turn.
  void cut(MemberId member);
  /// Stops (or goes on) reading from a peer, so that TCP holds it back.
  void pause(MemberId member, bool paused);

  /// A member that is not configured has empty statistics.
  LinkStats stats(MemberId member) const;
  const LinkRefusals& refusals() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace holdfast::replication
