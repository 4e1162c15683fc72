#include "nodes/score/report.hpp"

#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>

namespace holdfast::score {
namespace {

using Json = nlohmann::ordered_json;

Json number(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string fixed(const std::optional<double>& value, int decimals) {
  char text[48];
  if (!value) return "-";
  std::snprintf(text, sizeof text, "%.*f", decimals, *value);
  return text;
}

std::string line(const std::string& name, const Verdict& v) {
  char text[400];
  std::snprintf(text, sizeof text, "%-56s %7llu %5llu %6llu %9s %7s %6s %9s %9s %8s\n",
                name.c_str(), static_cast<unsigned long long>(v.windows),
                static_cast<unsigned long long>(v.hits),
                static_cast<unsigned long long>(v.false_alarms), fixed(v.precision(), 3).c_str(),
                fixed(v.recall(), 3).c_str(), fixed(v.f1(), 3).c_str(),
                fixed(v.false_alarms_per_day(), 3).c_str(), fixed(v.delay_s_p50(), 0).c_str(),
                fixed(v.ns_per_point(), 0).c_str());
  return text;
}

std::string group_of(const Scored& scored) {
  const auto slash = scored.name.rfind('/');
  return scored.source + (slash == std::string::npos ? "" : ":" + scored.name.substr(0, slash));
}

Json measures(const Verdict& v) {
  return {{"precision", number(v.precision())},
          {"recall", number(v.recall())},
          {"f1", number(v.f1())},
          {"false_alarms_per_day", number(v.false_alarms_per_day())},
          {"delay_s_p50", number(v.delay_s_p50())},
          {"ns_per_point", number(v.ns_per_point())},
          {"windows", v.windows},
          {"hits", v.hits},
          {"alarms", v.alarms},
          {"false_alarms", v.false_alarms},
          {"unlabelled_days", v.unlabelled_days},
          {"points", v.points}};
}

Json rows_json(const RowCounts& rows) {
  return {{"used", rows.used},
          {"empty", rows.empty},
          {"malformed", rows.malformed},
          {"disordered", rows.disordered}};
}

Json alarms_json(const Scored& scored) {
  Json out = Json::array();
  for (std::size_t i = 0; i < scored.alarms.size(); ++i) {
    const auto& alarm = scored.alarms[i];
    Json entry{{"start_s", static_cast<double>(alarm.raised.ns) * 1e-9},
               {"began_s", static_cast<double>(alarm.began.ns) * 1e-9},
               {"last_s", static_cast<double>(scored.spans[i].last.ns) * 1e-9},
               {"why", detect::explain(alarm)}};
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

Verdict overall(const std::vector<Scored>& scored) {
  Verdict sum;
  for (const auto& one : scored) sum += one.verdict;
  return sum;
}

std::string table_head() {
  char text[400];
  std::snprintf(text, sizeof text, "%-56s %7s %5s %6s %9s %7s %6s %9s %9s %8s\n", "series",
                "windows", "hits", "false", "precision", "recall", "F1", "false/day", "delay s",
                "ns/point");
  return text;
}

std::string table_line(const Scored& scored) {
  return line(scored.source + ":" + scored.name, scored.verdict);
}

std::string table_sums(const std::vector<Scored>& scored) {
  std::map<std::string, Verdict> groups;
  RowCounts rows;
  for (const auto& one : scored) {
    groups[group_of(one)] += one.verdict;
    rows += one.rows;
  }
  std::string out = "\n";
  for (const auto& [name, verdict] : groups) out += line(name, verdict);
  out += line("overall", overall(scored));
  out += "\nrows: " + std::to_string(rows.used) + " used; skipped: " + std::to_string(rows.empty) +
         " empty, " + std::to_string(rows.malformed) + " malformed, " +
         std::to_string(rows.disordered) + " disordered\n";
  return out;
}

std::string to_json(const std::vector<Scored>& scored, const std::vector<Unreadable>& unreadable,
                    const RunFacts& facts) {
  Json out;
  out["overall"] = measures(overall(scored));
  RowCounts rows;
  for (const auto& one : scored) rows += one.rows;
  out["overall"]["rows"] = rows_json(rows);
  out["config"] = {{"file", facts.config_file}, {"sha256", facts.config_sha256}};
  out["config_sha256"] = facts.config_sha256;
  out["series"] = Json::array();
  for (const auto& one : scored) {
    Json entry{{"name", one.name}, {"source", one.source}, {"metrics", one.metrics}};
    entry.update(measures(one.verdict));
    entry["rows"] = rows_json(one.rows);
    entry["raised"] = alarms_json(one);
    out["series"].push_back(std::move(entry));
  }
  out["unreadable"] = Json::array();
  for (const auto& [file, why] : unreadable)
    out["unreadable"].push_back({{"file", file}, {"why", why}});
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace holdfast::score
