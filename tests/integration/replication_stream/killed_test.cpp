// A peer in a process of its own that is killed: the port that refuses is the proof.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/integration/replication_stream/stream_fixture.hpp"

namespace holdfast::replication::tests {
namespace {

constexpr MemberId kOne{1}, kTwo{2}, kThree{3};

/// A member in a child process; killed at the latest when this goes.
class Child {
 public:
  /// `settings` with a fixed port; the child runs until it is killed.
  explicit Child(const LinkSettings& settings) : pid_(::fork()) {
    if (pid_ != 0) return;
    HotLoop loop;
    auto end = start_end(loop, settings);
    loop.run();
    ::_exit(0);
  }
  ~Child() { kill(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(std::exchange(pid_, 0), nullptr, 0);
  }
  /// Kills without waiting for it to be gone.
  void strike() const { ::kill(pid_, SIGKILL); }
  void signal(int number) const { ::kill(pid_, number); }

 private:
  pid_t pid_;
};

/// Member 2 here, and another member in a child: 1 is dialled from here, 3 dials.
void killed_member_is_gone(uint32_t other) {
  const uint16_t here = free_port(), there = free_port();
  const MemberId member{other};
  Child child(settings_of(other, there, {{kTwo, "127.0.0.1", here}}));
  HotLoop loop;
  auto two = start_end(loop, settings_of(2, here, {{member, "127.0.0.1", there}}));
  ASSERT_TRUE(turn_until(loop, [&] { return two->links->linked(member); }));
  two->heard.downs.clear();

  child.strike();
  const MonoTime struck = loop.now();
  ASSERT_TRUE(turn_until(loop, [&] { return two->heard.down(member, true) == 1; }));
  // Times are printed, not asserted.
  std::printf("kill -9 to gone: %lld us\n", static_cast<long long>((loop.now() - struck).us()));
  EXPECT_LE(two->heard.down(member, false), 1u);
  child.kill();

  Child again(settings_of(other, there, {{kTwo, "127.0.0.1", here}}));
  ASSERT_TRUE(turn_until(loop, [&] { return two->links->linked(member); }));
  EXPECT_EQ(two->heard.ups.size(), 2u);
}

TEST(Killed, MemberThatDialsIsGone) { killed_member_is_gone(kThree.value); }
TEST(Killed, MemberThatIsDialledIsGone) { killed_member_is_gone(kOne.value); }

TEST(Killed, StoppedMemberIsNotGone) {
  const uint16_t here = free_port(), there = free_port();
  Child child(settings_of(3, there, {{kTwo, "127.0.0.1", here}}));
  HotLoop loop;
  auto two = start_end(loop, settings_of(2, here, {{kThree, "127.0.0.1", there}}));
  ASSERT_TRUE(turn_until(loop, [&] { return two->links->linked(kThree); }));
  two->heard.downs.clear();
  child.signal(SIGSTOP);
  loop.enter([&] { two->links->cut(kThree); });
  const auto probes = two->links->stats(kThree).probes;
  // Its kernel still takes connections.
  ASSERT_TRUE(turn_until(loop, [&] { return two->links->stats(kThree).probes > probes + 4; }));
  EXPECT_EQ(two->heard.down(kThree, false), 1u);
  EXPECT_EQ(two->heard.down(kThree, true), 0u);
  child.signal(SIGCONT);
  ASSERT_TRUE(turn_until(loop, [&] { return two->links->linked(kThree); }));
}

}  // namespace
}  // namespace holdfast::replication::tests
