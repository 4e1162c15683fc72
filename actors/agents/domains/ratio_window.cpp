#include "actors/agents/domains/ratio_window.hpp"

#include <algorithm>

#include "actors/telemetry/detect/ratio.hpp"

namespace holdfast::agents {

namespace {
constexpr double kTrialsKept = 40'000;
constexpr double kTrialsKnown = 100;
constexpr double kLog10Risk = -4;  // of one window; persistence comes on top
}  // namespace

void RatioWindow::push(uint32_t bad, uint32_t trials, uint32_t readings) {
  if (latest_.size() < readings) {
    latest_.push_back({bad, trials});
  } else {
    bad_ -= latest_[next_].bad;
    trials_ -= latest_[next_].trials;
    latest_[next_] = {bad, trials};
    next_ = (next_ + 1) % latest_.size();
  }
  bad_ += bad;
  trials_ += trials;
}

void RatioWindow::learn(uint32_t bad, uint32_t trials) {
  learned_bad_ += bad;
  learned_trials_ += trials;
  if (learned_trials_ < kTrialsKept) return;
  learned_bad_ /= 2;
  learned_trials_ /= 2;
}

bool RatioWindow::known() const { return learned_trials_ >= kTrialsKnown; }

double RatioWindow::usual() const { return known() ? learned_bad_ / learned_trials_ : 0; }

bool RatioWindow::is_out(double share) const {
  if (trials_ == 0 || bad_ == 0 || this->share() < share) return false;
  const double usual_share = std::min(1.0, std::max(usual(), share / 5));
  return detect::log10_binomial_tail(bad_, trials_, usual_share) <= kLog10Risk;
}

}  // namespace holdfast::agents
