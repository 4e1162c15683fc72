// Tests for ratios and counts: so many rejects of so many orders, so many retransmits in a second.
// What came is compared with what chance would make of the usual ratio, so ten failures of ten are
// told at once and one of three is not. Exact tails, no normal approximation.
// C. J. Clopper and E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the
// Case of the Binomial", Biometrika 26 (1934); E. B. Wilson, "Probable Inference, the Law of
// Succession, and Statistical Inference", JASA 22 (1927) for the upper bound of what is usual. Does
// not look at falling ratios: fewer failures are no fault.
#pragma once

#include <cstdint>
#include <optional>

#include "actors/telemetry/detect/alarm.hpp"
#include "actors/telemetry/detect/intake.hpp"

namespace holdfast::detect {

/// log10 P(X >= `events`) for X ~ Binomial(`trials`, `p`); p in [0, 1]. 0 when events is 0; minus
/// infinity when impossible (events > trials, or p is 0).
double log10_binomial_tail(uint64_t events, uint64_t trials, double p);
/// log10 P(X >= `events`) for X ~ Poisson(`mean`), mean >= 0.
double log10_poisson_tail(uint64_t events, double mean);
/// Wilson's upper bound of a ratio of which `events` of `trials` were seen, `z` deviations out.
/// Real numbers, since decayed counts are.
double wilson_upper(double events, double trials, double z);

/// What both tests share. Exposure is trials, or seconds.
struct ChanceSettings {
  double log10_risk = -9;     // a count less likely than this raises the alarm
  double floor = 1e-3;        // what is usual is held to be at least this much an exposure
  double memory = 20'000;     // exposure after which an old event counts 1/e
  double exposure_min = 200;  // before so much exposure nothing is usual yet
  double bound = 2;           // deviations of Wilson's bound on what is usual
  uint64_t events_min = 3;    // fewer events never raise an alarm
};

/// What is usual, and since when it is not. The part that both tests share.
class Usual {
 public:
  explicit Usual(const ChanceSettings& settings) : settings_(settings) {}
  /// Whether enough was seen to call anything unusual.
  bool ready() const { return exposure_ >= settings_.exposure_min; }
  /// The upper bound of events an exposure that chance is given.
  double upper() const;
  double mean() const { return exposure_ > 0 ? events_ / exposure_ : 0; }
  /// Takes a point in which so much happened; `risk` is log10 of the chance of it. Points beyond
  /// the risk are not learnt until they were the rule for `exposure_min`.
  std::optional<Alarm> judge(WallTime at, double events, double exposure, double risk);

 private:
  void learn(double events, double exposure);

  ChanceSettings settings_;
  double events_ = 0, exposure_ = 0;          // decayed
  double odd_events_ = 0, odd_exposure_ = 0;  // of the latest run of points in alarm
  WallTime began_;
};

/// Events of trials, a point at a time: rejects of orders, failures of requests.
class RatioTest {
 public:
  explicit RatioTest(const ChanceSettings& settings) : settings_(settings), usual_(settings) {}

  /// Takes the `events` of `trials` since the point before (of cumulative counters: differences).
  /// Returns an alarm for each point beyond the risk; AlarmMerger makes one of them. More events
  /// than trials are refused and counted as non-finite; disordered points are refused too.
  std::optional<Alarm> push(WallTime at, uint64_t events, uint64_t trials);
  const IntakeCounts& counts() const { return intake_.counts(); }
  /// The ratio that is usual now; 0 before anything was seen.
  double usual() const { return usual_.mean(); }

 private:
  ChanceSettings settings_;
  Intake intake_;
  Usual usual_;
};

/// Events in time: retransmits, throttlings, restarts. The exposure is the seconds between points.
class RateTest {
 public:
  explicit RateTest(const ChanceSettings& settings) : settings_(settings), usual_(settings) {}
  /// Takes the `events` since the point before; the first point only starts the clock. Otherwise
  /// as RatioTest::push.
  std::optional<Alarm> push(WallTime at, uint64_t events);
  const IntakeCounts& counts() const { return intake_.counts(); }
  /// Events a second that are usual now.
  double usual() const { return usual_.mean(); }

 private:
  ChanceSettings settings_;
  Intake intake_;
  Usual usual_;
};

}  // namespace holdfast::detect
