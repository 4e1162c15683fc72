#include "actors/telemetry/publish/bus.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace holdfast::telemetry {
namespace {

Sample sample(Metric metric, int64_t value, const char* instance = "", uint32_t member = 1,
              uint32_t group = 0) {
  Sample s;
  s.metric = metric;
  s.member = MemberId{member};
  s.group = GroupId{group};
  s.instance = Instance(instance);
  s.at = WallTime{value};
  s.value = value;
  return s;
}

Subscription wants(Domain domain, std::optional<uint32_t> agent = std::nullopt) {
  Subscription subscription;
  subscription.domain = domain;
  subscription.agent = agent;
  return subscription;
}

std::vector<int64_t> values(Bus& bus, SubscriberId id) {
  std::vector<int64_t> out;
  SampleBatch batch;
  while (bus.take(id, batch))
    for (const auto& s : batch.samples) out.push_back(s.value);
  return out;
}

TEST(Bus, SubscriberGetsItsOwnDomainOnly) {
  Bus bus;
  const auto cpu = bus.subscribe(wants(Domain::kCpu)).value();
  const auto io = bus.subscribe(wants(Domain::kIo)).value();
  const Sample samples[] = {sample(Metric::kCpuSteal, 1), sample(Metric::kDiskQueue, 2),
                            sample(Metric::kPeerRtt, 3), sample(Metric::kCpuSteal, 4)};
  bus.publish(samples);
  EXPECT_EQ(values(bus, cpu), (std::vector<int64_t>{1, 4}));
  EXPECT_EQ(values(bus, io), (std::vector<int64_t>{2}));
  EXPECT_EQ(bus.stats().published, 4u);
  EXPECT_EQ(bus.stats().delivered, 3u);
  EXPECT_EQ(bus.stats().unheard, 1u);
}

TEST(Bus, SubscriptionNarrowsByMetricMemberAndGroup) {
  Bus bus;
  auto metric = wants(Domain::kExecution);
  metric.metric = Metric::kOrderRate;
  auto member = wants(Domain::kExecution);
  member.member = MemberId{2};
  auto group = wants(Domain::kExecution);
  group.group = GroupId{7};
  const auto a = bus.subscribe(metric).value(), b = bus.subscribe(member).value(),
             c = bus.subscribe(group).value();
  const Sample samples[] = {sample(Metric::kOrderRate, 1), sample(Metric::kFillRatio, 2, "", 2),
                            sample(Metric::kFillRatio, 3, "", 1, 7)};
  bus.publish(samples);
  EXPECT_EQ(values(bus, a), (std::vector<int64_t>{1}));
  EXPECT_EQ(values(bus, b), (std::vector<int64_t>{2}));
  EXPECT_EQ(values(bus, c), (std::vector<int64_t>{3}));
}

TEST(Bus, AgentsShareADomainAndEachSeriesStaysWithOne) {
  Bus bus;
  std::vector<SubscriberId> agents;
  for (uint32_t i = 0; i < 3; ++i) agents.push_back(bus.subscribe(wants(Domain::kHttp, i)).value());
  std::vector<Sample> samples;
  for (int round = 0; round < 2; ++round)
    for (int core = 0; core < 60; ++core)
      samples.push_back(
          sample(Metric::kHttpLatency, core, ("endpoint-" + std::to_string(core)).c_str()));
  bus.publish(samples);
  std::multiset<int64_t> seen;
  for (const auto agent : agents) {
    const auto mine = values(bus, agent);
    EXPECT_GT(mine.size(), 0u);
    // Both rounds of a series came here, in the same order.
    ASSERT_EQ(mine.size() % 2, 0u);
    EXPECT_TRUE(std::equal(mine.begin(), mine.begin() + static_cast<long>(mine.size() / 2),
                           mine.begin() + static_cast<long>(mine.size() / 2)));
    seen.insert(mine.begin(), mine.end());
  }
  EXPECT_EQ(seen.size(), 120u);
  EXPECT_EQ(seen.count(17), 2u);
}

TEST(Bus, WhatOneAgentJudgesTogetherStaysTogether) {
  Bus bus;
  std::vector<SubscriberId> agents;
  for (uint32_t i = 0; i < 3; ++i) agents.push_back(bus.subscribe(wants(Domain::kIo, i)).value());
  for (uint32_t member = 1; member <= 20; ++member) {
    const Sample samples[] = {sample(Metric::kDiskLatency, 1, "vda", member),
                              sample(Metric::kDiskLatency, 2, "vdb", member),
                              sample(Metric::kFsyncLatency, 3, "", member)};
    bus.publish(samples);
    std::vector<std::size_t> counts;
    for (const auto agent : agents) counts.push_back(values(bus, agent).size());
    EXPECT_EQ(*std::max_element(counts.begin(), counts.end()), 3u);
  }
}

TEST(Bus, PartOfAnAgentThatLeftGoesToTheOthers) {
  Bus bus;
  const auto a = bus.subscribe(wants(Domain::kCpu, 1)).value();
  const auto b = bus.subscribe(wants(Domain::kCpu, 2)).value();
  bus.unsubscribe(a);
  std::vector<Sample> samples;
  for (int i = 0; i < 20; ++i)
    samples.push_back(sample(Metric::kCpuCoreUtilization, i, std::to_string(i).c_str()));
  bus.publish(samples);
  EXPECT_EQ(values(bus, b).size(), 20u);
  SampleBatch batch;
  EXPECT_FALSE(bus.take(a, batch));
  EXPECT_TRUE(bus.subscribe(wants(Domain::kCpu, 1)).ok());
}

TEST(Bus, FullQueueDropsTheOldestAndCountsThem) {
  Bus bus;
  auto slow = wants(Domain::kIo);
  slow.capacity = 5;
  const auto id = bus.subscribe(slow).value();
  for (int i = 0; i < 12; ++i) {
    const Sample one[] = {sample(Metric::kDiskQueue, i)};
    bus.publish(one);
  }
  SampleBatch batch;
  ASSERT_TRUE(bus.take(id, batch, 3));
  EXPECT_EQ(batch.lost, 7u);
  EXPECT_EQ(batch.number, 1u);
  ASSERT_EQ(batch.samples.size(), 3u);
  EXPECT_EQ(batch.samples[0].value, 7);
  ASSERT_TRUE(bus.take(id, batch, 3));
  EXPECT_EQ(batch.lost, 0u);  // told once
  EXPECT_EQ(batch.samples.size(), 2u);
  EXPECT_EQ(batch.samples[1].value, 11);
  EXPECT_FALSE(bus.take(id, batch));
  EXPECT_EQ(bus.stats().lost, 7u);
}

TEST(Bus, QueueGrowsInOrderWhileItIsHalfRead) {
  Bus bus;
  const auto id = bus.subscribe(wants(Domain::kIo)).value();
  SampleBatch batch;
  int64_t next = 0, read = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 100; ++i) {
      const Sample one[] = {sample(Metric::kDiskQueue, next++)};
      bus.publish(one);
    }
    ASSERT_TRUE(bus.take(id, batch, 60));
    for (const auto& s : batch.samples) ASSERT_EQ(s.value, read++);
  }
  EXPECT_EQ(bus.waiting(id), static_cast<std::size_t>(next - read));
  EXPECT_EQ(bus.stats().lost, 0u);
}

