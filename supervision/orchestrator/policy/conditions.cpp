#include "supervision/orchestrator/policy/conditions.hpp"

#include <algorithm>

namespace holdfast::policy {
namespace {

constexpr int64_t kDaySeconds = 86'400;

std::string text_of(MemberId member) { return std::to_string(member.value); }
std::string text_of(GroupId group) { return std::to_string(group.value); }
template <typename T>
std::string text_of(T value) {
  return std::string(to_text(value));
}

std::string text_of(Measure measure, int64_t value) {
  if (measure == Measure::kPosition) return fixed_point::format(value);
  return std::to_string(value);
}

template <typename T>
Held one_of(std::string_view what, const std::vector<T>& wanted, T found) {
  if (wanted.empty() || std::find(wanted.begin(), wanted.end(), found) != wanted.end()) return {};
  std::string list;
  for (const auto& each : wanted) list += (list.empty() ? "" : ", ") + text_of(each);
  return {Match::kNo, std::string(what) + " is " + text_of(found) + ", not " + list};
}

Held not_known(std::string_view what) {
  return {Match::kUnknown, std::string(what) + " is not known"};
}

bool same_target(const Place& a, const Place& b) {
  if (a.group || b.group) return a.group == b.group;
  return a.member == b.member && a.instance == b.instance;
}

Held fault_holds(const Conditions& when, FaultClass fault) {
  if (when.faults.empty() && when.domains.empty()) return {};
  if (fault == FaultClass::kNone) return not_known(when.faults.empty() ? "domain" : "fault");
  if (auto held = one_of("domain", when.domains, domain_of(fault)); held.match != Match::kYes)
    return held;
  return one_of("fault", when.faults, fault);
}

Held phase_holds(const Conditions& when, SessionPhase phase) {
  auto held = one_of("phase", when.phases, phase);
  if (held.match == Match::kNo && phase == SessionPhase::kUnknown) return not_known("phase");
  return held;
}

Held range_holds(Measure measure, const Range& range, const Proposal& proposal,
                 const PolicyContext& context) {
  const auto value = value_of(measure, proposal, context);
  if (!value) return not_known(to_text(measure));
  const auto what = std::string(to_text(measure)) + " is " + text_of(measure, *value);
  if (*value < range.least) return {Match::kNo, what + ", below " + text_of(measure, range.least)};
  if (*value > range.most) return {Match::kNo, what + ", above " + text_of(measure, range.most)};
  return {};
}

Held in_sync_holds(const std::optional<bool>& wanted, const std::optional<bool>& found) {
  if (!wanted) return {};
  if (!found) return not_known("to_in_sync");
  if (*wanted == *found) return {};
  return {Match::kNo, std::string("to_in_sync is ") + (*found ? "true" : "false")};
}

Held time_holds(const std::optional<TimeOfDay>& time, const PolicyContext& context) {
  if (!time) return {};
  if (context.clock != ClockQuality::kSynchronised)
    return {Match::kUnknown, "the time of day: the clock is " + text_of(context.clock)};
  const int64_t seconds = context.now.ns / 1'000'000'000;
  const int64_t of_day = ((seconds % kDaySeconds) + kDaySeconds) % kDaySeconds;
  const int64_t day = (seconds - of_day) / kDaySeconds;
  const auto weekday = static_cast<unsigned>((((day + 3) % 7) + 7) % 7);  // day 0 was a Thursday
  if ((time->days >> weekday & 1) == 0) return {Match::kNo, "not on this day"};
  const bool inside = time->begin < time->end ? of_day >= time->begin && of_day < time->end
                                              : of_day >= time->begin || of_day < time->end;
  return inside ? Held{} : Held{Match::kNo, "not at this time of day"};
}

Held rate_holds(const Rate& rate, const Action& action, const PolicyContext& context) {
  const auto count = count_of(rate.of, rate.window, action, context);
  const auto what = std::to_string(count) + " actions (" + text_of(rate.of) + ") within " +
                    std::to_string(rate.window.ms() / 1000) + " s";
  if (count < rate.count.least)
    return {Match::kNo, what + ", fewer than " + std::to_string(rate.count.least)};
  if (count > rate.count.most)
    return {Match::kNo, what + ", more than " + std::to_string(rate.count.most)};
  return {};
}

}  // namespace

std::optional<int64_t> value_of(Measure measure, const Proposal& proposal,
                                const PolicyContext& context) {
  switch (measure) {
    case Measure::kOpenOrders:
      return context.open_orders;
    case Measure::kPosition:
      return context.position ? std::optional(context.position->units) : std::nullopt;
    case Measure::kGroupsTouched:
      return context.groups_touched;
    case Measure::kNodesTouched:
      return context.nodes_touched;
    case Measure::kInFlight:
      return context.in_flight;
    case Measure::kInSyncLeft:
      return context.in_sync_left;
    case Measure::kAmount:
      return proposal.action.amount;
    case Measure::kConfidence:
      return proposal.confidence_ppm;
  }
  return std::nullopt;
}

int64_t count_of(CountOf of, Duration window, const Action& action, const PolicyContext& context) {
  return std::count_if(context.past.begin(), context.past.end(), [&](const PastAction& past) {
    if (context.now.ns > past.at.ns && context.now.ns - window.ns > past.at.ns) return false;
    switch (of) {
      case CountOf::kAll:
        return true;
      case CountOf::kAction:
        return past.kind == action.kind;
      case CountOf::kTarget:
        return same_target(past.target, action.target);
      case CountOf::kActionAndTarget:
        return past.kind == action.kind && same_target(past.target, action.target);
    }
    return true;
  });
}

Held holds(const Conditions& when, const Proposal& proposal, const PolicyContext& context) {
  const auto& action = proposal.action;
  Held worst;
  // True when it surely does not hold: nothing more to look at.
  const auto settle = [&worst](Held held) {
    if (held.match == Match::kNo || (held.match == Match::kUnknown && worst.match == Match::kYes))
      worst = std::move(held);
    return worst.match == Match::kNo;
  };
  if (settle(one_of("action", when.actions, action.kind)) ||
      settle(one_of("target", when.targets, kind_of(action.target))) ||
      settle(one_of("member", when.members, action.target.member)) ||
      settle(one_of("group", when.groups, action.target.group)) ||
      settle(fault_holds(when, context.fault)) || settle(phase_holds(when, context.phase)) ||
      settle(one_of("clock", when.clocks, context.clock)) ||
      settle(one_of("advisor", when.advisors, proposal.advisor)) ||
      settle(in_sync_holds(when.to_in_sync, context.to_in_sync)))
    return worst;
  for (std::size_t i = 0; i < kMeasures; ++i)
    if (when.ranges[i] &&
        settle(range_holds(static_cast<Measure>(i), *when.ranges[i], proposal, context)))
      return worst;
  if (settle(time_holds(when.time, context))) return worst;
  for (const auto& rate : when.rates)
    if (settle(rate_holds(rate, action, context))) return worst;
  return worst;
}

}  // namespace holdfast::policy
