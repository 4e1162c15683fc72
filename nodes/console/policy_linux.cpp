#include "nodes/console/policy_linux.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>
#include <optional>
#include <ostream>
#include <set>

#include "nodes/console/table.hpp"
#include "nodes/settings/settings.hpp"

namespace holdfast::console {
namespace {

using policy::Match;
using settings::PolicyCase;
using settings::PolicySettings;

// The folder's policy; nothing when a file has a mistake, which is then told.
std::optional<PolicySettings> policy_of(const Console& console, const std::string& directory) {
  settings::Problems problems;
  const auto overrides = settings::overrides_from_environment(::getenv, problems);
  auto loaded = settings::load_settings(directory, overrides, problems);
  if (problems.none()) return std::move(loaded.policy);
  if (console.json) {
    Json list = Json::array();
    for (const auto& problem : problems.sorted()) list.push_back(problem.str());
    *console.out << Json{{"ok", false}, {"problems", list}}.dump(2) << "\n";
  } else {
    *console.err << problems.str();
  }
  return std::nullopt;
}

std::string said(Verdict verdict, std::string_view rule, std::optional<int> persons) {
  auto text = std::string(to_text(verdict)) + " by " + std::string(rule);
  if (persons && verdict == Verdict::kNeedsApproval)
    text += *persons == 1 ? ", one person" : ", " + std::to_string(*persons) + " persons";
  return text;
}

bool as_expected(const PolicyCase& expected, const PolicyDecision& found) {
  return found.verdict == expected.verdict && found.rule == expected.rule &&
         (!expected.persons || *expected.persons == found.approvals_needed);
}

std::vector<std::string> rules_without(const PolicySettings& settings,
                                       const std::set<std::string>& seen) {
  std::vector<std::string> names;
  for (const auto* table : {&settings.policy.never, &settings.policy.rules})
    for (const auto& rule : *table)
      if (!seen.contains(rule.name)) names.push_back(rule.name);
  return names;
}

Json json_of(const PolicyDecision& decision) {
  Json json = {
      {"verdict", to_text(decision.verdict)}, {"rule", decision.rule}, {"reason", decision.reason}};
  if (decision.verdict == Verdict::kNeedsApproval) {
    json["approvals_needed"] = decision.approvals_needed;
    json["approval_expires_s"] = decision.approval_expires.ms() / 1000;
  }
  return json;
}

const char* word_of(Match match) {
  return match == Match::kYes ? "yes" : match == Match::kNo ? "no" : "perhaps";
}

void show(const Console& console, const policy::Explanation& explanation) {
  const auto& decision = explanation.decision;
  const auto style = decision.verdict == Verdict::kAllow  ? Style::kGood
                     : decision.verdict == Verdict::kDeny ? Style::kBad
                                                          : Style::kWarn;
  auto& out = *console.out;
  out << styled(said(decision.verdict, decision.rule, decision.approvals_needed), style,
                console.screen);
  if (decision.verdict == Verdict::kNeedsApproval)
    out << ", within " << decision.approval_expires.ms() / 1000 << " s";
  out << "\n";
  if (!decision.reason.empty())
    out << styled(decision.reason, Style::kPlain, console.screen) << "\n";
  out << "level of autonomy: " << to_text(explanation.level) << "\n";
  Table table({{"TABLE"}, {"RULE"}, {"MATCHES"}, {"WHY NOT", false, true}});
  for (const auto& step : explanation.steps)
    table.add(
        {step.never ? "never" : "rule", std::string(step.rule), word_of(step.match), step.why});
  if (!table.empty()) out << table.str(console.screen);
}

Json json_of(const policy::Explanation& explanation) {
  auto json = json_of(explanation.decision);
  json["level"] = to_text(explanation.level);
  json["steps"] = Json::array();
  for (const auto& step : explanation.steps)
    json["steps"].push_back({{"table", step.never ? "never" : "rule"},
                             {"rule", step.rule},
                             {"matches", word_of(step.match)},
                             {"why", step.why}});
  return json;
}

}  // namespace

int run_policy_test(const Console& console, const std::string& directory) {
  const auto loaded = policy_of(console, directory);
  if (!loaded) return kNotClean;
  if (loaded->cases.empty())
    return fail(console, kNotClean, "no_cases", loaded->cases_file + " has no cases",
                "a policy without tests says what nobody has read");
  std::size_t wrong = 0;
  std::set<std::string> seen;
  Json list = Json::array();
  for (const auto& expected : loaded->cases) {
    const auto& question = expected.question;
    const auto found = policy::evaluate(loaded->policy, question.proposal, question.context);
    const bool good = as_expected(expected, found);
    wrong += good ? 0 : 1;
    seen.insert(found.rule);
    Json json = json_of(found);
    json["name"] = expected.name;
    json["line"] = expected.line;
    json["ok"] = good;
    json["expected"] = {{"verdict", to_text(expected.verdict)}, {"rule", expected.rule}};
    if (expected.persons) json["expected"]["persons"] = *expected.persons;
    list.push_back(json);
    if (console.json || good) continue;
    const auto at = loaded->cases_file + ":" + std::to_string(expected.line) + ": ";
    *console.out << at << styled(expected.name, Style::kBad, console.screen) << ": expected "
                 << said(expected.verdict, expected.rule, expected.persons) << ", found "
                 << said(found.verdict, found.rule, found.approvals_needed) << "\n    "
                 << styled(found.reason, Style::kDim, console.screen) << "\n";
  }
  const auto untested = rules_without(*loaded, seen);
  if (console.json) {
    *console.out << Json{{"ok", wrong == 0},
                         {"cases", list},
                         {"failed", wrong},
                         {"rules_no_case_decides", untested}}
                        .dump(2)
                 << "\n";
    return wrong == 0 ? kClean : kNotClean;
  }
  *console.out << loaded->cases.size() << " cases, " << wrong << " otherwise than expected\n";
  if (!untested.empty()) {
    *console.out << "no case ends at:";
    for (const auto& name : untested) *console.out << " " << name;
    *console.out << "\n";
  }
  return wrong == 0 ? kClean : kNotClean;
}

int run_policy_explain(const Console& console, const std::string& directory,
                       const std::vector<std::string>& settings) {
  policy::Settings values;
  for (const auto& each : settings) {
    const auto equals = each.find('=');
    if (equals == std::string::npos || equals == 0)
      return fail(console, kUsage, "usage",
                  "expected KEY=VALUE, found " + settings::in_quotes(each), "");
    if (!values.emplace(each.substr(0, equals), each.substr(equals + 1)).second)
      return fail(console, kUsage, "usage", each.substr(0, equals) + " is said twice", "");
  }
  const auto loaded = policy_of(console, directory);
  if (!loaded) return kNotClean;
  const auto question = policy::question_of(values, loaded->names);
  if (!question)
    return fail(console, kUsage, "usage", question.error().text,
                "`holdfast policy explain --help` lists the keys");
  const auto explanation =
      policy::explain(loaded->policy, question.value().proposal, question.value().context);
  if (console.json)
    *console.out << json_of(explanation).dump(2) << "\n";
  else
    show(console, explanation);
  return kClean;
}

void add_policy_commands(CLI::App& app, const AddCommand& add) {
  struct Words {
    std::string directory = "config", action;
    std::vector<std::string> settings;
  };
  auto words = std::make_shared<Words>();
  auto* parent = app.add_subcommand("policy", "What the healing loop may do: tests and a dry run")
                     ->require_subcommand(1);
  parent->fallthrough();
  parent->footer(
      "\nReads files only. Examples:\n"
      "  holdfast policy test\n"
      "  holdfast policy explain --action migrate --set group=orders/0 --set to_in_sync=true "
      "--set in_sync_left=1");
  add(parent, "test", "Run policy_tests.toml against policy.toml", [words](Console& c) {
    return run_policy_test(c, words->directory);
  })->add_option("DIR", words->directory, "The configuration's folder (default: config)");
  auto* explain =
      add(parent, "explain", "Which rule decides about an action, and why none before it",
          [words](Console& c) {
            auto settings = words->settings;
            settings.push_back("action=" + words->action);
            return run_policy_explain(c, words->directory, settings);
          });
  explain->add_option("--action", words->action, "restart_actor, migrate, promote, ...")
      ->required();
  explain->add_option("--set,-s", words->settings, "KEY=VALUE, as often as needed")
      ->allow_extra_args(false);
  explain->add_option("--config", words->directory, "The configuration's folder (default: config)");
  std::string keys = "\nKeys; what is not set is not known:\n";
  for (const auto& info : policy::question_keys()) {
    std::string line = "  " + std::string(info.key);
    line.resize(std::max<std::size_t>(line.size() + 1, 18), ' ');
    if (info.key != "action") keys += line + std::string(info.about) + "\n";
  }
  explain->footer(keys);
}

}  // namespace holdfast::console
