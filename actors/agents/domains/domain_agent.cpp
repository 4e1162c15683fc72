#include "actors/agents/domains/domain_agent.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::agents {

using telemetry::Domain;
using telemetry::Metric;
using telemetry::MetricInfo;
using telemetry::MetricKind;
using telemetry::Sample;

namespace {
constexpr std::size_t kPrecedentsMax = 8;
// A precedent of the same class takes away so much of the doubt, at full similarity.
constexpr uint64_t kPrecedentWeightPpm = 300'000;

// Whether a reading of this metric can have this value at all.
bool is_possible(const MetricInfo& info, const Sample& sample) {
  switch (info.metric) {
    case Metric::kClockOffset:
    case Metric::kClockStep:
    case Metric::kSlippage:
      return true;
    case Metric::kClockBound:
      return sample.value >= -1;
    default:
      break;
  }
  if (sample.value < 0) return false;
  if (info.kind == MetricKind::kRatio) return sample.value <= 1'000'000;
  return info.unit != "ppm" || sample.value <= 1'000'000'000;  // some are of one core
}

int64_t distance(WallTime a, WallTime b) {
  const auto d = static_cast<__int128>(a.ns) - b.ns;
  return d > INT64_MAX || d < -INT64_MAX ? INT64_MAX : static_cast<int64_t>(d < 0 ? -d : d);
}
}  // namespace

// What rules look at together.
struct DomainAgent::Unit {
  UnitKey key;
  std::vector<Recent::iterator> entries;
  std::size_t alarmed = 0;  // of the entries, when last looked at
  bool touched = false;
  // Since when a rule has held at a place; gone when it does not.
  struct Holding {
    std::size_t rule;
    Place place;
    MonoTime since;
    bool seen = true;
  };
  std::vector<Holding> holding;
};

struct DomainAgent::Entry {
  SeriesKey key;
  Series series;
  Unit* unit;
};

// A finding that has been told and is not over.
struct DomainAgent::Open {
  Finding finding;
  MonoTime held, told;
  bool inherited = false;
};

UnitKey unit_of(const Sample& sample, Domain domain) {
  const bool apart = domain == Domain::kExecution || domain == Domain::kHttp;
  return {sample.member, apart ? sample.instance : telemetry::Instance{}};
}

std::size_t DomainAgent::SeriesHash::operator()(const SeriesKey& key) const noexcept {
  uint64_t hash = std::hash<telemetry::Instance>{}(key.instance);
  hash ^= static_cast<uint64_t>(key.metric) << 48 | static_cast<uint64_t>(key.member.value) << 24 |
          key.group.value;
  return static_cast<std::size_t>(hash * 0x9E3779B97F4A7C15ull);
}

DomainAgent::DomainAgent(AgentId id, std::shared_ptr<const AgentSettings> settings, uint64_t after,
                         FindPrecedents precedents)
    : id_(id),
      settings_(std::move(settings)),
      precedents_(std::move(precedents)),
      domain_(id.domain),
      number_(after) {
  CHECK(settings_ != nullptr && settings_->series_max > 0);
  watches_.resize(100);
  for (const Watch& watch : settings_->watches)
    if (telemetry::domain_of(watch.metric) == domain_)
      watches_[static_cast<uint16_t>(watch.metric) % 100] = &watch;
}
DomainAgent::~DomainAgent() = default;
DomainAgent::DomainAgent(DomainAgent&&) noexcept = default;
DomainAgent& DomainAgent::operator=(DomainAgent&&) noexcept = default;

