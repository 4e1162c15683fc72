#include "nodes/score/files_linux.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace holdfast::score {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLineBytesMax = 1 << 16;
constexpr std::size_t kRowsMax = 20'000'000;
constexpr std::size_t kMetricsMax = 1'024;
constexpr int64_t kMinuteNs = 60'000'000'000;

// The lines of a file, unpacked where it is gzip. Ends at a damaged or overlong line and says so.
class LineReader {
 public:
  explicit LineReader(const fs::path& path) : file_(gzopen(path.c_str(), "rb"), &gzclose) {
    if (!file_) problem_ = "cannot be read";
  }

  std::optional<std::string> next() {
    if (!file_ || !problem_.empty()) return std::nullopt;
    std::string line(kLineBytesMax, '\0');
    if (gzgets(file_.get(), line.data(), static_cast<int>(line.size())) == nullptr) {
      int code = Z_OK;
      const char* text = gzerror(file_.get(), &code);
      // A cut gzip stream reports Z_BUF_ERROR at its end.
      if (code != Z_OK && code != Z_STREAM_END)
        problem_ = std::string("is damaged: ") + (*text != '\0' ? text : "it ends too early");
      return std::nullopt;
    }
    line.resize(line.find('\0'));
    if (!line.ends_with('\n') && line.size() == kLineBytesMax - 1) {
      problem_ = "has a line longer than 64 KiB";
      return std::nullopt;
    }
    while (line.ends_with('\n') || line.ends_with('\r')) line.pop_back();
    return line;
  }
  const std::string& problem() const { return problem_; }

 private:
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
  std::string problem_;
};

// All regular files below `folder`, in the order of their names.
Result<std::vector<fs::path>> files_below(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return {ErrorCode::kNotFound, folder.string() + " is no folder that can be read"};
  std::vector<fs::path> out;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error))
    if (it->is_regular_file(error) && !error) out.push_back(it->path());
  if (error) return {ErrorCode::kIo, "cannot list " + folder.string() + ": " + error.message()};
  std::sort(out.begin(), out.end());
  return out;
}

bool is_csv(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".csv") || name.ends_with(".csv.gz");
}

std::string name_below(const fs::path& path, const fs::path& folder) {
  return path.lexically_relative(folder).generic_string();
}

struct LabelledPoints {
  Series series;
  std::vector<uint8_t> labels;
};

// Reads a CSV with a header. The error says what the file is not.
Result<LabelledPoints> read_csv(const fs::path& path, bool needs_label) {
  LineReader lines(path);
  const auto header = lines.next();
  if (!header) return {ErrorCode::kInvalid, lines.problem().empty() ? "is empty" : lines.problem()};
  const auto columns = parse_header(*header);
  if (!columns || (needs_label && !columns->label))
    return {ErrorCode::kInvalid, std::string("is no ") +
                                     (needs_label ? "TimeStamp,Value,Label" : "timestamp,value") +
                                     " file: its first line names other columns"};
  LabelledPoints out;
  Series& series = out.series;
  while (const auto line = lines.next()) {
    if (series.rows.all() == kRowsMax) return {ErrorCode::kFull, "has more than 20 million rows"};
    Row row;
    const RowFault fault = parse_row(*line, *columns, row);
    if (fault == RowFault::kEmpty) {
      ++series.rows.empty;
    } else if (fault == RowFault::kMalformed) {
      ++series.rows.malformed;
    } else if (!series.times.empty() && row.at <= series.times.back()) {
      ++series.rows.disordered;
    } else {
      ++series.rows.used;
      series.times.push_back(row.at);
      series.values.push_back(row.value);
      out.labels.push_back(row.label ? 1 : 0);
    }
  }
  if (!lines.problem().empty()) return {ErrorCode::kCorrupt, lines.problem()};
  return out;
}

using WindowsByName = std::map<std::string, std::vector<Window>>;

