// The self-healing loop at the operator API: what is shown of it, which words a person may say, and
// what becomes of words that make no sense.
#include <gmock/gmock.h>

#include "tests/integration/operator_api/api_fixture.hpp"

namespace holdfast::operator_api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(OperatorApi, FindingsAreThoseThatAreTrueNowWorstFirst) {
  auto json = get("/v1/findings").json();
  ASSERT_EQ(json["findings"].size(), 3u) << "that of the incident that is over is not among them";
  EXPECT_EQ(json["findings"][0]["fault"], "packet_delay");
  EXPECT_EQ(json["findings"][0]["incident"], 7);
  EXPECT_EQ(json["findings"][0]["place"]["member_name"], "node-2");
  EXPECT_EQ(json["findings"][0]["place"]["text"], "node-2 (node-3)");
  EXPECT_EQ(json["findings"][0]["evidence"].size(), 2u);
  EXPECT_EQ(json["findings"][2]["severity"], "warning");
  EXPECT_EQ(json["member"], "node-1");
  EXPECT_EQ(json["leader"], "node-2");
  EXPECT_EQ(json["leads"], false);
  EXPECT_EQ(json["as_of"], 4'711);
  EXPECT_EQ(json["more"], false);
  json = get("/v1/findings?domain=io").json();
  ASSERT_EQ(json["findings"].size(), 1u);
  EXPECT_EQ(json["findings"][0]["fault"], "slow_disk");
  EXPECT_EQ(get("/v1/findings?fault=feed_gap").json()["findings"].size(), 1u);
  EXPECT_EQ(get("/v1/findings?fault=lock_contention").json()["findings"].size(), 0u);
  json = get("/v1/findings?limit=2").json();
  EXPECT_EQ(json["findings"].size(), 2u);
  EXPECT_EQ(json["more"], true);
}

TEST_F(OperatorApi, IncidentsSayWhatIsBeingDoneAndWhoIsNeeded) {
  auto json = get("/v1/incidents").json();
  ASSERT_EQ(json["incidents"].size(), 4u);
  const auto& waits = json["incidents"][0];
  EXPECT_EQ(waits["number"], 7);
  EXPECT_EQ(waits["closed"], nullptr);
  EXPECT_EQ(waits["needs_you"], true);
  EXPECT_EQ(waits["doing"],
            "remedy 12 (migrate orders/0 at node-2 to node-3) waits for approval, 1 of 2: "
            "`holdfast approve 12` or `reject`");
  EXPECT_EQ(waits["remedy_numbers"], Json::parse("[12]"));
  EXPECT_EQ(waits["findings"][0]["evidence"].size(), 1u) << "the strongest, in a list";
  EXPECT_EQ(json["incidents"][1]["doing"],
            "policy only recommends: drain node-1 (`holdfast advice`)");
  EXPECT_EQ(json["incidents"][1]["needs_you"], true);
  EXPECT_EQ(json["incidents"][2]["doing"], "advisors are asked, round 2");
  EXPECT_EQ(json["incidents"][2]["needs_you"], false);
  EXPECT_EQ(json["incidents"][3]["doing"],
            "over; remedy 11 (migrate orders/0 at node-1 to node-2) succeeded");
  EXPECT_EQ(get("/v1/incidents?open=true").json()["incidents"].size(), 3u);
  json = get("/v1/incidents?limit=1").json();
  EXPECT_EQ(json["incidents"].size(), 1u);
  EXPECT_EQ(json["more"], true);
}

TEST_F(OperatorApi, OneIncidentComesWithAllThatWasThoughtAndDone) {
  const auto json = get("/v1/incidents?number=7").json();
  ASSERT_EQ(json["incidents"].size(), 1u);
  const auto& one = json["incidents"][0];
  EXPECT_EQ(one["findings"][0]["evidence"].size(), 2u);
  EXPECT_EQ(one["proposed"][0]["action"]["text"], "migrate orders/0 at node-2 to node-3");
  EXPECT_EQ(one["remedies"][0]["plan"]["workflow"], "migrate-group");
  EXPECT_EQ(
      get("/v1/incidents?number=8").json()["incidents"][0]["considered"][0]["decision"]["rule"],
      "drain-is-for-people");
  const auto none = get("/v1/incidents?number=6");
  EXPECT_EQ(none.status, 404u);
  EXPECT_EQ(none.error_code(), "not_found");
}

TEST_F(OperatorApi, RemediesShowPolicyStepsWordsAndWhatWasMeasured) {
  auto json = get("/v1/remedies").json();
  ASSERT_EQ(json["remedies"].size(), 2u);
  EXPECT_EQ(json["remedies"][0]["decision"]["rule"], "migrate-by-night");
  EXPECT_EQ(json["remedies"][0]["words"][0]["person"], "bob");
  EXPECT_EQ(json["remedies"][0]["approve_by"], "2027-01-15T08:05:03.000000000Z");
  EXPECT_EQ(json["remedies"][0]["started"], nullptr);
  EXPECT_EQ(get("/v1/remedies?active=true").json()["remedies"].size(), 1u);
  EXPECT_EQ(get("/v1/remedies?incident=5").json()["remedies"][0]["number"], 11);
  json = get("/v1/remedies?number=11").json();
  const auto& one = json["remedies"][0];
  EXPECT_EQ(one["outcome"], "succeeded");
  EXPECT_EQ(one["steps"][0]["id"], "5/11/step-0/try-1");
  EXPECT_EQ(one["steps"][0]["outcome"], "done");
  EXPECT_EQ(one["measured"]["after"][0]["met"], nullptr) << "no metric tells";
  EXPECT_EQ(one["measured"]["after"][1]["objective"], "order.latency of target at most 5000");
  EXPECT_EQ(one["measured"]["after"][1]["before"], 9'000);
  EXPECT_EQ(one["measured"]["after"][1]["value"], 800);
  EXPECT_EQ(one["measured"]["after"][1]["met"], true);
  EXPECT_EQ(get("/v1/remedies?number=13").status, 404u);
}

TEST_F(OperatorApi, AdviceAndRemediationTellWhatStandsAndWhatWaits) {
  auto json = get("/v1/advice").json();
  EXPECT_EQ(json["standing"][0]["actor"], "order_shard");
  EXPECT_EQ(json["standing"][0]["failure"], "crash_loop");
  EXPECT_EQ(json["standing"][0]["topology"], "0000000000000abc");
  EXPECT_EQ(json["standing"][0]["session_phase"], "open");
  EXPECT_EQ(json["asks"][0]["incident"], 9);
  EXPECT_EQ(json["asks"][0]["tried"], Json::parse(R"(["switch_endpoint"])"));
  EXPECT_EQ(json["asks"][1]["incident"], nullptr);
  EXPECT_EQ(json["asks"][1]["failure"], "full_disk");
  EXPECT_EQ(json["recommended"][0]["held"], "cooldown");
  EXPECT_EQ(json["recommended"][0]["decision"], nullptr) << "policy was not asked";
  EXPECT_EQ(get("/v1/advice?limit=1").json()["more"], true);
  json = get("/v1/remediation").json();
  EXPECT_EQ(json["on"], true);
  EXPECT_EQ(json["incidents_open"], 3);
  EXPECT_EQ(json["incidents_that_need_you"], Json::parse("[7, 8]"));
  EXPECT_EQ(json["remedies_that_wait_for_approval"], Json::parse("[12]"));
  EXPECT_EQ(json["counters"]["findings"], 20);
  EXPECT_EQ(json["notes_waiting"], 4);
  backend_.remediation_off = true;
  json = get("/v1/remediation").json();
  EXPECT_EQ(json["on"], false);
  EXPECT_EQ(json["switched_by"], "ann");
  EXPECT_EQ(get("/v1/incidents").json()["remediation_on"], false);
  EXPECT_THAT(get("/v1/incidents").json()["incidents"][1]["doing"].get<std::string>(),
              HasSubstr("switched off by ann"));
}

TEST_F(OperatorApi, EmptyLoopIsNullSafe) {
  backend_.quiet = true;
  EXPECT_EQ(get("/v1/findings").json()["findings"], Json::array());
  EXPECT_EQ(get("/v1/incidents").json()["incidents"], Json::array());
  EXPECT_EQ(get("/v1/remedies").json()["remedies"], Json::array());
  EXPECT_EQ(get("/v1/advice").json()["standing"], Json::array());
  EXPECT_EQ(get("/v1/remediation").json()["switched_by"], nullptr);
}

TEST_F(OperatorApi, HealingParametersAreChecked) {
  for (const auto* target :
       {"findings?domain=gpu", "findings?fault=none", "findings?limit=0", "incidents?number=x",
        "incidents?open=maybe", "incidents?colour=red", "remedies?number=0", "remedies?active=1",
        "advice?limit=513", "remediation?x=1"})
    EXPECT_EQ(get(std::string("/v1/") + target).status, 400u) << target;
  EXPECT_THAT(get("/v1/findings?domain=gpu").body, HasSubstr("execution"));
}

TEST_F(OperatorApi, WordsCarryTheIdentityAndTheReason) {
  auto answer = post("/v1/remedies/12/approve", {{"reason", "agreed"}}, kApprover);
  EXPECT_EQ(answer.status, 200u) << answer.body;
  EXPECT_EQ(answer.json()["text"], "journaled by node-2");
  EXPECT_EQ(answer.json()["as_of"], 4'712);
  EXPECT_EQ(post("/v1/remedies/12/reject", {{"reason", "no"}}, kOperator).status, 200u);
  EXPECT_THAT(backend_.calls(),
              ElementsAre("approve 12 by bob: agreed", "reject 12 by ann as no: no"));
  EXPECT_THAT(audit()[0], HasSubstr("agreed"));
  EXPECT_EQ(post("/v1/remedies/12/approve", {{"reason", "x"}}, kOperator).error_code(),
            "forbidden");
}

TEST_F(OperatorApi, WordsInVainSayWhatToDo) {
  auto answer = post("/v1/remedies/99/approve", {{"reason", "x"}});
  EXPECT_EQ(answer.status, 404u);
  EXPECT_THAT(answer.json()["error"]["what_to_do"].get<std::string>(), HasSubstr("remedies"));
  answer = post("/v1/remedies/11/reject", {{"reason", "x"}});
  EXPECT_EQ(answer.status, 409u);
  EXPECT_EQ(answer.json()["error"]["text"], "remedy 11 waits for nobody: it is ended");
  for (const auto* number : {"0", "x", "-1", "1.5", "99999999999999999999"})
    EXPECT_EQ(post(std::string("/v1/remedies/") + number + "/approve", {{"reason", "x"}}).status,
              400u)
        << number;
}

TEST_F(OperatorApi, RemediationIsSwitchedOnByAnApproverOnly) {
  EXPECT_EQ(post("/v1/remediation", {{"on", false}, {"reason", "repair"}}, kOperator).status, 200u);
  const auto refused = post("/v1/remediation", {{"on", true}, {"reason", "done"}}, kOperator);
  EXPECT_EQ(refused.status, 403u);
  EXPECT_EQ(refused.error_code(), "forbidden");
  EXPECT_EQ(post("/v1/remediation", {{"on", true}, {"reason", "done"}}, kApprover).status, 200u);
  EXPECT_EQ(post("/v1/remediation", {{"reason", "which?"}}).status, 400u);
  EXPECT_EQ(post("/v1/remediation", {{"on", "off"}, {"reason", "x"}}).status, 400u);
  EXPECT_THAT(backend_.calls(), ElementsAre("remediation off by ann as repair: repair",
                                            "remediation on by bob as done: done"));
}

TEST_F(OperatorApi, SwitchingOffAndRejectingGoOnWithoutAnAuditLog) {
  audit_fails_ = true;
  EXPECT_EQ(post("/v1/remediation", {{"on", false}, {"reason", "r"}}).status, 200u);
  EXPECT_EQ(post("/v1/remedies/12/reject", {{"reason", "r"}}).status, 200u);
  EXPECT_EQ(post("/v1/remedies/12/approve", {{"reason", "r"}}).status, 503u);
  EXPECT_EQ(
      post("/v1/remedies", {{"action", "drain"}, {"target", "node-1"}, {"reason", "r"}}).status,
      503u);
}

TEST_F(OperatorApi, ProposalsNameTheirTargetsAsPeopleDo) {
  const auto propose = [&](Json body) {
    body["reason"] = "why";
    return post("/v1/remedies", body, kOperator).status;
  };
  EXPECT_EQ(propose({{"action", "migrate"}, {"target", "orders/0"}, {"to", "node-3"}}), 200u);
  EXPECT_EQ(propose({{"action", "drain"}, {"target", "node-1"}, {"incident", 8}}), 200u);
  EXPECT_EQ(propose({{"action", "halt_venue"}, {"target", "venue/XSIM"}}), 200u);
  EXPECT_EQ(propose({{"action", "restart_actor"},
                     {"target", {{"member", 2}, {"instance", "node/orders/shard-0"}}}}),
            200u);
  EXPECT_EQ(propose({{"action", "throttle"}, {"amount", 500'000}}), 200u);
  EXPECT_THAT(
      backend_.calls(),
      ElementsAre(
          "propose migrate member 0 group 1 instance  to 3 amount 0 incident 0 by ann: why",
          "propose drain member 1 group 0 instance  to 0 amount 0 incident 8 by ann: why",
          "propose halt_venue member 0 group 0 instance XSIM to 0 amount 0 incident 0 by ann: why",
          "propose restart_actor member 2 group 0 instance node/orders/shard-0 to 0 amount 0 "
          "incident 0 by ann: why",
          "propose throttle member 0 group 0 instance  to 0 amount 500000 incident 0 by ann: why"));
}

TEST_F(OperatorApi, ProposalsThatMakeNoSenseGoNowhere) {
  const auto propose = [&](const char* text) {
    Json body = Json::parse(text);
    body["reason"] = "why";
    return post("/v1/remedies", body, kOperator);
  };
  for (const auto* text : {R"({})",
                           R"({"action": "none"})",
                           R"({"action": "page"})",
                           R"({"action": "buy"})",
                           R"({"action": "drain"})",
                           R"({"action": "drain", "target": "node-9"})",
                           R"({"action": "drain", "target": 1})",
                           R"({"action": "drain", "target": {"node": "node-1"}})",
                           R"({"action": "drain", "target": {"member": 9}})",
                           R"({"action": "drain", "target": {"member": -1}})",
                           R"({"action": "drain", "target": "node-1", "to": "node-2"})",
                           R"({"action": "drain", "target": "node-1", "amount": 3})",
                           R"({"action": "drain", "target": "node-1", "incident": 0})",
                           R"({"action": "migrate", "target": "orders/0", "to": "node-9"})",
                           R"({"action": "throttle"})",
                           R"({"action": "throttle", "amount": 5})",
                           R"({"action": "throttle", "amount": 0.5})",
                           R"({"action": "throttle", "amount": 1e300})",
                           R"({"action": "throttle", "amount": 18446744073709551615})",
                           R"({"action": "halt_venue", "target": {"instance": 7}})"})
    EXPECT_EQ(propose(text).status, 400u) << text;
  EXPECT_THAT(propose(R"({"action": "buy"})").body, HasSubstr("halt_venue"));
  EXPECT_THAT(propose(R"({"action": "drain", "target": "node-9"})").body, HasSubstr("node-1"));
  EXPECT_THAT(backend_.calls(), IsEmpty());
}

}  // namespace
}  // namespace holdfast::operator_api
