// The agents below a supervisor, with a telemetry actor of the test's: who is killed comes back and
// goes on with what was open, who falls silent is replaced, and a registry that begins anew learns
// of everybody again. Scheduler and clock are in the test's hands.
#include "actors/agents/fleet/fleet_actor.hpp"

#include <gtest/gtest.h>

#include <set>

#include "supervision/runtime/test_scheduler_actor.hpp"

struct Silence {};
HOLDFAST_LOCAL_MESSAGE(Silence)

namespace holdfast::agents {
namespace {

using telemetry::Domain;
using telemetry::Metric;

/// Publishes what the test says, to whoever subscribed and lives.
class FakeTelemetry final : public PoolActor {
 public:
  struct Wishes {
    std::vector<std::pair<ActorHandle, telemetry::Subscription>> subscribers;
  };
  FakeTelemetry(ActorConfig& config, Wishes* wishes) : PoolActor(config), wishes_(wishes) {}
  Behavior make_behavior() override {
    return {[this](const telemetry::SubscribeSamples& wish) {
      wishes_->subscribers.emplace_back(caf::actor_cast<ActorHandle>(current_sender()),
                                        wish.subscription);
      return telemetry::SubscribedSamples{wish.subscription.domain, Duration::milliseconds(100)};
    }};
  }