// {"folder/file.csv": [["2014-04-10 07:15:00.000000", "…"], …], …}
Result<WindowsByName> read_windows(const fs::path& path) {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  const Error wrong{ErrorCode::kInvalid,
                    path.string() + " is no object of series with lists of [first, last] times"};
  if (!json.is_object()) return wrong;
  WindowsByName out;
  for (const auto& [name, list] : json.items()) {
    if (!list.is_array()) return wrong;
    auto& windows = out[name];
    for (const auto& pair : list) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
        return wrong;
      const auto first = parse_time(pair[0].get<std::string>());
      const auto last = parse_time(pair[1].get<std::string>());
      if (!first || !last || *last < *first) return wrong;
      windows.push_back({*first, *last});
    }
    std::sort(windows.begin(), windows.end(),
              [](const Window& a, const Window& b) { return a.first < b.first; });
  }
  return out;
}

struct Matrix {
  std::size_t metrics = 0;
  std::vector<double> values;
  std::vector<uint8_t> used;  // a row each
};

// Rows of comma separated numbers without a header. Rows that are none stay in `used` as 0, so that
// labels, which stand in a file of their own, go with their rows.
Result<Matrix> read_matrix(const fs::path& path, RowCounts& counts) {
  LineReader lines(path);
  Matrix out;
  std::vector<double> row;
  while (const auto line = lines.next()) {
    if (counts.all() == kRowsMax) return {ErrorCode::kFull, "has more than 20 million rows"};
    row.clear();
    bool good = !line->empty(), blank = line->empty();
    if (good)
      for (const auto& cell : cells(*line)) {
        const auto value = parse_number(cell);
        blank = blank || cell.empty();
        good = good && value;
        row.push_back(value.value_or(0));
      }
    if (good && out.metrics == 0) out.metrics = row.size();
    good = good && row.size() == out.metrics;
    ++(good ? counts.used : blank ? counts.empty : counts.malformed);
    if (good) out.values.insert(out.values.end(), row.begin(), row.end());
    out.used.push_back(good ? 1 : 0);
  }
  if (!lines.problem().empty()) return {ErrorCode::kCorrupt, lines.problem()};
  if (out.metrics == 0) return {ErrorCode::kInvalid, "holds no row of numbers"};
  if (out.metrics > kMetricsMax) return {ErrorCode::kFull, "has more than 1024 metrics"};
  return out;
}

Result<std::vector<uint8_t>> read_label_lines(const fs::path& path) {
  LineReader lines(path);
  std::vector<uint8_t> out;
  while (const auto line = lines.next()) {
    const auto label = parse_number(*line);
    if (!label || (*label != 0 && *label != 1))
      return {ErrorCode::kInvalid,
              "line " + std::to_string(out.size() + 1) + " is neither 0 nor 1"};
    out.push_back(*label == 1 ? 1 : 0);
  }
  if (!lines.problem().empty()) return {ErrorCode::kCorrupt, lines.problem()};
  return out;
}

std::optional<fs::path> existing(const fs::path& base, const std::string& ending) {
  for (const char* packed : {"", ".gz"})
    if (fs::path path = base.string() + ending + packed; fs::is_regular_file(path)) return path;
  return std::nullopt;
}

std::vector<WallTime> minutes(const std::vector<uint8_t>& used, std::size_t from) {
  std::vector<WallTime> out;
  for (std::size_t i = 0; i < used.size(); ++i)
    if (used[i]) out.push_back({static_cast<int64_t>(from + i) * kMinuteNs});
  return out;
}

