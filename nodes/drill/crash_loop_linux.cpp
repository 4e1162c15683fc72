// A crash loop: the actor that leads a group is killed, by the operator's command, as often as its
// supervisor starts it again. The supervisor gives up, the orchestrator decides; the second time
// within a minute it has another member lead. That is what is waited for.
#include <algorithm>

#include "nodes/drill/steps_linux.hpp"

namespace holdfast::drill {

using drills::Fault;

bool needs_mesh(Fault fault) { return fault == Fault::kCrashLoop; }

namespace {

constexpr Duration kDecided = Duration::seconds(30);
constexpr std::size_t kKillsMax = 200;

/// Whose end stops the group's work on that node.
std::string actor_of(const Run& run) {
  const std::string& group = run.disturbance.group;
  if (run.disturbance.shard)
    return "node/orders/shard-" + std::to_string(*run.disturbance.shard) + "/manager";
  return "node/venues/" + group.substr(group.find('/') + 1);
}

/// None where the node did not answer.
nlohmann::json decisions_in(const nlohmann::json& view) {
  return view.is_object() ? view.value("decisions", nlohmann::json::array())
                          : nlohmann::json::array();
}

/// The last decision's number; zero: none.
uint64_t last_decision(const nlohmann::json& view) {
  uint64_t last = 0;
  for (const auto& one : decisions_in(view))
    last = std::max(last, one.value("number", uint64_t{0}));
  return last;
}

struct Seen {
  std::string words;      // of all decisions
  bool promoted = false;  // one of them had another member lead, and it does
  bool failed = false;
};

Seen decisions_after(const nlohmann::json& view, uint64_t before, const std::string& member) {
  Seen seen;
  for (const auto& one : decisions_in(view)) {
    if (one.value("number", uint64_t{0}) <= before || one.value("member", "") != member) continue;
    const auto remedy = one.value("remedy", ""), target = one.value("target", "");
    const auto outcome = one.value("outcome", "");
    seen.words += (seen.words.empty() ? "" : ", ") + remedy + (target.empty() ? "" : " " + target) +
                  " " + outcome;
    seen.promoted |= remedy == "promote" && outcome == "done";
    seen.failed |= outcome == "failed" || remedy == "halt";
  }
  return seen;
}

}  // namespace

bool Steps::crash_loop(Run& run, uint32_t leader) {
  const Node& node = cluster_.node(leader);
  const std::string path = actor_of(run);
  run.what = "crash loop of " + path + " at " + node.name;
  const auto before = last_decision(cluster_.ask(node, {"get", "/v1/orchestrator"}));
  begins(run);
  const MonoTime until = now().mono + kDecided;
  std::size_t kills = 0;
  Seen seen;
  while (!seen.promoted && !seen.failed) {
    if (now().mono > until || kills > kKillsMax || hooks_.interrupted()) break;
    // Refused while it is being started again; once another leads it is no longer killed.
    if (cluster_.view().leader(run.disturbance.group) == leader)
      kills +=
          cluster_.ask_for_all(node, {"kill-actor", path, "--reason", hooks_.reason}).code == 0;
    hooks_.wait(Duration::milliseconds(5));
    seen = decisions_after(cluster_.ask(node, {"get", "/v1/orchestrator"}), before, node.name);
  }
  run.what += ", killed " + std::to_string(kills) +
              " times: " + (seen.words.empty() ? "nothing was decided" : seen.words);
  return seen.promoted && !seen.failed;
}

}  // namespace holdfast::drill
