// A process that changes a record of the embedded arbiter again and again, and, if told, meets its
// end or a stop at a given step of one change. For the tests that kill it.
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "supervision/replication/arbiter/embedded_linux.hpp"
#include "tests/conformance/arbiter/client.hpp"
#include "tests/conformance/arbiter/records.hpp"

using namespace holdfast;
using namespace holdfast::replication;

/// DIRECTORY GROUP MEMBER [STEP ACTION]: at step STEP, "kill" or "stop" itself or "wait" for ever.
/// Says each version that it won, one a line.
int main(int count, char** arguments) {
  if (count != 4 && count != 6) return 2;
  EmbeddedSettings settings;
  settings.directory = arguments[1];
  settings.cluster = tests::kCluster;
  settings.deadline = Duration::seconds(10);
  const GroupId group{static_cast<uint32_t>(std::atoi(arguments[2]))};
  const auto self = tests::incarnation(static_cast<uint32_t>(std::atoi(arguments[3])));
  settings.self = self;
  if (count == 6) {
    const int step = std::atoi(arguments[4]);
    const std::string action = arguments[5];
    settings.at_step = [=](EmbeddedStep now) {
      if (static_cast<int>(now) != step) return;
      if (action == "kill") ::kill(::getpid(), SIGKILL);
      if (action == "stop") ::raise(SIGSTOP);  // this thread, here
      if (action == "wait") {
        std::puts("waiting");
        std::fflush(stdout);
        for (;;) ::pause();
      }
    };
  }
  tests::Client client([&](Post post) { return open_embedded_arbiter(settings, std::move(post)); });
  for (;;) {
    const auto current = client.read(group);
    if (!current.ok() || !current.value()) return 1;
    const auto result = client.cas(tests::led_by(*current.value(), self));
    if (result.outcome != CasOutcome::kWon) continue;
    std::printf("%llu\n", static_cast<unsigned long long>(result.current->version));
    std::fflush(stdout);
  }
}
