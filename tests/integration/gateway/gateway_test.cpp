// The gateway actor against the real exchange over TCP: flow, death in mid-flow, fencing, garbage.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <set>

#include "tests/integration/gateway/gateway_node.hpp"
#include "tests/integration/venue_simulator/running_venue.hpp"

namespace holdfast::venues::testing {
namespace {

using exchange::RunningVenue;
using Kind = VenueReportKind;

/// ClOrdIDs that the venue's own record has accepted, with how often.
std::map<std::string, int> accepted(const RunningVenue& venue) {
  std::map<std::string, int> times;
  for (const std::string& line : venue.record()) {
    if (line.find("\"type\":\"accepted\"") == std::string::npos) continue;
    const auto at = line.find("\"clordid\":\"") + 11;
    times[line.substr(at, line.find('"', at) - at)] += 1;
  }
  return times;
}

TEST(Gateway, OrdersGoOutAndReportsComeBack) {
  RunningVenue venue;
  GatewayNode node(venue.port());
  ASSERT_TRUE(node.wait_open());
  node.submit({order(1), order(2, Side::kSell, 100)});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kFill) == 2; }));
  auto cancel = order(3);
  node.submit({cancel});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kAccepted) == 3; }));
  cancel.kind = VenueRequestKind::kCancel;
  cancel.original = cancel.wire;
  cancel.wire = "X3";
  node.submit({cancel});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kCancelled) == 1; }));
  const auto view = node.view();
  EXPECT_EQ(view.state, VenueSessionState::kOpen);
  EXPECT_EQ(view.requests_taken, 4u);
  EXPECT_EQ(view.requests_sent, 4u);
  EXPECT_EQ(view.in_flight, 0u);
  EXPECT_EQ(view.open_orders, 0u);
  EXPECT_EQ(view.garbage, 0u);
  venue.stop();
  EXPECT_EQ(venue.recorded("accepted"), 3u);
}

TEST(Gateway, KilledInMidFlowAgainAndAgainLosesNothingAndDoublesNothing) {
  RunningVenue venue;
  GatewayNode node(venue.port());
  ASSERT_TRUE(node.wait_open());
  constexpr int kRounds = 8, kBatch = 50;
  uint64_t number = 0;
  for (int round = 0; round < kRounds; ++round) {
    std::vector<VenueRequest> batch;
    for (int i = 0; i < kBatch; ++i) batch.push_back(order(++number));
    node.submit(batch);
    // Somewhere in the middle: a few more reports have come back.
    const std::size_t some = number - kBatch + static_cast<uint64_t>(round) % 5;
    ASSERT_TRUE(node.book->wait([&](ShardBook& b) { return b.reports.size() >= some; }));
    node.kill();
    node.start();
  }
  ASSERT_TRUE(node.book->wait([&](ShardBook& b) {
    std::set<WireOrderId> settled;
    for (const auto& report : b.reports)
      if (report.kind != Kind::kUnknown) settled.insert(report.wire);
    return settled.size() == number;
  }));
  const auto view = node.view();
  EXPECT_EQ(view.requests_taken, number);
  EXPECT_EQ(view.requests_sent + view.requests_refused, number);
  EXPECT_EQ(view.unknown_orders, 0u);
  EXPECT_FALSE(view.halted);
  venue.stop();
  const auto times = accepted(venue);
  for (const auto& [wire, count] : times) EXPECT_EQ(count, 1) << wire << " was accepted twice";
  std::map<std::string, std::set<Kind>> told;
  for (const auto& report : node.book->reports) told[report.wire.str()].insert(report.kind);
  for (uint64_t n = 1; n <= number; ++n) {
    const std::string wire = "W" + std::to_string(n);
    EXPECT_EQ(times.contains(wire), told[wire].contains(Kind::kAccepted)) << wire;
    EXPECT_NE(times.contains(wire),
              told[wire].contains(Kind::kNotSent) || told[wire].contains(Kind::kRejected))
        << wire;
  }
}

TEST(Gateway, StopsWithALogoutThatTheVenueAnswers) {
  RunningVenue venue;
  GatewayNode node(venue.port());
  ASSERT_TRUE(node.wait_open());
  const auto stopped = node.ask<VenueStopped>(VenueStop{Duration::seconds(10)});
  EXPECT_EQ(stopped.group, kGateway);
  EXPECT_TRUE(stopped.logged_out);
  EXPECT_NE(node.view().state, VenueSessionState::kOpen);
}

