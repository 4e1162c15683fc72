// holdfast-guard: starts a node, restarts it, fences it, and notices when it hangs; or talks to the
// guard that does.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>

#include "nodes/guard/control_linux.hpp"
#include "nodes/guard/guard_linux.hpp"

namespace {

using namespace holdfast;

/// How long a take-over by the other nodes has the processors of a shared machine to itself.
constexpr int64_t kClusterRestartMs = 60;

/// Whether other nodes take over from the one that is configured by this file or folder.
bool is_clustered(const std::string& config) {
  namespace fs = std::filesystem;
  std::error_code ec;
  const fs::path path(config);
  return fs::exists((fs::is_directory(path, ec) ? path : path.parent_path()) / "cluster.toml", ec);
}

// Exit codes: 0 clean, 1 not clean, 2 usage, 3 can't reach, 4 refused.
int code_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalid:
      return 2;
    case ErrorCode::kUnavailable:
      return 3;
    case ErrorCode::kDenied:
    case ErrorCode::kConflict:
      return 4;
    default:
      return 1;
  }
}

int fail(const Error& error) {
  std::fprintf(stderr, "holdfast-guard: %s\n", error.text.c_str());
  return code_of(error);
}

void print_plainly(const nlohmann::json& reply) {
  for (const auto& [key, value] : reply.items())
    if (key != "ok" && !value.empty())
      std::cout << key << ": " << (value.is_string() ? value.get<std::string>() : value.dump())
                << "\n";
}

int ask(const std::string& state_dir, nlohmann::json request, bool as_json, Duration timeout) {
  const auto reply = ask_guard(state_dir, std::move(request), timeout);
  if (!reply.ok()) return fail(reply.error());
  const auto& json = reply.value();
  if (as_json)
    std::cout << json.dump() << "\n";
  else
    print_plainly(json);
  if (json.value("denied", false)) return 4;
  if (!json.value("ok", false)) return 4;
  return json.value("state", "running") == "running" || json.value("dead", false) ||
                 json.value("state", "") == "done"
             ? 0
             : 1;
}

