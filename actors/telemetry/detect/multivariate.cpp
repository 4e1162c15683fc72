#include "actors/telemetry/detect/multivariate.hpp"

#include <algorithm>
#include <vector>

#include "actors/telemetry/detect/merge.hpp"
#include "messages/check.hpp"

namespace holdfast::detect {
namespace {
constexpr double kDayNs = 86'400e9;
}

struct MultivariateDetector::State {
  State(const MultivariateSettings& all, std::size_t count, Duration distance)
      : settings(all),
        tail(all.tail, kDayNs / static_cast<double>(distance.ns)),
        subspace(all.subspace, count),
        subspace_tail(all.subspace_tail, kDayNs / static_cast<double>(distance.ns)),
        merger(
            Duration{std::max(all.quiet.ns, static_cast<int64_t>(all.quiet_points) * distance.ns)}),
        scores(count, 0) {
    metrics.reserve(count);
    for (std::size_t i = 0; i < count; ++i) metrics.emplace_back(all.residual, distance);
  }

  std::optional<Alarm> push(WallTime at, std::span<const double> row);
  std::optional<Alarm> odd_metrics(WallTime at, std::span<const double> row);
  std::optional<Alarm> odd_subspace(WallTime at, std::span<const double> row);

  const MultivariateSettings settings;  // own: the detector may move
  std::vector<ResidualScore> metrics;
  TailLimit tail;
  Subspace subspace;
  TailLimit subspace_tail;
  AlarmMerger merger;
  std::vector<double> scores;
  double sum = 0;
  uint32_t odd = 0;
};

std::optional<Alarm> MultivariateDetector::State::odd_metrics(WallTime at,
                                                              std::span<const double> row) {
  sum = 0;
  odd = 0;
  std::size_t most = 0;
  Residual of_most;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const Residual r = metrics[i].judge(at, row[i], settings.score_min);
    metrics[i].learn(at, row[i]);
    const double score = r.ready ? std::max(r.up, r.down) : 0;
    scores[i] = score > settings.score_min ? std::min(score, settings.score_max) : 0;
    if (scores[i] == 0) continue;
    ++odd;
    sum += scores[i];
    if (scores[i] > scores[most] || odd == 1) {
      most = i;
      of_most = r;
    }
  }
  double learnt = sum;
  std::optional<Alarm> found;
  if (odd >= settings.metrics_min) {
    if (const auto limit = tail.limit(); limit && sum > *limit) {
      // What raises alarms must not teach the tail that it is usual.
      learnt = *limit / 2;
      found = Alarm{Rule::kMetrics,
                    of_most.up >= of_most.down ? Direction::kUp : Direction::kDown,
                    at,
                    at,
                    at,
                    row[most],
                    of_most.expected,
                    sum,
                    *limit,
                    static_cast<uint32_t>(most)};
    }
  }
  tail.push(learnt);
  return found;
}

std::optional<Alarm> MultivariateDetector::State::odd_subspace(WallTime at,
                                                               std::span<const double> row) {
  const double residual = subspace.push(row);
  double learnt = residual;
  std::optional<Alarm> found;
  if (residual > settings.subspace_min && (settings.subspace_alone || odd > 0)) {
    if (const auto limit = subspace_tail.limit(); limit && residual > *limit) {
      learnt = *limit / 2;
      const auto parts = subspace.contributions();
      const auto most =
          static_cast<std::size_t>(std::max_element(parts.begin(), parts.end()) - parts.begin());
      found = Alarm{
          Rule::kSubspace, Direction::kBoth,    at,       at,     at,
          row[most],       subspace.mean(most), residual, *limit, static_cast<uint32_t>(most)};
    }
  }
  subspace_tail.push(learnt);
  return found;
}

std::optional<Alarm> MultivariateDetector::State::push(WallTime at, std::span<const double> row) {
  merger.tick(at);
  const auto by_metrics = odd_metrics(at, row);
  const auto by_subspace = odd_subspace(at, row);
  if (by_metrics) return merger.push(*by_metrics);
  if (by_subspace) return merger.push(*by_subspace);
  return std::nullopt;
}

MultivariateDetector::MultivariateDetector(const MultivariateSettings& settings,
                                           std::size_t metrics)
    : settings_(settings), metrics_(metrics) {
  CHECK(metrics >= 2 && metrics <= 1'024);
}
MultivariateDetector::~MultivariateDetector() = default;
MultivariateDetector::MultivariateDetector(MultivariateDetector&&) noexcept = default;
MultivariateDetector& MultivariateDetector::operator=(MultivariateDetector&&) noexcept = default;

std::optional<Alarm> MultivariateDetector::push(WallTime at, std::span<const double> row) {
  CHECK(row.size() == metrics_);
  if (!std::all_of(row.begin(), row.end(), usable)) {
    intake_.refuse_value();
    return std::nullopt;
  }
  if (!intake_.take_time(at)) return std::nullopt;
  if (!state_) {
    if (intake_.interval().ns == 0) return std::nullopt;
    state_ = std::make_unique<State>(settings_, metrics_, intake_.interval());
  }
  return state_->push(at, row);
}

const std::optional<Alarm>& MultivariateDetector::active() const {
  static const std::optional<Alarm> kNone;
  return state_ ? state_->merger.active() : kNone;
}

std::span<const double> MultivariateDetector::scores() const {
  return state_ ? std::span<const double>(state_->scores) : std::span<const double>();
}

}  // namespace holdfast::detect
