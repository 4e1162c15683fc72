// The last N values, in order of size as well as of arrival, for medians and quantiles that one
// wild value can't move. Inserting moves part of one short array: for the sizes here that is tens
// of nanoseconds, which trees don't beat. Bounded: nothing is allocated after the first N values.
#pragma once

#include <cstddef>
#include <vector>

namespace holdfast::detect {

class OrderedWindow {
 public:
  /// `capacity` >= 1.
  explicit OrderedWindow(std::size_t capacity);

  /// Takes a finite value; the oldest one goes when the window is full.
  void push(double value);
  void clear();
  std::size_t size() const { return ordered_.size(); }
  bool empty() const { return ordered_.empty(); }
  std::size_t capacity() const { return capacity_; }
  /// The value at rank `p` in [0, 1]; 0 when empty.
  double quantile(double p) const;
  double median() const { return quantile(0.5); }
  double least() const { return quantile(0); }
  double greatest() const { return quantile(1); }

 private:
  std::size_t capacity_;
  std::size_t oldest_ = 0;
  std::vector<double> arrived_, ordered_;
};

}  // namespace holdfast::detect
