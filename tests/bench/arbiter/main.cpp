// bench-arbiter: what a change of a group's record costs on this machine, by engine: the embedded
// directory, and three etcd members on loopback.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/bench/latency.hpp"
#include "tests/conformance/arbiter/engines.hpp"

using namespace holdfast;
using namespace holdfast::replication;

namespace {
constexpr const char* kUsage =
    "usage: bench-arbiter [COUNT]\n"
    "  COUNT changes (default 2000) and reads of one record with each engine; a line of JSON "
    "each.\n"
    "  TMPDIR says on which disk: both engines sync every change.\n";

void measure(const char* engine, tests::Client& client, int count) {
  constexpr GroupId kGroup{1};
  auto record = tests::first_record(kGroup);
  CHECK(client.cas(record).outcome == CasOutcome::kWon);
  bench::Latencies changes, reads;
  int others = 0;
  for (int i = 0; i < count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto next = tests::led_by(record, tests::incarnation(1));
    const auto start = bench::now_ns();
    const auto result = client.cas(next);
    changes.add(bench::now_ns() - start);
    others += result.outcome != CasOutcome::kWon;
    const auto asked = bench::now_ns();
    const auto stands = client.read(kGroup);
    reads.add(bench::now_ns() - asked);
    if (stands.ok() && stands.value()) record = *stands.value();
  }
  std::printf(
      "{\"engine\":\"%s\",\"changes\":%d,\"not_won\":%d,\"cas_p50_us\":%.0f,\"cas_p99_us\":%.0f,"
      "\"read_p50_us\":%.0f,\"read_p99_us\":%.0f}\n",
      engine, count, others, changes.percentile_us(500), changes.percentile_us(990),
      reads.percentile_us(500), reads.percentile_us(990));
  std::fflush(stdout);
}
}  // namespace

int main(int arguments, char** values) {
  const int count = arguments > 1 ? std::atoi(values[1]) : 500;
  if (count <= 0) return std::fputs(kUsage, stderr), 2;
  {
    tests::EmbeddedEngine engine;
    measure("embedded", *engine.client(), count);
  }
  tests::EtcdEngine engine;
  measure("etcd", *engine.client(), count);
}
