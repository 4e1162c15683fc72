#include <algorithm>
#include <filesystem>
#include <set>

#include "nodes/settings/agents_settings.hpp"
#include "nodes/settings/table_toml.hpp"

namespace holdfast::settings {
namespace {

using agents::AgentSettings;
using agents::Bad;
using agents::Watch;
using telemetry::Metric;

constexpr int64_t kMost = int64_t{1} << 60;

uint32_t number(TableReader& table, const char* key, uint32_t otherwise, int64_t least,
                int64_t most) {
  return static_cast<uint32_t>(table.integer(key, otherwise, least, most));
}

void read_agents(TableReader& table, AgentSettings& settings) {
  const auto span = [&table](const char* key, Duration& into, Duration least, Duration most) {
    into = table.duration(key, into, least, most);
  };
  settings.instances = number(table, "instances", settings.instances, 1, 16);
  settings.warm_up = number(table, "warm_up", settings.warm_up, 5, 10'000);
  settings.memory = number(table, "memory", settings.memory, 10, 10'000'000);
  span("accept_after", settings.accept_after, Duration::seconds(10), Duration::seconds(86'400));
  span("over_after", settings.over_after, Duration::milliseconds(100), Duration::seconds(3'600));
  span("stale_after", settings.stale_after, Duration::seconds(1), Duration::seconds(3'600));
  span("repeat_every", settings.repeat_every, Duration::seconds(1), Duration::seconds(3'600));
  span("age_max", settings.age_max, Duration::seconds(1), Duration::seconds(3'600));
  span("spacing_min", settings.spacing_min, Duration::milliseconds(1), Duration::seconds(10));
  settings.series_max = number(table, "series_max", settings.series_max, 64, 1'000'000);
  settings.findings_max = number(table, "findings_max", settings.findings_max, 1, 10'000);
  settings.report_ppm = number(table, "report_ppm", settings.report_ppm, 0, 1'000'000);
  span("heartbeat_every", settings.heartbeat_every, Duration::milliseconds(50),
       Duration::seconds(60));
  span("dead_after", settings.dead_after, Duration::milliseconds(200), Duration::seconds(600));
  if (settings.dead_after < settings.heartbeat_every * 2)
    table.complain("dead_after", "dead_after: expected at least twice heartbeat_every");
  if (settings.memory < settings.warm_up)
    table.complain("memory", "memory: expected at least warm_up");
}

// A number, or "none" where there is to be no such limit.
void read_limit(TableReader& table, const char* key, std::optional<int64_t>& limit) {
  const auto* node = table.raw().get(key);
  if (node == nullptr) return table.know(key);
  if (node->is_string() && node->as_string()->get() == "none") {
    table.know(key);
    limit.reset();
    return;
  }
  limit = table.integer(key, limit, 0, kMost);
}

// "3 of 5"
void read_persistence(TableReader& table, agents::Persistence& persistence) {
  const std::string text = table.text(
      "persistence", std::to_string(persistence.need) + " of " + std::to_string(persistence.of));
  unsigned need = 0, of = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%u of %u%c", &need, &of, &rest) != 2 || need < 1 || need > of ||
      of > 64)
    return table.complain("persistence",
                          "persistence: expected \"K of N\" with K from 1 to N and "
                          "N at most 64, found " +
                              in_quotes(text));
  persistence = {static_cast<uint8_t>(need), static_cast<uint8_t>(of)};
}

void read_watch(TableReader& table, AgentSettings& settings, std::set<Metric>& named) {
  const std::string name = table.text("metric", std::nullopt);
  const auto* info = telemetry::find_metric(std::string_view(name));
  if (info == nullptr) {
    if (name.empty()) return;
    std::vector<std::string> known;
    for (const auto& one : telemetry::metrics()) known.emplace_back(one.name);
    const auto close = nearest(name, known);
    table.complain("metric", "metric: there is no " + in_quotes(name) +
                                 (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?"));
    return;
  }
  table.set_what("[[watch]] " + name);
  if (!named.insert(info->metric).second)
    table.complain("metric", "metric: " + in_quotes(name) + " is there twice");
  auto at = std::find_if(settings.watches.begin(), settings.watches.end(),
                         [info](const Watch& watch) { return watch.metric == info->metric; });
  if (at == settings.watches.end()) {
    settings.watches.emplace_back();
    at = settings.watches.end() - 1;
    at->metric = info->metric;
  }
  at->bad = static_cast<Bad>(
      table.choice("bad", static_cast<std::size_t>(at->bad) - 1, {"high", "low", "both"}) + 1);
  at->learns = table.flag("learns", at->learns);
  read_limit(table, "limit", at->limit);
  read_limit(table, "severe", at->severe);
  at->floor = table.integer("floor", at->floor, 0, kMost);
  at->least_change = table.integer("least_change", at->least_change, 0, kMost);
  at->least_ratio_milli = number(table, "least_ratio_milli", at->least_ratio_milli, 0, 1'000'000);
  at->spreads_milli = number(table, "spreads_milli", at->spreads_milli, 1'000, 1'000'000);
  read_persistence(table, at->persistence);
  if (!at->learns && !at->limit)
    table.complain("metric", "a watch that does not learn needs a limit");
  if (!table.flag("watched", true)) settings.watches.erase(at);
  table.finish();
}

}  // namespace

AgentSettings load_agents(const std::string& directory, Problems& problems) {
  AgentSettings settings = agents::default_settings();
  const auto file = (std::filesystem::path(directory) / "agents.toml").lexically_normal().string();
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return settings;
  const auto document = open_document(file, problems);
  if (!document) return settings;
  TableReader root(*document, document->root, "agents.toml", problems);
  if (auto table = root.table("agents")) {
    read_agents(*table, settings);
    table->finish();
  }
  std::set<Metric> named;
  for (auto& table : root.tables("watch", false, telemetry::metrics().size()))
    read_watch(table, settings, named);
  root.finish();
  return settings;
}

}  // namespace holdfast::settings
