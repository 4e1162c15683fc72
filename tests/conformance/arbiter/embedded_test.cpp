// What the embedded engine guarantees when processes die or stop at any step of a change, and that
// it kills whom it must and nobody else.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>
#include <thread>

#include "supervision/replication/arbiter/fence_linux.hpp"
#include "tests/conformance/arbiter/engines.hpp"

namespace holdfast::tests {
namespace {

using namespace replication;
using testing::HasSubstr;

constexpr GroupId kGroup{5};

/// A process of conformance_arbiter_contender, killed at the end if it still runs.
class Contender {
 public:
  explicit Contender(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), HOLDFAST_CONTENDER);
    std::vector<char*> argv;
    for (auto& text : arguments) argv.push_back(text.data());
    argv.push_back(nullptr);
    int ends[2];
    CHECK(::pipe2(ends, O_CLOEXEC) == 0);
    pid_ = ::fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::dup2(ends[1], 1);
      ::execv(HOLDFAST_CONTENDER, argv.data());
      ::_exit(127);
    }
    ::close(ends[1]);
    output_ = ends[0];
  }
  ~Contender() {
    kill();
    ::close(output_);
  }
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;

  pid_t pid() const { return pid_; }
  void kill() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  /// Waits until it has ended; whether by SIGKILL.
  bool was_killed() {
    int status = 0;
    const bool ended = ::waitpid(pid_, &status, 0) == pid_;
    pid_ = -1;
    return ended && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  }
  /// Waits until it has stopped itself.
  bool is_stopped() {
    siginfo_t info{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOWAIT) == 0;
  }
  bool is_alive() const { return process_of(pid_).ok(); }
  /// Its next line; empty at the end of its output.
  std::string line() {
    std::string text;
    char c = 0;
    while (::read(output_, &c, 1) == 1 && c != '\n') text += c;
    return text;
  }

 private:
  pid_t pid_ = -1;
  int output_ = -1;
};

class EmbeddedArbiter : public testing::Test {
 protected:
  void SetUp() override {
    auto settings = engine_.settings();
    settings.self = incarnation(1);
    client_ = engine_.client(settings);
    ASSERT_EQ(client_->cas(first_record(kGroup)).outcome, CasOutcome::kWon);
  }
  Client& client() { return *client_; }
  GroupRecord stands() { return client().read(kGroup).value().value(); }

  /// A contender as member 2 that does `action` at `step`.
  std::vector<std::string> contender(EmbeddedStep step, const std::string& action) const {
    return {engine_.directory(), std::to_string(kGroup.value), "2",
            std::to_string(static_cast<int>(step)), action};
  }

  EmbeddedEngine engine_;
  std::unique_ptr<Client> client_;
};

constexpr EmbeddedStep kSteps[] = {EmbeddedStep::kLocked, EmbeddedStep::kCompared,
                                   EmbeddedStep::kFenced, EmbeddedStep::kSecured,
                                   EmbeddedStep::kInstalled};

// ---- crashes

TEST_F(EmbeddedArbiter, HasTheFormerOrTheNextRecordAfterADeathAtEachStep) {
  for (const auto step : kSteps) {
    const auto former = stands();
    Contender dies(contender(step, "kill"));
    ASSERT_TRUE(dies.was_killed());
    const auto after = stands();
    if (step < EmbeddedStep::kInstalled)
      EXPECT_EQ(after, former) << static_cast<int>(step);
    else
      EXPECT_EQ(after, led_by(former, incarnation(2))) << static_cast<int>(step);
    // Nothing of it is in the way.
    EXPECT_EQ(client().cas(led_by(after, incarnation(1))).outcome, CasOutcome::kWon);
  }
}

TEST_F(EmbeddedArbiter, NeverLosesAVersionToDeathsAtAnyMoment) {
  uint64_t said = 0;
  for (int i = 0; i < 60; ++i) {
    Contender dies({engine_.directory(), std::to_string(kGroup.value), "2"});
    // Some wins, then a death at whatever it is doing just then.
    for (int wins = 0; wins < i % 3; ++wins) {
      const auto line = dies.line();
      ASSERT_FALSE(line.empty());
      said = std::stoull(line);
    }
    if (i % 2 == 0) std::this_thread::sleep_for(std::chrono::microseconds(i * 137));
    dies.kill();
    for (auto line = dies.line(); !line.empty(); line = dies.line()) said = std::stoull(line);
    const auto answer = client().read(kGroup);
    ASSERT_TRUE(answer.ok()) << answer.error().text;
    EXPECT_GE(answer.value()->version, said);
  }
  EXPECT_GT(said, 20u);
}

