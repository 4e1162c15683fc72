#include "nodes/drill/scenario_toml.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "nodes/settings/table_toml.hpp"

namespace holdfast::drill {

namespace {

using drills::Scenario;

std::vector<std::string> all_faults() {
  std::vector<std::string> words;
  for (std::size_t i = 0; i < drills::kFaults; ++i)
    words.emplace_back(drills::name_of(static_cast<drills::Fault>(i)));
  return words;
}

/// The list below `faults`: words of which each names a fault.
void read_faults(settings::TableReader& table, Scenario& scenario) {
  table.know("faults");
  const auto words = all_faults();
  const auto* list = table.raw()["faults"].as_array();
  if (!list || list->empty()) return table.note("faults", "a list of faults");
  for (const auto& entry : *list) {
    const auto word = entry.value<std::string>().value_or("");
    if (const auto fault = drills::fault_named(word)) {
      scenario.faults.push_back(*fault);
      continue;
    }
    const auto close = settings::nearest(word, words);
    table.complain("faults", "no fault is named " + settings::in_quotes(word) +
                                 (close.empty() ? "" : "; did you mean " + close + "?"));
  }
}

/// The list below `stop_around`: times like "100ms" or "1s".
void read_stops(settings::TableReader& table, Scenario& scenario) {
  table.know("stop_around");
  const auto* list = table.raw()["stop_around"].as_array();
  if (!list) return;
  for (const auto& entry : *list) {
    const auto text = entry.value<std::string>().value_or("");
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string unit(end, static_cast<const char*>(text.data() + text.size()));
    if (error != std::errc() || number < 1 || number > 60'000 || (unit != "ms" && unit != "s"))
      return table.complain("stop_around",
                            "expected times like \"100ms\", not " + settings::in_quotes(text));
    scenario.stop_around.push_back(unit == "s" ? Duration::seconds(number)
                                               : Duration::milliseconds(number));
  }
}

Scenario read(const settings::Document& document, const std::string& name,
              settings::Problems& problems) {
  constexpr Duration kMost = Duration::seconds(60);
  Scenario scenario;
  scenario.name = name;
  settings::TableReader table(document, document.root, "the scenario", problems);
  scenario.about = table.text("about", std::nullopt);
  read_faults(table, scenario);
  scenario.aim =
      static_cast<drills::Aim>(table.choice("target", std::size_t{2}, {"orders", "venue", "both"}));
  scenario.count = static_cast<uint32_t>(table.integer("count", 20, 1, 100'000));
  scenario.rate = static_cast<uint32_t>(table.integer("rate", 1'000, 1, 1'000'000));
  scenario.pause_least = table.duration("pause_least", Duration::milliseconds(200), {}, kMost);
  scenario.pause_most =
      table.duration("pause_most", Duration::milliseconds(600), scenario.pause_least, kMost);
  scenario.stop_least = table.duration("stop_least", Duration::milliseconds(250), {}, kMost);
  scenario.stop_most =
      table.duration("stop_most", Duration::milliseconds(1'000), scenario.stop_least, kMost);
  read_stops(table, scenario);
  scenario.heartbeat_s = static_cast<uint32_t>(
      table.duration("heartbeat", Duration{}, Duration{}, kMost).ns / 1'000'000'000);
  scenario.etcd = table.choice("arbiter", std::size_t{0}, {"embedded", "etcd"}) == 1;
  table.finish();
  return scenario;
}

}  // namespace

std::vector<Scenario> load_scenarios(const std::string& folder, settings::Problems& problems) {
  std::vector<Scenario> scenarios;
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  if (error || files.empty()) {
    problems.add({folder, 0, 0,
                  error ? "can't read the folder: " + error.message()
                        : "the folder holds no scenario (NAME.toml)"});
    return scenarios;
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files)
    if (const auto document = settings::open_document(file.string(), problems))
      scenarios.push_back(read(*document, file.stem().string(), problems));
  return scenarios;
}

}  // namespace holdfast::drill
