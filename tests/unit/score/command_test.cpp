// The reading of folders and the program as a user starts it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nodes/score/config_linux.hpp"
#include "nodes/score/files_linux.hpp"
#include "tests/source_path.hpp"

namespace holdfast::score {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class Folder : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "/holdfast_score_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  void write(const std::string& name, const std::string& text) {
    const fs::path path = root_ / name;
    fs::create_directories(path.parent_path());
    if (name.ends_with(".gz")) {
      gzFile file = gzopen(path.c_str(), "wb");
      gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
      gzclose(file);
    } else {
      std::ofstream(path) << text;
    }
  }

  // An hour a point; `odd` hours are far above the rest. Labelled at and around `labelled`.
  static std::string hourly(int points, const std::vector<int>& odd, bool with_label) {
    std::string out = with_label ? "TimeStamp,Value,Label\n" : "timestamp,value\n";
    for (int i = 0; i < points; ++i) {
      std::array<char, 96> line{};
      bool is_odd = false;
      for (const int o : odd) is_odd = is_odd || i == o;
      std::snprintf(line.data(), line.size(), "2020-01-%02d %02d:00:00,%d", 1 + i / 24, i % 24,
                    is_odd ? 900 : 10 + i * 7 % 5);
      out += line.data();
      if (with_label) out += is_odd ? ",1" : ",0";
      out += "\n";
    }
    return out;
  }

  struct Ran {
    int code = -1;
    std::string out, err;
  };
  Ran start(const std::string& arguments) {
    const auto out = root_ / "stdout", err = root_ / "stderr";
    const std::string command = "cd " + root_.string() + " && " HOLDFAST_SCORE_BINARY " " +
                                arguments + " >" + out.string() + " 2>" + err.string();
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text(out), text(err)};
  }
  static std::string text(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  fs::path root_;
};

using ScoreFiles = Folder;
using ScoreCommand = Folder;

TEST_F(ScoreFiles, LabelledFoldersAreReadAtAnyDepthAndDirtIsCounted) {
  write("l/a/one.csv",
        "\"TimeStamp\",\"Value\",\"Label\"\r\n"
        "\"2020-01-01T00:00:00Z\",\"1\",\"0\"\r\n"
        "\"2020-01-01T02:00:00Z\",\"2\",\"1\"\r\n"
        "\"2020-01-01T01:00:00Z\",\"3\",\"0\"\r\n"    // late
        "\"2020-01-01T02:00:00Z\",\"3\",\"0\"\r\n"    // the same time again
        "\"2020-01-01T03:00:00Z\",\"\",\"0\"\r\n"     // empty
        "\"2020-01-01T04:00:00Z\",\"x\",\"0\"\r\n"    // no number
        "\"2020-01-01T05:00:00Z\",\"5\",\"1\"\r\n");  // last line
  write("l/two.csv.gz", hourly(30, {20}, true));
  write("l/a/one.csv-metadata.json", "{}");
  write("l/README.md", "not a series");
  write("l/other.csv", "a,b\n1,2\n");
  Collection all;
  ASSERT_TRUE(read_labelled((root_ / "l").string(), all).ok());
  ASSERT_EQ(all.series.size(), 2U);
  EXPECT_EQ(all.series[0].name, "a/one.csv");
  EXPECT_EQ(all.series[0].rows, (RowCounts{3, 1, 1, 2}));
  EXPECT_EQ(all.series[0].values, (std::vector<double>{1, 2, 5}));
  ASSERT_EQ(all.series[0].windows.size(), 1U);  // what was skipped does not part a run
  EXPECT_EQ(all.series[1].name, "two.csv.gz");
  EXPECT_EQ(all.series[1].times.size(), 30U);
  ASSERT_EQ(all.unreadable.size(), 1U);
  EXPECT_TRUE(all.unreadable[0].file.ends_with("other.csv"));
  EXPECT_EQ(all.unreadable[0].why,
            "is no TimeStamp,Value,Label file: its first line names other columns");
  EXPECT_FALSE(read_labelled((root_ / "nowhere").string(), all).ok());
}

