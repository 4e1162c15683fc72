// policy.toml: autonomy, approvals, and the tables of never rules and rules.
#include <algorithm>

#include "nodes/settings/files_toml.hpp"
#include "supervision/orchestrator/policy/defects.hpp"

namespace holdfast::settings {
namespace {

constexpr std::size_t kListMax = 64;

template <typename Value>
struct Word {
  std::string text;
  Value value;
};
template <typename Value>
using Words = std::vector<Word<Value>>;

template <typename Enum>
Words<Enum> words_of(uint8_t first, uint8_t last) {
  Words<Enum> words;
  for (unsigned code = first; code <= last; ++code) {
    const auto value = static_cast<Enum>(code);
    words.push_back({std::string(to_text(value)), value});
  }
  return words;
}

Words<FaultClass> fault_words() {
  Words<FaultClass> words;
  for (const auto fault : fault_classes()) words.push_back({std::string(to_text(fault)), fault});
  return words;
}

template <typename Map>
auto words_from(const Map& map) {
  Words<typename Map::mapped_type> words;
  for (const auto& [name, id] : map) words.push_back({name, id});
  return words;
}

Words<ActionKind> action_words() { return words_of<ActionKind>(0, kActionKinds); }

template <typename Value>
std::vector<std::string> texts_of(const Words<Value>& words) {
  std::vector<std::string> texts;
  for (const auto& word : words) texts.push_back(word.text);
  return texts;
}

// A list of words out of a closed set; `what` is what one of them is.
template <typename Value>
std::vector<Value> read_list(TableReader& table, std::string_view key, const Words<Value>& words,
                             const std::string& what) {
  std::vector<Value> values;
  if (table.has(key) && table.raw().get_as<toml::array>(key) != nullptr &&
      table.raw().get_as<toml::array>(key)->empty())
    table.complain(key, std::string(key) + ": an empty list; leave the key out for any " + what);
  for (const auto& name : table.names<255>(key, kListMax)) {
    const auto found = std::find_if(words.begin(), words.end(),
                                    [&](const auto& word) { return word.text == name.view(); });
    if (found != words.end()) {
      values.push_back(found->value);
      continue;
    }
    const auto texts = texts_of(words);
    const auto close = nearest(name.view(), texts);
    std::string text = std::string(key) + ": there is no " + what + " " + in_quotes(name.view());
    if (!close.empty()) {
      text += "; did you mean " + in_quotes(close) + "?";
    } else {
      text += texts.empty() ? "; this configuration has none" : "; there are:";
      for (const auto& known : texts) text += " " + known;
    }
    table.complain(key, text);
  }
  return values;
}

template <typename Enum>
Enum read_word(TableReader& table, std::string_view key, const Words<Enum>& words) {
  return words[table.choice(key, std::nullopt, texts_of(words))].value;
}

// "08:00-16:30" as seconds of the day.
bool parse_span(const std::string& text, policy::TimeOfDay& time) {
  unsigned h1 = 0, m1 = 0, h2 = 0, m2 = 0;
  char rest = 0;
  if (text.size() != 11 ||
      std::sscanf(text.c_str(), "%2u:%2u-%2u:%2u%c", &h1, &m1, &h2, &m2, &rest) != 4)
    return false;
  time.begin = (h1 * 60 + m1) * 60;
  time.end = (h2 * 60 + m2) * 60;
  return h1 < 24 && m1 < 60 && m2 < 60 && time.end <= 86'400;
}

enum class Day : uint8_t { kMonday, kTuesday, kWednesday, kThursday, kFriday, kSaturday, kSunday };

void read_time(TableReader& table, policy::Conditions& when) {
  const bool between = table.has("between"), days = table.has("days");
  policy::TimeOfDay time;
  const auto text = table.text("between", "00:00-24:00", 16);
  if (between && !parse_span(text, time))
    table.note("between", "a span of the day in UTC like \"08:00-16:30\"");
  static const Words<Day> kDays = {{"mon", Day::kMonday},    {"tue", Day::kTuesday},
                                   {"wed", Day::kWednesday}, {"thu", Day::kThursday},
                                   {"fri", Day::kFriday},    {"sat", Day::kSaturday},
                                   {"sun", Day::kSunday}};
  const auto listed = read_list(table, "days", kDays, "day");
  if (days) time.days = 0;
  for (const auto day : listed) time.days |= static_cast<uint8_t>(1u << static_cast<unsigned>(day));
  if (between || days) when.time = time;
}

void read_rates(TableReader& table, policy::Conditions& when) {
  const auto words = words_of<policy::CountOf>(0, policy::kCountsOf - 1);
  const auto day = Duration::seconds(86'400);
  const auto most = static_cast<int64_t>(policy::kPastActionsMax);
  for (auto& each : table.tables("rates", false, 8)) {
    each.set_what("rates of " + table.what());
    policy::Rate rate;
    rate.window = each.duration("window", std::nullopt, Duration::seconds(1), day);
    rate.of = read_word(each, "of", words);
    if (!each.has("most") && !each.has("least")) each.note("most", "it, or `least`, or both");
    rate.count.most = each.integer("most", most, 0, most);
    rate.count.least = each.integer("least", 0, 0, most);
    if (!each.has("most")) rate.count.most = INT64_MAX;
    each.finish();
    when.rates.push_back(rate);
  }
  if (!table.has("cooldown")) return table.know("cooldown");
  // The same once more on the same target is too soon.
  when.rates.push_back({policy::CountOf::kActionAndTarget,
                        table.duration("cooldown", std::nullopt, Duration::seconds(1), day),
                        {0, 0}});
}

int64_t read_end(TableReader& table, policy::Measure measure, const std::string& key) {
  switch (measure) {
    case policy::Measure::kPosition:
      return table.decimal<Notional>(key, std::nullopt, Notional{}).units;
    case policy::Measure::kConfidence:
      return table.with_suffix(key, "%", 0, 100) * 10'000;
    case policy::Measure::kAmount:
      return table.integer(key, std::nullopt, INT64_MIN, INT64_MAX);
    default:
      return table.integer(key, std::nullopt, 0, INT64_MAX);
  }
}

void read_ranges(TableReader& table, policy::Conditions& when) {
  for (std::size_t i = 0; i < policy::kMeasures; ++i) {
    const auto measure = static_cast<policy::Measure>(i);
    const auto least = std::string(to_text(measure)) + "_min";
    const auto most = std::string(to_text(measure)) + "_max";
    policy::Range range;
    if (table.has(least)) range.least = read_end(table, measure, least);
    if (table.has(most)) range.most = read_end(table, measure, most);
    if (table.has(least) || table.has(most)) when.ranges[i] = range;
    table.know(least);
    table.know(most);
  }
}

policy::Conditions read_conditions(TableReader& table, const policy::Names& names) {
  using namespace policy;
  Conditions when;
  when.actions = read_list(table, "actions", action_words(), "action");
  when.targets =
      read_list(table, "targets", words_of<TargetKind>(0, kTargetKinds - 1), "kind of target");
  when.members = read_list(table, "members", words_from(names.members), "member");
  when.groups = read_list(table, "groups", words_from(names.groups), "group");
  when.domains =
      read_list(table, "domains", words_of<telemetry::Domain>(1, telemetry::kDomains), "domain");
  when.faults = read_list(table, "faults", fault_words(), "class of faults");
  when.phases = read_list(table, "phases", words_of<SessionPhase>(0, kSessionPhases - 1), "phase");
  when.clocks =
      read_list(table, "clocks", words_of<ClockQuality>(0, kClockQualities - 1), "clock quality");
  when.advisors = read_list(table, "advisors", words_of<AdvisorKind>(1, 4), "kind of advisor");
  if (table.has("to_in_sync")) when.to_in_sync = table.flag("to_in_sync", true);
  table.know("to_in_sync");
  read_ranges(table, when);
  read_time(table, when);
  read_rates(table, when);
  return when;
}

policy::Rule read_rule(TableReader& table, bool never, const policy::Names& names) {
  policy::Rule rule;
  rule.name = table.text("name", std::nullopt, policy::kRuleNameBytes);
  table.set_what((never ? "[[never]] " : "[[rule]] ") + rule.name);
  rule.reason = table.text("reason", "", 240);
  if (!never) {
    rule.then = read_word(table, "then", words_of<Verdict>(1, 5));
    rule.persons = static_cast<uint8_t>(table.integer("persons", 0, 1, 2));
    rule.approval_expires = table.duration("approval_expires", Duration{}, Duration::seconds(10),
                                           Duration::seconds(86'400));
  }
  rule.when = read_conditions(table, names);
  table.finish();
  return rule;
}

void read_autonomy(TableReader table, policy::AutonomyTable& autonomy) {
  const auto levels = words_of<Autonomy>(1, 4);
  autonomy.set_all(read_word(table, "default", levels));
  for (const auto& [name, action] : action_words()) {
    if (action == ActionKind::kNone || action == ActionKind::kPage) continue;
    if (table.has(name)) autonomy.set(action, read_word(table, name, levels));
    table.know(name);
  }
  for (const auto& [name, domain] : words_of<telemetry::Domain>(1, telemetry::kDomains)) {
    auto own = table.table(name);
    if (!own) continue;
    own->set_what("[autonomy." + name + "]");
    for (const auto& [word, action] : action_words()) {
      if (action == ActionKind::kNone || action == ActionKind::kPage) continue;
      if (own->has(word)) autonomy.set(action, domain, read_word(*own, word, levels));
      own->know(word);
    }
    own->finish();
  }
  table.finish();
}

// A case's keys as text, whatever their type.
std::optional<std::string> as_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  const auto* list = node.as_array();
  if (list == nullptr) return std::nullopt;
  std::string joined;
  for (const auto& each : *list) {
    const auto* text = each.as_string();
    if (text == nullptr) return std::nullopt;
    joined += (joined.empty() ? "" : ", ") + text->get();
  }
  return joined;
}

void read_question(TableReader& table, policy::Settings& settings) {
  for (const auto& info : policy::question_keys()) {
    table.know(info.key);
    const auto* node = table.raw().get(info.key);
    if (node == nullptr) continue;
    if (auto text = as_text(*node))
      settings[std::string(info.key)] = *text;
    else
      table.note(info.key, "text, an integer, true or false, or a list of texts");
  }
}

PolicyCase read_case(TableReader& table, policy::Settings settings, const policy::Names& names) {
  PolicyCase expected;
  expected.name = table.text("name", std::nullopt, 120);
  expected.line = table.raw().source().begin.line;
  table.set_what("[[case]] " + expected.name);
  expected.verdict = read_word(table, "verdict", words_of<Verdict>(1, 5));
  expected.rule = table.text("rule", std::nullopt, policy::kRuleNameBytes);
  if (table.has("persons"))
    expected.persons = static_cast<uint8_t>(table.integer("persons", std::nullopt, 0, 2));
  table.know("persons");
  read_question(table, settings);
  table.finish();
  if (auto question = policy::question_of(settings, names))
    expected.question = std::move(question).value();
  else
    table.complain("name", table.what() + ": " + question.error().text);
  return expected;
}

}  // namespace

policy::Names policy_names(const Settings& settings) {
  policy::Names names;
  for (uint32_t shard = 0; shard < settings.node.shards; ++shard)
    names.groups["orders/" + std::to_string(shard)] = GroupId{1 + shard};
  for (const auto& venue : settings.venues)
    names.groups["venues/" + venue.entry.name.str()] = venue.entry.group;
  names.groups["orchestrator"] = kOrchestratorGroup;
  if (settings.cluster)
    for (const auto& member : settings.cluster->members) names.members[member.name] = member.id;
  return names;
}

void read_policy(const Document& document, const policy::Names& names, policy::Policy& policy,
                 Problems& problems) {
  TableReader root(document, document.root, "policy.toml", problems);
  if (auto approval = root.table("approval")) {
    policy.approval_expires = approval->duration("expires", policy.approval_expires,
                                                 Duration::seconds(10), Duration::seconds(86'400));
    policy.two_persons = read_list(*approval, "two_persons", action_words(), "action");
    approval->finish();
  }
  if (auto autonomy = root.table("autonomy")) read_autonomy(*autonomy, policy.autonomy);
  auto never = root.tables("never", false, policy::kRulesMax);
  auto rules = root.tables("rule", false, policy::kRulesMax);
  for (auto& table : never) policy.never.push_back(read_rule(table, true, names));
  for (auto& table : rules) policy.rules.push_back(read_rule(table, false, names));
  root.finish();
  for (const auto& defect : policy::defects(policy)) {
    auto& table = (defect.never ? never : rules)[defect.index];
    // A range's two ends are two keys.
    auto key = std::string(defect.key);
    if (!table.has(key)) key = table.has(key + "_max") ? key + "_max" : "name";
    table.complain(key, table.what() + ": " + (key == "name" ? "" : key + ": ") + defect.text);
  }
}

void read_policy_cases(const Document& document, const policy::Names& names,
                       std::vector<PolicyCase>& cases, Problems& problems) {
  TableReader root(document, document.root, "policy_tests.toml", problems);
  policy::Settings defaults;
  if (auto table = root.table("defaults")) {
    read_question(*table, defaults);
    table->finish();
  }
  for (auto& table : root.tables("case", false, 1'000))
    cases.push_back(read_case(table, defaults, names));
  root.finish();
}

}  // namespace holdfast::settings
