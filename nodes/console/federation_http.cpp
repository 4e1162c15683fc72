#include "nodes/console/federation_http.hpp"

#include <algorithm>
#include <filesystem>
#include <ostream>
#include <sstream>

#include "nodes/settings/settings.hpp"

namespace holdfast::console {
namespace {

/// The console of one member: what is said about the node on the command line or in the environment
/// is another node's, but for who we are.
Console console_of(const Console& console, const settings::ClusterMember& member) {
  Console one = console;
  one.where.url = member.operator_api ? "http://" + to_text(*member.operator_api) : "";
  one.where.state_directory = member.state_directory;
  one.environment = [get = console.environment](const char* name) -> const char* {
    const std::string_view asked = name;
    return asked == "HOLDFAST_URL" || asked == "HOLDFAST_STATE_DIR" ? nullptr : get(name);
  };
  return one;
}

bool findable(const settings::ClusterMember& member) {
  return member.operator_api || !member.state_directory.empty();
}

}  // namespace

Result<settings::ClusterSettings> read_cluster(const std::string& place) {
  std::error_code error;
  const auto folder = std::filesystem::is_directory(place, error)
                          ? place
                          : std::filesystem::path(place).parent_path().string();
  settings::Problems problems;
  settings::Overrides overrides;
  // Whoever looks is none of the members, so any one's view of the folder does.
  auto loaded = settings::load_settings(folder.empty() ? "." : folder, overrides, problems);
  if (loaded.cluster && !loaded.cluster->members.empty() && loaded.self() == nullptr) {
    problems = {};
    overrides.node_name = loaded.cluster->members.front().name;
    loaded = settings::load_settings(folder.empty() ? "." : folder, overrides, problems);
  }
  if (!problems.none())
    return Error{ErrorCode::kInvalid, place + " can't be used:\n" + problems.str()};
  if (!loaded.cluster)
    return Error{ErrorCode::kInvalid,
                 place + ": there is no cluster.toml, so this is no cluster's"};
  return std::move(*loaded.cluster);
}

int run_on_all(const Console& console, const settings::ClusterSettings& cluster,
               const std::function<int(Console&)>& command) {
  int gravest = kClean;
  bool unreachable = false;
  Json nodes = Json::array();
  for (const auto& member : cluster.members) {
    const auto role = std::string(replication::to_text(member.role));
    std::ostringstream out, err;
    auto one = console_of(console, member);
    one.out = &out;
    one.err = &err;
    const int code =
        findable(member)
            ? command(one)
            : fail(one, kUnreachable, "no_node",
                   "cluster.toml names neither operator nor state_directory of " + member.name,
                   "add one of them to its [[member]]");
    gravest = std::max(gravest, code);
    unreachable = unreachable || code == kUnreachable;
    if (console.json) {
      auto answer = Json::parse(out.str(), nullptr, false);
      nodes.push_back({{"node", member.name},
                       {"member", member.id.value},
                       {"role", role},
                       {"code", code},
                       {"answer", answer.is_discarded() ? Json() : std::move(answer)}});
    } else {
      *console.out << "== " << member.name << " (member " << member.id.value << ", " << role << ")"
                   << (code == kUnreachable ? ": DOES NOT ANSWER" : "") << "\n"
                   << out.str() << err.str();
    }
  }
  if (console.json)
    *console.out << Json{{"cluster", cluster.name}, {"nodes", std::move(nodes)}}.dump(2) << "\n";
  *console.out << std::flush;
  return unreachable ? static_cast<int>(kUnreachable) : gravest;
}

}  // namespace holdfast::console
