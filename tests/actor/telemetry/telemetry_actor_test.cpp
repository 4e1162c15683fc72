#include "actors/telemetry/telemetry_actor.hpp"

#include <gtest/gtest.h>

#include <chrono>

#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"

namespace holdfast::telemetry {
namespace {

constexpr MemberId kSelf{1};

/// Subscribes, and keeps what comes; may be told to hang.
class Listener final : public LoopActor {
 public:
  Listener(ActorConfig& config, ActorHandle feed, Subscription wanted)
      : LoopActor(config), feed_(std::move(feed)), wanted_(wanted) {}
  Behavior make_behavior() override {
    request_within(this, feed_, {"subscription", Duration::seconds(10)}, SubscribeSamples{wanted_})
        .then([this](const SubscribedSamples& done) { interval = done.interval; },
              [this](const ActorError& error) { refused = describe(error); });
    return {[this](const SharedBatch& batch) -> caf::result<Unit> {
      ++batches;
      lost += batch->lost;
      for (const Sample& s : batch->samples) samples.push_back(s);
      if (!hang) return Unit{};
      held.push_back(make_response_promise());  // never answered: the handler has not returned
      return held.back();
    }};
  }
  bool heard(Metric metric) const {
    return std::any_of(samples.begin(), samples.end(),
                       [metric](const Sample& s) { return s.metric == metric; });
  }

  std::vector<Sample> samples;
  std::vector<ResponsePromise> held;
  uint64_t batches = 0, lost = 0;
  Duration interval;
  std::string refused;
  bool hang = false;

 private:
  ActorHandle feed_;
  Subscription wanted_;
};

struct Telemetry : ::testing::Test {
  ActorSystem system{ActorSystemSettings{}};
  HotLoop loop, hot;
  TelemetrySetup setup;
  ActorHandle actor;

