// The control port's language, against an exchange that only keeps what it is told.
#include "nodes/venue/control.hpp"

#include <gtest/gtest.h>

namespace holdfast::exchange {
namespace {

struct Mute : DeskOutput {
  void report(const Report&) override {}
  void refuse(const Refusal&) override {}
};

struct QuietExchange : Exchange {
  void on_message(ConnectionId, std::string&, Now) override {}
  void on_closed(ConnectionId, Now) override {}
  void tick(Now) override {}
  bool online(ConnectionId) const override { return false; }
  void begin_logout(Now) override {}
  std::string& record() override { return record_; }
  OrderDesk& desk() override { return desk_; }
  Counters& counters() override { return counters_; }
  uint32_t end_day(Now) override { return 3; }
  void drop_all() override { ++drops; }
  Mute mute;
  OrderDesk desk_{{}, mute};
  Counters counters_;
  std::string record_;
  int drops = 0;
};

struct ControlTest : testing::Test {
  std::string say(std::string_view line) {
    std::string answer;
    run_command(line, exchange, faults, {}, answer);
    EXPECT_EQ(std::count(answer.begin(), answer.end(), '\n'), 1) << answer;
    EXPECT_TRUE(answer.ends_with("}\n")) << answer;
    return answer;
  }
  const std::string ok = "{\"ok\":true}\n";
  QuietExchange exchange;
  Faults faults;
};
using Control = ControlTest;

TEST_F(Control, SwitchesEveryFault) {
  const DeskFaults& desk = exchange.desk().faults();
  EXPECT_EQ(say("reject-next 5"), ok);
  EXPECT_EQ(desk.reject_next, 5u);
  EXPECT_EQ(say("  reject-every   7 \r"), ok);
  EXPECT_EQ(desk.reject_every, 7u);
  EXPECT_EQ(say("accept-duplicates on"), ok);
  EXPECT_TRUE(desk.accept_duplicates);
  EXPECT_EQ(say("delay 20"), ok);
  EXPECT_EQ(faults.delay_ms, 20u);
  EXPECT_EQ(say("silent on"), ok);
  EXPECT_TRUE(faults.silent);
  EXPECT_EQ(say("freeze on"), ok);
  EXPECT_TRUE(faults.frozen);
  EXPECT_EQ(say("drop-after 9"), ok);
  EXPECT_EQ(faults.drop_after, 9u);
  EXPECT_EQ(say("duplicate-reports 2"), ok);
  EXPECT_EQ(faults.duplicate_reports, 2u);
  EXPECT_EQ(say("refuse-logons 3"), ok);
  EXPECT_EQ(faults.refuse_logons, 3u);
  EXPECT_EQ(say("refuse-relogon 500"), ok);
  EXPECT_EQ(faults.refuse_relogon_ms, 500u);
  EXPECT_EQ(say("halt AAPL"), ok);
  EXPECT_EQ(say("drop-now"), ok);
  EXPECT_EQ(exchange.drops, 1);
  EXPECT_EQ(say("faults"),
            "{\"ok\":true,\"reject_next\":5,\"reject_every\":7,\"accept_duplicates\":true,\"delay_"
            "ms\":20,"
            "\"silent\":true,\"frozen\":true,\"drop_after\":9,\"duplicate_reports\":2,\"refuse_"
            "logons\":3,"
            "\"refuse_relogon_ms\":500,\"halted\":[\"AAPL\"]}\n");
  EXPECT_EQ(say("clear"), ok);
  EXPECT_EQ(say("resume AAPL"), ok);
  EXPECT_EQ(say("faults"),
            "{\"ok\":true,\"reject_next\":0,\"reject_every\":0,\"accept_duplicates\":false,\"delay_"
            "ms\":0,"
            "\"silent\":false,\"frozen\":false,\"drop_after\":0,\"duplicate_reports\":0,\"refuse_"
            "logons\":0,"
            "\"refuse_relogon_ms\":0,\"halted\":[]}\n");
}

TEST_F(Control, NonsenseChangesNothingAndSaysWhatIsExpected) {
  for (const char* line : {"reject-next", "reject-next -1", "reject-next 1.5",
                           "reject-next 99999999999", "delay 5 6", "silent", "silent maybe", "halt",
                           "halt \x01", "nonsense", "", "clear all", "help me", "\"\\"})
    EXPECT_TRUE(say(line).starts_with("{\"ok\":false,\"error\":\"")) << line;
  EXPECT_EQ(exchange.desk().faults().reject_next, 0u);
  EXPECT_FALSE(faults.silent);
}

TEST_F(Control, HelpNamesEveryCommandThatItKnows) {
  const std::string help = say("help");
  for (const char* name :
       {"help", "stats", "faults", "clear", "reject-next N", "drop-now", "end-day"})
    EXPECT_NE(help.find("\"command\":\"" + std::string(name) + "\""), std::string::npos) << name;
}

TEST_F(Control, StatsShowWhatIsCounted) {
  exchange.counters_.garbage = 4;
  exchange.counters_.refused = 2;
  const std::string stats = say("stats");
  EXPECT_NE(stats.find("\"garbage\":4"), std::string::npos);
  EXPECT_NE(stats.find("\"cancel_rejected\":2"), std::string::npos);
  EXPECT_EQ(say("end-day"), "{\"ok\":true,\"expired\":3}\n");
}

}  // namespace
}  // namespace holdfast::exchange