void DomainAgent::observe(std::span<const Sample> samples, MonoTime now, WallTime wall,
                          std::vector<Finding>& out) {
  for (const Sample& sample : samples) {
    if (!is_usable(sample, wall)) continue;
    const Watch* watch = watches_[static_cast<uint16_t>(sample.metric) % 100];
    if (watch == nullptr) {
      counts_.unwatched += 1;
      continue;
    }
    Entry* entry = entry_of(sample);
    Series& series = entry->series;
    if (series.readings() > 0) {
      const int64_t gap = distance(sample.at, series.last_at());
      // Back by a second and more is a clock that was set, less is a reading twice or out of turn.
      if (sample.at <= series.last_at() && gap < Duration::seconds(1).ns) {
        counts_.untimely += 1;
        continue;
      }
      if (gap < settings_->spacing_min.ns) {
        counts_.flooded += 1;
        continue;
      }
    }
    series.take(sample, now, *watch, *settings_);
    counts_.taken += 1;
    entry->unit->touched = true;
  }
  for (auto& unit : units_)
    if (std::exchange(unit->touched, false)) reason_about(*unit, now, wall, out);
}

bool DomainAgent::is_usable(const Sample& sample, WallTime wall) {
  const MetricInfo* info = telemetry::find_metric(static_cast<uint16_t>(sample.metric));
  if (info == nullptr || info->domain != domain_) {
    counts_.foreign += 1;
    return false;
  }
  if (!is_possible(*info, sample)) {
    counts_.impossible += 1;
    return false;
  }
  if (distance(sample.at, wall) > settings_->age_max.ns) {
    counts_.untimely += 1;
    return false;
  }
  return true;
}

DomainAgent::Entry* DomainAgent::entry_of(const Sample& sample) {
  const SeriesKey key{sample.metric, sample.member, sample.group, sample.instance};
  if (const auto at = series_.find(key); at != series_.end()) {
    recent_.splice(recent_.begin(), recent_, at->second);
    return &*at->second;
  }
  if (series_.size() >= settings_->series_max) forget_oldest();
  const UnitKey unit_key = unit_of(sample, domain_);
  auto unit = std::find_if(units_.begin(), units_.end(),
                           [&](const auto& one) { return one->key == unit_key; });
  if (unit == units_.end()) {
    units_.push_back(std::make_unique<Unit>());
    unit = units_.end() - 1;
    (*unit)->key = unit_key;
  }
  recent_.push_front(Entry{key, {}, unit->get()});
  series_.emplace(key, recent_.begin());
  (*unit)->entries.push_back(recent_.begin());
  return &recent_.front();
}

void DomainAgent::forget_oldest() {
  counts_.forgotten += 1;
  const auto last = std::prev(recent_.end());
  Unit* unit = last->unit;
  std::erase(unit->entries, last);
  if (unit->entries.empty())
    std::erase_if(units_, [unit](const auto& one) { return one.get() == unit; });
  series_.erase(last->key);
  recent_.erase(last);
}

void DomainAgent::reason_about(Unit& unit, MonoTime now, WallTime wall, std::vector<Finding>& out) {
  std::vector<Alarm> alarms;
  for (const auto& entry : unit.entries)
    if (entry->series.alarmed() && entry->series.fresh(now, *settings_))
      alarms.push_back({entry->series.evidence(), entry->series.severe()});
  unit.alarmed = alarms.size();
  if (alarms.empty()) {
    unit.holding.clear();
    return;
  }
  for (auto& one : unit.holding) one.seen = false;
  for (const Hypothesis& hypothesis : reason(rules_of(domain_), alarms)) {
    auto held = std::find_if(unit.holding.begin(), unit.holding.end(), [&](const auto& one) {
      return one.rule == hypothesis.rule && one.place == hypothesis.place;
    });
    if (held == unit.holding.end()) {
      unit.holding.push_back({hypothesis.rule, hypothesis.place, now});
      held = unit.holding.end() - 1;
    }
    held->seen = true;
    if (now - held->since < rules_of(domain_)[hypothesis.rule].settle) continue;
    hold(hypothesis, now, wall, out);
  }
  std::erase_if(unit.holding, [](const auto& one) { return !one.seen; });
}

