// holdfast_etcd_cluster: runs an etcd cluster on loopback until its input is closed or it is told
// to end, for drills and for trying things by hand. Says where it is in one line of JSON.
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/conformance/arbiter/etcd_cluster.hpp"

namespace {
constexpr const char* kUsage =
    "usage: holdfast_etcd_cluster [--members N] [--tls] [--dir DIR]\n"
    "  Starts N (3) etcd members on free ports of loopback and prints, when all are healthy,\n"
    "    {\"endpoints\": [\"HOST:PORT\"...], \"pids\": [...], \"directory\": \"DIR\"}\n"
    "  With --tls DIR holds ca.pem, client.pem and client.key. Without --dir the data goes to a\n"
    "  temporary directory that is removed. Ends on SIGTERM, SIGINT, or when its input is closed.\n"
    "  Exit: 0 ended as told, 1 could not start, 2 usage.\n";
}

int main(int count, char** arguments) {
  holdfast::tests::EtcdCluster::Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = arguments[i];
    if (word == "--tls") {
      options.tls = true;
    } else if (word == "--dir" && i + 1 < count) {
      options.directory = arguments[++i];
    } else if (word == "--members" && i + 1 < count) {
      options.members = std::atoi(arguments[++i]);
    } else {
      const bool help = word == "--help" || word == "-h";
      std::fputs(kUsage, help ? stdout : stderr);
      return help ? 0 : 2;
    }
  }
  if (options.members < 1 || options.members > 9) return std::fputs(kUsage, stderr), 2;
  sigset_t ends;
  sigemptyset(&ends);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&ends, signal);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  const auto cluster = holdfast::tests::EtcdCluster::start(options);
  if (!cluster.ok()) {
    std::fprintf(stderr, "holdfast_etcd_cluster: %s\n", cluster.error().text.c_str());
    return 1;
  }
  std::string endpoints, pids;
  int member = 0;
  for (const auto& endpoint : cluster.value()->endpoints()) {
    endpoints += (endpoints.empty() ? "\"" : ", \"") + endpoint + "\"";
    pids += (pids.empty() ? "" : ", ") + std::to_string(cluster.value()->pid(member++));
  }
  std::printf("{\"endpoints\": [%s], \"pids\": [%s], \"directory\": \"%s\"}\n", endpoints.c_str(),
              pids.c_str(), cluster.value()->directory().c_str());
  std::fflush(stdout);
  pollfd sources[2] = {{signalfd(-1, &ends, SFD_CLOEXEC), POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  for (;;) {
    if (poll(sources, 2, -1) < 0) continue;
    if (sources[0].revents != 0) return 0;
    char buffer[256];
    if (sources[1].revents != 0 && read(STDIN_FILENO, buffer, sizeof buffer) <= 0) return 0;
  }
}
