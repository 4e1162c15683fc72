// config/detectors.toml and what is said about mistakes in such a file.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "nodes/settings/detector_settings.hpp"
#include "tests/source_path.hpp"

namespace holdfast::settings {
namespace {

namespace fs = std::filesystem;

class DetectorSettings : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/holdfast_detectors_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    file_ = fs::path(pattern) / "detectors.toml";
    std::ifstream shipped(tests::source_path("config/detectors.toml"));
    std::ostringstream text;
    text << shipped.rdbuf();
    text_ = text.str();
  }
  void TearDown() override { fs::remove_all(file_.parent_path()); }

  // What is said when `from` of the shipped file reads `to`.
  std::string problems_with(const std::string& from, const std::string& to) {
    std::string text = text_;
    const auto found = text.find(from);
    EXPECT_NE(found, std::string::npos) << from;
    text.replace(found, from.size(), to);
    std::ofstream(file_) << text;
    Problems problems;
    load_detectors(file_.string(), problems);
    return problems.str();
  }

  fs::path file_;
  std::string text_;
};

TEST_F(DetectorSettings, TheShippedFileIsRightAndDetectorsCanBeMadeOfIt) {
  Problems problems;
  const auto config = load_detectors(tests::source_path("config/detectors.toml"), problems);
  EXPECT_TRUE(problems.none()) << problems.str();
  detect::UnivariateDetector one(config.univariate);
  detect::MultivariateDetector many(config.multivariate, 2);
  detect::DistributionDistance distribution(config.distribution);
  std::vector<double> row = {1, 2};
  for (int64_t i = 0; i < 100; ++i) {
    one.push(WallTime{i}, 1);
    many.push(WallTime{i}, row);
  }
  EXPECT_EQ(one.counts().accepted, 100U);
}

TEST_F(DetectorSettings, EveryMistakeIsToldWithItsLine) {
  const auto wrong = problems_with("score_min = 3.0", "score_min = \"three\"");
  EXPECT_NE(wrong.find("detectors.toml:"), std::string::npos) << wrong;
  EXPECT_NE(wrong.find("score_min: expected a number from 0.1 to 1000, found text \"three\""),
            std::string::npos)
      << wrong;
  EXPECT_NE(problems_with("score_min = 3.0", "score_min = nan").find("score_min: expected"),
            std::string::npos);
  EXPECT_NE(problems_with("score_min = 3.0", "score_min = 1e9").find("score_min: expected"),
            std::string::npos);
  EXPECT_NE(problems_with("score_min = 3.0", "score_mim = 3.0").find("did you mean"),
            std::string::npos);
  EXPECT_NE(problems_with("inner = 0.7", "inner = 0.995").find("inner: is not below outer"),
            std::string::npos);
  EXPECT_NE(problems_with("reference = 512", "reference = 8").find("less than four points a bin"),
            std::string::npos);
  EXPECT_NE(problems_with("[univariate.shift]", "[univariate.drift]").find("shift"),
            std::string::npos);
  EXPECT_NE(problems_with("[rate]", "[rates]").find("[rate] is missing"), std::string::npos);
  EXPECT_NE(problems_with("[rate]", "[rate").find("not valid TOML"), std::string::npos);
}

TEST_F(DetectorSettings, AMissingFileIsAProblem) {
  Problems problems;
  load_detectors((file_.parent_path() / "none.toml").string(), problems);
  EXPECT_NE(problems.str().find("cannot be read"), std::string::npos);
}

}  // namespace
}  // namespace holdfast::settings
