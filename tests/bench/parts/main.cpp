// bench-parts: what each part of the order path costs alone. Google Benchmark finds how often to
// repeat and gives the mean; percentiles come from our own batches. Prints a table, writes JSON.
#include <benchmark/benchmark.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/bench/latency.hpp"
#include "tests/bench/parts/part.hpp"

namespace holdfast::bench {

std::vector<PartEntry>& part_entries() {
  static std::vector<PartEntry> entries;
  return entries;
}
std::vector<StudyEntry>& study_entries() {
  static std::vector<StudyEntry> entries;
  return entries;
}

namespace {

using nlohmann::ordered_json;

struct Options {
  std::string json, filter;
  bool quick = false, list = false;
};

bool wanted(const Options& options, const std::string& name) {
  return options.filter.empty() || name.find(options.filter) != std::string::npos;
}

/// Keeps the means, prints nothing.
class Means final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration)
        ns[run.run_name.function_name] =
            run.real_accumulated_time * 1e9 / static_cast<double>(run.iterations);
  }
  std::map<std::string, double> ns;  // of one batch
};

void repeat(benchmark::State& state, const PartEntry& entry) {
  auto part = entry.make();
  for (auto unused : state) {
    (void)unused;
    part->prepare(entry.batch);
    const int64_t start = now_ns();
    part->run(entry.batch);
    state.SetIterationTime(static_cast<double>(now_ns() - start) * 1e-9);
  }
}

/// Latencies of whole batches, divided by the batch.
ordered_json sample(const PartEntry& entry, bool quick) {
  auto part = entry.make();
  Latencies latencies;
  const int64_t until = now_ns() + (quick ? 100'000'000 : 1'000'000'000);
  const std::size_t most = quick ? 20'000 : 200'000, warmup = 100;
  for (std::size_t i = 0; i < most + warmup && (now_ns() < until || i < 2 * warmup); ++i) {
    part->prepare(entry.batch);
    const int64_t start = now_ns();
    part->run(entry.batch);
    if (i >= warmup) latencies.add(now_ns() - start);
  }
  const auto each = [&](int per_mille) {
    return latencies.percentile_us(per_mille) * 1000.0 / static_cast<double>(entry.batch);
  };
  return {{"what", entry.what},  {"batch", entry.batch}, {"samples", latencies.size()},
          {"mean_ns", 0.0},      {"p50_ns", each(500)},  {"p99_ns", each(990)},
          {"p999_ns", each(999)}};
}

ordered_json measure_parts(const Options& options) {
  char program[] = "bench-parts", time[] = "--benchmark_min_time=0.2",
       short_time[] = "--benchmark_min_time=0.02";
  char* arguments[] = {program, options.quick ? short_time : time};
  int count = 2;
  benchmark::Initialize(&count, arguments);
  int chosen = 0;
  for (const PartEntry& entry : part_entries())
    if (wanted(options, entry.name) && ++chosen)
      benchmark::RegisterBenchmark(entry.name.c_str(), [&entry](benchmark::State& state) {
        repeat(state, entry);
      })->UseManualTime();
  ordered_json parts = ordered_json::object();
  if (chosen == 0) return parts;
  Means means;
  benchmark::RunSpecifiedBenchmarks(&means);
  std::printf("%-24s %10s %10s %10s %10s   %s\n", "part", "mean ns", "p50", "p99", "p99.9",
              "of one");
  for (const PartEntry& entry : part_entries()) {
    if (!wanted(options, entry.name)) continue;
    ordered_json result = sample(entry, options.quick);
    result["mean_ns"] = means.ns[entry.name] / static_cast<double>(entry.batch);
    std::printf("%-24s %10.0f %10.0f %10.0f %10.0f   %s\n", entry.name.c_str(),
                result["mean_ns"].get<double>(), result["p50_ns"].get<double>(),
                result["p99_ns"].get<double>(), result["p999_ns"].get<double>(),
                entry.what.c_str());
    std::fflush(stdout);
    parts[entry.name] = std::move(result);
  }
  return parts;
}

ordered_json measure_studies(const Options& options) {
  ordered_json studies = ordered_json::object();
  for (const StudyEntry& entry : study_entries()) {
    if (!wanted(options, entry.name)) continue;
    std::printf("\n%s: %s\n", entry.name.c_str(), entry.what.c_str());
    ordered_json numbers = ordered_json::object();
    for (const auto& [name, value] : entry.run(options.quick)) {
      std::printf("  %-32s %14.1f\n", name.c_str(), value);
      numbers[name] = value;
    }
    std::fflush(stdout);
    studies[entry.name] = std::move(numbers);
  }
  return studies;
}

int run(const Options& options) {
  if (options.list) {
    for (const PartEntry& entry : part_entries())
      std::printf("%-24s %s\n", entry.name.c_str(), entry.what.c_str());
    for (const StudyEntry& entry : study_entries())
      std::printf("%-24s %s\n", entry.name.c_str(), entry.what.c_str());
    return 0;
  }
  ordered_json result;
  result["parts"] = measure_parts(options);
  result["studies"] = measure_studies(options);
  if (options.json == "-") std::printf("%s\n", result.dump(2).c_str());
  if (!options.json.empty() && options.json != "-") {
    std::ofstream file(options.json);
    file << result.dump(2) << "\n";
    if (!file) {
      std::fprintf(stderr, "bench-parts: can't write %s\n", options.json.c_str());
      return 3;
    }
  }
  return 0;
}

}  // namespace
}  // namespace holdfast::bench

int main(int argc, char** argv) {
  holdfast::bench::Options options;
  CLI::App app(
      "Measures the parts of the order path, each alone, in nanoseconds for one operation. "
      "Percentiles are of batch means; the batch is in the JSON.");
  app.add_option("--json", options.json, "write the numbers to this file (-: stdout)");
  app.add_option("--filter", options.filter, "only those whose name contains this");
  app.add_flag("--quick", options.quick, "a tenth of the time and of the data");
  app.add_flag("--list", options.list, "names of the parts, and what one operation is");
  CLI11_PARSE(app, argc, argv);
  return holdfast::bench::run(options);
}
