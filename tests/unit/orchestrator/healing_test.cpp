// The self-healing loop in the orchestrator's replica: from findings and failures to what was done,
// what a successor goes on with, and that its journal is read back whole.
#include "supervision/orchestrator/healing/healing.hpp"

#include <gtest/gtest.h>

#include "supervision/orchestrator/healing/healing_capnp.hpp"
#include "supervision/orchestrator/orchestrator_capnp.hpp"
#include "supervision/replication/replica_host.hpp"
#include "tests/unit/replication/fake_log.hpp"

namespace holdfast::orchestrator::healing {
namespace {

using Host = replication::ReplicaHost<OrchestratorCore>;
constexpr MemberId kA{1}, kB{2}, kC{3};
constexpr GroupId kOrders{1};
constexpr const char* kPath = "node/orders/shard-0";

remediation::Workflow workflow(ActionKind kind) {
  remediation::Workflow out;
  out.name = std::string(to_text(kind));
  out.action = kind;
  out.steps = {{kind, 0, Duration::seconds(5), 1}};
  remediation::Objective over;
  over.kind = remediation::ObjectiveKind::kEffectsOver;
  out.after = {over,
               {remediation::ObjectiveKind::kAtMost, telemetry::Metric::kOrderLatency,
                remediation::Scope::kSuccessor, 1'000}};
  return out;
}

struct Rig {
  replication::testing::FakeLog log;
  OrchestratorCodec codec;
  World world;
  std::shared_ptr<policy::Policy> policy = std::make_shared<policy::Policy>();
  std::shared_ptr<remediation::Book> book = std::make_shared<remediation::Book>();
  WallTime now{1'000'000'000'000'000};
  std::vector<AskAdvice> asks;
  std::vector<ExecuteStep> steps;
  std::vector<Measure> measures;
  std::vector<Note> notes;
  std::unique_ptr<Host> host;

  explicit Rig(Verdict verdict = Verdict::kAllow) {
    policy->autonomy.set_all(Autonomy::kAutonomous);
    policy::Rule rule;
    rule.name = "all";
    rule.then = verdict;
    policy->rules.push_back(rule);
    book->workflows = {workflow(ActionKind::kMigrate), workflow(ActionKind::kDrain)};
    book->limits.blast_radius_max = 4;
    world.topology.groups = {{kOrders, kA, {kA, kB, kC}}};
    world.members = {{kA, "a", 0, true}, {kB, "b", 0, true}, {kC, "c", 0, true}};
    world.open_orders[kOrders] = 3;
    world.phase = policy::SessionPhase::kOpen;
    world.policy = policy;
    world.book = book;
    open();
  }
  void open() {
    host = std::make_unique<Host>(
        kGroup, log, codec,
        Host::Hooks{
            [this] { return now; },
            [](std::function<void()>) {},
            [this](replication::Committed<orchestrator::Effect>&& effect) { keep(*effect); },
            [](const Error&) {},
            {},
            {},
            {}});
    ASSERT_TRUE(host->recover().ok());
    ASSERT_TRUE(host->lead_alone().ok());
    log.commit_all();
  }
  void keep(const orchestrator::Effect& effect) {
    const auto* own = std::get_if<healing::Effect>(&effect);
    if (!own) return;
    if (const auto* ask = std::get_if<AskAdvice>(own)) asks.push_back(*ask);
    if (const auto* step = std::get_if<ExecuteStep>(own)) steps.push_back(*step);
    if (const auto* wanted = std::get_if<Measure>(own)) measures.push_back(*wanted);
    if (const auto* note = std::get_if<Note>(own)) notes.push_back(*note);
  }
  const State& state() const { return host->state().healing; }
  template <typename What>
  void submit(What what) {
    host->submit(healing::Command{std::move(what), std::make_shared<World>(world)});
    host->flush();
    log.commit_all();
  }
  void pass(int64_t ms) {
    now.ns += ms * 1'000'000;
    submit(Tick{});
  }
  void fail_actor() {
    Failure failure;
    failure.member = kA;
    failure.group = kOrders;
    failure.at = now;
    failure.path = kPath;
    host->submit(Escalate{failure, {orchestrator::Remedy::kRestartHere, {}, "once more"}});
    host->flush();
    log.commit_all();
  }
  void crash_loop() {
    fail_actor();
    now.ns += 1'000'000'000;
    fail_actor();
    pass(10);
  }
  void advise(ActionKind kind) {
    ASSERT_FALSE(asks.empty());
    Proposal proposal;
    proposal.action.kind = kind;
    proposal.advisor = AdvisorKind::kModel;
    proposal.confidence_ppm = 800'000;
    proposal.reason = "the group has a standby in sync";
    submit(AdviceArrived{asks.back().ask.number, {proposal}});
  }
  bool noted(std::string_view what) const {
    for (const Note& note : notes)
      if (note.text.find(what) != std::string::npos) return true;
    return false;
  }
};

TEST(Healing, ACrashLoopIsAdvisedJudgedMovedVerifiedAndAudited) {
  Rig rig;
  rig.fail_actor();
  rig.pass(10);
  EXPECT_TRUE(rig.state().incidents.open.empty());  // the first is the tree's own
  rig.now.ns += 1'000'000'000;
  rig.fail_actor();
  rig.pass(10);
  ASSERT_EQ(rig.state().incidents.open.size(), 1u);
  ASSERT_FALSE(rig.asks.empty());
  const Incident asked = rig.asks.back().incident;
  EXPECT_EQ(asked.cause, FaultClass::kCrashLoop);
  EXPECT_EQ(asked.place.group, kOrders);
  rig.advise(ActionKind::kMigrate);
  ASSERT_EQ(rig.measures.size(), 1u);
  EXPECT_TRUE(rig.steps.empty());
  rig.submit(Measured{1, 1, {std::nullopt, 9'000}});
  ASSERT_EQ(rig.steps.size(), 1u);
  EXPECT_EQ(rig.steps[0].action.kind, ActionKind::kMigrate);
  EXPECT_EQ(rig.steps[0].action.to, kB);
  EXPECT_EQ(rig.steps[0].executor, kA);
  rig.world.topology.groups[0].leader = kB;
  rig.submit(StepResult{rig.steps[0].id, remediation::StepOutcome::kDone, {}, "handed over"});
  rig.pass(1'000);
  ASSERT_EQ(rig.measures.size(), 2u);
  rig.submit(Measured{1, 2, {std::nullopt, 400}});
  ASSERT_EQ(rig.state().remedies.ended.size(), 1u);
  EXPECT_EQ(rig.state().remedies.ended[0].outcome, RemedyOutcome::kSucceeded);
  rig.pass(16'000);
  rig.pass(3'000);
  EXPECT_TRUE(rig.state().incidents.open.empty());
  for (const char* what :
       {"crash_loop", "\"asked\"", "\"answered\"", "\"rule\":\"all\"", "remedy_opened", "captured",
        "step_intended", "step_ended", "measured", "\"outcome\":\"succeeded\"", "\"closed\""})
    EXPECT_TRUE(rig.noted(what)) << what;
  for (std::size_t i = 0; i < rig.notes.size(); ++i) EXPECT_EQ(rig.notes[i].number, i + 1);
  rig.submit(NotesWritten{rig.notes.back().number});
  EXPECT_TRUE(rig.state().notes.empty());
}

TEST(Healing, NothingHappensWithoutThePolicysWord) {
  for (const Verdict verdict : {Verdict::kDeny, Verdict::kObserve, Verdict::kRecommend}) {
    Rig rig(verdict);
    rig.crash_loop();
    rig.advise(ActionKind::kMigrate);
    rig.pass(5'000);
    EXPECT_TRUE(rig.steps.empty());
    EXPECT_EQ(rig.state().remedies.last, 0u);
    EXPECT_TRUE(rig.noted("\"paged\""));
    EXPECT_EQ(rig.state().recommended.empty(), verdict == Verdict::kDeny);
  }
  Rig none;
  none.world.policy = nullptr;
  none.crash_loop();
  none.advise(ActionKind::kMigrate);
  EXPECT_EQ(none.state().remedies.last, 0u);
}

TEST(Healing, LateOrNoAdviceLeavesItToTheRules) {
  Rig rig;
  rig.crash_loop();
  rig.pass(2'900);
  EXPECT_EQ(rig.state().remedies.last, 0u);
  rig.pass(200);
  ASSERT_EQ(rig.state().remedies.active.size(), 1u);
  EXPECT_EQ(rig.state().remedies.active.begin()->second.proposal.action.kind, ActionKind::kMigrate);
  EXPECT_TRUE(rig.noted("\"source\":\"rules\""));
  rig.advise(ActionKind::kDrain);  // too late: nobody waits for it
  EXPECT_EQ(rig.state().remedies.last, 1u);
}

TEST(Healing, AnApprovalIsAPersonsAndNotTheProposers) {
  Rig rig(Verdict::kNeedsApproval);
  Propose wish;
  wish.identity = "anna";
  wish.proposal.action.kind = ActionKind::kMigrate;
  wish.proposal.action.target.group = kOrders;
  rig.submit(wish);
  ASSERT_EQ(rig.state().remedies.active.size(), 1u);
  const healing::Command own{Approve{1, "anna"}, nullptr};
  EXPECT_FALSE(may(rig.state(), own, rig.now).ok());
  rig.submit(Approve{1, "anna"});
  EXPECT_EQ(rig.state().remedies.active.begin()->second.phase,
            remediation::Phase::kAwaitingApproval);
  rig.submit(Approve{1, "bert"});
  EXPECT_EQ(rig.state().remedies.active.begin()->second.phase, remediation::Phase::kCapturing);
  EXPECT_FALSE(may(rig.state(), {Reject{1, "carl", ""}, nullptr}, rig.now).ok());
}

TEST(Healing, TheKillSwitchStopsRemediationAndNotDetection) {
  Rig rig;
  rig.crash_loop();
  rig.advise(ActionKind::kMigrate);
  rig.submit(KillSwitch{true, "anna", "not now"});
  EXPECT_TRUE(rig.state().killed);
  ASSERT_EQ(rig.state().remedies.ended.size(), 1u);
  EXPECT_EQ(rig.state().remedies.ended[0].outcome, RemedyOutcome::kFailed);
  rig.now.ns += 60'000'000'000;
  rig.crash_loop();
  rig.pass(10'000);
  EXPECT_FALSE(rig.state().incidents.open.empty());
  EXPECT_TRUE(rig.steps.empty());
  EXPECT_FALSE(may(rig.state(), {KillSwitch{true, "anna", ""}, nullptr}, rig.now).ok());
}

TEST(Healing, ASuccessorTellsWhatIsOutstandingWithTheSameNames) {
  Rig rig;
  rig.crash_loop();
  rig.advise(ActionKind::kMigrate);
  rig.submit(Measured{1, 1, {std::nullopt, 9'000}});
  ASSERT_EQ(rig.steps.size(), 1u);
  const ExecuteStep before = rig.steps[0];
  const auto digest = OrchestratorCore::digest(rig.host->state());
  rig.steps.clear();
  rig.notes.clear();
  rig.open();  // from its log
  EXPECT_EQ(OrchestratorCore::digest(rig.host->state()), digest);
  ASSERT_EQ(rig.steps.size(), 1u);
  EXPECT_EQ(rig.steps[0].id, before.id);
  EXPECT_EQ(rig.steps[0].action, before.action);
  EXPECT_EQ(rig.steps[0].not_after, before.not_after);
  EXPECT_EQ(rig.notes.size(), rig.state().notes.size());
  rig.submit(StepResult{before.id, remediation::StepOutcome::kDone, {}, "done"});
  rig.submit(StepResult{before.id, remediation::StepOutcome::kFailed, {}, "again"});
  EXPECT_EQ(rig.state().remedies.active.begin()->second.steps.size(), 1u);
}

TEST(Healing, AsksInQuietTimesAndKeepsWhatThePolicyAllows) {
  Rig rig;
  rig.pass(1'000);
  ASSERT_EQ(rig.asks.size(), 1u);
  EXPECT_EQ(rig.asks[0].ask.incident, 0u);
  EXPECT_EQ(rig.asks[0].ask.key.actor, advice::ActorClass::kOrderShard);
  rig.advise(ActionKind::kMigrate);
  ASSERT_EQ(rig.state().standing.size(), 1u);
  const auto* entry = rig.state().standing.sorted()[0];
  EXPECT_EQ(entry->rule, "all");
  EXPECT_EQ(entry->proposal.action.target, Place{});
  rig.pass(1'000);
  rig.advise(ActionKind::kPage);
  rig.pass(1'000);
  rig.advise(static_cast<ActionKind>(77));
  EXPECT_EQ(rig.state().standing.size(), 1u);
  EXPECT_EQ(rig.asks.size(), 3u);
  rig.pass(3'600'000);
  EXPECT_EQ(rig.state().standing.size(), 0u);  // it has expired
}

TEST(Healing, BeginsNothingWhileTheAuditTakesNothing) {
  Rig rig;
  for (int i = 0; i < 4'000 && rig.state().notes.size() + kNotesReserve < kNotesMax; ++i) {
    rig.submit(KillSwitch{true, "anna", "noise"});
    rig.submit(KillSwitch{false, "anna", "noise"});
  }
  rig.crash_loop();
  rig.advise(ActionKind::kMigrate);
  EXPECT_EQ(rig.state().remedies.last, 0u);
  EXPECT_TRUE(rig.noted("\"held\":\"audit\""));
  rig.submit(NotesWritten{rig.notes.back().number});
  rig.pass(6'000);
  EXPECT_EQ(rig.state().remedies.last, 1u);
}

TEST(Healing, EveryNoteCarriesWhatTheLeadersClockIsWorth) {
  Rig rig;
  rig.crash_loop();
  ASSERT_FALSE(rig.notes.empty());
  for (const Note& note : rig.notes) EXPECT_EQ(note.clock, WallClock{});
  rig.notes.clear();
  rig.world.wall_clock = {ClockSource::kNtp, 400};
  rig.advise(ActionKind::kMigrate);
  ASSERT_FALSE(rig.notes.empty());
  for (const Note& note : rig.notes) EXPECT_EQ(note.clock, rig.world.wall_clock);
  // A successor reads it back, whether it knows its own clock or not.
  rig.open();
  EXPECT_EQ(rig.state().clock, rig.world.wall_clock);
}

TEST(Healing, AClockIsToldWhenItIsAnotherAndNotEachTimeItJitters) {
  State state;
  auto world = std::make_shared<World>();
  WallTime now{1'000'000'000'000'000};
  const auto told = [&](WallClock clock, int64_t after_ms) {
    now.ns += after_ms * 1'000'000;
    world->wall_clock = clock;
    std::vector<Event> events;
    std::vector<Effect> replies;
    decide(state, {Tick{}, world}, now, events, replies);
    const auto notes = state.notes.size();
    for (const Event& event : events) apply(state, event, now);
    EXPECT_EQ(state.notes.size(), notes);
    return events == std::vector<Event>{ClockTold{clock}};
  };
  EXPECT_FALSE(told({}, 0));  // unknown is what it is from the start
  EXPECT_TRUE(told({ClockSource::kNtp, 400}, 0));
  EXPECT_FALSE(told({ClockSource::kNtp, 400}, 60'000));
  EXPECT_FALSE(told({ClockSource::kNtp, 800}, 60'000));
  EXPECT_FALSE(told({ClockSource::kNtp, 200}, 60'000));
  EXPECT_TRUE(told({ClockSource::kNtp, 801}, 60'000));
  EXPECT_FALSE(told({ClockSource::kUnsynchronised, {}}, 9'999));  // not more often than that
  EXPECT_TRUE(told({ClockSource::kUnsynchronised, {}}, 1));
  EXPECT_TRUE(told({ClockSource::kUnsynchronised, 0}, 10'000));
  EXPECT_FALSE(told({ClockSource::kUnsynchronised, 2}, 10'000));
  EXPECT_TRUE(told({ClockSource::kPtp, 2}, 10'000));
  EXPECT_TRUE(told({}, 10'000));
  EXPECT_EQ(digest(state), digest(State{}));
  state.clock = {ClockSource::kNtp, 0};
  EXPECT_NE(digest(state), digest(State{}));
}

TEST(Healing, ItsSnapshotAndItsMessagesAreReadBackWhole) {
  Rig rig;
  rig.world.wall_clock = {ClockSource::kPtp, 3};
  rig.pass(1'000);
  rig.advise(ActionKind::kMigrate);
  rig.crash_loop();
  rig.advise(ActionKind::kMigrate);
  rig.submit(Measured{1, 1, {std::nullopt, 9'000}});
  replication::Bytes bytes;
  rig.codec.encode_state(rig.host->state(), bytes);
  orchestrator::State read;
  ASSERT_TRUE(rig.codec.decode_state(bytes, read).ok());
  EXPECT_EQ(OrchestratorCore::digest(read), OrchestratorCore::digest(rig.host->state()));
  const State& a = read.healing;
  const State& b = rig.state();
  EXPECT_EQ(a.incidents.open, b.incidents.open);
  EXPECT_EQ(a.remedies.active, b.remedies.active);
  EXPECT_EQ(a.cases, b.cases);
  EXPECT_EQ(a.asks, b.asks);
  EXPECT_EQ(a.asked_about, b.asked_about);
  EXPECT_EQ(a.notes, b.notes);
  EXPECT_EQ(a.counters, b.counters);
  EXPECT_EQ(a.clock, (WallClock{ClockSource::kPtp, 3}));
  EXPECT_EQ(a.clock_told, b.clock_told);
  ASSERT_EQ(a.standing.size(), 1u);
  EXPECT_EQ(*a.standing.sorted()[0], *b.standing.sorted()[0]);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto damaged = bytes;
    damaged[i] ^= std::byte{0x41};
    (void)rig.codec.decode_state(damaged, read);  // a value or an error
  }
  ASSERT_FALSE(rig.steps.empty());
  const auto step = decode_step(encode_step({rig.steps[0], {7}}));
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step.value().step.id, rig.steps[0].id);
  EXPECT_EQ(step.value().step.action, rig.steps[0].action);
  EXPECT_EQ(step.value().epoch, Epoch{7});
  const auto command = decode_command(encode_command(
      {StepResult{rig.steps[0].id, remediation::StepOutcome::kLost, 5, "why"}, nullptr}));
  ASSERT_TRUE(command.ok());
  const auto& result = std::get<StepResult>(command.value().what);
  EXPECT_EQ(result.id, rig.steps[0].id);
  EXPECT_EQ(result.outcome, remediation::StepOutcome::kLost);
  EXPECT_EQ(result.previous, 5);
  EXPECT_FALSE(decode_command("nonsense").ok());
  EXPECT_FALSE(decode_step("nonsense").ok());
}

}  // namespace
}  // namespace holdfast::orchestrator::healing
