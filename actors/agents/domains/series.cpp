#include "actors/agents/domains/series.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace holdfast::agents {

namespace {
constexpr double kClip = 4;           // spreads by which one reading may pull
constexpr double kToSpread = 1.4826;  // median deviation of normal readings, in standard deviations
constexpr double kMeanToSpread = 1.2533;  // … and their mean deviation
// A sum that stands as long as what it adds up does; the one of the detectors starts anew.
// Growth: what strays by more than two spreads adds up; eight spreads for eight readings are
// enough.
constexpr double kGrowthSlack = 2, kGrowthLimit = 48, kGrowthClip = 8;
constexpr double kScoreMax = 1'000;
constexpr int64_t kWhole = 1'000'000;  // of a ratio

uint64_t latest(uint64_t bits, uint32_t count) {
  return count >= 64 ? bits : bits & ((uint64_t{1} << count) - 1);
}

double median(std::vector<double>& values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

int64_t rounded(double value) {
  return static_cast<int64_t>(std::llround(std::clamp(value, -9e18, 9e18)));
}
}  // namespace

void Usual::learn(double value, uint32_t warm_up, uint32_t memory) {
  taken_ = std::min(taken_ + 1, memory);
  if (!known_) {
    first_.push_back(value);
    if (first_.size() < warm_up) return;
    level_ = median(first_);
    for (double& one : first_) one = std::abs(one - level_);
    spread_ = median(first_) * kToSpread;
    std::vector<double>{}.swap(first_);
    known_ = true;
    return;
  }
  const double rate = 1.0 / std::max(taken_, warm_up);
  const double reach = kClip * std::max(spread_, std::abs(level_) * 0.01 + 1);
  const double off = std::clamp(value - level_, -reach, reach);
  level_ += off * rate;
  spread_ += (std::abs(off) * kMeanToSpread - spread_) * rate;
}

void Series::take(const telemetry::Sample& sample, MonoTime now, const Watch& watch,
                  const AgentSettings& settings) {
  readings_ += 1;
  last_ = now;
  last_at_ = sample.at;
  const auto value = static_cast<double>(sample.value);
  const bool counted = sample.trials > 0 || ratio_ != nullptr;
  const Judgement judgement = counted ? judge_ratio(sample, watch) : judge(value, watch);
  if (judgement.out && latest(out_, watch.persistence.of) == 0) began_ = sample.at;
  out_ = out_ << 1 | (judgement.out ? 1 : 0);
  if (judgement.out) note(sample, judgement, watch);
  settle(judgement, now, watch, settings);
  if (watch.learns && !counted && !judgement.out && !alarmed_)
    usual_.learn(value, settings.warm_up, settings.memory);
}

Series::Judgement Series::judge_ratio(const telemetry::Sample& sample, const Watch& watch) {
  if (!ratio_) ratio_ = std::make_unique<RatioWindow>();
  const bool falls = watch.bad == Bad::kLow;
  const auto part = static_cast<uint64_t>(std::clamp<int64_t>(sample.value, 0, kWhole));
  const auto hits = static_cast<uint32_t>((part * sample.trials + kWhole / 2) / kWhole);
  const uint32_t bad = falls ? sample.trials - hits : hits;
  ratio_->push(bad, sample.trials, watch.persistence.of);
  const auto share_of = [falls](int64_t value) {
    return static_cast<double>(falls ? kWhole - value : value) / kWhole;
  };
  // The limit where there is one; else so much more than what is usual.
  const double share =
      watch.limit ? share_of(*watch.limit)
                  : std::max(ratio_->usual() + static_cast<double>(watch.least_change) / kWhole,
                             share_of(watch.floor));
  Judgement judgement;
  judgement.out = (watch.limit || ratio_->known()) && ratio_->is_out(share);
  if (!judgement.out) {
    if (!alarmed_) ratio_->learn(bad, sample.trials);
    return judgement;
  }
  judgement.detector = DetectorKind::kRatio;
  judgement.beyond_limit = watch.limit.has_value();
  judgement.score = ratio_->share() / std::max(share, 1e-6);
  judgement.severe = watch.severe && ratio_->share() >= share_of(*watch.severe);
  return judgement;
}

Series::Judgement Series::judge(double value, const Watch& watch) {
  Judgement compared = watch.learns ? compare(value, watch) : Judgement{};
  const double sized = watch.bad == Bad::kBoth ? std::abs(value) : value;
  const auto beyond = [&](int64_t limit) {
    const auto at = static_cast<double>(limit);
    return watch.bad == Bad::kLow ? sized <= at : sized >= at;
  };
  if (watch.severe && beyond(*watch.severe)) compared.severe = true;
  if (!watch.limit || !beyond(*watch.limit)) return compared;
  const auto limit = std::max(1.0, static_cast<double>(*watch.limit));
  const double score = watch.bad == Bad::kLow ? limit / std::max(1.0, sized) : sized / limit;
  if (!compared.out || score > compared.score) {
    compared.detector = DetectorKind::kThreshold;
    compared.score = score;
  }
  compared.out = compared.beyond_limit = true;
  return compared;
}

Series::Judgement Series::compare(double value, const Watch& watch) {
  Judgement judgement;
  if (!usual_.known()) return judgement;
  const double off = value - usual_.level();
  const double bad = watch.bad == Bad::kHigh ? off : watch.bad == Bad::kLow ? -off : std::abs(off);
  const double spread = std::max(usual_.spread(), 1e-9);
  const double strays = std::min(bad / spread, kGrowthClip);
  const auto floor = static_cast<double>(watch.floor);
  const bool harms = watch.bad == Bad::kLow    ? value < floor
                     : watch.bad == Bad::kHigh ? value > floor
                                               : std::abs(value) > floor;
  const double least =
      std::max(static_cast<double>(watch.least_change),
               std::abs(usual_.level()) * static_cast<double>(watch.least_ratio_milli) / 1'000.0);
  // What is harmless, or as good as nothing, does not add up either.
  const bool counts = harms && bad >= least && bad > 0;
  grown_ = std::clamp(grown_ + (counts ? strays : 0) - kGrowthSlack, 0.0, 2 * kGrowthLimit);
  if (!counts) return judgement;
  const double needed =
      std::max({least, spread * static_cast<double>(watch.spreads_milli) / 1'000.0, 1e-9});
  if (bad >= needed) {
    judgement.out = true;
    judgement.detector = DetectorKind::kResidual;
    judgement.score = bad / needed;
  } else if (grown_ >= kGrowthLimit) {
    judgement.out = true;
    judgement.detector = DetectorKind::kCusum;
    judgement.score = grown_ / kGrowthLimit;
  }
  return judgement;
}

void Series::note(const telemetry::Sample& sample, const Judgement& judgement, const Watch& watch) {
  evidence_.metric = sample.metric;
  evidence_.place = {sample.member, sample.group, sample.instance};
  evidence_.detector = judgement.detector;
  evidence_.value = sample.value;
  evidence_.expected = usual_.known() ? rounded(usual_.level()) : 0;
  if (ratio_) {
    // Of the window that was judged, not of the last reading.
    const auto told = [&](double bad) {
      return rounded(kWhole * (watch.bad == Bad::kLow ? 1 - bad : bad));
    };
    evidence_.value = told(ratio_->share());
    evidence_.expected = told(ratio_->usual());
  }
  evidence_.score_milli =
      static_cast<uint32_t>(std::clamp(judgement.score, 0.0, kScoreMax) * 1'000.0);
  evidence_.began = began_;
  evidence_.seen = sample.at;
  severe_ = judgement.severe;
  limit_spoke_ = judgement.beyond_limit;
}

void Series::settle(const Judgement& judgement, MonoTime now, const Watch& watch,
                    const AgentSettings& settings) {
  const auto outs = std::popcount(latest(out_, watch.persistence.of));
  if (!alarmed_) {
    if (!judgement.out || outs < watch.persistence.need) return;
    alarmed_ = true;
    alarmed_since_ = now;
    return;
  }
  if (outs == 0) {
    alarmed_ = severe_ = false;
    grown_ = 0;
    return;
  }
  // Nobody has mended it for so long: that is how it is now. A limit stays a limit.
  if (limit_spoke_ || now - alarmed_since_ < settings.accept_after) return;
  alarmed_ = severe_ = false;
  grown_ = 0;
  out_ = 0;
  usual_.forget();
  if (ratio_) ratio_ = std::make_unique<RatioWindow>();
}

}  // namespace holdfast::agents
