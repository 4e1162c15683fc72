// The shipped configuration on the labelled telemetry that HOLDFAST_TELEMETRY_DIR names (folders
// cloudmon, smd, nab). Verdicts, no times. Skipped where the variable is unset.
#include <gtest/gtest.h>

#include <cstdlib>

#include "nodes/score/config_linux.hpp"
#include "nodes/score/files_linux.hpp"
#include "nodes/score/run_linux.hpp"
#include "tests/source_path.hpp"

namespace holdfast::score {
namespace {

TEST(Telemetry, ServerLikeSeriesReachTheAim) {
  const char* folder = std::getenv("HOLDFAST_TELEMETRY_DIR");
  if (folder == nullptr) GTEST_SKIP() << "HOLDFAST_TELEMETRY_DIR is unset";
  const auto config = load_config(tests::source_path("config/detectors.toml"));
  ASSERT_TRUE(config.ok()) << config.error().text;
  Collection all;
  ASSERT_TRUE(read_labelled(std::string(folder) + "/cloudmon", all).ok());
  ASSERT_TRUE(read_smd(std::string(folder) + "/smd", all).ok());
  EXPECT_TRUE(all.unreadable.empty());
  std::erase_if(all.series, [](const Series& series) {
    return series.name.find("consumer-purchase-rate") != std::string::npos;
  });
  const auto scored = run_all(all, config.value().detectors, [](const Scored&) {});
  const auto sum = overall(scored);
  EXPECT_GE(*sum.f1(), 0.63);
  EXPECT_LE(*sum.false_alarms_per_day(), 0.09);
}

TEST(Telemetry, SeriesWithoutAnomaliesStayQuiet) {
  const char* folder = std::getenv("HOLDFAST_TELEMETRY_DIR");
  if (folder == nullptr) GTEST_SKIP() << "HOLDFAST_TELEMETRY_DIR is unset";
  const auto config = load_config(tests::source_path("config/detectors.toml"));
  ASSERT_TRUE(config.ok()) << config.error().text;
  Collection all;
  ASSERT_TRUE(read_nab(std::string(folder) + "/nab", all).ok());
  for (const auto& series : all.series) {
    if (!series.name.starts_with("artificialNoAnomaly/")) continue;
    const auto scored = run_series(series, config.value().detectors);
    EXPECT_EQ(scored.verdict.false_alarms, 0U) << series.name;
  }
}

}  // namespace
}  // namespace holdfast::score
