// The self-healing loop on this node: agents that look, an advisor that is asked, an executor that
// carries remedies out, an audit that keeps what happened, and the ways between them and the
// orchestrator's actor, here or on the node that leads it. It decides nothing. If all of it dies,
// trading and take-overs do not notice.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "nodes/node/cluster_actor.hpp"
#include "nodes/node/healing/trading_state.hpp"
#include "supervision/orchestrator/orchestrator_actor.hpp"
#include "supervision/orchestrator/remediation/ledger.hpp"
#include "supervision/runtime/mesh.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

/// Topics of the mesh; what begins with one of the last two is for that part.
inline constexpr const char* kHealingTopic = "healing";         // commands, to who leads
inline constexpr const char* kRemedyStepTopic = "remedy-step";  // to a step's executor
inline constexpr const char* kAuditTopics = "audit-";
inline constexpr const char* kMeasureTopics = "measure-";

/// Everything must outlive the part.
struct HealingParts {
  const settings::Settings& settings;
  EventLoop& loop;  // the hot one: the orchestrator's and the executor's
  std::shared_ptr<RefRegistry> registry;
  std::function<ActorHandle()> root;  // of the tree
  std::shared_ptr<TradingState> trading;
};

class HealingPart {
 public:
  explicit HealingPart(HealingParts parts);
  ~HealingPart();
  HealingPart(const HealingPart&) = delete;
  HealingPart& operator=(const HealingPart&) = delete;

  /// Of a member of a cluster, before the tree starts. `mesh` may be null: then nothing goes to
  /// other nodes.
  void join(ClusterPart& cluster, std::weak_ptr<Mesh> mesh);
  /// For the orchestrator's actor; nothing where healing is off.
  std::optional<orchestrator::HealingMeans> means();
  /// Children of the tree's root; none where healing is off.
  std::vector<ChildDefinition> children();
  /// A word of the mesh, on any thread. False: it is for somebody else.
  bool take(const std::string& from, const std::string& topic, const std::string& bytes);

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace holdfast::node