TEST_F(ScoreFiles, NabWindowsComeFromTheirFile) {
  write("n/data/x/a.csv", hourly(50, {30}, false));
  write("n/data/x/b.csv", hourly(50, {}, false));
  write("n/data/x/c.csv", hourly(50, {}, false));
  write(
      "n/labels/combined_windows.json",
      R"({"x/a.csv": [["2020-01-02 05:00:00.000000", "2020-01-02 07:00:00.000000"]], "x/b.csv": []})");
  Collection all;
  ASSERT_TRUE(read_nab((root_ / "n").string(), all).ok());
  ASSERT_EQ(all.series.size(), 2U);
  ASSERT_EQ(all.series[0].windows.size(), 1U);
  EXPECT_EQ(all.series[0].windows[0].first, parse_time("2020-01-02 05:00:00"));
  EXPECT_TRUE(all.series[1].windows.empty());
  ASSERT_EQ(all.unreadable.size(), 1U);  // c.csv: quiet is not the same as not named
  for (const char* wrong : {"[]", "{", R"({"x/a.csv": [["a", "b"]]})", R"({"x/a.csv": 1})"}) {
    write("n/labels/combined_windows.json", wrong);
    EXPECT_FALSE(read_nab((root_ / "n").string(), all).ok()) << wrong;
  }
}

