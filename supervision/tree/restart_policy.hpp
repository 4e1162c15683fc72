// When to restart, and when to give up: restart intensity and jittered exponential backoff, as two
// small machines that are handed the time and the random number. Supervisors of actors and the
// guard of a process use the same ones.
#pragma once

#include <cstdint>
#include <deque>

#include "supervision/tree/child_spec.hpp"

namespace holdfast {

/// Counts restarts in a sliding window.
class RestartIntensity {
 public:
  explicit RestartIntensity(Intensity limit) : limit_(limit) {}

  /// Counts one restart at `now`. False: that is one too many, give up. `now` never goes back.
  bool allow(MonoTime now);
  /// Restarts counted in the period before the last call.
  std::size_t counted() const { return restarts_.size(); }

 private:
  Intensity limit_;
  std::deque<MonoTime> restarts_;  // at most limit_.restarts + 1
};

/// The delay before the next restart of one child.
class RestartBackoff {
 public:
  explicit RestartBackoff(Backoff settings) : settings_(settings) {}

  /// The delay for a child that ran for `ran` (zero if its start failed). `random` is any number,
  /// equally distributed. Never above `longest`.
  Duration next(Duration ran, uint64_t random);
  /// Forgets earlier failures.
  void reset() { failures_ = 0; }

 private:
  Backoff settings_;
  uint32_t failures_ = 0;  // in a row
};

}  // namespace holdfast
