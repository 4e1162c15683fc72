// The latest readings of a ratio, judged together by how many trials they rest on: one failed
// request of one is nothing, three of three are something, and a tenth of a thousand is certain.
// Keeps what share is usual, by trials. Falling shares of failures are no fault.
#pragma once

#include <cstdint>
#include <vector>

namespace holdfast::agents {

class RatioWindow {
 public:
  /// Adds a reading: `bad` of `trials`, and forgets those before the latest `readings`.
  void push(uint32_t bad, uint32_t trials, uint32_t readings);
  /// Learns a reading as usual.
  void learn(uint32_t bad, uint32_t trials);

  /// Whether the window's share is at least `share` and not what chance makes of the usual share
  /// or of a fifth of `share`, whichever is more.
  bool is_out(double share) const;
  double share() const {
    return trials_ > 0 ? static_cast<double>(bad_) / static_cast<double>(trials_) : 0;
  }
  /// 0 as long as too little was seen.
  double usual() const;
  /// Whether enough was seen to call anything usual.
  bool known() const;

 private:
  struct Reading {
    uint32_t bad, trials;
  };
  std::vector<Reading> latest_;  // a ring
  std::size_t next_ = 0;
  uint64_t bad_ = 0, trials_ = 0;                // in the window
  double learned_bad_ = 0, learned_trials_ = 0;  // halved now and then
};

}  // namespace holdfast::agents
