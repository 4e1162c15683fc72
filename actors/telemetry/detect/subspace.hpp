// Metrics of one machine move together: load, requests, packets. The few directions in which they
// usually move are learnt as they come; what a row has outside of them is the residual, and its
// parts say which metrics left their usual relation, even where each one alone looks normal. J.
// Weng, Y. Zhang and W.-S. Hwang, "Candid Covariance-Free Incremental Principal Component
// Analysis", IEEE PAMI 25 (2003) for the directions; J. E. Jackson and G. S. Mudholkar, "Control
// Procedures for Residuals Associated with Principal Component Analysis", Technometrics 21 (1979)
// for the residual; A. Lakhina, M. Crovella and C. Diot, "Diagnosing Network-Wide Traffic
// Anomalies", SIGCOMM 2004 for its use. Metrics are standardised by their running mean and spread,
// so no metric's unit counts more than another's. Does not decide: the limit is the tail's
// (tail.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace holdfast::detect {

struct SubspaceSettings {
  uint32_t directions = 4;  // 1..16, and fewer than metrics
  double memory = 1'000;    // rows that means, spreads and directions remember
  double clip = 6;          // deviations beyond this teach no more than this
  uint32_t rows_min = 100;  // before so many rows there is no residual
};

class Subspace {
 public:
  /// 2 <= `metrics` <= 1024.
  Subspace(const SubspaceSettings& settings, std::size_t metrics);

  /// Takes a row of finite values, one for each metric. Returns the squared length of its residual
  /// in standard deviations, a metric (so about 1 or less in quiet times); 0 until rows_min.
  double push(std::span<const double> row);
  /// The share of each metric in the latest residual; sums to 1, all 0 when there was none.
  std::span<const double> contributions() const { return contributions_; }
  /// What the metric usually is.
  double mean(std::size_t metric) const { return mean_[metric]; }

 private:
  void standardise(std::span<const double> row);
  void learn(std::vector<double>& rest, double rate);

  SubspaceSettings settings_;
  std::size_t metrics_;
  uint64_t rows_ = 0;
  std::vector<double> mean_, spread_;  // running mean, and mean square deviation
  std::vector<double> directions_;     // directions x metrics; their length is their strength
  std::vector<double> row_, rest_, contributions_;
};

}  // namespace holdfast::detect
