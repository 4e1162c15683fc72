// The way of the mesh between hosts: the mesh itself stays on loopback, where its library is safe,
// and each connection of it to another member goes through TLS, both ends showing the certificate
// of the member that they are. A tunnel passes bytes on in both directions with a bounded buffer,
// opens a connection when the mesh does, and ends it with it. It knows nothing of what goes
// through.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "supervision/replication/stream/links_linux.hpp"
#include "supervision/replication/stream/tls_linux.hpp"
#include "supervision/runtime/event_loop.hpp"

namespace holdfast::replication {

struct TunnelPeer {
  std::string name;  // the member's: its certificate must name it
  std::string host;  // a numeric address
  uint16_t port = 0;
};

struct TunnelSettings {
  std::string cluster, self;
  std::string listen_host;   // where other members' tunnels reach this one
  uint16_t listen_port = 0;  // 0: any
  std::vector<TunnelPeer> peers;
  LinkTls tls;
  Duration hello_within = Duration::seconds(5);   // from the connection to both ends being known
  Duration silent_within = Duration::seconds(5);  // a host that takes nothing for so long is gone
};

/// Connections of others that have not proved who they are, at once.
inline constexpr std::size_t kTunnelStrangersMax = 32;
/// All of them together.
inline constexpr std::size_t kTunnelConnectionsMax = 256;

/// Any thread.
struct TunnelCounters {
  uint64_t dialled = 0, opened = 0, ended = 0;
  uint64_t unreachable = 0;  // nobody answered at the peer's address, or not in time
  uint64_t tls = 0;          // no TLS, or a certificate of another authority
  uint64_t certificate = 0;  // it names another member than it says, or is meant
  uint64_t hello = 0;        // what came first is no hello of a member of this cluster
  uint64_t silent = 0;       // said nothing in time
  uint64_t full = 0;         // too many at once
  uint64_t bytes_in = 0, bytes_out = 0;
};

class MeshTunnel {
 public:
  /// `loop` must outlive it. `say` hears in words of what is refused, once for each change.
  MeshTunnel(EventLoop& loop, TunnelSettings settings,
             std::function<void(const std::string& line)> say);
  /// On the loop, or when it runs no more.
  ~MeshTunnel();

  /// Loads the certificates and listens. Before the loop runs, or on it.
  Result<> start();
  /// Where the mesh of this node listens on loopback; until then others are refused. Any thread.
  void door(uint16_t port) { door_.store(port, std::memory_order_release); }
  /// Where other members reach this end.
  uint16_t port() const { return port_; }
  /// The port on loopback that leads to a peer; zero: no such peer.
  uint16_t way_to(const std::string& peer) const;
  TunnelCounters counters() const;

 private:
  class Relay;
  struct Way {
    TunnelPeer peer;
    int listener = -1;
    uint16_t port = 0;
  };
  void accept_stranger();
  void accept_own(const Way& way);
  void keep(std::shared_ptr<Relay> relay);
  void forget(const std::shared_ptr<Relay>& relay);
  /// `whom`: a peer's name or a stranger's address.
  void tell(const std::string& whom, const std::string& what);
  void told_well(const std::string& whom) { told_.erase(whom); }
  bool knows(const std::string& member) const;

  EventLoop& loop_;
  TunnelSettings settings_;
  std::function<void(const std::string&)> say_;
  std::shared_ptr<const TlsContexts> tls_;
  int listener_ = -1;
  uint16_t port_ = 0;
  std::vector<Way> ways_;
  std::set<std::shared_ptr<Relay>> relays_;
  std::size_t strangers_ = 0;
  std::map<std::string, std::string> told_;  // what was said last, of whom
  std::atomic<uint16_t> door_{0};            // pairs with door()
  // Statistics only, pair with nothing.
  std::atomic<uint64_t> dialled_{0}, opened_{0}, ended_{0}, unreachable_{0}, tls_refused_{0},
      certificate_{0}, hello_{0}, silent_{0}, full_{0}, bytes_in_{0}, bytes_out_{0};
};

}  // namespace holdfast::replication
