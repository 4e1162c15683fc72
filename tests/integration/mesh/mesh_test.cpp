// The mesh of real actor systems over loopback: who is let in, what arrives, and what becomes of
// what was under way when a peer goes.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "supervision/runtime/mesh_actor.hpp"
#include "supervision/runtime/probe_linux.hpp"

namespace holdfast {
namespace {

uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  bind(fd, reinterpret_cast<sockaddr*>(&at), size);
  getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
  close(fd);
  return ntohs(at.sin_port);
}

/// One node's end: its system, its mesh, and what came.
struct End {
  std::unique_ptr<ActorSystem> system;
  std::unique_ptr<Mesh> mesh;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> came;

  void start(const std::string& cluster, const std::string& name, uint16_t port,
             std::vector<MeshPeer> peers) {
    ActorSystemSettings settings;
    settings.workers = 1;
    settings.register_types = mesh_modules();
    system = std::make_unique<ActorSystem>(settings);
    MeshSettings mesh_settings;
    mesh_settings.cluster = cluster;
    mesh_settings.self = name;
    mesh_settings.listen_host = "127.0.0.1";
    mesh_settings.listen_port = port;
    mesh_settings.peers = std::move(peers);
    mesh_settings.answers = port_answers;
    mesh_settings.redial_every = Duration::milliseconds(10);
    mesh_settings.ping_every = Duration::milliseconds(50);
    Mesh::Hooks hooks;
    hooks.message = [this](const std::string& from, const std::string& topic,
                           const std::string& bytes) {
      const std::lock_guard lock(mutex);
      came.push_back(from + " " + topic + " " + bytes);
      changed.notify_all();
    };
    hooks.changed = [this](const std::string&, bool) {
      const std::lock_guard lock(mutex);
      changed.notify_all();
    };
    auto started = start_mesh(*system, std::move(mesh_settings), std::move(hooks));
    ASSERT_TRUE(started.ok()) << started.error().text;
    mesh = std::move(started).value();
  }
  void stop() {
    mesh.reset();
    system.reset();
  }
  ~End() { stop(); }
  template <typename F>
  bool wait(F&& is_so) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(30), [&] { return is_so(); });
  }
  bool wait_linked(const std::string& peer, bool linked = true) {
    return wait([&] { return mesh->linked(peer) == linked; });
  }
  bool send(const std::string& to, const std::string& bytes,
            Duration within = Duration::seconds(10)) {
    auto promise = std::make_shared<std::promise<bool>>();
    auto answer = promise->get_future();
    mesh->send(to, "topic", bytes, within, [promise](bool good) { promise->set_value(good); });
    return answer.get();
  }
};

struct Two {
  uint16_t port_a = free_port(), port_b = free_port();
  End a, b;
  void start() {
    a.start("demo", "a", port_a, {{"b", "127.0.0.1", port_b}});
    b.start("demo", "b", port_b, {{"a", "127.0.0.1", port_a}});
  }
};

TEST(Mesh, BringsWordsBothWaysWhoeverStartsFirst) {
  Two two;
  two.start();
  ASSERT_TRUE(two.a.wait_linked("b"));
  ASSERT_TRUE(two.b.wait_linked("a"));
  EXPECT_TRUE(two.a.send("b", "from a"));
  EXPECT_TRUE(two.b.send("a", "from b"));
  EXPECT_TRUE(two.b.wait([&] { return two.b.came == std::vector<std::string>{"a topic from a"}; }));
  EXPECT_TRUE(two.a.wait([&] { return two.a.came == std::vector<std::string>{"b topic from b"}; }));
  EXPECT_EQ(two.a.mesh->counters().sent, 1u);
  EXPECT_EQ(two.a.mesh->counters().taken, 1u);
}

TEST(Mesh, SaysThatNobodyTookItAndMeetsThePeerAgain) {
  Two two;
  two.a.start("demo", "a", two.port_a, {{"b", "127.0.0.1", two.port_b}});
  EXPECT_FALSE(two.a.send("b", "nobody is there"));
  EXPECT_FALSE(two.a.send("c", "is no member"));
  two.b.start("demo", "b", two.port_b, {{"a", "127.0.0.1", two.port_a}});
  ASSERT_TRUE(two.a.wait_linked("b"));
  two.b.stop();
  ASSERT_TRUE(two.a.wait_linked("b", false));
  EXPECT_FALSE(two.a.send("b", "it is gone"));
  two.b.start("demo", "b", two.port_b, {{"a", "127.0.0.1", two.port_a}});
  ASSERT_TRUE(two.a.wait_linked("b"));
  EXPECT_TRUE(two.a.send("b", "again"));
  EXPECT_EQ(two.a.mesh->counters().links, 2u);
  EXPECT_EQ(two.a.mesh->counters().lost, 1u);
}

TEST(Mesh, RefusesAnotherClusterAndWhoIsNotMeant) {
  const uint16_t port_a = free_port(), port_b = free_port();
  End a, b;
  a.start("demo", "a", port_a, {{"b", "127.0.0.1", port_b}});
  b.start("another", "b", port_b, {{"a", "127.0.0.1", port_a}});
  const auto refused = [](const End& end) { return end.mesh->counters().refused; };
  // Nothing is told when it happens: it is looked at now and then.
  for (int i = 0; i < 3'000 && (refused(a) == 0 || refused(b) == 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_GT(refused(a), 0u);
  EXPECT_GT(refused(b), 0u);
  EXPECT_FALSE(a.mesh->linked("b"));
  EXPECT_FALSE(b.mesh->linked("a"));
}

TEST(Mesh, StaysOnLoopback) {
  ActorSystemSettings settings;
  settings.register_types = mesh_modules();
  ActorSystem system(settings);
  MeshSettings mesh;
  mesh.cluster = "demo";
  mesh.self = "a";
  mesh.listen_host = "0.0.0.0";
  mesh.answers = port_answers;
  const auto refused = start_mesh(system, mesh, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalid);
}

}  // namespace
}  // namespace holdfast
