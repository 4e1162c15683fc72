#include "nodes/node/mesh_part_actor.hpp"

#include <map>
#include <thread>

#include "nodes/node/orchestrator_part_actor.hpp"
#include "nodes/node/process_linux.hpp"
#include "supervision/replication/stream/mesh_tunnel_linux.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/probe_linux.hpp"

namespace holdfast::node {

using replication::MeshTunnel;
using replication::TunnelSettings;

namespace {

const settings::ClusterMember* mesh_member(const settings::Settings& settings) {
  if (!settings.cluster) return nullptr;
  const auto* self = settings.cluster->find(settings.node.name);
  return self && self->mesh ? self : nullptr;
}

TunnelSettings tunnel_settings(const settings::ClusterSettings& cluster,
                               const settings::ClusterMember& self) {
  TunnelSettings tunnel;
  tunnel.cluster = cluster.name;
  tunnel.self = self.name;
  tunnel.listen_host = self.mesh->address;
  tunnel.listen_port = self.mesh->port;
  for (const auto& member : cluster.members)
    if (member.mesh && member.id != self.id)
      tunnel.peers.push_back({member.name, member.mesh->address, member.mesh->port});
  tunnel.tls = {cluster.tls->certificate, cluster.tls->key, cluster.tls->ca};
  return tunnel;
}

/// A mesh on loopback, its tunnels, and their thread.
class TunnelledMesh final : public Mesh {
 public:
  explicit TunnelledMesh(TunnelSettings settings)
      : tunnel_(loop_, std::move(settings), [](const std::string& line) { say(line); }) {}
  ~TunnelledMesh() override {
    mesh_.reset();
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

  /// `mesh` becomes one on loopback whose peers are the tunnels' near ends.
  Result<> start(caf::actor_system& system, MeshSettings mesh, Mesh::Hooks hooks) {
    if (auto started = tunnel_.start(); !started) return started;
    // By the near end. The mesh's actors may ask a moment longer than this is there.
    auto hosts = std::make_shared<std::map<uint16_t, MeshPeer>>();
    for (MeshPeer& peer : mesh.peers) {
      const uint16_t way = tunnel_.way_to(peer.name);
      (*hosts)[way] = peer;
      peer.host = "127.0.0.1";
      peer.port = way;
    }
    // The near end always answers: what matters is the host at the other.
    mesh.answers = [hosts](const std::string&, uint16_t way, Duration within) {
      const auto peer = hosts->find(way);
      return peer != hosts->end() && port_answers(peer->second.host, peer->second.port, within);
    };
    mesh.listen_host = "127.0.0.1";
    mesh.listen_port = 0;
    thread_ = std::thread([this] { loop_.run(); });
    auto started = start_mesh(system, std::move(mesh), std::move(hooks));
    if (!started) return started.error();
    mesh_ = std::move(started).value();
    tunnel_.door(mesh_->port());
    return success();
  }

  uint16_t port() const override { return tunnel_.port(); }
  bool linked(const std::string& peer) const override { return mesh_->linked(peer); }
  void send(const std::string& to, const std::string& topic, std::string bytes, Duration within,
            std::function<void(bool)> done) override {
    mesh_->send(to, topic, std::move(bytes), within, std::move(done));
  }
  MeshCounters counters() const override { return mesh_->counters(); }

 private:
  HotLoop loop_;
  MeshTunnel tunnel_;
  std::thread thread_;
  std::unique_ptr<Mesh> mesh_;
};

}  // namespace

std::function<void(caf::actor_system_config&)> modules_of_mesh(const settings::Settings& settings) {
  if (!mesh_member(settings)) return {};
  return mesh_modules();
}

std::unique_ptr<Mesh> join_mesh(const settings::Settings& settings, caf::actor_system& system,
                                std::shared_ptr<RefRegistry> registry,
                                decltype(Mesh::Hooks::message) others) {
  const auto* self = mesh_member(settings);
  if (!self) return nullptr;
  MeshSettings mesh;
  mesh.cluster = settings.cluster->name;
  mesh.self = self->name;
  mesh.listen_host = self->mesh->address;
  mesh.listen_port = self->mesh->port;
  mesh.answers = port_answers;
  for (const auto& member : settings.cluster->members)
    if (member.mesh && member.id != self->id)
      mesh.peers.push_back({member.name, member.mesh->address, member.mesh->port});
  Mesh::Hooks hooks;
  hooks.message = [registry, others](const std::string& from, const std::string& topic,
                                     const std::string& bytes) {
    if (topic != kOrchestratorTopic) return others(from, topic, bytes);
    if (auto actor = registry->find(kOrchestratorPath))
      anon_send(actor, orchestrator::Forwarded{bytes});
  };
  hooks.changed = [](const std::string& peer, bool linked) {
    say("mesh: " + peer + (linked ? " is linked" : " is lost"));
  };
  hooks.say = [](const std::string& line) { say(line); };
  const auto without = [](const Error& error) {
    say("mesh: " + error.text + "; other nodes' supervision can't reach this one ALARM");
    return nullptr;
  };
  if (settings.cluster->tls) {
    auto tunnelled = std::make_unique<TunnelledMesh>(tunnel_settings(*settings.cluster, *self));
    if (auto started = tunnelled->start(system, std::move(mesh), std::move(hooks)); !started)
      return without(started.error());
    return tunnelled;
  }
  auto started = start_mesh(system, std::move(mesh), std::move(hooks));
  if (!started) return without(started.error());
  return std::move(started).value();
}

}  // namespace holdfast::node
