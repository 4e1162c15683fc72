// One series of readings under one watch: what is usual for it, whether the latest readings are out
// of it or beyond a limit, and whether that has lasted long enough to be an alarm. Readings that
// are out are not learned, so a fault never becomes the usual while it lasts. Knows no other
// series: what several of them mean together is for the rules.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "actors/agents/domains/ratio_window.hpp"
#include "actors/agents/domains/settings.hpp"
#include "messages/finding.hpp"

namespace holdfast::agents {

/// The usual level of a series and how far readings stray from it: median and median deviation of
/// the first readings, then both follow slowly, and a reading pulls only so far.
class Usual {
 public:
  /// Takes a reading; `warm_up` and `memory` as in AgentSettings.
  void learn(double value, uint32_t warm_up, uint32_t memory);
  void forget() { *this = {}; }
  bool known() const { return known_; }
  double level() const { return level_; }
  double spread() const { return spread_; }

 private:
  bool known_ = false;
  uint32_t taken_ = 0;
  double level_ = 0, spread_ = 0;
  std::vector<double> first_;
};

class Series {
 public:
  /// Judges a reading. `watch` is the metric's, the same at each call.
  void take(const telemetry::Sample& sample, MonoTime now, const Watch& watch,
            const AgentSettings& settings);

  bool alarmed() const { return alarmed_; }
  /// Beyond the watch's severe limit in the latest reading that was out.
  bool severe() const { return severe_; }
  /// Of the latest reading that was out; of use while `alarmed`.
  const Evidence& evidence() const { return evidence_; }
  MonoTime last() const { return last_; }
  WallTime last_at() const { return last_at_; }
  bool fresh(MonoTime now, const AgentSettings& settings) const {
    return now - last_ < settings.stale_after;
  }
  const Usual& usual() const { return usual_; }
  uint64_t readings() const { return readings_; }

 private:
  struct Judgement {
    bool out = false, beyond_limit = false, severe = false;
    DetectorKind detector = DetectorKind::kThreshold;
    double score = 0;  // 1: on the limit
  };
  Judgement judge(double value, const Watch& watch);
  Judgement judge_ratio(const telemetry::Sample& sample, const Watch& watch);
  Judgement compare(double value, const Watch& watch);
  void note(const telemetry::Sample& sample, const Judgement& judgement, const Watch& watch);
  void settle(const Judgement& judgement, MonoTime now, const Watch& watch,
              const AgentSettings& settings);

  Usual usual_;
  std::unique_ptr<RatioWindow> ratio_;  // once a reading told of how many trials it is
  double grown_ = 0;                    // the cumulative sum of what is beyond two spreads
  uint64_t out_ = 0;                    // one bit a reading, the latest lowest
  uint64_t readings_ = 0;
  bool alarmed_ = false, severe_ = false, limit_spoke_ = false;
  MonoTime last_, alarmed_since_;
  WallTime last_at_, began_;
  Evidence evidence_;
};

}  // namespace holdfast::agents
