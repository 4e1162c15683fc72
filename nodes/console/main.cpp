// `holdfast`: the operators' command. Parses the command line and hands over to the commands.
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

#include "nodes/console/audit_linux.hpp"
#include "nodes/console/commands_http.hpp"
#include "nodes/console/drill_linux.hpp"
#include "nodes/console/evaluate_linux.hpp"
#include "nodes/console/federation_http.hpp"
#include "nodes/console/guard_linux.hpp"
#include "nodes/console/healing_http.hpp"
#include "nodes/console/policy_linux.hpp"
#include "nodes/console/restore_rocksdb.hpp"
#include "nodes/settings/settings.hpp"

namespace holdfast::console {
namespace {

constexpr const char* kAbout =
    "Looks at and operates a Holdfast node over its operator API.\n\n"
    "Finds the node by itself on its own host: through operator.json in the state directory\n"
    "(--state-dir, HOLDFAST_STATE_DIR, build/state, /var/lib/holdfast). Elsewhere: --url and "
    "--token-file.";
constexpr const char* kFooter =
    "\nExamples:\n"
    "  holdfast health                            is it live, is it ready, and if not why\n"
    "  holdfast tree --watch                      the actor tree, every second\n"
    "  holdfast orders --account M1 --state open  what is working\n"
    "  holdfast order M1/c-42                     one order's whole history\n"
    "  holdfast risk kill --scope account --name M1 --reason \"fat finger\"\n"
    "  holdfast risk reload --dry-run             what the edited risk.toml would change\n"
    "  holdfast venue halt XSIM --reason \"bad prices\"\n"
    "  holdfast incidents                         what is wrong, and what is done about it\n"
    "\nExit: 0 clean, 1 verdict not clean, 2 usage, 3 can't reach, 4 refused by policy or role.\n"
    "`holdfast COMMAND --help` says more about each.";

std::size_t screen_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) return size.ws_col;
  return 120;
}

bool wants_colour() {
  const char* none = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) && !(none && *none) &&
         !(terminal && std::string_view(terminal) == "dumb");
}

volatile std::sig_atomic_t interrupted = 0;

