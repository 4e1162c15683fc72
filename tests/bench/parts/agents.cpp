// What an analysis agent judges: readings of many hosts, quiet as they mostly are, in batches of an
// interval.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>

#include "actors/agents/domains/domain_agent.hpp"

namespace holdfast {
namespace {

void agent_readings(benchmark::State& state, telemetry::Domain domain) {
  const auto settings = std::make_shared<agents::AgentSettings>(agents::default_settings());
  agents::DomainAgent agent({domain, 1}, settings);
  std::vector<telemetry::Sample> batch;
  std::mt19937_64 random(1);
  for (uint32_t member = 1; member <= 16; ++member)
    for (const auto& info : telemetry::metrics())
      if (info.domain == domain) batch.push_back({info.metric, {member}, {}, {}, {}, 0, 0});
  MonoTime now{1};
  WallTime wall{1'700'000'000'000'000'000};
  std::vector<Finding> found;
  for (auto _ : state) {
    now = now + Duration::milliseconds(100);
    wall = wall + Duration::milliseconds(100);
    for (auto& sample : batch) {
      sample.at = wall;
      sample.value = static_cast<int64_t>(random() % 1'000);
    }
    agent.observe(batch, now, wall, found);
    found.clear();
  }
  state.SetItemsProcessed(static_cast<int64_t>(agent.counts().taken));
}
BENCHMARK_CAPTURE(agent_readings, cpu, telemetry::Domain::kCpu);
BENCHMARK_CAPTURE(agent_readings, network, telemetry::Domain::kNetwork);
BENCHMARK_CAPTURE(agent_readings, io, telemetry::Domain::kIo);
BENCHMARK_CAPTURE(agent_readings, execution, telemetry::Domain::kExecution);
BENCHMARK_CAPTURE(agent_readings, http, telemetry::Domain::kHttp);

}  // namespace
}  // namespace holdfast
