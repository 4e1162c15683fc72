// The supervisor as an actor: it makes children by their factories, monitors them, and carries out
// what SupervisorCore decides. It lives on a loop or on the shared workers alike, holds no business
// state, and answers inspection and operator's commands for its whole subtree.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "supervision/runtime/actor.hpp"
#include "supervision/tree/child_spec.hpp"
#include "supervision/tree/ref_registry_actor.hpp"
#include "supervision/tree/tree_node.hpp"

namespace holdfast {

/// One event of a supervisor, for the log: stable `event` name, child's path (or the supervisor's
/// own).
struct SupervisorEvent {
  std::string path;
  std::string event;
  std::string text;
  bool alarm = false;      // a human must look
  std::string cause = {};  // supervisor_escalated: path of the child whose failure was too much
};

/// What a child's factory is told.
struct ChildContext {
  caf::actor_system& system;
  std::string path;         // of the child: "node/orders/shard-0"
  std::string parent_path;  // of its supervisor: "node/orders"
  ActorHandle supervisor;
  std::shared_ptr<RefRegistry> registry;  // null where the setup has none
  uint64_t restarts = 0;                  // how often this child was restarted before
  std::function<void(const SupervisorEvent&)> on_event = {};  // the supervisor's, to be inherited
  std::function<uint64_t()> random = {};                      // null: none was set
};

/// Makes a child: spawns it and returns it. Runs in the supervisor; may throw or return null, which
/// is a failed start. Must not block.
using ChildFactory = std::function<ActorHandle(const ChildContext&)>;

/// A child of a supervisor.
struct ChildDefinition {
  ChildSpec spec;
  ChildFactory make;
};

/// How to make a supervisor.
struct SupervisorSetup {
  std::string path;  // its own: "node" for a root; children of supervisor_child get theirs
  SupervisorSpec spec = {};
  std::vector<ChildDefinition> children = {};
  /// simple_one_for_one: makes the children that AddChild names.
  ChildFactory make = {};
  /// Hears every event, in the supervisor's thread. Inherited by supervisor_child where unset.
  std::function<void(const SupervisorEvent&)> on_event = {};
  /// Any number, equally distributed, for jitter. Inherited; by default a fixed sequence by path.
  std::function<uint64_t()> random = {};
  /// Where children are found by path. Inherited.
  std::shared_ptr<RefRegistry> registry = {};
};

/// Asks a supervisor to add a child at run time, made by `SupervisorSetup::make`. The answer is the
/// child's ActorHandle, or an error with the reason in words.
struct AddChild {
  ChildSpec spec;
};

/// Spawns a supervisor on the shared workers, or on `loop` where given. CHECKs that the setup is
/// valid. Stop it by `send_shutdown`: it stops its children in reverse order and ends with
/// kShutdown; it ends with kError when it gives up. If it is killed, so are its children.
ActorHandle spawn_supervisor(caf::actor_system& system, SupervisorSetup setup,
                             EventLoop* loop = nullptr);

/// A supervisor as a child of another: its path is made from its id, what the setup leaves unset is
/// inherited, its shutdown timeout is kWaitForever.
ChildDefinition supervisor_child(std::string id, SupervisorSetup setup, EventLoop* loop = nullptr,
                                 RestartKind restart = RestartKind::kPermanent);

}  // namespace holdfast

HOLDFAST_LOCAL_MESSAGE(holdfast::TreeNode)
HOLDFAST_LOCAL_MESSAGE(holdfast::TreeQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::LeafQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::LeafPage)
HOLDFAST_LOCAL_MESSAGE(holdfast::TreeCommand)
HOLDFAST_LOCAL_MESSAGE(holdfast::TreeReply)
HOLDFAST_LOCAL_MESSAGE(holdfast::AddChild)
