// Two and three nodes' ends that find each other, talk, lose each other and meet again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/replication_stream/stream_fixture.hpp"

namespace holdfast::replication::tests {
namespace {

using testing::ElementsAre;

constexpr MemberId kOne{1}, kTwo{2}, kThree{3};

/// Members 1 and 2, linked.
class Pair : public testing::Test {
 protected:
  void SetUp() override {
    const uint16_t port = free_port();
    one = start_end(loop, settings_of(1, 0, {{kTwo, "127.0.0.1", port}}));
    two = start_end(loop, settings_of(2, port, {{kOne, "127.0.0.1", one->port}}));
    ASSERT_TRUE(turn_until(loop, [&] { return linked(); }));
  }
  bool linked() const { return one->links->linked(kTwo) && two->links->linked(kOne); }

  HotLoop loop;
  std::unique_ptr<End> one, two;
};

TEST_F(Pair, KnowEachOtherByTheirHellos) {
  const Hello* hello = one->links->peer(kTwo);
  ASSERT_NE(hello, nullptr);
  EXPECT_EQ(hello->cluster, "test");
  EXPECT_EQ(hello->member, kTwo);
  EXPECT_EQ(hello->pid, 1002);
  EXPECT_EQ(hello->order_entry, "127.0.0.1:9");
  ASSERT_NE(incarnation_of(*hello, GroupId{1}), nullptr);
  EXPECT_EQ(*incarnation_of(*hello, GroupId{1}), incarnation(2, 1));
  EXPECT_EQ(incarnation_of(*hello, GroupId{2}), nullptr);
  EXPECT_THAT(one->heard.ups, ElementsAre(kTwo));
  EXPECT_THAT(two->heard.ups, ElementsAre(kOne));
  EXPECT_TRUE(one->links->stats(kTwo).linked);
  EXPECT_FALSE(one->links->stats(kTwo).gone);
}

TEST_F(Pair, KeepTheOrderOfAHundredThousandAppends) {
  constexpr uint64_t kCount = 100'000;
  const auto entry = std::make_shared<const Bytes>(500);
  uint64_t sent = 0;
  const std::function<void()> push = [&] {
    for (int i = 0; i < 500 && sent < kCount; ++i) {
      auto append = append_of(1, 64);
      append.last = {++sent};
      append.entries[0] = {{sent}, {1}, entry};
      two->links->send(kOne, GroupId{1}, append);
    }
  };
  uint64_t received = 0;
  ASSERT_TRUE(turn_until(loop, [&] {
    for (; !one->heard.messages.empty(); one->heard.messages.pop_front()) {
      const auto& append = std::get<peer::Append>(one->heard.messages.front().message);
      EXPECT_EQ(append.last.value, ++received);
      EXPECT_EQ(append.entries.at(0).bytes->size(), 500u);
    }
    if (sent - received < 20'000) loop.enter(push);
    return received == kCount || testing::Test::HasFailure();
  }));
  EXPECT_EQ(received, kCount);
  const auto stats = two->links->stats(kOne);
  EXPECT_GE(stats.frames_out, kCount);
  EXPECT_LT(stats.writes, kCount / 10) << "the frames of a turn leave in one write";
  EXPECT_EQ(stats.queued_bytes, 0u);
}

TEST_F(Pair, CarryDeliveriesBetweenGroups) {
  auto requests = std::make_shared<Delivery<VenueRequest>>();
  requests->from = {1};
  requests->to = {1001};
  requests->epoch = {3};
  requests->first = {7};
  requests->acknowledged = {5};
  requests->items.resize(2);
  requests->items[1].wire = "W2";
  loop.enter([&] {
    one->links->send(kTwo, DeliveryMessage{VenueRequestDelivery{requests}});
    one->links->send(kTwo, DeliveryMessage{GroupLeadsTo{{1001}, {{1}, {3}, {4}}}});
  });
  ASSERT_TRUE(turn_until(loop, [&] { return two->heard.deliveries.size() == 2; }));
  const auto& got = std::get<VenueRequestDelivery>(two->heard.deliveries[0].second);
  EXPECT_EQ(got->to, GroupId{1001});
  EXPECT_EQ(got->items, requests->items);
  EXPECT_EQ(addressee(two->heard.deliveries[1].second), GroupId{1001});
}

TEST_F(Pair, SplitDeliveriesThatAreTooLongForAFrame) {
  auto requests = std::make_shared<Delivery<VenueRequest>>();
  requests->from = {1};
  requests->to = {1001};
  requests->first = {10};
  requests->items.resize(limits::kOutboxInFlightMax + 1);
  requests->items.back().wire = "last";
  loop.enter([&] { one->links->send(kTwo, DeliveryMessage{VenueRequestDelivery{requests}}); });
  ASSERT_TRUE(turn_until(loop, [&] { return two->heard.deliveries.size() == 2; }));
  const auto& rest = std::get<VenueRequestDelivery>(two->heard.deliveries[1].second);
  EXPECT_EQ(rest->first.value, 10 + limits::kOutboxInFlightMax);
  ASSERT_EQ(rest->items.size(), 1u);
  EXPECT_EQ(rest->items[0].wire.view(), "last");
}

TEST_F(Pair, MeetAgainAfterACut) {
  loop.enter([&] {
    one->links->cut(kTwo);
    EXPECT_FALSE(one->links->linked(kTwo));
    EXPECT_TRUE(one->heard.downs.empty()) << "no hook runs inside a call";
  });
  ASSERT_TRUE(turn_until(loop, [&] { return linked() && two->heard.ups.size() == 2; }));
  EXPECT_THAT(one->heard.downs, ElementsAre(std::pair(kTwo, false)));
  EXPECT_THAT(two->heard.downs, ElementsAre(std::pair(kOne, false)));
  EXPECT_TRUE(two->heard.said("the link to member 1 has ended"));
}

TEST_F(Pair, SayOnceThatThePeerIsGone) {
  two.reset();
  ASSERT_TRUE(turn_until(loop, [&] { return one->heard.down(kTwo, true) == 1; }));
  const auto probes = one->links->stats(kTwo).probes;
  ASSERT_TRUE(turn_until(loop, [&] { return one->links->stats(kTwo).probes > probes + 3; }));
  EXPECT_EQ(one->heard.down(kTwo, true), 1u);
  EXPECT_TRUE(one->links->stats(kTwo).gone);
}

TEST_F(Pair, DropAndCountWhatIsSentToNobody) {
  two.reset();
  ASSERT_TRUE(turn_until(loop, [&] { return !one->links->linked(kTwo); }));
  loop.enter([&] { one->links->send(kTwo, GroupId{1}, append_of(1, 64)); });
  loop.enter([&] { one->links->send(kThree, GroupId{1}, append_of(1, 64)); });
  EXPECT_EQ(one->links->stats(kTwo).dropped, 1u);
}

TEST_F(Pair, HoldThePeerBackWhilePaused) {
  one->links->pause(kTwo, true);
  loop.enter([&] { two->links->send(kOne, GroupId{1}, append_of(1, 500)); });
  // A round trip the other way shows that the turn with the message has passed.
  loop.enter([&] { one->links->send(kTwo, GroupId{1}, append_of(2, 500)); });
  ASSERT_TRUE(turn_until(loop, [&] { return two->heard.messages.size() == 1; }));
  EXPECT_TRUE(one->heard.messages.empty());
  loop.enter([&] { one->links->pause(kTwo, false); });
  ASSERT_TRUE(turn_until(loop, [&] { return one->heard.messages.size() == 1; }));
}

TEST_F(Pair, NoticeWhilePausedThatThePeerIsGone) {
  one->links->pause(kTwo, true);
  two.reset();
  ASSERT_TRUE(turn_until(loop, [&] { return one->heard.down(kTwo, true) == 1; }));
}

TEST(Links, CutWhoDoesNotTakeWhatItIsSent) {
  HotLoop loop;
  const uint16_t port = free_port();
  auto settings = settings_of(1, 0, {{kTwo, "127.0.0.1", port}});
  settings.unsent_bytes_max = 4u << 20;
  auto one = start_end(loop, settings);
  auto two = start_end(loop, settings_of(2, port, {{kOne, "127.0.0.1", one->port}}));
  ASSERT_TRUE(
      turn_until(loop, [&] { return one->links->linked(kTwo) && two->links->linked(kOne); }));
  two->links->pause(kOne, true);
  ASSERT_TRUE(turn_until(loop, [&] {
    loop.enter([&] { one->links->send(kTwo, GroupId{1}, append_of(1, 1u << 20)); });
    return one->links->stats(kTwo).overruns > 0;
  }));
  ASSERT_TRUE(
      turn_until(loop, [&] { return one->links->linked(kTwo) && two->links->linked(kOne); }));
  EXPECT_EQ(one->heard.ups.size(), 2u);
  EXPECT_EQ(one->links->stats(kTwo).queued_bytes, 0u);
}

TEST(Links, SayThatAPeerThatWasNeverThereIsGone) {
  HotLoop loop;
  auto low = start_end(loop, settings_of(1, 0, {{kTwo, "127.0.0.1", free_port()}}));
  auto high = start_end(loop, settings_of(3, 0, {{kTwo, "127.0.0.1", free_port()}}));
  ASSERT_TRUE(turn_until(
      loop, [&] { return low->heard.downs.size() == 1 && high->heard.downs.size() == 1; }));
  EXPECT_THAT(low->heard.downs, ElementsAre(std::pair(kTwo, true)));
  EXPECT_THAT(high->heard.downs, ElementsAre(std::pair(kTwo, true)));
}

TEST(Links, OfThreeNodesAreAMesh) {
  HotLoop loop;
  const uint16_t ports[] = {free_port(), free_port(), free_port()};
  std::vector<std::unique_ptr<End>> ends;
  const auto all_linked = [&] {
    for (uint32_t i = 0; i < ends.size(); ++i)
      for (uint32_t j = 0; j < ends.size(); ++j)
        if (i != j && !ends[i]->links->linked({j + 1})) return false;
    return true;
  };
  for (uint32_t i = 0; i < 3; ++i) {
    std::vector<PeerAddress> peers;
    for (uint32_t j = 0; j < 3; ++j)
      if (i != j) peers.push_back({{j + 1}, "127.0.0.1", ports[j]});
    ends.push_back(start_end(loop, settings_of(i + 1, ports[i], peers)));
  }
  ASSERT_TRUE(turn_until(loop, all_linked));
  loop.enter([&] { ends[1]->links->cut(kOne); });
  ASSERT_TRUE(turn_until(loop, [&] { return ends[0]->heard.ups.size() == 3 && all_linked(); }));
  EXPECT_TRUE(ends[2]->heard.ups.size() == 2) << "the third has noticed nothing";
}

TEST(Links, TakeTheNewProcessOfALinkedMember) {
  HotLoop loop;
  auto one = start_end(loop, settings_of(1, 0, {{kTwo, "127.0.0.1", free_port()}}));
  auto old_life = start_end(loop, settings_of(2, 0, {{kOne, "127.0.0.1", one->port}}));
  ASSERT_TRUE(turn_until(loop, [&] { return one->links->linked(kTwo); }));
  auto settings = settings_of(2, 0, {{kOne, "127.0.0.1", one->port}});
  settings.hello = [] {
    Hello hello;
    hello.pid = 77;
    hello.process_start = 2;
    return hello;
  };
  auto new_life = start_end(loop, settings);
  ASSERT_TRUE(turn_until(loop, [&] {
    return one->links->peer(kTwo) != nullptr && one->links->peer(kTwo)->pid == 77;
  }));
  EXPECT_GE(one->heard.downs.size(), 1u);
}

TEST(Links, NeedTlsOutsideLoopback) {
  HotLoop loop;
  auto listens = settings_of(1, 0, {});
  listens.listen_host = "0.0.0.0";
  auto dials = settings_of(1, 0, {{kTwo, "192.0.2.1", 7000}});
  auto named = settings_of(1, 0, {{kTwo, "localhost", 7000}});
  auto itself = settings_of(1, 0, {{kOne, "127.0.0.1", 7000}});
  auto twice = settings_of(1, 0, {{kTwo, "127.0.0.1", 7000}, {kTwo, "127.0.0.1", 7001}});
  const std::pair<LinkSettings, const char*> wrong[] = {{listens, "needs TLS"},
                                                        {dials, "needs TLS"},
                                                        {named, "no IPv4 or IPv6 address"},
                                                        {itself, "is no peer"},
                                                        {twice, "is no peer"}};
  for (const auto& [settings, words] : wrong) {
    Links links(loop, settings, {});
    const auto started = links.start();
    ASSERT_FALSE(started.ok());
    EXPECT_EQ(started.error().code, ErrorCode::kInvalid);
    EXPECT_THAT(started.error().text, testing::HasSubstr(words));
  }
}

}  // namespace
}  // namespace holdfast::replication::tests
