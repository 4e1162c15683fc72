#include "actors/agents/llm/reply.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "actors/agents/llm/dialect.hpp"
#include "actors/agents/llm/json.hpp"
#include "tests/enumerators.hpp"
#include "tests/unit/agents_llm/advice_fixture.hpp"

namespace holdfast::llm {
namespace {

class Reply : public testing::Test {
 protected:
  CheckedReply check(const std::string& content) const {
    return check_reply(content, request_, prompt_.tokens);
  }
  // The right answer with `from`, which must be in it, replaced.
  std::string with(const std::string& from, const std::string& to) const {
    auto text = right_answer();
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  AdviceRequest request_ = question("disk-7");
  Prompt prompt_ = build_prompt(request_).value();
};

TEST_F(Reply, ARightOneBecomesAProposal) {
  const auto checked = check(right_answer());
  ASSERT_EQ(checked.problem, ReplyProblem::kNone) << checked.where;
  ASSERT_EQ(checked.proposals.size(), 1u);
  const auto& proposal = checked.proposals.front();
  EXPECT_EQ(proposal.action.kind, ActionKind::kMigrate);
  EXPECT_EQ(proposal.action.target, place_of("disk-7"));
  EXPECT_EQ(proposal.action.to, kThere);
  EXPECT_EQ(proposal.advisor, AdvisorKind::kModel);
  EXPECT_EQ(proposal.incident, 12u);
  EXPECT_EQ(proposal.confidence_ppm, 800'000u);
  EXPECT_THAT(proposal.precedents, testing::ElementsAre(PrecedentRef{41, 870'000}));
  EXPECT_EQ(proposal.reason,
            "model: the disk is slow, the other member is in sync [evidence-1 precedent-1]");
}

TEST_F(Reply, AbstainingIsAnAnswer) {
  const auto checked = check(R"({"abstain":true,"proposals":[]})");
  EXPECT_EQ(checked.problem, ReplyProblem::kNone);
  EXPECT_TRUE(checked.abstains);
  EXPECT_TRUE(checked.proposals.empty());
}

TEST_F(Reply, AModelsWordsAreMadePrintableAndCut) {
  const auto checked = check(with("the disk is slow", "a\\u001b[31m\\u0000\\n\xc3\xa9"));
  ASSERT_EQ(checked.problem, ReplyProblem::kNone) << checked.where;
  EXPECT_THAT(checked.proposals.front().reason, testing::StartsWith("model: a?[31m????"));
  const auto longest = check(with("the disk is slow", std::string(200, 'x')));
  ASSERT_EQ(longest.problem, ReplyProblem::kNone);
  EXPECT_LE(longest.proposals.front().reason.size(), limits::kProposalReasonBytes);
}

TEST_F(Reply, EveryWrongOneIsRefusedWithItsReason) {
  using enum ReplyProblem;
  const std::string two = right_answer().substr(0, right_answer().size() - 2) + "," +
                          right_answer().substr(right_answer().find("{\"action"));
  const std::vector<std::pair<std::string, ReplyProblem>> cases = {
      {"", kNotJson},
      {"null", kShape},
      {"[]", kShape},
      {"{}", kShape},
      {"Sure! " + right_answer(), kNotJson},
      {"```json\n" + right_answer() + "\n```", kNotJson},
      {right_answer() + "}", kNotJson},
      {right_answer() + right_answer(), kNotJson},
      {right_answer().substr(0, 60), kNotJson},
      {with("the disk", std::string(1, '\xff')), kNotJson},
      {std::string(limits::kReplyBytesMax + 1, ' '), kTooLarge},
      {std::string(9, '[') + std::string(9, ']'), kTooDeep},
      {std::string(10'000, '['), kTooDeep},
      {with("\"amount\":0", "\"amount\":0,\"amount\":0"), kDuplicateKey},
      {with("{\"abstain\":false", "{\"abstain\":true,\"abstain\":false"), kDuplicateKey},
      {with("\"amount\":0", "\"amount\":0,\"force\":true"), kShape},
      {with("\"amount\":0,", ""), kShape},
      {with("\"amount\":0", "\"amount\":\"0\""), kShape},
      {with("\"amount\":0", "\"amount\":0.5"), kShape},
      {with("\"amount\":0", "\"amount\":null"), kShape},
      {with("\"abstain\":false", "\"abstain\":0"), kShape},
      {with("\"because\":[\"evidence-1\"", "\"because\":[1"), kShape},
      {with("the disk is slow", std::string(241, 'x')), kShape},
      {with("\"migrate\"", "\"\""), kShape},
      {with("\"abstain\":false", "\"abstain\":true"), kContradiction},
      {R"({"abstain":false,"proposals":[]})", kContradiction},
      {with("migrate", "sell_everything"), kUnknownAction},
      {with("migrate", "Migrate"), kUnknownAction},
      {with("migrate", "none"), kActionNotAllowed},
      {with("migrate", "halt_venue"), kActionNotAllowed},
      {with("place-1", "place-77"), kUnknownTarget},
      {with("place-1", "evidence-1"), kUnknownTarget},
      {with("place-1", "disk-7"), kUnknownTarget},
      {with("place-1", "place-2"), kTargetNotAllowed},
      {with("member-1", "member-9"), kUnknownDestination},
      {with("member-1", "everywhere"), kUnknownDestination},
      {with("member-1", "member-3"), kDestinationNotAllowed},
      {with("\"amount\":0", "\"amount\":1"), kAmountOutOfRange},
      {with("\"amount\":0", "\"amount\":-1"), kAmountOutOfRange},
      {with("\"amount\":0", "\"amount\":18446744073709551615"), kAmountOutOfRange},
      {with("percent\":80", "percent\":101"), kConfidenceOutOfRange},
      {with("percent\":80", "percent\":-1"), kConfidenceOutOfRange},
      {with("percent\":80", "percent\":9999999999"), kConfidenceOutOfRange},
      {with("evidence-1", "evidence-3"), kUnknownReference},
      {with("precedent-1", "place-1"), kUnknownReference},
      {with("precedent-1", "rumour"), kUnknownReference},
      {two, kRepeated},
  };
  std::set<ReplyProblem> seen;
  for (const auto& [content, problem] : cases) {
    const auto checked = check(content);
    EXPECT_EQ(to_text(checked.problem), to_text(problem)) << content.substr(0, 200);
    EXPECT_TRUE(checked.proposals.empty());
    seen.insert(checked.problem);
  }
  // The envelope's are seen below.
  const std::set<ReplyProblem> elsewhere = {kNone, kEnvelope, kCutShort, kDeclined};
  for (const auto& problem : tests::enumerators<ReplyProblem>())
    EXPECT_NE(seen.contains(problem.value), elsewhere.contains(problem.value)) << problem.name;
}

// Whatever bytes come, what is let through is one of the options.
TEST_F(Reply, NothingOutsideTheOptionsPassesHoweverTheBytesAreBent) {
  std::mt19937_64 random(7);
  int passed = 0;
  const std::vector<std::string> words = {"promote",
                                          "drain",
                                          "halt_venue",
                                          "place-2",
                                          "place-3",
                                          "member-2",
                                          "member-4",
                                          "any",
                                          "throttle",
                                          "\"amount\":500000",
                                          "\"amount\":900001",
                                          "true",
                                          "{}",
                                          "[]",
                                          "\"",
                                          "page"};
  const std::vector<std::string> places = {"migrate", "place-1", "member-1",  "\"amount\":0",
                                           "false",   "80",      "evidence-1"};
  for (int round = 0; round < 20'000; ++round) {
    auto text = right_answer();
    for (auto n = random() % 3; n > 0; --n) {
      const auto& place = places[random() % places.size()];
      const auto at = text.find(place);
      if (at == std::string::npos) continue;
      text.replace(at, place.size(), words[random() % words.size()]);
    }
    if (random() % 4 == 0) text[random() % text.size()] = static_cast<char>(random());
    const auto checked = check(text);
    if (checked.problem != ReplyProblem::kNone) {
      ASSERT_TRUE(checked.proposals.empty());
      continue;
    }
    ++passed;
    for (const auto& proposal : checked.proposals) {
      bool allowed = false;
      for (const auto& option : request_.options)
        allowed = allowed ||
                  (option.kind == proposal.action.kind && option.target == proposal.action.target &&
                   proposal.action.amount >= option.amount_min &&
                   proposal.action.amount <= option.amount_max &&
                   (!proposal.action.to ||
                    testing::Value(option.to, testing::Contains(proposal.action.to))));
      ASSERT_TRUE(allowed) << text;
    }
  }
  EXPECT_GT(passed, 100);
}

TEST(ReplySchema, HasTheBoundsOfTheLimits) {
  json::Document schema;
  ASSERT_TRUE(json::parse(schema, reply_schema()));
  const auto& proposals = schema["properties"]["proposals"];
  EXPECT_EQ(proposals["maxItems"].GetUint(), limits::kAdviceProposalsMax);
  EXPECT_EQ(proposals["items"]["properties"]["note"]["maxLength"].GetUint(),
            limits::kAdviceNoteBytes);
}

// ---- the envelope

std::string envelope(const std::string& content, const std::string& reason = "stop") {
  return R"({"id":"x","model":"m-1","choices":[{"index":0,"message":{"role":"assistant","content":)" +
         content + R"(},"finish_reason":")" + reason +
         R"("}],"usage":{"prompt_tokens":120,"completion_tokens":30}})";
}

TEST(Answer, IsReadOutOfAChatCompletion) {
  const auto answer = parse_answer(envelope(R"("{\"abstain\":true}")"));
  EXPECT_EQ(answer.problem, ReplyProblem::kNone);
  EXPECT_EQ(answer.content, R"({"abstain":true})");
  EXPECT_EQ(answer.model, "m-1");
  EXPECT_EQ(answer.input_tokens, 120);
  EXPECT_EQ(answer.output_tokens, 30);
}

TEST(Answer, WrongEnvelopesAreRefused) {
  using enum ReplyProblem;
  const std::vector<std::pair<std::string, ReplyProblem>> cases = {
      {"", kEnvelope},
      {"<html>502</html>", kEnvelope},
      {"{}", kEnvelope},
      {R"({"choices":[]})", kEnvelope},
      {R"({"choices":{}})", kEnvelope},
      {R"({"choices":[7]})", kEnvelope},
      {R"({"choices":[{"message":7,"finish_reason":"stop"}]})", kEnvelope},
      {R"({"choices":[{"message":{"content":"x"}}]})", kEnvelope},
      {envelope("null"), kEnvelope},
      {envelope("[]"), kEnvelope},
      {envelope("\"x\"", "length"), kCutShort},
      {envelope("\"x\"", "tool_calls"), kCutShort},
      {envelope("\"x\"", "whatever"), kCutShort},
      {envelope("\"x\"", "content_filter"), kDeclined},
      {R"({"choices":[{"message":{"content":null,"refusal":"no"},"finish_reason":"stop"}]})",
       kDeclined},
      {envelope("\"x\"").substr(0, 90), kEnvelope},
      {std::string(100'000, '['), kTooDeep},
      {std::string(limits::kAnswerBytesMax + 1, ' '), kTooLarge},
  };
  for (const auto& [body, problem] : cases)
    EXPECT_EQ(to_text(parse_answer(body).problem), to_text(problem)) << body.substr(0, 100);
}

TEST(Answer, NonsenseAboutTokensIsNoCount) {
  auto body = envelope("\"x\"");
  body.replace(body.find("120"), 3, "-1");
  EXPECT_FALSE(parse_answer(body).input_tokens);
  EXPECT_EQ(parse_answer(body).output_tokens, 30);
}

TEST(Dialect, AsksForTheSchemaAsEachServerTakesIt) {
  const auto prompt = build_prompt(question()).value();
  EndpointSettings endpoint;
  endpoint.model = "m";
  for (const auto dialect :
       {Dialect::kOpenai, Dialect::kVllm, Dialect::kLlamaCpp, Dialect::kOllama}) {
    endpoint.dialect = dialect;
    const auto body = request_body(endpoint, prompt);
    EXPECT_EQ(body, request_body(endpoint, prompt));
    json::Document request;
    ASSERT_TRUE(json::parse(request, body));
    EXPECT_STREQ(request["messages"][0]["role"].GetString(), "system");
    EXPECT_EQ(json::text(request["messages"][1]["content"]), prompt.facts);
    const auto& format = request["response_format"];
    const bool plain = dialect == Dialect::kLlamaCpp;
    EXPECT_STREQ(format["type"].GetString(), plain ? "json_object" : "json_schema");
    const auto& schema = plain ? format["schema"] : format["json_schema"]["schema"];
    EXPECT_TRUE(schema["properties"].HasMember("proposals"));
    EXPECT_EQ(request.HasMember("max_completion_tokens"), dialect == Dialect::kOpenai);
    EXPECT_EQ(request["temperature"].GetDouble(), 0);
    EXPECT_FALSE(request["stream"].GetBool());
  }
  endpoint.temperature_milli.reset();
  EXPECT_EQ(request_body(endpoint, prompt).find("temperature"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::llm
