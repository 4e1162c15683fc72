// The advice desk against an advisor that the test plays: it answers, is slow, is silent, answers
// twice, or proposes what nobody offered; the loop gets one answer in time each time. Scheduler and
// clock are in the test's hands.
#include "nodes/node/healing/advice_desk_actor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <stdexcept>

#include "supervision/runtime/test_scheduler_actor.hpp"
#include "tests/actor/healing_parts/desk_fixture.hpp"

namespace holdfast::node {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// Keeps what it is asked; the test answers.
class PlayedAdvisor final : public Advisor {
 public:
  struct Call {
    AdviceRequest request;
    std::function<void(AdviceReply)> done;
  };
  void advise(AdviceRequest request, std::function<void(AdviceReply)> done) override {
    if (throws) throw std::runtime_error("no sockets left");
    if (at_once)
      done(*at_once);
    else
      calls.push_back({std::move(request), std::move(done)});
  }
  AdvisorKind kind() const override { return what; }

  AdvisorKind what = AdvisorKind::kModel;
  bool throws = false;
  std::optional<AdviceReply> at_once;
  std::vector<Call> calls;
};

class PlayedPrecedents final : public precedents::Precedents {
 public:
  struct Lesson {
    uint64_t incident;
    ActionKind action;
    RemedyOutcome outcome;
    WallTime at;
  };
  std::vector<precedents::Match> find(const precedents::Signature& signature,
                                      std::size_t k) const override {
    asked.push_back(signature.fault);
    return {matches.begin(), matches.begin() + static_cast<long>(std::min(k, matches.size()))};
  }
  Result<> learn(const Incident& incident, ActionKind action, RemedyOutcome outcome,
                 WallTime now) override {
    if (broken) return Error{ErrorCode::kIo, "the disk is gone"};
    lessons.push_back({incident.number, action, outcome, now});
    return success();
  }
  Result<precedents::Precedent> get(uint64_t) const override {
    return Error{ErrorCode::kNotFound, "none"};
  }
  std::vector<precedents::Precedent> list(FaultClass, std::size_t) const override { return {}; }
  std::size_t size() const override { return matches.size(); }

