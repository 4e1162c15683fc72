// The mesh of this node: on loopback as it is, elsewhere through tunnels under TLS, with a thread
// of its own, so that neither handshakes nor dialling ever hold up an order.
#pragma once

#include <memory>

#include "nodes/settings/settings.hpp"
#include "supervision/runtime/mesh_actor.hpp"
#include "supervision/tree/ref_registry_actor.hpp"

namespace holdfast::node {

/// What of the mesh is for the orchestrator's actor.
inline constexpr const char* kOrchestratorTopic = "orchestrator";

/// What the actor system needs to be part of the mesh; nothing where cluster.toml names none.
std::function<void(caf::actor_system_config&)> modules_of_mesh(const settings::Settings& settings);
/// Joins the mesh, which brings failures of other nodes to whoever leads the orchestrator's group.
/// Null where cluster.toml names no address for it, or it can't be had: trading does not need it.
/// `others` gets what is not for the orchestrator's decisions, on a thread of the mesh.
std::unique_ptr<Mesh> join_mesh(const settings::Settings& settings, caf::actor_system& system,
                                std::shared_ptr<RefRegistry> registry,
                                decltype(Mesh::Hooks::message) others);

}  // namespace holdfast::node
