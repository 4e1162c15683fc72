// Two nodes' orchestrators on one loop: one leads, the other follows its log; failures of either
// are decided by the one that leads and carried out where they happened.
#include "supervision/orchestrator/orchestrator_actor.hpp"

#include <gtest/gtest.h>

#include "supervision/orchestrator/orchestrator_capnp.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"

namespace holdfast::orchestrator {
namespace {

using replication::Bytes;
using replication::ByteView;

/// The group's log as two members see it: the first leads, entries reach both at once.
struct Group {
  std::map<uint64_t, Bytes> entries;
  std::function<void(Index)> committed;  // of the leader's
  replication::LogClient* leader = nullptr;
  replication::LogClient* follower = nullptr;
  Epoch epoch;
};

class MemberLog final : public replication::Log {
 public:
  MemberLog(Group& group, EventLoop& loop, bool leads)
      : group_(group), loop_(loop), leads_(leads) {}
  Result<> join(replication::LogClient& client, Index, Epoch seen) override {
    if (!leads_) {
      group_.follower = &client;
      return success();
    }
    group_.leader = &client;
    group_.epoch = {std::max(group_.epoch.value, seen.value) + 1};
    client.lead(group_.epoch);
    return success();
  }
  void append(Index index, ByteView entry) override {
    group_.entries[index.value] = Bytes(entry.begin(), entry.end());
    loop_.post([&group = group_, index] {
      if (group.committed) group.committed(index);
      if (group.follower) group.follower->follow(index, group.entries.at(index.value));
    });
  }
  void on_committed(std::function<void(Index)> callback) override {
    if (leads_) group_.committed = std::move(callback);
  }
  void on_failed(std::function<void(const Error&)>) override {}
  Durability durability() const override { return Durability::kMemory; }
  Result<std::optional<replication::Snapshot>> latest_snapshot() const override {
    return std::optional<replication::Snapshot>{};
  }
  Result<> read(Index from, const std::function<Result<>(Index, ByteView)>& visit) const override {
    for (auto it = group_.entries.lower_bound(from.value); it != group_.entries.end(); ++it)
      if (auto visited = visit({it->first}, it->second); !visited) return visited;
    return success();
  }
  Result<Epoch> raise_epoch(Epoch) override { return group_.epoch; }

 private:
  Group& group_;
  EventLoop& loop_;
  bool leads_;
};

class Orchestrators : public ::testing::Test {
 protected:
  struct End {
    ActorHandle actor;
    std::vector<Decision> carried_out;
    std::vector<std::string> lines;
    OrchestratorViewAnswer view;
    std::vector<Failure> of_guard;
    std::vector<healing::Effect> effects;
    std::set<uint64_t> noted;  // numbers of notes, by effects or of the copy
    std::function<const healing::State*()> state;
    HealingTaken taken;
    HealingViewAnswer healing;
  };

