#include "actors/telemetry/detect/subspace.hpp"

#include <algorithm>
#include <cmath>

#include "messages/check.hpp"

namespace holdfast::detect {
namespace {

constexpr double kSpreadLeast = 1e-18;
constexpr double kLengthLeast = 1e-12;

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

}  // namespace

Subspace::Subspace(const SubspaceSettings& settings, std::size_t metrics)
    : settings_(settings), metrics_(metrics) {
  CHECK(metrics >= 2 && metrics <= 1'024);
  CHECK(settings.directions >= 1 && settings.directions <= 16 && settings.memory >= 10);
  settings_.directions =
      std::min(settings.directions, static_cast<uint32_t>(std::max<std::size_t>(1, metrics - 1)));
  mean_.assign(metrics, 0);
  spread_.assign(metrics, 0);
  directions_.assign(settings_.directions * metrics, 0);
  row_.assign(metrics, 0);
  rest_.assign(metrics, 0);
  contributions_.assign(metrics, 0);
}

void Subspace::standardise(std::span<const double> row) {
  const double rate = std::max(1.0 / static_cast<double>(rows_), 1.0 / settings_.memory);
  for (std::size_t i = 0; i < metrics_; ++i) {
    const double deviation = row[i] - mean_[i];
    // Judged by what was before it, then learnt, a wild value only up to the clip. A metric that
    // never moved has no spread, and says nothing the first time it does.
    const double sigma = std::sqrt(spread_[i]);
    const double z = spread_[i] > kSpreadLeast ? deviation / sigma : 0;
    row_[i] = std::clamp(z, -settings_.clip, settings_.clip);
    const double taught = z == 0 ? deviation : row_[i] * sigma;
    mean_[i] += rate * taught;
    spread_[i] += rate * (taught * taught - spread_[i]);
  }
}

void Subspace::learn(std::vector<double>& rest, double rate) {
  for (uint32_t k = 0; k < settings_.directions; ++k) {
    double* v = &directions_[k * metrics_];
    const double length = std::sqrt(dot(v, v, metrics_));
    if (length < kLengthLeast) {  // the first row that has something left gives a direction
      std::copy(rest.begin(), rest.end(), v);
      return;
    }
    const double along = dot(v, rest.data(), metrics_) / length;
    for (std::size_t i = 0; i < metrics_; ++i) v[i] += rate * (along * rest[i] - v[i]);
    const double now = std::max(kLengthLeast, std::sqrt(dot(v, v, metrics_)));
    const double part = dot(v, rest.data(), metrics_) / now;
    for (std::size_t i = 0; i < metrics_; ++i) rest[i] -= part * v[i] / now;
  }
}

double Subspace::push(std::span<const double> row) {
  CHECK(row.size() == metrics_);
  ++rows_;
  standardise(row);
  rest_ = row_;
  for (uint32_t k = 0; k < settings_.directions; ++k) {
    const double* v = &directions_[k * metrics_];
    const double square = dot(v, v, metrics_);
    if (square < kLengthLeast) break;
    const double part = dot(v, rest_.data(), metrics_) / square;
    for (std::size_t i = 0; i < metrics_; ++i) rest_[i] -= part * v[i];
  }
  const double all = dot(rest_.data(), rest_.data(), metrics_);
  for (std::size_t i = 0; i < metrics_; ++i)
    contributions_[i] = all > 0 ? rest_[i] * rest_[i] / all : 0;
  learn(row_, std::max(1.0 / static_cast<double>(rows_), 1.0 / settings_.memory));
  return rows_ > settings_.rows_min ? all / static_cast<double>(metrics_) : 0;
}

}  // namespace holdfast::detect