Result<MachineSeries> read_machine(const fs::path& base) {
  const auto of_file = [](const fs::path& path, const Error& error) {
    return Error{error.code, path.filename().string() + " " + error.text};
  };
  MachineSeries out;
  const auto test_path = existing(base, ".test.csv");
  if (!test_path) return {ErrorCode::kNotFound, "has no .test.csv or .test.csv.gz beside it"};
  auto test = read_matrix(*test_path, out.rows);
  if (!test) return of_file(*test_path, test.error());
  out.metrics = test.value().metrics;
  std::size_t before = 0;
  if (const auto train_path = existing(base, ".train.csv")) {
    auto train = read_matrix(*train_path, out.training_rows);
    if (!train) return of_file(*train_path, train.error());
    if (train.value().metrics != out.metrics)
      return {ErrorCode::kInvalid, train_path->filename().string() + " has " +
                                       std::to_string(train.value().metrics) +
                                       " metrics, the test " + std::to_string(out.metrics)};
    before = train.value().used.size();
    out.training_times = minutes(train.value().used, 0);
    out.training = std::move(train.value().values);
  }
  out.times = minutes(test.value().used, before);
  out.test = std::move(test.value().values);
  const fs::path label_path = base.string() + ".test_label.txt";
  const auto labels = read_label_lines(label_path);
  if (!labels) return labels.error();
  const auto& used = test.value().used;
  if (labels.value().size() != used.size())
    return {ErrorCode::kInvalid, "has " + std::to_string(labels.value().size()) + " labels for " +
                                     std::to_string(used.size()) + " rows"};
  std::vector<uint8_t> of_used;
  for (std::size_t i = 0; i < used.size(); ++i)
    if (used[i]) of_used.push_back(labels.value()[i]);
  out.windows = windows_of(out.times, of_used);
  return out;
}

}  // namespace

Result<> read_labelled(const std::string& folder, Collection& collection) {
  auto files = files_below(folder);
  if (!files) return files.error();
  const std::size_t before = collection.series.size();
  for (const auto& path : files.value()) {
    if (!is_csv(path)) continue;
    auto points = read_csv(path, true);
    if (!points) {
      collection.unreadable.push_back({path.string(), points.error().text});
      continue;
    }
    Series& series = points.value().series;
    series.source = "labelled";
    series.name = name_below(path, folder);
    series.windows = windows_of(series.times, points.value().labels);
    collection.series.push_back(std::move(series));
  }
  if (collection.series.size() == before && collection.unreadable.empty())
    return {ErrorCode::kNotFound, folder + " holds no .csv file"};
  return std::monostate{};
}

Result<> read_nab(const std::string& folder, Collection& collection) {
  const fs::path root(folder);
  fs::path labels = root / "labels" / "combined_windows.json";
  if (!fs::is_regular_file(labels)) labels = root / "combined_windows.json";
  if (!fs::is_regular_file(labels))
    return {ErrorCode::kNotFound, folder + " has no labels/combined_windows.json"};
  auto windows = read_windows(labels);
  if (!windows) return windows.error();
  const fs::path data = fs::is_directory(root / "data") ? root / "data" : root;
  auto files = files_below(data);
  if (!files) return files.error();
  for (const auto& path : files.value()) {
    if (!is_csv(path)) continue;
    const std::string name = name_below(path, data);
    const auto found = windows.value().find(name);
    if (found == windows.value().end()) {
      collection.unreadable.push_back({path.string(), "is not named in " + labels.string()});
      continue;
    }
    auto points = read_csv(path, false);
    if (!points) {
      collection.unreadable.push_back({path.string(), points.error().text});
      continue;
    }
    Series& series = points.value().series;
    series.source = "nab";
    series.name = name;
    series.windows = found->second;
    collection.series.push_back(std::move(series));
  }
  return std::monostate{};
}

Result<> read_smd(const std::string& folder, Collection& collection) {
  auto files = files_below(folder);
  if (!files) return files.error();
  const std::string ending = ".test_label.txt";
  bool any = false;
  for (const auto& path : files.value()) {
    const std::string text = path.string();
    if (!text.ends_with(ending)) continue;
    any = true;
    const fs::path base = text.substr(0, text.size() - ending.size());
    auto machine = read_machine(base);
    if (!machine) {
      collection.unreadable.push_back({text, machine.error().text});
      continue;
    }
    machine.value().name = name_below(base, folder);
    collection.machines.push_back(std::move(machine.value()));
  }
  if (!any) return {ErrorCode::kNotFound, folder + " holds no NAME.test_label.txt"};
  return std::monostate{};
}

}  // namespace holdfast::score
