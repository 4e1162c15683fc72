#include "actors/agents/fleet/registry.hpp"

#include <algorithm>

#include "messages/check.hpp"

namespace holdfast::agents {

Registry::Registry(std::shared_ptr<const AgentSettings> settings, uint64_t first)
    : settings_(std::move(settings)), first_(first) {
  CHECK(settings_ != nullptr);
}

Welcome Registry::enter(AgentId id, std::span<const Finding> open, uint64_t after, MonoTime now) {
  Place& place = places_[id];
  if (place.agent.generation > 0) replaced_ += 1;
  place.agent.id = id;
  place.agent.generation += 1;
  place.agent.alive = true;
  place.agent.heard = now;
  place.last = std::max({place.last, after, first_});
  Welcome welcome{place.agent.generation, place.last, place.agent.open};
  for (const Finding& finding : open) {
    const bool known = std::any_of(place.agent.open.begin(), place.agent.open.end(),
                                   [&](const Finding& f) { return f.number == finding.number; });
    if (!known && !finding.over && place.agent.open.size() < settings_->findings_max)
      place.agent.open.push_back(finding);
  }
  return welcome;
}

bool Registry::heard(AgentId id, uint64_t generation, const AgentCounts& counts, uint64_t series,
                     uint64_t lost_samples, MonoTime now) {
  const auto at = places_.find(id);
  if (at == places_.end() || !is_present(at->second, generation)) return false;
  RegisteredAgent& agent = at->second.agent;
  agent.heard = now;
  agent.counts = counts;
  agent.series = series;
  agent.lost_samples = lost_samples;
  return true;
}

void Registry::take(AgentId id, uint64_t generation, std::span<const Finding> found,
                    std::vector<Finding>& out) {
  const auto at = places_.find(id);
  if (at == places_.end() || !is_present(at->second, generation)) {
    refused_ += found.size();
    return;
  }
  auto& open = at->second.agent.open;
  for (const Finding& finding : found) {
    at->second.last = std::max(at->second.last, finding.number);
    const auto known = std::find_if(open.begin(), open.end(),
                                    [&](const Finding& f) { return f.number == finding.number; });
    if (finding.over) {
      if (known != open.end()) open.erase(known);
    } else if (known != open.end()) {
      *known = finding;
    } else if (open.size() < settings_->findings_max) {
      open.push_back(finding);
    }
    out.push_back(finding);
  }
}

void Registry::left(AgentId id, uint64_t generation, MonoTime now) {
  const auto at = places_.find(id);
  if (at == places_.end() || !is_present(at->second, generation)) return;
  at->second.agent.alive = false;
  at->second.gone = now;
}

std::vector<Registry::Overdue> Registry::overdue(MonoTime now) {
  std::vector<Overdue> late;
  for (auto& [id, place] : places_) {
    if (!place.agent.alive || now - place.agent.heard < settings_->dead_after) continue;
    place.agent.alive = false;
    place.gone = now;
    late.push_back({id, place.agent.generation});
  }
  return late;
}

void Registry::tick(MonoTime now, WallTime wall, std::vector<Finding>& out) {
  const Duration patience = settings_->stale_after + settings_->dead_after * 2;
  for (auto& [id, place] : places_) {
    if (place.agent.alive || now - place.gone < patience) continue;
    for (Finding& finding : place.agent.open) {
      finding.over = true;
      finding.found = wall;
      out.push_back(std::move(finding));
    }
    place.agent.open.clear();
  }
}

std::vector<RegisteredAgent> Registry::agents() const {
  std::vector<RegisteredAgent> all;
  for (const auto& [id, place] : places_) all.push_back(place.agent);
  return all;
}

std::size_t Registry::alive() const {
  return static_cast<std::size_t>(std::count_if(
      places_.begin(), places_.end(), [](const auto& one) { return one.second.agent.alive; }));
}

}  // namespace holdfast::agents
