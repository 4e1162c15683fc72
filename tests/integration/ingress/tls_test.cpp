// Order entry under TLS: both ends show a certificate, and nothing without one gets in.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/ingress/client/client_capnp.hpp"
#include "tests/integration/ingress/certificates.hpp"
#include "tests/integration/ingress/node_fixture.hpp"

namespace holdfast::ingress::tests {
namespace {

using client::Client;
using client::ClientOptions;
using client::CloseCause;

class IngressTls : public testing::Test {
 protected:
  IngressTls() : ours("holdfast-ours"), theirs("holdfast-theirs") {
    auto settings = quick_settings();
    settings.tls = ours.issue("node");
    settings.listen = "0.0.0.0:0";  // allowed, since clients need certificates
    node = std::make_unique<Node>(settings);
  }
  ClientOptions options(std::optional<client::TlsFiles> tls) {
    ClientOptions o;
    o.address = node->address();
    o.client_id = "tester";
    o.credential = node->credential();
    o.tls = std::move(tls);
    return o;
  }
  /// The words with which connecting fails, or empty when a session opens.
  std::string failure(const ClientOptions& o, Duration limit) {
    auto made = Client::connect(loop, o);
    if (!made) return made.error().text;
    const auto open = made.value()->wait_open(limit);
    return open ? "" : open.error().text;
  }
  uint64_t rejected() {
    const auto stats = node->stats();
    return stats.connections.closed[static_cast<std::size_t>(CloseCause::kPeer)];
  }

  Authority ours, theirs;
  std::unique_ptr<Node> node;
  client::Loop loop;
};

TEST_F(IngressTls, ServesAClientWithOurCertificate) {
  auto made = Client::connect(loop, options(ours.issue("client")));
  ASSERT_TRUE(made.ok()) << made.error().text;
  const auto open = made.value()->wait_open(Duration::seconds(240));
  ASSERT_TRUE(open.ok()) << open.error().text;
  // Large enough for many TLS records in both directions.
  node->emit(Account("A"), 20'000);
  uint64_t next = 1;
  made.value()->subscribe(Account("A"), {1}, [&](std::span<const ExecutionReport> reports) {
    for (const auto& r : reports) EXPECT_EQ(r.sequence.value, next++);
  });
  std::size_t answered = 0;
  for (int i = 0; i < 2'000; ++i) {
    NewOrder order;
    order.account = Account("B");
    order.client_order_id = ClientOrderId("o" + std::to_string(i));
    made.value()->submit(order,
                         [&](const client::Answer& a) { answered += a.reply.accepted ? 1 : 0; });
  }
  const MonoTime until = loop.now() + Duration::seconds(240);
  while ((answered < 2'000 || next <= 20'000) && loop.now() < until)
    loop.poll(Duration::milliseconds(5));
  EXPECT_EQ(answered, 2'000u);
  EXPECT_EQ(next, 20'001u);
}

TEST_F(IngressTls, RefusesACertificateOfAnotherAuthority) {
  // It trusts ours, so it is the server that refuses.
  EXPECT_NE(failure(options(theirs.issue("client", &ours)), Duration::milliseconds(300)), "");
  EXPECT_GT(rejected(), 0u);
  EXPECT_EQ(node->stats().sessions.sessions_opened, 0u);
}

TEST_F(IngressTls, IsRefusedByAClientThatTrustsAnotherAuthority) {
  EXPECT_NE(failure(options(ours.issue("client", &theirs)), Duration::milliseconds(300)), "");
  EXPECT_EQ(node->stats().sessions.sessions_opened, 0u);
}

TEST_F(IngressTls, RefusesAClientWithoutTls) {
  EXPECT_NE(failure(options(std::nullopt), Duration::milliseconds(300)), "");
  EXPECT_EQ(node->stats().sessions.sessions_opened, 0u);
}

TEST_F(IngressTls, AServerOfAnotherNameIsNotBelieved) {
  auto o = options(ours.issue("client"));
  o.tls_server_name = "somewhere.else";
  EXPECT_NE(failure(o, Duration::milliseconds(300)), "");
  o.tls_server_name = "localhost";
  EXPECT_EQ(failure(o, Duration::seconds(240)), "");
}

TEST_F(IngressTls, FilesThatCanNotBeUsedAreNamed) {
  auto files = ours.issue("client");
  files.key = theirs.issue("other").key;
  EXPECT_NE(failure(options(files), Duration::seconds(1)).find(files.key), std::string::npos);
  files.certificate = "/nowhere.pem";
  EXPECT_NE(failure(options(files), Duration::seconds(1)).find("/nowhere.pem"), std::string::npos);
  auto settings = quick_settings();
  settings.tls = files;
  EXPECT_NE(Node::start_error(settings).find("/nowhere.pem"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::ingress::tests
