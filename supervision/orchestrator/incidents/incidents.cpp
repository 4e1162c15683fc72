#include "supervision/orchestrator/incidents/incidents.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::orchestrator::incidents {

namespace {
constexpr int64_t kMillion = 1'000'000;
constexpr Duration kCauseLate = Duration::seconds(5);
constexpr uint32_t kConfidenceStep = 50'000;  // a smaller change of a ranking is not told
constexpr uint32_t kFindingStep = 100'000;    // the same of a finding

/// The same thing seen by the same domain, whichever of its agents tells.
bool same_finding(const Finding& a, const Finding& b) {
  return a.agent.domain == b.agent.domain && a.fault == b.fault && a.place == b.place;
}

Finding* known_in(Incident& incident, const Finding& finding) {
  for (Finding& one : incident.findings)
    if (same_finding(one, finding)) return &one;
  return nullptr;
}
const Finding* known_in(const Incident& incident, const Finding& finding) {
  return known_in(const_cast<Incident&>(incident), finding);
}

/// An incident that is full gives up what is over first; false: everything in it burns.
bool put(Incident& incident, const Finding& finding) {
  incident.began =
      incident.findings.empty() ? finding.began : std::min(incident.began, finding.began);
  if (Finding* known = known_in(incident, finding)) {
    *known = finding;
    return true;
  }
  if (incident.findings.size() >= kFindingsMax) {
    const auto over = std::find_if(incident.findings.begin(), incident.findings.end(),
                                   [](const Finding& one) { return one.over; });
    if (over == incident.findings.end()) return false;
    incident.findings.erase(over);
  }
  incident.findings.push_back(finding);
  return true;
}

void merge(Incident& into, const Incident& from) {
  for (const Finding& finding : from.findings) put(into, finding);
}

Duration apart(WallTime a, WallTime b) { return a < b ? b - a : a - b; }

/// Some fault of the table could be behind both, on the member where both are.
bool common_cause(const Finding& a, const Finding& b) {
  if (!a.place.member || a.place.member != b.place.member || a.fault == b.fault) return false;
  for (const Explanation& one : explanations()) {
    if (one.effect != a.fault) continue;
    for (const Explanation& other : explanations())
      if (other.cause == one.cause && other.effect == b.fault) return true;
  }
  return false;
}

bool joins(const Incident& incident, const Finding& finding, const World& world) {
  return std::any_of(incident.findings.begin(), incident.findings.end(), [&](const Finding& one) {
    if (one.over || apart(one.began, finding.began) > kJoinWindow) return false;
    const bool one_group =
        one.fault == finding.fault && one.place.group && one.place.group == finding.place.group;
    return one_group || explains(one, finding, world) || explains(finding, one, world) ||
           common_cause(one, finding);
  });
}

Refused malformed(const Finding& finding, WallTime now) {
  if (finding.fault == FaultClass::kNone || to_text(finding.fault) == "invalid" ||
      finding.agent.domain != domain_of(finding.fault) || finding.confidence_ppm > kMillion ||
      finding.severity < Severity::kInfo || finding.severity > Severity::kCritical ||
      finding.evidence.size() > kEvidenceMax || finding.precedents.size() > kPrecedentsMax)
    return Refused::kMalformed;
  if (finding.found - now > kAheadMax || finding.began > finding.found) return Refused::kAhead;
  if (now - finding.found > kLateMax) return Refused::kStale;
  return Refused::kNo;
}

bool nothing_new(const Finding& known, const Finding& finding) {
  if (known.agent == finding.agent && finding.number < known.number) return true;
  if (finding.found < known.found) return true;
  if (finding.over) return known.over;
  if (known.over)  // it burns again, unless this was said before its end
    return known.agent == finding.agent && finding.number == known.number;
  return finding.severity == known.severity && finding.found - known.found < kRepeatEvery &&
         finding.confidence_ppm < known.confidence_ppm + kFindingStep &&
         known.confidence_ppm < finding.confidence_ppm + kFindingStep;
}

Severity severity_of(const Incident& incident) {
  Severity most = Severity::kInfo;
  for (const Finding& finding : incident.findings)
    if (!finding.over) most = std::max(most, finding.severity);
  return most;
}

/// The ranking of an incident, told if it is another.
void tell_ranking(const Incident& incident, const World& world, std::vector<Event>& events) {
  if (!burning(incident)) return;
  Ranked now{incident.number, FaultClass::kNone, {}, 0, severity_of(incident)};
  const auto causes = rank(incident, world);
  if (!causes.empty() && causes[0].confidence_ppm >= kAbstainBelowPpm) {
    const bool ambiguous = causes.size() > 1 && causes[1].fault != causes[0].fault &&
                           uint64_t{causes[1].confidence_ppm} * kMillion >=
                               uint64_t{causes[0].confidence_ppm} * kAmbiguousPpm;
    if (!ambiguous) {
      now.cause = causes[0].fault;
      now.place = causes[0].place;
      now.confidence_ppm = causes[0].confidence_ppm;
    }
  }
  const uint32_t moved = now.confidence_ppm > incident.confidence_ppm
                             ? now.confidence_ppm - incident.confidence_ppm
                             : incident.confidence_ppm - now.confidence_ppm;
  if (now.cause == incident.cause && now.place == incident.place &&
      now.severity == incident.severity && moved < kConfidenceStep)
    return;
  events.push_back(now);
}

Duration forgotten_after(const Finding& finding) {
  const bool event = !finding.evidence.empty() &&
                     std::all_of(finding.evidence.begin(), finding.evidence.end(),
                                 [](const auto& e) { return e.detector == DetectorKind::kEvent; });
  return event ? kEventForgotten : kForgotten;
}

WallTime last_told(const Incident& incident) {
  WallTime last = incident.opened;
  for (const Finding& finding : incident.findings) last = std::max(last, finding.found);
  return last;
}
}  // namespace

