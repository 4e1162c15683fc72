#include "actors/telemetry/detect/univariate.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "actors/telemetry/detect/merge.hpp"
#include "actors/telemetry/detect/persistence.hpp"
#include "messages/check.hpp"

namespace holdfast::detect {
namespace {

constexpr double kDayNs = 86'400e9;
constexpr uint32_t kBackPoints = 8;  // a level is back after so many points
constexpr int64_t kGapPoints = 10;   // a hole of so many points makes those before it old

uint32_t confirm_points(const AlarmSettings& settings, Duration interval) {
  const auto points = static_cast<uint32_t>(std::min<int64_t>(
      settings.confirm_points_max, (settings.confirm.ns + interval.ns / 2) / interval.ns));
  return std::max(1U, points);
}

Persistence make_persistence(const AlarmSettings& settings, Duration interval) {
  const uint32_t points = confirm_points(settings, interval);
  const uint32_t of = 2 * points - 1;
  const auto needed = static_cast<uint32_t>(std::ceil(of * settings.confirm_share));
  return {std::clamp(needed, 1U, of), of};
}

// One direction: its tail, how long it lasts, and since when.
struct Side {
  Side(const UnivariateSettings& settings, Duration interval)
      : tail(settings.tail, kDayNs / static_cast<double>(interval.ns)),
        persistence(make_persistence(settings.alarm, interval)) {}
  TailLimit tail;
  Persistence persistence;
  WallTime began;
  bool odd = false;      // the latest point is beyond the limit
  bool lasting = false;  // and enough of those before it
  double score = 0, limit = 0;
};

}  // namespace

struct UnivariateDetector::State {
  State(const UnivariateSettings& all, Duration distance)
      : settings(all),
        interval(distance),
        residual(all.residual, distance),
        up(all, distance),
        down(all, distance),
        cusum(all.cusum),
        merger(Duration{std::max(all.alarm.quiet.ns,
                                 static_cast<int64_t>(all.alarm.quiet_points) * distance.ns)}),
        weariness_kept(
            std::exp(-static_cast<double>(distance.ns) / (all.alarm.fatigue_days * kDayNs))) {}

  std::optional<Alarm> push(WallTime at, double value);
  void judge(Side& side, WallTime at, double score, double factor);
  std::optional<LevelChange> judge_shift(WallTime at, const Residual& r);
  std::optional<Alarm> raise(const Alarm& alarm);

  const UnivariateSettings settings;  // own: the detector may move
  Duration interval;
  ResidualScore residual;
  Side up, down;
  Cusum cusum;
  std::optional<Direction> shifted;  // a shift that was told and still stands
  uint32_t back = 0;                 // points since the level came back
  AlarmMerger merger;
  double weariness_kept, weariness = 0;  // decayed number of recent alarms
  WallTime latest;
  bool any = false;
  double expected = 0, score = 0;
};

void UnivariateDetector::State::judge(Side& side, WallTime at, double score, double factor) {
  side.score = score;
  const bool before = side.odd;
  side.odd = false;
  double learnt = std::max(0.0, score);
  if (score > settings.score_min * factor) {
    if (const auto limit = side.tail.limit()) {
      side.limit =
          std::max(settings.score_min, *limit) * factor * (1 + settings.alarm.fatigue * weariness);
      side.odd = score > side.limit;
      // What raises alarms must not teach the tail that it is usual.
      if (side.odd) learnt = std::min(score, side.limit / 2);
    }
  }
  if (side.odd && !before) side.began = at;
  side.tail.push(learnt);
  side.lasting = side.persistence.push(side.odd);
}

std::optional<LevelChange> UnivariateDetector::State::judge_shift(WallTime at, const Residual& r) {
  const double z = r.shifted_up > 0     ? r.shifted_up
                   : r.shifted_down > 0 ? -r.shifted_down / settings.down_factor
                                        : 0;
  if (shifted) {
    // Told once: nothing more until the level was back, or the longer past has followed it.
    const bool away = (*shifted == Direction::kUp ? z : -z) > settings.cusum.allowance;
    back = away ? 0 : back + 1;
    if (back < kBackPoints) return std::nullopt;
    shifted.reset();
    back = 0;
  }
  const auto change = cusum.push(at, z);
  if (change) shifted = change->direction;
  return change;
}

std::optional<Alarm> UnivariateDetector::State::raise(const Alarm& alarm) {
  const auto raised = merger.push(alarm);
  if (raised) weariness += 1;
  return raised;
}

std::optional<Alarm> UnivariateDetector::State::push(WallTime at, double value) {
  if (any && at - latest > interval * kGapPoints) {
    residual.forget_near();
    up.persistence.reset();
    down.persistence.reset();
    cusum.reset();
  }
  latest = at;
  any = true;
  weariness *= weariness_kept;
  merger.tick(at);
  const Residual r = residual.judge(at, value, settings.score_min);
  residual.learn(at, value);
  expected = r.expected;
  score = r.up >= r.down ? r.up : -r.down;
  if (!r.ready) return std::nullopt;
  judge(up, at, r.up, 1);
  judge(down, at, r.down, settings.down_factor);
  const auto change = judge_shift(at, r);
  if (up.odd || down.odd) merger.extend(at);
  if (up.lasting || down.lasting) {
    const Side& side = up.lasting ? up : down;
    Alarm alarm{Rule::kResidual,
                up.lasting ? Direction::kUp : Direction::kDown,
                side.began,
                at,
                at,
                value,
                r.expected,
                side.score,
                side.limit};
    return raise(alarm);
  }
  if (change)
    return raise({Rule::kShift, change->direction, change->began, at, at, value, r.expected,
                  change->sum, settings.cusum.limit});
  return std::nullopt;
}

UnivariateDetector::UnivariateDetector(const UnivariateSettings& settings) : settings_(settings) {}
UnivariateDetector::~UnivariateDetector() = default;
UnivariateDetector::UnivariateDetector(UnivariateDetector&&) noexcept = default;
UnivariateDetector& UnivariateDetector::operator=(UnivariateDetector&&) noexcept = default;

std::optional<Alarm> UnivariateDetector::push(WallTime at, double value) {
  if (!intake_.take(at, value)) return std::nullopt;
  if (!state_) {
    if (intake_.interval().ns == 0) return std::nullopt;
    state_ = std::make_unique<State>(settings_, intake_.interval());
  }
  return state_->push(at, value);
}

const std::optional<Alarm>& UnivariateDetector::active() const {
  static const std::optional<Alarm> kNone;
  return state_ ? state_->merger.active() : kNone;
}

double UnivariateDetector::expected() const { return state_ ? state_->expected : 0; }
double UnivariateDetector::score() const { return state_ ? state_->score : 0; }

}  // namespace holdfast::detect
