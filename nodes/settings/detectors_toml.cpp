// detectors.toml: how the detectors of telemetry judge, one value for all series.
#include <optional>

#include "nodes/settings/detector_settings.hpp"
#include "nodes/settings/table_toml.hpp"

namespace holdfast::settings {
namespace {

using detect::ChanceSettings;
using detect::Config;

constexpr Duration kDay = Duration::seconds(86'400);
constexpr int64_t kPointsMost = 10'000;

uint32_t count(TableReader& table, std::string_view key, int64_t least, int64_t most) {
  return static_cast<uint32_t>(table.integer(key, std::nullopt, least, most));
}

double real(TableReader& table, std::string_view key, double least, double most) {
  return table.real(key, std::nullopt, least, most);
}

// Reads the table [`key`] by `read`, or notes that it is missing.
template <typename Read>
void within(TableReader& root, const std::string& key, Read read) {
  if (auto table = root.table(key)) {
    read(*table);
    table->finish();
  } else {
    root.complain(key, "the table [" + key + "] is missing");
  }
}

void read_residual(TableReader& root, detect::ResidualSettings& out) {
  within(root, "residual", [&](TableReader& table) {
    out.near_points = count(table, "near_points", 1, 1'000);
    out.near_points_max = count(table, "near_points_max", 1, 1'000);
    out.near = table.duration("near", std::nullopt, {}, kDay);
    out.far = table.duration("far", std::nullopt, {}, kDay * 30);
    out.far_points_min = count(table, "far_points_min", 1, kPointsMost);
    out.far_points_max = count(table, "far_points_max", 1, kPointsMost);
    out.scale_points = count(table, "scale_points", 8, kPointsMost);
    out.scale_of_level = real(table, "scale_of_level", 0, 10);
    out.scale_of_mean = real(table, "scale_of_mean", 0, 10);
    out.scale_memory = real(table, "scale_memory", 1, 1e6);
    if (out.near_points > out.near_points_max)
      table.complain("near_points", "near_points: is more than near_points_max");
    if (out.far_points_min > out.far_points_max)
      table.complain("far_points_min", "far_points_min: is more than far_points_max");
  });
  within(root, "season", [&](TableReader& table) {
    auto& season = out.season;
    season.days = count(table, "days", 0, 28);
    season.neighbours = count(table, "neighbours", 0, 4);
    season.set_aside = count(table, "set_aside", 0, 16);
    season.bins_max = count(table, "bins_max", 4, 1'440);
  });
}

void read_tail(TableReader& root, const std::string& key, detect::TailSettings& tail) {
  within(root, key, [&](TableReader& table) {
    tail.points = count(table, "points", 20, kPointsMost);
    tail.points_min = count(table, "points_min", 2, kPointsMost);
    tail.inner = real(table, "inner", 0.01, 0.999);
    tail.outer = real(table, "outer", 0.01, 0.9999);
    tail.shape_min = real(table, "shape_min", 0, 1);
    tail.shape_max = real(table, "shape_max", 0, 1);
    tail.alarms_per_day = real(table, "alarms_per_day", 1e-6, 100);
    if (tail.inner >= tail.outer) table.complain("inner", "inner: is not below outer");
    if (tail.shape_min > tail.shape_max) table.complain("shape_min", "shape_min: above shape_max");
    if (tail.points_min > tail.points) table.complain("points_min", "points_min: above points");
  });
}

void read_univariate(TableReader& table, detect::UnivariateSettings& out) {
  out.score_min = real(table, "score_min", 0.1, 1'000);
  out.down_factor = real(table, "down_factor", 0.1, 1'000);
  read_residual(table, out.residual);
  read_tail(table, "tail", out.tail);
  within(table, "shift", [&](TableReader& shift) {
    out.cusum.allowance = real(shift, "allowance", 0, 100);
    out.cusum.limit = real(shift, "limit", 0.1, 1e6);
    out.cusum.clip = real(shift, "clip", 0.1, 1e6);
  });
  within(table, "alarm", [&](TableReader& alarm) {
    out.alarm.confirm = alarm.duration("confirm", std::nullopt, {}, kDay);
    out.alarm.confirm_points_max = count(alarm, "confirm_points_max", 1, 32);
    out.alarm.confirm_share = real(alarm, "confirm_share", 0, 1);
    out.alarm.quiet_points = count(alarm, "quiet_points", 1, 1'000);
    out.alarm.quiet = alarm.duration("quiet", std::nullopt, {}, kDay);
    out.alarm.fatigue = real(alarm, "fatigue", 0, 10);
    out.alarm.fatigue_days = real(alarm, "fatigue_days", 0.01, 365);
  });
}

void read_multivariate(TableReader& table, detect::MultivariateSettings& out) {
  out.score_min = real(table, "score_min", 0.1, 1'000);
  out.score_max = real(table, "score_max", 0.1, 1'000);
  out.metrics_min = count(table, "metrics_min", 1, 1'024);
  out.quiet_points = count(table, "quiet_points", 1, 1'000);
  out.quiet = table.duration("quiet", std::nullopt, {}, kDay);
  if (out.score_min > out.score_max) table.complain("score_min", "score_min: above score_max");
  read_residual(table, out.residual);
  read_tail(table, "tail", out.tail);
  within(table, "subspace", [&](TableReader& subspace) {
    out.subspace.directions = count(subspace, "directions", 1, 16);
    out.subspace.memory = real(subspace, "memory", 10, 1e6);
    out.subspace.clip = real(subspace, "clip", 1, 1e6);
    out.subspace.rows_min = count(subspace, "rows_min", 2, kPointsMost);
    out.subspace_min = real(subspace, "residual_min", 0, 1e6);
    out.subspace_alone = subspace.flag("alone", false);
  });
  read_tail(table, "subspace_tail", out.subspace_tail);
}

void read_chance(TableReader& root, const std::string& key, ChanceSettings& out) {
  within(root, key, [&](TableReader& table) {
    out.log10_risk = real(table, "log10_risk", -300, -1);
    out.floor = real(table, "floor", 0, 1e9);
    out.memory = real(table, "memory", 1, 1e12);
    out.exposure_min = real(table, "exposure_min", 0, 1e12);
    out.bound = real(table, "bound", 0, 10);
    out.events_min = static_cast<uint64_t>(table.integer("events_min", std::nullopt, 1, 1'000'000));
  });
}

void read_distribution(TableReader& table, detect::DistributionSettings& out) {
  out.reference = count(table, "reference", 8, kPointsMost);
  out.current = count(table, "current", 2, kPointsMost);
  out.bins = count(table, "bins", 2, 32);
  out.limit = real(table, "limit", 0, 100);
  out.significance = real(table, "significance", 0, 1e6);
  if (out.reference < 4 * out.bins)
    table.complain("reference", "reference: less than four points a bin");
  if (out.current < out.bins) table.complain("current", "current: less than a point a bin");
}

}  // namespace

Config load_detectors(const std::string& file, Problems& problems) {
  Config config;
  const auto document = open_document(file, problems);
  if (!document) return config;
  TableReader root(*document, document->root, "detectors.toml", problems);
  within(root, "univariate",
         [&](TableReader& table) { read_univariate(table, config.univariate); });
  within(root, "multivariate",
         [&](TableReader& table) { read_multivariate(table, config.multivariate); });
  within(root, "distribution",
         [&](TableReader& table) { read_distribution(table, config.distribution); });
  read_chance(root, "ratio", config.ratio);
  read_chance(root, "rate", config.rate);
  root.finish();
  return config;
}

}  // namespace holdfast::settings
