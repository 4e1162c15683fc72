// Where each leadership began in a log. One leader an epoch writes one entry an index, so two logs
// that agree on the epoch of an index agree on everything up to it; from two histories alone one
// sees how far two logs are the same.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "messages/ids.hpp"

namespace holdfast::replication {

struct EpochStart {
  Epoch epoch;
  Index first;  // index of its first entry
  friend bool operator==(const EpochStart&, const EpochStart&) = default;
};

class EpochHistory {
 public:
  EpochHistory() = default;
  /// Starts in ascending order of both; others are dropped.
  explicit EpochHistory(const std::vector<EpochStart>& starts) {
    for (const EpochStart& start : starts) note(start.epoch, start.first);
  }

  /// An entry of `epoch` stands at `index`. Known epochs and what goes back change nothing.
  void note(Epoch epoch, Index index) {
    if (!starts_.empty() && (epoch <= starts_.back().epoch || index <= starts_.back().first))
      return;
    starts_.push_back({epoch, index});
  }
  /// Entries above `last` are gone.
  void cut(Index last) {
    while (!starts_.empty() && starts_.back().first > last) starts_.pop_back();
  }
  /// Everything below and at `at` came in a snapshot.
  void reset(Epoch epoch, Index at) { starts_.assign(1, {epoch, at}); }

  /// The epoch of an index at or below the log's end; zero when it is below what is known.
  Epoch at(Index index) const {
    const auto above =
        std::upper_bound(starts_.begin(), starts_.end(), index,
                         [](Index i, const EpochStart& start) { return i < start.first; });
    return above == starts_.begin() ? Epoch{} : std::prev(above)->epoch;
  }
  /// First index whose epoch is known; zero when empty.
  Index floor() const { return starts_.empty() ? Index{} : starts_.front().first; }
  const std::vector<EpochStart>& starts() const { return starts_; }

 private:
  std::vector<EpochStart> starts_;
};

/// The last index up to which two logs are the same. Zero: they have nothing in common (two empty
/// logs, or none of two that begin at 1). Nothing: it lies below what one of them knows, so only a
/// snapshot helps.
std::optional<Index> common_index(const EpochHistory& a, Index a_last, const EpochHistory& b,
                                  Index b_last);

}  // namespace holdfast::replication
