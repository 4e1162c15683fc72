#include "actors/telemetry/publish/intake.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace holdfast::telemetry {

namespace {
// Beyond it a value is no measurement of anything here, and sums of some would overflow.
constexpr int64_t kValueMax = 1'000'000'000'000'000;
}  // namespace

bool possible(const MetricInfo& info, int64_t value) {
  if (value > kValueMax || value < -kValueMax) return false;
  switch (info.kind) {
    case MetricKind::kRatio:
      return value >= 0 && value <= 1'000'000;
    case MetricKind::kRate:
    case MetricKind::kLatency:
      return value >= 0;
    case MetricKind::kGauge:
      return true;
  }
  return false;
}

std::optional<Refusal> to_value(double number, int64_t& value) {
  if (!std::isfinite(number)) return Refusal::kNotFinite;
  if (number > static_cast<double>(kValueMax) || number < -static_cast<double>(kValueMax))
    return Refusal::kOutOfRange;
  value = std::llround(number);
  return std::nullopt;
}

uint64_t IntakeStats::refused_total() const {
  return std::accumulate(refused.begin(), refused.end(), uint64_t{0});
}

Intake::Intake(SeriesTable& series, std::function<bool(MemberId)> known)
    : series_(series), known_(std::move(known)) {}

Intake::Source* Intake::source_of(std::string_view name, MonoTime mono) {
  if (const auto at = sources_.find(name); at != sources_.end()) return &at->second;
  if (sources_.size() >= limits::kTelemetrySourcesMax) return nullptr;
  Source& source = sources_[std::string(name)];
  source.id = ++last_;
  source.filled = mono;
  return &source;
}

bool Intake::take_token(Source& source, double count, MonoTime mono) {
  const double passed = static_cast<double>((mono - source.filled).ns) / 1e9;
  if (passed > 0) {
    source.tokens = std::min<double>(limits::kTelemetryBurst,
                                     source.tokens + passed * limits::kTelemetrySamplesPerSecond);
    source.filled = mono;
  }
  if (source.tokens < count) return false;
  source.tokens -= count;
  return true;
}

std::optional<Refusal> Intake::judge(Source& source, const Sample& sample, WallTime wall,
                                     MonoTime mono) {
  if (!take_token(source, 1, mono)) return Refusal::kFlooding;
  const auto* info = find_metric(static_cast<uint16_t>(sample.metric));
  if (!info) return Refusal::kUnknownMetric;
  if (sample.member && !known_(sample.member)) return Refusal::kUnknownMember;
  if (!possible(*info, sample.value)) return Refusal::kOutOfRange;
  if (wall - sample.at > limits::kTelemetryStale) return Refusal::kStale;
  if (sample.at - wall > limits::kTelemetryFuture) return Refusal::kFromFuture;
  if (const Series* known = series_.find(sample)) {
    const bool silent = mono - known->heard() > limits::kTelemetryStale;
    if (known->owner() != source.id && !silent) return Refusal::kForeign;
    if (known->owner() == source.id && sample.at == known->last().at) return Refusal::kDuplicate;
    if (known->owner() == source.id && sample.at < known->last().at) return Refusal::kDisordered;
  } else if (series_.owned_by(source.id) >= limits::kTelemetrySeriesPerSource) {
    return Refusal::kTooManySeries;
  }
  if (!series_.put(sample, source.id, mono)) return Refusal::kTooManySeries;
  return std::nullopt;
}

std::optional<Refusal> Intake::admit(std::string_view name, const Sample& sample, WallTime wall,
                                     MonoTime mono) {
  Source* source = source_of(name, mono);
  const auto refusal = source ? judge(*source, sample, wall, mono) : Refusal::kTooManySources;
  if (refusal)
    ++stats_.refused[static_cast<std::size_t>(*refusal)];
  else
    ++stats_.admitted;
  return refusal;
}

void Intake::refuse(std::string_view name, Refusal refusal, uint64_t count, MonoTime mono) {
  stats_.refused[static_cast<std::size_t>(refusal)] += count;
  if (Source* source = source_of(name, mono))
    source->tokens = std::max(0.0, source->tokens - static_cast<double>(count));
}

}  // namespace holdfast::telemetry
