// The guard as a program, with a small node of the tests' own. Nothing here sleeps for a result:
// each wait looks for what must come, and the test's time limit ends one that waits in vain.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "nodes/guard/control_linux.hpp"
#include "nodes/guard/node_process_linux.hpp"
#include "supervision/runtime/guard_events_linux.hpp"
#include "supervision/runtime/process_linux.hpp"
#include "supervision/runtime/progress_file_linux.hpp"

namespace holdfast {
namespace {

template <typename F>
bool eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::string content(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

class GuardTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/holdfast-guard-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    root_ = name;
    state_ = root_ + "/state";
    config_ = root_ + "/node.conf";
    configure("");
  }
  void TearDown() override {
    for (const pid_t guard : guards_) {
      ::kill(guard, SIGKILL);
      ::waitpid(guard, nullptr, 0);
    }
    // What runs is on record even before its first instruction.
    NodeProcess node;
    if (node.adopt(state_ + "/node.json")) {
      node.kill();
      EXPECT_TRUE(eventually([&] { return node.reap().has_value(); }));
    }
    std::filesystem::remove_all(root_);
  }

  void configure(const std::string& words) { std::ofstream(config_) << words; }

  pid_t launch(std::vector<std::string> arguments) {
    const std::string log = root_ + "/guard.log";
    std::vector<char*> pointers;
    for (auto& argument : arguments) pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    const pid_t pid = ::fork();
    if (pid == 0) {
      const int fd = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      ::dup2(fd, 1);
      ::dup2(fd, 2);
      ::execv(pointers[0], pointers.data());
      ::_exit(126);
    }
    return pid;
  }
  pid_t start_guard(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {GUARD_BINARY, "--node-binary", NODE_BINARY, "--config",
                                          config_,      "--state-dir",   state_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    guards_.push_back(launch(arguments));
    return guards_.back();
  }
  /// Runs a client command to its end; its exit code.
  int client(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), GUARD_BINARY);
    return wait(launch(arguments));
  }
  int wait(pid_t pid) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    std::erase(guards_, pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  /// The pids of all nodes ever started, in order.
  std::vector<pid_t> starts() {
    std::istringstream lines(content(config_ + ".starts"));
    std::vector<pid_t> pids;
    for (std::string line; std::getline(lines, line);) pids.push_back(std::atoi(line.c_str()));
    return pids;
  }
  bool node_starts(std::size_t times) {
    return eventually(
        [&] { return starts().size() >= times && content(config_ + ".starts").back() == '\n'; });
  }
  nlohmann::json ask(const std::string& command,
                     nlohmann::json request = nlohmann::json::object()) {
    request["command"] = command;
    auto reply = ask_guard(state_, request, Duration::seconds(60));
    return reply.ok() ? reply.value() : nlohmann::json{{"failed", reply.error().text}};
  }
  bool guard_answers() {
    return eventually([&] {
      return ask_guard(state_, {{"command", "status"}}, Duration::seconds(60)).ok();
    });
  }
  std::string raw(const std::string& text) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string path = socket_path(state_);
    path.copy(address.sun_path, path.size());
    EXPECT_EQ(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::send(fd, text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
    std::string reply;
    char buffer[1024];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;)
      reply.append(buffer, static_cast<std::size_t>(n));
    ::close(fd);
    return reply;
  }
  std::string guard_log() { return content(root_ + "/guard.log"); }

  std::string root_;
  std::string state_;
  std::string config_;
  std::vector<pid_t> guards_;
};

TEST_F(GuardTest, StartsTheNodeAndStopsItWithItself) {
  const pid_t guard = start_guard({"--", "extra"});
  ASSERT_TRUE(node_starts(1));
  EXPECT_NE(content(config_ + ".starts").find(" extra"), std::string::npos);
  EXPECT_NE(::getpgid(starts()[0]), ::getpgid(guard));
  ::kill(guard, SIGTERM);
  EXPECT_EQ(wait(guard), 0);
  EXPECT_EQ(content(config_ + ".stops"), std::to_string(starts()[0]) + "\n");
}

TEST_F(GuardTest, RestartsANodeThatIsKilled) {
  start_guard();
  for (std::size_t kills = 1; kills <= 3; ++kills) {
    ASSERT_TRUE(node_starts(kills));
    ::kill(starts().back(), SIGKILL);
  }
  ASSERT_TRUE(node_starts(4));
  EXPECT_EQ(ask("status")["restarts"], 3);
  EXPECT_EQ(ask("status")["last_exit"], "signal 9 (Killed)");
}

TEST_F(GuardTest, KillsAndRestartsANodeThatHangs) {
  configure("hang");
  start_guard({"--hang-timeout-ms", "100"});
  ASSERT_TRUE(node_starts(2));
  EXPECT_GE(ask("status")["hangs"], 1);
  EXPECT_NE(guard_log().find("event=node_hangs"), std::string::npos);
}

TEST_F(GuardTest, KillsAndRestartsANodeThatIsStopped) {
  start_guard({"--hang-timeout-ms", "200"});
  ASSERT_TRUE(node_starts(1));
  ASSERT_TRUE(eventually([&] { return ask("status")["progress"] == "watched"; }));
  ::kill(starts()[0], SIGSTOP);
  ASSERT_TRUE(node_starts(2));
  EXPECT_GE(ask("status")["hangs"], 1);
}

TEST_F(GuardTest, LeavesAHealthyNodeAlone) {
  start_guard({"--hang-timeout-ms", "1000"});
  ASSERT_TRUE(eventually([&] { return ask("status")["progress"] == "watched"; }));
  ASSERT_TRUE(eventually([&] { return ask("status").value("watched_ms", 0) > 2'500; }));
  EXPECT_EQ(ask("status")["hangs"], 0);
  EXPECT_EQ(starts().size(), 1u);
}

TEST_F(GuardTest, FencesOnCommandAndAnswersWhenTheNodeIsDead) {
  start_guard();
  ASSERT_TRUE(node_starts(1));
  const pid_t node = starts()[0];
  const auto reply = ask("fence", {{"reason", "test"}});
  EXPECT_TRUE(reply["ok"]) << reply;
  EXPECT_EQ(reply["pid"], node);
  EXPECT_FALSE(process_of(node).ok());
  EXPECT_TRUE(node_starts(2));
}

TEST_F(GuardTest, HoldsAFencedNodeDownUntilItIsStarted) {
  start_guard();
  ASSERT_TRUE(node_starts(1));
  EXPECT_EQ(client({"fence", "--state-dir", state_, "--hold"}), 0);
  EXPECT_EQ(ask("status")["state"], "held");
  EXPECT_EQ(client({"status", "--state-dir", state_, "--json"}), 1);
  EXPECT_EQ(client({"start", "--state-dir", state_}), 0);
  EXPECT_TRUE(node_starts(2));
  EXPECT_EQ(client({"status", "--state-dir", state_}), 0);
  EXPECT_EQ(client({"start", "--state-dir", state_}), 4) << "it runs already";
}

TEST_F(GuardTest, KeepsWhatItSawForTheNodesNextLife) {
  start_guard();
  ASSERT_TRUE(node_starts(1));
  ASSERT_TRUE(guard_answers());
  ::kill(starts().back(), SIGKILL);
  ASSERT_TRUE(node_starts(2));
  EXPECT_EQ(client({"fence", "--state-dir", state_, "--reason", "a test"}), 0);
  ASSERT_TRUE(node_starts(3));
  const auto events = read_guard_events(state_ + "/guard.events");
  ASSERT_EQ(events.size(), 2u);  // a fence explains the end that follows it
  EXPECT_EQ(events[0].event, "node_died");
  EXPECT_EQ(events[0].text, "signal 9 (Killed)");
  EXPECT_EQ(events[1].event, "node_fenced");
  EXPECT_EQ(events[1].text, "a test");
  EXPECT_GT(events[1].number, events[0].number);
}

TEST_F(GuardTest, KeepsTheLastWordsOfANodeThatGaveUpAndNothingOfAnOrderlyEnd) {
  configure("give_up");
  const auto guard = start_guard();
  ASSERT_TRUE(node_starts(2));
  configure("");
  const auto before = starts().size();
  ASSERT_TRUE(node_starts(before + 1));
  ASSERT_TRUE(guard_answers());
  const auto events = read_guard_events(state_ + "/guard.events");
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].event, "node_gave_up");
  EXPECT_EQ(events[0].text, "code 1: more than 5 restarts");
  ::kill(guard, SIGTERM);
  EXPECT_EQ(wait(guard), 0);
  EXPECT_EQ(read_guard_events(state_ + "/guard.events").size(), events.size());
}

TEST_F(GuardTest, StopsOnCommand) {
  const pid_t guard = start_guard();
  ASSERT_TRUE(node_starts(1));
  EXPECT_EQ(client({"stop", "--state-dir", state_}), 0);
  EXPECT_EQ(wait(guard), 0);
  EXPECT_FALSE(process_of(starts()[0]).ok());
}

TEST_F(GuardTest, KillsANodeThatDoesNotStopInTime) {
  configure("deaf");
  const pid_t guard = start_guard({"--stop-timeout-ms", "50"});
  ASSERT_TRUE(eventually([&] { return ask("status")["progress"] == "watched"; }));
  ::kill(guard, SIGTERM);
  EXPECT_EQ(wait(guard), 0);
  EXPECT_FALSE(process_of(starts()[0]).ok());
  EXPECT_NE(guard_log().find("event=node_killed"), std::string::npos);
}

TEST_F(GuardTest, LeavesItsNodeBehindAndItsSuccessorAdoptsIt) {
  const pid_t first = start_guard();
  ASSERT_TRUE(node_starts(1));
  ASSERT_TRUE(guard_answers());
  const pid_t node = starts()[0];
  ::kill(first, SIGKILL);
  wait(first);
  EXPECT_TRUE(process_of(node).ok());
  const pid_t second = start_guard();
  ASSERT_TRUE(eventually([&] { return ask("status").value("adopted", false); }));
  EXPECT_EQ(ask("status")["node_pid"], node);
  ASSERT_TRUE(eventually([&] { return ask("status")["progress"] == "watched"; }));
  ::kill(node, SIGKILL);
  ASSERT_TRUE(node_starts(2));
  EXPECT_FALSE(ask("status")["adopted"]);
  ::kill(second, SIGTERM);
  EXPECT_EQ(wait(second), 0);
}

TEST_F(GuardTest, DoesNotAdoptAProcessThatMerelyHasTheNumber) {
  std::filesystem::create_directory(state_);
  auto self = this_process();
  ASSERT_TRUE(
      replace_file(state_ + "/node.json",
                   nlohmann::json{{"pid", self.pid}, {"start_ticks", self.start_ticks + 1}}.dump())
          .ok());
  start_guard();
  ASSERT_TRUE(node_starts(1));
  EXPECT_FALSE(ask("status")["adopted"]);
}

TEST_F(GuardTest, StartsAfreshWhenItsRecordIsGarbage) {
  std::filesystem::create_directory(state_);
  for (const auto* garbage :
       {"", "{", "[1]", "{\"pid\": \"x\"}", "{\"pid\": 1, \"start_ticks\": 1}"}) {
    ASSERT_TRUE(replace_file(state_ + "/node.json", garbage).ok());
    NodeProcess node;
    EXPECT_FALSE(node.adopt(state_ + "/node.json")) << garbage;
  }
}

TEST_F(GuardTest, RefusesASecondGuard) {
  start_guard();
  ASSERT_TRUE(node_starts(1));
  ASSERT_TRUE(guard_answers());
  EXPECT_EQ(wait(start_guard()), 4);
  EXPECT_NE(guard_log().find("another guard has"), std::string::npos);
  EXPECT_EQ(starts().size(), 1u);
}

TEST_F(GuardTest, EndsWithTheNodesOwnVerdict) {
  configure("exit 0");
  EXPECT_EQ(wait(start_guard()), 0);
  configure("exit 2");
  EXPECT_EQ(wait(start_guard()), 2);
}

TEST_F(GuardTest, BacksOffFromANodeThatCannotLive) {
  configure("exit 1");
  start_guard({"--backoff-first-ms", "20", "--backoff-longest-ms", "40", "--alarm-restarts", "3"});
  ASSERT_TRUE(node_starts(6));
  EXPECT_NE(guard_log().find("ALARM event=node_restarts_too_often"), std::string::npos);
}

TEST_F(GuardTest, CollectsTheNodesOutput) {
  configure("talk 5");
  start_guard();
  ASSERT_TRUE(eventually([&] {
    return content(state_ + "/node.log").find("line 4 of the node\n") != std::string::npos;
  }));
}

TEST_F(GuardTest, RotatesALongLog) {
  configure("talk 60000");  // some 1.3 MB
  start_guard({"--log-mib", "1", "--hang-timeout-ms", "100"});
  // How much the node has said when the guard looks at the size is chance: the end may be in either
  // file.
  ASSERT_TRUE(eventually([&] {
    const auto old = content(state_ + "/node.log.1");
    return old.size() >= (1u << 20) &&
           (old + content(state_ + "/node.log")).find("line 59999 of") != std::string::npos;
  }));
  ASSERT_TRUE(eventually([&] { return content(state_ + "/node.log").size() < (1u << 20); }));
}

TEST_F(GuardTest, KeepsItsFilesToItself) {
  start_guard();
  ASSERT_TRUE(guard_answers());
  for (const auto* name : {"guard.sock", "guard.token", "node.json", "node.log"}) {
    struct stat info {};
    ASSERT_EQ(::stat((state_ + "/" + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 077, 0u) << name;
  }
}

TEST_F(GuardTest, RefusesStrangersAndGarbage) {
  start_guard();
  ASSERT_TRUE(node_starts(1));
  ASSERT_TRUE(guard_answers());
  EXPECT_NE(raw("{\"token\": \"" + std::string(64, 'a') + "\", \"command\": \"fence\"}\n")
                .find("the token is wrong"),
            std::string::npos);
  EXPECT_NE(raw("{\"command\": \"fence\"}\n").find("expected"), std::string::npos);
  EXPECT_NE(raw("\xff\xfe{{{\n").find("expected"), std::string::npos);
  EXPECT_NE(raw("[]\n").find("expected"), std::string::npos);
  EXPECT_NE(raw(std::string(5'000, 'x')).find("longer than"), std::string::npos);
  const auto status = ask("status");
  EXPECT_EQ(status["refused_commands"], 5);
  EXPECT_EQ(status["fences"], 0);
  EXPECT_EQ(starts().size(), 1u);
  EXPECT_NE(ask("dance")["error"].get<std::string>().find("there are: status"), std::string::npos);
}

TEST_F(GuardTest, RefusesATokenThatOthersCanRead) {
  start_guard();
  ASSERT_TRUE(guard_answers());
  ::chmod(token_path(state_).c_str(), 0644);
  EXPECT_EQ(client({"status", "--state-dir", state_}), 4);
}

TEST_F(GuardTest, SaysWhatIsWrongWithItsArguments) {
  EXPECT_EQ(client({}), 2);
  EXPECT_EQ(client({"--node-binary", "/nowhere", "--config", config_, "--state-dir", state_}), 2);
  EXPECT_EQ(client({"--node-binary", NODE_BINARY, "--config", "/nowhere", "--state-dir", state_}),
            2);
  EXPECT_EQ(client({"--hang-timeout-ms", "soon"}), 2);
  EXPECT_EQ(client({"status", "--state-dir", root_ + "/nowhere"}), 3);
  EXPECT_EQ(client({"--help"}), 0);
}

TEST(GuardEvents, AreTheLastInOrderAndOutliveTheirWriter) {
  char name[] = "/tmp/holdfast-events-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const std::string path = std::string(name) + "/guard.events";
  EXPECT_TRUE(read_guard_events(path).empty());
  {
    GuardEvents events(path);
    for (std::size_t i = 0; i < kGuardEventsKept + 3; ++i)
      ASSERT_TRUE(events.record({1'000}, "node_died", "no. " + std::to_string(i)));
  }
  GuardEvents next(path);
  ASSERT_TRUE(next.record({500}, "node_hung", "a clock\nthat went back"));  // later all the same
  const auto events = read_guard_events(path);
  ASSERT_EQ(events.size(), kGuardEventsKept);
  EXPECT_EQ(events.front().text, "no. 4");
  EXPECT_EQ(events.back().text, "a clock that went back");
  EXPECT_EQ(events.back().at.ns, 500);
  for (std::size_t i = 1; i < events.size(); ++i)
    EXPECT_EQ(events[i].number, events[i - 1].number + 1);
  std::ofstream(path) << "garbage\n5 6 node_died x\n4 7 node_died older\n9\n";
  const auto read = read_guard_events(path);
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].text, "x");
  EXPECT_EQ(next.take_last_words(), "");
  std::filesystem::remove_all(name);
}

TEST(ProgressFile, ShowsCountersByLoopAndProcess) {
  const std::string path = "/tmp/holdfast-progress-" + std::to_string(::getpid());
  auto file = ProgressFile::create(path);
  ASSERT_TRUE(file.ok());
  auto first = file.value().add_loop("orders");
  auto second = file.value().add_loop(std::string(100, 'x'));
  ASSERT_TRUE(first.ok() && second.ok());
  first.value()->store(41);
  const auto sample = read_progress(path);
  ASSERT_TRUE(sample.ok());
  EXPECT_EQ(sample.value().process, this_process());
  EXPECT_EQ(sample.value().loops, (std::vector<std::string>{"orders", std::string(31, 'x')}));
  EXPECT_EQ(sample.value().counters, (std::vector<uint64_t>{41, 0}));
  for (std::size_t i = 2; i < kProgressLoopsMax; ++i) ASSERT_TRUE(file.value().add_loop("l").ok());
  EXPECT_EQ(file.value().add_loop("one more").error().code, ErrorCode::kFull);
  ::unlink(path.c_str());
  EXPECT_EQ(read_progress(path).error().code, ErrorCode::kNotFound);
}

TEST(ProgressFile, RefusesWhatIsNoProgressFile) {
  const std::string path = "/tmp/holdfast-progress-bad-" + std::to_string(::getpid());
  for (const std::string& bytes :
       {std::string(), std::string("short"), std::string(4096, 'x'), std::string(9000, '\0')}) {
    std::ofstream(path, std::ios::trunc) << bytes;
    EXPECT_EQ(read_progress(path).error().code, ErrorCode::kCorrupt);
  }
  ::unlink(path.c_str());
}

TEST(ControlToken, ComparesWholeTexts) {
  EXPECT_TRUE(equal_in_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_in_constant_time("abc", "abcd"));
  EXPECT_TRUE(equal_in_constant_time("", ""));
}

}  // namespace
}  // namespace holdfast
