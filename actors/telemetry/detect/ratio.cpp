#include "actors/telemetry/detect/ratio.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace holdfast::detect {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

// ln(n!) by Stirling's series; the library's lgamma writes a global and so isn't safe in threads.
double log_factorial(double n) {
  double product = 1;
  while (n < 12) product *= ++n;
  const double x = n + 1;
  const double series = 1 / (12 * x) - 1 / (360 * x * x * x) + 1 / (1260 * x * x * x * x * x);
  return (x - 0.5) * std::log(x) - x + 0.918938533204672742 + series - std::log(product);
}

// log10 of the sum of a tail whose first term is exp(`first`) and whose terms are each `ratio(j)`
// of the one before; ends when terms no longer matter. Where the tail begins before the peak it
// has most of the mass, and the sum is held to 1.
template <typename Ratio>
double log10_sum(double first, Ratio ratio) {
  constexpr int kTermsMax = 100'000;
  double sum = 1, term = 1, scale = 0;
  for (int j = 0; j < kTermsMax; ++j) {
    const double r = ratio(j);
    term *= r;
    sum += term;
    if (r < 1 && term < 1e-12 * sum * (1 - r)) break;
    if (sum > 1e200) {  // terms still grow: go on in a smaller unit
      sum *= 1e-200;
      term *= 1e-200;
      scale += 200;
    }
  }
  return std::min(0.0, first / std::log(10.0) + std::log10(sum) + scale);
}

}  // namespace

double log10_binomial_tail(uint64_t events, uint64_t trials, double p) {
  if (events == 0) return 0;
  if (events > trials || p <= 0) return kNever;
  if (p >= 1) return 0;
  const auto k = static_cast<double>(events);
  const auto n = static_cast<double>(trials);
  if (k <= n * p) return 0;  // no more than the mean: not rare, whatever the exact number
  const double odds = p / (1 - p);
  const double first = log_factorial(n) - log_factorial(k) - log_factorial(n - k) +
                       k * std::log(p) + (n - k) * std::log1p(-p);
  return log10_sum(first, [=](int j) { return (n - k - j) / (k + j + 1) * odds; });
}

double log10_poisson_tail(uint64_t events, double mean) {
  if (events == 0) return 0;
  if (mean <= 0) return kNever;
  const auto k = static_cast<double>(events);
  if (k <= mean) return 0;
  const double first = k * std::log(mean) - mean - log_factorial(k);
  return log10_sum(first, [=](int j) { return mean / (k + j + 1); });
}

double wilson_upper(double events, double trials, double z) {
  if (trials <= 0) return 1;
  const double ratio = events / trials, z2 = z * z;
  const double middle = ratio + z2 / (2 * trials);
  const double spread =
      z * std::sqrt(std::max(0.0, ratio * (1 - ratio) / trials + z2 / (4 * trials * trials)));
  return (middle + spread) / (1 + z2 / trials);
}

void Usual::learn(double events, double exposure) {
  const double keep = std::exp(-exposure / settings_.memory);
  events_ = events_ * keep + events;
  exposure_ = exposure_ * keep + exposure;
}

std::optional<Alarm> Usual::judge(WallTime at, double events, double exposure, double risk) {
  const bool odd =
      ready() && events >= static_cast<double>(settings_.events_min) && risk < settings_.log10_risk;
  if (!odd) {
    odd_events_ = odd_exposure_ = 0;
    learn(events, exposure);
    return std::nullopt;
  }
  if (odd_exposure_ <= 0) began_ = at;
  Alarm alarm;
  alarm.rule = Rule::kRatio;
  alarm.direction = Direction::kUp;
  alarm.began = began_;
  alarm.raised = alarm.last = at;
  alarm.value = exposure > 0 ? events / exposure : 0;
  alarm.expected = mean();
  alarm.score = std::max(risk, -300.0) * -1;
  alarm.limit = -settings_.log10_risk;
  odd_events_ += events;
  odd_exposure_ += exposure;
  if (odd_exposure_ >= settings_.exposure_min) {  // it is the rule now
    events_ = odd_events_;
    exposure_ = odd_exposure_;
    odd_events_ = odd_exposure_ = 0;
  }
  return alarm;
}

std::optional<Alarm> RatioTest::push(WallTime at, uint64_t events, uint64_t trials) {
  if (events > trials) {
    intake_.refuse_value();
    return std::nullopt;
  }
  if (!intake_.take_time(at) || trials == 0) return std::nullopt;
  // The bound on what was seen, so that little experience is no ground for an alarm.
  const double upper = std::max(settings_.floor, usual_.upper());
  return usual_.judge(at, static_cast<double>(events), static_cast<double>(trials),
                      usual_.ready() ? log10_binomial_tail(events, trials, upper) : 0);
}

double Usual::upper() const {
  return events_ <= exposure_ ? wilson_upper(events_, exposure_, settings_.bound)
                              : (events_ + settings_.bound * std::sqrt(events_)) / exposure_;
}

std::optional<Alarm> RateTest::push(WallTime at, uint64_t events) {
  const bool first = intake_.counts().accepted == 0;
  const WallTime before = intake_.latest();
  if (!intake_.take_time(at) || first) return std::nullopt;
  const double seconds = static_cast<double>((at - before).ns) * 1e-9;
  const double upper = std::max(settings_.floor, usual_.upper());
  return usual_.judge(at, static_cast<double>(events), seconds,
                      usual_.ready() ? log10_poisson_tail(events, upper * seconds) : 0);
}

}  // namespace holdfast::detect
