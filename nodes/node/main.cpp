// holdfast-node: the node binary.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>

#include "nodes/node/heap_linux.hpp"
#include "nodes/node/node.hpp"

// What jemalloc reads before main: huge pages throughout, one arena, and what was freed is kept for
// reuse, since giving single pages back would break the huge ones up. See heap_linux.hpp.
[[gnu::visibility("default"), gnu::used]] const char* malloc_conf =
    "thp:always,metadata_thp:always,narenas:1,dirty_decay_ms:-1,muzzy_decay_ms:-1";

int main(int argc, char** argv) {
  using namespace holdfast;
  node::heap_in_one_stretch();  // where it can't be had the heap works as well, and dies slower
  std::string config = "config", name, state_directory;
  std::vector<std::string> venue_ports;
  std::string ingress_port, operator_port;
  bool check = false;
  CLI::App app(
      "A Holdfast node: order entry, order shards with risk and routing, venue gateways, their "
      "journal.\n"
      "Usually started and restarted by holdfast-guard.\n\n"
      "  holdfast-node --config config --check-config\n"
      "  holdfast-node --config config --state-dir /var/lib/holdfast\n\n"
      "SIGTERM: stops intake, logs out at the venues, snapshots, exits 0.\n"
      "Exit: 0 stopped, 1 the actor tree gave up, 2 usage or configuration, 3 a port, file or the "
      "journal\n"
      "can't be had.");
  app.set_version_flag("--version", HOLDFAST_VERSION);
  app.add_option("--config", config,
                 "folder of node.toml, venues.toml, instruments.toml, risk.toml, clients.toml and, "
                 "in a\ncluster, cluster.toml")
      ->capture_default_str();
  app.add_option("--node", name, "overrides node.name: which member of the cluster this is");
  app.add_option("--state-dir", state_directory, "overrides node.state_directory");
  app.add_option("--ingress-port", ingress_port, "overrides ingress.port; 0: any free one");
  app.add_option("--operator-port", operator_port, "overrides operator_api.port; 0: any free one");
  app.add_option("--venue-port", venue_ports, "NAME=PORT, overrides a venue's port; repeatable");
  app.add_flag("--check-config", check, "reads and checks the configuration, and exits");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  settings::Problems problems;
  auto overrides = settings::overrides_from_environment(
      [](const char* name) -> const char* { return std::getenv(name); }, problems);
  const auto port = [](const std::string& text, const char* option, std::optional<uint16_t>& out) {
    if (text.empty()) return true;
    if (auto parsed = settings::parse_port(text)) {
      out = *parsed;
      return true;
    }
    std::fprintf(stderr, "holdfast-node: %s wants a port, 0 to 65535, not '%s'\n", option,
                 text.c_str());
    return false;
  };
  if (!port(ingress_port, "--ingress-port", overrides.ingress_port) ||
      !port(operator_port, "--operator-port", overrides.operator_port))
    return 2;
  for (const auto& text : venue_ports) {
    auto parsed = settings::parse_venue_port(text, overrides.venue_ports);
    if (!parsed) {
      std::fprintf(stderr, "holdfast-node: --venue-port: %s\n", parsed.error().text.c_str());
      return 2;
    }
  }
  if (!name.empty()) overrides.node_name = name;
  if (!state_directory.empty()) overrides.state_directory = state_directory;
  const auto settings = settings::load_settings(config, overrides, problems);
  if (!problems.none()) {
    std::fprintf(stderr, "%s\nholdfast-node: the configuration can't be used\n",
                 problems.str().c_str());
    return 2;
  }
  if (check) {
    std::printf("%s: ok\n", config.c_str());
    return 0;
  }
  return static_cast<int>(node::run_node(settings));
}
