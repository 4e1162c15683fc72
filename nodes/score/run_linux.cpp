#include "nodes/score/run_linux.hpp"

#include <time.h>

#include <span>

namespace holdfast::score {
namespace {

// The processor time of this thread: what others run beside it is no cost of a detector.
double processor_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Keeps alarms and how far each lasts. An alarm that was raised while one stood does not come.
class Keeper {
 public:
  explicit Keeper(Scored& scored) : scored_(scored) {}
  void take(const std::optional<detect::Alarm>& raised,
            const std::optional<detect::Alarm>& active) {
    if (raised) {
      scored_.alarms.push_back(*raised);
      scored_.spans.push_back({raised->raised, raised->last});
    }
    if (active) scored_.spans.back().last = active->last;
  }

 private:
  Scored& scored_;
};

}  // namespace

Scored run_series(const Series& series, const detect::Config& config) {
  Scored scored{series.source, series.name, 1, series.rows, {}, {}, {}};
  detect::UnivariateDetector detector(config.univariate);
  Keeper keeper(scored);
  const double start = processor_ns();
  for (std::size_t i = 0; i < series.times.size(); ++i)
    keeper.take(detector.push(series.times[i], series.values[i]), detector.active());
  const double cost = processor_ns() - start;
  scored.verdict = judge(series.times, series.windows, scored.spans);
  scored.verdict.points = series.times.size();
  scored.verdict.cost_ns = cost;
  return scored;
}

Scored run_machine(const MachineSeries& machine, const detect::Config& config) {
  Scored scored{"smd", machine.name, machine.metrics, machine.rows, {}, {}, {}};
  detect::MultivariateDetector detector(config.multivariate, machine.metrics);
  const auto row = [&](const std::vector<double>& values, std::size_t i) {
    return std::span(values).subspan(i * machine.metrics, machine.metrics);
  };
  const double start = processor_ns();
  for (std::size_t i = 0; i < machine.training_times.size(); ++i)
    detector.push(machine.training_times[i], row(machine.training, i));
  // What stands at the end of the training began before the test.
  const std::optional<detect::Alarm> before = detector.active();
  Keeper keeper(scored);
  if (before) keeper.take(before, before);
  for (std::size_t i = 0; i < machine.times.size(); ++i)
    keeper.take(detector.push(machine.times[i], row(machine.test, i)), detector.active());
  const double cost = processor_ns() - start;
  scored.verdict = judge(machine.times, machine.windows, scored.spans);
  scored.verdict.points = (machine.training_times.size() + machine.times.size()) * machine.metrics;
  scored.verdict.cost_ns = cost;
  return scored;
}

std::vector<Scored> run_all(const Collection& collection, const detect::Config& config,
                            const std::function<void(const Scored&)>& progress) {
  std::vector<Scored> out;
  const auto keep = [&](Scored scored) {
    out.push_back(std::move(scored));
    progress(out.back());
  };
  for (const auto& series : collection.series) keep(run_series(series, config));
  for (const auto& machine : collection.machines) keep(run_machine(machine, config));
  return out;
}

}  // namespace holdfast::score
