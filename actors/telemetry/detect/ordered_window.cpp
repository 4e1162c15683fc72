#include "actors/telemetry/detect/ordered_window.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::detect {

OrderedWindow::OrderedWindow(std::size_t capacity) : capacity_(capacity) {
  CHECK(capacity >= 1);
  arrived_.reserve(capacity);
  ordered_.reserve(capacity);
}

void OrderedWindow::push(double value) {
  if (arrived_.size() < capacity_) {
    arrived_.push_back(value);
    ordered_.insert(std::upper_bound(ordered_.begin(), ordered_.end(), value), value);
    return;
  }
  const double gone = arrived_[oldest_];
  arrived_[oldest_] = value;
  oldest_ = oldest_ + 1 == capacity_ ? 0 : oldest_ + 1;
  // Only what lies between the place of the one that goes and that of the one that comes moves.
  const auto from = std::lower_bound(ordered_.begin(), ordered_.end(), gone);
  if (value >= gone) {
    const auto to = std::upper_bound(from, ordered_.end(), value);
    std::move(from + 1, to, from);
    *(to - 1) = value;
  } else {
    const auto to = std::upper_bound(ordered_.begin(), from, value);
    std::move_backward(to, from, from + 1);
    *to = value;
  }
}

void OrderedWindow::clear() {
  arrived_.clear();
  ordered_.clear();
  oldest_ = 0;
}

double OrderedWindow::quantile(double p) const {
  if (ordered_.empty()) return 0;
  return ordered_[static_cast<std::size_t>(p * static_cast<double>(ordered_.size() - 1) + 0.5)];
}

}  // namespace holdfast::detect
