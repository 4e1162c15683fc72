#include "supervision/runtime/mesh_actor.hpp"

#include <atomic>
#include <caf/io/all.hpp>
#include <chrono>
#include <map>
#include <mutex>

#include "supervision/runtime/actor.hpp"

namespace holdfast {

namespace {

// What travels: a kind, who says it ("CLUSTER/NAME"), and what. All of the library's own types.
constexpr uint32_t kPing = 1, kMessage = 2;

/// The parts of one mesh that its actors share. Outlives them.
struct Shared {
  MeshSettings settings;
  Mesh::Hooks hooks;
  mutable std::mutex mutex;
  std::map<std::string, bool> linked;
  std::atomic<uint64_t> dials{0}, links{0}, lost{0}, refused{0}, sent{0}, undelivered{0},
      taken{0};  // statistics only, pair with nothing

  std::string me() const { return settings.cluster + "/" + settings.self; }
  void set(const std::string& peer, bool up) {
    {
      const std::lock_guard lock(mutex);
      linked[peer] = up;
    }
    ++(up ? links : lost);
    if (hooks.changed) hooks.changed(peer, up);
  }
  bool knows(const std::string& who) const {
    for (const auto& peer : settings.peers)
      if (who == settings.cluster + "/" + peer.name) return true;
    return false;
  }
};

bool loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || host.starts_with("127.");
}

/// What other nodes reach. It says who it is, and takes words from whoever is of the cluster.
class MeshDoor final : public PoolActor {
 public:
  MeshDoor(ActorConfig& config, std::shared_ptr<Shared> shared)
      : PoolActor(config), shared_(std::move(shared)) {}
  const char* name() const override { return "mesh"; }
  Behavior make_behavior() override {
    return {[this](uint32_t kind, const std::string& from, const std::string& topic,
                   const std::string& bytes) -> std::string {
      if (!shared_->knows(from)) {
        if (++shared_->refused == 1 && shared_->hooks.say)
          shared_->hooks.say("mesh: refused '" + from.substr(0, 80) + "', which is no member here");
        return "";
      }
      if (kind == kMessage) {
        ++shared_->taken;
        if (shared_->hooks.message)
          shared_->hooks.message(from.substr(from.find('/') + 1), topic, bytes);
      }
      return shared_->me();
    }};
  }

 private:
  std::shared_ptr<Shared> shared_;
};

struct Outgoing {
  std::string topic, bytes;
  Duration within;
  std::function<void(bool)> done;
};
struct Look {};

/// The way to one peer, on a thread of its own, since dialling blocks.
class MeshLink final : public caf::event_based_actor {
 public:
  MeshLink(ActorConfig& config, std::shared_ptr<Shared> shared, MeshPeer peer)
      : caf::event_based_actor(config), shared_(std::move(shared)), peer_(std::move(peer)) {
    install_handlers(this);
    set_down_handler([this](DownMessage& down) {
      if (remote_ && down.source == remote_.address()) drop("its connection ended");
    });
  }
  const char* name() const override { return "mesh-link"; }
  Behavior make_behavior() override;
  void on_exit() override {
    fail_all();
    remote_ = dialled_ = nullptr;
  }

 private:
  void look();
  void dial();
  void ping(const ActorHandle& handle);
  void drop(const std::string& why);
  void fail_all();
  void again(Duration after);

  std::shared_ptr<Shared> shared_;
  MeshPeer peer_;
  ActorHandle dialled_, remote_;  // asked who it is; trusted
  uint64_t asked_ = 0;
  std::map<uint64_t, std::function<void(bool)>> under_way_;
  bool said_ = false;
};

}  // namespace
}  // namespace holdfast
HOLDFAST_LOCAL_MESSAGE(std::shared_ptr<holdfast::Outgoing>)
HOLDFAST_LOCAL_MESSAGE(holdfast::Look)