std::string_view to_text(Refused refused) {
  switch (refused) {
    case Refused::kNo:
      return "taken";
    case Refused::kRepeated:
      return "repeated";
    case Refused::kMalformed:
      return "malformed";
    case Refused::kStale:
      return "stale";
    case Refused::kAhead:
      return "ahead";
    case Refused::kOverOfNone:
      return "over_of_none";
    case Refused::kFull:
      return "full";
  }
  return "?";
}

const Incident* State::find(uint64_t number) const {
  const auto found = open.find(number);
  if (found != open.end()) return &found->second;
  for (const Incident& incident : closed)
    if (incident.number == number) return &incident;
  return nullptr;
}

bool burning(const Incident& incident) {
  return std::any_of(incident.findings.begin(), incident.findings.end(),
                     [](const Finding& finding) { return !finding.over; });
}

bool burning(const Incident& incident, FaultClass fault, const Place& place) {
  return std::any_of(
      incident.findings.begin(), incident.findings.end(), [&](const Finding& finding) {
        return !finding.over && finding.fault == fault && same_place(finding.place, place);
      });
}

std::vector<Cause> rank(const Incident& incident, const World& world) {
  std::vector<const Finding*> open;
  int64_t total = 0;
  for (const Finding& finding : incident.findings)
    if (!finding.over) {
      open.push_back(&finding);
      total += finding.confidence_ppm;
    }
  std::vector<Cause> causes;
  if (total == 0) return causes;
  for (const Finding* candidate : open) {
    int64_t support = 0, explained = 0;
    bool late = false;
    for (const Finding* other : open) {
      const int64_t weight = explains(*candidate, *other, world);
      support += int64_t{other->confidence_ppm} * weight / kMillion;
      if (weight > 0 && other != candidate && candidate->began - other->began > kCauseLate)
        late = true;
      if (other->fault != candidate->fault)
        explained = std::max(explained, int64_t{explains(*other, *candidate, world)} *
                                            other->confidence_ppm / kMillion);
    }
    int64_t score = support * kMillion / total * candidate->confidence_ppm / kMillion;
    score = score * (kMillion - explained * 6 / 10) / kMillion;
    if (late) score = score * 8 / 10;
    causes.push_back({candidate->fault, candidate->place, static_cast<uint32_t>(score)});
  }
  std::stable_sort(causes.begin(), causes.end(), [](const Cause& a, const Cause& b) {
    return a.confidence_ppm > b.confidence_ppm;
  });
  return causes;
}

