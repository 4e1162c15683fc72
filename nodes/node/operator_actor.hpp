// The node behind the operator API: each question goes to the actors that know, each command to the
// actors that carry it out, and one answer comes back when all have answered or time is up, the
// missing ones named. An actor of the shared workers: it never touches the order path but by
// messages.
#pragma once

#include <functional>
#include <memory>

#include "nodes/node/api/operator_backend.hpp"
#include "nodes/settings/settings.hpp"
#include "supervision/replication/journal/journal_rocksdb.hpp"
#include "supervision/replication/journal/snapshot_maker_linux.hpp"
#include "supervision/runtime/system_actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

/// What the operator's side of a node is made of. Everything outlives the backend.
struct OperatorSetup {
  const settings::Settings* settings = nullptr;
  caf::actor_system* system = nullptr;
  std::shared_ptr<RefRegistry> registry;
  std::function<ActorHandle()> root;  // of the tree; null while it is not there
  replication::JournalRocksdb* journal = nullptr;
  replication::SnapshotMaker* snapshots = nullptr;
  std::function<WallTime()> wall;
  std::function<uint64_t()> loop_progress;
  /// Of a node in a cluster; any thread. Null for a node by itself.
  std::function<operator_api::ReplicaGroupsView()> groups;
  std::function<void(const operator_api::HandOverRequest&, std::function<void(Result<>)>)>
      hand_over;
  std::function<bool()> intake_stopped;  // the disk is nearly full, or the node stops
  WallTime started;
};

/// Makes the backend and its actor. Destroy it before the actor system, after the server that calls
/// it.
std::unique_ptr<operator_api::OperatorBackend> make_operator_backend(OperatorSetup setup);

}  // namespace holdfast::node
