// The advice desk as a node makes it: a real gateway, the scripted model behind real sockets, and
// precedents on a disk. Whatever the model does, each ask has an answer out of what was offered.
#include "nodes/node/healing/advice_desk_actor.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "nodes/model/server_http.hpp"
#include "nodes/node/healing/advisor_linux.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "tests/actor/healing_parts/desk_fixture.hpp"

namespace holdfast::node {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

constexpr auto kPatience = std::chrono::seconds(60);

WallTime now() { return {std::chrono::system_clock::now().time_since_epoch().count()}; }

class DeskOfANode : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-desk-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    settings.node.state_directory = name;
    settings.cases.push_back({1,
                              FaultClass::kSlowDisk,
                              {{telemetry::Metric::kFsyncLatency, true}},
                              ActionKind::kMigrate,
                              RemedyOutcome::kSucceeded,
                              3,
                              "a disk that is slow stays slow"});
    model::ServerOptions options;
    auto server = model::Server::start(options);
    ASSERT_TRUE(server.ok());
    model = std::move(server.value());
    llm::EndpointSettings endpoint;
    endpoint.name = "scripted";
    endpoint.dialect = llm::Dialect::kVllm;
    endpoint.url = model->url();
    endpoint.model = "scripted";
    endpoint.breaker_failures = 1'000;
    settings.advisor.endpoints = {endpoint};
    settings.advisor.backoff = Duration::milliseconds(1);
    settings.advisor.cache_entries = 0;
    settings.advisor.spending_file = "spent";
    settings.advisor.trace_file = "traces";
  }
  void TearDown() override {
    end();
    fs::remove_all(settings.node.state_directory);
  }
  void begin() {
    const llm::GatewayClocks clocks{
        [] { return MonoTime{std::chrono::steady_clock::now().time_since_epoch().count()}; }, now};
    const auto say = [this](const std::string& line, bool alarm) {
      const std::lock_guard lock(mutex);
      (alarm ? alarms : lines).push_back(line);
    };
    means = make_advice_means(settings, clocks, say);
    look_up = means.look_up();
    AdviceDeskSetup setup;
    setup.advisor = means.advisor;
    setup.precedents = means.precedents;
    setup.wall = now;
    setup.answer = [this](uint64_t ask, std::vector<Proposal> proposals) {
      const std::lock_guard lock(mutex);
      given[ask] = std::move(proposals);
      came.notify_all();
    };
    setup.say = say;
    SupervisorSetup tree;
    tree.path = "node";
    tree.registry = registry;
    tree.children.push_back(advice_child(std::move(setup)));
    system = std::make_unique<ActorSystem>();
    root = spawn_supervisor(system->get(), std::move(tree));
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (!registry->find("node/advice") && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    ASSERT_TRUE(registry->find("node/advice"));
  }
  void end() {
    if (!system) return;
    look_up = {};
    {
      ScopedActor self{system->get()};
      self->monitor(root);
      send_shutdown(root);
      self->receive([](const DownMessage&) {});
    }
    root = nullptr;
    system.reset();
    means = {};
  }
  std::vector<Proposal> ask(Duration within = Duration::seconds(30)) {
    const auto question = slow_disk_ask(last += 1, now(), within);
    anon_send(registry->find("node/advice"), AskOrder{question, world});
    std::unique_lock lock(mutex);
    EXPECT_TRUE(came.wait_for(lock, kPatience, [&] { return given.contains(last); }));
    return given[last];
  }
  AdviceDeskView view() {
    AdviceDeskView found;
    ScopedActor self{system->get()};
    self->request(registry->find("node/advice"), kPatience, AdviceDeskQuery{})
        .receive([&](const AdviceDeskViewAnswer& answer) { found = *answer; },
                 [](const ActorError& error) { ADD_FAILURE() << describe(error); });
    return found;
  }
  void expect_out_of_the_options(const std::vector<Proposal>& proposals) {
    const auto request =
        orchestrator::advice::request_for(slow_disk_ask(last, now()), *world, now());
    ASSERT_FALSE(proposals.empty());
    for (const auto& proposal : proposals) {
      EXPECT_TRUE(orchestrator::advice::offered(request, proposal.action));
      EXPECT_EQ(proposal.incident, 100 + last);
    }
  }

  settings::Settings settings;
  std::unique_ptr<model::Server> model;
  std::shared_ptr<const orchestrator::World> world = three_members();
  std::shared_ptr<RefRegistry> registry = std::make_shared<RefRegistry>();
  std::unique_ptr<ActorSystem> system;
  AdviceMeans means;
  ActorHandle root;
  agents::FindPrecedents look_up;
  uint64_t last = 0;
  std::mutex mutex;  // guards what follows
  std::condition_variable came;
  std::map<uint64_t, std::vector<Proposal>> given;
  std::vector<std::string> lines, alarms;
};

