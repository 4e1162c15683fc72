#include "nodes/score/verdict.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::score {
namespace {

std::optional<double> divided(double a, double b) {
  return b > 0 ? std::optional(a / b) : std::nullopt;
}

bool inside(WallTime at, const Window& window) { return at >= window.first && at <= window.last; }

Duration usual_distance(std::span<const WallTime> times) {
  std::vector<int64_t> distances;
  for (std::size_t i = 1; i < times.size(); ++i) distances.push_back((times[i] - times[i - 1]).ns);
  if (distances.empty()) return {};
  const auto middle = distances.begin() + static_cast<std::ptrdiff_t>(distances.size() / 2);
  std::nth_element(distances.begin(), middle, distances.end());
  return {*middle};
}

}  // namespace

std::vector<Window> windows_of(std::span<const WallTime> times, std::span<const uint8_t> labels) {
  CHECK(times.size() == labels.size());
  std::vector<Window> out;
  for (std::size_t i = 0; i < times.size(); ++i) {
    if (!labels[i]) continue;
    if (i == 0 || !labels[i - 1]) out.push_back({times[i], times[i]});
    out.back().last = times[i];
  }
  return out;
}

std::size_t warm_up_points(std::size_t points) {
  return static_cast<std::size_t>(kWarmUpShare * static_cast<double>(points));
}

Verdict judge(std::span<const WallTime> times, std::span<const Window> windows,
              std::span<const AlarmSpan> alarms) {
  Verdict verdict;
  const std::size_t warm = warm_up_points(times.size());
  if (warm == times.size()) return verdict;
  const WallTime from = times[warm];
  uint64_t unlabelled = 0;
  for (const WallTime at : times.subspan(warm))
    unlabelled += std::none_of(windows.begin(), windows.end(),
                               [&](const Window& window) { return inside(at, window); });
  verdict.unlabelled_days =
      static_cast<double>(unlabelled) * static_cast<double>(usual_distance(times).ns) / 86'400e9;
  for (const AlarmSpan& alarm : alarms) {
    if (alarm.start < from) continue;
    ++verdict.alarms;
    verdict.false_alarms += std::none_of(windows.begin(), windows.end(), [&](const Window& window) {
      return alarm.start <= window.last && alarm.last >= window.first;
    });
  }
  for (const Window& window : windows) {
    if (window.first < from || window.first > times.back()) continue;
    ++verdict.windows;
    const auto hit = std::find_if(alarms.begin(), alarms.end(), [&](const AlarmSpan& alarm) {
      return inside(alarm.start, window);
    });
    if (hit == alarms.end()) continue;
    ++verdict.hits;
    verdict.delays_s.push_back(static_cast<double>((hit->start - window.first).ns) * 1e-9);
  }
  return verdict;
}

std::optional<double> Verdict::precision() const {
  return divided(static_cast<double>(hits), static_cast<double>(hits + false_alarms));
}

std::optional<double> Verdict::recall() const {
  return divided(static_cast<double>(hits), static_cast<double>(windows));
}

std::optional<double> Verdict::f1() const {
  return divided(2 * static_cast<double>(hits), static_cast<double>(windows + hits + false_alarms));
}

std::optional<double> Verdict::false_alarms_per_day() const {
  return divided(static_cast<double>(false_alarms), unlabelled_days);
}

std::optional<double> Verdict::delay_s_p50() const {
  if (delays_s.empty()) return std::nullopt;
  auto sorted = delays_s;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

std::optional<double> Verdict::ns_per_point() const {
  return divided(cost_ns, static_cast<double>(points));
}

Verdict& Verdict::operator+=(const Verdict& other) {
  windows += other.windows;
  hits += other.hits;
  false_alarms += other.false_alarms;
  alarms += other.alarms;
  unlabelled_days += other.unlabelled_days;
  delays_s.insert(delays_s.end(), other.delays_s.begin(), other.delays_s.end());
  points += other.points;
  cost_ns += other.cost_ns;
  return *this;
}

}  // namespace holdfast::score