int guard(const GuardSettings& settings) {
  if (::access(settings.node_binary.c_str(), X_OK) != 0)
    return fail({ErrorCode::kInvalid, "no program at " + settings.node_binary});
  if (::access(settings.config.c_str(), R_OK) != 0)
    return fail({ErrorCode::kInvalid, "can't read the configuration " + settings.config});
  Guard::block_signals();
  auto guard = Guard::open(settings);
  if (!guard.ok()) return fail(guard.error());
  return guard.value()->run();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Guards one node: starts it, restarts it with backoff, kills it on command or when it "
      "hangs.\n"
      "The node outlives a guard that dies; the next guard of the same state directory adopts it."};
  GuardSettings settings;
  int64_t hang_ms = settings.hang_timeout.ms();
  int64_t stop_ms = settings.policy.stop_timeout.ms();
  int64_t first_ms = settings.policy.backoff.first.ms();
  int64_t longest_ms = settings.policy.backoff.longest.ms();
  int64_t restart_ms = -1;
  int64_t stable_ms = settings.policy.backoff.stable_after.ms();
  int64_t log_mib = 16;
  auto* binary = app.add_option("--node-binary", settings.node_binary, "the node's program");
  auto* config = app.add_option("--config", settings.config, "handed to the node as --config FILE");
  std::string state_dir;
  auto* directory = app.add_option(
      "--state-dir", state_dir, "where the guard keeps its lock, token, socket and the node's log");
  app.add_option("--hang-timeout-ms", hang_ms, "no progress for so long: SIGKILL; 0: never")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--stop-timeout-ms", stop_ms, "from SIGTERM to SIGKILL at the end")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--backoff-first-ms", first_ms, "delay before the second restart in a row")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option(
         "--restart-after-ms", restart_ms,
         "at least so long before any restart (default: " + std::to_string(kClusterRestartMs) +
             " where the configuration has a cluster.toml, since others take over "
             "meanwhile; else 0)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--backoff-longest-ms", longest_ms, "longest delay between restarts")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--stable-after-ms", stable_ms,
                 "a node that ran so long is restarted at once again")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--alarm-restarts", settings.policy.intensity.restarts,
                 "more restarts than this in a minute: alarm, and only the longest delay")
      ->capture_default_str();
  app.add_option("--log-mib", log_mib, "the node's log is rotated above this size")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  app.add_flag("--foreground-logs", settings.foreground_logs,
               "the node writes to this terminal instead of STATE_DIR/node.log");
  app.add_option("--node-env", settings.node_environment,
                 "NAME=VALUE in the node's environment, not in the guard's own; repeatable")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->check([](const std::string& text) {
        const auto at = text.find('=');
        return at == 0 || at == std::string::npos ? "expected NAME=VALUE" : "";
      });
  app.add_option("node-arguments", settings.node_arguments,
                 "after --: handed to the node as they are");
  app.footer(
      "Exit: 0 the node ended cleanly or was stopped, 2 usage or the node refuses its "
      "configuration,\n"
      "3 no guard can be reached, 4 refused. `status` exits 1 when the node does not run.");

  bool as_json = false;
  bool hold = false;
  std::string reason = "by operator";
  int64_t timeout_ms = 60'000;
  std::string client_dir;
  auto client = [&](const char* name, const char* what) {
    auto* command = app.add_subcommand(name, what);
    command->add_option("--state-dir", client_dir, "the guard's state directory")->required();
    command->add_flag("--json", as_json, "one JSON object on stdout");
    command->add_option("--timeout-ms", timeout_ms, "how long to wait for the answer")
        ->capture_default_str()
        ->check(CLI::PositiveNumber);
    return command;
  };
  auto* status = client("status", "What the node and its guard do");
  auto* fence = client("fence", "Kill the node now; the answer comes when it is dead");
  fence->add_flag("--hold", hold, "keep it down until `start`; else it is started again");
  fence->add_option("--reason", reason, "for the log");
  auto* start = client("start", "Start a node that is held or waits");
  auto* stop = client("stop", "Stop the node, then the guard");
  app.require_subcommand(0, 1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int shown = app.exit(error);
    return shown == 0 ? 0 : 2;
  }
  const Duration timeout = Duration::milliseconds(timeout_ms);
  if (status->parsed()) return ask(client_dir, {{"command", "status"}}, as_json, timeout);
  if (fence->parsed())
    return ask(client_dir, {{"command", "fence"}, {"hold", hold}, {"reason", reason}}, as_json,
               timeout);
  if (start->parsed()) return ask(client_dir, {{"command", "start"}}, as_json, timeout);
  if (stop->parsed()) return ask(client_dir, {{"command", "stop"}}, as_json, timeout);

  for (auto* needed : {binary, config, directory})
    if (needed->count() == 0) {
      std::fprintf(stderr, "holdfast-guard: %s is needed (see --help)\n",
                   needed->get_name().c_str());
      return 2;
    }
  settings.state_dir = state_dir;
  settings.hang_timeout = Duration::milliseconds(hang_ms);
  settings.policy.stop_timeout = Duration::milliseconds(stop_ms);
  settings.policy.backoff.first = Duration::milliseconds(first_ms);
  settings.policy.backoff.longest = Duration::milliseconds(std::max(first_ms, longest_ms));
  if (restart_ms < 0) restart_ms = is_clustered(settings.config) ? kClusterRestartMs : 0;
  settings.policy.restart_after = Duration::milliseconds(restart_ms);
  settings.policy.backoff.stable_after = Duration::milliseconds(stable_ms);
  settings.log_bytes_max = static_cast<uint64_t>(log_mib) << 20;
  try {
    return guard(settings);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "holdfast-guard: %s\n", bug.what());
    return 1;
  }
}
