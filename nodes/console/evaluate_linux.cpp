#include "nodes/console/evaluate_linux.hpp"

#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <memory>
#include <ostream>

#include "nodes/drill/evaluate/case_toml.hpp"
#include "nodes/drill/evaluate/evaluate_linux.hpp"

namespace holdfast::console {

namespace {

using drill::evaluate::Case;

std::atomic<bool> interrupted{false};
void on_interrupt(int) { interrupted.store(true, std::memory_order_relaxed); }

std::string own_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : program.parent_path().string();
}

// The cases whose names begin with one of the words; a word that none begins with is told.
std::vector<Case> chosen(const std::vector<Case>& all, const std::vector<std::string>& only,
                         std::string& unknown) {
  if (only.empty()) return all;
  std::vector<Case> cases;
  for (const auto& word : only)
    if (std::none_of(all.begin(), all.end(),
                     [&](const Case& one) { return one.name.starts_with(word); }))
      unknown = word;
  for (const Case& one : all)
    if (std::any_of(only.begin(), only.end(),
                    [&](const auto& word) { return one.name.starts_with(word); }))
      cases.push_back(one);
  return cases;
}

// The short form: the first fault of each domain that comes suddenly, and two controls.
std::vector<Case> quick(const std::vector<Case>& all) {
  std::vector<Case> cases;
  std::size_t controls = 0;
  for (const Case& one : all) {
    const bool again = std::any_of(cases.begin(), cases.end(), [&](const Case& other) {
      return !other.is_control() && other.domain == one.domain;
    });
    if (one.is_control() ? controls++ < 2 : one.sudden && !again) cases.push_back(one);
  }
  return cases;
}

// The action limits of config/policy.toml are for one cluster's ten minutes or half an hour; so
// many cases can be had on one without their being what decides.
constexpr std::size_t kCasesOfGroup = 7;

std::size_t groups_for(const EvaluateCommand& command, std::size_t cases) {
  if (command.groups > 0) return std::min(command.groups, cases);
  return command.quick ? 1 : (cases + kCasesOfGroup - 1) / kCasesOfGroup;
}

// "2/8" into a part and the number of groups; false: it is none.
bool read_part(const std::string& text, std::size_t& part, std::size_t& groups) {
  unsigned long mine = 0, all = 0;
  int end = 0;
  if (std::sscanf(text.c_str(), "%3lu/%3lu%n", &mine, &all, &end) != 2 ||
      static_cast<std::size_t>(end) != text.size() || mine == 0 || mine > all)
    return false;
  part = mine;
  groups = all;
  return true;
}

void print_list(const std::vector<Case>& cases, std::ostream& out) {
  for (const Case& one : cases) {
    out << std::left << std::setw(28) << one.name << std::setw(11) << telemetry::to_text(one.domain)
        << std::setw(9) << (one.is_control() ? "control" : "fault") << one.about << "\n";
  }
}

}  // namespace

void add_evaluate_command(CLI::App& app, const AddCommand& add) {
  auto words = std::make_shared<EvaluateCommand>();
  auto* evaluate =
      add(&app, "evaluate", "Make known faults in a cluster of its own and score what is found",
          [words](Console& c) { return run_evaluate(c, *words); });
  evaluate->add_option("CASE", words->only, "Only cases whose names begin so (default: all)");
  evaluate->add_option("--config", words->config, "The configuration's folder")
      ->capture_default_str();
  evaluate->add_option("--state", words->state,
                       "The cluster's folder (default: a fresh one below build/drills)");
  evaluate->add_option("--json", words->json_file, "The result as JSON into a file; -: to stdout");
  evaluate
      ->add_option("--advisor", words->advisor,
                   "deterministic; model: the nodes ask a scripted model (holdfast-model)")
      ->check(CLI::IsMember({"deterministic", "model"}))
      ->capture_default_str();
  evaluate->add_option("--model-script", words->script,
                       "What the model does: good, random, hostile, late, promote_all, or a script "
                       "of holdfast-model. After all but good only safety is demanded");
  evaluate->add_option("--beside", words->beside,
                       "The JSON of an evaluation without a model: its order latencies are shown "
                       "beside this one's");
  evaluate
      ->add_option("--groups", words->groups,
                   "Fresh clusters, one after the other, that the cases are dealt to (default: "
                   "one for each seven cases)")
      ->check(CLI::Range(1, 100));
  evaluate->add_option("--part", words->part,
                       "I/N: only the I-th of N groups, to be added up by a campaign");
  evaluate->add_option("--rate", words->rate, "Requests a second of the flow")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  evaluate->add_option("--seed", words->seed, "Of the flow")->capture_default_str();
  evaluate->add_flag("--list", words->list, "Show the cases, start nothing");
  evaluate->add_flag("--quick", words->quick, "One fault of each domain and two controls");
  evaluate->add_flag("--keep", words->keep, "Keep the folder of a clean evaluation too");
  evaluate->footer(
      "\nExamples:\n"
      "  holdfast evaluate --list\n"
      "  holdfast evaluate --json evaluation.json\n"
      "  holdfast evaluate slow-disk packet-delay --keep\n"
      "  holdfast evaluate --advisor model --model-script hostile --beside evaluation.json\n"
      "\nExit: 0 the aims are met, 1 not, 2 usage, 3 it could not begin.");
}

