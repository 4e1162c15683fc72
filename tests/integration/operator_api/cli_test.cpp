// The `holdfast` command end to end: the real binary against the real server, a hand-made node
// behind it. What it prints, what JSON it gives, how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/operator_api/cli_fixture.hpp"
#include "tests/source_path.hpp"

namespace holdfast::operator_api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

TEST_F(Cli, HealthIsAVerdict) {
  auto outcome = holdfast({"health"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "node node-1 live, ready, durability memory, version 0.1.0, up since 2027-01-15 "
            "08:00:00.123 UTC\n"
            "CHECK\n"
            "journal     ok  committing\n"
            "venue XSIM  ok  open\n"
            "you are root, admin\n");
  backend_.ready = false;
  outcome = holdfast({"health"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("live, NOT READY"));
  EXPECT_THAT(outcome.out, HasSubstr("venue XSIM  NOT OK  down since 18:00; is the venue up?"));
  outcome = holdfast({"health", "--json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.json()["ready"], false);
}

TEST_F(Cli, TreeIsDrawn) {
  const auto outcome = holdfast({"tree", "node", "--depth", "3"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(
      outcome.out,
      "ACTOR          STATE        RESTARTS  MAILBOX  MSG/S  MESSAGES  SINCE UTC     LAST EXIT\n"
      "node           running             0        0      1        10  08:00:00.123\n"
      "├─ orders      running             0        0      0         5  08:00:00.123\n"
      "│  └─ shard-0  running             2       17   5210    123456  08:00:30.123  CHECK "
      "failed: leaves >= 0\n"
      "└─ XSIM        backing off         1        0      0        99  08:00:50.123  "
      "connection refused\n");
  EXPECT_THAT(backend_.calls(), ElementsAre("tree node 3"));
}

TEST_F(Cli, OrdersAndTheirPages) {
  auto outcome = holdfast({"orders", "--account", "M1", "--state", "open", "-n", "2"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              StartsWith("ORDER  ACCOUNT  CLIENT ORDER ID  SYMBOL  SIDE  QTY  FILLED   "
                         "PRICE  STATE            VENUE  UPDATED UTC\n"
                         "0-1    M1       c-1              AAPL    Buy   100      40  "
                         "586.25  PartiallyFilled  XSIM   08:00:01.123\n"));
  EXPECT_THAT(outcome.out, HasSubstr("more: add --after 0-2\nas of orders/0 #77\n"));
  outcome = holdfast({"orders", "--after", "0-2", "--json"});
  EXPECT_EQ(outcome.json()["orders"].size(), 1u);
  EXPECT_THAT(backend_.calls(),
              ElementsAre("orders M1  - open 2 after 0", "orders   - 50 after 2"));
}

TEST_F(Cli, OrderByIdAndByClientOrderId) {
  auto outcome = holdfast({"order", "0-1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "order 0-1  PartiallyFilled  Buy 100 AAPL @ 586.25 Day\n"
            "account          M1\n"
            "client order id  c-1\n"
            "filled           40, leaves 60, notional 0\n"
            "venue            XSIM\n"
            "created          2027-01-15 08:00:00.123 UTC\n"
            "\n"
            "INDEX  TIME UTC      EVENT   STATE            QTY  PRICE\n"
            "   70  08:00:01.123  Filled  PartiallyFilled   40    586\n"
            "\n"
            "CHECK                VALUE    LIMIT\n"
            "PriceCollar  passed    586  644.314\n"
            "limits version 4\n"
            "as of orders/0 #77\n");
  EXPECT_EQ(holdfast({"order", "M1/a/b c"}).code, 0);
  EXPECT_THAT(backend_.calls(), ElementsAre("order 1  ", "order 0 M1 a/b c"));
  outcome = holdfast({"order", "0-9"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.err, "holdfast: there is no order 0-9\n  check the name\n");
  EXPECT_EQ(holdfast({"order", "9"}).code, 2);
}

TEST_F(Cli, RiskShowsKillsLimitsAndUse) {
  const auto outcome = holdfast({"risk", "-a", "M1"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out,
              StartsWith("limits version 4\n"
                         "KILL     NAME  MODE         SHARDS  SINCE UTC     BY   REASON\n"
                         "account  M2    reduce-only     2/2  08:00:20.123  ann  drill\n"));
  EXPECT_THAT(outcome.out, HasSubstr("M1       makers             23,440  1,000,000"));
  EXPECT_THAT(outcome.out, HasSubstr("M1       AAPL         -40  -23,440       100"));
  EXPECT_THAT(outcome.out, HasSubstr("2027-01-14  restricted\n"));
  backend_.part_missing = true;
  EXPECT_THAT(holdfast({"risk"}).out, HasSubstr("only 1 of 2 shards answered\n"));
}

TEST_F(Cli, KillIsCompleteOrTheVerdictIsNotClean) {
  auto outcome = holdfast({"risk", "kill", "--scope", "account", "--name", "M1", "--reason",
                           "fat finger", "--reduce-only"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "reduce-only: account M1: every group has committed it\n"
            "GROUP                  CANCELLING  INDEX\n"
            "orders/0    confirmed          12     80\n"
            "venue/XSIM  confirmed           0      9\n");
  backend_.part_missing = true;
  outcome = holdfast({"risk", "kill", "--scope", "firm", "-r", "stop"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("NOT COMPLETE"));
  EXPECT_THAT(outcome.out,
              HasSubstr("venue/XSIM  MISSING             0         no answer in time\n"));
  outcome = holdfast({"risk", "resume", "--scope", "firm", "-r", "go", "--json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.json()["complete"], false);
  EXPECT_THAT(backend_.calls(),
              ElementsAre("kill account M1 reduce-only by root: fat finger",
                          "kill firm  full by root: stop", "kill firm  none by root: go"));
}

TEST_F(Cli, KillOfANameThatNobodyHasIsRefusedUnlessForced) {
  const std::vector<std::string> kill = {"risk",   "kill", "--scope", "account",
                                         "--name", "M9",   "-r",      "x"};
  auto outcome = holdfast(kill);
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, StartsWith("holdfast: risk.toml names no account 'M9'"));
  EXPECT_TRUE(backend_.calls().empty());
  auto forced = kill;
  forced.push_back("--force");
  outcome = holdfast(forced);
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("killed: account M9: every group has committed it\n"));
  auto resumed = forced;
  resumed[1] = "resume";
  EXPECT_EQ(holdfast(resumed).code, 0);
}

TEST_F(Cli, MetricsComeAsTheyAre) {
  const auto outcome = holdfast({"get", "/metrics"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("# HELP holdfast_orders_open orders\n"));
}

TEST_F(Cli, CommandsNeedAReason) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"risk", "kill", "--scope", "firm"},
                                             {"risk", "resume", "--scope", "firm"},
                                             {"venue", "halt", "XSIM"},
                                             {"kill-actor", "node/x"},
                                             {"restart", "node/x"},
                                             {"approve", "12"},
                                             {"reject", "12"},
                                             {"propose", "drain", "-t", "node-1"},
                                             {"remediation", "off"}}) {
    const auto outcome = holdfast(words);
    EXPECT_EQ(outcome.code, 2) << words.back();
    EXPECT_THAT(outcome.err, HasSubstr("--reason")) << words.back();
  }
  EXPECT_EQ(holdfast({"risk", "reload"}).code, 2);
  EXPECT_TRUE(backend_.calls().empty());
}

TEST_F(Cli, ReloadShowsTheDifference) {
  auto outcome = holdfast({"risk", "reload", "--dry-run"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out,
            "LIMIT                           NOW  NEW\n"
            "account M1: order_quantity_max  100  200\n"
            "dry run: nothing was changed; without --dry-run this would be put in force\n");
  outcome = holdfast({"risk", "reload", "-r", "desk asked"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("limits version 5 in force: every group has committed it\n"));
  EXPECT_THAT(backend_.calls(), ElementsAre("reload dry: dry run", "reload: desk asked"));
}

TEST_F(Cli, ReconciliationIsNotCleanWhileAnOrderIsUnknown) {
  const auto outcome = holdfast({"reconciliation", "XSIM"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("venue XSIM Recovering: 1 of unknown outcome, 2 ever"));
  EXPECT_THAT(outcome.out, HasSubstr("drop copy HOLDFAST-DROP: connected, 7 copies, 6 told"));
  EXPECT_THAT(outcome.out, HasSubstr("GapFilled"));
  EXPECT_THAT(outcome.out, HasSubstr("DropCopy"));
  EXPECT_EQ(holdfast({"reconciliation"}).out, outcome.out) << "of all venues";
  EXPECT_EQ(holdfast({"reconciliation", "XSIM", "--json"}).json()["open"], 1);
}

TEST_F(Cli, Venues) {
  EXPECT_EQ(holdfast({"venues"}).out,
            "VENUE  STATE  SINCE UTC     OUT  IN  IN FLIGHT  WAITING  OPEN  UNKNOWN\n"
            "XSIM   Open   08:00:05.123   42  43     2/1024        0   312        0\n");
  EXPECT_EQ(holdfast({"venue", "halt", "XSIM", "-r", "bad prices"}).code, 0);
  EXPECT_EQ(holdfast({"venue", "set-outbound", "XSIM", "7", "-r", "agreed"}).code, 0);
  const auto refused = holdfast({"venue", "reset-sequence", "XSIM", "-r", "x"});
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.err, HasSubstr("the session is open; log it out first"));
  EXPECT_EQ(holdfast({"venue", "halt", "YSIM", "-r", "x"}).code, 1);
  EXPECT_THAT(holdfast({"venue", "show", "XSIM"}).out,
              HasSubstr("endpoint             127.0.0.1:9880\n"));
  EXPECT_EQ(holdfast({"venue", "show", "XSIM", "--json"}).json()["in_flight"], 2);
  EXPECT_EQ(holdfast({"venue", "show", "YSIM"}).code, 1);
  EXPECT_EQ(holdfast({"venue", "explode", "XSIM", "-r", "x"}).code, 2);
}

TEST_F(Cli, JournalBackupAndRestart) {
  EXPECT_EQ(
      holdfast({"journal"}).out,
      "journal /var/lib/holdfast/journal, durability memory, 4.0 KiB, disk 9.0 GiB free of 20.0 "
      "GiB (intake stops below 256.0 MiB)\n"
      "GROUP     ROLE    EPOCH  APPENDED  COMMITTED  IN FLIGHT  SNAPSHOT  FIRST\n"
      "orders/0  leader      3        78         77          1        50      1\n");
  EXPECT_THAT(holdfast({"backup", "/backups/monday"}).out,
              StartsWith("backed up to /backups/monday, 4.0 KiB\n"));
  EXPECT_EQ(holdfast({"backup", "relative"}).code, 2);
  EXPECT_EQ(holdfast({"restart", "node/x", "-r", "stuck"}).out,
            "node/x is restarting: `holdfast tree` shows when it runs again\n");
  EXPECT_THAT(holdfast({"kill-actor", "node/x", "-r", "drill"}).out,
              StartsWith("node/x is killed"));
  EXPECT_THAT(backend_.calls(), ElementsAre("journal", "backup /backups/monday: backup",
                                            "restart node/x: stuck", "kill-actor node/x: drill"));
}

TEST_F(Cli, RoleThatDoesNotSufficeIsRefused) {
  const auto outcome = holdfast({"--as", "vic", "venue", "halt", "XSIM", "-r", "x"});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_EQ(outcome.err,
            "holdfast: this needs the role operator; vic is viewer\n"
            "  use the token of somebody with that role\n");
  EXPECT_EQ(holdfast({"--as", "vic", "venues"}).code, 0);
  EXPECT_TRUE(backend_.calls() == std::vector<std::string>{"venues"});
}

TEST_F(Cli, ErrorsSayWhatToDo) {
  auto outcome = holdfast({"tree"}, {"HOLDFAST_STATE_DIR=" + state_ + "/none"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.err, "holdfast: no node found (looked for " + state_ +
                             "/none/operator.json). Is it running? Name its state folder with "
                             "--state-dir or HOLDFAST_STATE_DIR, or its address with --url and "
                             "--token-file\n");
  outcome = holdfast({"tree", "--token-file", "/no/such"});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_THAT(outcome.err, HasSubstr("the token file can't be read: /no/such: No such file or "
                                     "directory; make one with `deploy/install token /no/such`"));
  outcome = holdfast({"tree", "--url", "localhost"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--url: expected a URL like http://127.0.0.1:9780"));
  server_->stop();
  outcome = holdfast({"tree"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_THAT(outcome.err, HasSubstr("can't reach the node at 127.0.0.1:"));
  EXPECT_THAT(outcome.err, HasSubstr("Connection refused. Is it running"));
  outcome = holdfast({"tree", "--json"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.json()["error"]["code"], "unreachable");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(Cli, UnknownTokenIsRefusedAndWithoutOneHealthStillAnswers) {
  const auto other = state_ + "/other.token";
  std::ofstream(other) << std::string(64, 'z') << "\n";
  auto outcome = holdfast({"venues", "--token-file", other});
  EXPECT_EQ(outcome.code, 4);
  EXPECT_THAT(outcome.err, HasSubstr("this token is not known"));
  outcome = holdfast({"health", "--url", server_->url()}, {"PATH=/"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("no details: the node was asked without a token"));
  outcome = holdfast({"venues", "--url", server_->url(), "--token-file", token_file_}, {"PATH=/"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
}

TEST_F(Cli, HelpTeachesAndTypingMistakesAreGuessed) {
  auto outcome = holdfast({"--help"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("Examples:"));
  EXPECT_THAT(outcome.out, HasSubstr("Exit: 0 clean, 1 verdict not clean, 2 usage"));
  for (const auto* command :
       {"health",    "tree",     "restart", "journal", "orders", "order",   "risk",
        "venues",    "venue",    "backup",  "restore", "config", "get",     "findings",
        "incidents", "remedies", "advice",  "approve", "reject", "propose", "remediation"})
    EXPECT_EQ(holdfast({command, "--help"}).code, 0) << command;
  outcome = holdfast({"tre"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_EQ(outcome.err, "holdfast: there is no command \"tre\"\n  did you mean tree?\n");
  EXPECT_EQ(holdfast({}).code, 2);
  EXPECT_EQ(holdfast({"tree", "--dept", "2"}).code, 2);
  EXPECT_EQ(holdfast({"tree", "--depth", "0"}).code, 2);
}

TEST_F(Cli, ConfigCheckNeedsNoNode) {
  server_->stop();
  auto outcome = holdfast({"config", "check", tests::source_path("config")});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  const auto folder = state_ + "/config";
  std::filesystem::copy(tests::source_path("config"), folder,
                        std::filesystem::copy_options::recursive);
  std::ofstream(folder + "/node.toml", std::ios::app) << "hot_lops = 1\n";
  outcome = holdfast({"config", "check", folder});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("unknown key \"hot_lops\" in [shutdown]"));
  outcome = holdfast({"config", "check", folder, "--json"});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.json()["problems"].size(), 1u);
  EXPECT_GT(outcome.json()["problems"][0]["line"], 30);
}

TEST_F(Cli, GuardThatNeverRanCannotBeReached) {
  auto outcome = holdfast({"guard", "status"});
  EXPECT_EQ(outcome.code, 3);
  EXPECT_EQ(outcome.err, "holdfast: there is no " + state_ +
                             "/guard.token: no guard has run here\n"
                             "  name its state folder with --state-dir or HOLDFAST_STATE_DIR\n");
  EXPECT_EQ(holdfast({"guard", "fence"}).code, 2);  // no reason
}

TEST_F(Cli, RestoreNeverOverwritesAndNamesWhatIsNoBackup) {
  std::filesystem::create_directory(state_ + "/empty");
  auto outcome = holdfast({"restore", state_ + "/empty", "--to", state_ + "/journal"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("holds no backup"));
  EXPECT_FALSE(std::filesystem::exists(state_ + "/journal"));
}

// Two members of which one is there: state folder and port of the other lead nowhere.
TEST_F(Cli, AClusterIsAskedNodeByNode) {
  const auto folder = state_ + "/config";
  std::filesystem::create_directory(folder);
  for (const char* file :
       {"node.toml", "venues.toml", "instruments.toml", "risk.toml", "clients.toml", "fix"})
    std::filesystem::create_symlink(tests::source_path(std::string("config/") + file),
                                    folder + "/" + file);
  std::ofstream(folder + "/cluster.toml")
      << "[cluster]\nname = \"c\"\narbiter = \"embedded\"\narbiter_directory = \"/tmp/a\"\n"
      << "[[member]]\nid = 1\nname = \"here\"\nreplication = \"127.0.0.1:1\"\n"
      << "order_entry = \"127.0.0.1:2\"\nstate_directory = \"" << state_ << "\"\n"
      << "[[member]]\nid = 2\nname = \"gone\"\nrole = \"learner\"\nreplication = \"127.0.0.1:3\"\n"
      << "order_entry = \"127.0.0.1:4\"\nstate_directory = \"" << state_ << "/nowhere\"\n";
  auto outcome = holdfast({"--cluster", folder, "health"});
  EXPECT_EQ(outcome.code, 3) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("== here (member 1, sync)\nnode node-1 live, ready"));
  EXPECT_THAT(outcome.out, HasSubstr("== gone (member 2, learner): DOES NOT ANSWER\n"));
  outcome = holdfast({"venues", "--json", "--cluster", folder + "/cluster.toml"});
  EXPECT_EQ(outcome.code, 3);
  const auto json = outcome.json();
  EXPECT_EQ(json["cluster"], "c");
  ASSERT_EQ(json["nodes"].size(), 2u);
  EXPECT_EQ(json["nodes"][0]["node"], "here");
  EXPECT_EQ(json["nodes"][0]["code"], 0);
  EXPECT_TRUE(json["nodes"][0]["answer"].contains("venues"));
  EXPECT_EQ(json["nodes"][1]["answer"]["error"]["code"], "no_node");
}

TEST_F(Cli, AClusterIsOnlyLookedAt) {
  auto outcome = holdfast({"--cluster", "x", "risk", "kill", "--scope", "firm", "-r", "no"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("--cluster goes with health, tree, venues, orders and risk"));
  outcome = holdfast({"--cluster", tests::source_path("config"), "health"});
  EXPECT_EQ(outcome.code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("there is no cluster.toml"));
}

}  // namespace
}  // namespace holdfast::operator_api
