// What may be spent on models: tokens and cost by incident, by day and by domain a day. An attempt
// reserves what it could cost at most before it starts and settles for what was used, so that
// attempts in flight can't overspend together. A day is a UTC day.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "actors/agents/llm/gateway_settings.hpp"
#include "messages/time.hpp"

namespace holdfast::llm {

struct Spent {
  int64_t tokens = 0;
  int64_t cost_micros = 0;
  friend bool operator==(const Spent&, const Spent&) = default;
};

/// A reservation: where it counts and how much.
struct Reserved {
  uint64_t incident = 0;  // 0: of none
  telemetry::Domain domain = telemetry::Domain::kCpu;
  int64_t day = 0;
  Spent amount;
};

/// Cost of tokens at prices for a million, rounded up, in millionths of the currency. Never
/// negative; saturates.
int64_t cost_micros(int64_t input_tokens, int64_t output_tokens, const EndpointSettings& endpoint);

class Ledger {
 public:
  Ledger(Budget incident, Budget day, Budget domain)
      : incident_budget_(incident), day_budget_(day), domain_budget_(domain) {}

  /// kProposed (as "yes"), or which budget is too small for it.
  AdviceOutcome permits(const Reserved& wanted) const;
  void reserve(const Reserved& wanted);
  /// Replaces the reservation by what was used; the day may have changed meanwhile.
  void settle(const Reserved& reserved, Spent used);

  Spent day(WallTime now) const;
  Spent domain(telemetry::Domain domain, WallTime now) const;
  Spent incident(uint64_t number) const;

  /// The day and what was spent on it, one line; what a restart must not forget.
  std::string str() const;
  /// Takes up what `str` said; false when it is none of its lines.
  bool restore(std::string_view line);

 private:
  void add(const Reserved& where, int64_t tokens, int64_t cost);

  Budget incident_budget_, day_budget_, domain_budget_;
  int64_t day_ = 0;
  Spent day_spent_;
  std::array<Spent, telemetry::kDomains> domain_spent_;
  std::map<uint64_t, Spent> incidents_;
  std::deque<uint64_t> incident_order_;  // the first seen goes when there are too many
};

/// The UTC day of a time, counted from 1970-01-01.
constexpr int64_t day_of(WallTime time) { return time.ns / (86'400ll * 1'000'000'000ll); }

}  // namespace holdfast::llm