int run_evaluate(const Console& console, const EvaluateCommand& command) {
  settings::Problems problems;
  const auto all = drill::evaluate::load_cases(command.config + "/evaluate", problems);
  if (!problems.none())
    return fail(console, kUsage, "usage", problems.str(), "name the configuration with --config");
  std::string unknown;
  auto cases = chosen(all, command.only, unknown);
  if (!unknown.empty()) {
    std::vector<std::string> names;
    for (const Case& one : all) names.push_back(one.name);
    const auto close = settings::nearest(unknown, names);
    return fail(
        console, kUsage, "usage", "no case begins with " + settings::in_quotes(unknown),
        close.empty() ? "`holdfast evaluate --list` shows them" : "did you mean " + close + "?");
  }
  if (command.quick) cases = quick(cases);
  if (command.list) {
    print_list(cases, *console.out);
    return kClean;
  }
  drill::evaluate::EvaluateOptions options;
  options.cases = std::move(cases);
  options.groups = groups_for(command, options.cases.size());
  if (!command.part.empty() && !read_part(command.part, options.part, options.groups))
    return fail(console, kUsage, "usage", "--part is I/N with I from 1 to N, as in 2/8", "");
  if (!command.script.empty() && command.advisor != "model")
    return fail(console, kUsage, "usage", "--model-script needs --advisor model", "");
  nlohmann::ordered_json beside;
  if (!command.beside.empty()) {
    std::ifstream file(command.beside);
    beside = nlohmann::ordered_json::parse(file, nullptr, false);
    if (!beside.is_object())
      return fail(console, kUsage, "usage", command.beside + " is no evaluation's JSON", "");
  }
  options.advisor = command.advisor;
  options.script = command.script;
  options.config = command.config;
  options.rate = command.rate;
  options.seed = command.seed;
  options.cluster.folder =
      command.state.empty() ? "build/drills/evaluate-" + std::to_string(::getpid()) : command.state;
  options.cluster.templates = command.config + "/cluster/drill";
  options.cluster.binaries = own_folder();
  options.interrupted = &interrupted;
  options.progress = [&](const std::string& line) { *console.err << line << "\n" << std::flush; };
  ::signal(SIGINT, on_interrupt);
  ::signal(SIGTERM, on_interrupt);
  ::signal(SIGHUP, on_interrupt);
  ::signal(SIGPIPE, SIG_IGN);
  const auto evaluation = drill::evaluate::run_evaluation(options);
  if (!evaluation) return fail(console, kUnreachable, "not_started", evaluation.error().text, "");
  auto report = drill::evaluate::report_of(evaluation.value());
  if (beside.is_object()) drill::evaluate::put_beside(report, beside);
  const bool clean = drill::evaluate::is_clean(report);
  if (command.json_file == "-" || console.json)
    *console.out << report.dump(2) << "\n";
  else
    drill::evaluate::print_report(report, *console.out);
  if (!command.json_file.empty() && command.json_file != "-") {
    std::ofstream file(command.json_file);
    file << report.dump(2) << "\n";
    if (!file.flush())
      return fail(console, kUnreachable, "io", "can't write " + command.json_file, "");
  }
  if (clean && command.state.empty() && !command.keep) {
    std::error_code error;
    std::filesystem::remove_all(options.cluster.folder, error);
  } else {
    *console.err << "logs and records: " << options.cluster.folder << "\n";
  }
  return interrupted ? 130 : clean ? kClean : kNotClean;
}

}  // namespace holdfast::console
