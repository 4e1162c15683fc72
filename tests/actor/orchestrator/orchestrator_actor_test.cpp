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
    end.actor = caf::actor_cast<ActorHandle>(
        spawn_on<OrchestratorActor>(system.get(), loop, std::move(setup)));
  }
  Orchestrators() {
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

}  // namespace
}  // namespace holdfast::orchestrator