Refused take(const State& state, const Finding& finding, const World& world, WallTime now,
             std::vector<Event>& events) {
  if (const Refused wrong = malformed(finding, now); wrong != Refused::kNo) return wrong;
  for (const auto& [number, incident] : state.open) {
    const Finding* known = known_in(incident, finding);
    if (!known) continue;
    if (nothing_new(*known, finding)) return Refused::kRepeated;
    Incident changed = incident;
    put(changed, finding);
    events.push_back(FindingTaken{number, finding});
    tell_ranking(changed, world, events);
    return Refused::kNo;
  }
  if (finding.over) return Refused::kOverOfNone;

  std::optional<Incident> whole;
  std::vector<Event> merges;
  for (const auto& [number, incident] : state.open) {
    if (!joins(incident, finding, world)) continue;
    if (!whole) {
      whole = incident;
    } else if (whole->findings.size() + incident.findings.size() < kFindingsMax) {
      merge(*whole, incident);
      merges.push_back(Merged{whole->number, number});
    }
  }
  if (!whole) {
    if (state.open.size() >= kOpenMax) return Refused::kFull;
    whole.emplace();
    whole->number = state.last + 1;
  }
  if (!put(*whole, finding)) return Refused::kFull;
  events.push_back(FindingTaken{whole->number, finding});
  events.insert(events.end(), merges.begin(), merges.end());
  tell_ranking(*whole, world, events);
  return Refused::kNo;
}

void watch(const State& state, WallTime now, std::vector<Event>& events) {
  for (const auto& [number, incident] : state.open) {
    bool burns = false;
    for (const Finding& finding : incident.findings) {
      if (finding.over) continue;
      if (now - finding.found < forgotten_after(finding)) {
        burns = true;
        continue;
      }
      Finding over = finding;
      over.over = true;
      over.found = now;
      over.evidence.clear();
      events.push_back(FindingTaken{number, std::move(over)});
    }
    // What was forgotten just now closes the incident the next time.
    if (!burns && !burning(incident) && now - last_told(incident) >= kQuiet)
      events.push_back(Closed{number});
  }
}

std::optional<WallTime> next_deadline(const State& state) {
  std::optional<WallTime> next;
  for (const auto& [number, incident] : state.open) {
    WallTime due = last_told(incident) + kQuiet;
    if (burning(incident)) {
      due = WallTime{INT64_MAX};
      for (const Finding& finding : incident.findings)
        if (!finding.over) due = std::min(due, finding.found + forgotten_after(finding));
    }
    next = next ? std::min(*next, due) : due;
  }
  return next;
}

void apply(State& state, const Event& event, WallTime at) {
  if (const auto* taken = std::get_if<FindingTaken>(&event)) {
    CHECK(taken->incident <= state.last + 1);
    Incident& incident = state.open[taken->incident];
    if (taken->incident == state.last + 1) {
      state.last = taken->incident;
      incident.number = taken->incident;
      incident.opened = at;
      incident.severity = taken->finding.severity;
    }
    CHECK(incident.number == taken->incident);
    CHECK(put(incident, taken->finding));
  } else if (const auto* ranked = std::get_if<Ranked>(&event)) {
    Incident& incident = state.open.at(ranked->incident);
    incident.cause = ranked->cause;
    incident.place = ranked->place;
    incident.confidence_ppm = ranked->confidence_ppm;
    incident.severity = ranked->severity;
  } else if (const auto* merged = std::get_if<Merged>(&event)) {
    const auto from = state.open.find(merged->from);
    CHECK(from != state.open.end());
    merge(state.open.at(merged->into), from->second);
    state.open.erase(from);
  } else {
    const auto found = state.open.find(std::get<Closed>(event).incident);
    CHECK(found != state.open.end());
    Incident incident = std::move(found->second);
    state.open.erase(found);
    incident.closed = at;
    for (Finding& finding : incident.findings) finding.evidence.clear();
    state.closed.push_back(std::move(incident));
    if (state.closed.size() > kClosedKept) state.closed.pop_front();
  }
}

}  // namespace holdfast::orchestrator::incidents
