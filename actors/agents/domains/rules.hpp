// What alarms of one domain mean together: a table of rules, each from alarmed metrics to a class
// of fault. A rule speaks of one place; metrics of the host count for every place on it. The table
// is data that a person can read and argue with; there is nothing learned in it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "messages/finding.hpp"

namespace holdfast::agents {

/// How far a finding of a rule is narrowed down.
enum class Scope : uint8_t { kMember = 1, kInstance };

/// "At least `least` different metrics of `of` are alarmed, all of `must`, and none of `unless`."
struct Rule {
  FaultClass fault = FaultClass::kNone;
  Scope scope = Scope::kMember;
  std::vector<telemetry::Metric> of = {};
  uint32_t least = 1;
  std::vector<telemetry::Metric> must = {}, unless = {};
  std::vector<telemetry::Metric> adds = {};        // alarmed as well, they make it surer
  std::vector<telemetry::Metric> severe = {};      // one of these, beyond its severe limit
  std::vector<telemetry::Metric> not_severe = {};  // none of these is
  /// It must hold for so long, so that what would speak against it has time to.
  Duration settle = {};
};

/// The rules of a domain's agent.
std::span<const Rule> rules_of(telemetry::Domain domain);

/// One alarmed series, as rules see it.
struct Alarm {
  Evidence evidence;
  bool severe = false;
};

/// A rule that holds at a place, without regard to `settle`.
struct Hypothesis {
  std::size_t rule = 0;  // index in rules_of()
  Place place;
  Severity severity = Severity::kWarning;
  uint32_t confidence_ppm = 0;
  std::vector<Evidence> evidence;  // strongest first, 16 at most
};

inline constexpr std::size_t kEvidenceMax = 16;

/// All rules that hold for the alarms of one unit (see unit_of()).
std::vector<Hypothesis> reason(std::span<const Rule> rules, std::span<const Alarm> alarms);

/// How sure: one evidence on its limit 0.6, each further one takes away half to nine tenths of what
/// is missing, in parts per million.
uint32_t confidence_of(std::span<const Evidence> evidence);

}  // namespace holdfast::agents
