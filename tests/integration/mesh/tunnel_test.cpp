// Tunnels of the mesh over real sockets: what goes through, who is let in, and that the mesh itself
// works through them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <future>
#include <thread>

#include "supervision/replication/stream/address_linux.hpp"
#include "supervision/replication/stream/mesh_tunnel_linux.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/mesh_actor.hpp"
#include "supervision/runtime/probe_linux.hpp"
#include "tests/integration/ingress/certificates.hpp"

namespace holdfast::replication {
namespace {

using ingress::tests::Authority;
using testing::HasSubstr;

LinkTls files(Authority& authority, const std::string& name, const Authority* trusted = nullptr) {
  const auto made = authority.issue(name, trusted);
  return {made.certificate, made.key, made.ca};
}

uint16_t free_port() {
  uint16_t port = 0;
  const auto fd = listen_at("127.0.0.1", port);
  EXPECT_TRUE(fd.ok());
  close(fd.value());
  return port;
}

/// A socket of the mesh's own side: what it is sent waits in `came`.
struct Socket {
  HotLoop& loop;
  int fd = -1;
  std::string came, unsent;
  std::size_t at = 0;  // of `unsent`
  bool ended = false;
  Socket(HotLoop& on, int socket) : loop(on), fd(socket) {
    loop.add_fd(fd, EPOLLIN, [this](uint32_t) { read(); });
  }
  ~Socket() {
    if (fd < 0) return;
    loop.remove_fd(fd);
    close(fd);
  }
  void read() {
    char buffer[65536];
    const auto n = recv(fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) came.append(buffer, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EAGAIN)) {
      ended = true;
      loop.remove_fd(fd);
      close(fd);
      fd = -1;
    }
  }
  void send(const std::string& text) {
    unsent += text;
    push();
  }
  void push() {
    while (left() > 0) {
      const auto n = ::send(fd, unsent.data() + at, left(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
  }
  std::size_t left() const { return unsent.size() - at; }
};

struct End {
  HotLoop& loop;
  std::vector<std::string> said;
  std::unique_ptr<MeshTunnel> tunnel;
  int door = -1;  // where the mesh of this end listens
  uint16_t door_port = 0;
  std::vector<std::unique_ptr<Socket>> taken;

  explicit End(HotLoop& on) : loop(on) {
    door = listen_at("127.0.0.1", door_port).value();
    loop.add_fd(door, EPOLLIN, [this](uint32_t) {
      const int fd = accept4(door, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) taken.push_back(std::make_unique<Socket>(loop, fd));
    });
  }
  ~End() {
    tunnel.reset();
    taken.clear();
    loop.remove_fd(door);
    close(door);
  }
  Result<> start(const std::string& cluster, const std::string& self, uint16_t port,
                 std::vector<TunnelPeer> peers, LinkTls tls,
                 Duration hello_within = Duration::seconds(120)) {
    TunnelSettings settings;
    settings.cluster = cluster;
    settings.self = self;
    settings.listen_host = "127.0.0.1";
    settings.listen_port = port;
    settings.peers = std::move(peers);
    settings.tls = std::move(tls);
    settings.hello_within = hello_within;
    tunnel = std::make_unique<MeshTunnel>(
        loop, std::move(settings), [this](const std::string& line) { said.push_back(line); });
    tunnel->door(door_port);
    return tunnel->start();
  }
  /// As the mesh dials a peer.
  std::unique_ptr<Socket> dial(const std::string& peer) { return dial_port(tunnel->way_to(peer)); }
  std::unique_ptr<Socket> dial_port(uint16_t port) {
    int fd = -1, error = 0;
    EXPECT_EQ(connect_to(socket_address("127.0.0.1", port).value(), fd, error),
              Connecting::kConnected);
    return std::make_unique<Socket>(loop, fd);
  }
  bool heard(const std::string& words) const {
    for (const auto& line : said)
      if (line.find(words) != std::string::npos) return true;
    return false;
  }
};

class Tunnel : public testing::Test {
 protected:
  void start(LinkTls tls_a, LinkTls tls_b, const std::string& cluster_b = "demo") {
    ASSERT_TRUE(a.start("demo", "a", port_a, {{"b", "127.0.0.1", port_b}}, std::move(tls_a)).ok());
    ASSERT_TRUE(
        b.start(cluster_b, "b", port_b, {{"a", "127.0.0.1", port_a}}, std::move(tls_b)).ok());
  }
  /// The time is for a test that would hang.
  template <typename F>
  bool turn_until(F&& is_so) {
    const MonoTime until = loop.now() + Duration::seconds(120);
    while (!is_so() && loop.now() < until) {
      pollfd due{loop.fd(), POLLIN, 0};
      poll(&due, 1, 5);
      loop.turn();
    }
    return is_so();
  }

  Authority ours{"tunnel-ours"}, foreign{"tunnel-foreign"};
  HotLoop loop;
  uint16_t port_a = free_port(), port_b = free_port();
  End a{loop}, b{loop};
};

TEST_F(Tunnel, BringsBytesBothWaysAndEndsWithEitherSide) {
  start(files(ours, "a"), files(ours, "b"));
  auto own = a.dial("b");
  // Who is dialled speaks first, as the mesh's library does.
  ASSERT_TRUE(turn_until([&] { return b.taken.size() == 1; }));
  b.taken[0]->send("welcome");
  ASSERT_TRUE(turn_until([&] { return own->came == "welcome"; }));
  own->send("thanks");
  ASSERT_TRUE(turn_until([&] { return b.taken[0]->came == "thanks"; }));
  EXPECT_EQ(a.tunnel->counters().opened, 1u);
  EXPECT_EQ(b.tunnel->counters().bytes_in, 6u);
  b.taken.clear();
  ASSERT_TRUE(turn_until([&] { return own->ended; }));
  own = a.dial("b");
  ASSERT_TRUE(turn_until([&] { return b.taken.size() == 1; }));
  own.reset();
  ASSERT_TRUE(turn_until([&] { return b.taken[0]->ended; }));
  EXPECT_TRUE(a.said.empty() && b.said.empty());
}

TEST_F(Tunnel, NothingLiesInItThoughItComesInPartsOfAnySize) {
  // What a library of records keeps back, its socket never tells of.
  start(files(ours, "a"), files(ours, "b"));
  auto own = a.dial("b");
  ASSERT_TRUE(turn_until([&] { return b.taken.size() == 1; }));
  std::string to_b, to_a;
  for (const std::size_t size : {1u, 5u, 16'383u, 16'384u, 16'385u, 65'536u, 65'537u, 300'000u}) {
    const std::string part(size, static_cast<char>('a' + size % 26));
    to_b += part;
    to_a += part + "!";
    own->send(part);
    b.taken[0]->send(part + "!");
    const auto turns = loop.stats().turns;
    ASSERT_TRUE(turn_until([&] {
      own->push();
      b.taken[0]->push();
      return b.taken[0]->came == to_b && own->came == to_a;
    })) << size;
    EXPECT_LT(loop.stats().turns - turns, 100'000u) << size;
  }
}

TEST_F(Tunnel, WhatIsNotTakenIsNotHeapedUp) {
  start(files(ours, "a"), files(ours, "b"));
  auto own = a.dial("b");
  ASSERT_TRUE(turn_until([&] { return b.taken.size() == 1; }));
  loop.remove_fd(b.taken[0]->fd);  // it reads nothing
  own->send(std::string(64u << 20, 'x'));
  std::size_t left = 0;
  int still = 0;
  ASSERT_TRUE(turn_until([&] {
    own->push();
    // Nothing moves any more in a hundred turns.
    const auto before = std::exchange(left, own->left());
    still = before == left ? still + 1 : 0;
    return still >= 100;
  }));
  EXPECT_GT(left, 40u << 20);
  EXPECT_LT(a.tunnel->counters().bytes_out - b.tunnel->counters().bytes_in, 16u << 20);
}

TEST_F(Tunnel, RefusesACertificateOfAnotherAuthority) {
  start(files(ours, "a"), files(foreign, "b", &ours));
  auto own = a.dial("b");
  ASSERT_TRUE(turn_until([&] { return own->ended; }));
  EXPECT_EQ(a.tunnel->counters().tls, 1u);
  EXPECT_TRUE(a.heard("b: refused: TLS"));
  auto other = b.dial("a");
  ASSERT_TRUE(turn_until([&] { return other->ended && a.tunnel->counters().tls == 2; }));
  EXPECT_TRUE(a.taken.empty() && b.taken.empty());
}

TEST_F(Tunnel, RefusesTheCertificateOfAnotherMember) {
  start(files(ours, "a"), files(ours, "c"));
  auto own = a.dial("b");  // at b's address somebody shows c's
  ASSERT_TRUE(turn_until([&] { return own->ended; }));
  EXPECT_EQ(a.tunnel->counters().certificate, 1u);
  EXPECT_TRUE(a.heard("does not name 'b'"));
  auto other = b.dial("a");  // somebody who says b shows c's
  ASSERT_TRUE(turn_until([&] { return other->ended; }));
  EXPECT_EQ(a.tunnel->counters().certificate, 2u);
  EXPECT_TRUE(a.heard("it says that it is b, and its certificate does not name it"));
  EXPECT_TRUE(b.heard("it answers: no it says that it is b"));
  EXPECT_TRUE(a.taken.empty());
}

TEST_F(Tunnel, RefusesAnotherClusterAndWhoIsNoMember) {
  start(files(ours, "a"), files(ours, "b"), "another");
  auto own = b.dial("a");
  ASSERT_TRUE(turn_until([&] { return own->ended; }));
  EXPECT_EQ(a.tunnel->counters().hello, 1u);
  EXPECT_TRUE(a.heard("'another/b' is no other member of demo"));
  End c(loop);
  ASSERT_TRUE(c.start("demo", "c", 0, {{"a", "127.0.0.1", port_a}}, files(ours, "c")).ok());
  own = c.dial("a");
  ASSERT_TRUE(turn_until([&] { return own->ended; }));
  EXPECT_EQ(a.tunnel->counters().hello, 2u);
  EXPECT_TRUE(a.taken.empty());
}

TEST_F(Tunnel, RefusesWhoSpeaksPlainlyOrGarbageAndGoesOn) {
  start(files(ours, "a"), files(ours, "b"));
  for (const std::string& bytes :
       {std::string("holdfast-mesh 1 demo/b\n"), std::string(5'000, '\0'),
        std::string("\x16\x03\x01\xff\xff garbage", 14)}) {
    const auto before = a.tunnel->counters().tls;
    auto plain = b.dial_port(port_a);
    plain->send(bytes);
    ASSERT_TRUE(turn_until([&] { return a.tunnel->counters().tls > before; })) << bytes.size();
    ASSERT_TRUE(turn_until([&] { return plain->ended; }));
  }
  EXPECT_TRUE(a.heard("refused: TLS"));
  // Who only looks whether somebody listens is no offence.
  b.dial_port(port_a).reset();
  auto own = b.dial("a");
  ASSERT_TRUE(turn_until([&] { return a.taken.size() == 1; }));
  EXPECT_EQ(a.tunnel->counters().tls, 3u);
}

TEST_F(Tunnel, RefusesAHelloThatIsNoneFromWhoHasACertificate) {
  ASSERT_TRUE(a.start("demo", "a", port_a, {{"b", "127.0.0.1", 1}}, files(ours, "a")).ok());
  const auto contexts = TlsContexts::load(files(ours, "b"));
  ASSERT_TRUE(contexts.ok());
  uint64_t refused = 0;
  for (const std::string& hello :
       {std::string("GET / HTTP/1.1\r\n"), std::string(4'000, 'x'),
        std::string("holdfast-mesh 2 demo/b\n"), std::string("holdfast-mesh 1 demo\n")}) {
    int fd = -1, error = 0;
    ASSERT_EQ(connect_to(socket_address("127.0.0.1", port_a).value(), fd, error),
              Connecting::kConnected);
    auto channel = contexts.value()->dialled(fd, "127.0.0.1");
    bool sent = false, ended = false;
    ++refused;
    ASSERT_TRUE(turn_until([&] {
      const iovec part{const_cast<char*>(hello.data()), hello.size()};
      if (!sent) sent = channel->write({&part, 1}).kind == Moved::Kind::kBytes;
      std::byte buffer[512];
      const auto got = channel->read(buffer).kind;
      ended = ended || (got != Moved::Kind::kWait && got != Moved::Kind::kBytes);
      return ended && a.tunnel->counters().hello == refused;
    })) << hello;
  }
  EXPECT_TRUE(a.taken.empty());
}

TEST_F(Tunnel, WhoSaysNothingIsSentAwayAndTooManyAreNotTaken) {
  ASSERT_TRUE(a.start("demo", "a", port_a, {{"b", "127.0.0.1", 1}}, files(ours, "a"),
                      Duration::milliseconds(200))
                  .ok());
  std::vector<std::unique_ptr<Socket>> silent;
  for (std::size_t i = 0; i < kTunnelStrangersMax + 3; ++i) silent.push_back(b.dial_port(port_a));
  ASSERT_TRUE(turn_until([&] { return a.tunnel->counters().full == 3; }));
  ASSERT_TRUE(turn_until([&] { return a.tunnel->counters().silent == kTunnelStrangersMax; }));
  ASSERT_TRUE(turn_until([&] {
    return std::all_of(silent.begin(), silent.end(), [](const auto& one) { return one->ended; });
  }));
}

TEST_F(Tunnel, SaysThatNobodyIsThereOnceAndMeetsThePeerWhenItIs) {
  ASSERT_TRUE(a.start("demo", "a", port_a, {{"b", "127.0.0.1", port_b}}, files(ours, "a")).ok());
  for (int i = 0; i < 3; ++i) {
    auto own = a.dial("b");
    ASSERT_TRUE(turn_until([&] { return own->ended; }));
  }
  EXPECT_EQ(a.tunnel->counters().unreachable, 3u);
  EXPECT_EQ(a.said.size(), 1u);
  for (int life = 0; life < 2; ++life) {
    ASSERT_TRUE(b.start("demo", "b", port_b, {{"a", "127.0.0.1", port_a}}, files(ours, "b")).ok());
    auto own = a.dial("b");
    ASSERT_TRUE(turn_until([&] { return b.taken.size() == 1; }));
    b.tunnel.reset();  // the peer's process ends
    ASSERT_TRUE(turn_until([&] { return own->ended && b.taken[0]->ended; }));
    b.taken.clear();
  }
}

TEST_F(Tunnel, StartsOnlyWithFilesThatCanBeUsed) {
  LinkTls tls = files(ours, "a");
  tls.key = "/nowhere/key.pem";
  const auto started = a.start("demo", "a", 0, {}, tls);
  ASSERT_FALSE(started.ok());
  EXPECT_THAT(started.error().text, HasSubstr("/nowhere/key.pem"));
}

/// A node's end with its mesh behind its tunnel, as a node has it.
struct MeshEnd {
  HotLoop loop;
  std::unique_ptr<MeshTunnel> tunnel;
  std::unique_ptr<ActorSystem> system;
  std::unique_ptr<Mesh> mesh;
  std::thread thread;
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> came;

  void start(const std::string& self, uint16_t port, const TunnelPeer& peer, LinkTls tls) {
    TunnelSettings settings;
    settings.cluster = "demo";
    settings.self = self;
    settings.listen_host = "127.0.0.1";
    settings.listen_port = port;
    settings.peers = {peer};
    settings.tls = std::move(tls);
    settings.hello_within = Duration::seconds(60);
    tunnel = std::make_unique<MeshTunnel>(loop, std::move(settings), nullptr);
    ASSERT_TRUE(tunnel->start().ok());
    thread = std::thread([this] { loop.run(); });
    ActorSystemSettings actors;
    actors.workers = 1;
    actors.register_types = mesh_modules();
    system = std::make_unique<ActorSystem>(actors);
    MeshSettings mesh_settings;
    mesh_settings.cluster = "demo";
    mesh_settings.self = self;
    mesh_settings.listen_host = "127.0.0.1";
    mesh_settings.peers = {{peer.name, "127.0.0.1", tunnel->way_to(peer.name)}};
    mesh_settings.answers = [peer](const std::string&, uint16_t, Duration within) {
      return port_answers(peer.host, peer.port, within);
    };
    mesh_settings.probe_within = Duration::seconds(5);
    mesh_settings.redial_every = Duration::milliseconds(10);
    mesh_settings.ping_every = Duration::milliseconds(50);
    // The machine may be busy; and of two connections that meet the library drops one, with what is
    // on it: who is not answered dials again.
    mesh_settings.ping_within = Duration::seconds(5);
    Mesh::Hooks hooks;
    hooks.message = [this](const std::string& from, const std::string&, const std::string& bytes) {
      const std::lock_guard lock(mutex);
      came.push_back(from + " " + bytes);
      changed.notify_all();
    };
    hooks.changed = [this](const std::string&, bool) {
      const std::lock_guard lock(mutex);
      changed.notify_all();
    };
    auto started = start_mesh(*system, std::move(mesh_settings), std::move(hooks));
    ASSERT_TRUE(started.ok()) << started.error().text;
    mesh = std::move(started).value();
    tunnel->door(mesh->port());
  }
  ~MeshEnd() {
    mesh.reset();
    system.reset();
    loop.stop();
    if (thread.joinable()) thread.join();
    tunnel.reset();
  }
  template <typename F>
  bool wait(F&& is_so) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(120), [&] { return is_so(); });
  }
  bool send(const std::string& to, const std::string& bytes) {
    auto promise = std::make_shared<std::promise<bool>>();
    auto answer = promise->get_future();
    mesh->send(to, "topic", bytes, Duration::seconds(60),
               [promise](bool good) { promise->set_value(good); });
    return answer.get();
  }
};

TEST(MeshThroughTunnels, BringsWordsBothWaysAndMeetsAPeerThatWasStartedAgain) {
  Authority ours{"mesh-tunnel"};
  const uint16_t port_a = free_port(), port_b = free_port();
  MeshEnd a;
  a.start("a", port_a, {"b", "127.0.0.1", port_b}, files(ours, "a"));
  for (int life = 0; life < 2; ++life) {
    auto second = std::make_unique<MeshEnd>();
    MeshEnd& b = *second;
    b.start("b", port_b, {"a", "127.0.0.1", port_a}, files(ours, "b"));
    ASSERT_TRUE(a.wait([&] { return a.mesh->linked("b"); }));
    ASSERT_TRUE(b.wait([&] { return b.mesh->linked("a"); }));
    // Each is answered before the next is sent: one that lay would be told as lost.
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(a.send("b", std::string(static_cast<std::size_t>(i) * 977, 'x')));
      ASSERT_TRUE(b.send("a", std::string(static_cast<std::size_t>(i) * 1'409, 'y')));
    }
    EXPECT_TRUE(b.wait([&] { return b.came.size() == 50; }));
    EXPECT_TRUE(a.wait([&] { return a.came.size() == 50u * (life + 1u); }));
    EXPECT_EQ(a.mesh->counters().undelivered + b.mesh->counters().undelivered, 0u);
    second.reset();
    ASSERT_TRUE(a.wait([&] { return !a.mesh->linked("b"); }));
  }
}

}  // namespace
}  // namespace holdfast::replication
