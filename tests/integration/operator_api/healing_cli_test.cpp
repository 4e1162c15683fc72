// The `holdfast` command and the self-healing loop: what somebody who was woken up reads, and what
// they say to it.
#include <gmock/gmock.h>

#include "tests/integration/operator_api/cli_fixture.hpp"

namespace holdfast::operator_api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(Cli, FindingsTellWhatWhereAndForHowLong) {
  auto outcome = holdfast({"findings"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("as of 4711 at node-1, led by node-2\n"));
  EXPECT_THAT(outcome.out, HasSubstr("critical  packet_delay  node-2 (node-3)  2m05s  93 %"));
  EXPECT_THAT(outcome.out, HasSubstr("peer.rtt 4100 us, usual 300\n"));
  outcome = holdfast({"findings", "--domain", "io", "--json"});
  EXPECT_EQ(outcome.json()["findings"][0]["fault"], "slow_disk");
  EXPECT_EQ(holdfast({"findings", "--domain", "gpu"}).code, 2);
  backend_.quiet = true;
  EXPECT_THAT(holdfast({"findings"}).out, HasSubstr("nothing is found to be wrong\n"));
}

TEST_F(Cli, IncidentsAreNotCleanWhileOneNeedsAPerson) {
  auto outcome = holdfast({"incidents"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr(" 7  open  critical  packet_delay  node-2 (node-3)"));
  EXPECT_THAT(outcome.out, HasSubstr("needs you: incident 7, 8; "));
  EXPECT_THAT(outcome.out, HasSubstr(" 5  over"));
  EXPECT_THAT(holdfast({"incidents", "--open"}).out, Not(HasSubstr(" 5  over")));
  EXPECT_EQ(holdfast({"incidents", "--json"}).json()["incidents"][0]["number"], 7);
  backend_.quiet = true;
  outcome = holdfast({"incidents"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("no incident"));
}

TEST_F(Cli, OneIncidentIsShownWithItsRemedies) {
  auto outcome = holdfast({"incidents", "7"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out,
              HasSubstr("incident 7  critical  packet_delay of node-2 (node-3)  open\n"));
  EXPECT_THAT(outcome.out, HasSubstr("waits for approval, 1 of 2"));
  EXPECT_THAT(outcome.out,
              HasSubstr("remedy 12  migrate orders/0 at node-2 to node-3  awaiting_approval"));
  EXPECT_THAT(outcome.out,
              HasSubstr("needs_approval by rule migrate-by-night: two persons at night\n"));
  EXPECT_THAT(outcome.out, HasSubstr("bob: yes at 08:01:00.000 UTC\n"));
  EXPECT_EQ(holdfast({"incidents", "5"}).code, 0);
  outcome = holdfast({"incidents", "6"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("there is no incident 6"));
  EXPECT_EQ(holdfast({"incidents", "x"}).code, 2);
}

TEST_F(Cli, RemediesShowWhatWaitsAndWhatItTook) {
  auto outcome = holdfast({"remedies"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("waits for approval: remedy 12 until 08:05:03.000 UTC; "));
  EXPECT_THAT(outcome.out, HasSubstr("migrate-by-day"));
  outcome = holdfast({"remedies", "11"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              HasSubstr("remedy 11  migrate orders/0 at node-1 to node-2  succeeded\n"));
  EXPECT_THAT(outcome.out, HasSubstr("took         5s\n"));
  EXPECT_THAT(outcome.out, HasSubstr("orders/0 is led by node-2\n"));
  EXPECT_THAT(outcome.out,
              HasSubstr("order.latency of target at most 5000  after    9000  800  yes\n"));
}

TEST_F(Cli, AdviceTellsWhenAndHowLong) {
  const auto outcome = holdfast({"advice"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("crash_loop  order_shard  migrate"));
  EXPECT_THAT(outcome.out, HasSubstr("open orders <= 1000, session open"));
  EXPECT_THAT(outcome.out, HasSubstr("1h00m"));
  EXPECT_THAT(outcome.out, HasSubstr("asked 5s ago, no answer yet: incident 9\n"));
  EXPECT_THAT(outcome.out, HasSubstr("no answer yet: full_disk of storage\n"));
  EXPECT_THAT(outcome.out, HasSubstr("drain node-1  recommend by rule drain-is-for-people"));
  EXPECT_THAT(outcome.out, HasSubstr("drain node-1  held back: cooldown"));
}

TEST_F(Cli, WordsAreSaidAndInVainSayWhy) {
  auto outcome = holdfast({"approve", "12", "--reason", "agreed"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(
      outcome.out,
      "approved: remedy 12: journaled by node-2; `holdfast remedies 12` shows what becomes of "
      "it\n");
  EXPECT_EQ(holdfast({"reject", "12", "-r", "no"}).code, 0);
  outcome = holdfast({"approve", "11", "-r", "x"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.err, HasSubstr("remedy 11 waits for nobody"));
  EXPECT_EQ(holdfast({"--as", "vic", "approve", "12", "-r", "x"}).code, 4);
  EXPECT_EQ(holdfast({"approve", "0", "-r", "x"}).code, 2);
  EXPECT_EQ(holdfast({"approve", "12", "-r", "x", "--json"}).json()["taken"], true);
}

TEST_F(Cli, ProposalsAreMadeInNames) {
  EXPECT_EQ(holdfast({"propose", "migrate", "--target", "orders/0", "--to", "node-3", "--incident",
                      "7", "-r", "slow"})
                .code,
            0);
  EXPECT_EQ(
      holdfast({"propose", "restart_actor", "-t", "member=node-2,instance=node/x", "-r", "stuck"})
          .code,
      0);
  EXPECT_EQ(holdfast({"propose", "throttle", "--amount", "500000", "-r", "half"}).code, 0);
  EXPECT_EQ(holdfast({"propose", "drain", "-t", "node-9", "-r", "x"}).code, 2);
  EXPECT_EQ(holdfast({"propose", "drain", "-t", "member=", "-r", "x"}).code, 2);
  EXPECT_THAT(
      backend_.calls(),
      ElementsAre(
          "propose migrate member 0 group 1 instance  to 3 amount 0 incident 7 by root: slow",
          "propose restart_actor member 2 group 0 instance node/x to 0 amount 0 incident 0 "
          "by root: stuck",
          "propose throttle member 0 group 0 instance  to 0 amount 500000 incident 0 by "
          "root: half"));
}

TEST_F(Cli, RemediationIsShownAndSwitched) {
  auto outcome = holdfast({"remediation"});
  EXPECT_EQ(outcome.code, 1) << "something waits for a person";
  EXPECT_THAT(outcome.out, HasSubstr("remediation is on\n"));
  EXPECT_THAT(outcome.out, HasSubstr("waits for approval: remedies"));
  backend_.quiet = true;
  EXPECT_EQ(holdfast({"remediation"}).code, 0);
  backend_.quiet = false;
  EXPECT_EQ(holdfast({"remediation", "off", "-r", "repair"}).code, 0);
  backend_.remediation_off = true;
  outcome = holdfast({"remediation"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("remediation is OFF, switched by ann at 2027-01-15 08:01:40"));
  EXPECT_THAT(holdfast({"incidents"}).out, HasSubstr("REMEDIATION IS OFF"));
  EXPECT_EQ(holdfast({"remediation", "on", "-r", "done"}).code, 0);
  EXPECT_EQ(holdfast({"remediation", "maybe", "-r", "x"}).code, 2);
  EXPECT_THAT(backend_.calls(), ElementsAre("remediation off by root as repair: repair",
                                            "remediation on by root as done: done"));
}

}  // namespace
}  // namespace holdfast::operator_api
