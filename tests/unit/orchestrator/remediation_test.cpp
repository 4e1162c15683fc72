// The catalogue, workflows, and the remedy as a state machine: every move of it, and what each
// limit holds back.
#include "supervision/orchestrator/remediation/remedies.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/enumerators.hpp"

namespace holdfast::orchestrator::remediation {
namespace {

constexpr MemberId kA{1}, kB{2}, kC{3};
constexpr GroupId kOrders{1}, kOther{2};
constexpr WallTime at(int64_t ms) { return {1'000'000'000'000'000 + ms * 1'000'000}; }

World three() {
  World world;
  world.topology.groups = {{kOrders, kA, {kA, kB, kC}}, {kOther, kA, {kA, kB}}};
  world.members = {{kA, "a", 0, true}, {kB, "b", 0, true}, {kC, "c", 0, true}};
  return world;
}

Action migrate(MemberId to = {}) {
  Action action;
  action.kind = ActionKind::kMigrate;
  action.target.group = kOrders;
  action.to = to;
  return action;
}

Workflow workflow(ActionKind kind = ActionKind::kMigrate) {
  Workflow out;
  out.name = "move";
  out.action = kind;
  out.steps = {{kind, 0, Duration::seconds(5), 2}};
  out.after = {Objective{}};
  return out;
}

Incident burning_incident() {
  Incident incident;
  incident.number = 7;
  incident.cause = FaultClass::kSlowDisk;
  incident.place.member = kA;
  incident.confidence_ppm = 900'000;
  Finding finding;
  finding.fault = FaultClass::kSlowDisk;
  finding.agent.domain = telemetry::Domain::kIo;
  finding.place.member = kA;
  incident.findings.push_back(finding);
  return incident;
}

TEST(Catalogue, HasEveryActionOnceAndInversesOfItsOwn) {
  for (const auto& [kind, name] : tests::enumerators<ActionKind>()) {
    const ActionInfo* info = find_action(kind);
    if (kind == ActionKind::kNone || kind == ActionKind::kPage) {
      EXPECT_EQ(info, nullptr) << name;
      continue;
    }
    ASSERT_NE(info, nullptr) << name;
    EXPECT_EQ(info->kind, kind);
    EXPECT_FALSE(info->effect.empty());
    if (info->inverse != ActionKind::kNone) {
      EXPECT_NE(find_action(info->inverse), nullptr) << name;
    }
  }
  EXPECT_EQ(find_action(static_cast<ActionKind>(200)), nullptr);
}

TEST(Catalogue, CompletesWhatIsLeftOpenAndRefusesWhatCannotBe) {
  const World world = three();
  Action action = migrate();
  EXPECT_EQ(complete(action, world), Unfit::kNo);
  EXPECT_EQ(action.target.member, kA);
  EXPECT_EQ(action.to, kB);
  const auto unfit = [](Action one, const World& in) { return complete(one, in); };
  EXPECT_EQ(unfit(migrate(kA), world), Unfit::kBadSuccessor);
  EXPECT_EQ(unfit(migrate({9}), world), Unfit::kBadSuccessor);
  Action other = migrate();
  other.target.group = {99};
  EXPECT_EQ(unfit(other, world), Unfit::kUnknownGroup);
  other = migrate();
  other.target.member = kB;
  EXPECT_EQ(unfit(other, world), Unfit::kNotLeader);
  World alone = world;
  alone.topology.groups[0].in_sync = {kA};
  EXPECT_EQ(unfit(migrate(), alone), Unfit::kNoSuccessor);
  World away = world;
  away.members[0].reachable = false;
  EXPECT_EQ(unfit(migrate(), away), Unfit::kUnreachable);
  other.kind = ActionKind::kPromote;  // needs no word of who is promoted away from
  other.target.member = kA;
  EXPECT_EQ(unfit(other, away), Unfit::kNo);
  Action throttle;
  throttle.kind = ActionKind::kThrottle;
  EXPECT_EQ(unfit(throttle, world), Unfit::kBadAmount);
  throttle.amount = 500'000;
  EXPECT_EQ(unfit(throttle, world), Unfit::kNo);
  World bare = world;
  bare.without_means = {ActionKind::kScaleOut, ActionKind::kThrottle};
  EXPECT_EQ(unfit(throttle, bare), Unfit::kNoMeans);
  EXPECT_EQ(unfit(migrate(), bare), Unfit::kNo);
  Action drain;
  drain.kind = ActionKind::kDrain;
  drain.target.member = kA;
  EXPECT_EQ(unfit(drain, world), Unfit::kNo);
  EXPECT_EQ(unfit(drain, alone), Unfit::kNoSuccessor);
  drain.target.member = kC;
  EXPECT_EQ(unfit(drain, world), Unfit::kNotLeader);  // it leads nothing
  Action venue;
  venue.kind = ActionKind::kHaltVenue;
  EXPECT_EQ(unfit(venue, world), Unfit::kNoInstance);
  World trading = world;
  trading.venues[kOther] = "XSIM";
  venue.target.instance = "ingress";
  EXPECT_EQ(unfit(venue, trading), Unfit::kNoInstance);  // what is there, and no venue
  venue.target.instance = "XSIM";
  ASSERT_EQ(complete(venue, trading), Unfit::kNo);
  EXPECT_EQ(venue.target.group, kOther);
  EXPECT_EQ(venue.target.member, trading.find(kOther)->leader);  // who can do it
  venue.target = {};
  venue.target.group = kOther;
  ASSERT_EQ(complete(venue, trading), Unfit::kNo);
  EXPECT_EQ(venue.target.instance.view(), "XSIM");
  Action none;
  EXPECT_EQ(unfit(none, world), Unfit::kUnknownAction);
}

TEST(Catalogue, BlastRadiusIsTheGroupsWhoseWorkStops) {
  const World world = three();
  Action drain;
  drain.kind = ActionKind::kDrain;
  drain.target.member = kA;
  EXPECT_EQ(blast_radius(drain, world), 2u);
  EXPECT_EQ(blast_radius(migrate(), world), 1u);
  Action flush = drain;
  flush.kind = ActionKind::kFlushStorage;
  EXPECT_EQ(blast_radius(flush, world), 1u);
}

TEST(Catalogue, UndoesAMoveByMovingBack) {
  Action action = migrate();
  ASSERT_EQ(complete(action, three()), Unfit::kNo);
  const auto back = inverse_of(action, {});
  ASSERT_TRUE(back);
  EXPECT_EQ(back->target.member, kB);
  EXPECT_EQ(back->to, kA);
  Action throttle;
  throttle.kind = ActionKind::kThrottle;
  throttle.amount = 500'000;
  EXPECT_EQ(inverse_of(throttle, 800'000)->amount, 800'000);
  EXPECT_EQ(inverse_of(throttle, {})->amount, 1'000'000);
  Action restart;
  restart.kind = ActionKind::kRestartActor;
  EXPECT_FALSE(inverse_of(restart, {}));
}

TEST(Objectives, AreMissedWhereNobodyCanTell) {
  const Objective most{ObjectiveKind::kAtMost, telemetry::Metric::kOrderLatency, Scope::kTarget,
                       100};
  const Objective half{ObjectiveKind::kAtMostOfBefore, telemetry::Metric::kOrderLatency,
                       Scope::kTarget, 500'000};
  const std::vector<Objective> both{most, half};
  const auto met = [&](Values now, Values before) { return meets(both, now, before, {}); };
  EXPECT_TRUE(met({100, 100}, {500, 200}));
  EXPECT_FALSE(met({101, 100}, {500, 200}));
  EXPECT_FALSE(met({100, 101}, {500, 200}));
  EXPECT_FALSE(met({100, std::nullopt}, {500, 200}));
  EXPECT_FALSE(met({100, 100}, {500, std::nullopt}));
  EXPECT_FALSE(met({}, {}));
  const std::vector<Objective> over{Objective{}};
  EXPECT_TRUE(meets(over, {}, {}, {true, false}));
  EXPECT_FALSE(meets(over, {}, {}, {false, true}));
}

TEST(Workflow, IsRefusedWhereItsPartsDoNotFit) {
  EXPECT_TRUE(validate(workflow()).ok());
  const auto wrong = [](auto change) {
    Workflow one = workflow();
    change(one);
    return !validate(one).ok();
  };
  EXPECT_TRUE(wrong([](Workflow& w) { w.steps.clear(); }));
  EXPECT_TRUE(wrong([](Workflow& w) { w.after.clear(); }));
  EXPECT_TRUE(wrong([](Workflow& w) { w.steps[0].attempts = 0; }));
  EXPECT_TRUE(wrong([](Workflow& w) { w.steps[0].action = ActionKind::kPage; }));
  EXPECT_TRUE(wrong([](Workflow& w) { w.escalate_to = w.action; }));
  EXPECT_TRUE(wrong([](Workflow& w) { w.timeout = Duration::seconds(5); }));
  Book book;
  book.workflows = {workflow(), workflow()};
  EXPECT_FALSE(validate(book).ok());
}

/// A remedy, moved by what it says itself.
struct Machine {
  State state;
  World world = three();
  Incident incident = burning_incident();
  bool killed = false;
  PolicyDecision judged;
  std::vector<Event> told;

  explicit Machine(Workflow with = workflow(), Verdict verdict = Verdict::kAllow) {
    judged.verdict = verdict;
    judged.rule = "all";
    judged.approvals_needed = 1;
    judged.approval_expires = Duration::seconds(10);
    Remedy remedy;
    remedy.number = 1;
    remedy.incident = incident.number;
    remedy.cause = incident.cause;
    remedy.place = incident.place;
    remedy.proposal.action = migrate();
    EXPECT_EQ(complete(remedy.proposal.action, world), Unfit::kNo);
    remedy.decision = judged;
    remedy.plan = plan(with, remedy.proposal.action, 1);
    remedy.phase = verdict == Verdict::kAllow ? Phase::kCapturing : Phase::kAwaitingApproval;
    apply(state, Opened{remedy}, at(0));
  }
  const Remedy& remedy() const { return *state.find(1); }
  void go(int64_t ms) {
    while (remedy().phase != Phase::kEnded) {
      const auto move = next_move(remedy(), {world, &incident, killed, judged}, at(ms));
      if (!move) return;
      told.push_back(*move);
      apply(state, *move, at(ms));
    }
  }
  void answer(StepOutcome outcome, int64_t ms) {
    const StepRecord* record = remedy().under_way();
    ASSERT_NE(record, nullptr);
    apply(state, StepEnded{record->id, outcome, {}, "said so"}, at(ms));
    go(ms);
  }
};

TEST(Remedy, GoesThroughItsPhasesAndSucceeds) {
  Machine machine;
  machine.go(0);
  ASSERT_NE(machine.remedy().under_way(), nullptr);
  EXPECT_EQ(to_text(machine.remedy().under_way()->id), "7/1/step-0/try-1");
  EXPECT_EQ(machine.state.begun.size(), 1u);
  machine.answer(StepOutcome::kDone, 100);
  EXPECT_EQ(machine.remedy().phase, Phase::kSettling);
  machine.go(1'100);
  EXPECT_EQ(machine.remedy().phase, Phase::kVerifying);
  machine.incident.findings[0].over = true;
  machine.go(1'200);
  EXPECT_EQ(machine.remedy().outcome, RemedyOutcome::kSucceeded);
  EXPECT_TRUE(machine.state.active.empty());
}

TEST(Remedy, IsUndoneOnceWhenItsObjectivesAreMissed) {
  Machine machine;
  machine.go(0);
  machine.answer(StepOutcome::kDone, 100);
  machine.world.topology.groups[0].leader = kB;
  machine.go(1'100);
  machine.go(20'000);
  ASSERT_EQ(machine.remedy().phase, Phase::kUndoing);
  const StepRecord* undo = machine.remedy().under_way();
  ASSERT_NE(undo, nullptr);
  EXPECT_TRUE(undo->id.undo);
  EXPECT_EQ(undo->action.to, kA);
  machine.answer(StepOutcome::kDone, 20'100);
  EXPECT_EQ(machine.remedy().outcome, RemedyOutcome::kRolledBack);
  EXPECT_EQ(machine.remedy().steps.size(), 2u);
}

TEST(Remedy, NeverTriesAgainWhatMayHaveBeenDone) {
  Machine machine;
  machine.go(0);
  machine.go(5'000 + 1'999);
  EXPECT_NE(machine.remedy().under_way(), nullptr);
  machine.go(7'000);  // lost: at once its undo, though the topology shows no trace of it
  const StepRecord* undo = machine.remedy().under_way();
  ASSERT_NE(undo, nullptr);
  EXPECT_TRUE(undo->id.undo);
  machine.answer(StepOutcome::kVoid, 7'100);
  EXPECT_EQ(machine.remedy().outcome, RemedyOutcome::kRolledBack);
}

TEST(Remedy, TriesAgainWhatFailedAndGivesUp) {
  Machine machine;
  machine.go(0);
  machine.answer(StepOutcome::kFailed, 100);
  ASSERT_NE(machine.remedy().under_way(), nullptr);
  EXPECT_EQ(machine.remedy().under_way()->id.attempt, 2);
  machine.answer(StepOutcome::kFailed, 200);
  EXPECT_EQ(machine.remedy().outcome, RemedyOutcome::kFailed);
  EXPECT_EQ(machine.remedy().steps.size(), 2u);
}

TEST(Remedy, IsNotNeededWhenTheFaultEndsInTime) {
  Workflow slow = workflow();
  slow.warm_up = Duration::seconds(2);
  Machine machine(slow);
  machine.go(0);
  EXPECT_EQ(machine.remedy().phase, Phase::kWarmingUp);
  machine.incident.findings[0].over = true;
  machine.go(1'000);
  EXPECT_EQ(machine.remedy().outcome, RemedyOutcome::kNotNeeded);
  EXPECT_TRUE(machine.remedy().steps.empty());
}

TEST(Remedy, WaitsForAPersonAndOnlySoLong) {
  for (const auto& [words, later, expected] :
       {std::tuple{std::vector<Word>{}, 10'000, RemedyOutcome::kDenied},
        std::tuple{std::vector<Word>{{"anna", at(10), false}}, 100, RemedyOutcome::kDenied},
        std::tuple{std::vector<Word>{{"anna", at(10), true}}, 100, RemedyOutcome::kOpen}}) {
    Machine machine(workflow(), Verdict::kNeedsApproval);
    machine.go(0);
    EXPECT_EQ(machine.remedy().phase, Phase::kAwaitingApproval);
    for (const Word& word : words) apply(machine.state, WordGiven{1, word, {}}, word.at);
    machine.go(later);
    EXPECT_EQ(machine.remedy().outcome, expected);
    EXPECT_EQ(machine.remedy().steps.empty(), expected == RemedyOutcome::kDenied);
  }
}

TEST(Remedy, AsksThePolicyAgainBeforeItsFirstStep) {
  for (const Verdict verdict :
       {Verdict::kDeny, Verdict::kObserve, Verdict::kRecommend, Verdict::kNeedsApproval}) {
    Machine machine;
    machine.judged.verdict = verdict;
    machine.go(0);
    EXPECT_EQ(machine.remedy().outcome, RemedyOutcome::kDenied) << to_text(verdict);
    EXPECT_TRUE(machine.remedy().steps.empty());
  }
}

TEST(Remedy, StopsInEveryPhaseUnderTheKillSwitch) {
  const std::vector<std::function<void(Machine&)>> ways = {[](Machine&) {},
                                                           [](Machine& m) { m.go(0); },
                                                           [](Machine& m) {
                                                             m.go(0);
                                                             m.answer(StepOutcome::kDone, 10);
                                                           },
                                                           [](Machine& m) {
                                                             m.go(0);
                                                             m.answer(StepOutcome::kDone, 10);
                                                             m.go(1'100);
                                                           },
                                                           [](Machine& m) {
                                                             m.go(0);
                                                             m.go(7'000);
                                                           }};
  for (const auto& way : ways) {
    Machine machine;
    way(machine);
    const auto before = machine.remedy().steps.size();
    machine.killed = true;
    machine.go(7'100);
    EXPECT_EQ(machine.remedy().outcome, RemedyOutcome::kFailed);
    EXPECT_EQ(machine.remedy().steps.size(), before);
  }
}

TEST(Limits, HoldBackWhatIsTooMuch) {
  const World world = three();
  Action action = migrate();
  ASSERT_EQ(complete(action, world), Unfit::kNo);
  Incident incident = burning_incident();
  Limits limits;
  const auto held = [&](const State& state, int64_t ms, uint32_t radius = 1) {
    return held_back(state, workflow(), limits, action, incident, radius, at(ms));
  };
  EXPECT_EQ(held({}, 0), Held::kNo);
  EXPECT_EQ(held({}, 0, 2), Held::kBlastRadius);
  incident.confidence_ppm = 100'000;
  EXPECT_EQ(held({}, 0), Held::kDistrusted);
  incident = burning_incident();

  Machine running;
  EXPECT_EQ(held(running.state, 0), Held::kActive);
  limits.active_max = 5;
  EXPECT_EQ(held(running.state, 0), Held::kActive);  // the same target

  Machine ended;
  ended.go(0);
  ended.answer(StepOutcome::kDone, 10);
  ended.go(1'100);
  ended.incident.findings[0].over = true;
  ended.go(1'200);
  EXPECT_EQ(held(ended.state, 2'000), Held::kTried);  // it came back
  EXPECT_EQ(escalation(ended.state, incident, at(2'000)), ActionKind::kPage);
  incident.cause = FaultClass::kFullDisk;
  EXPECT_EQ(held(ended.state, 2'000), Held::kCooldown);
  EXPECT_EQ(held(ended.state, 40'000), Held::kNo);
  limits.rate_max = 1;
  EXPECT_EQ(held(ended.state, 40'000), Held::kRate);
}

TEST(Limits, ABreakerOpensAfterUndoingTwice) {
  State state;
  for (const int64_t ms : {0, 60'000}) {
    Machine machine;
    machine.go(0);
    machine.go(7'000);
    machine.answer(StepOutcome::kVoid, 7'100);
    Remedy undone = machine.remedy();
    undone.ended = at(ms);
    undone.started = at(ms);
    state.ended.push_back(undone);
  }
  Action action = migrate();
  ASSERT_EQ(complete(action, three()), Unfit::kNo);
  Incident incident = burning_incident();
  incident.cause = FaultClass::kFullDisk;
  const auto held = [&](int64_t ms) {
    return held_back(state, workflow(), {}, action, incident, 1, at(ms));
  };
  EXPECT_EQ(held(100'000), Held::kBreaker);
  EXPECT_EQ(held(60'000 + 900'000), Held::kNo);
}

}  // namespace
}  // namespace holdfast::orchestrator::remediation
