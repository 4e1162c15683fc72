// The audit keeper of a node: what the healing loop notes becomes records of this node's audit log,
// each under its note's number, so that all members of the orchestrator's group keep the same log,
// byte for byte, whoever leads. What this node's journal no longer tells it asks other members'
// keepers for. It decides nothing of the loop, and no order ever waits for it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nodes/node/healing/mesh_word.hpp"
#include "supervision/orchestrator/audit/audit_log_linux.hpp"
#include "supervision/orchestrator/audit/payload.hpp"
#include "supervision/orchestrator/healing/healing.hpp"
#include "supervision/runtime/actor.hpp"
#include "supervision/tree/supervisor_actor.hpp"

namespace holdfast::node {

/// Topics of the mesh that are the keeper's.
inline constexpr const char* kAuditWantTopic = "audit-want";
inline constexpr const char* kAuditRecordsTopic = "audit-records";

/// From the orchestrator's actor of this node: where it leads the notes of what was committed and
/// what is outstanding, elsewhere those of its copy of the state. In any order, as often as it
/// likes.
struct KeepNotes {
  std::shared_ptr<const std::vector<orchestrator::healing::Note>> notes;
  uint64_t last = 0;   // number of the last note that was ever made (State::last_note); 0: not told
  bool leads = false;  // this node leads: pages are told from here
};

/// Asks how the audit stands; the answer is a shared AuditKeeperView.
struct AuditKeeperQuery {};
struct AuditKeeperView {
  audit::AuditState log;      // as it was last, where the log is closed
  bool open = false;          // the log takes records
  std::string trouble;        // what keeps it from being complete, for people; "": nothing
  uint64_t pending = 0;       // records that wait: for room, or for those before them
  uint64_t missing_from = 0;  // the first record that is asked for elsewhere; 0: none
  uint64_t fetched = 0;       // records that came from other members
  uint64_t lost = 0;          // marked as lost
  uint64_t conflicts = 0;     // records that differ from what stands under their number
  uint64_t served = 0;        // records given to other members
  uint64_t ignored = 0;       // words of the mesh that made no sense
};
using AuditKeeperAnswer = std::shared_ptr<const AuditKeeperView>;

struct AuditKeeperSetup {
  audit::AuditSettings log;         // the actor opens it, and again when it has failed
  audit::Redaction redaction;       // the same on all members, or their logs differ
  std::vector<std::string> others;  // the other members' names; none: a node by itself
  /// Over the mesh, best effort.
  std::function<void(const std::string& to, const std::string& topic, std::string bytes)> send;
  /// This node's log holds all records up to here durably: NotesWritten, where this node leads.
  std::function<void(uint64_t upto)> durable;
  std::function<void(const std::string& line, bool alarm)> say;
  std::function<MonoTime()> mono;
  /// Opens the log; tests put theirs here. Null: audit::AuditLog::open.
  std::function<Result<std::shared_ptr<audit::AuditLog>>(const audit::AuditSettings&)> open = {};
};

/// The keeper as a child, "audit". It takes KeepNotes, MeshWord and AuditKeeperQuery; find it by
/// its path in the tree. A log that can't be opened or stops does not end it: it tells a human, and
/// tries again.
ChildDefinition audit_child(AuditKeeperSetup setup);

}  // namespace holdfast::node

HOLDFAST_LOCAL_MESSAGE(holdfast::node::KeepNotes)
HOLDFAST_LOCAL_MESSAGE(holdfast::node::AuditKeeperQuery)
HOLDFAST_LOCAL_MESSAGE(holdfast::node::AuditKeeperAnswer)
