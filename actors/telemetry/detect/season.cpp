#include "actors/telemetry/detect/season.hpp"

#include <algorithm>
#include <array>

#include "messages/check.hpp"

namespace holdfast::detect {
namespace {
constexpr int64_t kDayNs = 86'400'000'000'000;
constexpr uint32_t kBinsMin = 4;  // fewer parts of a day are no season
constexpr std::size_t kMeansMax = 256;
}  // namespace

Season::Season(const SeasonSettings& settings, Duration interval) : settings_(settings) {
  CHECK(interval.ns > 0 && settings.bins_max > 0);
  CHECK(settings.days * (2 * settings.neighbours + 1) <= kMeansMax);
  const int64_t per_day = kDayNs / interval.ns;
  if (settings.days == 0 || per_day < kBinsMin) return;
  bins_ = static_cast<uint32_t>(std::min<int64_t>(per_day, settings.bins_max));
  means_.resize(static_cast<std::size_t>(bins_) * settings.days);
  closed_.resize(bins_);
}

uint32_t Season::bin_of(WallTime at) const {
  const int64_t in_day = ((at.ns % kDayNs) + kDayNs) % kDayNs;
  // A day is not always a whole number of bins: the last one takes what is left.
  return std::min(bins_ - 1, static_cast<uint32_t>(in_day / (kDayNs / bins_)));
}

void Season::close() {
  auto& closed = closed_[*bin_];
  means_[static_cast<std::size_t>(*bin_) * settings_.days + closed % settings_.days] =
      sum_ / points_;
  ++closed;
}

void Season::learn(WallTime at, double value) {
  if (bins_ == 0) return;
  const uint32_t bin = bin_of(at);
  if (bin_ != bin) {
    if (bin_) close();
    bin_ = bin;
    sum_ = 0;
    points_ = 0;
  }
  sum_ += value;
  ++points_;
}

std::optional<Range> Season::range(WallTime at) const {
  if (bins_ == 0) return std::nullopt;
  std::array<double, kMeansMax> lows, highs;
  std::size_t n = 0;
  const uint32_t bin = bin_of(at);
  const uint32_t around = std::min(settings_.neighbours, (bins_ - 1) / 2);
  for (uint32_t k = 0; k <= 2 * around; ++k) {
    const uint32_t b = (bin + bins_ + k - around) % bins_;
    const uint32_t days = std::min(closed_[b], settings_.days);
    for (uint32_t d = 0; d < days; ++d) {
      const double mean = means_[static_cast<std::size_t>(b) * settings_.days + d];
      lows[n] = mean;
      highs[n++] = mean;
    }
  }
  if (n < 2 * (2 * around + 1)) return std::nullopt;
  const std::size_t aside = std::min<std::size_t>(settings_.set_aside, n - 1);
  std::nth_element(lows.begin(), lows.begin() + aside, lows.begin() + n);
  std::nth_element(highs.begin(), highs.begin() + (n - 1 - aside), highs.begin() + n);
  return Range{lows[aside], highs[n - 1 - aside]};
}

}  // namespace holdfast::detect
