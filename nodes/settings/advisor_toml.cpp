// advisor.toml and precedents.toml.
#include <algorithm>
#include <filesystem>
#include <set>

#include "messages/fixed_point.hpp"
#include "nodes/settings/advisor_settings.hpp"
#include "nodes/settings/table_toml.hpp"

namespace holdfast::settings {
namespace {

using llm::EndpointSettings;
using llm::GatewaySettings;

constexpr Duration kMilli = Duration::milliseconds(1);
constexpr Duration kHour = Duration::seconds(3'600);
constexpr int64_t kTokensMost = 1'000'000'000'000;
constexpr std::size_t kRegionsMax = 8;

std::string file_in(const std::string& directory, const std::string& name) {
  if (name.empty()) return name;
  return (std::filesystem::path(directory) / name).lexically_normal().string();
}

// A link that leads nowhere is not "none".
bool there(const std::string& file) {
  std::error_code error;
  return std::filesystem::symlink_status(file, error).type() !=
         std::filesystem::file_type::not_found;
}

// Money in millionths: the file's decimals have 8 places.
int64_t micros(TableReader& table, std::string_view key, int64_t otherwise) {
  return table.decimal<Notional>(key, Notional{otherwise * 100}, Notional{0}).units / 100;
}

std::vector<std::string> regions_in(TableReader& table, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& region : table.names<limits::kNameBytes>(key, kRegionsMax))
    out.push_back(region.str());
  return out;
}

void read_endpoint(TableReader& table, const std::string& directory, EndpointSettings& endpoint) {
  endpoint.name = table.name<limits::kNameBytes>("name").str();
  if (!endpoint.name.empty()) table.set_what("[[endpoint]] " + endpoint.name);
  // A name is a word: it stands in files of words.
  if (endpoint.name.find(' ') != std::string::npos)
    table.complain("name", "name: expected a word without spaces");
  const auto dialect =
      table.choice("dialect", std::nullopt, {"openai", "vllm", "llama_cpp", "ollama"});
  endpoint.dialect = static_cast<llm::Dialect>(dialect + 1);
  endpoint.url = table.text("url", std::nullopt);
  endpoint.model = table.text("model", std::nullopt);
  endpoint.region = table.name<limits::kNameBytes>("region", Label(endpoint.region)).str();
  endpoint.api_key_env = table.text("api_key_env", "");
  endpoint.api_key_file = file_in(directory, table.text("api_key_file", ""));
  endpoint.ca_file = file_in(directory, table.text("ca_file", ""));
  endpoint.output_tokens_max = static_cast<uint32_t>(
      table.integer("output_tokens_max", endpoint.output_tokens_max, 64, 1'000'000));
  endpoint.temperature_milli =
      static_cast<uint32_t>(table.integer("temperature_milli", 0, 0, 2'000));
  if (!table.flag("send_temperature", true)) endpoint.temperature_milli.reset();
  endpoint.attempt_within =
      table.duration("attempt_within", endpoint.attempt_within, kMilli, kHour);
  endpoint.concurrency_max =
      static_cast<uint32_t>(table.integer("concurrency_max", endpoint.concurrency_max, 1, 64));
  endpoint.input_price_micros = micros(table, "input_price", 0);
  endpoint.output_price_micros = micros(table, "output_price", 0);
  endpoint.breaker_failures =
      static_cast<uint32_t>(table.integer("breaker_failures", endpoint.breaker_failures, 1, 1'000));
  endpoint.breaker_open = table.duration("breaker_open", endpoint.breaker_open, kMilli, kHour);
  endpoint.breaker_open_max =
      table.duration("breaker_open_max", endpoint.breaker_open_max, kMilli, kHour * 24);
  table.finish();
}

void read_budget(TableReader& table, GatewaySettings& settings) {
  const auto read = [&](const std::string& name, llm::Budget& budget) {
    budget.tokens = table.integer(name + "_tokens", budget.tokens, 0, kTokensMost);
    budget.cost_micros = micros(table, name + "_cost", budget.cost_micros);
  };
  read("incident", settings.incident_budget);
  read("day", settings.day_budget);
  read("domain", settings.domain_budget);
  table.finish();
}

void read_limits(TableReader& table, GatewaySettings& settings) {
  settings.deadline = table.duration("deadline", settings.deadline, kMilli, kHour);
  settings.attempts_max = static_cast<uint32_t>(
      table.integer("attempts_max", settings.attempts_max, 1, limits::kAdviceAttemptsMax));
  settings.backoff = table.duration("backoff", settings.backoff, kMilli, kHour);
  settings.backoff_max = table.duration("backoff_max", settings.backoff_max, kMilli, kHour);
  settings.retry_after_max =
      table.duration("retry_after_max", settings.retry_after_max, kMilli, kHour * 24);
  settings.calls_max =
      static_cast<std::size_t>(table.integer("calls_max", static_cast<int64_t>(settings.calls_max),
                                             1, static_cast<int64_t>(limits::kAdviceCallsMax)));
  settings.cache_entries = static_cast<std::size_t>(
      table.integer("cache_entries", static_cast<int64_t>(settings.cache_entries), 0,
                    static_cast<int64_t>(limits::kAdviceCacheMax)));
  settings.cache_for = table.duration("cache_for", settings.cache_for, kMilli, kHour * 24);
  if (table.has("regions")) settings.regions = regions_in(table, "regions");
  table.know("regions");
  settings.recording =
      static_cast<llm::Recording>(table.choice("recording", 0, {"off", "record", "replay"}));
  settings.recording_file = table.text("recording_file", settings.recording_file);
  settings.trace_file = table.text("trace_file", settings.trace_file);
  settings.spending_file = table.text("spending_file", settings.spending_file);
  table.finish();
}

void read_domains(TableReader& table, GatewaySettings& settings) {
  for (uint8_t code = 1; code <= telemetry::kDomains; ++code) {
    const auto name = to_text(static_cast<telemetry::Domain>(code));
    if (table.has(name)) settings.domain_regions[code - 1u] = regions_in(table, name);
    table.know(name);
  }
  table.finish();
}

// "journal.fsync.duration+": above the usual; "-": below.
std::optional<precedents::Symptom> symptom_of(std::string_view text) {
  if (text.empty() || (text.back() != '+' && text.back() != '-')) return std::nullopt;
  const auto* info = telemetry::find_metric(text.substr(0, text.size() - 1));
  if (info == nullptr) return std::nullopt;
  return precedents::Symptom{info->metric, text.back() == '+'};
}

void read_symptoms(TableReader& table, precedents::Seed& seed) {
  for (const auto& word : table.names<64>("symptoms", 16)) {
    if (const auto symptom = symptom_of(word.view())) {
      seed.symptoms.push_back(*symptom);
      continue;
    }
    std::vector<std::string> known;
    for (const auto& info : telemetry::metrics()) known.emplace_back(info.name);
    const auto bare = word.view().substr(0, word.view().find_last_not_of("+-") + 1);
    const auto close = nearest(bare, known);
    table.complain("symptoms",
                   "symptoms: expected a metric with + (above the usual) or - (below), "
                   "found " +
                       in_quotes(word.view()) +
                       (close.empty() ? "" : "; did you mean " + in_quotes(close + "+") + "?"));
  }
}

precedents::Seed read_seed(TableReader& table, std::set<uint64_t>& numbers) {
  precedents::Seed seed;
  seed.number =
      static_cast<uint64_t>(table.integer("number", std::nullopt, 1, limits::kPrecedentSeedsMax));
  table.set_what("[[precedent]] " + std::to_string(seed.number));
  if (!numbers.insert(seed.number).second)
    table.complain("number", "number: " + std::to_string(seed.number) + " is there twice");
  const auto fault = table.text("fault", std::nullopt, 64);
  seed.fault = fault_class_of(fault);
  if (seed.fault == FaultClass::kNone && !fault.empty()) {
    std::vector<std::string> known;
    for (const auto each : fault_classes()) known.emplace_back(to_text(each));
    const auto close = nearest(fault, known);
    table.complain("fault", "fault: there is no class " + in_quotes(fault) +
                                (close.empty() ? "" : "; did you mean " + in_quotes(close) + "?"));
  }
  read_symptoms(table, seed);
  const auto action = table.text("action", std::nullopt, 64);
  if (!action.empty() && (!parse_action_kind(action, seed.action) ||
                          seed.action == ActionKind::kNone || seed.action == ActionKind::kPage))
    table.complain("action", "action: " + in_quotes(action) + " is no action of the catalogue");
  const auto outcome = table.choice("outcome", 0, {"succeeded", "rolled_back", "failed"});
  seed.outcome = static_cast<RemedyOutcome>(outcome + 1);
  seed.weight = static_cast<uint32_t>(table.integer("weight", 1, 1, 100));
  seed.note = table.text("note", std::nullopt, 400);
  table.finish();
  return seed;
}

}  // namespace

llm::GatewaySettings load_advisor(const std::string& directory, Problems& problems) {
  GatewaySettings settings;
  const auto file = file_in(directory, "advisor.toml");
  if (!there(file)) return settings;
  Problems own;
  if (const auto document = open_document(file, own)) {
    TableReader root(*document, document->root, "advisor.toml", own);
    if (auto table = root.table("advisor")) read_limits(*table, settings);
    if (auto table = root.table("budget")) read_budget(*table, settings);
    if (auto table = root.table("domain_regions")) read_domains(*table, settings);
    for (auto& table : root.tables("endpoint", false, limits::kModelEndpointsMax)) {
      settings.endpoints.emplace_back();
      read_endpoint(table, directory, settings.endpoints.back());
    }
    root.finish();
  }
  if (own.none())
    if (auto valid = validate(settings); !valid) own.add({file, 0, 0, valid.error().text});
  for (auto& problem : own.sorted()) problems.add(std::move(problem));
  return settings;
}

std::vector<precedents::Seed> load_precedents(const std::string& directory, Problems& problems) {
  std::vector<precedents::Seed> seeds;
  const auto file = file_in(directory, "precedents.toml");
  if (!there(file)) return seeds;
  if (const auto document = open_document(file, problems)) {
    TableReader root(*document, document->root, "precedents.toml", problems);
    std::set<uint64_t> numbers;
    for (auto& table : root.tables("precedent", false, limits::kPrecedentSeedsMax))
      seeds.push_back(read_seed(table, numbers));
    root.finish();
  }
  return seeds;
}

}  // namespace holdfast::settings
