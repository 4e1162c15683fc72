#include "nodes/console/drill_linux.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iomanip>
#include <ostream>

#include "nodes/drill/foreign_linux.hpp"
#include "nodes/drill/proof_linux.hpp"
#include "nodes/drill/scenario_toml.hpp"

namespace holdfast::console {

namespace {

std::atomic<bool> interrupted{false};
void on_interrupt(int) { interrupted.store(true, std::memory_order_relaxed); }

std::string scenarios_of(const DrillCommand& command) { return command.config + "/drills"; }

/// All scenarios, or the exit code once the reason is told.
std::optional<std::vector<drills::Scenario>> scenarios(const Console& console,
                                                       const DrillCommand& command) {
  settings::Problems problems;
  auto all = drill::load_scenarios(scenarios_of(command), problems);
  if (problems.none()) return all;
  fail(console, kUsage, "usage", problems.str(), "name the configuration with --config");
  return std::nullopt;
}

/// "90s", "10m", "2h".
std::optional<Duration> duration_of(const std::string& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, static_cast<const char*>(text.data() + text.size()));
  const int64_t seconds = unit == "s" ? 1 : unit == "m" ? 60 : unit == "h" ? 3'600 : 0;
  if (error != std::errc() || number < 1 || number > 100'000 || seconds == 0) return std::nullopt;
  return Duration::seconds(number * seconds);
}

std::string own_folder() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "." : program.parent_path().string();
}

void dry_run(const Console& console, const drill::DrillOptions& options) {
  const auto& s = options.scenario;
  *console.out << s.name << ": " << s.about << "\n  starts three nodes and a simulated exchange in "
               << options.cluster.folder << ", sends " << s.rate << " requests a second, and ";
  if (options.duration.ns)
    *console.out << "for " << options.duration.ns / 1'000'000'000 << " s";
  else
    *console.out << s.count << " times";
  *console.out << " (seed " << options.seed << "):\n";
  drills::Planner planner(s, 2, options.seed);
  const uint32_t shown = options.duration.ns ? 10 : std::min(s.count, 10u);
  for (uint32_t n = 1; n <= shown; ++n) {
    const auto step = planner.next();
    *console.out << "  " << std::setw(3) << n << "  " << drills::name_of(step.fault)
                 << " at whoever leads "
                 << (step.aim == drills::Aim::kVenue ? "the venue's group"
                                                     : "orders/" + std::to_string(step.shard))
                 << ", " << step.pause.ms() << " ms after the set is whole\n";
  }
  if (options.duration.ns || s.count > shown) *console.out << "  and so on\n";
  *console.out << "Nothing else is touched; nothing was started.\n";
}

/// What is wrong with a drill at a cluster that runs already, told; nothing when it may begin.
std::optional<int> check_foreign(const Console& console, const DrillCommand& command,
                                 const drill::DrillOptions& options) {
  if (const auto why = drill::why_not_foreign(options.scenario); !why.empty())
    return fail(
        console, kUsage, "usage",
        options.scenario.name + " is not for clusters that run already: " + why,
        "kill-active, kill-standby, stop-and-resume-active, planned-transfer and crash-loop "
        "are; without --cluster a drill starts one of its own");
  if (!command.arbiter.empty() || command.fence != "on" || !command.from.empty())
    return fail(console, kUsage, "usage",
                "--arbiter, --fence, --from and --to are how a drill starts a cluster of its own",
                "leave them out with --cluster");
  if (!command.flow.empty() && ::access(command.flow.c_str(), R_OK) != 0)
    return fail(console, kUsage, "usage", "--flow: can't read " + command.flow,
                "it is the file that holdfast-venue --record writes");
  const bool asked = command.confirm && !command.reason.empty();
  if (asked && !command.dry_run) {
    const auto note = ReasonText::parse(drill::note_of(options));
    if (note) return std::nullopt;
    return fail(console, kUsage, "usage", "--reason: " + note.error().text, "");
  }
  const auto hits = drill::describe_foreign(options.cluster);
  const auto what =
      (options.duration.ns ? "for " + std::to_string(options.duration.ns / 1'000'000'000) + " s"
       : options.scenario.count == 1 ? "once"
                                     : std::to_string(options.scenario.count) + " times") +
      " on " + options.cluster.foreign + " (" + options.scenario.about + "):\n" +
      (hits ? hits.value() : "  nothing, since it can't begin: " + hits.error().text + "\n");
  if (command.dry_run) {
    *console.out << "would be hit " << what << "Nothing was done.\n";
    return hits ? kClean : kUnreachable;
  }
  return fail(console, kUsage, "not_confirmed", "nothing was done. Would be hit " + what,
              "say --confirm and --reason TEXT if that is meant");
}

}  // namespace

int run_drill_list(const Console& console, const DrillCommand& command) {
  const auto all = scenarios(console, command);
  if (!all) return kUsage;
  if (console.json) {
    Json list = Json::array();
    for (const auto& s : *all)
      list.push_back({{"scenario", s.name},
                      {"about", s.about},
                      {"target", drills::name_of(s.aim)},
                      {"count", s.count},
                      {"rate", s.rate}});
    *console.out << Json{{"scenarios", list}}.dump(2) << "\n";
    return kClean;
  }
  std::size_t widest = 0;
  for (const auto& s : *all) widest = std::max(widest, s.name.size());
  for (const auto& s : *all)
    *console.out << std::left << std::setw(static_cast<int>(widest) + 2) << s.name << s.about
                 << "\n";
  return kClean;
}

int run_drill(const Console& console, const DrillCommand& command) {
  const auto all = scenarios(console, command);
  if (!all) return kUsage;
  const auto found = std::find_if(all->begin(), all->end(),
                                  [&](const auto& s) { return s.name == command.scenario; });
  if (found == all->end()) {
    std::vector<std::string> names;
    for (const auto& s : *all) names.push_back(s.name);
    const auto close = settings::nearest(command.scenario, names);
    return fail(console, kUsage, "usage",
                "there is no scenario " + settings::in_quotes(command.scenario) +
                    (close.empty() ? "" : "; did you mean " + close + "?"),
                "`holdfast drill list` shows them");
  }
  drill::DrillOptions options;
  options.scenario = *found;
  if (!command.target.empty()) options.scenario.aim = *drills::aim_named(command.target);
  if (!command.cluster.empty()) options.scenario.count = 1;  // unless more are asked for
  if (command.count) options.scenario.count = command.count;
  if (command.rate) options.scenario.rate = command.rate;
  options.seed = command.seed;
  options.cluster.etcd = command.arbiter.empty() ? found->etcd : command.arbiter == "etcd";
  options.cluster.fence = command.fence == "on";
  if (command.from.empty() != command.to.empty())
    return fail(console, kUsage, "usage", "--from and --to go together: the node's two builds", "");
  for (const auto& binary : {command.from, command.to})
    if (!binary.empty() && ::access(binary.c_str(), X_OK) != 0)
      return fail(console, kUsage, "usage", binary + " is no program that can be run",
                  "tests/drills/older-build makes the node of an earlier commit");
  const auto restarts = [](drills::Fault fault) { return fault == drills::Fault::kRestartNode; };
  if (!command.from.empty() && std::none_of(found->faults.begin(), found->faults.end(), restarts))
    return fail(console, kUsage, "usage",
                "--from and --to need a scenario that restarts nodes, as rolling-restart does", "");
  options.cluster.from = command.from;
  options.cluster.to = command.to;
  if (!command.duration.empty()) {
    const auto duration = duration_of(command.duration);
    if (!duration)
      return fail(console, kUsage, "usage",
                  "--duration expects 90s, 10m or 2h, not " + settings::in_quotes(command.duration),
                  "");
    options.duration = *duration;
  }
  options.cluster.folder = command.state.empty() ? "build/drills/" + options.scenario.name + "-" +
                                                       std::to_string(::getpid())
                                                 : command.state;
  options.cluster.templates = command.config + "/cluster/drill";
  options.cluster.binaries = own_folder();
  options.interrupted = &interrupted;
  options.progress = [&](const std::string& line) { *console.err << line << "\n" << std::flush; };
  options.cluster.foreign = command.cluster;
  options.cluster.token_file = console.where.token_file;
  options.cluster.as = console.where.as;
  options.reason = command.reason;
  options.flow_record = command.flow;
  const bool foreign = !command.cluster.empty();
  if (foreign) {
    if (const auto told = check_foreign(console, command, options)) return *told;
  } else if (command.confirm || !command.reason.empty() || !command.flow.empty()) {
    return fail(console, kUsage, "usage", "--confirm, --reason and --flow go with --cluster DIR",
                "without it a drill starts a cluster of its own");
  }
  options = drill::complete(std::move(options));
  if (command.dry_run) {
    dry_run(console, options);
    return kClean;
  }
  ::signal(SIGINT, on_interrupt);
  ::signal(SIGTERM, on_interrupt);
  ::signal(SIGHUP, on_interrupt);  // a stopped node is not left behind with a lost terminal
  ::signal(SIGPIPE, SIG_IGN);
  const auto outcome = drill::run_drill(options);
  if (!outcome)
    return fail(console, outcome.error().code == ErrorCode::kDenied ? kRefused : kUnreachable,
                "not_started", outcome.error().text, "");
  const auto proof = drill::proof_of(options, outcome.value());
  const bool clean = drill::is_clean(proof);
  const bool skipped = !outcome.value().skipped.empty();
  if (command.json_file == "-" || console.json) {
    *console.out << proof.dump(2) << "\n";
  } else {
    drill::print_proof(proof, *console.out);
    if (!clean && !skipped)
      *console.out << "  logs, records and histories: " << options.cluster.folder << "\n";
  }
  if (foreign) {
    std::ofstream kept(options.cluster.folder + "/proof.json");
    kept << proof.dump(2) << "\n";
    if (!kept.flush())
      return fail(console, kUnreachable, "io", "can't keep the proof in " + options.cluster.folder,
                  "");
    *console.err << "the proof is kept in " << options.cluster.folder << "/proof.json\n";
  }
  if (!command.json_file.empty() && command.json_file != "-") {
    std::ofstream file(command.json_file);
    file << proof.dump(2) << "\n";
    if (!file.flush())
      return fail(console, kUnreachable, "io", "can't write " + command.json_file, "");
  }
  if (clean && !foreign && !command.keep && command.state.empty()) {
    std::error_code error;
    std::filesystem::remove_all(options.cluster.folder, error);
  }
  if (outcome.value().interrupted) return 128 + SIGINT;
  return clean || (skipped && !command.required) ? kClean : kNotClean;
}

}  // namespace holdfast::console
