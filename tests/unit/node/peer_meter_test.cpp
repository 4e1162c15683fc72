#include "nodes/node/telemetry/peer_meter.hpp"

#include <gtest/gtest.h>

namespace holdfast::node {
namespace {

using replication::PeerMessage;
using telemetry::Metric;
using telemetry::Readings;

constexpr MemberId kPeer{2};
constexpr Duration kBeat = Duration::milliseconds(10);

struct Peers : ::testing::Test {
  PeerMeter meter{kBeat};
  MonoTime now = MonoTime{} + Duration::seconds(5);
  Readings out{MemberId{1}};

  void beat(Duration later) {
    now = now + later;
    meter.heard(kPeer, PeerMessage{replication::peer::Append{}}, now);
  }
  std::optional<int64_t> value(Metric metric) {
    for (const auto& s : out.samples())
      if (s.metric == metric) return s.value;
    return std::nullopt;
  }
  void read() {
    out.begin(WallTime{1}, now);
    meter.add(kPeer, "colo-b", out);
  }
};

TEST_F(Peers, BeatsInTimeAreNoLoss) {
  for (int i = 0; i < 10; ++i) beat(kBeat);
  beat(Duration::milliseconds(14));  // late, but nothing was missed
  read();
  EXPECT_EQ(value(Metric::kPeerLoss), 0);
}

TEST_F(Peers, SilenceIsAsManyBeatsAsFitIntoIt) {
  beat(kBeat);
  beat(Duration::milliseconds(40));  // three stayed away
  read();
  EXPECT_EQ(value(Metric::kPeerLoss), 600'000);
  read();
  EXPECT_EQ(value(Metric::kPeerLoss), std::nullopt);  // nothing came: nothing is known
}

TEST_F(Peers, FramesBetweenBeatsCountForNothing) {
  for (int i = 0; i < 100; ++i) beat(Duration::milliseconds(1));
  beat(Duration::milliseconds(30));
  read();
  ASSERT_TRUE(value(Metric::kPeerLoss).has_value());
  EXPECT_GT(*value(Metric::kPeerLoss), 50'000);
  EXPECT_LT(*value(Metric::kPeerLoss), 150'000);
}

TEST_F(Peers, SilenceAcrossAnEndedLinkIsNoLoss) {
  beat(kBeat);
  meter.relinked(kPeer);
  beat(Duration::seconds(30));
  read();
  EXPECT_EQ(value(Metric::kPeerLoss), 0);
}

TEST_F(Peers, LongSilenceIsBounded) {
  beat(kBeat);
  beat(Duration::seconds(3'600));
  read();
  EXPECT_EQ(value(Metric::kPeerLoss),
            PeerMeter::kMissedMax * 1'000'000 / (PeerMeter::kMissedMax + 2));
}

TEST_F(Peers, RoundTripIsFromWhatTheAckBringsBack) {
  replication::peer::Ack ack;
  for (int i = 0; i < 99; ++i) {
    now = now + kBeat;
    ack.sent = {now.ns - 200'000};
    meter.heard(kPeer, PeerMessage{ack}, now);
  }
  now = now + kBeat;
  ack.sent = {now.ns - 5'000'000};
  meter.heard(kPeer, PeerMessage{ack}, now);
  ack.sent = {};
  meter.heard(kPeer, PeerMessage{ack}, now);
  read();
  ASSERT_TRUE(value(Metric::kPeerRtt).has_value());
  EXPECT_NEAR(static_cast<double>(*value(Metric::kPeerRtt)), 225.0, 26.0);
  EXPECT_LT(*value(Metric::kPeerJitter), 100);
}

}  // namespace
}  // namespace holdfast::node
