#include "nodes/node/process_linux.hpp"

#include <sys/random.h>

#include <cstdio>
#include <ctime>

namespace holdfast::node {

WallTime wall_now() {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return {static_cast<int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec};
}

uint64_t random_number() {
  uint64_t value = 0;
  return getrandom(&value, sizeof value, 0) == sizeof value ? value
                                                            : static_cast<uint64_t>(wall_now().ns);
}

void say(const std::string& line) {
  const WallTime now = wall_now();
  const std::time_t seconds = now.ns / 1'000'000'000;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  char stamp[40];
  std::strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
  std::printf("%s.%06lldZ %s\n", stamp, static_cast<long long>(now.ns / 1000 % 1'000'000),
              line.c_str());
  std::fflush(stdout);
}

}  // namespace holdfast::node