 private:
  Wishes* wishes_;
};

class Fleet : public ::testing::Test {
 protected:
  void SetUp() override { begin(default_settings()); }
  void begin(AgentSettings settings) {
    end();
    telemetry = system.get().spawn<FakeTelemetry>(&wishes);
    FleetSetup setup;
    setup.settings = std::make_shared<AgentSettings>(std::move(settings));
    setup.sink = [this](std::vector<Finding> findings) {
      for (Finding& finding : findings) told.push_back(std::move(finding));
    };
    setup.telemetry = [this] { return telemetry; };
    setup.mono = [this] { return scheduler.now(); };
    setup.wall = [this] { return wall(); };
    SupervisorSetup root_setup;
    root_setup.path = "node";
    root_setup.spec.backoff.jitter_permille = 0;
    root_setup.registry = registry;
    root_setup.children.push_back(agents_child("agents", std::move(setup)));
    root = spawn_supervisor(system.get(), std::move(root_setup));
    run(Duration::seconds(1));
  }
  void end() {
    if (root) send_kill(root);
    if (telemetry) send_kill(telemetry);
    root = telemetry = nullptr;
    wishes.subscribers.clear();
    scheduler.advance(Duration::seconds(30));
  }
  void TearDown() override {
    end();
    registry.reset();
    scheduler.advance(Duration::seconds(1'000));
  }

  WallTime wall() const { return WallTime{1'700'000'000'000'000'000 + scheduler.now().ns}; }
  ActorHandle find(const std::string& name) { return registry->find("node/agents/" + name); }
  void publish(const std::vector<telemetry::Sample>& samples) {
    for (const auto& [actor, wish] : wishes.subscribers) {
      auto batch = std::make_shared<telemetry::SampleBatch>();
      batch->domain = wish.domain;
      for (const auto& sample : samples)
        if (domain_of(sample.metric) == wish.domain) batch->samples.push_back(sample);
      if (!batch->samples.empty()) anon_send(actor, telemetry::SharedBatch(std::move(batch)));
    }
  }
  /// 10 Hz of the disk's free space and others.
  void run(Duration span) {
    for (int64_t left = span.ms(); left > 0; left -= 100) {
      publish({{Metric::kDiskFree, {1}, {}, {}, wall(), disk_free, 0},
               {Metric::kFsyncLatency, {1}, {}, {}, wall(), 900, 0},
               {Metric::kCpuSteal, {1}, {}, {}, wall(), steal, 0}});
      scheduler.advance(Duration::milliseconds(100));
    }
  }
  FleetView view() {
    FleetView found;
    system.get().spawn([&](EventBasedActor* self) {
      request_within(self, find("registry"), {"view", Duration::seconds(5)}, FleetQuery{})
          .then([&](const FleetViewAnswer& answer) { found = *answer; }, [](const ActorError&) {});
    });
    scheduler.settle();
    return found;
  }
  const RegisteredAgent* agent(const FleetView& view, Domain domain) {
    for (const auto& one : view.agents)
      if (one.id.domain == domain) return &one;
    return nullptr;
  }

  ActorSystem system{{.deterministic = true}};
  TestScheduler scheduler{system};
  std::shared_ptr<RefRegistry> registry = std::make_shared<RefRegistry>();
  FakeTelemetry::Wishes wishes;
  ActorHandle telemetry, root;
  std::vector<Finding> told;
  int64_t disk_free = 500'000, steal = 1'000;
};

TEST_F(Fleet, EveryDomainHasItsAgentAndOnlyItsReadings) {
  const FleetView now = view();
  ASSERT_EQ(now.agents.size(), 5u);
  std::set<Domain> wanted;
  for (const auto& [actor, wish] : wishes.subscribers) {
    wanted.insert(wish.domain);
    EXPECT_FALSE(wish.agent) << "one agent has all of its domain";
  }
  EXPECT_EQ(wanted.size(), 5u);
  run(Duration::seconds(2));
  const FleetView later = view();
  for (const auto& one : later.agents) {
    EXPECT_TRUE(one.alive);
    EXPECT_EQ(one.counts.foreign, 0u);
  }
  EXPECT_EQ(agent(later, Domain::kIo)->series, 2u);
  EXPECT_EQ(agent(later, Domain::kHttp)->series, 0u);
}

TEST_F(Fleet, SeveralOfADomainShareItByTheirNumbers) {
  AgentSettings settings = default_settings();
  settings.instances = 3;
  begin(settings);
  EXPECT_EQ(view().agents.size(), 15u);
  std::set<std::pair<Domain, uint32_t>> wanted;
  for (const auto& [actor, wish] : wishes.subscribers) {
    ASSERT_TRUE(wish.agent);
    wanted.insert({wish.domain, *wish.agent});
  }
  EXPECT_EQ(wanted.size(), 15u);
}

TEST_F(Fleet, AnAgentThatIsKilledComesBackAndGoesOnWithWhatWasOpen) {
  disk_free = 8'000;
  run(Duration::seconds(2));
  ASSERT_FALSE(told.empty());
  const Finding first = told.front();
  EXPECT_EQ(first.fault, FaultClass::kFullDisk);
  const ActorHandle before = find("io-1");
  send_kill(before);
  run(Duration::seconds(6));
  const ActorHandle after = find("io-1");
  ASSERT_TRUE(after);
  EXPECT_NE(before, after);
  EXPECT_EQ(agent(view(), Domain::kIo)->generation, 2u);
  EXPECT_EQ(view().replaced, 1u);
  for (const Finding& finding : told) {
    EXPECT_EQ(finding.number, first.number) << "one finding, whoever tells it";
    EXPECT_FALSE(finding.over);
  }
  disk_free = 500'000;
  run(Duration::seconds(6));
  EXPECT_TRUE(told.back().over);
  EXPECT_EQ(told.back().number, first.number);
  EXPECT_TRUE(agent(view(), Domain::kIo)->open.empty());
  // What is found from now on has a number of its own.
  disk_free = 8'000;
  run(Duration::seconds(2));
  EXPECT_GT(told.back().number, first.number);
}

TEST_F(Fleet, AnAgentThatFallsSilentIsKilledSoThatTheTreeMakesAnother) {
  bool gone = false;
  const ActorHandle mute = system.get().spawn([&](EventBasedActor* self) -> Behavior {
    request_within(self, find("registry"), {"registration", Duration::seconds(5)},
                   RegisterAgent{{Domain::kCpu, 7}, {}, 0})
        .then([](const Welcome&) {}, [](const ActorError&) {});
    return {[](Unit) {}};
  });
  mute->attach_functor([&] { gone = true; });
  run(Duration::milliseconds(1'500));
  EXPECT_EQ(view().agents.size(), 6u);
  EXPECT_FALSE(gone);
  run(Duration::seconds(2));
  EXPECT_TRUE(gone);
  for (const auto& one : view().agents) EXPECT_EQ(one.alive, one.id.instance != 7);
}

TEST_F(Fleet, WhoseNameAnotherClaimedRegistersAgain) {
  const ActorHandle before = find("cpu-1");
  anon_send(find("registry"), RegisterAgent{{Domain::kCpu, 1}, {}, 0});
  run(Duration::milliseconds(300));
  EXPECT_EQ(agent(view(), Domain::kCpu)->generation, 2u);
  run(Duration::seconds(2));
  EXPECT_EQ(agent(view(), Domain::kCpu)->generation, 3u);
  EXPECT_EQ(find("cpu-1"), before);
}

TEST_F(Fleet, ARegistryThatBeginsAnewLearnsOfEverybodyAgain) {
  steal = 600'000;
  run(Duration::seconds(2));
  ASSERT_FALSE(told.empty());
  const uint64_t number = told.front().number;
  send_kill(find("registry"));
  run(Duration::seconds(3));
  const FleetView now = view();
  ASSERT_EQ(now.agents.size(), 5u);
  ASSERT_EQ(agent(now, Domain::kCpu)->open.size(), 1u);
  steal = 1'000;
  run(Duration::seconds(5));
  EXPECT_TRUE(told.back().over);
  EXPECT_EQ(told.back().number, number);
}

TEST_F(Fleet, ATelemetryActorThatBeginsAnewIsSubscribedAgain) {
  send_kill(telemetry);
  wishes.subscribers.clear();
  telemetry = system.get().spawn<FakeTelemetry>(&wishes);
  run(Duration::seconds(1));
  EXPECT_EQ(wishes.subscribers.size(), 5u);
}

TEST_F(Fleet, FindingsOfTheSuperfluousAreRefused) {
  Finding finding;
  finding.agent = {Domain::kIo, 1};
  finding.number = 99;
  finding.fault = FaultClass::kSlowDisk;
  anon_send(find("registry"), FindingsReport{{Domain::kIo, 1}, 17, {finding}});
  anon_send(find("registry"), FindingsReport{{Domain::kIo, 9}, 1, {finding, finding}});
  run(Duration::seconds(1));
  EXPECT_TRUE(told.empty());
  EXPECT_EQ(view().refused, 3u);
}

}  // namespace
}  // namespace holdfast::agents