// Runs `show` every `seconds` until it fails in a new way or is interrupted; redraws on a terminal.
int watch(Console& console, double seconds, const std::function<int()>& show) {
  const bool terminal = ::isatty(STDOUT_FILENO);
  std::signal(SIGINT, [](int) { interrupted = 1; });
  int code = kClean;
  while (!interrupted) {
    std::ostringstream page;
    console.out = console.err = &page;
    console.screen.width = screen_width();
    code = show();
    // Home, the page with each line's rest erased, then everything below.
    auto text = page.str();
    if (terminal && !console.json) {
      std::string erased = "\x1b[H";
      for (char c : text) erased += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
      text = erased + "\x1b[J";
    }
    std::cout << text << std::flush;
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (!interrupted && std::chrono::steady_clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return code;
}

int check_config(const Console& console, const std::string& directory) {
  settings::Problems problems;
  const auto overrides = settings::overrides_from_environment(::getenv, problems);
  settings::load_settings(directory, overrides, problems);
  if (console.json) {
    Json list = Json::array();
    for (const auto& problem : problems.sorted())
      list.push_back({{"file", problem.file},
                      {"line", problem.line},
                      {"column", problem.column},
                      {"text", problem.text}});
    *console.out << Json{{"ok", problems.none()}, {"problems", list}}.dump(2) << "\n";
  } else {
    *console.out << (problems.none() ? directory + ": all files are right\n" : problems.str());
  }
  return problems.none() ? kClean : kNotClean;
}

// Where `restore` puts the journal: as named, else as the configuration says.
Result<std::string> journal_directory(const std::string& to, const std::string& config,
                                      const Console& console) {
  if (!to.empty()) return to;
  settings::Problems problems;
  auto overrides = settings::overrides_from_environment(::getenv, problems);
  if (!console.where.state_directory.empty())
    overrides.state_directory = console.where.state_directory;
  const auto loaded = settings::load_settings(config, overrides, problems);
  if (!problems.none())
    return Error{ErrorCode::kInvalid,
                 "the configuration is not right, name the folder with --to:\n" + problems.str()};
  return loaded.node.journal_directory();
}

int restore_backup(const Console& console, const std::string& backup, const std::string& to,
                   const std::string& config) {
  const auto directory = journal_directory(to, config, console);
  if (!directory) return fail(console, kUsage, "usage", directory.error().text, "");
  const auto restored = restore(backup, directory.value());
  if (!restored)
    return fail(console, restored.error().code == ErrorCode::kNotFound ? kUsage : kNotClean,
                "not_restored", restored.error().text, "");
  if (console.json)
    *console.out << Json{{"backup", backup}, {"journal", directory.value()}}.dump(2) << "\n";
  else
    *console.out << "restored " << backup << " to " << directory.value()
                 << "; the node can be started\n";
  return kClean;
}

// Asks the guard and shows what it says. A node that does not run is a verdict that is not clean.
int guard(const Console& console, const GuardRequest& request) {
  const auto directory = guard_directory(console.where.state_directory, console.environment);
  const auto reply = ask_guard(directory, request);
  if (!reply) {
    const bool denied = reply.error().code == ErrorCode::kDenied;
    return fail(console, denied ? kRefused : kUnreachable, denied ? "denied" : "unreachable",
                reply.error().text, "name its state folder with --state-dir or HOLDFAST_STATE_DIR");
  }
  const auto& json = reply.value();
  if (!json.value("ok", false))
    return fail(console, kRefused, json.value("denied", false) ? "denied" : "conflict",
                json.value("error", "the guard refused"),
                "`holdfast guard status` shows its state");
  *console.out << (console.json ? json.dump(2) + "\n" : show_guard(json, console.screen));
  const auto state = json.value("state", "running");
  const bool aimed = request.command == "status" ? state == "running" : true;
  return aimed ? kClean : kNotClean;
}

// One command of the tree below: what CLI11 found, and what to run for it.
using Run = std::function<int(Console&)>;

struct CommandLine {
  CLI::App app{kAbout, "holdfast"};
  Console console;
  Run chosen;
  // Options that several commands share; only one command runs.
  std::string name, path, reason, account, scope, directory, config = "config", to, cluster,
                                                             to_member, domain, metric;
  HandOverOptions hand_over_options;
  OrderFilter orders;
  KillOptions kill;
  DrillCommand drill;
  uint64_t number = 0;
  uint32_t depth = limits::kTreeDepthMax;
  double seconds = 0;
  bool dry_run = false, hold = false;

  CommandLine();
  CLI::App* command(CLI::App* parent, const std::string& word, const std::string& about, Run run);
  void add_reason(CLI::App* command);
  void add_watch(CLI::App* command);
  void add_looking();
  void add_trading();
  void add_venues();
  void add_files();
  void add_guard();
  void add_drills();
  Run watched(Run run);
};

CLI::App* CommandLine::command(CLI::App* parent, const std::string& word, const std::string& about,
                               Run run) {
  auto* command = parent->add_subcommand(word, about);
  command->footer("");
  // The innermost command completes first: `risk kill` before `risk`.
  command->parse_complete_callback([this, run = std::move(run)] {
    if (!chosen) chosen = run;
  });
  return command;
}

void CommandLine::add_reason(CLI::App* command) {
  command->add_option("--reason,-r", reason, "Why; kept in the audit log with your name")
      ->required();
}

Run CommandLine::watched(Run run) {
  return [this, run = std::move(run)](Console& c) {
    return seconds > 0 ? watch(c, seconds, [&] { return run(c); }) : run(c);
  };
}

void CommandLine::add_watch(CLI::App* command) {
  command->add_option("--watch,-w", seconds, "Again every SECONDS (1 when not given) until ^C")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(0.1, 3'600.0))
      ->type_name("[SECONDS]");
}

void CommandLine::add_looking() {
  add_watch(command(&app, "health", "Is the node live and ready, and if not why",
                    watched([](Console& c) { return run_health(c); })));
  auto* tree = command(&app, "tree", "The live actor tree: state, restarts, mailbox, rate",
                       watched([this](Console& c) { return run_tree(c, path, depth); }));
  tree->add_option("PATH", path, "Only below this actor, as in node/orders");
  tree->add_option("--depth,-d", depth, "Levels to show")
      ->check(CLI::Range(uint32_t{1}, static_cast<uint32_t>(limits::kTreeDepthMax)));
  add_watch(tree);
  auto* restart = command(&app, "restart", "Restart one actor from its journal; nothing is lost",
                          [this](Console& c) { return run_restart(c, path, reason); });
  restart->add_option("PATH", path, "The actor, as `holdfast tree` names it: node/orders/shard-0")
      ->required();
  add_reason(restart);
  auto* kill_actor =
      command(&app, "kill-actor", "Kill one actor as if it had crashed, as drills do; it counts",
              [this](Console& c) { return run_kill_actor(c, path, reason); });
  kill_actor->add_option("PATH", path, "The actor: node/orders/shard-0/manager")->required();
  kill_actor->footer(
      "\nIts supervisor restarts it, and gives up when it is killed too often (more than five "
      "times\n"
      "in ten seconds): then the orchestrator decides what is done.\n");
  add_reason(kill_actor);
  add_watch(command(&app, "groups", "Replica groups: who leads, who is in sync, how far all are",
                    watched([](Console& c) { return run_groups(c); })));
  add_watch(command(&app, "orchestrator",
                    "Failures that reached a node's root, and what was decided",
                    watched([](Console& c) { return run_orchestrator(c); })));
  auto* telemetry =
      command(&app, "telemetry", "What the node measures of itself and its host",
              watched([this](Console& c) { return run_telemetry(c, domain, metric); }));
  telemetry->add_option("--domain", domain,
                        "cpu, network, io, execution or http; all if not given");
  telemetry->add_option("--metric", metric, "One metric by its name: system.cpu.utilization");
  add_watch(telemetry);
  auto* hand_over = command(&app, "hand-over", "A planned change of leader: no order is refused",
                            [this](Console& c) {
                              hand_over_options.group = path;
                              hand_over_options.to = to_member;
                              hand_over_options.reason = reason;
                              return run_hand_over(c, hand_over_options);
                            });
  hand_over->add_option("GROUP", path, "The group, as `holdfast groups` names it: orders/0")
      ->required();
  hand_over->add_option("--to", to_member, "The member that shall lead: one that is in sync")
      ->required();
  hand_over->add_flag("--fast", hand_over_options.fast,
                      "The leader does not answer: the asked node, which is --to, fences it and "
                      "takes over");
  hand_over->add_flag("--no-wait", hand_over_options.no_wait, "Don't wait until it is done");
  add_reason(hand_over);
  add_watch(command(&app, "journal", "Journal groups: appended, committed, snapshots, disk",
                    watched([](Console& c) { return run_journal(c); })));
}

void CommandLine::add_trading() {
  auto* list = command(&app, "orders", "Orders, by rising id",
                       watched([this](Console& c) { return run_orders(c, orders); }));
  list->add_option("--account,-a", orders.account, "Of this account");
  list->add_option("--symbol,-s", orders.symbol, "In this symbol");
  list->add_option("--client-order-id", orders.client_order_id, "With this ClOrdID");
  list->add_option("--state", orders.state, "`open`, or a state like PartiallyFilled, Unknown");
  list->add_option("--limit,-n", orders.limit, "At most so many (default 50)")
      ->check(CLI::Range(1, 1'000));
  list->add_option("--after", orders.after, "Go on after this order id (the last page tells it)");
  list->footer(
      "\nExamples:\n"
      "  holdfast orders --account M1 --state open\n"
      "  holdfast orders --state Unknown           what reconciliation has still to settle\n"
      "  holdfast orders --limit 1000 --after 0-4200 --json | jq '.orders[].state'");
  auto* order = command(&app, "order", "One order's whole history",
                        [this](Console& c) { return run_order(c, name); });
  order->add_option("ORDER", name, "Its id (0-42), or ACCOUNT/CLORDID (M1/c-42)")->required();

  auto* risk = command(&app, "risk", "Limits, usage, kills; below: kill, resume, reload",
                       [this](Console& c) { return run_risk(c, account); });
  risk->add_option("--account,-a", account, "Only this account");
  risk->footer(
      "\nExamples:\n"
      "  holdfast risk --account M1\n"
      "  holdfast risk kill --scope account --name M1 --reason \"fat finger\"\n"
      "  holdfast risk kill --scope firm --reduce-only --reason \"desk lost its feed\"\n"
      "  holdfast risk resume --scope account --name M1 --reason \"checked with trader\"\n"
      "  holdfast risk reload --dry-run && holdfast risk reload --reason \"new desk limits\"");
  const auto add_scope = [this](CLI::App* command) {
    command->add_option("--scope", kill.scope, "firm, desk, account or algo")
        ->required()
        ->check(CLI::IsMember({"firm", "desk", "account", "algo"}));
    command->add_option("--name", kill.name, "Whose; not for the firm");
    command->add_flag("--force", kill.force, "Also for a name that risk.toml does not have");
    command->add_option("--reason,-r", kill.reason, "Why; kept in the audit log with your name")
        ->required();
  };
  auto* stop = command(risk, "kill", "Block new orders and cancel open ones at the venues",
                       [this](Console& c) { return run_kill(c, kill); });
  add_scope(stop);
  stop->add_flag("--reduce-only", kill.reduce_only, "Let orders pass that make positions smaller");
  add_scope(command(risk, "resume", "End a kill (approver)",
                    [this](Console& c) { return run_resume(c, kill); }));
  auto* reload = command(risk, "reload", "Read risk.toml again and put it in force (approver)",
                         [this](Console& c) { return run_reload(c, dry_run, reason); });
  reload->add_flag("--dry-run", dry_run, "Only show what would change");
  reload->add_option("--reason,-r", reason, "Why; needed unless --dry-run");
}

void CommandLine::add_venues() {
  add_watch(command(&app, "venues", "FIX sessions: state, numbers, orders",
                    watched([](Console& c) { return run_venues(c); })));
  command(&app, "reconciliation", "Orders of unknown outcome at a venue, and what settled each",
          watched([this](Console& c) { return run_reconciliation(c, name); }))
      ->add_option("VENUE", name, "The venue (default: all)");
  auto* venue = app.add_subcommand("venue", "Operate one venue's session")->require_subcommand(1);
  venue->fallthrough();
  venue->footer(
      "\nExamples:\n"
      "  holdfast venue show XSIM\n"
      "  holdfast venue halt XSIM --reason \"bad prices\"\n"
      "  holdfast venue logout XSIM -r \"numbers disagree\" && holdfast venue set-outbound XSIM 42 "
      "-r \"as agreed\"");
  const auto add = [&](const char* action, const char* about, bool numbered) {
    auto* verb = command(venue, action, about, [this, action, numbered](Console& c) {
      return run_venue(c, name, action, numbered ? std::optional(number) : std::nullopt, reason);
    });
    verb->add_option("NAME", name, "The venue")->required();
    if (numbered) verb->add_option("NUMBER", number, "The MsgSeqNum")->required();
    add_reason(verb);
  };
  command(venue, "show", "Everything about one venue's session",
          [this](Console& c) { return run_venue_show(c, name); })
      ->add_option("NAME", name, "The venue")
      ->required();
  add("halt", "No new orders and replaces; cancels still go", false);
  add("resume", "End a halt", false);
  add("reconnect", "Log out and on again under the same numbers", false);
  add("logout", "Log out and stay out until logon", false);
  add("logon", "End a logout", false);
  add("set-outbound", "Set the next MsgSeqNum out (admin; session down)", true);
  add("set-inbound", "Set the next MsgSeqNum expected (admin; session down)", true);
  add("reset-sequence", "Both numbers to 1 with the next Logon (admin; session down)", false);
}

void CommandLine::add_files() {
  auto* backup = command(&app, "backup", "A consistent copy of the journal, while the node runs",
                         [this](Console& c) { return run_backup(c, directory, reason); });
  backup->add_option("DIR", directory, "Absolute, on the node's host, must not exist")->required();
  backup->add_option("--reason,-r", reason, "Why; kept in the audit log")->default_str("backup");
  add_reason(command(&app, "note", "A line in the node's audit log, for what is done otherwise",
                     [this](Console& c) { return run_note(c, reason); }));
  auto* put_back = command(&app, "restore", "Put a backup in place of a journal; node stopped",
                           [this](Console& c) { return restore_backup(c, directory, to, config); });
  put_back->add_option("DIR", directory, "The backup")->required();
  put_back->add_option("--to", to, "The journal's folder (default: as the configuration says)");
  put_back->footer(
      "\nThe journal's folder must be empty: stop the node and move its old journal away first, it "
      "is\n"
      "never overwritten. Example:\n"
      "  mv build/state/journal build/state/journal.old && holdfast restore /backups/monday");
  put_back->add_option("--config", config, "The configuration's folder (default: config)");
  auto* configuration = app.add_subcommand("config", "Configuration files")->require_subcommand(1);
  configuration->fallthrough();
  command(configuration, "check", "Read all files, list every mistake, start nothing",
          [this](Console& c) { return check_config(c, config); })
      ->add_option("DIR", config, "The configuration's folder (default: config)");
  command(&app, "get", "Any GET of the operator API as JSON: /v1 lists them",
          [this](Console& c) { return run_get(c, path); })
      ->add_option("PATH", path, "As in /v1/orders?account=M1")
      ->required();
}

void CommandLine::add_guard() {
  auto* parent = app.add_subcommand("guard", "The guard that starts, restarts and kills the node")
                     ->require_subcommand(1);
  parent->fallthrough();
  parent->footer(
      "\nAnswers also when the node does not. Examples:\n"
      "  holdfast guard status\n"
      "  holdfast guard fence --reason \"hangs\"          kill -9 and start again\n"
      "  holdfast guard fence --hold -r \"disk repair\"   kill -9 and keep it down until `guard "
      "start`");
  const auto add = [&](const char* word, const char* about) {
    return command(parent, word, about, [this, word](Console& c) {
      return guard(c, {word, reason, hold});
    });
  };
  add("status", "What the node and its guard do");
  auto* fence = add("fence", "Kill the node now; the answer comes when it is dead");
  fence->add_flag("--hold", hold, "Keep it down until `guard start`; else it is started again");
  add_reason(fence);
  add("start", "Start a node that is held or waits");
  add("stop", "Stop the node in order, then the guard");
}

void CommandLine::add_drills() {
  auto* parent = app.add_subcommand("drill",
                                    "Kill and stop real processes while orders flow, and "
                                    "prove that nothing is lost")
                     ->require_subcommand(1);
  parent->footer(
      "\nStarts a cluster of its own: three nodes and a simulated exchange. Examples:\n"
      "  holdfast drill list\n"
      "  holdfast drill run kill-active --count 20\n"
      "  holdfast drill run rolling-restart --from OLD/holdfast-node --to NEW/holdfast-node\n"
      "  holdfast drill run kill-active --cluster DIR -n 1 --confirm --reason \"quarterly test\"\n"
      "  holdfast drill run chaos --duration 10m --seed 7 --json chaos.json");
  const auto add_config = [this](CLI::App* command) {
    command->add_option("--config", drill.config, "The configuration's folder")
        ->capture_default_str();
  };
  add_config(command(parent, "list", "The scenarios",
                     [this](Console& c) { return run_drill_list(c, drill); }));
  auto* run = command(parent, "run", "Run one and print the proof",
                      [this](Console& c) { return run_drill(c, drill); });
  run->add_option("SCENARIO", drill.scenario, "As `drill list` names it")->required();
  add_config(run);
  run->add_option("--target", drill.target, "Whose leader is hit: orders, venue, or both in turn")
      ->check(CLI::IsMember({"orders", "venue", "both"}));
  run->add_option("--arbiter", drill.arbiter,
                  "embedded or etcd (default: embedded, unless the scenario needs the other)")
      ->check(CLI::IsMember({"embedded", "etcd"}));
  run->add_option("--fence", drill.fence, "Whether what is superseded is killed: on or off")
      ->check(CLI::IsMember({"on", "off"}));
  run->add_option("--count,-n", drill.count, "So many times")->check(CLI::Range(1, 100'000));
  run->add_option("--seed", drill.seed, "Of the steps and of the flow")->capture_default_str();
  run->add_option("--duration", drill.duration, "For so long instead: 90s, 10m, 2h");
  run->add_option("--rate", drill.rate, "Requests a second, open loop")
      ->check(CLI::Range(1, 1'000'000));
  run->add_option("--from", drill.from,
                  "The node binary that all start with; each restart of a node swaps it for --to, "
                  "and the next one back");
  run->add_option("--to", drill.to, "See --from: two releases in one cluster while orders flow");
  run->add_option("--state", drill.state,
                  "The drill's folder (default: a fresh one below build/drills)");
  run->add_option("--json", drill.json_file, "The proof as JSON into a file; -: to stdout");
  run->add_flag(
      "--confirm", drill.confirm,
      "With --cluster DIR: do it to that cluster, which runs already and which others use");
  run->add_option("--reason,-r", drill.reason,
                  "With --cluster: why; kept in the audit logs and in the proof");
  run->add_option("--flow", drill.flow,
                  "With --cluster: also send orders, judged by this record of its simulated "
                  "exchange (default: none are sent)");
  run->add_flag("--dry-run", drill.dry_run, "Say what it would hit, start nothing");
  run->add_flag("--required", drill.required, "A skipped drill is a failed one: exit 1");
  run->add_flag("--keep", drill.keep, "Keep the folder of a clean drill too");
}

CommandLine::CommandLine() {
  app.footer(kFooter);
  app.fallthrough();
  app.require_subcommand(1);
  app.set_version_flag("--version", HOLDFAST_VERSION);
  app.add_flag("--json", console.json, "JSON to stdout instead of text");
  app.add_option("--url", console.where.url, "The node's operator API, http://HOST:PORT");
  app.add_option("--token-file", console.where.token_file, "The file that holds your token");
  app.add_option("--as", console.where.as, "Which token, by its name, when the file has several");
  app.add_option("--state-dir", console.where.state_directory, "The node's state directory");
  app.add_option(
      "--cluster", cluster,
      "Ask every node of the cluster of this configuration folder: health, tree, venues, "
      "orders, risk; or aim a drill at it");
  add_looking();
  add_trading();
  add_venues();
  add_files();
  add_guard();
  add_drills();
  const auto add = [this](auto... words) { return command(std::move(words)...); };
  const auto add_watched = [this](CLI::App* parent, const std::string& word,
                                  const std::string& about, Run run) {
    auto* added = command(parent, word, about, watched(std::move(run)));
    add_watch(added);
    return added;
  };
  add_healing_commands(app, {add, add_watched});
  add_policy_commands(app, add);
  add_audit_commands(app, add);
  add_evaluate_command(app, add);
}

// The first word that should be a command and is none; "" when there is no such word.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const bool takes_value = word == "--url" || word == "--token-file" || word == "--as" ||
                             word == "--state-dir" || word == "--cluster";
    if (takes_value) ++i;
    if (takes_value || word.starts_with('-')) continue;
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
      if (command->get_name() == word) return "";
    return std::string(word);
  }
  return "";
}

int usage(const CLI::App& app, const std::string& text, const std::string& unknown) {
  std::vector<std::string> names;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(command->get_name());
  const auto close = unknown.empty() ? "" : settings::nearest(unknown, names);
  std::cerr << "holdfast: "
            << (unknown.empty() ? text : "there is no command " + settings::in_quotes(unknown))
            << "\n  "
            << (close.empty() ? "`holdfast --help` shows the commands"
                              : "did you mean " + close + "?")
            << "\n";
  return kUsage;
}

// Commands that look may be asked of all nodes; those that act name their node.
int run_on_cluster(CommandLine& line) {
  if (!line.drill.scenario.empty()) {
    line.drill.cluster = line.cluster;
    return line.chosen(line.console);
  }
  static const std::set<std::string> kLooks = {"health", "tree", "venues", "orders", "risk"};
  const auto* command = line.app.get_subcommands().front();
  if (!kLooks.contains(command->get_name()) || !command->get_subcommands().empty())
    return usage(line.app, "--cluster goes with health, tree, venues, orders and risk", "");
  if (!line.console.where.url.empty() || !line.console.where.state_directory.empty())
    return usage(line.app, "--cluster finds the nodes by itself; leave out --url and --state-dir",
                 "");
  const auto cluster = read_cluster(line.cluster);
  if (!cluster) return fail(line.console, kUsage, "usage", cluster.error().text, "");
  const auto once = [&] { return run_on_all(line.console, cluster.value(), line.chosen); };
  const double every = std::exchange(line.seconds, 0);
  return every > 0 ? watch(line.console, every, once) : once();
}

int run(int argc, char** argv) {
  CommandLine line;
  auto& console = line.console;
  try {
    line.app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return line.app.exit(error);
    return usage(line.app, error.what(), unknown_command(line.app, argc, argv));
  }
  if (line.reason.empty())
    line.reason = line.dry_run ? "dry run" : line.directory.empty() ? "" : "backup";
  console.environment = [](const char* name) { return ::getenv(name); };
  console.screen = {screen_width(), wants_colour()};
  console.out = &std::cout;
  console.err = &std::cerr;
  return line.cluster.empty() ? line.chosen(console) : run_on_cluster(line);
}

}  // namespace
}  // namespace holdfast::console

int main(int argc, char** argv) {
  try {
    return holdfast::console::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "holdfast: " << error.what() << "\n";
    return holdfast::console::kNotClean;
  }
}
