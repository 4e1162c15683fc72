// holdfast-score: what the detectors find in labelled telemetry, under the one configuration.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "nodes/score/config_linux.hpp"
#include "nodes/score/files_linux.hpp"
#include "nodes/score/report.hpp"
#include "nodes/score/run_linux.hpp"

namespace holdfast::score {
namespace {

struct Options {
  std::vector<std::string> nab, smd, labelled;
  std::string config, json;
  bool quiet = false;
};

constexpr int kClean = 0, kUnreadable = 1, kUsage = 2, kUnreachable = 3;

int fail(int code, const std::string& text) {
  std::fprintf(stderr, "holdfast-score: %s\n", text.c_str());
  return code;
}

Result<Collection> read_all(const Options& options) {
  Collection collection;
  for (const auto& folder : options.labelled)
    if (const auto read = read_labelled(folder, collection); !read) return read.error();
  for (const auto& folder : options.nab)
    if (const auto read = read_nab(folder, collection); !read) return read.error();
  for (const auto& folder : options.smd)
    if (const auto read = read_smd(folder, collection); !read) return read.error();
  return collection;
}

int run(const Options& options) {
  if (options.nab.empty() && options.smd.empty() && options.labelled.empty())
    return fail(kUsage, "nothing to score: give --labelled, --nab or --smd (see --help)");
  const auto config = load_config(options.config);
  if (!config) return fail(kUnreachable, config.error().text);
  auto collection = read_all(options);
  if (!collection) return fail(kUnreachable, collection.error().text);
  for (const auto& [file, why] : collection.value().unreadable)
    std::fprintf(stderr, "holdfast-score: not scored: %s %s\n", file.c_str(), why.c_str());
  const bool table = options.json != "-" && !options.quiet;
  if (table) std::fputs(table_head().c_str(), stdout);
  const auto scored =
      run_all(collection.value(), config.value().detectors, [table](const Scored& one) {
        if (table) std::fputs(table_line(one).c_str(), stdout);
      });
  if (scored.empty()) return fail(kUnreachable, "no series could be read");
  if (options.json != "-") std::fputs(table_sums(scored).c_str(), stdout);
  if (options.json != "-")
    std::printf("config: %s, SHA-256 %s\n", config.value().facts.config_file.c_str(),
                config.value().facts.config_sha256.c_str());
  if (!options.json.empty()) {
    const auto json = to_json(scored, collection.value().unreadable, config.value().facts);
    if (options.json == "-") {
      std::fputs(json.c_str(), stdout);
    } else {
      std::ofstream file(options.json);
      file << json;
      if (!file.flush()) return fail(kUnreachable, "can't write " + options.json);
    }
  }
  return collection.value().unreadable.empty() ? kClean : kUnreadable;
}

}  // namespace
}  // namespace holdfast::score

int main(int argc, char** argv) {
  holdfast::score::Options options;
  CLI::App app(
      "Runs the telemetry detectors over labelled series, one fixed configuration for all, and "
      "says\nhow many labelled windows they found, how often they were wrong, how late and at "
      "what cost.\n\n"
      "  holdfast-score --labelled cloudmon/data --smd smd --nab nab --json score.json\n\n"
      "A run of labels is a window; a window with an alarm's start inside is a hit, further alarms "
      "in it\ncount nothing; an alarm that touches no window is false. The first 15 % of a series "
      "is warm-up and\nnot scored. Delay is from the window's start; false alarms are told a day "
      "of unlabelled time. Sums\nare over all series. A row of a machine has a point for each "
      "metric. `-`: nothing to divide.\n"
      "Empty, malformed and disordered rows are counted and skipped.\n\n"
      "Exit: 0 scored; 1 scored, but files were left out (named on stderr); 2 usage; 3 can't read "
      "the\nconfiguration or a folder, or write the JSON.");
  app.add_option("--labelled", options.labelled,
                 "a folder with TimeStamp,Value,Label CSV files at any depth; repeatable");
  app.add_option("--nab", options.nab,
                 "a folder as of the Numenta benchmark: data/*/*.csv (timestamp,value) and "
                 "labels/combined_windows.json; repeatable");
  app.add_option("--smd", options.smd,
                 "a folder with NAME.train.csv[.gz], NAME.test.csv[.gz] and NAME.test_label.txt at "
                 "any depth, a row a minute; repeatable");
  app.add_option("--config", options.config,
                 "the detectors' configuration (default: config/detectors.toml here, or in a "
                 "folder above this program)");
  app.add_option("--json", options.json, "the result as JSON into a file; -: to stdout");
  app.add_flag("--quiet", options.quiet, "sums only, no line for each series");
  app.set_version_flag("--version", HOLDFAST_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? holdfast::score::kClean : holdfast::score::kUsage;
  }
  return holdfast::score::run(options);
}
