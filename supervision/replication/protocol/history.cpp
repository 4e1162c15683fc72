#include "supervision/replication/protocol/history.hpp"

namespace holdfast::replication {

std::optional<Index> common_index(const EpochHistory& a, Index a_last, const EpochHistory& b,
                                  Index b_last) {
  const auto first_of = [](const EpochHistory& history, Epoch epoch) {
    Index first;
    for (const EpochStart& start : history.starts())
      if (start.epoch == epoch) first = start.first;
    return first;
  };
  Index at = std::min(a_last, b_last);
  while (at) {
    const Epoch in_a = a.at(at), in_b = b.at(at);
    if (!in_a || !in_b) return std::nullopt;
    if (in_a == in_b) return at;
    // What the higher epoch wrote here the other does not have: go before its start.
    const Index start = in_a > in_b ? first_of(a, in_a) : first_of(b, in_b);
    at = {start.value - 1};
  }
  return Index{};
}

}  // namespace holdfast::replication