TEST(Bus, RefusesWhatCannotBeSubscribed) {
  Bus bus;
  ASSERT_TRUE(bus.subscribe(wants(Domain::kCpu, 4)).ok());
  EXPECT_EQ(bus.subscribe(wants(Domain::kCpu, 4)).error().code, ErrorCode::kConflict);
  EXPECT_TRUE(bus.subscribe(wants(Domain::kIo, 4)).ok());
  auto foreign = wants(Domain::kCpu);
  foreign.metric = Metric::kDiskQueue;
  EXPECT_EQ(bus.subscribe(foreign).error().code, ErrorCode::kInvalid);
  EXPECT_EQ(bus.subscribe(wants(static_cast<Domain>(9))).error().code, ErrorCode::kInvalid);
  auto nothing = wants(Domain::kCpu);
  nothing.capacity = 0;
  EXPECT_EQ(bus.subscribe(nothing).error().code, ErrorCode::kInvalid);
  while (bus.subscribers() < limits::kSubscribersMax)
    ASSERT_TRUE(bus.subscribe(wants(Domain::kCpu)).ok());
  EXPECT_EQ(bus.subscribe(wants(Domain::kCpu)).error().code, ErrorCode::kFull);
}

TEST(Ring, AgentThatComesTakesOnlyItsOwnShare) {
  Ring ring;
  for (uint32_t i = 0; i < 4; ++i) ring.add(i);
  std::vector<uint32_t> before;
  std::array<int, 5> share{};
  const auto key = [](int i) { return ring_key(MemberId{1}, Instance(std::to_string(i))); };
  for (int i = 0; i < 4'000; ++i) before.push_back(*ring.owner(key(i)));
  ring.add(4);
  for (int i = 0; i < 4'000; ++i) {
    const uint32_t now = *ring.owner(key(i));
    EXPECT_TRUE(now == before[static_cast<std::size_t>(i)] || now == 4u);
    ++share[now];
  }
  for (const int mine : share) {
    EXPECT_GT(mine, 400);
    EXPECT_LT(mine, 1'400);
  }
  EXPECT_FALSE(ring.add(4));
  EXPECT_TRUE(ring.remove(4));
  EXPECT_FALSE(ring.remove(4));
  for (int i = 0; i < 4'000; ++i)
    EXPECT_EQ(*ring.owner(key(i)), before[static_cast<std::size_t>(i)]);
}

TEST(Ring, OwnerIsTheSameOnEveryHost) {
  Ring ring;
  EXPECT_EQ(ring.owner(ring_key(MemberId{1}, Instance())), std::nullopt);
  ring.add(1);
  ring.add(2);
  // Recorded: another hash would move every series when nodes of two versions run together.
  EXPECT_EQ(ring_key(MemberId{1}, Instance("cpu0")), 4240158987243869022u);
}

}  // namespace
}  // namespace holdfast::telemetry