TEST_F(EmbeddedArbiter, IgnoresATornTemporaryFile) {
  std::ofstream(engine_.directory() + "/group-5.tmp") << "{\"cluster\": \"confor";
  EXPECT_EQ(stands(), first_record(kGroup));
  const auto next = led_by(first_record(kGroup), incarnation(1));
  EXPECT_EQ(client().cas(next).outcome, CasOutcome::kWon);
  EXPECT_EQ(stands(), next);
}

// ---- a loss of power: the page cache is gone, the next start is another boot

class EmbeddedPowerLoss : public testing::Test {
 protected:
  void SetUp() override {
    auto client = engine_.client();
    record_ = first_record(kGroup);
    ASSERT_EQ(client->cas(record_).outcome, CasOutcome::kWon);
    former_ = text();
    for (int i = 0; i < 5; ++i) {
      former_ = text();
      record_ = led_by(record_, incarnation(1));
      ASSERT_EQ(client->cas(record_).outcome, CasOutcome::kWon);
    }
  }
  std::string path(const std::string& name) const { return engine_.directory() + "/" + name; }
  std::string text() const {
    std::ifstream file(path("group-5.json"));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void next_boot() const {
    std::ofstream(path("owner")) << "cluster conformance\nformer-boot pid-namespace 1\n";
  }
  /// Damages the copy at `offset` of group-5.safe.
  void tear(std::streamoff offset) const {
    std::fstream file(path("group-5.safe"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset + 100);
    file << "torn";
  }

  EmbeddedEngine engine_;
  GroupRecord record_;
  std::string former_;
};

TEST_F(EmbeddedPowerLoss, BringsBackWhatWasWon) {
  for (const std::string& left : {former_, std::string(), former_.substr(0, 40)}) {
    std::ofstream(path("group-5.json")) << left;
    next_boot();
    EXPECT_EQ(engine_.client()->read(kGroup).value(), record_);
  }
  std::filesystem::remove(path("group-5.json"));
  next_boot();
  const auto client = engine_.client();
  EXPECT_EQ(client->read(kGroup).value(), record_);
  EXPECT_EQ(client->cas(led_by(record_, incarnation(2))).outcome, CasOutcome::kWon);
}

TEST_F(EmbeddedPowerLoss, KeepsTheFormerVersionWhenTheNextIsTorn) {
  // The sixth version is in one copy, the fifth in the other: whichever tears, one is left.
  const auto safe = path("group-5.safe");
  std::filesystem::copy_file(safe, safe + ".whole");
  std::set<uint64_t> found;
  for (const std::streamoff copy : {0, 32 << 10}) {
    std::filesystem::copy_file(safe + ".whole", safe,
                               std::filesystem::copy_options::overwrite_existing);
    tear(copy);
    std::filesystem::remove(path("group-5.json"));
    next_boot();
    found.insert(engine_.client()->read(kGroup).value()->version);
  }
  EXPECT_EQ(found, (std::set<uint64_t>{record_.version - 1, record_.version}));
}

TEST_F(EmbeddedPowerLoss, KeepsWhatStandsInTheSameBoot) {
  // Not a loss of power but an edit: what a person put there is not undone behind their back.
  std::ofstream(path("group-5.json")) << "edited";
  EXPECT_EQ(engine_.client()->read(kGroup).error().code, ErrorCode::kCorrupt);
  const auto edited = led_by(led_by(record_, incarnation(2)), incarnation(3));
  engine_.write_by_hand(kGroup, encode_record(edited));
  next_boot();
  EXPECT_EQ(engine_.client()->read(kGroup).value(), edited);  // newer than what was secured
}

TEST_F(EmbeddedArbiter, TakesTheLockFileThatIsThere) {
  const auto two = led_by(first_record(kGroup), incarnation(1));
  ASSERT_EQ(client().cas(two).outcome, CasOutcome::kWon);
  // Removed by hand: whoever made a new one and whoever holds the old one open must meet.
  std::filesystem::remove(engine_.directory() + "/group-5.lock");
  Contender holds(contender(EmbeddedStep::kLocked, "wait"));
  ASSERT_EQ(holds.line(), "waiting");
  auto settings = engine_.settings();
  settings.deadline = Duration::milliseconds(100);
  const auto impatient = engine_.client(settings);
  EXPECT_EQ(impatient->cas(led_by(two, incarnation(1))).outcome, CasOutcome::kRefused);
  holds.kill();
  EXPECT_EQ(client().cas(led_by(two, incarnation(1))).outcome, CasOutcome::kWon);
}

// ---- a process stuck with the lock

TEST_F(EmbeddedArbiter, KillsAStoppedHolderIfItIsInSync) {
  for (const auto step : {EmbeddedStep::kLocked, EmbeddedStep::kSecured}) {
    const auto former = stands();
    Contender stuck(contender(step, "stop"));
    ASSERT_TRUE(stuck.is_stopped());
    const auto fenced = client()->stats().fenced;
    const auto next = led_by(former, incarnation(1));
    const auto result = client().cas(next);
    EXPECT_EQ(result.outcome, CasOutcome::kWon) << result.error.text;
    EXPECT_TRUE(stuck.was_killed());
    EXPECT_EQ(client()->stats().fenced, fenced + 1);
    EXPECT_EQ(stands(), next);
  }
}

TEST_F(EmbeddedArbiter, KnowsAMemberAfterItsDataWasDropped) {
  const auto former = stands();
  Contender stuck(contender(EmbeddedStep::kSecured, "stop"));
  ASSERT_TRUE(stuck.is_stopped());
  auto settings = engine_.settings();
  settings.self = incarnation(1, 2);  // as it was opened; it is incarnation(1) since
  const auto renewed = engine_.client(settings);
  const auto next = led_by(former, incarnation(1));
  const auto result = renewed->cas(next);
  EXPECT_EQ(result.outcome, CasOutcome::kWon) << result.error.text;
  EXPECT_TRUE(stuck.was_killed());
  EXPECT_EQ(stands(), next);
}

TEST_F(EmbeddedArbiter, LeavesAStoppedHolderAloneIfItIsNotInSync) {
  Contender stuck(contender(EmbeddedStep::kLocked, "stop"));
  ASSERT_TRUE(stuck.is_stopped());
  auto settings = engine_.settings();
  settings.deadline = Duration::milliseconds(200);
  for (const auto& self :
       {std::optional<Incarnation>(), std::optional(incarnation(4)),
        std::optional(incarnation(1, 2))}) {  // nobody; no member; an earlier life of a member
    settings.self = self;
    const auto stranger = engine_.client(settings);
    auto proposed = led_by(first_record(kGroup), incarnation(1));
    if (self == incarnation(1, 2)) {
      std::replace(proposed.in_sync.begin(), proposed.in_sync.end(), incarnation(1), *self);
      proposed.leader = *self;
    } else {
      proposed.leader = incarnation(2);
    }
    const auto result = stranger->cas(proposed);
    EXPECT_EQ(result.outcome, CasOutcome::kRefused);
    EXPECT_EQ(result.error.code, ErrorCode::kUnavailable);
    EXPECT_THAT(result.error.text, HasSubstr("process " + std::to_string(stuck.pid())));
    EXPECT_THAT(result.error.text, HasSubstr("stopped"));
  }
  EXPECT_TRUE(stuck.is_alive());
  EXPECT_EQ(stands(), first_record(kGroup));
  // Once it goes on, it wins what it was about to win.
  ::kill(stuck.pid(), SIGCONT);
  EXPECT_EQ(stuck.line(), "2");
}

TEST_F(EmbeddedArbiter, WaitsForAHolderThatRunsAndKillsItWhenItHangs) {
  Contender hangs(contender(EmbeddedStep::kLocked, "wait"));
  ASSERT_EQ(hangs.line(), "waiting");
  auto settings = engine_.settings();
  settings.self = incarnation(1);
  settings.deadline = Duration::milliseconds(200);
  const auto patient = engine_.client(settings);
  const auto next = led_by(first_record(kGroup), incarnation(1));
  const auto refused = patient->cas(next);
  EXPECT_EQ(refused.outcome, CasOutcome::kRefused);
  EXPECT_THAT(refused.error.text, HasSubstr("the lock is held by process"));
  EXPECT_TRUE(hangs.is_alive());
  settings.hung_after = Duration::milliseconds(30);
  settings.deadline = Duration::seconds(2);
  const auto strict = engine_.client(settings);
  EXPECT_EQ(strict->cas(next).outcome, CasOutcome::kWon);
  EXPECT_TRUE(hangs.was_killed());
}

TEST_F(EmbeddedArbiter, ServesOtherGroupsWhileOneIsStuck) {
  Contender stuck(contender(EmbeddedStep::kLocked, "wait"));
  ASSERT_EQ(stuck.line(), "waiting");
  std::optional<CasResult> blocked;
  client()->compare_and_set(led_by(first_record(kGroup), incarnation(1)), 1,
                            [&](CasResult result) { blocked = std::move(result); });
  for (uint32_t g = 20; g < 30; ++g)
    EXPECT_EQ(client().cas(first_record(GroupId{g})).outcome, CasOutcome::kWon);
  EXPECT_FALSE(blocked.has_value());
  stuck.kill();
  ASSERT_TRUE(client().loop().run_until([&] { return blocked.has_value(); }));
  EXPECT_EQ(blocked->outcome, CasOutcome::kWon);
}

TEST_F(EmbeddedArbiter, WritesNothingOnceItSaidThatItWillNot) {
  std::mutex gate;
  gate.lock();
  auto settings = engine_.settings();
  settings.deadline = Duration::milliseconds(50);
  settings.at_step = [&](EmbeddedStep step) {
    if (step == EmbeddedStep::kFenced) const std::lock_guard pass(gate);
  };
  const auto slow = engine_.client(settings);
  const auto result = slow->cas(led_by(first_record(kGroup), incarnation(2)));
  EXPECT_EQ(result.outcome, CasOutcome::kRefused);
  EXPECT_EQ(result.error.code, ErrorCode::kUnavailable);
  gate.unlock();
  // The lock is free again only after the slow one has given up.
  EXPECT_EQ(client().cas(led_by(first_record(kGroup), incarnation(1))).outcome, CasOutcome::kWon);
  slow->close();
  EXPECT_EQ(stands(), led_by(first_record(kGroup), incarnation(1)));
}

TEST_F(EmbeddedArbiter, SaysUnknownWhenItMayHaveWritten) {
  std::mutex gate;
  gate.lock();
  auto settings = engine_.settings();
  settings.deadline = Duration::milliseconds(50);
  settings.at_step = [&](EmbeddedStep step) {
    if (step == EmbeddedStep::kSecured) const std::lock_guard pass(gate);
  };
  const auto slow = engine_.client(settings);
  const auto next = led_by(first_record(kGroup), incarnation(2));
  const auto result = slow->cas(next);
  EXPECT_EQ(result.outcome, CasOutcome::kUnknown);
  EXPECT_EQ(stands(), first_record(kGroup));  // not yet
  gate.unlock();
  slow->close();
  EXPECT_EQ(stands(), next);
  EXPECT_EQ(client().cas(led_by(next, incarnation(1))).outcome, CasOutcome::kWon);
}

// ---- victims

TEST_F(EmbeddedArbiter, KillsTheVictimBeforeItWrites) {
  Contender lives(contender(EmbeddedStep::kInstalled, "wait"));
  ASSERT_EQ(lives.line(), "waiting");
  const auto process = process_of(lives.pid());
  ASSERT_TRUE(process.ok());
  // It hangs with the lock of this group, so the change is made in another one.
  ASSERT_EQ(client().cas(first_record(GroupId{9})).outcome, CasOutcome::kWon);
  const Victim target{incarnation(2), lives.pid(), process.value().start_ticks};
  const auto next = led_by(first_record(GroupId{9}), incarnation(1));
  bool dead_at_write = false;
  auto settings = engine_.settings();
  settings.at_step = [&](EmbeddedStep step) {
    if (step == EmbeddedStep::kFenced) dead_at_write = !process_of(target.pid).ok();
  };
  const auto killer = engine_.client(settings);
  EXPECT_TRUE((*killer)->fences());
  EXPECT_EQ(killer->cas(next, 1, target).outcome, CasOutcome::kWon);
  EXPECT_TRUE(dead_at_write);
  EXPECT_TRUE(lives.was_killed());
}

TEST_F(EmbeddedArbiter, LeavesTheVictimAloneIfItLoses) {
  Contender lives(contender(EmbeddedStep::kInstalled, "wait"));
  ASSERT_EQ(lives.line(), "waiting");
  ASSERT_EQ(client().cas(first_record(GroupId{9})).outcome, CasOutcome::kWon);
  const Victim target{incarnation(2), lives.pid(), process_of(lives.pid()).value().start_ticks};
  auto stale = led_by(led_by(first_record(GroupId{9}), incarnation(2)), incarnation(1));
  EXPECT_EQ(client().cas(stale, 2, target).outcome, CasOutcome::kLost);
  EXPECT_TRUE(lives.is_alive());
}

TEST(Fence, KillsOnlyTheProcessThatIsMeant) {
  EmbeddedEngine engine;
  const auto client = engine.client();
  ASSERT_EQ(client->cas(first_record(kGroup)).outcome, CasOutcome::kWon);
  Contender lives({engine.directory(), "5", "2", "0", "stop"});
  ASSERT_TRUE(lives.is_stopped());
  const auto start = process_of(lives.pid()).value().start_ticks;
  // The same number, started at another time: somebody else, so whoever was meant has ended.
  EXPECT_TRUE(fence({incarnation(2), lives.pid(), start + 1}, Duration::seconds(1)).ok());
  EXPECT_TRUE(lives.is_alive());
  EXPECT_TRUE(is_stopped({lives.pid(), start}));
  EXPECT_TRUE(fence({incarnation(2), lives.pid(), start}, Duration::seconds(10)).ok());
  EXPECT_FALSE(lives.is_alive());
  EXPECT_TRUE(fence({incarnation(2), lives.pid(), start}, Duration::seconds(1)).ok());  // again
  EXPECT_TRUE(lives.was_killed());
}

TEST(Fence, RefusesToKillItself) {
  const auto self = this_process();
  EXPECT_EQ(fence({incarnation(1), self.pid, self.start_ticks}, Duration::seconds(1)).error().code,
            ErrorCode::kInvalid);
  EXPECT_EQ(fence({incarnation(1), 0, 0}, Duration::seconds(1)).error().code, ErrorCode::kInvalid);
}

// Closing an inotify descriptor takes the kernel 5 to 30 ms, in which a process that dies keeps
// sockets open: nobody learns of its death, and who must see it dead waits.
TEST_F(EmbeddedArbiter, KeepsNothingThatMakesAProcessDieSlowly) {
  for (const auto& descriptor : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    const auto target = std::filesystem::read_symlink(descriptor.path(), gone).string();
    EXPECT_EQ(target.find("inotify"), std::string::npos) << target;
  }
}

// ---- the directory

TEST(EmbeddedDirectory, IsOneClusters) {
  EmbeddedEngine engine;
  { const auto first = engine.client(); }
  auto settings = engine.settings();
  settings.cluster = "another";
  const auto opened = open_embedded_arbiter(settings, [](auto) {});
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
  EXPECT_THAT(opened.error().text, HasSubstr("belongs to cluster conformance"));
}

TEST(EmbeddedDirectory, IsOnePidNamespacesAsLongAsSomebodyIsThere) {
  EmbeddedEngine engine;
  { const auto first = engine.client(); }
  const std::string owner = engine.directory() + "/owner";
  {
    // As a process in another container would have left it, and still lives.
    std::ofstream(owner) << "cluster conformance\nboot-x pid-namespace 1\n";
    const int fd = ::open(owner.c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(::flock(fd, LOCK_SH), 0);
    const auto opened = open_embedded_arbiter(engine.settings(), [](auto) {});
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ErrorCode::kDenied);
    EXPECT_THAT(opened.error().text, HasSubstr("another PID namespace"));
    ::close(fd);
  }
  // Nobody of it is left: a container started again.
  EXPECT_TRUE(open_embedded_arbiter(engine.settings(), [](auto) {}).ok());
}

TEST(EmbeddedDirectory, RefusesSettingsThatCannotWork) {
  EmbeddedEngine engine;
  const auto refused = [&](auto change) {
    auto settings = engine.settings();
    change(settings);
    const auto opened = open_embedded_arbiter(settings, [](auto) {});
    return opened.ok() ? std::string("opened") : opened.error().text;
  };
  EXPECT_THAT(refused([](auto& s) { s.directory = ""; }), HasSubstr("no directory"));
  EXPECT_THAT(refused([](auto& s) { s.directory += "/no/parent"; }), HasSubstr("can't be made"));
  EXPECT_THAT(refused([](auto& s) { s.cluster = ""; }), HasSubstr("cluster's name"));
  EXPECT_THAT(refused([](auto& s) { s.lock_try = s.deadline; }), HasSubstr("lock_try"));
}

}  // namespace
}  // namespace holdfast::tests