  std::vector<precedents::Match> matches;
  std::vector<Lesson> lessons;
  mutable std::vector<FaultClass> asked;
  bool broken = false;
};

struct Given {
  uint64_t ask;
  std::vector<Proposal> proposals;
  WallTime at;
};

class AdviceDesk : public ::testing::Test {
 protected:
  void SetUp() override {
    AdviceDeskSetup setup;
    setup.advisor = advisor;
    setup.precedents = precedents;
    setup.wall = [this] { return wall(); };
    setup.answer = [this](uint64_t ask, std::vector<Proposal> proposals) {
      given.push_back({ask, std::move(proposals), wall()});
    };
    setup.say = [this](const std::string& line, bool alarm) {
      (alarm ? alarms : lines).push_back(line);
    };
    SupervisorSetup tree;
    tree.path = "node";
    tree.spec.backoff.jitter_permille = 0;
    tree.registry = registry;
    tree.children.push_back(advice_child(std::move(setup)));
    root = spawn_supervisor(system.get(), std::move(tree));
    scheduler.advance(Duration::seconds(1));
  }
  void TearDown() override {
    send_kill(root);
    root = nullptr;
    scheduler.advance(Duration::seconds(1'000));
    registry.reset();
  }

  WallTime wall() const { return kStart + Duration{scheduler.now().ns}; }
  ActorHandle desk() { return registry->find("node/advice"); }
  void order(const orchestrator::healing::AskAdvice& ask) {
    anon_send(desk(), AskOrder{ask, world});
    scheduler.settle();
  }
  void pass(Duration span) { scheduler.advance(span); }
  /// The last call's answer.
  void reply(AdviceReply reply) {
    advisor->calls.back().done(std::move(reply));
    scheduler.settle();
  }
  AdviceReply proposing(ActionKind kind, MemberId to = {}) {
    AdviceReply reply;
    reply.advisor = AdvisorKind::kModel;
    reply.outcome = AdviceOutcome::kProposed;
    reply.endpoint = "m0";
    reply.attempts = 1;
    reply.input_tokens = 800;
    reply.output_tokens = 90;
    reply.cost_micros = 12;
    reply.prompt_hash = 0xabc;
    reply.reply_hash = 0xdef;
    Proposal proposal;
    proposal.action.kind = kind;
    proposal.action.target = {kA, kOrders, {}};
    proposal.action.to = to;
    proposal.confidence_ppm = 800'000;
    proposal.reason = "model: the other disk is well";
    reply.proposals.push_back(std::move(proposal));
    return reply;
  }
  static AdviceReply without(AdviceOutcome outcome, ReplyProblem problem = ReplyProblem::kNone) {
    AdviceReply reply;
    reply.advisor = AdvisorKind::kModel;
    reply.outcome = outcome;
    reply.problem = problem;
    return reply;
  }
  AdviceDeskView view() {
    AdviceDeskView found;
    system.get().spawn([&](EventBasedActor* self) {
      request_within(self, desk(), {"view", Duration::seconds(5)}, AdviceDeskQuery{})
          .then([&](const AdviceDeskViewAnswer& answer) { found = *answer; },
                [](const ActorError&) { ADD_FAILURE() << "the desk does not answer"; });
    });
    scheduler.settle();
    return found;
  }
  void expect_by_rules(const Given& answer) {
    ASSERT_FALSE(answer.proposals.empty());
    for (const auto& proposal : answer.proposals)
      EXPECT_EQ(proposal.advisor, AdvisorKind::kDeterministic);
  }

  ActorSystem system{{.deterministic = true}};
  TestScheduler scheduler{system};
  std::shared_ptr<RefRegistry> registry = std::make_shared<RefRegistry>();
  std::shared_ptr<PlayedAdvisor> advisor = std::make_shared<PlayedAdvisor>();
  std::shared_ptr<PlayedPrecedents> precedents = std::make_shared<PlayedPrecedents>();
  std::shared_ptr<const orchestrator::World> world = three_members();
  ActorHandle root;
  std::vector<Given> given;
  std::vector<std::string> lines, alarms;
};

TEST_F(AdviceDesk, GivesWhatTheModelChoseOutOfTheOptions) {
  order(slow_disk_ask(1, wall()));
  ASSERT_EQ(advisor->calls.size(), 1u);
  const auto& request = advisor->calls.front().request;
  EXPECT_EQ(request.incident.number, 101u);
  EXPECT_EQ(request.at, wall());
  ASSERT_EQ(request.options.size(), 3u);
  EXPECT_THAT(given, IsEmpty());
  pass(Duration::seconds(1));
  reply(proposing(ActionKind::kPromote, kC));
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].ask, 1u);
  ASSERT_EQ(given[0].proposals.size(), 1u);
  EXPECT_EQ(given[0].proposals[0].incident, 101u);
  EXPECT_EQ(given[0].proposals[0].advisor, AdvisorKind::kModel);
  EXPECT_EQ(given[0].proposals[0].action, (Action{ActionKind::kPromote, {kA, kOrders, {}}, kC, 0}));
  ASSERT_EQ(lines.size(), 1u);
  for (const char* word :
       {"ask=1", "incident=101", "slow_disk", "proposed=promote", "by=model", "outcome=proposed",
        "endpoint=m0", "attempts=1", "tokens=800+90", "cost_micros=12", "prompt=0000000000000abc"})
    EXPECT_THAT(lines[0], HasSubstr(word));
  const auto now = view();
  EXPECT_EQ(now.advisor, AdvisorKind::kModel);
  EXPECT_EQ(now.asked, 1u);
  EXPECT_EQ(now.by_model, 1u);
  EXPECT_EQ(now.by_rules, 0u);
  EXPECT_EQ(now.input_tokens, 800u);
  EXPECT_EQ(now.cost_micros, 12);
  ASSERT_EQ(now.last.size(), 1u);
  EXPECT_EQ(now.last[0].asked.reply_hash, 0xdefu);
  EXPECT_EQ(now.last[0].proposed, (std::vector{ActionKind::kPromote}));
}

TEST_F(AdviceDesk, WhatEverTheModelSaysBesidesAProposalTheRulesAnswer) {
  uint64_t number = 0;
  for (const auto outcome :
       {AdviceOutcome::kAbstained, AdviceOutcome::kRefused, AdviceOutcome::kLate,
        AdviceOutcome::kUnavailable, AdviceOutcome::kNotAllowed, AdviceOutcome::kOverIncidentBudget,
        AdviceOutcome::kOverDayBudget, AdviceOutcome::kOverDomainBudget, AdviceOutcome::kBusy}) {
    order(slow_disk_ask(++number, wall()));
    reply(without(outcome, outcome == AdviceOutcome::kRefused ? ReplyProblem::kNotJson
                                                              : ReplyProblem::kNone));
    ASSERT_EQ(given.size(), number);
    expect_by_rules(given.back());
    EXPECT_EQ(given.back().proposals.front().incident, 100 + number);
    EXPECT_EQ(view().outcomes[static_cast<std::size_t>(outcome)], 1u);
  }
  EXPECT_EQ(view().by_rules, number);
  EXPECT_EQ(view().problems[static_cast<std::size_t>(ReplyProblem::kNotJson)], 1u);
  EXPECT_THAT(lines[1], HasSubstr("problem=not_json"));
}

TEST_F(AdviceDesk, ASilentAdvisorIsAnsweredForBeforeTheAskExpires) {
  order(slow_disk_ask(1, wall()));
  const auto within = advisor->calls.front().request.within;
  ASSERT_TRUE(within);
  EXPECT_LT(*within, Duration::seconds(3));
  EXPECT_GT(*within, Duration::milliseconds(2'500));
  const WallTime expires = wall() + Duration::seconds(3);
  pass(*within);
  EXPECT_THAT(given, IsEmpty()) << "it has its whole time";
  pass(Duration::seconds(3));
  ASSERT_EQ(given.size(), 1u);
  EXPECT_LT(given[0].at, expires);
  expect_by_rules(given[0]);
  EXPECT_EQ(view().outcomes[static_cast<std::size_t>(AdviceOutcome::kLate)], 1u);
  reply(proposing(ActionKind::kPromote, kC));
  EXPECT_EQ(given.size(), 1u) << "one answer, whatever comes later";
  EXPECT_EQ(view().too_late, 1u);
  EXPECT_EQ(view().open, 0u);
}

TEST_F(AdviceDesk, AShortAskIsAnsweredInTimeToo) {
  order(slow_disk_ask(1, wall(), Duration::milliseconds(100)));
  const WallTime expires = wall() + Duration::milliseconds(100);
  pass(Duration::seconds(1));
  ASSERT_EQ(given.size(), 1u);
  EXPECT_LT(given[0].at, expires);
}

TEST_F(AdviceDesk, TheSecondOfTwoAnswersIsNone) {
  order(slow_disk_ask(1, wall()));
  const auto done = advisor->calls.front().done;
  done(proposing(ActionKind::kMigrate, kB));
  done(proposing(ActionKind::kDrain));
  scheduler.settle();
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].proposals.front().action.kind, ActionKind::kMigrate);
  EXPECT_EQ(view().too_late, 1u);
}

TEST_F(AdviceDesk, WhatNobodyOfferedIsRefusedWhole) {
  std::vector<AdviceReply> hostile;
  hostile.push_back(proposing(ActionKind::kHaltVenue));      // no workflow, no option
  hostile.push_back(proposing(ActionKind::kMigrate, kA));    // to where it is
  hostile.push_back(proposing(ActionKind::kMigrate, {99}));  // to nobody
  hostile.push_back(proposing(ActionKind::kNone));
  hostile.push_back(proposing(static_cast<ActionKind>(200)));
  hostile.push_back(proposing(ActionKind::kMigrate, kB));
  hostile.back().proposals.front().action.target.group = {2001};
  hostile.push_back(proposing(ActionKind::kMigrate, kB));
  hostile.back().proposals.front().action.amount = 7;
  hostile.push_back(proposing(ActionKind::kMigrate, kB));  // a good one and a bad one
  hostile.back().proposals.push_back(proposing(ActionKind::kPage).proposals.front());
  uint64_t number = 0;
  for (auto& one : hostile) {
    order(slow_disk_ask(++number, wall()));
    reply(one);
    ASSERT_EQ(given.size(), number);
    expect_by_rules(given.back());
  }
  EXPECT_EQ(view().by_model, 0u);
  EXPECT_EQ(view().problems[static_cast<std::size_t>(ReplyProblem::kActionNotAllowed)], number);
  EXPECT_EQ(view().outcomes[static_cast<std::size_t>(AdviceOutcome::kRefused)], number);
}

TEST_F(AdviceDesk, NobodySpeaksInAnothersName) {
  order(slow_disk_ask(1, wall()));
  auto forged = proposing(ActionKind::kMigrate, kB);
  forged.proposals.front().advisor = AdvisorKind::kOperator;
  forged.proposals.front().incident = 1;
  forged.proposals.front().reason.assign(5'000, 'x');
  reply(forged);
  ASSERT_EQ(given.size(), 1u);
  const auto& proposal = given[0].proposals.front();
  EXPECT_EQ(proposal.advisor, AdvisorKind::kModel);
  EXPECT_EQ(proposal.incident, 101u);
  EXPECT_LE(proposal.reason.size(), limits::kProposalReasonBytes);
}

TEST_F(AdviceDesk, TheSameAskIsAskedOnceAndAnsweredAsOftenAsItIsTold) {
  const auto ask = slow_disk_ask(1, wall());
  order(ask);
  order(ask);
  pass(Duration::seconds(1));
  order(ask);
  EXPECT_EQ(advisor->calls.size(), 1u);
  EXPECT_THAT(given, IsEmpty());
  reply(proposing(ActionKind::kPromote, kB));
  order(ask);
  order(ask);
  EXPECT_EQ(advisor->calls.size(), 1u);
  ASSERT_EQ(given.size(), 3u);
  EXPECT_EQ(given[1].proposals, given[0].proposals);
  EXPECT_EQ(given[2].proposals, given[0].proposals);
  EXPECT_EQ(view().asked, 1u);
  EXPECT_EQ(view().repeated, 4u);
  EXPECT_EQ(lines.size(), 1u);
}

TEST_F(AdviceDesk, RemembersTheLastAnswersAndNoMore) {
  advisor->at_once = proposing(ActionKind::kMigrate, kB);
  constexpr uint64_t kMany = AdviceDeskActor::kAnswersKept + 10;
  for (uint64_t number = 1; number <= kMany; ++number) order(slow_disk_ask(number, wall()));
  EXPECT_EQ(given.size(), kMany);
  const auto now = view();
  ASSERT_EQ(now.last.size(), AdviceDeskActor::kAnswersKept);
  EXPECT_EQ(now.last.front().ask, kMany);
  EXPECT_EQ(now.asked, kMany);
}

TEST_F(AdviceDesk, TooManyOpenAsksAreAnsweredByTheRulesAtOnce) {
  for (uint64_t number = 1; number <= AdviceDeskActor::kOpenMax + 3; ++number)
    order(slow_disk_ask(number, wall(), Duration::seconds(60)));
  EXPECT_EQ(advisor->calls.size(), AdviceDeskActor::kOpenMax);
  ASSERT_EQ(given.size(), 3u);
  for (const auto& answer : given) expect_by_rules(answer);
  EXPECT_EQ(view().outcomes[static_cast<std::size_t>(AdviceOutcome::kBusy)], 3u);
  EXPECT_EQ(view().open, AdviceDeskActor::kOpenMax);
}

TEST_F(AdviceDesk, WhereNothingMayBeProposedNobodyIsAsked) {
  auto ask = slow_disk_ask(1, wall());
  ask.ask.tried = {ActionKind::kMigrate, ActionKind::kPromote, ActionKind::kDrain};
  order(ask);
  EXPECT_THAT(advisor->calls, IsEmpty());
  ASSERT_EQ(given.size(), 1u);
  EXPECT_THAT(given[0].proposals, IsEmpty());
  EXPECT_EQ(view().with_nothing, 1u);
  EXPECT_THAT(lines.front(), HasSubstr("proposed=nothing"));
}

TEST_F(AdviceDesk, AnAskThatHasExpiredOrHasNoWorldIsCountedAndLeft) {
  const auto ask = slow_disk_ask(1, wall());
  pass(Duration::seconds(3));
  order(ask);
  world = nullptr;
  order(slow_disk_ask(2, wall()));
  EXPECT_THAT(given, IsEmpty());
  EXPECT_THAT(advisor->calls, IsEmpty());
  EXPECT_EQ(view().unusable, 2u);
  world = three_members();
  order(slow_disk_ask(2, wall()));
  EXPECT_EQ(advisor->calls.size(), 1u) << "told again with a world it is asked";
}

TEST_F(AdviceDesk, InAdvanceProposalsNameNoPlaceAndNoIncident) {
  order(standing_ask(1, wall(), *world));
  ASSERT_EQ(advisor->calls.size(), 1u);
  const auto& request = advisor->calls.front().request;
  EXPECT_EQ(request.kind, AdviceKind::kStanding);
  auto chosen = proposing(ActionKind::kPromote);
  chosen.proposals.front().action.target = {};
  reply(chosen);
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].proposals.front().action, (Action{ActionKind::kPromote, {}, {}, 0}));
  EXPECT_EQ(given[0].proposals.front().incident, 0u);
  EXPECT_THAT(lines.back(), HasSubstr("order_shard gave_up"));
  order(standing_ask(2, wall(), *world));
  reply(proposing(ActionKind::kPromote));  // names a place
  expect_by_rules(given.back());
  for (const auto& proposal : given.back().proposals) EXPECT_EQ(proposal.action.target, Place{});
}

