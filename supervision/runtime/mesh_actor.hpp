// The mesh on the actor library's own connections: probes before it dials, pings before it trusts,
// drops who does not answer, dials again for ever, and fails what was under way when a peer goes.
// It stays on loopback: one frame made by hand ends a process, and over the library's own TLS words
// lay for minutes. Between hosts it goes through tunnels
// (replication/stream/mesh_tunnel_linux.hpp).
#pragma once

#include "supervision/runtime/mesh.hpp"
#include "supervision/runtime/system_actor.hpp"

namespace holdfast {

/// For ActorSystemSettings::register_types of a system that shall have a mesh.
std::function<void(caf::actor_system_config&)> mesh_modules();

/// Listens and begins to dial. `system` was made with mesh_modules() and outlives it. kInvalid: not
/// loopback; kUnavailable: the port can't be had.
Result<std::unique_ptr<Mesh>> start_mesh(caf::actor_system& system, MeshSettings settings,
                                         Mesh::Hooks hooks);

}  // namespace holdfast
