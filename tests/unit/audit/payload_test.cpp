// What records say, and what they don't: redaction.
#include "supervision/orchestrator/audit/payload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "supervision/orchestrator/audit/crypto_linux.hpp"
#include "supervision/orchestrator/audit/record.hpp"

namespace holdfast::audit {
namespace {

using testing::HasSubstr;
using testing::Not;

Redaction redaction(Treatment treatment) {
  Redaction redaction;
  redaction.accounts = redaction.keys = treatment;
  redaction.hmac = [](std::string_view bytes) { return hmac_sha256("secret", bytes); };
  redaction.known_accounts = {"M1", "ACC-7", "M1.sub"};
  redaction.known_keys = {"c-42"};
  return redaction;
}

TEST(Redaction, DropsHashesOrShows) {
  const auto says = [](Treatment t) { return Redactor(redaction(t)).account("M1"); };
  EXPECT_EQ(says(Treatment::kDrop), "[account]");
  EXPECT_EQ(says(Treatment::kClear), "M1");
  EXPECT_EQ(says(Treatment::kHmac), "hmac:" + to_hex(hmac_sha256("secret", "M1")).substr(0, 16));
  EXPECT_EQ(Redactor(redaction(Treatment::kDrop)).key("k"), "[key]");
  for (const auto t : {Treatment::kDrop, Treatment::kHmac, Treatment::kClear})
    EXPECT_NE(to_text(t), "invalid");
}

TEST(Redaction, WithoutASecretNothingIsHashed) {
  auto without = redaction(Treatment::kHmac);
  without.hmac = nullptr;
  EXPECT_EQ(Redactor(without).account("M1"), "[account]");
}

TEST(Redaction, FindsWhatItKnowsInFreeText) {
  const Redactor redactor(redaction(Treatment::kDrop));
  EXPECT_EQ(redactor.text("order M1/c-42 of ACC-7: late"),
            "order [account]/[key] of [account]: late");
  EXPECT_EQ(redactor.text("M1-M1_ACC-7.x"), "[account]-[account]_[account].x");
  EXPECT_EQ(redactor.text("M1.sub"), "[account]");
  EXPECT_EQ(redactor.text("M10 XM1 ACC-70"), "M10 XM1 ACC-70");
  EXPECT_EQ(redactor.text(""), "");
  EXPECT_EQ(redactor.text("nothing here, at all."), "nothing here, at all.");
  EXPECT_EQ(redactor.text("token " + std::string(64, 'd') + "!"), "token [key]!");
  EXPECT_EQ(redactor.text("id " + std::string(31, 'd')), "id " + std::string(31, 'd'));
  EXPECT_EQ(redactor.text("M1" + std::string(40, '-')), "[text]");
}

TEST(Redaction, ReachesEveryTextOfAnObject) {
  const Redactor redactor(redaction(Treatment::kDrop));
  const auto redacted = [&](std::string_view json) { return redact_json(redactor, json); };
  EXPECT_EQ(
      redacted(R"({"a":"M1","M1":["x M1\nM1\"M1"],"n":12,"t":true})"),
      R"({"a":"[account]","[account]":["x [account]\n[account]\"[account]"],"n":12,"t":true})");
  EXPECT_EQ(redacted(R"({"a":"\u004d1 \u00e4M1 \\M1"})"),
            R"({"a":"[account] \u00e4[account] \\[account]"})");
  EXPECT_EQ(redacted("{}"), "{}");
  // Also what is no JSON ends.
  for (const auto* broken : {"{\"a", "{\"a\\", "{\"a\\u", "{\"a\\u00"}) (void)redacted(broken);
}

TEST(Payload, IsJsonWithKeysInTheirOrder) {
  const Redactor redactor(redaction(Treatment::kDrop));
  Payload json(redactor);
  json.word("b", "x").number("a", int64_t{-5}).number("n", UINT64_MAX).flag("f", true);
  json.account("account", "Z9").secret("key", "abc").text("t", "for M1");
  json.list("l", std::vector<int>{1, 2}, [](Payload& p, int v) { p.number("v", int64_t{v}); });
  json.list("e", std::vector<int>{}, [](Payload&, int) {});
  json.object("o", [](Payload&) {});
  EXPECT_EQ(json.str(),
            R"({"b":"x","a":-5,"n":18446744073709551615,"f":true,"account":"[account]",)"
            R"("key":"[key]","t":"for [account]","l":[{"v":1},{"v":2}],"e":[],"o":{}})");
  EXPECT_TRUE(is_json_object(json.str()));
}

TEST(Payload, AnyBytesBecomeJson) {
  const Redactor redactor({});
  for (int first = 0; first < 256; ++first)
    for (int second = 0; second < 256; ++second) {
      Payload json(redactor);
      json.text("t", std::string{static_cast<char>(first), static_cast<char>(second)});
      EXPECT_TRUE(is_json_object(json.str())) << first << ' ' << second;
    }
  Payload json(redactor);
  json.text("t", "\"\\\n\x7f \xc3\xa4 \xe2\x82\xac \xff \xc0\x80 \xed\xa0\x80");
  EXPECT_EQ(json.str(), "{\"t\":\"\\\"\\\\\\u000a\\u007f \xc3\xa4 \xe2\x82\xac ? ?? ???\"}");
  Payload longer(redactor);
  longer.text("t", std::string(10'000, 'g'));
  EXPECT_EQ(longer.str().size(), 4'096u + 8);
}

TEST(Payload, OfWhatTheLoopExchanges) {
  const Redactor redactor(redaction(Treatment::kDrop));
  Evidence evidence;
  evidence.place.instance = "orders/M1";
  Finding finding;
  finding.fault = FaultClass::kSlowDisk;
  finding.evidence = {evidence, evidence};
  finding.precedents = {{3, 900'000}};
  Incident incident;
  incident.number = 9;
  incident.findings = {finding};
  Proposal proposal;
  proposal.action.kind = ActionKind::kMigrate;
  proposal.action.target.group = GroupId{1};
  proposal.action.to = MemberId{2};
  proposal.reason = "M1 is slow";
  PolicyDecision decision;
  decision.verdict = Verdict::kNeedsApproval;
  decision.rule = "ask-first";
  decision.approvals_needed = 2;
  for (const auto& text : {payload_of(redactor, evidence), payload_of(redactor, finding),
                           payload_of(redactor, incident), payload_of(redactor, proposal),
                           payload_of(redactor, decision, proposal.action, true),
                           payload_of(redactor, finding.precedents),
                           payload_of(redactor, RemedyOutcome::kRolledBack, "migrate for M1")}) {
    EXPECT_TRUE(is_json_object(text)) << text;
    EXPECT_THAT(text, Not(HasSubstr("M1"))) << text;
  }
  EXPECT_THAT(payload_of(redactor, finding), HasSubstr(R"("fault":"slow_disk")"));
  EXPECT_EQ(payload_of(redactor, proposal),
            R"({"action":{"kind":"migrate","target":{"group":1},"to":2},"advisor":"deterministic",)"
            R"("confidence_ppm":0,"reason":"[account] is slow","precedents":[]})");
  EXPECT_THAT(
      payload_of(redactor, decision, proposal.action, true),
      HasSubstr(R"("rule":"ask-first","reason":"","kill_switch":true,"approvals_needed":2)"));
}

}  // namespace
}  // namespace holdfast::audit