TEST_F(DeskOfANode, AsksTheModelWithPrecedentsAndGivesItsProposal) {
  begin();
  const auto proposals = ask();
  expect_out_of_the_options(proposals);
  EXPECT_EQ(proposals.front().advisor, AdvisorKind::kModel);
  EXPECT_EQ(proposals.front().action.kind, ActionKind::kMigrate);
  ASSERT_EQ(model->questions(), 1u);
  EXPECT_THAT(model->bodies().front(), HasSubstr("precedent-1"));
  const auto stood = view();
  EXPECT_EQ(stood.by_model, 1u);
  EXPECT_EQ(stood.precedents, 1u);
  ASSERT_EQ(stood.last.size(), 1u);
  EXPECT_EQ(stood.last[0].asked.endpoint, "scripted");
  EXPECT_EQ(stood.last[0].asked.attempts, 1u);
  EXPECT_NE(stood.last[0].asked.prompt_hash, 0u);
  EXPECT_NE(stood.last[0].asked.reply_hash, 0u);
  EXPECT_GT(stood.input_tokens, 0u);
  end();
  EXPECT_TRUE(fs::exists(settings.node.state_directory + "/traces"));
  EXPECT_TRUE(fs::exists(settings.node.state_directory + "/spent"));
  EXPECT_TRUE(alarms.empty()) << alarms.front();
}

TEST_F(DeskOfANode, WhateverTheModelDoesThereIsAnAnswerOutOfTheOptions) {
  begin();
  for (const char* script :
       {"wrong_schema", "wrong_action", "injected", "random", "promote_all", "abstain", "huge",
        "declined", "cut_short", "forbidden", "server_error", "half"}) {
    ASSERT_TRUE(model->script(script).ok());
    expect_out_of_the_options(ask());
  }
  ASSERT_TRUE(model->script("silent").ok());
  const WallTime begun = now();
  expect_out_of_the_options(ask(Duration::seconds(1)));
  EXPECT_EQ(view().last.front().asked.outcome, AdviceOutcome::kLate);
  EXPECT_LT(view().last.front().at, begun + Duration::seconds(60));
  ASSERT_TRUE(model->script("good").ok());
  EXPECT_EQ(ask().front().advisor, AdvisorKind::kModel) << "and a good one is used again";
}

TEST_F(DeskOfANode, WhatWasLearnedIsThereInTheNextLife) {
  begin();
  Incident incident = slow_disk_ask(1, now()).incident;
  anon_send(registry->find("node/advice"),
            CaseOver{incident, ActionKind::kPromote, RemedyOutcome::kSucceeded});
  EXPECT_EQ(view().learned, 1u);
  end();  // what waits is written first
  begin();
  EXPECT_EQ(view().precedents, 2u);
  const auto found = look_up(incident.findings.front());
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front().fault, FaultClass::kSlowDisk);
}

TEST_F(DeskOfANode, WithoutItsKeyOrItsFolderTheDeskWorksAndSaysSo) {
  settings.advisor.endpoints.front().api_key_file = settings.node.state_directory + "/no-key";
  std::ofstream(settings.node.state_directory + "/precedents") << "a file where a folder should be";
  begin();
  const auto proposals = ask();
  expect_out_of_the_options(proposals);
  EXPECT_EQ(proposals.front().advisor, AdvisorKind::kDeterministic);
  EXPECT_EQ(view().advisor, AdvisorKind::kDeterministic);
  EXPECT_FALSE(look_up);
  EXPECT_EQ(model->questions(), 0u);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(alarms.size(), 2u);
  EXPECT_THAT(alarms[0], HasSubstr("deterministic advisor"));
  EXPECT_THAT(alarms[1], HasSubstr("works without them"));
}

TEST_F(DeskOfANode, WithoutAnEndpointTheDeterministicAdvisorIsCalledThat) {
  settings.advisor.endpoints.clear();
  begin();
  expect_out_of_the_options(ask());
  EXPECT_EQ(view().advisor, AdvisorKind::kDeterministic);
  EXPECT_EQ(view().by_rules, 1u);
  EXPECT_EQ(view().by_model, 0u);
  const std::lock_guard lock(mutex);
  EXPECT_TRUE(alarms.empty());
  for (const auto& line : lines) EXPECT_THAT(line, Not(HasSubstr("by=model")));
}

}  // namespace
}  // namespace holdfast::node