  Telemetry() {
    setup.self = kSelf;
    setup.interval = Duration::milliseconds(1);
    setup.retention = Duration::milliseconds(50);
    setup.wall = [] { return WallTime{1'000'000'000'000'000'000}; };
    setup.known_member = [](MemberId member) { return member == kSelf; };
    setup.sources.push_back([](Readings& out) { out.add(Metric::kCpuUtilization, 500'000); });
  }
  ~Telemetry() override {
    actor = nullptr;
    loop.close();
    hot.close();
  }
  void start() { actor = spawn_on<TelemetryActor>(system.get(), loop, setup); }
  /// The listener lives as long as the handle.
  std::pair<ActorHandle, Listener*> listen(Domain domain, std::optional<uint32_t> agent = {},
                                           std::size_t capacity = 1'000) {
    Subscription wanted;
    wanted.domain = domain;
    wanted.agent = agent;
    wanted.capacity = capacity;
    ActorHandle handle = spawn_on<Listener>(system.get(), loop, actor, wanted);
    return {handle, static_cast<Listener*>(caf::actor_cast<caf::abstract_actor*>(handle))};
  }
  /// Turns both loops until it is so; the limit is for a test that would hang.
  bool until(const std::function<bool()>& condition, bool turn_hot = true) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      loop.turn();
      if (turn_hot) hot.turn();
    }
    return true;
  }
  template <typename Answer, typename Question>
  Answer ask(Question question) {
    std::optional<Answer> answer;
    auto asker = spawn_function_on(system.get(), loop, [&](LoopActor* self) -> Behavior {
      request_within(self, actor, {"question", Duration::seconds(10)}, question)
          .then([&](const Answer& a) { answer = a; }, [](const ActorError&) {});
      return {[](Unit) {}};
    });
    EXPECT_TRUE(until([&] { return answer.has_value(); }));
    return answer.value_or(Answer{});
  }
};

TEST_F(Telemetry, SubscriberHearsItsDomainOnly) {
  setup.sources.push_back([](Readings& out) { out.add(Metric::kDiskQueue, 3); });
  start();
  auto [cpu, heard] = listen(Domain::kCpu);
  ASSERT_TRUE(until([&, h = heard] { return h->samples.size() >= 5; }));
  EXPECT_EQ(heard->interval, setup.interval);
  for (const Sample& s : heard->samples) {
    EXPECT_EQ(domain_of(s.metric), Domain::kCpu);
    EXPECT_EQ(s.member, kSelf);
  }
}

TEST_F(Telemetry, HotSourcesRunOnTheHotLoopAndItsLatenessIsTold) {
  uint64_t calls = 0;
  setup.hot_loop = &hot;
  setup.hot_sources.push_back([&](Readings& out) {
    ++calls;
    EXPECT_TRUE(hot.run_queue()->inside());
    out.add(Metric::kOrderRate, 7);
  });
  start();
  auto [execution, orders] = listen(Domain::kExecution);
  auto [cpu, loops] = listen(Domain::kCpu);
  ASSERT_TRUE(until([&, o = orders, l = loops] {
    return o->heard(Metric::kOrderRate) && l->heard(Metric::kHotLoopLate);
  }));
  EXPECT_GT(calls, 0u);
}

TEST_F(Telemetry, HotLoopThatStandsStillIsToldAllTheSame) {
  setup.hot_loop = &hot;
  setup.hot_sources.push_back([](Readings& out) { out.add(Metric::kOrderRate, 7); });
  start();
  auto [cpu, heard] = listen(Domain::kCpu);
  ASSERT_TRUE(until([&, h = heard] { return h->heard(Metric::kHotLoopLate); }, false));
  const auto before = ask<SharedView>(TelemetryQuery{})->counts;
  EXPECT_GT(before.loop_skipped, 0u);
  // It goes on, and so do its sources.
  auto [execution, orders] = listen(Domain::kExecution);
  ASSERT_TRUE(until([&, o = orders] { return o->heard(Metric::kOrderRate); }));
}

TEST_F(Telemetry, HotSourceThatThrowsIsAskedAgain) {
  int calls = 0;
  setup.hot_loop = &hot;
  setup.hot_sources.push_back([&](Readings& out) {
    if (++calls == 1) throw std::runtime_error("source");
    out.add(Metric::kOrderRate, 7);
  });
  start();
  auto [execution, orders] = listen(Domain::kExecution);
  ASSERT_TRUE(until([&, o = orders] { return o->heard(Metric::kOrderRate); }));
}

TEST_F(Telemetry, SubscriberThatHangsLosesItsOwnOldestAndNobodyElseAny) {
  start();
  auto [slow, stuck] = listen(Domain::kCpu, std::nullopt, 8);
  stuck->hang = true;
  auto [quick, heard] = listen(Domain::kCpu);
  ASSERT_TRUE(until([&, h = heard] { return h->samples.size() >= 60; }));
  EXPECT_EQ(stuck->batches, kBatchesInFlight);
  EXPECT_EQ(heard->lost, 0u);
  EXPECT_GT(ask<SharedView>(TelemetryQuery{})->counts.lost, 0u);
  // It takes them, and hears what it has missed.
  stuck->hang = false;
  for (auto& promise : stuck->held) promise.deliver(Unit{});
  ASSERT_TRUE(until([&, s = stuck] { return s->lost > 0; }));
}

TEST_F(Telemetry, SubscriberThatEndedIsForgotten) {
  start();
  auto [first, heard] = listen(Domain::kCpu, 7u);
  ASSERT_TRUE(until([&, h = heard] { return h->batches > 0; }));
  auto [second, refused] = listen(Domain::kCpu, 7u);
  ASSERT_TRUE(until([&, r = refused] { return !r->refused.empty(); }));
  EXPECT_NE(refused->refused.find("subscribed already"), std::string::npos);
  send_kill(first);
  ASSERT_TRUE(until([&] { return ask<SharedView>(TelemetryQuery{})->counts.subscribers == 0; }));
  auto [third, again] = listen(Domain::kCpu, 7u);
  ASSERT_TRUE(until([&, a = again] { return a->batches > 0; }));
}

TEST_F(Telemetry, ViewHasTheLastPointsOfWhatWasAskedFor) {
  setup.sources.push_back([](Readings& out) { out.add(Metric::kDiskQueue, 3, "vda"); });
  start();
  TelemetryQuery query;
  query.domain = Domain::kIo;
  query.points = 2;
  SharedView view;
  ASSERT_TRUE(until([&] {
    view = ask<SharedView>(query);
    return !view->series.empty() && view->series[0].points.size() == 2;
  }));
  ASSERT_EQ(view->series.size(), 1u);
  EXPECT_EQ(view->series[0].last.metric, Metric::kDiskQueue);
  EXPECT_EQ(view->series[0].last.instance.view(), "vda");
  EXPECT_EQ(view->series[0].points[1].value, 3);
  EXPECT_FALSE(view->series[0].outside);
  EXPECT_EQ(view->member, kSelf);
}

TEST_F(Telemetry, SamplesFromOutsideAreJudgedCountedAndPublished) {
  start();
  auto [network, heard] = listen(Domain::kNetwork);
  OutsideSamples outside;
  outside.source = "feed handler";
  outside.refused[static_cast<std::size_t>(Refusal::kMalformed)] = 3;
  Sample good;
  good.metric = Metric::kFeedGaps;
  good.member = kSelf;
  good.at = setup.wall();
  good.value = 5;
  Sample stale = good;
  stale.metric = Metric::kFeedAge;
  stale.at = good.at + Duration::seconds(-3'600);
  outside.samples = {good, stale, good};
  const auto taken = ask<OutsideTaken>(outside);
  EXPECT_EQ(taken.admitted, 1u);
  EXPECT_EQ(taken.refused[static_cast<std::size_t>(Refusal::kStale)], 1u);
  EXPECT_EQ(taken.refused[static_cast<std::size_t>(Refusal::kDuplicate)], 1u);
  EXPECT_EQ(taken.refused[static_cast<std::size_t>(Refusal::kMalformed)], 3u);
  ASSERT_TRUE(until([&, h = heard] { return h->heard(Metric::kFeedGaps); }));
  EXPECT_FALSE(heard->heard(Metric::kFeedAge));
  const auto counts = ask<SharedView>(TelemetryQuery{})->counts;
  EXPECT_EQ(counts.refused, taken.refused);
  EXPECT_EQ(counts.admitted, 1u);
}

TEST_F(Telemetry, WhatThisProcessMeasuresCannotBeSentFromOutside) {
  start();
  ASSERT_TRUE(until([&] { return !ask<SharedView>(TelemetryQuery{})->series.empty(); }));
  OutsideSamples outside;
  outside.source = "forger";
  Sample forged;
  forged.metric = Metric::kCpuUtilization;
  forged.member = kSelf;
  forged.at = setup.wall() + Duration::seconds(1);
  forged.value = 1'000'000;
  outside.samples = {forged};
  const auto taken = ask<OutsideTaken>(outside);
  EXPECT_EQ(taken.admitted, 0u);
  EXPECT_EQ(taken.refused[static_cast<std::size_t>(Refusal::kForeign)], 1u);
}

TEST_F(Telemetry, ImpossibleReadingOfOurOwnIsCountedAndNotPublished) {
  setup.sources.push_back([](Readings& out) { out.add(Metric::kFillRatio, 2'000'000); });
  start();
  auto [execution, heard] = listen(Domain::kExecution);
  Sample own;
  own.metric = Metric::kRejectRatio;
  own.value = 10;
  ASSERT_TRUE(until([&, h = heard] { return h->interval.ns > 0; }));
  anon_send(actor, PublishSamples{{own}});
  ASSERT_TRUE(until([&, h = heard] { return h->heard(Metric::kRejectRatio); }));
  EXPECT_FALSE(heard->heard(Metric::kFillRatio));
  EXPECT_EQ(heard->samples[0].member, kSelf);
  EXPECT_EQ(heard->samples[0].at, setup.wall());
  EXPECT_GT(ask<SharedView>(TelemetryQuery{})->counts.impossible, 0u);
}

}  // namespace
}  // namespace holdfast::telemetry
