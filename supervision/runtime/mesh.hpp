// The mesh between nodes: every node keeps a connection to every other and sends words over it,
// for supervision and inspection. It is best effort: what is sent while a peer is away is lost, and
// whoever asked hears so. Orders, journals and integrators never come near it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "messages/result.hpp"
#include "messages/time.hpp"

namespace holdfast {

struct MeshPeer {
  std::string name;
  std::string host;
  uint16_t port = 0;
};

struct MeshSettings {
  std::string cluster, self;  // who this is; peers of other clusters are refused
  std::string listen_host;    // loopback: what it speaks is safe nowhere else
  uint16_t listen_port = 0;   // 0: any
  std::vector<MeshPeer> peers;
  /// Whether somebody accepts connections at an address, within a time (port_answers()). Dialling a
  /// host that swallows packets would hold up every other connection of the process.
  std::function<bool(const std::string& host, uint16_t port, Duration within)> answers;
  Duration probe_within =
      Duration::milliseconds(300);  // a port that does not answer is not dialled
  Duration ping_every = Duration::seconds(1);
  Duration ping_within = Duration::seconds(1);  // a peer that does not answer is dropped, redialled
  Duration redial_every = Duration::milliseconds(250);
};

/// For consoles and metrics.
struct MeshCounters {
  uint64_t dials = 0, links = 0, lost = 0, refused = 0, sent = 0, undelivered = 0, taken = 0;
};

class Mesh {
 public:
  struct Hooks {
    /// Something came. On a thread of the mesh.
    std::function<void(const std::string& from, const std::string& topic, const std::string& bytes)>
        message;
    std::function<void(const std::string& peer, bool linked)> changed;
    std::function<void(const std::string& line)> say;
  };
  virtual ~Mesh() = default;
  virtual uint16_t port() const = 0;
  /// Any thread.
  virtual bool linked(const std::string& peer) const = 0;
  /// Any thread. `done` is called once, on a thread of the mesh: true when the peer has it, false
  /// when it is not linked, was lost meanwhile, or did not answer within `within`.
  virtual void send(const std::string& to, const std::string& topic, std::string bytes,
                    Duration within, std::function<void(bool)> done) = 0;
  virtual MeshCounters counters() const = 0;
};

}  // namespace holdfast