TEST_F(AdviceDesk, PrecedentsOfWhatItLooksLikeGoIntoTheQuestionAndWeighTheRules) {
  precedents->matches = {{{7, 900'000},
                          FaultClass::kSlowDisk,
                          800'000,
                          {{ActionKind::kPromote, 40, 0, 0}, {ActionKind::kMigrate, 0, 2, 30}}}};
  order(slow_disk_ask(1, wall()));
  EXPECT_EQ(precedents->asked, (std::vector{FaultClass::kSlowDisk}));
  ASSERT_EQ(advisor->calls.front().request.precedents.size(), 2u);
  EXPECT_EQ(advisor->calls.front().request.precedents[0].ref.incident, 7u);
  reply(without(AdviceOutcome::kAbstained));
  expect_by_rules(given.back());
  EXPECT_EQ(given.back().proposals.front().action.kind, ActionKind::kPromote);
  precedents->matches.clear();
  order(slow_disk_ask(2, wall()));
  reply(without(AdviceOutcome::kAbstained));
  EXPECT_EQ(given.back().proposals.front().action.kind, ActionKind::kMigrate)
      << "the first rule's, where nothing is known";
}

TEST_F(AdviceDesk, HowRemediesEndIsTaughtAndAFailureToIsSaid) {
  const Incident incident = slow_disk_ask(1, wall()).incident;
  anon_send(desk(), CaseOver{incident, ActionKind::kMigrate, RemedyOutcome::kSucceeded});
  scheduler.settle();
  ASSERT_EQ(precedents->lessons.size(), 1u);
  EXPECT_EQ(precedents->lessons[0].incident, 101u);
  EXPECT_EQ(precedents->lessons[0].action, ActionKind::kMigrate);
  EXPECT_EQ(precedents->lessons[0].outcome, RemedyOutcome::kSucceeded);
  EXPECT_EQ(precedents->lessons[0].at, wall());
  precedents->broken = true;
  anon_send(desk(), CaseOver{incident, ActionKind::kDrain, RemedyOutcome::kFailed});
  scheduler.settle();
  EXPECT_EQ(view().learned, 1u);
  EXPECT_EQ(view().not_learned, 1u);
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_THAT(alarms[0], HasSubstr("the disk is gone"));
}

TEST_F(AdviceDesk, AnAdvisorThatThrowsIsAnsweredForAndTheDeskLivesOn) {
  advisor->throws = true;
  const auto before = desk();
  order(slow_disk_ask(1, wall()));
  ASSERT_EQ(given.size(), 1u);
  expect_by_rules(given[0]);
  ASSERT_EQ(alarms.size(), 1u);
  EXPECT_THAT(alarms[0], HasSubstr("no sockets left"));
  EXPECT_EQ(desk(), before);
  EXPECT_EQ(view().open, 0u);
}

TEST_F(AdviceDesk, ADeskThatIsKilledComesBackAndAnswersWhatItIsToldAgain) {
  const auto ask = slow_disk_ask(1, wall(), Duration::seconds(60));
  order(ask);
  const auto before = desk();
  send_kill(before);
  pass(Duration::seconds(5));
  ASSERT_TRUE(desk());
  ASSERT_NE(desk(), before);
  reply(proposing(ActionKind::kDrain));  // to the one that is gone
  EXPECT_THAT(given, IsEmpty());
  order(ask);
  ASSERT_EQ(advisor->calls.size(), 2u);
  reply(proposing(ActionKind::kMigrate, kB));
  ASSERT_EQ(given.size(), 1u);
  EXPECT_EQ(given[0].proposals.front().action.kind, ActionKind::kMigrate);
}

}  // namespace
}  // namespace holdfast::node
