#include "actors/telemetry/publish/series.hpp"

#include <algorithm>
#include <tuple>

#include "actors/telemetry/publish/ring.hpp"

namespace holdfast::telemetry {

namespace {
// Looking for silent series takes a walk over all of them: not more often than this.
constexpr Duration kSweepEvery = Duration::seconds(1);
}  // namespace

std::vector<Point> Series::points(std::size_t most) const {
  std::vector<Point> out;
  const std::size_t have = ring_.size();
  // Until it is full the oldest is the first, from then on the one that is overwritten next.
  const std::size_t first = next_ < have ? next_ : 0;
  for (std::size_t i = have - std::min(most, have); i < have; ++i)
    out.push_back(ring_[(first + i) % have]);
  return out;
}

std::size_t SeriesTable::Hash::operator()(const Key& key) const {
  return ring_key(key.member, key.instance) ^
         (uint64_t{key.metric} << 32 | key.group.value) * 0x9E3779B97F4A7C15ull;
}

Series* SeriesTable::find(const Sample& sample) {
  const auto at = series_.find(
      {static_cast<uint16_t>(sample.metric), sample.member, sample.group, sample.instance});
  return at == series_.end() ? nullptr : at->second.get();
}

bool SeriesTable::make_room(MonoTime now) {
  if (series_.size() < limits::kTelemetrySeriesMax) return true;
  if (swept_.ns != INT64_MIN && now - swept_ < kSweepEvery) return false;
  swept_ = now;
  std::erase_if(series_, [&](const auto& entry) {
    const Series& series = *entry.second;
    if (now - series.heard_ < kSeriesSilent) return false;
    kept_ -= series.ring_.size();
    --owned_[series.owner_];
    return true;
  });
  return series_.size() < limits::kTelemetrySeriesMax;
}

Series* SeriesTable::put(const Sample& sample, SourceId owner, MonoTime now) {
  Series* series = find(sample);
  if (!series) {
    if (!make_room(now)) {
      ++no_room_;
      return nullptr;
    }
    auto fresh = std::make_unique<Series>(sample, owner);
    series = fresh.get();
    series_.emplace(
        Key{static_cast<uint16_t>(sample.metric), sample.member, sample.group, sample.instance},
        std::move(fresh));
    ++owned_[owner];
  } else if (series->owner_ != owner) {
    --owned_[series->owner_];
    ++owned_[owner];
    series->owner_ = owner;
  }
  series->heard_ = now;
  series->last_ = {sample.at, sample.value, sample.trials};
  ++series->count_;
  if (series->ring_.size() < points_ && kept_ < limits::kTelemetryPointsKept) {
    series->ring_.push_back(series->last_);
    ++kept_;
    series->next_ = series->ring_.size();
  } else if (!series->ring_.empty()) {
    if (series->next_ >= series->ring_.size()) series->next_ = 0;
    series->ring_[series->next_++] = series->last_;
  }
  return series;
}

std::size_t SeriesTable::owned_by(SourceId owner) const {
  const auto at = owned_.find(owner);
  return at == owned_.end() ? 0 : at->second;
}

std::vector<const Series*> SeriesTable::list(std::optional<Domain> domain,
                                             std::optional<Metric> metric) const {
  std::vector<const Series*> out;
  for (const auto& [key, series] : series_)
    if ((!domain || domain_of(series->name().metric) == *domain) &&
        (!metric || series->name().metric == *metric))
      out.push_back(series.get());
  const auto place = [](const Series* s) {
    return std::tuple(s->name().metric, s->name().member, s->name().group,
                      s->name().instance.view());
  };
  std::sort(out.begin(), out.end(),
            [&](const Series* a, const Series* b) { return place(a) < place(b); });
  return out;
}

}  // namespace holdfast::telemetry