TEST_F(ScoreFiles, MachinesAreReadPackedOrNotAndLabelsGoWithTheirRows) {
  write("s/m.train.csv", "0.1,0.2\n0.1,0.2\n");
  write("s/m.test.csv.gz", "0.1,0.2\n0.3,\n0.5,0.6\n1,2,3\n0.7,0.8\n");
  write("s/m.test_label.txt", "0\n1\n1\n1\n0\n");
  write("s/deep/lone.test_label.txt", "0\n");
  write("s/short.test.csv", "1,2\n3,4\n");
  write("s/short.test_label.txt", "0\n");
  Collection all;
  ASSERT_TRUE(read_smd((root_ / "s").string(), all).ok());
  ASSERT_EQ(all.machines.size(), 1U);
  const auto& machine = all.machines[0];
  EXPECT_EQ(machine.name, "m");
  EXPECT_EQ(machine.metrics, 2U);
  EXPECT_EQ(machine.rows, (RowCounts{3, 1, 1, 0}));
  EXPECT_EQ(machine.training_times.size(), 2U);
  ASSERT_EQ(machine.times.size(), 3U);
  EXPECT_EQ(machine.times[1].ns, 4LL * 60 * 1'000'000'000);  // two of training, its third row
  ASSERT_EQ(machine.windows.size(), 1U);
  EXPECT_EQ(machine.windows[0].first, machine.times[1]);
  EXPECT_EQ(machine.windows[0].last, machine.times[1]);
  ASSERT_EQ(all.unreadable.size(), 2U);
  EXPECT_EQ(all.unreadable[0].why, "has no .test.csv or .test.csv.gz beside it");
  EXPECT_EQ(all.unreadable[1].why, "has 1 labels for 2 rows");
}

TEST_F(ScoreFiles, ACutPackedFileIsToldAndNotHalfScored) {
  write("l/one.csv.gz", hourly(700, {}, true));
  fs::resize_file(root_ / "l/one.csv.gz", fs::file_size(root_ / "l/one.csv.gz") / 2);
  Collection all;
  ASSERT_TRUE(read_labelled((root_ / "l").string(), all).ok());
  EXPECT_TRUE(all.series.empty());
  ASSERT_EQ(all.unreadable.size(), 1U);
  EXPECT_NE(all.unreadable[0].why.find("damaged"), std::string::npos) << all.unreadable[0].why;
}

TEST_F(ScoreCommand, ScoresAFolderAndWritesJson) {
  write("l/one.csv", hourly(700, {300, 500}, true));
  write("l/two.csv", hourly(700, {}, true));
  const auto ran = start("--labelled l --json out.json");
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_NE(ran.out.find("labelled:one.csv"), std::string::npos);
  const auto json = Json::parse(text(root_ / "out.json"));
  const auto& overall = json["overall"];
  EXPECT_EQ(overall["windows"], 2);
  EXPECT_EQ(overall["hits"], 2);
  EXPECT_EQ(overall["precision"], 1.0);
  EXPECT_EQ(overall["recall"], 1.0);
  EXPECT_EQ(overall["f1"], 1.0);
  EXPECT_EQ(overall["false_alarms_per_day"], 0.0);
  EXPECT_EQ(overall["delay_s_p50"], 0.0);
  EXPECT_GT(overall["ns_per_point"], 0.0);
  ASSERT_EQ(json["series"].size(), 2U);
  for (const auto& series : json["series"])
    for (const char* key : {"name", "precision", "recall", "f1", "false_alarms_per_day",
                            "delay_s_p50", "ns_per_point"})
      EXPECT_TRUE(series.contains(key)) << key;
  EXPECT_TRUE(json["series"][1]["precision"].is_null());
  EXPECT_TRUE(json["series"][1]["f1"].is_null());
  const auto config = load_config(tests::source_path("config/detectors.toml"));
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(json["config_sha256"], config.value().facts.config_sha256);
  EXPECT_EQ(config.value().facts.config_sha256.size(), 64U);
}

TEST_F(ScoreCommand, AddsUpAllThreeKindsToStdout) {
  write("l/one.csv", hourly(700, {300}, true));
  write("n/data/x/a.csv", hourly(700, {}, false));
  write("n/labels/combined_windows.json", R"({"x/a.csv": []})");
  std::string rows, labels;
  for (int i = 0; i < 400; ++i) {
    rows += std::to_string(0.1 + i % 7 * 0.01) + ",0.2\n";
    labels += "0\n";
  }
  write("s/m.train.csv", rows);
  write("s/m.test.csv", rows);
  write("s/m.test_label.txt", labels);
  const auto ran = start("--labelled l --nab n --smd s --json -");
  ASSERT_EQ(ran.code, 0) << ran.err;
  const auto json = Json::parse(ran.out);
  ASSERT_EQ(json["series"].size(), 3U);
  EXPECT_EQ(json["series"][2]["metrics"], 2);
  EXPECT_EQ(json["overall"]["points"], 700 + 700 + 2 * 800);
  EXPECT_EQ(json["overall"]["hits"], 1);
}

TEST_F(ScoreCommand, LeavesOutWhatItCannotReadAndSaysSo) {
  write("l/one.csv", hourly(700, {}, true));
  write("l/bad.csv", "what is this\n");
  const auto ran = start("--labelled l --quiet --json out.json");
  EXPECT_EQ(ran.code, 1);
  EXPECT_NE(ran.err.find("not scored: l/bad.csv is no TimeStamp,Value,Label file"),
            std::string::npos)
      << ran.err;
  EXPECT_EQ(Json::parse(text(root_ / "out.json"))["unreadable"].size(), 1U);
}

TEST_F(ScoreCommand, SaysWhatIsWrongWithItsUse) {
  EXPECT_EQ(start("").code, 2);
  EXPECT_EQ(start("--labeled l").code, 2);
  EXPECT_EQ(start("--help").code, 0);
  const auto nowhere = start("--labelled nowhere");
  EXPECT_EQ(nowhere.code, 3);
  EXPECT_NE(nowhere.err.find("nowhere is no folder that can be read"), std::string::npos);
  write("l/one.csv", hourly(30, {}, true));
  EXPECT_EQ(start("--labelled l --config none.toml").code, 3);
  EXPECT_EQ(start("--labelled l --json /nowhere/out.json").code, 3);
  write("c.toml", "[univariate]\nscore_min = \"x\"\n");
  const auto wrong = start("--labelled l --config c.toml");
  EXPECT_EQ(wrong.code, 3);
  EXPECT_NE(wrong.err.find("c.toml:2:"), std::string::npos) << wrong.err;
}

}  // namespace
}  // namespace holdfast::score