namespace holdfast {
namespace {

std::chrono::nanoseconds chrono_of(Duration d) { return std::chrono::nanoseconds(d.ns); }

Behavior MeshLink::make_behavior() {
  again(Duration{});
  return {
      [this](Look) { look(); },
      [this](const std::shared_ptr<Outgoing>& out) {
        if (!remote_) {
          ++shared_->undelivered;
          return out->done(false);
        }
        ++shared_->sent;
        const uint64_t id = ++asked_;
        under_way_[id] = out->done;
        const auto answered = [this, id](bool good) {
          const auto found = under_way_.find(id);
          if (found == under_way_.end()) return;  // it was failed when the peer went
          const auto done = std::move(found->second);
          under_way_.erase(found);
          if (!good) ++shared_->undelivered;
          done(good);
        };
        request_within(this, remote_, {"mesh message", out->within}, kMessage, shared_->me(),
                       out->topic, out->bytes)
            .then([answered](const std::string& who) { answered(!who.empty()); },
                  [answered](const ActorError&) { answered(false); });
      },
  };
}

void MeshLink::again(Duration after) { delayed_send(this, chrono_of(after), Look{}); }

void MeshLink::look() {
  if (remote_)
    ping(remote_);
  else if (shared_->settings.answers(peer_.host, peer_.port, shared_->settings.probe_within))
    dial();
  else
    again(shared_->settings.redial_every);
}

void MeshLink::dial() {
  ++shared_->dials;
  auto& system = home_system();
  auto dialled = system.middleman().remote_actor(peer_.host, peer_.port);
  if (!dialled) return again(shared_->settings.redial_every);
  dialled_ = *dialled;
  ping(dialled_);
}

/// A handle is trusted once it says who it is: it may be a former life's, or another cluster's.
void MeshLink::ping(const ActorHandle& handle) {
  request_within(this, handle, {"mesh ping", shared_->settings.ping_within}, kPing, shared_->me(),
                 std::string(), std::string())
      .then(
          [this, handle](const std::string& who) {
            dialled_ = nullptr;
            if (who != shared_->settings.cluster + "/" + peer_.name) {
              if (!std::exchange(said_, true) && shared_->hooks.say)
                shared_->hooks.say("mesh: at the address of " + peer_.name + " answers '" +
                                   who.substr(0, 80) + "'");
              ++shared_->refused;
              return remote_ ? drop("another answers there now")
                             : again(shared_->settings.redial_every);
            }
            if (!remote_) {
              remote_ = handle;
              monitor(remote_);
              shared_->set(peer_.name, true);
            }
            again(shared_->settings.ping_every);
          },
          [this](const ActorError& error) {
            dialled_ = nullptr;
            if (remote_) return drop(describe(error));
            again(shared_->settings.redial_every);
          });
}

void MeshLink::drop(const std::string&) {
  if (!remote_) return;
  demonitor(remote_);
  remote_ = nullptr;
  shared_->set(peer_.name, false);
  fail_all();
  again(shared_->settings.redial_every);
}

void MeshLink::fail_all() {
  for (auto& [id, done] : std::exchange(under_way_, {})) {
    ++shared_->undelivered;
    done(false);
  }
}

class CafMesh final : public Mesh {
 public:
  CafMesh(caf::actor_system& system, std::shared_ptr<Shared> shared)
      : system_(system), shared_(std::move(shared)) {}
  ~CafMesh() override {
    for (auto& [name, link] : links_) send_kill(link);
    send_kill(door_);
    if (port_) (void)system_.middleman().close(port_);
  }

  Result<> start() {
    const auto& s = shared_->settings;
    door_ = system_.spawn<MeshDoor>(shared_);
    const auto port =
        system_.middleman().publish(door_, s.listen_port, s.listen_host.c_str(), true);
    if (!port)
      return Error{ErrorCode::kUnavailable, "mesh: can't listen on " + s.listen_host + ":" +
                                                std::to_string(s.listen_port) + ": " +
                                                describe(port.error())};
    port_ = *port;
    for (const auto& peer : s.peers)
      links_[peer.name] = system_.spawn<MeshLink, caf::detached>(shared_, peer);
    return success();
  }

  uint16_t port() const override { return port_; }
  bool linked(const std::string& peer) const override {
    const std::lock_guard lock(shared_->mutex);
    const auto found = shared_->linked.find(peer);
    return found != shared_->linked.end() && found->second;
  }
  void send(const std::string& to, const std::string& topic, std::string bytes, Duration within,
            std::function<void(bool)> done) override {
    const auto found = links_.find(to);
    if (found == links_.end()) return done(false);
    caf::anon_send(found->second, std::make_shared<Outgoing>(
                                      Outgoing{topic, std::move(bytes), within, std::move(done)}));
  }
  MeshCounters counters() const override {
    return {shared_->dials, shared_->links,       shared_->lost, shared_->refused,
            shared_->sent,  shared_->undelivered, shared_->taken};
  }

 private:
  caf::actor_system& system_;
  std::shared_ptr<Shared> shared_;
  ActorHandle door_;
  std::map<std::string, ActorHandle> links_;
  uint16_t port_ = 0;
};

}  // namespace

std::function<void(caf::actor_system_config&)> mesh_modules() {
  return [](caf::actor_system_config& config) { config.load<caf::io::middleman>(); };
}

Result<std::unique_ptr<Mesh>> start_mesh(caf::actor_system& system, MeshSettings settings,
                                         Mesh::Hooks hooks) {
  if (!loopback(settings.listen_host))
    return Error{ErrorCode::kInvalid, "mesh: " + settings.listen_host +
                                          " is not loopback: other hosts are reached through "
                                          "tunnels under TLS ([cluster.tls])"};
  CHECK(settings.answers != nullptr);
  auto shared = std::make_shared<Shared>();
  shared->settings = std::move(settings);
  shared->hooks = std::move(hooks);
  auto mesh = std::make_unique<CafMesh>(system, std::move(shared));
  if (auto started = mesh->start(); !started) return started.error();
  return std::unique_ptr<Mesh>(std::move(mesh));
}

}  // namespace holdfast
