// The operator's questions and words about the self-healing loop, through the node's backend, with
// an orchestrator that the test plays.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "nodes/node/operator/healing_views_actor.hpp"
#include "nodes/node/operator_actor.hpp"
#include "nodes/node/orchestrator_part_actor.hpp"
#include "supervision/runtime/hot_loop_linux.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "tests/integration/operator_api/healing_fixture.hpp"

namespace holdfast::node {
namespace {

using operator_api::HealingBoard;
using orchestrator::HealingQuery;
using orchestrator::HealingTaken;
using orchestrator::HealingViewAnswer;
using orchestrator::OperatorHealing;
namespace healing = orchestrator::healing;

class OperatorHealingTest : public ::testing::Test {
 protected:
  OperatorHealingTest() : registry(std::make_shared<RefRegistry>()) {
    settings.node.name = "node-1";
    settings.node.shards = 1;
    settings::VenueSettings venue;
    venue.entry.name = "XSIM";
    venue.entry.group = {1'001};
    settings.venues.push_back(venue);
    settings.cluster.emplace();
    for (uint32_t number = 1; number <= 3; ++number) {
      settings::ClusterMember member;
      member.id = {number};
      member.name = "node-" + std::to_string(number);
      settings.cluster->members.push_back(member);
    }
    OperatorSetup setup;
    setup.settings = &settings;
    setup.system = &system.get();
    setup.registry = registry;
    setup.wall = [this] { return wall.load(); };
    setup.groups = [] {
      operator_api::ReplicaGroupView view;
      view.group = orchestrator::kGroup;
      view.leader = "node-2";
      return operator_api::ReplicaGroupsView{"node-1", {view}};
    };
    backend = make_operator_backend(std::move(setup));
  }
  ~OperatorHealingTest() override {
    backend.reset();
    if (orchestrator)
      registry->erase(kOrchestratorPath, caf::actor_cast<ActorAddress>(orchestrator));
    orchestrator = nullptr;
    loop.close();
  }

  void start_orchestrator() {
    orchestrator = spawn_function_on(system.get(), loop, [this](LoopActor*) -> Behavior {
      return {[this](const HealingQuery&) {
                queries += 1;
                return view;
              },
              [this](const OperatorHealing& word) {
                words.push_back(word.command);
                return taken;
              }};
    });
    registry->set(kOrchestratorPath, orchestrator);
  }

  operator_api::Call call() const {
    return {{operator_api::Role::kAdmin, "ann"}, "why", Duration::seconds(20)};
  }
  /// What was answered; nothing came: kUnavailable with no text.
  template <typename T>
  Result<T> wait(std::future<Result<T>> answer) {
    const MonoTime until = loop.now() + Duration::seconds(20);
    while (loop.now() < until) {
      loop.turn();
      if (answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready)
        return answer.get();
    }
    return Error{ErrorCode::kUnavailable, ""};
  }
  Result<HealingBoard> look() {
    auto promise = std::make_shared<std::promise<Result<HealingBoard>>>();
    backend->healing(call(), [promise](auto board) { promise->set_value(std::move(board)); });
    return wait(promise->get_future());
  }
  template <typename What>
  Result<HealingTaken> say(What what) {
    auto promise = std::make_shared<std::promise<Result<HealingTaken>>>();
    backend->healing_command(call(), {std::move(what), nullptr},
                             [promise](auto done) { promise->set_value(std::move(done)); });
    return wait(promise->get_future());
  }

  settings::Settings settings;
  std::shared_ptr<RefRegistry> registry;
  ActorSystem system;
  HotLoop loop;
  ActorHandle orchestrator;
  HealingViewAnswer view = operator_api::healing_board().view;
  HealingTaken taken{true, "journaled", 4'712, {}};
  std::vector<healing::Command> words;
  int queries = 0;
  std::atomic<WallTime> wall{operator_api::night(125)};
  std::unique_ptr<operator_api::OperatorBackend> backend;
};

TEST_F(OperatorHealingTest, BoardComesWithNamesAndWhoLeads) {
  start_orchestrator();
  const auto board = look();
  ASSERT_TRUE(board) << board.error().text;
  EXPECT_EQ(board.value().view, view);
  EXPECT_EQ(board.value().member, "node-1");
  EXPECT_EQ(board.value().leader, "node-2");
  EXPECT_EQ(board.value().now, operator_api::night(125));
  const auto names = backend->place_names();
  EXPECT_EQ(names.of(MemberId{3}), "node-3");
  EXPECT_EQ(names.of(GroupId{1}), "orders/0");
  EXPECT_EQ(names.of(GroupId{1'001}), "venue/XSIM");
  EXPECT_EQ(names.of(orchestrator::kGroup), "orchestrator");
}

TEST_F(OperatorHealingTest, WithoutAnOrchestratorItIsUnavailable) {
  auto board = look();
  ASSERT_FALSE(board);
  EXPECT_EQ(board.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(board.error().text, testing::HasSubstr("not running"));
  EXPECT_EQ(say(healing::Approve{12, "ann"}).error().code, ErrorCode::kUnavailable);
  view = nullptr;
  start_orchestrator();
  board = look();
  ASSERT_FALSE(board) << "it has no state yet";
  EXPECT_EQ(board.error().code, ErrorCode::kUnavailable);
}

TEST_F(OperatorHealingTest, OrchestratorIsAskedOnlySoOften) {
  start_orchestrator();
  EXPECT_TRUE(look());
  EXPECT_TRUE(look());
  EXPECT_EQ(queries, 1);
  wall = operator_api::night(125) + HealingViews::kFresh;
  EXPECT_TRUE(look());
  EXPECT_EQ(queries, 2);
  EXPECT_TRUE(say(healing::Approve{12, "ann"}));
  EXPECT_TRUE(look());
  EXPECT_EQ(queries, 3) << "whoever said something sees what came of it";
  wall = operator_api::night(0);
  EXPECT_TRUE(look());
  EXPECT_EQ(queries, 4) << "a clock that was set back keeps no old view";
}

TEST_F(OperatorHealingTest, WordsGoToTheOrchestratorAndItsCodeComesBack) {
  start_orchestrator();
  const auto done = say(healing::Approve{12, "ann"});
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(done.value().as_of, 4'712u);
  ASSERT_EQ(words.size(), 1u);
  EXPECT_EQ(std::get<healing::Approve>(words[0].what).identity, "ann");
  taken = {false, "there is no remedy 12", 0, ErrorCode::kNotFound};
  EXPECT_EQ(say(healing::Reject{12, "ann", "no"}).error().code, ErrorCode::kNotFound);
  taken = {false, "the kill switch is on", 0, ErrorCode::kConflict};
  const auto vain = say(healing::KillSwitch{true, "ann", "x"});
  EXPECT_EQ(vain.error().code, ErrorCode::kConflict);
  EXPECT_EQ(vain.error().text, "the kill switch is on");
}

TEST_F(OperatorHealingTest, ProposalAboutNoIncidentGoesNowhere) {
  start_orchestrator();
  Proposal proposal;
  proposal.action.kind = ActionKind::kDrain;
  proposal.incident = 6;
  const auto vain = say(healing::Propose{proposal, "ann"});
  ASSERT_FALSE(vain);
  EXPECT_EQ(vain.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(words.empty());
  proposal.incident = 7;
  EXPECT_TRUE(say(healing::Propose{proposal, "ann"}));
  proposal.incident = 0;
  EXPECT_TRUE(say(healing::Propose{proposal, "ann"}));
  EXPECT_EQ(words.size(), 2u);
}

}  // namespace
}  // namespace holdfast::node