  void start(End& end, MemberId self, bool leads) {
    OrchestratorSetup setup;
    setup.self = self;
    setup.make_log = [this, leads] { return std::make_unique<MemberLog>(group, loop, leads); };
    setup.codec = std::make_shared<OrchestratorCodec>();
    setup.wall = [this] { return WallTime{wall += 1'000}; };
    setup.topology = [] { return Topology{{{GroupId{1}, {1}, {{1}, {2}}}}}; };
    setup.carry_out = [&end](LoopActor&, const Decision& decision, auto done) {
      end.carried_out.push_back(decision);
      done(Outcome::kDone, "as it was told");
    };
    if (!leads)
      setup.forward = [this](const std::string& bytes) {
        forwarded += 1;
        if (connected) anon_send(ends[0].actor, Forwarded{bytes});
      };
    setup.on_event = [&end](const std::string& line, bool) { end.lines.push_back(line); };
    setup.of_guard = [&end] { return end.of_guard; };
    HealingMeans means;
    means.world = [this] { return std::make_shared<const World>(world); };
    means.carry_out = [&end](const healing::Effect& effect, const auto&, Epoch) {
      end.effects.push_back(effect);
      if (const auto* note = std::get_if<healing::Note>(&effect)) end.noted.insert(note->number);
    };
    means.forward = [this](const std::string& bytes) -> std::string {
      if (!connected) return {};
      anon_send(ends[0].actor, ForwardedHealing{bytes});
      return "one";
    };
    means.keep_notes = [&end](const std::deque<healing::Note>& notes, uint64_t) {
      for (const auto& note : notes) end.noted.insert(note.number);
    };
    means.expose = [&end](auto state) { end.state = std::move(state); };
    setup.healing = std::move(means);
    end.actor = caf::actor_cast<ActorHandle>(
        spawn_on<OrchestratorActor>(system.get(), loop, std::move(setup)));
  }
  Orchestrators() {
    world.topology = Topology{{{GroupId{1}, {1}, {{1}, {2}}}}};
    world.members = {{{1}, "one", 0, true}, {{2}, "two", 0, true}};
    start(ends[0], {1}, true);
    start(ends[1], {2}, false);
  }
  ~Orchestrators() override {
    loop.close();
    for (End& end : ends) end.actor = nullptr;
  }

  OrchestratorView view(End& end) {
    end.view = nullptr;
    asker = spawn_function_on(system.get(), loop, [&end](LoopActor* self) -> Behavior {
      request_within(self, end.actor, {"view", Duration::seconds(5)}, OrchestratorQuery{})
          .then(
              [&end, self](const OrchestratorViewAnswer& answer) {
                end.view = answer;
                self->quit();
              },
              [self](const ActorError&) { self->quit(); });
      return {[](Unit) {}};
    });
    EXPECT_TRUE(run_until([&] { return end.view != nullptr; }));
    return end.view ? *end.view : OrchestratorView{};
  }
  template <typename F>
  bool run_until(F&& is_so) {
    const MonoTime until = loop.now() + Duration::seconds(20);
    while (!is_so() && loop.now() < until) loop.turn();
    return is_so();
  }
  bool settled(End& end, uint64_t number) {
    return run_until([&] {
      for (const Decision& decision : view(end).decisions)
        if (decision.number == number) return decision.outcome == Outcome::kDone;
      return false;
    });
  }
  void fail(End& end) {
    anon_send(end.actor, Escalation{{FailureKind::kGaveUp, {}, {1}, {}, "node/orders", "spent"}});
  }

  template <typename Answer, typename Question>
  void ask(End& end, Answer End::*answer, Question question) {
    bool done = false;
    asker = spawn_function_on(system.get(), loop, [&, question](LoopActor* self) -> Behavior {
      request_within(self, end.actor, {"question", Duration::seconds(5)}, question)
          .then(
              [&, self](const Answer& given) {
                end.*answer = given;
                done = true;
                self->quit();
              },
              [self](const ActorError&) { self->quit(); });
      return {[](Unit) {}};
    });
    EXPECT_TRUE(run_until([&] { return done; }));
  }
  HealingTaken say(End& end, healing::Command command) {
    ask(end, &End::taken, OperatorHealing{std::move(command)});
    return end.taken;
  }
  HealingView healing_of(End& end) {
    ask(end, &End::healing, HealingQuery{});
    return *end.healing;
  }
  Finding slow_disk(uint64_t number) const {
    Finding finding;
    finding.agent = {telemetry::Domain::kIo, 1};
    finding.number = number;
    finding.fault = FaultClass::kSlowDisk;
    finding.place.member = {1};
    finding.confidence_ppm = 900'000;
    finding.began = finding.found = {wall};
    return finding;
  }
  template <typename Effect>
  const Effect* told(const End& end) const {
    for (const auto& effect : end.effects)
      if (const auto* one = std::get_if<Effect>(&effect)) return one;
    return nullptr;
  }

  World world;
  Group group;
  HotLoop loop{HotLoopSettings{}};
  ActorSystem system;
  std::array<End, 2> ends;
  ActorHandle asker;
  int64_t wall = 1'000'000'000'000;
  int forwarded = 0;
  bool connected = true;
};

TEST_F(Orchestrators, TheLeadersOwnFailureIsDecidedCarriedOutAndSettled) {
  fail(ends[0]);
  ASSERT_TRUE(settled(ends[0], 1));
  ASSERT_TRUE(settled(ends[1], 1));  // the other one has it too
  ASSERT_EQ(ends[0].carried_out.size(), 1u);
  EXPECT_EQ(ends[0].carried_out[0].advice.remedy, Remedy::kRestartHere);
  EXPECT_EQ(ends[0].carried_out[0].failure.member, MemberId{1});
  EXPECT_TRUE(ends[1].carried_out.empty());
  EXPECT_EQ(view(ends[0]).pending, 0u);
  EXPECT_EQ(ends[0].lines.size(), 2u);  // decided, settled
}

TEST_F(Orchestrators, AnotherNodesFailureIsCarriedOutThere) {
  fail(ends[1]);
  ASSERT_TRUE(settled(ends[1], 1));
  EXPECT_TRUE(ends[0].carried_out.empty());
  ASSERT_EQ(ends[1].carried_out.size(), 1u);
  EXPECT_EQ(ends[1].carried_out[0].failure.member, MemberId{2});
  EXPECT_EQ(view(ends[1]).pending, 0u);
  EXPECT_FALSE(view(ends[1]).leads);
  EXPECT_TRUE(view(ends[0]).leads);
}

TEST_F(Orchestrators, AFailureWaitsUntilTheLeaderCanBeReached) {
  connected = false;
  fail(ends[1]);
  ASSERT_TRUE(run_until([&] { return forwarded >= 2; }));
  EXPECT_EQ(view(ends[1]).pending, 1u);
  EXPECT_TRUE(view(ends[1]).decisions.empty());
  connected = true;
  ASSERT_TRUE(settled(ends[1], 1));
  EXPECT_EQ(view(ends[1]).decisions.size(), 1u);
}

TEST_F(Orchestrators, TheSecondFailureOfALeaderPromotesAnother) {
  fail(ends[0]);
  ASSERT_TRUE(settled(ends[0], 1));
  fail(ends[0]);
  ASSERT_TRUE(settled(ends[0], 2));
  EXPECT_EQ(ends[0].carried_out.at(1).advice.remedy, Remedy::kPromote);
  EXPECT_EQ(ends[0].carried_out.at(1).advice.target, MemberId{2});
}

TEST_F(Orchestrators, WhatAGuardSawIsJournaledOnceAndBeforeWhatFollows) {
  const auto died = [](uint64_t number, FailureKind kind) {
    return Failure{kind, {}, {}, {static_cast<int64_t>(number)}, "node", "signal 9", number};
  };
  connected = false;
  // The next life of the second node: its guard tells of the one before.
  End& next = ends[1];
  send_kill(next.actor);
  next.of_guard = {died(5, FailureKind::kProcessDied), died(6, FailureKind::kProcessUnstable)};
  start(next, {2}, false);
  fail(next);
  ASSERT_TRUE(run_until([&] { return view(next).pending == 3; }));
  connected = true;
  ASSERT_TRUE(settled(next, 3));
  const auto decisions = view(next).decisions;
  ASSERT_EQ(decisions.size(), 3u);
  EXPECT_EQ(decisions[0].failure.guard, 5u);
  EXPECT_EQ(decisions[0].failure.member, MemberId{2});
  EXPECT_EQ(decisions[0].outcome_text, "its actor or its process has begun again since");
  EXPECT_EQ(decisions[1].failure.kind, FailureKind::kProcessUnstable);
  EXPECT_EQ(decisions[2].failure.kind, FailureKind::kGaveUp);
  // That it leads no more had to be seen to; that it was started again not.
  ASSERT_EQ(next.carried_out.size(), 2u);
  EXPECT_EQ(next.carried_out[0].advice.remedy, Remedy::kDrain);
  // Told again by a guard that knows no better: nothing is decided twice.
  send_kill(next.actor);
  start(next, {2}, false);
  fail(next);
  ASSERT_TRUE(settled(next, 4));
  EXPECT_EQ(view(next).decisions.size(), 4u);
  EXPECT_EQ(view(next).pending, 0u);
}

TEST_F(Orchestrators, TooManyThatWaitAreCountedAndBytesThatAreNoCommandRefused) {
  connected = false;
  for (std::size_t i = 0; i < kPendingMax + 3; ++i) fail(ends[1]);
  ASSERT_TRUE(run_until([&] { return view(ends[1]).dropped == 3; }));
  EXPECT_EQ(view(ends[1]).pending, kPendingMax);
  anon_send(ends[0].actor, Forwarded{"no command at all"});
  ASSERT_TRUE(run_until([&] { return !ends[0].lines.empty(); }));
  EXPECT_NE(ends[0].lines[0].find("refused a command"), std::string::npos);
}

// ---- the self-healing loop

TEST_F(Orchestrators, AFindingOfAnyNodeIsAskedAboutWhereTheLeaderIs) {
  anon_send(ends[1].actor, HealingCommand{{healing::Report{slow_disk(7)}, nullptr}});
  ASSERT_TRUE(run_until([&] {
    const auto* ask = told<healing::AskAdvice>(ends[0]);
    return ask && ask->ask.incident != 0;
  }));
  EXPECT_EQ(told<healing::AskAdvice>(ends[1]), nullptr);  // only where it leads
  ASSERT_TRUE(run_until([&] { return healing_of(ends[1]).incidents.size() == 1; }));
  EXPECT_EQ(healing_of(ends[1]).incidents[0].cause, FaultClass::kSlowDisk);
  EXPECT_FALSE(healing_of(ends[1]).leads);
  EXPECT_TRUE(healing_of(ends[0]).leads);
  // What the leader's commits note stands in the other's copy too, until it is written.
  ASSERT_TRUE(run_until([&] { return !ends[1].noted.empty(); }));
  for (const uint64_t number : ends[1].noted) EXPECT_TRUE(ends[0].noted.contains(number));
  const auto last = *ends[0].noted.rbegin();
  anon_send(ends[0].actor, HealingCommand{{healing::NotesWritten{last}, nullptr}});
  EXPECT_TRUE(run_until([&] { return healing_of(ends[1]).notes_waiting == 0; }));
}

TEST_F(Orchestrators, WhatIsOutstandingIsToldAgain) {
  anon_send(ends[0].actor, HealingCommand{{healing::Report{slow_disk(7)}, nullptr}});
  const auto asks = [&] {
    std::map<uint64_t, int> times;
    for (const auto& effect : ends[0].effects)
      if (const auto* ask = std::get_if<healing::AskAdvice>(&effect)) times[ask->ask.number] += 1;
    int most = 0;
    for (const auto& [number, count] : times) most = std::max(most, count);
    return most;
  };
  EXPECT_TRUE(run_until([&] { return asks() >= 2; }));
}

TEST_F(Orchestrators, AnOperatorsWordIsTakenByWhoLeadsAndAnsweredWhereItWasSaid) {
  const healing::Command off{healing::KillSwitch{true, Label("ann"), "a test"}, nullptr};
  auto taken = say(ends[1], off);
  EXPECT_TRUE(taken.ok) << taken.text;
  EXPECT_NE(taken.text.find("one"), std::string::npos);  // who leads
  ASSERT_TRUE(run_until([&] { return healing_of(ends[1]).killed; }));
  EXPECT_TRUE(ends[1].state()->killed);
  taken = say(ends[0], off);
  EXPECT_FALSE(taken.ok);
  EXPECT_EQ(taken.text, "the kill switch is on");
  taken = say(ends[1], {healing::Approve{99, Label("ann")}, nullptr});
  EXPECT_FALSE(taken.ok);
  EXPECT_NE(taken.text.find("no remedy 99"), std::string::npos);
  connected = false;
  taken = say(ends[1], {healing::KillSwitch{false, Label("ann"), "over"}, nullptr});
  EXPECT_FALSE(taken.ok);
  EXPECT_NE(taken.text.find("try again"), std::string::npos);
}

TEST_F(Orchestrators, ACommandThatCantBeReadIsRefusedAndNothingElse) {
  anon_send(ends[0].actor, ForwardedHealing{"no command at all"});
  ASSERT_TRUE(run_until([&] { return !ends[0].lines.empty(); }));
  EXPECT_NE(ends[0].lines[0].find("refused a command"), std::string::npos);
  fail(ends[0]);
  EXPECT_TRUE(settled(ends[0], 1));
}

}  // namespace
}  // namespace holdfast::orchestrator