void DomainAgent::hold(const Hypothesis& hypothesis, MonoTime now, WallTime wall,
                       std::vector<Finding>& out) {
  const FaultClass fault = rules_of(domain_)[hypothesis.rule].fault;
  const auto at = std::find_if(open_.begin(), open_.end(), [&](const Open& open) {
    return open.finding.fault == fault && open.finding.place == hypothesis.place;
  });
  if (at == open_.end()) return begin(fault, hypothesis, now, wall, out);
  at->held = now;
  at->inherited = false;
  const bool worse = hypothesis.severity > at->finding.severity;
  at->finding.severity = std::max(at->finding.severity, hypothesis.severity);
  at->finding.confidence_ppm = std::max(at->finding.confidence_ppm, hypothesis.confidence_ppm);
  at->finding.evidence = hypothesis.evidence;
  if (worse || now - at->told >= settings_->repeat_every) tell(*at, now, out);
}

void DomainAgent::begin(FaultClass fault, const Hypothesis& hypothesis, MonoTime now, WallTime wall,
                        std::vector<Finding>& out) {
  Finding finding;
  finding.agent = id_;
  finding.fault = fault;
  finding.place = hypothesis.place;
  finding.severity = hypothesis.severity;
  finding.confidence_ppm = hypothesis.confidence_ppm;
  finding.began = finding.found = wall;
  for (const Evidence& one : hypothesis.evidence)
    finding.began = std::min(finding.began, one.began);
  finding.evidence = hypothesis.evidence;
  if (precedents_) {
    for (const Resemblance& one : precedents_(finding)) {
      if (finding.precedents.size() == kPrecedentsMax) break;
      // The best one makes it surer if it was of this class; the others are shown.
      if (finding.precedents.empty() && one.fault == fault) {
        const uint64_t doubt = 1'000'000 - finding.confidence_ppm;
        const uint64_t alike = std::min<uint64_t>(one.reference.similarity_ppm, 1'000'000);
        finding.confidence_ppm +=
            static_cast<uint32_t>(doubt * alike / 1'000'000 * kPrecedentWeightPpm / 1'000'000);
      }
      finding.precedents.push_back(one.reference);
    }
  }
  if (finding.confidence_ppm < settings_->report_ppm) return;
  if (open_.size() >= settings_->findings_max) {
    counts_.suppressed += 1;
    return;
  }
  finding.number = ++number_;
  counts_.findings += 1;
  open_.push_back({std::move(finding), now, now, false});
  tell(open_.back(), now, out);
}

void DomainAgent::tell(Open& open, MonoTime now, std::vector<Finding>& out) {
  open.told = now;
  out.push_back(open.finding);
}

void DomainAgent::tick(MonoTime now, WallTime wall, std::vector<Finding>& out) {
  // What a silent series said is no longer known to be true.
  for (auto& unit : units_)
    if (unit->alarmed > 0) reason_about(*unit, now, wall, out);
  end_open(now, wall, out);
}

void DomainAgent::end_open(MonoTime now, WallTime wall, std::vector<Finding>& out) {
  for (auto it = open_.begin(); it != open_.end();) {
    // Of what another left open nothing is known until this one could have found it itself.
    const Duration patience =
        it->inherited ? settings_->stale_after + settings_->over_after : settings_->over_after;
    if (now - it->held < patience) {
      ++it;
      continue;
    }
    it->finding.over = true;
    it->finding.found = wall;
    counts_.over += 1;
    tell(*it, now, out);
    it = open_.erase(it);
  }
}

void DomainAgent::inherit(std::span<const Finding> open, MonoTime now) {
  for (const Finding& finding : open) {
    if (finding.over || finding.agent.domain != domain_) continue;
    number_ = std::max(number_, finding.number);
    if (open_.size() >= settings_->findings_max) return;
    open_.push_back({finding, now, now, true});
  }
}

std::vector<Finding> DomainAgent::open() const {
  std::vector<Finding> findings;
  for (const Open& open : open_) findings.push_back(open.finding);
  return findings;
}

}  // namespace holdfast::agents
