#include "nodes/drill/evaluate/case_toml.hpp"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>

#include "nodes/settings/table_toml.hpp"

namespace holdfast::drill::evaluate {

namespace {

namespace fs = std::filesystem;
using settings::TableReader;

constexpr std::size_t kCasesMax = 500, kWordsMax = 32;
constexpr Duration kLongest = Duration::seconds(600);

std::vector<std::string> all_means() {
  std::vector<std::string> words;
  for (uint8_t i = 1; i <= kMeans; ++i) words.emplace_back(to_text(static_cast<Means>(i)));
  return words;
}

// The list of words below `key`; `take` says whether it knows one.
void read_words(TableReader& table, const char* key, const std::vector<std::string>& known,
                const std::function<bool(const std::string&)>& take) {
  table.know(key);
  const auto* node = table.raw().get(key);
  if (node == nullptr) return;
  const auto* list = node->as_array();
  if (list == nullptr || list->size() > kWordsMax) return table.note(key, "a list of words");
  for (const auto& entry : *list) {
    const auto word = entry.value<std::string>().value_or("");
    if (take(word)) continue;
    const auto close = settings::nearest(word, known);
    table.complain(key,
                   std::string(key) + ": there is no " + settings::in_quotes(word) +
                       (close.empty() ? "" : "; did you mean " + settings::in_quotes(close) + "?"));
  }
}

void read_faults(TableReader& table, const char* key, std::vector<FaultClass>& into) {
  std::vector<std::string> known;
  for (const FaultClass fault : fault_classes()) known.emplace_back(to_text(fault));
  read_words(table, key, known, [&into](const std::string& word) {
    const FaultClass fault = fault_class_of(word);
    if (fault == FaultClass::kNone) return false;
    into.push_back(fault);
    return true;
  });
}

void read_actions(TableReader& table, std::vector<ActionKind>& into) {
  std::vector<std::string> known;
  for (uint8_t i = 1; i <= kActionKinds; ++i)
    known.emplace_back(to_text(static_cast<ActionKind>(i)));
  read_words(table, "actions", known, [&into](const std::string& word) {
    ActionKind kind = ActionKind::kNone;
    if (!parse_action_kind(word, kind)) return false;
    into.push_back(kind);
    return true;
  });
}

Case read_case(TableReader& table) {
  Case one;
  one.name = table.text("name", std::nullopt, 64);
  if (!one.name.empty()) table.set_what("[[case]] " + one.name);
  one.about = table.text("about", std::nullopt);
  one.kind = static_cast<Kind>(table.choice("kind", 0, {"fault", "control"}) + 1);
  one.domain = static_cast<telemetry::Domain>(
      table.choice("domain", std::nullopt, {"cpu", "network", "io", "execution", "http"}) + 1);
  one.sudden = table.flag("sudden", true);
  one.means = static_cast<Means>(table.choice("means", std::nullopt, all_means()) + 1);
  one.at = static_cast<Target>(table.choice("at", 0, {"host", "leader", "follower"}) + 1);
  one.amount = table.integer("amount", 0, -1'000'000, 1'000'000);
  one.niceness = static_cast<int32_t>(table.integer("niceness", 0, -20, 19));
  one.delay = table.duration("delay", Duration{}, Duration{}, kLongest);
  one.every = table.duration("every", Duration{}, Duration{}, kLongest);
  one.lasts = table.duration("lasts", one.lasts, Duration::milliseconds(100), kLongest);
  one.path = table.text("path", std::string());
  const auto usual = static_cast<std::size_t>(found_at(one.means)) - 1;
  one.found_at = static_cast<FoundAt>(
      table.choice("found_at", usual, {"target", "ends", "reporter", "anyone"}) + 1);
  read_faults(table, "expect", one.expect);
  read_faults(table, "also", one.also);
  read_actions(table, one.actions);
  if (one.is_control() && !one.expect.empty())
    table.complain("expect", "expect: a control expects nothing; what may be found is `also`");
  if (!one.is_control() && one.expect.empty())
    table.complain("name", "a fault expects at least one class to be found");
  if (one.means == Means::kKillActor && one.path.empty())
    table.complain("means", "kill_actor needs a path");
  const bool rhythmic = one.means == Means::kStopBursts || one.means == Means::kPeerStalls ||
                        one.means == Means::kVenueStalls || one.means == Means::kLockHeld;
  if (rhythmic && !(one.delay.ns > 0 && one.every > one.delay))
    table.complain("means",
                   std::string(to_text(one.means)) + " needs `delay` and a longer `every`");
  table.finish();
  return one;
}

}  // namespace

std::vector<Case> load_cases(const std::string& folder, settings::Problems& problems) {
  std::vector<Case> cases;
  std::vector<std::string> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error))
    if (entry.path().extension() == ".toml") files.push_back(entry.path().lexically_normal());
  std::sort(files.begin(), files.end());
  if (files.empty()) problems.add({folder, 0, 0, "holds no cases; expected files of [[case]]"});
  std::set<std::string> names;
  for (const auto& file : files) {
    const auto document = settings::open_document(file, problems);
    if (!document) continue;
    TableReader root(*document, document->root, fs::path(file).filename(), problems);
    for (auto& table : root.tables("case", true, kCasesMax)) {
      cases.push_back(read_case(table));
      if (!names.insert(cases.back().name).second)
        table.complain("name",
                       "name: " + settings::in_quotes(cases.back().name) + " is there twice");
    }
    root.finish();
  }
  return cases;
}

}  // namespace holdfast::drill::evaluate