TEST(Gateway, AKillSwitchIsCommittedAndAnswered) {
  RunningVenue venue;
  GatewayNode node(venue.port());
  ASSERT_TRUE(node.wait_open());
  KillSwitch kill;
  kill.operator_name = "ann";
  const auto applied = node.ask<VenueKillApplied>(kill);
  EXPECT_EQ(applied.group, kGateway);
  EXPECT_GT(applied.index.value, 0u);
  node.submit({order(1)});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kRejected) == 1; }));
  EXPECT_EQ(node.view().state, VenueSessionState::kKilled);
  // It holds over the gateway's death.
  node.kill();
  node.start();
  node.submit({order(2)});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kRejected) == 2; }));
  venue.stop();
  EXPECT_EQ(venue.recorded("accepted"), 0u);
}

TEST(Gateway, OperatorsReconnectTheSessionUnderItsNumbers) {
  RunningVenue venue;
  GatewayNode node(venue.port());
  ASSERT_TRUE(node.wait_open());
  const auto before = node.view();
  const auto answer =
      node.ask<VenueCommandAnswer>(VenueCommand{VenueCommandKind::kReconnect, 0, "ann", "test"});
  EXPECT_TRUE(answer.accepted) << answer.text;
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.opens == 2; }));
  const auto after = node.view();
  EXPECT_GT(after.next_outbound, before.next_outbound);
  EXPECT_EQ(after.session_created, before.session_created);
  const auto refused =
      node.ask<VenueCommandAnswer>(VenueCommand{VenueCommandKind::kSetOutbound, 5, "ann", ""});
  EXPECT_FALSE(refused.accepted);
  EXPECT_NE(refused.text.find("log"), std::string::npos);
}

TEST(Gateway, AFenceCutsTheConnectionFromAnotherThreadUntilItIsLifted) {
  RunningVenue venue;
  GatewayNode node(venue.port());
  ASSERT_TRUE(node.wait_open());
  node.fence->cut();
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.state != VenueSessionState::kOpen; }));
  EXPECT_TRUE(node.fence->fenced());
  node.kill();
  node.start();  // a new leadership lifts it
  ASSERT_TRUE(node.wait_open());
}

/// A port that accepts and says whatever it is told to.
class Chatterer {
 public:
  explicit Chatterer(std::string says) : says_(std::move(says)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (;;) {
        const int fd = ::accept(listener_, nullptr, nullptr);
        if (fd < 0) return;
        char buffer[4096];
        (void)!::recv(fd, buffer, sizeof buffer, 0);
        (void)!::send(fd, says_.data(), says_.size(), MSG_NOSIGNAL);
        (void)!::recv(fd, buffer, sizeof buffer, 0);
        ::close(fd);
      }
    });
  }
  ~Chatterer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  uint16_t port = 0;

 private:
  std::string says_;
  int listener_ = -1;
  std::thread thread_;
};

TEST(Gateway, GarbageFromTheVenueIsCountedAndBringsNothingDown) {
  std::string garbage =
      "HTTP/1.1 400 Bad Request\r\n\r\n8=FIX.4.4\x01"
      "9=99999999\x01";
  garbage += std::string(5000, '\0') +
             "8=FIX.4.4\x01"
             "9=5\x01"
             "35=0\x01"
             "10=000\x01";
  Chatterer chatterer(garbage);
  SessionRules rules;
  rules.logon_timeout = Duration::milliseconds(50);
  GatewayNode node(chatterer.port, rules);
  for (int i = 0; i < 1'000'000; ++i) {
    const auto view = node.view();
    if (view.garbage > 0 && view.connects > 1) break;
  }
  const auto view = node.view();
  EXPECT_GT(view.garbage, 0u);
  EXPECT_GT(view.connects, 1u) << "it tries again";
  EXPECT_EQ(view.next_inbound, 1u);
}

TEST(Gateway, WithoutAVenueItTriesAgainWithoutUsingNumbers) {
  uint16_t port = 0;
  {
    RunningVenue venue;
    port = venue.port();
  }
  GatewayNode node(port);
  for (int i = 0; i < 1'000'000 && node.view().connect_failures < 5; ++i) {
  }
  const auto view = node.view();
  EXPECT_GE(view.connect_failures, 5u);
  EXPECT_EQ(view.next_outbound, 1u);
  node.submit({order(1)});
  ASSERT_TRUE(node.book->wait([](ShardBook& b) { return b.count(Kind::kRejected) == 1; }));
  EXPECT_EQ(node.book->reports.back().reason, Reason::kVenueDown);
}

}  // namespace
}  // namespace holdfast::venues::testing
