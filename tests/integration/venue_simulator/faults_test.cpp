// The faults that can be switched on, seen from outside, and the binary as scripts start it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/venue_simulator/running_venue.hpp"

namespace holdfast::exchange {
namespace {

constexpr const char* kOk = "{\"ok\":true}";

struct VenueFault : testing::Test {
  VenueFault() { gate.logon(); }
  RunningVenue venue;
  ControlClient control{venue.control_port()};
  FixClient gate{venue.port(), "GATE"};
};

TEST_F(VenueFault, RejectNext) {
  EXPECT_EQ(control.ask("reject-next 1"), kOk);
  gate.new_order("A1", '1', "10", "100");
  gate.new_order("A2", '1', "10", "100");
  const auto said = gate.drain();
  EXPECT_EQ(said[0].get(39), "8");
  EXPECT_EQ(said[0].get(103), "99");
  EXPECT_EQ(said[1].get(39), "0");
  EXPECT_EQ(venue.recorded("rejected"), 1u);
}

TEST_F(VenueFault, DelayedReportsStillComeInOrder) {
  EXPECT_EQ(control.ask("delay 30"), kOk);
  gate.new_order("A1", '1', "10", "100");
  ASSERT_TRUE(control.reaches("accepted", 1));
  EXPECT_EQ(control.ask("delay 0"), kOk);
  gate.new_order("A2", '1', "10", "100");
  EXPECT_EQ(gate.next().get(11), "A1");
  EXPECT_EQ(gate.next().get(11), "A2") << "not before what waits";
}

TEST_F(VenueFault, DropAfterCutsTheConnectionWithItsLastMessageUnanswered) {
  EXPECT_EQ(control.ask("drop-after 2"), kOk);
  gate.new_order("A1", '1', "10", "100");
  EXPECT_EQ(gate.next().get(11), "A1");
  gate.new_order("A2", '1', "10", "100");
  EXPECT_TRUE(gate.closed());
  EXPECT_EQ(venue.recorded("accepted"), 2u) << "it was accepted, the firm can't know";
  ASSERT_TRUE(control.reaches("logouts", 1));
  FixClient again(venue.port(), "GATE");
  again.sequence = gate.sequence;
  EXPECT_EQ(again.logon().sequence(), 4);
  again.send("2", {{7, "3"}, {16, "3"}});
  EXPECT_EQ(again.next().get(11), "A2");
}

TEST_F(VenueFault, DropNowCutsEverybody) {
  EXPECT_EQ(control.ask("drop-now"), kOk);
  EXPECT_TRUE(gate.closed());
  EXPECT_TRUE(control.reaches("logouts", 1));
}

TEST_F(VenueFault, SilentVenueWorksButSaysNothing) {
  EXPECT_EQ(control.ask("silent on"), kOk);
  gate.new_order("A1", '1', "10", "100");
  ASSERT_TRUE(control.reaches("accepted", 1));
  EXPECT_EQ(control.ask("silent off"), kOk);
  gate.send("1", {{112, "x"}});
  EXPECT_EQ(gate.next().sequence(), 3) << "number 2 never left";
  gate.send("2", {{7, "2"}, {16, "2"}});
  EXPECT_EQ(gate.next().get(11), "A1");
}

TEST_F(VenueFault, FrozenVenueDoesNothingUntilItThaws) {
  EXPECT_EQ(control.ask("freeze on"), kOk);
  gate.new_order("A1", '1', "10", "100");
  FixClient late(venue.port(), "LATE");
  late.send("A", {{98, "0"}, {108, "30"}});
  EXPECT_EQ(control.stat("accepted"), 0);
  EXPECT_EQ(control.stat("logons"), 1);
  EXPECT_EQ(control.ask("freeze off"), kOk);
  EXPECT_EQ(gate.next().get(11), "A1");
  EXPECT_EQ(late.next().type(), "A");
}

TEST_F(VenueFault, DuplicatedReportHasTheSameExecIdUnderTheNextNumber) {
  EXPECT_EQ(control.ask("duplicate-reports 1"), kOk);
  gate.new_order("A1", '1', "10", "100");
  const auto said = gate.drain();
  ASSERT_EQ(said.size(), 2u);
  EXPECT_EQ(said[0].get(17), said[1].get(17));
  EXPECT_EQ(said[1].sequence(), said[0].sequence() + 1);
  EXPECT_EQ(venue.record().size(), 1u) << "it happened once";
}

TEST_F(VenueFault, RefusedLogons) {
  EXPECT_EQ(control.ask("refuse-logons 1"), kOk);
  {
    FixClient other(venue.port(), "OTHER");
    other.send("A", {{98, "0"}, {108, "30"}});
    EXPECT_TRUE(other.closed());
  }
  FixClient other(venue.port(), "OTHER");
  other.logon();
  EXPECT_EQ(control.ask("refuse-relogon 3600000"), kOk);
  EXPECT_EQ(control.ask("drop-now"), kOk);
  ASSERT_TRUE(control.reaches("logouts", 2));
  FixClient again(venue.port(), "OTHER");
  again.sequence = 2;
  again.send("A", {{98, "0"}, {108, "30"}});
  EXPECT_TRUE(again.closed());
  EXPECT_EQ(control.ask("clear"), kOk);
  FixClient welcome(venue.port(), "OTHER");
  welcome.sequence = 2;
  welcome.logon();
}

TEST_F(VenueFault, HaltedSymbolRejects) {
  EXPECT_EQ(control.ask("halt AAPL"), kOk);
  gate.new_order("A1", '1', "10", "100");
  EXPECT_EQ(gate.next().get(103), "2");
  EXPECT_EQ(control.ask("resume AAPL"), kOk);
  gate.new_order("A2", '1', "10", "100");
  EXPECT_EQ(gate.next().get(39), "0");
}

TEST_F(VenueFault, EndlessControlLineIsCut) {
  ControlClient talker(venue.control_port());
  EXPECT_NE(talker.ask(std::string(5'000, 'x')).find("too long"), std::string::npos);
  EXPECT_TRUE(gate.drain().empty());
}

// ---- opening

TEST(VenueOpening, SaysWhatCannotBeHad) {
  RunningVenue venue;
  VenueOptions options;
  options.port = venue.port();
  auto busy = Venue::open(options);
  ASSERT_FALSE(busy.ok());
  EXPECT_NE(busy.error().text.find("in use"), std::string::npos) << busy.error().text;
  options.port = 0;
  options.record_path = "/nonexistent/record";
  EXPECT_EQ(Venue::open(options).error().code, ErrorCode::kIo);
  options.record_path.clear();
  options.exchange.store_directory = "/dev/null/store";
  EXPECT_EQ(Venue::open(options).error().code, ErrorCode::kIo);
  options.exchange.store_directory.clear();
  options.host = "localhost";
  EXPECT_EQ(Venue::open(options).error().code, ErrorCode::kInvalid);
  options.host = "127.0.0.1";
  options.exchange.sender = "a/b";
  EXPECT_EQ(Venue::open(options).error().code, ErrorCode::kInvalid);
}

// What it can't record it must not do: it stops, and the order was not acknowledged.
TEST(VenueOpening, RecordThatCannotBeWrittenStopsTheExchange) {
  VenueOptions options;
  options.record_path = "/dev/full";
  auto opened = Venue::open(options);
  ASSERT_TRUE(opened.ok());
  std::string why;
  std::thread thread([&] {
    try {
      opened.value()->run();
    } catch (const std::exception& e) {
      why = e.what();
      opened.value().reset();
    }
  });
  FixClient gate(opened.value()->port(), "GATE");
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  EXPECT_TRUE(gate.closed());
  thread.join();
  EXPECT_NE(why.find("No space left"), std::string::npos) << why;
}

// ---- the binary

struct Process {
  explicit Process(std::vector<std::string> arguments) {
    int out[2];
    EXPECT_EQ(pipe2(out, O_CLOEXEC), 0);
    arguments.insert(arguments.begin(), HOLDFAST_VENUE_BINARY);
    pid = fork();
    if (pid == 0) {
      dup2(out[1], 1);
      std::vector<char*> argv;
      for (std::string& a : arguments) argv.push_back(a.data());
      argv.push_back(nullptr);
      execv(argv[0], argv.data());
      _exit(127);
    }
    close(out[1]);
    output = out[0];
  }
  ~Process() {
    if (pid > 0) kill(pid, SIGKILL);
    if (pid > 0) waitpid(pid, nullptr, 0);
    close(output);
  }
  std::string read_line() {
    std::string line;
    for (char c = 0; read(output, &c, 1) == 1 && c != '\n';) line += c;
    return line;
  }
  int wait_for_exit() {
    int status = 0;
    waitpid(pid, &status, 0);
    pid = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  pid_t pid = -1;
  int output = -1;
};

TEST(VenueBinary, SaysWhereItListensAndStopsCleanlyOnSigterm) {
  TemporaryFolder folder;
  Process process({"--control", "0", "--record", folder.path + "/record", "--ports-file",
                   folder.path + "/ports", "--reject-next", "1", "--sender", "XCHG"});
  const std::string line = process.read_line();
  int fix = 0;
  int control = 0;
  ASSERT_EQ(std::sscanf(line.c_str(), "listening fix=%d control=%d", &fix, &control), 2) << line;
  EXPECT_EQ(lines_of(folder.path + "/ports"),
            (std::vector<std::string>{"fix=" + std::to_string(fix),
                                      "control=" + std::to_string(control)}));
  FixClient gate(static_cast<uint16_t>(fix), "GATE");
  gate.target = "XCHG";
  gate.logon();
  gate.new_order("A1", '1', "10", "100");
  EXPECT_EQ(gate.next().get(39), "8");
  kill(process.pid, SIGTERM);
  EXPECT_EQ(gate.next().type(), "5");
  gate.send("5", {});
  EXPECT_TRUE(gate.closed());
  EXPECT_EQ(process.wait_for_exit(), 0);
  EXPECT_EQ(lines_of(folder.path + "/record").size(), 1u);
}

TEST(VenueBinary, KilledExchangeKeepsItsRecord) {
  TemporaryFolder folder;
  Process process({"--record", folder.path + "/record"});
  int fix = 0;
  ASSERT_EQ(std::sscanf(process.read_line().c_str(), "listening fix=%d", &fix), 1);
  FixClient gate(static_cast<uint16_t>(fix), "GATE");
  gate.logon();
  for (int i = 0; i < 200; ++i) gate.new_order("A" + std::to_string(i), '1', "10", "100");
  std::size_t answered = 0;
  while (answered < 50) answered += gate.next().get(150) == "0";
  kill(process.pid, SIGKILL);
  process.wait_for_exit();
  EXPECT_GE(lines_of(folder.path + "/record").size(), answered);
}

TEST(VenueBinary, WrongOptionsAreUsageErrors) {
  EXPECT_EQ(Process({"--nonsense"}).wait_for_exit(), 2);
  EXPECT_EQ(Process({"--control", "70000"}).wait_for_exit(), 2);
  EXPECT_EQ(Process({"--record", "/nonexistent/record"}).wait_for_exit(), 3);
  EXPECT_EQ(Process({"--help"}).wait_for_exit(), 0);
}

}  // namespace
}  // namespace holdfast::exchange
