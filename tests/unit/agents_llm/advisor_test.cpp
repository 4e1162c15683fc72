#include "actors/agents/llm/advisor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/enumerators.hpp"
#include "tests/unit/agents_llm/advice_fixture.hpp"

namespace holdfast::llm {
namespace {

std::vector<ActionOption> everything(const Place& place) {
  std::vector<ActionOption> options;
  for (uint8_t code = 1; code <= kActionKinds; ++code)
    options.push_back({static_cast<ActionKind>(code), place, {kThere}, 0, 0, 0});
  return options;
}

bool is_option(const Proposal& proposal, const AdviceRequest& request) {
  for (const auto& option : request.options)
    if (option.kind == proposal.action.kind && option.target == proposal.action.target &&
        proposal.action.amount >= option.amount_min && proposal.action.amount <= option.amount_max)
      return true;
  return false;
}

TEST(DeterministicAdvisor, KnowsARuleForEveryFault) {
  for (const auto fault : fault_classes()) {
    EXPECT_FALSE(rules_for(fault).empty()) << to_text(fault);
    AdviceRequest request = question();
    request.incident.cause = fault;
    request.precedents.clear();
    request.options = everything(request.incident.place);
    const auto reply = advise_deterministically(request);
    ASSERT_EQ(reply.outcome, AdviceOutcome::kProposed) << to_text(fault);
    EXPECT_EQ(reply.proposals.front().action.kind, rules_for(fault).front()) << to_text(fault);
  }
}

TEST(DeterministicAdvisor, KnowsWhatToDoForEveryFailureButPoison) {
  for (const auto& actor : tests::enumerators<ActorClass>())
    for (const auto& failure : tests::enumerators<FailureClass>()) {
      AdviceRequest request = standing_question();
      request.actor = actor.value;
      request.failure = failure.value;
      request.options = everything(Place{});
      const bool none =
          failure.value == FailureClass::kNone || failure.value == FailureClass::kQuarantined;
      EXPECT_EQ(advise_deterministically(request).outcome,
                none ? AdviceOutcome::kAbstained : AdviceOutcome::kProposed)
          << actor.name << " " << failure.name;
    }
}

TEST(DeterministicAdvisor, AnswersAStandingQuestionAboutAFaultByTheFaultsRule) {
  AdviceRequest request = standing_question();
  request.failure = FailureClass::kNone;
  request.fault = FaultClass::kVenueSlow;
  request.options = everything(Place{});
  EXPECT_EQ(advise_deterministically(request).proposals.front().action.kind,
            ActionKind::kRerouteOrders);
}

TEST(DeterministicAdvisor, ProposesWhatTheRuleSaysWithItsReason) {
  const auto reply = advise_deterministically(question());
  ASSERT_EQ(reply.outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(reply.advisor, AdvisorKind::kDeterministic);
  const auto& best = reply.proposals.front();
  EXPECT_EQ(best.action.kind, ActionKind::kMigrate);
  EXPECT_EQ(best.action.to, kThere);
  EXPECT_EQ(best.incident, 12u);
  EXPECT_EQ(best.reason,
            "deterministic: rule 1 for slow_disk; in like cases it succeeded 3 of 3 times");
  EXPECT_THAT(best.precedents, testing::ElementsAre(PrecedentRef{41, 870'000}));
}

TEST(DeterministicAdvisor, ChoosesAnotherActionWhereTheFirstHasFailedBefore) {
  AdviceRequest request = question();
  request.precedents = {{{41, 900'000}, FaultClass::kSlowDisk, ActionKind::kMigrate, 0, 4, 3},
                        {{42, 900'000}, FaultClass::kSlowDisk, ActionKind::kFlushStorage, 6, 0, 0}};
  EXPECT_EQ(advise_deterministically(request).proposals.front().action.kind,
            ActionKind::kFlushStorage);
}

TEST(DeterministicAdvisor, TakesAnActionOutsideTheRuleOnlyWhereItHasSucceeded) {
  AdviceRequest request = question();
  request.options = {{ActionKind::kThrottle, Place{}, {}, 100'000, 900'000, 500'000}};
  EXPECT_EQ(advise_deterministically(request).outcome, AdviceOutcome::kAbstained);
  request.precedents = {{{9, 950'000}, FaultClass::kSlowDisk, ActionKind::kThrottle, 9, 0, 0}};
  const auto reply = advise_deterministically(request);
  ASSERT_EQ(reply.outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(reply.proposals.front().action.amount, 500'000);
  EXPECT_THAT(reply.proposals.front().reason, testing::HasSubstr("no rule"));
}

TEST(DeterministicAdvisor, IsLessSureOfAnUnsureIncident) {
  AdviceRequest request = question();
  const auto sure = advise_deterministically(request).proposals.front().confidence_ppm;
  request.incident.confidence_ppm = 300'000;
  EXPECT_LT(advise_deterministically(request).proposals.front().confidence_ppm, sure);
}

TEST(DeterministicAdvisor, AbstainsWithoutACauseOrAnOption) {
  AdviceRequest request = question();
  request.incident.cause = FaultClass::kNone;
  EXPECT_EQ(advise_deterministically(request).outcome, AdviceOutcome::kAbstained);
  request = question();
  request.options.clear();
  EXPECT_EQ(advise_deterministically(request).outcome, AdviceOutcome::kAbstained);
  EXPECT_TRUE(advise_deterministically(request).proposals.empty());
}

TEST(DeterministicAdvisor, LeavesOptionsElsewhereAlone) {
  AdviceRequest request = question();
  request.options = {{ActionKind::kMigrate, Place{kElsewhere, kGroup, {}}, {kThere}, 0, 0, 0}};
  EXPECT_EQ(advise_deterministically(request).outcome, AdviceOutcome::kAbstained);
}

// Whatever is asked, the answer is out of the options, of different actions, and the same twice.
TEST(DeterministicAdvisor, IsTotalAndDeterministic) {
  std::mt19937_64 random(20'261'121);
  const auto any = [&](uint64_t n) { return static_cast<int64_t>(random() % n); };
  for (int round = 0; round < 20'000; ++round) {
    AdviceRequest request = any(2) ? question() : standing_question();
    request.incident.cause = static_cast<FaultClass>(any(600));
    request.fault = static_cast<FaultClass>(any(600));
    request.actor = static_cast<ActorClass>(any(20));
    request.failure = static_cast<FailureClass>(any(10));
    request.incident.confidence_ppm = static_cast<uint32_t>(random());
    request.options.clear();
    for (auto n = any(8); n > 0; --n)
      request.options.push_back({static_cast<ActionKind>(any(20)),
                                 any(2) ? place_of() : Place{},
                                 {},
                                 any(2) ? INT64_MIN : 0,
                                 any(2) ? INT64_MAX : 0,
                                 static_cast<int64_t>(random())});
    request.precedents.clear();
    for (auto n = any(8); n > 0; --n)
      request.precedents.push_back({{random(), static_cast<uint32_t>(random())},
                                    FaultClass::kSlowDisk,
                                    static_cast<ActionKind>(any(18)),
                                    static_cast<uint32_t>(random()),
                                    static_cast<uint32_t>(random()),
                                    static_cast<uint32_t>(random())});
    const auto reply = advise_deterministically(request);
    EXPECT_EQ(reply, advise_deterministically(request));
    EXPECT_EQ(reply.outcome == AdviceOutcome::kProposed, !reply.proposals.empty());
    ASSERT_LE(reply.proposals.size(), limits::kAdviceProposalsMax);
    for (const auto& proposal : reply.proposals) {
      ASSERT_TRUE(is_option(proposal, request));
      ASSERT_EQ(proposal.advisor, AdvisorKind::kDeterministic);
      ASSERT_LE(proposal.confidence_ppm, 1'000'000u);
      ASSERT_LE(proposal.reason.size(), limits::kProposalReasonBytes);
    }
  }
}

TEST(DeterministicAdvisor, ActsWheneverAModelProposesNothing) {
  for (const auto& outcome : tests::enumerators<AdviceOutcome>()) {
    AdviceReply reply;
    reply.advisor = AdvisorKind::kModel;
    reply.outcome = outcome.value;
    const auto taken = or_deterministic(reply, question());
    EXPECT_EQ(taken.advisor, AdvisorKind::kDeterministic) << outcome.name;
    EXPECT_EQ(taken.outcome, AdviceOutcome::kProposed) << outcome.name;
  }
  AdviceReply good;
  good.advisor = AdvisorKind::kModel;
  good.outcome = AdviceOutcome::kProposed;
  good.proposals.resize(1);
  EXPECT_EQ(or_deterministic(good, question()), good);
}

}  // namespace
}  // namespace holdfast::llm
