// HangDetector: has a loop of the node stopped making progress? It compares samples of the counters
// that the loops write, and counts only time in which the watcher itself was awake: a machine that
// stalls both must not cost a healthy node its life.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "messages/time.hpp"

namespace holdfast {

/// Watches the progress counters of one process, sample by sample.
class HangDetector {
 public:
  /// `interval` is how often samples are meant to come; a gap between two counts as twice that at
  /// most. CHECKs 0 < interval < timeout.
  HangDetector(Duration timeout, Duration interval);

  /// One sample: the counter of every loop, in a fixed order. Returns the first loop that has not
  /// moved for `timeout` of watched time, or nothing. A loop that is new starts with no debt.
  std::optional<std::size_t> sample(MonoTime now, const std::vector<uint64_t>& counters);
  /// Forgets everything: another process is watched from now on.
  void reset();
  /// How long each loop has stood still, in watched time.
  const std::vector<Duration>& stalled() const { return stalled_; }

 private:
  Duration timeout_;
  Duration interval_;
  std::optional<MonoTime> last_;
  std::vector<uint64_t> counters_;
  std::vector<Duration> stalled_;
};

}  // namespace holdfast
