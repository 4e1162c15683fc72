// The gateway on libcurl against the scripted model over real sockets: every way in which a model
// can misbehave, and what is kept and played back.
#include "actors/agents/llm/gateway_curl.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "actors/agents/llm/gateway_files_linux.hpp"
#include "nodes/model/server_http.hpp"
#include "tests/unit/agents_llm/advice_fixture.hpp"

namespace holdfast::llm {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

GatewayClocks clocks() {
  return {[] { return MonoTime{std::chrono::steady_clock::now().time_since_epoch().count()}; },
          [] { return kAt; }};
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

class ScriptedModel : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-advisor-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  model::Server& serve(const std::string& script, const std::string& key = "") {
    model::ServerOptions options;
    options.script = script;
    options.slow = Duration::milliseconds(50);
    options.key = key;
    auto server = model::Server::start(options);
    EXPECT_TRUE(server.ok());
    servers_.push_back(std::move(server.value()));
    return *servers_.back();
  }
  static EndpointSettings endpoint(const std::string& name, const std::string& url) {
    EndpointSettings settings;
    settings.name = name;
    settings.dialect = Dialect::kVllm;
    settings.url = url;
    settings.model = "scripted";
    return settings;
  }
  GatewaySettings settings() const {
    GatewaySettings out;
    for (const auto& server : servers_)
      out.endpoints.push_back(endpoint("m" + std::to_string(out.endpoints.size()), server->url()));
    out.deadline = Duration::seconds(20);
    out.backoff = Duration::milliseconds(1);
    out.cache_entries = 0;
    return out;
  }
  std::unique_ptr<GatewayCurl> start(const GatewaySettings& settings) {
    auto gateway = GatewayCurl::start(settings, clocks(), [this](const Span& span) {
      const std::lock_guard lock(mutex_);
      spans_.push_back(span);
    });
    EXPECT_TRUE(gateway.ok()) << gateway.error().text;
    return std::move(gateway.value());
  }
  static AdviceReply ask(Advisor& advisor, AdviceRequest request = question()) {
    auto answer = std::make_shared<std::promise<AdviceReply>>();
    auto reply = answer->get_future();
    advisor.advise(std::move(request),
                   [answer](AdviceReply given) { answer->set_value(std::move(given)); });
    if (reply.wait_for(std::chrono::seconds(60)) != std::future_status::ready) {
      ADD_FAILURE() << "no answer";
      return {};
    }
    return reply.get();
  }

  std::string folder_;
  std::vector<std::unique_ptr<model::Server>> servers_;
  std::mutex mutex_;
  std::vector<Span> spans_;
};

TEST_F(ScriptedModel, AnswersWhatItsTableSays) {
  auto& server = serve("good");
  auto gateway = start(settings());
  const auto reply = ask(*gateway);
  ASSERT_EQ(reply.outcome, AdviceOutcome::kProposed) << to_text(reply.problem);
  EXPECT_EQ(reply.advisor, AdvisorKind::kModel);
  EXPECT_EQ(reply.proposals.front().action.kind, ActionKind::kMigrate);
  EXPECT_EQ(reply.proposals.front().action.target, place_of());
  EXPECT_EQ(reply.proposals.front().action.to, kThere);
  EXPECT_GT(reply.input_tokens, 0u);
  const auto standing = ask(*gateway, standing_question());
  ASSERT_EQ(standing.outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(standing.proposals.front().action.kind, ActionKind::kPromote);
  EXPECT_EQ(server.questions(), 2u);
}

TEST_F(ScriptedModel, EveryDialectIsUnderstood) {
  for (const auto dialect :
       {Dialect::kOpenai, Dialect::kVllm, Dialect::kLlamaCpp, Dialect::kOllama}) {
    servers_.clear();
    serve("good");
    auto with = settings();
    with.endpoints.front().dialect = dialect;
    EXPECT_EQ(ask(*start(with)).outcome, AdviceOutcome::kProposed) << to_text(dialect);
  }
}

struct Misbehaviour {
  const char* script;
  AdviceOutcome outcome;
  ReplyProblem problem;
};

TEST_F(ScriptedModel, EveryMisbehaviourHasItsOutcomeAndAGoodOneStillWorks) {
  using enum AdviceOutcome;
  const std::vector<Misbehaviour> all = {
      {"slow", kProposed, ReplyProblem::kNone},
      {"late", kLate, ReplyProblem::kNone},
      {"silent", kLate, ReplyProblem::kNone},
      {"half", kUnavailable, ReplyProblem::kNone},
      {"wrong_schema", kRefused, ReplyProblem::kShape},
      {"server_error", kUnavailable, ReplyProblem::kNone},
      {"forbidden", kUnavailable, ReplyProblem::kNone},
      {"wrong_action", kRefused, ReplyProblem::kActionNotAllowed},
      {"promote_all", kRefused, ReplyProblem::kActionNotAllowed},
      {"abstain", kAbstained, ReplyProblem::kNone},
      {"huge", kRefused, ReplyProblem::kTooLarge},
      {"declined", kRefused, ReplyProblem::kDeclined},
      {"cut_short", kRefused, ReplyProblem::kCutShort},
  };
  for (const auto& bad : all) {
    servers_.clear();
    auto& server = serve(bad.script);
    auto with = settings();
    if (bad.outcome == kLate) with.deadline = Duration::milliseconds(200);
    auto gateway = start(with);
    const auto reply = ask(*gateway);
    EXPECT_EQ(to_text(reply.outcome), to_text(bad.outcome)) << bad.script;
    EXPECT_EQ(to_text(reply.problem), to_text(bad.problem)) << bad.script;
    EXPECT_EQ(reply.proposals.empty(), bad.outcome != kProposed) << bad.script;
    // The next question, to an endpoint that has come round, is answered.
    ASSERT_TRUE(server.script("good").ok());
    with = settings();
    EXPECT_EQ(ask(*start(with)).outcome, kProposed) << bad.script;
  }
}

TEST_F(ScriptedModel, InjectedInstructionsDoNothing) {
  serve("injected");
  auto with = settings();
  with.endpoints.front().breaker_failures = 1'000;
  auto gateway = start(with);
  std::map<ReplyProblem, int> seen;
  for (int i = 0; i < 6; ++i) {
    const auto reply = ask(*gateway);
    ++seen[reply.problem];
    for (const auto& proposal : reply.proposals) {
      EXPECT_EQ(proposal.action.kind, ActionKind::kMigrate);
      for (const char c : proposal.reason) EXPECT_TRUE(c >= ' ' && c <= '~');
    }
  }
  EXPECT_EQ(seen[ReplyProblem::kNotJson], 2);
  EXPECT_EQ(seen[ReplyProblem::kShape], 2);
  EXPECT_EQ(seen[ReplyProblem::kNone], 2) << "only its words, and they are for people";
}

TEST_F(ScriptedModel, RandomAnswersAreRefusedOrAllowedOnes) {
  serve("random");
  auto with = settings();
  with.endpoints.front().breaker_failures = 1'000'000;
  with.incident_budget = with.day_budget = with.domain_budget = {};
  auto gateway = start(with);
  const auto request = question();
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    const auto reply = ask(*gateway, request);
    refused += reply.outcome == AdviceOutcome::kRefused;
    for (const auto& proposal : reply.proposals)
      EXPECT_TRUE(std::any_of(request.options.begin(), request.options.end(), [&](const auto& o) {
        return o.kind == proposal.action.kind && o.target == proposal.action.target;
      }));
  }
  EXPECT_GT(refused, 50);
  EXPECT_EQ(gateway->view().bugs, 0u);
}

TEST_F(ScriptedModel, RetryAfterIsHonoured) {
  auto& server = serve("throttled,unavailable,good");
  auto gateway = start(settings());
  const auto began = std::chrono::steady_clock::now();
  const auto reply = ask(*gateway);
  EXPECT_EQ(reply.outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(reply.attempts, 3u);
  EXPECT_EQ(server.questions(), 3u);
  // Told twice to wait for a second: an early third question would be the defect.
  EXPECT_GE(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_EQ(gateway->view().endpoints.front().state.throttled, 2u);
}

TEST_F(ScriptedModel, FailsOverInOrder) {
  auto& first = serve("server_error");
  auto& second = serve("silent");
  auto& third = serve("good");
  auto with = settings();
  with.endpoints[1].attempt_within = Duration::milliseconds(100);
  auto gateway = start(with);
  const auto reply = ask(*gateway);
  EXPECT_EQ(reply.outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(reply.endpoint, "m2");
  EXPECT_EQ(first.questions() + second.questions() + third.questions(), 3u);
}

TEST_F(ScriptedModel, OneThatIsNotThereIsUnavailableAtOnce) {
  auto& server = serve("good");
  auto with = settings();
  server.stop();
  with.endpoints.front().breaker_failures = 2;
  const auto reply = ask(*start(with));
  EXPECT_EQ(reply.outcome, AdviceOutcome::kUnavailable);
  EXPECT_EQ(reply.proposals.size(), 0u);
}

TEST_F(ScriptedModel, ManyAtOnceAreAllAnswered) {
  serve("good");
  auto with = settings();
  with.incident_budget = with.day_budget = with.domain_budget = {};
  auto gateway = start(with);
  std::vector<std::future<AdviceReply>> replies;
  for (int i = 0; i < 30; ++i) {
    auto answer = std::make_shared<std::promise<AdviceReply>>();
    replies.push_back(answer->get_future());
    gateway->advise(question(), [answer](AdviceReply reply) { answer->set_value(reply); });
  }
  for (auto& reply : replies) EXPECT_EQ(reply.get().outcome, AdviceOutcome::kProposed);
}

TEST_F(ScriptedModel, StoppingAnswersWhatIsOpen) {
  auto& server = serve("silent");
  auto gateway = start(settings());
  std::promise<AdviceReply> answer;
  gateway->advise(question(), [&](AdviceReply reply) { answer.set_value(std::move(reply)); });
  while (server.questions() == 0) std::this_thread::yield();
  gateway->stop();
  EXPECT_EQ(answer.get_future().get().outcome, AdviceOutcome::kUnavailable);
  EXPECT_EQ(ask(*gateway).outcome, AdviceOutcome::kUnavailable);
}

TEST_F(ScriptedModel, ACallbackThatThrowsHarmsNobody) {
  serve("good");
  auto gateway = start(settings());
  gateway->advise(question(), [](AdviceReply) { throw std::runtime_error("mine"); });
  EXPECT_EQ(ask(*gateway).outcome, AdviceOutcome::kProposed);
  EXPECT_EQ(gateway->view().bugs, 1u);
}

// ---- keys and files

TEST_F(ScriptedModel, TheKeyIsSentAndIsInNoFileAndNoTrace) {
  const std::string key = "sk-holdfast-very-secret";
  serve("good", key);
  auto with = settings();
  with.endpoints.front().api_key_file = folder_ + "/key";
  with.recording = Recording::kRecord;
  with.recording_file = folder_ + "/recording";
  with.trace_file = folder_ + "/traces";
  std::ofstream(with.endpoints.front().api_key_file) << key << "\n";
  chmod(with.endpoints.front().api_key_file.c_str(), 0600);
  EXPECT_EQ(ask(*start(with)).outcome, AdviceOutcome::kProposed);
  EXPECT_THAT(text_of(with.recording_file), Not(HasSubstr("secret")));
  EXPECT_THAT(text_of(with.trace_file), Not(HasSubstr("secret")));
  EXPECT_THAT(text_of(with.trace_file), HasSubstr("gen_ai.usage.output_tokens"));
  // Without the key the same server refuses.
  with.endpoints.front().api_key_file.clear();
  EXPECT_EQ(ask(*start(with)).outcome, AdviceOutcome::kUnavailable);
}

TEST_F(ScriptedModel, AKeyThatCannotBeHadIsAnErrorAtTheStart) {
  serve("good");
  auto with = settings();
  auto& endpoint = with.endpoints.front();
  const auto refused = [&] {
    auto gateway = GatewayCurl::start(with, clocks());
    return gateway.ok() ? std::string("started") : gateway.error().text;
  };
  endpoint.api_key_file = folder_ + "/none";
  EXPECT_THAT(refused(), HasSubstr("can't be read"));
  std::ofstream(folder_ + "/open") << "secret";
  chmod((folder_ + "/open").c_str(), 0644);
  endpoint.api_key_file = folder_ + "/open";
  EXPECT_THAT(refused(), testing::AllOf(HasSubstr("chmod 600"), Not(HasSubstr("secret"))));
  std::ofstream(folder_ + "/empty") << "\n";
  chmod((folder_ + "/empty").c_str(), 0600);
  endpoint.api_key_file = folder_ + "/empty";
  EXPECT_THAT(refused(), HasSubstr("no key"));
  std::ofstream(folder_ + "/lines") << "two\nlines";
  chmod((folder_ + "/lines").c_str(), 0600);
  endpoint.api_key_file = folder_ + "/lines";
  EXPECT_THAT(refused(), HasSubstr("control character"));
  endpoint.api_key_file.clear();
  endpoint.api_key_env = "HOLDFAST_TEST_NO_SUCH_KEY";
  EXPECT_THAT(refused(), HasSubstr("HOLDFAST_TEST_NO_SUCH_KEY"));
}

TEST_F(ScriptedModel, WhatWasRecordedIsPlayedBackWithoutAModel) {
  auto& server = serve("server_error,wrong_action,good,half,good");
  auto with = settings();
  with.attempts_max = 2;
  with.endpoints.front().breaker_failures = 100;
  with.recording = Recording::kRecord;
  with.recording_file = folder_ + "/recording";
  std::vector<AdviceReply> live, played;
  {
    auto gateway = start(with);
    for (int i = 0; i < 3; ++i) live.push_back(ask(*gateway));
  }
  const auto bytes = text_of(with.recording_file);
  server.stop();
  with.recording = Recording::kReplay;
  {
    auto gateway = start(with);
    for (int i = 0; i < 3; ++i) played.push_back(ask(*gateway));
    auto unknown = question();
    unknown.facts.front().value = 77;
    EXPECT_EQ(ask(*gateway, unknown).outcome, AdviceOutcome::kUnavailable);
  }
  ASSERT_EQ(live.size(), played.size());
  for (std::size_t i = 0; i < live.size(); ++i) {
    live[i].took = played[i].took = {};
    EXPECT_EQ(live[i], played[i]) << i;
  }
  EXPECT_EQ(text_of(with.recording_file), bytes);
  std::ofstream(with.recording_file, std::ios::app) << "exchange of nonsense\n";
  auto damaged = GatewayCurl::start(with, clocks());
  ASSERT_FALSE(damaged.ok());
  EXPECT_EQ(damaged.error().code, ErrorCode::kCorrupt);
}

TEST_F(ScriptedModel, WhatWasSpentTodayOutlivesTheProcess) {
  serve("good");
  auto with = settings();
  with.spending_file = folder_ + "/spent";
  Spent first;
  {
    auto gateway = start(with);
    ask(*gateway);
    ask(*gateway);
    first = gateway->view().today;
  }
  EXPECT_GT(first.tokens, 0);
  EXPECT_GE(start(with)->view().today.tokens, first.tokens);
  std::ofstream(with.spending_file) << "nonsense";
  EXPECT_EQ(start(with)->view().today.tokens, 0);
}

TEST_F(ScriptedModel, SpansComeForEveryAttempt) {
  serve("server_error,good");
  auto gateway = start(settings());
  ask(*gateway);
  gateway->stop();
  ASSERT_EQ(spans_.size(), 2u);
  EXPECT_EQ(spans_[0].error, "500");
  EXPECT_FALSE(spans_[1].failed);
}

// ---- without a model

TEST(Advisor, WithoutAnEndpointIsTheDeterministicOne) {
  auto advisor = make_advisor({}, clocks());
  ASSERT_TRUE(advisor.ok());
  EXPECT_EQ(advisor.value()->kind(), AdvisorKind::kDeterministic);
  AdviceReply given;
  advisor.value()->advise(question(), [&](AdviceReply reply) { given = std::move(reply); });
  EXPECT_EQ(given.advisor, AdvisorKind::kDeterministic);
  EXPECT_EQ(given.proposals.front().advisor, AdvisorKind::kDeterministic);
}

// ---- the binary

TEST(ModelBinary, ListensAnswersAndStops) {
  int out[2];
  ASSERT_EQ(pipe(out), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(out[1], STDOUT_FILENO);
    execl(HOLDFAST_MODEL_BINARY, "holdfast-model", "--script", "abstain", nullptr);
    _exit(127);
  }
  close(out[1]);
  FILE* lines = fdopen(out[0], "r");
  unsigned port = 0;
  ASSERT_EQ(std::fscanf(lines, "listening %u", &port), 1);
  GatewaySettings settings;
  settings.endpoints.emplace_back();
  settings.endpoints.front().name = "binary";
  settings.endpoints.front().model = "m";
  settings.endpoints.front().url = "http://127.0.0.1:" + std::to_string(port) + "/v1";
  auto gateway = GatewayCurl::start(settings, clocks());
  ASSERT_TRUE(gateway.ok());
  std::promise<AdviceReply> answer;
  gateway.value()->advise(question(),
                          [&](AdviceReply reply) { answer.set_value(std::move(reply)); });
  EXPECT_EQ(answer.get_future().get().outcome, AdviceOutcome::kAbstained);
  kill(child, SIGTERM);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  std::fclose(lines);
}

TEST(ModelScript, WordsThatAreNoneAreTold) {
  for (const auto* bad :
       {"", "goood", "good*0", "good*", "good*x", ",", "good,,good", "good*1000000"})
    EXPECT_FALSE(model::Script::parse(bad).ok()) << bad;
  auto script = model::Script::parse("throttled*2,good");
  ASSERT_TRUE(script.ok());
  using enum model::Behaviour;
  for (const auto wanted : {kThrottled, kThrottled, kGood, kGood})
    EXPECT_EQ(script.value().next(), wanted);
}

}  // namespace
}  // namespace holdfast::llm
